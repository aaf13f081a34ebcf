"""The better scorers, of the extra [neural]: a small English network, and one of many languages for all others.

Which of them a language gets, or none, was decided by measurement; docs/models.md has the figures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from monitor.analyse import multilingual, onnx_model
from monitor.analyse.onnx_model import NETWORK, OnnxModel, softmax
from monitor.analyse.sentiment.scorers import Probabilities, Scorer, SentenceTarget

FOLDER = "neural_model"  # beside this module


class NeuralScorer(Scorer):
    """The English network, and for the languages on its card the one of many languages, which is loaded when needed."""

    name = "neural"

    def __init__(self) -> None:
        """Raises ScorerError where the packages of the extra are missing, or a file is missing or damaged."""
        self._english = EnglishScorer()
        multilingual.check()
        card = multilingual.card()
        revision = hashlib.sha256(json.dumps(card).encode()).hexdigest()[:8]  # network, tokenizer and calibration
        self._others = {lang: LanguageScorer(lang, card["languages"], revision) for lang in card["measured"]}
        self._both = BothScorer(self._english, LanguageScorer("en", card["languages"], revision))
        self.revision = f"{self._english.revision}+{revision}"
        self.languages = self._english.languages | self._others.keys()

    def in_language(self, lang: str | None) -> Scorer | None:
        """The scorer of that language."""
        return self._english if lang in self._english.languages else self._others.get(lang or "")

    def of_documents(self, lang: str | None) -> Scorer | None:
        """For English both networks together: the small one alone often takes what is neutral on our subject for a
        polarity. Sentences that are asked about one by one (``in_language``) keep the small one, which is five times as
        fast.
        """
        return self._both if lang in self._english.languages else self.in_language(lang)

    def probabilities(self, batch: Sequence[SentenceTarget]) -> list[Probabilities]:
        """As the English scorer answers; other texts are asked through ``in_language``."""
        return self._english.probabilities(batch)


class EnglishScorer(Scorer):
    """A network of 6 layers that is told the target by token type."""

    name = "neural"

    def __init__(self, folder: Traversable | None = None) -> None:
        """Raises ScorerError where the packages of the extra are missing, or a file is missing or damaged."""
        self._model = OnnxModel(folder or _folder())
        card = self._model.card
        self.revision: str = card["sha256"][NETWORK][:8]
        self.languages = frozenset(card["languages"])
        self._temperature: float = card["temperature"]

    def probabilities(self, batch: Sequence[SentenceTarget]) -> list[Probabilities]:
        """Calibrated probabilities (negative, neutral, positive) for each (sentence, start, end)."""
        if not batch:
            return []
        return softmax(self._model.run("logits", [self._model.pieces(*item) for item in batch]) / self._temperature)


class BothScorer(Scorer):
    """The mean of two scorers' probabilities."""

    name = "neural"

    def __init__(self, first: Scorer, second: Scorer) -> None:
        self._scorers = (first, second)
        self.languages = first.languages
        self.revision = f"{first.revision}+{second.revision}"

    def probabilities(self, batch: Sequence[SentenceTarget]) -> list[Probabilities]:
        """Mean probabilities (negative, neutral, positive) for each (sentence, start, end).

        Raises:
            ScorerError: a network cannot be loaded.
        """
        answers = zip(*(scorer.probabilities(batch) for scorer in self._scorers), strict=True)
        return [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2) for a, b in answers]


class LanguageScorer(Scorer):
    """The network of many languages, calibrated for one of them."""

    name = "multilingual"

    def __init__(self, lang: str, calibrations: dict[str, dict[str, Any]], revision: str) -> None:
        """``calibrations``: by language; ``*`` is that of languages without labelled sentences to learn it from."""
        own = calibrations.get(lang, calibrations["*"])
        self.languages = frozenset((lang,))
        self.revision = revision
        self.decision: Probabilities = tuple(own["decision"])
        self._temperature: float = own["temperature"]
        self._bias: list[float] = own["bias"]

    def probabilities(self, batch: Sequence[SentenceTarget]) -> list[Probabilities]:
        """Calibrated probabilities (negative, neutral, positive) for each (sentence, start, end).

        Raises:
            ScorerError: the network cannot be loaded.
        """
        if not batch:
            return []
        return softmax(multilingual.shipped().logits(batch) / self._temperature + self._bias)


def check() -> None:
    """Are the files of both networks there and whole? Loads nothing of theirs. Raises ScorerError."""
    onnx_model.check(_folder())
    multilingual.check()


def _folder() -> Traversable:
    return resources.files(__package__).joinpath(FOLDER)
