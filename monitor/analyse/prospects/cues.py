"""Finds the wordings of lexicon/prospects.yaml in a sentence and says which way they point. Pure; knows no weights.

A sentence is read once, word by word. At each word the longest entry wins: "no longer opposes" is not "opposes".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from monitor import lexicon

GOOD = ("done", "promise", "support", "seek")
BAD = ("refuse", "doubt")
CATEGORIES = (*GOOD, *BAD, "step", "delay", "condition", "unclear", "contrast", "modal", "threat", "kremlin", "meet")

_NEGATION_REACH = 3  # words before a cue in which a negation turns it round
_NEGATION_AFTER = 2  # the same behind it, for languages that put the negation there
_MODAL_REACH = 3
_OBJECT_REACH = 4  # words after a bad cue in which a good one is only what is refused ("delays ratification")
_GAP = 6  # words that "~" may stand for
_WORD = re.compile(r"\w+")
_SAME = {"ё": "е", "ş": "ș", "ţ": "ț"}  # one letter to a reader
_ENTRY_PART = re.compile(r"[\w*]+|~")


@dataclass(frozen=True, slots=True)
class Cue:
    """A wording, by its offsets in the sentence that was searched."""

    category: str  # what it speaks for after negation and "could": one of CATEGORIES
    entry: str  # as it stands in the lexicon
    start: int
    end: int

    def moved(self, by: int) -> Cue:
        """The same wording, by its offsets in the text in which the sentence begins at ``by``."""
        return Cue(self.category, self.entry, self.start + by, self.end + by)


@dataclass(frozen=True, slots=True)
class _Entry:
    category: str
    text: str
    parts: tuple[str, ...]  # words, "word*" for an open end, "~" for a gap


@dataclass(frozen=True, slots=True)
class _Words:
    """The entries of one language, by the word they begin with."""

    exact: Mapping[str, Sequence[_Entry]]
    open: Mapping[str, Sequence[_Entry]]
    shortest: int  # of the keys of ``open``
    longest: int
    negations: frozenset[str]
    negations_after: frozenset[str]


def find(sentence: str, lang: str | None) -> list[Cue]:
    """The cues of a sentence in its order, none overlapping; none in a language that the lexicon lacks.

    A negated good word ("not invited") counts as "refuse", a negated bad one ("did not rule out") as "promise", a deed
    that only "may" happen as "promise". A good word right after a bad one is its object ("delays ratification"), and
    left out.
    """
    known = _words(lang)
    spans = [match.span() for match in _WORD.finditer(sentence)]
    words = [_plain_word(sentence[start:end]) for start, end in spans]
    found: list[Cue] = []
    modal_at = bad_at = -10  # the last words of their kind
    at = free = 0  # free: the first word that no cue has taken
    while at < len(words):
        entry, after = _longest(words, at, known)
        if entry is None:
            at += 1
            continue
        category = _turned(entry.category, words, range(free, at), after, at - modal_at <= _MODAL_REACH, known)
        if entry.category == "modal":
            modal_at = at
        good = category in GOOD or category == "step"
        if not (good and at - bad_at <= _OBJECT_REACH):
            found.append(Cue(category, entry.text, spans[at][0], spans[after - 1][1]))
        if category in BAD or category == "delay":
            bad_at = after - 1
        at = free = after
    return found


def plain(text: str) -> str:
    """Lower case, as long as the text itself: offsets stay. Accents count: "wurde" is not "würde"."""
    return "".join(_plain_character(character) for character in text)


def _turned(category: str, words: Sequence[str], before: range, after: int, may_be: bool, known: _Words) -> str:
    if category in GOOD or category in BAD or category == "step":
        near = words[max(before.start, before.stop - _NEGATION_REACH) : before.stop]
        behind = words[after : after + _NEGATION_AFTER]
        if not known.negations.isdisjoint(near) or not known.negations_after.isdisjoint(behind):
            return "promise" if category in BAD else "refuse"
    return "promise" if category == "done" and may_be else category


def _longest(words: Sequence[str], at: int, known: _Words) -> tuple[_Entry | None, int]:
    """The entry that takes the most words from ``at``, and the word after it; an exact one before an open one."""
    best: _Entry | None = None
    best_end = at
    for entry in _candidates(words[at], known):
        end = _end_of(entry.parts, 1, words, at + 1, known.negations) if len(entry.parts) > 1 else at + 1
        if end > best_end:
            best, best_end = entry, end
    return best, best_end


def _candidates(word: str, known: _Words) -> list[_Entry]:
    found = list(known.exact.get(word, ()))
    for length in range(min(len(word), known.longest), known.shortest - 1, -1):
        more = known.open.get(word[:length])
        if more:
            found.extend(more)
    return found


def _end_of(parts: Sequence[str], number: int, words: Sequence[str], at: int, negations: frozenset[str]) -> int:
    """The word after the entry when its parts from ``number`` on match from ``at`` on, else -1."""
    if number == len(parts):
        return at
    part = parts[number]
    if part != "~":
        if at < len(words) and (words[at].startswith(part[:-1]) if part[-1] == "*" else words[at] == part):
            return _end_of(parts, number + 1, words, at + 1, negations)
        return -1
    for skipped in range(_GAP + 1):
        end = _end_of(parts, number + 1, words, at + skipped, negations)
        if end > 0:
            return end
        if at + skipped >= len(words) or words[at + skipped] in negations:
            return -1
    return -1


@cache
def _words(lang: str | None) -> _Words:
    categories: dict[str, dict[str, list[str]]] = lexicon.load("prospects")
    exact: dict[str, list[_Entry]] = {}
    opened: dict[str, list[_Entry]] = {}
    for category, languages in categories.items():
        if category not in CATEGORIES:
            continue
        for text in languages.get(lang or "", ()):
            entry = _Entry(category, text, tuple(_ENTRY_PART.findall(plain(text))))
            first = entry.parts[0]
            (opened if first.endswith("*") else exact).setdefault(first.removesuffix("*"), []).append(entry)
    lengths = [len(key) for key in opened] or [1]
    return _Words(
        exact,
        opened,
        min(lengths),
        max(lengths),
        _plain_set(categories, "negation", lang),
        _plain_set(categories, "negation-after", lang),
    )


def _plain_set(categories: Mapping[str, Mapping[str, Sequence[str]]], name: str, lang: str | None) -> frozenset[str]:
    return frozenset(plain(word) for word in categories[name].get(lang or "", ()))


@cache
def _plain_character(character: str) -> str:
    return _SAME.get(folded := character.casefold()[:1], folded)


def _plain_word(word: str) -> str:
    return word.lower() if word.isascii() else plain(word)
