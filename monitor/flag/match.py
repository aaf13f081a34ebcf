"""Finds all terms of all topics in a document in one pass: one Aho-Corasick automaton over the folded words. Knows no
queries and no scores.

The words are joined by single blanks, so a whole word is " word ", a stem " stem", a phrase " two words ": the
automaton itself keeps word boundaries. A term with wildcards is found by its longest literal piece and then compared
word by word.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from ahocorasick_rs import AhoCorasick

from monitor.flag.normalise import words
from monitor.flag.query import Term
from monitor.model import FieldName

_BREAK = "\x00"  # stands between title and text; no word folds to it
Span = tuple[int, int]  # word numbers [first, after last)


@dataclass(frozen=True, slots=True)
class Reading:
    """A document's title and text as one row of words. Word ``body_start`` is the first of the text."""

    title: str
    text: str
    folded: list[str]
    starts: list[int]  # in title or text, whichever the word is in
    ends: list[int]
    body_start: int

    def field_of(self, word: int) -> FieldName:
        """The string that a word number counts in."""
        return "title" if word < self.body_start else "text"

    def surface(self, first: int, after: int) -> str:
        """The words ``first`` to ``after`` as they stand in the document."""
        source = self.title if first < self.body_start else self.text
        return source[self.starts[first] : self.ends[after - 1]]


def read(title: str, text: str) -> Reading:
    """A document's words, title first."""
    head, body = words(title), words(text)
    return Reading(
        title=title,
        text=text,
        folded=[*head.folded, _BREAK, *body.folded],
        starts=[*head.starts, len(title), *body.starts],
        ends=[*head.ends, len(title), *body.ends],
        body_start=len(head.folded) + 1,
    )


@dataclass(slots=True)
class _Anchor:
    """A term as found by one of its pieces."""

    number: int  # of the term
    words_before: int  # words of the term before the piece's first
    at_word_start: bool  # the piece begins with a blank
    length: int  # words of the term
    checks: tuple[tuple[int, Callable[[str], bool]], ...]  # (word of the term, its test) for what the piece leaves open
    exact: str | None


@dataclass(slots=True)
class Terms:
    """Numbers terms; equal terms written in several places get one number."""

    numbers: dict[tuple[tuple[str, ...], str | None], int] = field(default_factory=dict)
    terms: list[Term] = field(default_factory=list)

    def number(self, term: Term) -> int:
        """The number of a term, new or known."""
        key = (term.tokens, term.exact)
        if key not in self.numbers:
            self.numbers[key] = len(self.terms)
            self.terms.append(term)
        return self.numbers[key]


class Matcher:
    """The automaton over a fixed list of terms."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._by_needle: list[list[_Anchor]] = []
        needles: dict[str, int] = {}
        for number, term in enumerate(terms):
            needle, anchor = _anchor(number, term)
            if needle not in needles:
                needles[needle] = len(needles)
                self._by_needle.append([])
            self._by_needle[needles[needle]].append(anchor)
        self._automaton = AhoCorasick(list(needles), store_patterns=False) if needles else None

    def find(self, reading: Reading) -> dict[int, list[Span]]:
        """All places of all terms: term number -> word spans in order."""
        found: dict[int, list[Span]] = {}
        if self._automaton is None:
            return found
        joined = f" {' '.join(reading.folded)} "
        # the blank before each word; the words themselves begin one further on
        blanks = list(accumulate((len(word) + 1 for word in reading.folded), initial=0))
        by_needle = self._by_needle
        for needle, start, _ in self._automaton.find_matches_as_indexes(joined, overlapping=True):
            word = bisect_right(blanks, start) - 1
            for anchor in by_needle[needle]:
                first = word - anchor.words_before
                after = first + anchor.length
                if (anchor.checks or anchor.exact is not None) and not _holds(anchor, reading, first, after):
                    continue
                spans = found.setdefault(anchor.number, [])
                if not spans or spans[-1] != (first, after):
                    spans.append((first, after))
        return found


def _holds(anchor: _Anchor, reading: Reading, first: int, after: int) -> bool:
    if first < 0 or after > len(reading.folded):
        return False
    if not all(test(reading.folded[first + place]) for place, test in anchor.checks):
        return False
    if anchor.exact is None:
        return True
    surface = reading.surface(first, after).replace("\u00ad", "")
    return surface == anchor.exact or " ".join(surface.split()) == anchor.exact


def _anchor(number: int, term: Term) -> tuple[str, _Anchor]:
    """The piece that the automaton looks for, and what is left to check once it is found."""
    joined = f" {' '.join(term.tokens)} "
    pieces = joined.split("*")
    best = max(range(len(pieces)), key=lambda index: len(pieces[index].strip()) * 4 + len(pieces[index]))
    needle = pieces[best]
    before = "*".join(pieces[:best]) + ("*" if best else "")
    at_word_start = needle.startswith(" ")
    words_before = before.count(" ") - (0 if at_word_start else 1)
    checks = (
        tuple((place, _test(token)) for place, token in enumerate(term.tokens))
        if len(_open_pieces(pieces)) > 1 or not at_word_start
        else ()
    )
    return needle, _Anchor(number, words_before, at_word_start, len(term.tokens), checks, term.exact)


def _open_pieces(pieces: Iterable[str]) -> list[str]:
    return [piece for piece in pieces if piece.strip()]


def _test(token: str) -> Callable[[str], bool]:
    if token == "*":
        return lambda word: word != _BREAK
    if "*" not in token:
        return token.__eq__
    head, *middle, tail = token.split("*")
    if not any(middle) and not tail:
        return lambda word: word.startswith(head)
    least = len(token.replace("*", ""))

    def test(word: str) -> bool:
        if len(word) < least or not word.startswith(head) or not word.endswith(tail):
            return False
        place, limit = len(head), len(word) - len(tail)
        for part in middle:
            place = word.find(part, place, limit)
            if place < 0:
                return False
            place += len(part)
        return True

    return test
