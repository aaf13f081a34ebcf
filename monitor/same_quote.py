"""Finds words that were quoted before: the same saying in another story, shortened or lightly reworded. Pure.

Compares wording, so it works within one language; a translated quotation is not recognised. Precision before recall:
two sayings taken for one would put words into a mouth on a day when nobody spoke them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from monitor.model import KnownQuote, Quote

MIN_WORDS = 4  # of the shorter wording; less is a phrase that anybody uses
SHARED_WORDS = 0.75  # share of the shorter wording's words that the other has too
SHARED_PAIRS = 0.5  # the same for pairs of neighbours: the same words in another order are another sentence
SURE_WORDS, SURE_PAIRS = 8, 0.8  # enough to be the same although the speaker is not, or differently, named

_WORD = re.compile(r"\w+")
_STEM = 6  # letters that are compared: inflection stands at the end
_NAME = 5  # of a surname: Zelensky, Zelenskyy, Zelenskiy


def said_before(quotes: Sequence[Quote], lang: str | None, known: Sequence[KnownQuote]) -> dict[int, int]:
    """Which of a story's quotations repeat a saying that is stored.

    Args:
        quotes: of the new story, in its order.
        lang: the story's language.
        known: quotations of the days before; the caller says how many days, since politicians repeat their lines.

    Returns:
        Index of the quote -> ``saying_id``, for those that were found.
    """
    same_language = [one for one in known if one.lang == lang]
    found = {}
    for index, quote in enumerate(quotes):
        best = max(same_language, key=lambda one: _likeness(quote, one), default=None)
        if best is not None and _likeness(quote, best) > 0:
            found[index] = best.saying_id
    return found


def _likeness(quote: Quote, known: KnownQuote) -> float:
    """0: not the same saying; else the share of neighbouring words that both have."""
    ours, theirs = _words(quote.text), _words(known.text)
    fewer = min(len(ours), len(theirs))
    if fewer < MIN_WORDS or (fewer < SURE_WORDS and not _same_speaker(quote.speaker, known.speaker)):
        return 0.0
    pairs = len(_pairs(ours) & _pairs(theirs)) / (fewer - 1)
    needed = SHARED_PAIRS if _same_speaker(quote.speaker, known.speaker) else SURE_PAIRS
    if pairs < needed or sum((Counter(ours) & Counter(theirs)).values()) < SHARED_WORDS * fewer:
        return 0.0
    return pairs


def _same_speaker(one: str | None, other: str | None) -> bool:
    """Is a surname of one a name of the other? Nobody named is nobody in particular."""
    ours, theirs = _names(one or ""), _names(other or "")
    return bool(ours and theirs) and (ours[-1] in theirs or theirs[-1] in ours)


@lru_cache(maxsize=50_000)
def _words(text: str) -> tuple[str, ...]:
    return tuple(word[:_STEM] for word in _WORD.findall(text.casefold()))


@lru_cache(maxsize=50_000)
def _pairs(words: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    return frozenset(pairwise(words))


@lru_cache(maxsize=10_000)
def _names(speaker: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKD", speaker.casefold())
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return tuple(word[:_NAME] for word in _WORD.findall(plain) if len(word) > 2)
