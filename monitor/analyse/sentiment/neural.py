"""The better scorer, of the extra [neural]: a small BERT in ONNX, eight-bit weights, one thread.

It is told the target by token type 1. Made by the programs in bench/sentiment; docs/models.md is its card.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

from monitor.analyse.sentiment.scorers import Probabilities, SentenceTarget
from monitor.errors import ScorerError

if TYPE_CHECKING:
    import numpy as np

FOLDER = "neural_model"  # beside this module
CARD, NETWORK, TOKENIZER = "model.json", "model.int8.onnx", "tokenizer.json"
_BATCH = 16

_Pieces = tuple[list[int], list[int]]  # piece numbers, and 1 for each piece of the target


class NeuralScorer:
    """The network of ``folder``; its files are compared with the checksums of its card before anything runs."""

    name = "neural"
    note = ""

    def __init__(self, folder: Traversable | None = None) -> None:
        """Raises ScorerError where the packages of the extra are missing, or a file is missing or damaged."""
        folder = folder or resources.files(__package__).joinpath(FOLDER)
        runtime, tokenizers = _packages()
        card = json.loads(_read(folder, CARD))
        network, tokenizer = (_checked(folder, name, card["sha256"]) for name in (NETWORK, TOKENIZER))
        self.revision: str = card["sha256"][NETWORK][:8]
        self.languages = frozenset(card["languages"])
        self._temperature: float = card["temperature"]
        self._max_pieces: int = card["max_pieces"]
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the workers are the parallelism
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        self._session = runtime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self._tokenizer = tokenizers.Tokenizer.from_buffer(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def probabilities(self, batch: Sequence[SentenceTarget]) -> list[Probabilities]:
        """Calibrated probabilities (negative, neutral, positive) for each (sentence, start, end)."""
        pieces = [self._pieces(*item) for item in batch]
        answers: list[Probabilities] = [(0.0, 1.0, 0.0)] * len(batch)
        by_length = sorted(range(len(batch)), key=lambda index: len(pieces[index][0]))
        for begin in range(0, len(by_length), _BATCH):
            chosen = by_length[begin : begin + _BATCH]
            for index, answer in zip(chosen, self._run([pieces[index] for index in chosen]), strict=True):
                answers[index] = answer
        return answers

    def _pieces(self, sentence: str, start: int, end: int) -> _Pieces:
        encoded = self._tokenizer.encode(sentence)
        marks = [int(last > first and first < end and last > start) for first, last in encoded.offsets]
        return window(encoded.ids, marks, self._max_pieces)

    def _run(self, pieces: Sequence[_Pieces]) -> list[Probabilities]:
        import numpy as np

        length = max(len(ids) for ids, _ in pieces)
        ids, mask, marks = (np.zeros((len(pieces), length), np.int64) for _ in range(3))
        for row, (numbers, marked) in enumerate(pieces):
            ids[row, : len(numbers)] = numbers
            mask[row, : len(numbers)] = 1
            marks[row, : len(numbers)] = marked
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": marks}
        return _softmax(self._session.run(["logits"], inputs)[0] / self._temperature)


def window(ids: list[int], marks: list[int], limit: int) -> _Pieces:
    """At most ``limit`` pieces around the first one of the target; the first and last one are kept."""
    if len(ids) <= limit:
        return ids, marks
    target = marks.index(1) if 1 in marks else 0
    begin = max(1, min(target - limit // 2, len(ids) - limit + 1))
    inside = slice(begin, begin + limit - 2)
    return [ids[0], *ids[inside], ids[-1]], [0, *marks[inside], 0]


def _softmax(logits: np.ndarray[Any, Any]) -> list[Probabilities]:
    import numpy as np

    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return [(row[0], row[1], row[2]) for row in (powers / powers.sum(axis=1, keepdims=True)).tolist()]


def _packages() -> tuple[Any, Any]:
    try:
        import numpy  # noqa: F401
        import onnxruntime
        import tokenizers
    except ImportError as error:
        raise ScorerError(
            f"the neural scorer needs the extra: pip install 'accession-monitor[neural]' ({error})"
        ) from error
    return onnxruntime, tokenizers


def _checked(folder: Traversable, name: str, sums: dict[str, str]) -> bytes:
    content = _read(folder, name)
    found = hashlib.sha256(content).hexdigest()
    if found != sums[name]:
        raise ScorerError(
            f"{name} of the neural scorer is damaged (SHA-256 {found}, should be {sums[name]}); install again"
        )
    return content


def _read(folder: Traversable, name: str) -> bytes:
    try:
        return folder.joinpath(name).read_bytes()
    except OSError as error:
        raise ScorerError(f"{name} of the neural scorer cannot be read: {error}") from error
