"""A network in ONNX beside its tokenizer and its card: checked, loaded, run on word pieces. Extra [neural].

Knows no task: what goes in and what comes out is the caller's.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

from monitor.errors import ScorerError

if TYPE_CHECKING:
    import numpy as np

    Matrix = np.ndarray[Any, np.dtype[np.float32]]

CARD, NETWORK, TOKENIZER = "model.json", "model.int8.onnx", "tokenizer.json"
_BATCH = 16

# path, size and time of change of the files that were found whole; workers inherit it
_WHOLE: set[tuple[str, int, int]] = set()
_LONE = re.compile("[\ud800-\udfff]")  # half a character, which no tokenizer takes

Pieces = tuple[list[int], list[int]]  # piece numbers, and 1 for each piece of the target


class OnnxModel:
    """The network of ``folder``; its files are compared with the checksums of its card before anything runs.

    It is loaded when it is first asked: most workers read many stories before one of them needs it.
    """

    def __init__(self, folder: Traversable) -> None:
        """Raises ScorerError where the packages of the extra are missing, or a file is missing or damaged."""
        self._runtime, self._tokenizers = _packages()
        self._folder = folder
        check(folder)
        self.card = read_card(folder)
        self._max_pieces: int = self.card["max_pieces"]
        self._pad: int = self.card.get("pad", 0)

    def pieces(self, text: str, start: int, end: int) -> Pieces:
        """The word pieces of ``text`` with those of ``text[start:end]`` marked, at most the card's number."""
        encoded = self._tokenizer.encode(_LONE.sub("\ufffd", text))
        marks = [int(last > first and first < end and last > start) for first, last in encoded.offsets]
        return window(encoded.ids, marks, self._max_pieces)

    def run(self, output: str, items: Sequence[Pieces]) -> Matrix:
        """The named output for each item, a row each, in order. ``items`` is not empty."""
        import numpy as np

        by_length = sorted(range(len(items)), key=lambda index: len(items[index][0]))
        rows: list[Any] = [None] * len(items)
        for begin in range(0, len(by_length), _BATCH):
            chosen = by_length[begin : begin + _BATCH]
            for index, row in zip(chosen, self._batch(output, [items[index] for index in chosen]), strict=True):
                rows[index] = row
        return np.array(rows, np.float32)

    @cached_property
    def _session(self) -> Any:
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the workers are the parallelism
        try:
            with resources.as_file(
                self._folder.joinpath(NETWORK)
            ) as path:  # by its path: bytes would be kept beside it
                return self._runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own classes, which derive from nothing closer
            raise ScorerError(f"the network in {self._folder} cannot be loaded: {error}") from error

    @cached_property
    def _tokenizer(self) -> Any:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        tokenizer = self._tokenizers.Tokenizer.from_buffer(_read(self._folder, TOKENIZER))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    @cached_property
    def _only_what_is_asked(self) -> Any:
        options = self._runtime.RunOptions()
        options.only_execute_path_to_fetches = True
        return options

    def _batch(self, output: str, items: Sequence[Pieces]) -> Matrix:
        import numpy as np

        length = max(len(ids) for ids, _ in items)
        mask, marks = (np.zeros((len(items), length), np.int64) for _ in range(2))
        ids = np.full((len(items), length), self._pad, np.int64)
        for row, (numbers, marked) in enumerate(items):
            ids[row, : len(numbers)] = numbers
            mask[row, : len(numbers)] = 1
            marks[row, : len(numbers)] = marked
        inputs = [one.name for one in self._session.get_inputs()]
        named = dict(zip(inputs, (ids, mask, marks), strict=True))
        answer: Matrix = self._session.run([output], named, self._only_what_is_asked)[0]
        return answer


def check(folder: Traversable) -> None:
    """Compare the files in ``folder`` with their checksums, once: what was found whole is not read again.

    Raises:
        ScorerError: one is missing or damaged.
    """
    for name, expected in read_card(folder)["sha256"].items():
        try:
            with resources.as_file(folder.joinpath(name)) as path, path.open("rb") as file:
                facts = os.fstat(file.fileno())
                known = (str(path), facts.st_size, facts.st_mtime_ns)
                if known in _WHOLE:
                    continue
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable(name, error) from error
        if found != expected:
            raise ScorerError(
                f"{name} of the neural scorer is damaged (SHA-256 {found}, should be {expected}); install again"
            )
        _WHOLE.add(known)


def read_card(folder: Traversable) -> dict[str, Any]:
    """The card of the network in ``folder``; raises ScorerError where it cannot be read."""
    card: dict[str, Any] = json.loads(_read(folder, CARD))
    return card


def softmax(logits: Matrix) -> list[tuple[float, float, float]]:
    """Rows of three logits to rows of probabilities."""
    import numpy as np

    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return [(row[0], row[1], row[2]) for row in (powers / powers.sum(axis=1, keepdims=True)).tolist()]


def window(ids: list[int], marks: list[int], limit: int) -> Pieces:
    """At most ``limit`` pieces around the first one of the target; the first and last one are kept."""
    if len(ids) <= limit:
        return ids, marks
    target = marks.index(1) if 1 in marks else 0
    begin = max(1, min(target - limit // 2, len(ids) - limit + 1))
    inside = slice(begin, begin + limit - 2)
    return [ids[0], *ids[inside], ids[-1]], [0, *marks[inside], 0]


def _packages() -> tuple[Any, Any]:
    try:
        import numpy  # noqa: F401
        import onnxruntime
        import tokenizers
    except Exception as error:  # an extension may raise anything where it does not fit the machine
        raise ScorerError(
            f"the neural scorer needs the extra: pip install 'accession-monitor[neural]' ({error})"
        ) from error
    return onnxruntime, tokenizers


def _read(folder: Traversable, name: str) -> bytes:
    try:
        return folder.joinpath(name).read_bytes()
    except OSError as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: OSError) -> ScorerError:
    return ScorerError(f"{name} of the neural scorer cannot be read: {error}")
