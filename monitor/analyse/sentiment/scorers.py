"""What a sentiment scorer is, and which one a configuration means. Computes no score itself."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from monitor.errors import ScorerError
from monitor.settings import SentimentSettings

SentenceTarget = tuple[str, int, int]  # a sentence, and where the target stands in it: sentence[start:end]
Probabilities = tuple[float, float, float]  # negative, neutral, positive; they sum to 1


class Scorer(ABC):
    """Tone of a sentence toward a target in it."""

    name: str
    revision: str  # of the model files; stored beside every score
    languages: frozenset[str]  # ISO 639-1 codes it was measured for; other languages get no score
    note: str = ""  # why it is this scorer and not a better one
    # what the probabilities are multiplied by where the likeliest label is chosen, for the best macro-F1: where most
    # sentences are neutral, the two others are rarely the likeliest
    decision: Probabilities = (1.0, 1.0, 1.0)

    @abstractmethod
    def probabilities(self, batch: Sequence[SentenceTarget]) -> list[Probabilities]:
        """Calibrated probabilities for each item of ``batch``, in order."""

    def in_language(self, lang: str | None) -> Scorer | None:
        """The scorer for texts in ``lang``; None where none was measured for it."""
        return self if lang in self.languages else None

    def of_documents(self, lang: str | None) -> Scorer | None:
        """The scorer for whole documents in ``lang``, which are about our subject; None where there is none."""
        return self.in_language(lang)


def load_scorer(settings: SentimentSettings) -> Scorer:
    """The scorer that ``settings.scorer`` names.

    ``auto`` is the neural scorer where its extra is installed and its files are whole, else the linear one, whose
    ``note`` then says why. ``package.module:function`` is a function that takes a batch of (sentence, start, end) and
    returns (negative, neutral, positive) probabilities for each.

    Raises:
        ScorerError: the scorer is unknown, its packages are missing, or its files are damaged.
    """
    known: dict[str, Callable[[], Scorer]] = {
        "auto": _best,
        "linear": _linear,
        "neural": _neural,
        "hub": lambda: _hub(settings),
    }
    if settings.scorer in known:
        return known[settings.scorer]()
    if ":" in settings.scorer:
        return FunctionScorer(settings.scorer)
    raise ScorerError(
        f"sentiment.scorer is {settings.scorer!r}; it must be one of {', '.join(known)}, or package.module:function"
    )


class FunctionScorer(Scorer):
    """Somebody else's scorer: ``package.module:function``, with optional attributes ``revision`` and ``languages``."""

    def __init__(self, path: str) -> None:
        module_name, _, function_name = path.partition(":")
        try:
            self._function = getattr(importlib.import_module(module_name), function_name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ScorerError(f"sentiment.scorer {path!r} cannot be loaded: {error}") from error
        self.name = path
        self.revision = str(getattr(self._function, "revision", "unversioned"))
        self.languages = frozenset(getattr(self._function, "languages", ("en",)))

    def probabilities(self, batch: Sequence[SentenceTarget]) -> list[Probabilities]:
        """What the function answers, checked: three probabilities an item.

        Raises:
            ScorerError: it answered anything else.
        """
        answers = [tuple(float(p) for p in answer) for answer in self._function(list(batch))]
        if len(answers) != len(batch) or any(len(a) != 3 or not 0.99 < sum(a) < 1.01 for a in answers):
            raise ScorerError(
                f"sentiment.scorer {self.name!r} must answer (negative, neutral, positive) that sum to 1 for each item"
            )
        return [(negative, neutral, positive) for negative, neutral, positive in answers]


def _best() -> Scorer:
    try:
        return _neural()
    except ScorerError as error:
        scorer = _linear()
        scorer.note = f"linear instead of neural: {error}"
        return scorer


def _linear() -> Scorer:
    from monitor.analyse.sentiment.linear import LinearScorer

    return LinearScorer()


def _neural() -> Scorer:
    from monitor.analyse.sentiment.neural import NeuralScorer

    return NeuralScorer()


def _hub(settings: SentimentSettings) -> Scorer:
    from monitor.analyse.sentiment.hub import HubScorer

    return HubScorer(settings.hub)
