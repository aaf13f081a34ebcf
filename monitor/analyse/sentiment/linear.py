"""The scorer of the core install: a linear model over words and their place beside the target, in plain Python.

Its weights stand in linear.json and are made by bench/sentiment/train_linear.py, which calls ``features`` too.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import pairwise

from monitor import lexicon
from monitor.analyse.sentiment.scorers import Probabilities, Scorer, SentenceTarget
from monitor.errors import ScorerError

WEIGHTS = "linear.json"
_WORD = re.compile(r"\w+(?:'\w+)?|[^\w\s]")
_TARGET = "_t_"
_CLAUSE_MARKS = "; : — – ( ) , -"
_CLAUSE_WORDS = "but while although though whereas because which who after before when if that and"
_CLAUSE_ENDS = frozenset(f"{_CLAUSE_MARKS} {_CLAUSE_WORDS}".split())
_NEGATIONS = frozenset("not no never without cannot hardly neither nor none nobody nothing lack lacks".split())  # noqa: SIM905
_NEGATED = -0.74  # a negated word keeps this much of its valence, turned round: VADER's constant (Hutto & Gilbert 2014)


class LinearScorer(Scorer):
    """Multinomial logistic regression, read from ``linear.json``; neutral is the class whose logit is 0."""

    name = "linear"

    def __init__(self) -> None:
        raw = resources.files(__package__).joinpath(WEIGHTS).read_bytes()
        model = json.loads(raw)
        self.revision = hashlib.sha256(raw).hexdigest()[:8]
        self.languages = frozenset(model["languages"])
        per_unit = model["units_per_one"] * model["temperature"]
        self._intercept = (model["intercept"][0] / per_unit, model["intercept"][1] / per_unit)
        self._weights = {
            f"{template}={word}": (negative / per_unit, positive / per_unit)
            for template, words in model["weights"].items()
            for word, (negative, positive) in words.items()
        }

    def probabilities(self, batch: Sequence[SentenceTarget]) -> list[Probabilities]:
        """Calibrated probabilities (negative, neutral, positive) for each (sentence, start, end)."""
        return [self._one(*item) for item in batch]

    def _one(self, sentence: str, start: int, end: int) -> Probabilities:
        negative, positive = self._intercept
        weight_of = self._weights.get
        for name, value in features(sentence, start, end).items():
            weights = weight_of(name)
            if weights is not None:
                negative += weights[0] * value
                positive += weights[1] * value
        top = max(negative, positive, 0.0)
        exps = (math.exp(negative - top), math.exp(-top), math.exp(positive - top))
        total = sum(exps)
        return exps[0] / total, exps[1] / total, exps[2] / total


def features(sentence: str, start: int, end: int) -> dict[str, float]:
    """Named values that describe ``sentence`` as seen from its target ``sentence[start:end]``, whose words are hidden.

    ``u b L R`` words, pairs and the words of each side, weighed down in long sentences; ``l r l0..r2`` near words;
    ``c`` words of the target's clause; ``s`` stems; ``p q k`` words joined with the target's place;
    ``v d n`` sums of valences of the VADER word list over sides, near words, clause, and by distance.
    """
    left = _words(sentence[:start])
    words = [*left, _TARGET, *_words(sentence[end:])]
    place = len(left)
    found: dict[str, float] = {}
    long_sentence = math.sqrt(40 / len(words))
    for name in _sentence_words(words, place):
        found[name] = found.get(name, 0.0) + long_sentence
    clause = _clause(words, place)
    for name in _near_words(words, place, clause):
        found[name] = found.get(name, 0.0) + 1.0
    found |= _valences(words, place, clause)
    found["n=length"] = min(1.0, len(words) / 50)
    found["n=place"] = place / len(words)
    found["n=quotes"] = float('"' in sentence or "“" in sentence)
    return found


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower().replace("’", "'"))


def _sentence_words(words: list[str], place: int) -> Iterator[str]:
    for index, word in enumerate(words):
        yield "u=" + word
        if index != place:
            yield ("L=" if index < place else "R=") + word
    for first, second in pairwise(words):
        yield f"b={first} {second}"


def _near_words(words: list[str], place: int, clause: tuple[int, int]) -> Iterator[str]:
    before, after = words[max(0, place - 12) : place], words[place + 1 : place + 13]
    for side, near in (("l", before[::-1]), ("r", after)):
        for distance, word in enumerate(near[:6]):
            yield f"{side}={word}"
            yield f"{side}{min(distance, 2)}={word}"
        for word in near[:4]:
            yield f"k={side} {word}"
    for word in words[slice(*clause)]:
        yield "c=" + word
    for word in before + after:
        if len(word) > 5:
            yield "s=" + word[:5]
    if before and after:
        yield f"p={before[-1]} {after[0]}"
    if len(after) > 1:
        yield f"q={after[0]} {after[1]}"
    if len(before) > 1:
        yield f"q={before[-2]} {before[-1]} {_TARGET}"


def _clause(words: list[str], place: int) -> tuple[int, int]:
    """From the last mark or conjunction before the target to the first one after it."""
    first, last = place, place + 1
    while first > 0 and words[first - 1] not in _CLAUSE_ENDS:
        first -= 1
    while last < len(words) and words[last] not in _CLAUSE_ENDS:
        last += 1
    return first, last


def _valences(words: list[str], place: int, clause: tuple[int, int]) -> dict[str, float]:
    valence = _word_list()
    values = [valence.get(word, 0.0) for word in words]
    for index, value in enumerate(values):
        if value and any(word in _NEGATIONS or word.endswith("n't") for word in words[max(0, index - 3) : index]):
            values[index] = _NEGATED * value
    found: dict[str, float] = {}
    near_left, near_right = values[max(0, place - 8) : place], values[place + 1 : place + 9]
    for zone, part in (("left", near_left), ("right", near_right), ("all", values), ("clause", values[slice(*clause)])):
        total = sum(part)
        if total:
            found[f"v={zone} {'good' if total > 0 else 'bad'}"] = min(abs(total), 6.0) / 3
    weighed = [(value, 1 + abs(index - place) / 4) for index, value in enumerate(values) if value]
    found["d=good"] = sum(value / distance for value, distance in weighed if value > 0) / 2
    found["d=bad"] = sum(-value / distance for value, distance in weighed if value < 0) / 2
    found["n=nothing left"] = float(not any(values[:place]))
    found["n=nothing right"] = float(not any(values[place:]))
    return found


@cache
def _word_list() -> Mapping[str, float]:
    """VADER's words and their mean valence, -4..4, from the file in its package, and those of ours that it lacks.

    The package's own analyser is not used: on sentences of news it is worse, and importing it costs more than this.
    """
    try:
        text = resources.files("vaderSentiment").joinpath("vader_lexicon.txt").read_text(encoding="utf-8")
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise ScorerError(f"the linear scorer needs the word list of the package vaderSentiment: {error}") from error
    entries = (line.split("\t") for line in text.splitlines() if line.strip())
    ours = {word: value for value, words in lexicon.load("valences")["en"].items() for word in words.split()}
    return ours | {entry[0]: float(entry[1]) for entry in entries}
