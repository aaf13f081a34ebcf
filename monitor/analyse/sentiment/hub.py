"""A classifier from the Hugging Face hub or a folder, by the names of the transformers pipeline; extra [hub].

It is for trying models: what it needs is large, and it may download. The model is asked with the sentence as ``text``
and the target as ``text_pair`` (``input: pair``, the default), or with the sentence alone (``input: sentence``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from monitor.analyse.sentiment.scorers import Probabilities, Scorer, SentenceTarget
from monitor.errors import ScorerError

_OURS = {"input", "label_map", "languages"}
_TO_MAKE = {"task", "model", "revision", "tokenizer", "framework", "device", "device_map", "dtype", "torch_dtype"}
_TO_MAKE |= {"use_fast", "token", "trust_remote_code", "model_kwargs", "config", "batch_size", "num_workers"}
_TO_ASK = {"function_to_apply", "truncation", "max_length", "padding"}
_TASKS = ("text-classification", "sentiment-analysis")
_COLUMNS = {"negative": 0, "neg": 0, "neutral": 1, "neu": 1, "positive": 2, "pos": 2}


class HubScorer(Scorer):
    """``transformers.pipeline`` with the settings under ``sentiment.hub``; its labels are read by name."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Raises ScorerError for unknown settings, labels that have no polarity, or a model that cannot be loaded."""
        _check(settings)
        self._as_pair = settings.get("input", "pair") == "pair"
        self._ask = {"truncation": True} | {key: settings[key] for key in _TO_ASK & settings.keys()} | {"top_k": None}
        self._pipeline = _pipeline({key: settings[key] for key in _TO_MAKE & settings.keys()})
        self._columns = _columns(self._pipeline.model.config.id2label, settings.get("label_map", {}))
        self.name = f"hub:{settings['model']}"
        self.revision = str(
            settings.get("revision") or getattr(self._pipeline.model.config, "_commit_hash", None) or "unversioned"
        )
        self.languages = frozenset(settings.get("languages", ("en",)))

    def probabilities(self, batch: Sequence[SentenceTarget]) -> list[Probabilities]:
        """The model's probabilities, summed by polarity, for each (sentence, start, end).

        Raises:
            ScorerError: the model failed on the batch.
        """
        if not batch:
            return []
        inputs = [self._input(*item) for item in batch]
        try:
            answers = self._pipeline(inputs, **self._ask)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise ScorerError(f"{self.name} failed on {len(batch)} sentences: {error}") from error
        return [self._three(answer) for answer in answers]

    def _input(self, sentence: str, start: int, end: int) -> dict[str, str]:
        return {"text": sentence, "text_pair": sentence[start:end]} if self._as_pair else {"text": sentence}

    def _three(self, answer: Sequence[Mapping[str, Any]]) -> Probabilities:
        sums = [0.0, 0.0, 0.0]
        for one in answer:
            sums[self._columns[one["label"]]] += float(one["score"])
        total = sum(sums) or 1.0
        return sums[0] / total, sums[1] / total, sums[2] / total


def _check(settings: Mapping[str, Any]) -> None:
    known = _OURS | _TO_MAKE | _TO_ASK
    for key in settings:
        if key not in known:
            nearest = get_close_matches(key, known, 1)
            raise ScorerError(
                f"sentiment.hub has no setting {key!r}" + (f"; did you mean {nearest[0]}?" if nearest else "")
            )
    if not settings.get("model"):
        raise ScorerError("sentiment.hub needs a model: a folder, or a name on the hub")
    if settings.get("task", _TASKS[0]) not in _TASKS:
        raise ScorerError(f"sentiment.hub.task is {settings['task']!r}; it must be one of {', '.join(_TASKS)}")
    if settings.get("input", "pair") not in ("pair", "sentence"):
        raise ScorerError(f"sentiment.hub.input is {settings['input']!r}; it must be pair or sentence")


def _pipeline(settings: Mapping[str, Any]) -> Any:
    try:
        import transformers
    except ImportError as error:
        raise ScorerError(
            f"sentiment.scorer hub needs the extra: pip install 'accession-monitor[hub]' ({error})"
        ) from error
    try:
        return transformers.pipeline(**({"task": _TASKS[0]} | dict(settings)))
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise ScorerError(f"the model {settings['model']!r} cannot be loaded: {error}") from error


def _columns(labels: Mapping[int, str], given: Mapping[str, str]) -> dict[str, int]:
    """The model's label -> 0 negative, 1 neutral, 2 positive."""
    columns = {}
    for label in labels.values():
        column = _COLUMNS.get(str(given.get(label, label)).lower())
        if column is None:
            raise ScorerError(f"the model has a label {label!r}; say in sentiment.hub.label_map which polarity it is")
        columns[label] = column
    return columns
