"""The network of many languages (multilingual_model/, extra [neural]): the tone of a sentence, and what it means.

Above its middle it has two halves: one for the tone toward a marked target, one that makes a vector of the sentence,
near those of its translations. Made by the programs in bench/sentiment; docs/models.md is its card.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

from monitor.analyse import onnx_model
from monitor.analyse.onnx_model import NETWORK, OnnxModel, read_card

if TYPE_CHECKING:
    from monitor.analyse.onnx_model import Matrix

FOLDER = "multilingual_model"  # beside this module


class Multilingual:
    """The network and its two answers; loaded once a process, see ``shipped``."""

    def __init__(self, folder: Traversable | None = None) -> None:
        """Raises ScorerError where the packages of the extra are missing, or a file is missing or damaged."""
        self._model = OnnxModel(folder or _folder())

    def logits(self, batch: Sequence[tuple[str, int, int]]) -> Matrix:
        """Negative, neutral, positive toward ``sentence[start:end]``, a row each; before any calibration."""
        return self._model.run("logits", [self._model.pieces(*item) for item in batch])

    def meanings(self, texts: Sequence[str]) -> Matrix:
        """A vector of length 1 for each text; the product of two is near 1 where they say the same.

        The words before the text are those that the model was made with (Wang et al. 2024, "Multilingual E5").
        """
        return self._model.run("meaning", [self._model.pieces(f"query: {text}", 0, 0) for text in texts])


def vectors(texts: Sequence[str]) -> list[bytes]:
    """The meanings as they are kept: four bytes of the network's checksum, 384 signed bytes scaled to the largest.

    Raises:
        ScorerError: the network cannot be loaded.
    """
    import numpy as np

    mark = bytes.fromhex(card()["sha256"][NETWORK][:8])
    found = shipped().meanings(texts)
    return [mark + np.rint(row / np.abs(row).max() * 127).astype(np.int8).tobytes() for row in found]


def check() -> None:
    """Are the files there and whole? Raises ScorerError."""
    onnx_model.check(_folder())


@cache
def shipped() -> Multilingual:
    """The network that comes with the program. Raises ScorerError."""
    return Multilingual()


@cache
def card() -> dict[str, Any]:
    """Its card, without loading it. Raises ScorerError."""
    return read_card(_folder())


def _folder() -> Traversable:
    return resources.files(__package__).joinpath(FOLDER)
