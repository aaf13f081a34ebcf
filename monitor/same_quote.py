"""Finds words that were quoted before: the same saying in another story, shortened, reworded or translated. Pure.

Within a language it compares the wording, across languages the meaning of the quotations, where they carry one (extra
[neural]). Precision before recall: two sayings taken for one would put words into a mouth on a day when nobody spoke
them.
"""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from operator import mul

from monitor.model import KnownQuote, Quote
from monitor.people import same_person

MIN_WORDS = 4  # of the shorter wording; less is a phrase that anybody uses
SHARED_WORDS = 0.75  # share of the shorter wording's words that the other has too
SHARED_PAIRS = 0.5  # the same for pairs of neighbours: the same words in another order are another sentence
SURE_WORDS, SURE_PAIRS = 8, 0.8  # enough to be the same although the speaker is not, or differently, named
# cosine from which one speaker's words in two languages are one saying: bench/translated_quotes.py finds 3 of 4
# translations, and takes one in 150 of the same speaker's other sayings on the same subject for one
TRANSLATED = 0.46

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")
_STEM = 6  # letters that are compared: inflection stands at the end


def said_before(quotes: Sequence[Quote], lang: str | None, known: Sequence[KnownQuote]) -> dict[int, int]:
    """Which of a story's quotations repeat a saying that is stored.

    Args:
        quotes: of the new story, in its order.
        lang: the story's language.
        known: quotations of the days before; the caller says how many days, since politicians repeat their lines.

    Returns:
        Index of the quote -> ``saying_id``, for those that were found: the same wording before a translation.
    """
    found = {}
    for index, quote in enumerate(quotes):
        best = max(known, key=lambda one: _likeness(quote, lang, one), default=None)
        if best is not None and _likeness(quote, lang, best) > 0:
            found[index] = best.saying_id
    return found


def _likeness(quote: Quote, lang: str | None, known: KnownQuote) -> float:
    """0: not the same saying; up to 1 the likeness of a translation; above it that of the wording."""
    if known.lang != lang:
        return _translation(quote, known)
    wording = _wording(quote, known)
    return 1 + wording if wording else 0.0


def _wording(quote: Quote, known: KnownQuote) -> float:
    """0: not the same saying; else the share of neighbouring words that both have."""
    ours, theirs = _words(quote.text), _words(known.text)
    fewer = min(len(ours), len(theirs))
    one_speaker = same_person(quote.speaker, known.speaker)
    if fewer < MIN_WORDS or (fewer < SURE_WORDS and not one_speaker):
        return 0.0
    pairs = len(_pairs(ours) & _pairs(theirs)) / (fewer - 1)
    needed = SHARED_PAIRS if one_speaker else SURE_PAIRS
    if pairs < needed or sum((Counter(ours) & Counter(theirs)).values()) < SHARED_WORDS * fewer:
        return 0.0
    return pairs


def _translation(quote: Quote, known: KnownQuote) -> float:
    """0: not the same saying; else the cosine of the meanings. Other numbers make it another saying."""
    if not quote.meaning or not known.meaning or len(quote.meaning) != len(known.meaning):
        return 0.0
    ours, theirs = _numbers(quote.text), _numbers(known.text)
    if (ours and theirs and ours.isdisjoint(theirs)) or not same_person(quote.speaker, known.speaker, loosely=True):
        return 0.0
    cosine = _cosine(quote.meaning, known.meaning)
    return cosine if cosine >= TRANSLATED else 0.0


@lru_cache(maxsize=20_000)
def _cosine(one: bytes, other: bytes) -> float:
    ours, theirs = array("b", one), array("b", other)
    lengths = math.sqrt(sum(map(mul, ours, ours)) * sum(map(mul, theirs, theirs)))
    return sum(map(mul, ours, theirs)) / lengths if lengths else 0.0


@lru_cache(maxsize=50_000)
def _words(text: str) -> tuple[str, ...]:
    return tuple(word[:_STEM] for word in _WORD.findall(text.casefold()))


@lru_cache(maxsize=50_000)
def _pairs(words: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    return frozenset(pairwise(words))


@lru_cache(maxsize=50_000)
def _numbers(text: str) -> frozenset[str]:
    return frozenset(_NUMBER.findall(text))
