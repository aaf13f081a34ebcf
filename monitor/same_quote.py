"""Finds words that were quoted before: the same saying in another story, shortened, reworded or translated. Pure.

Within a language it compares the wording, across languages the meaning of the quotations, where they carry one (extra
[neural]). Precision before recall: two sayings taken for one would put words into a mouth on a day when nobody spoke
them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from monitor import lexicon
from monitor.model import KnownQuote, Quote
from monitor.people import same_person
from monitor.text import phrase_pattern

if TYPE_CHECKING:
    import numpy as np

MIN_WORDS = 4  # of the shorter wording; less is a phrase that anybody uses
SHARED_WORDS = 0.75  # share of the shorter wording's words that the other has too
SHARED_PAIRS = 0.5  # the same for pairs of neighbours: the same words in another order are another sentence
SURE_WORDS, SURE_PAIRS = 8, 0.8  # enough to be the same although the speaker is not, or differently, named
# cosine from which one speaker's words in two languages are one saying: bench/translated_quotes.py finds 3 of 4
# translations, and takes one in 150 of the same speaker's other sayings on the same subject for one
TRANSLATED = 0.46

_SOMEWHAT = 0.25  # cosine from which a pair is looked at
_MARK = 4  # bytes before a vector, of the network that made it
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
    same_language = [one for one in known if one.lang == lang]
    found = _translated(quotes, [one for one in known if one.lang != lang])
    for index, quote in enumerate(quotes):
        best = max(same_language, key=lambda one: _wording(quote, one), default=None)
        if best is not None and _wording(quote, best) > 0:
            found[index] = best.saying_id
    return found


def _wording(quote: Quote, known: KnownQuote) -> float:
    """0: not the same saying; else the share of neighbouring words that both have."""
    ours, theirs = _words(quote.text), _words(known.text)
    fewer = min(len(ours), len(theirs))
    if fewer < MIN_WORDS:
        return 0.0
    pairs = len(_pairs(ours) & _pairs(theirs)) / (fewer - 1)
    if pairs < SHARED_PAIRS or sum((Counter(ours) & Counter(theirs)).values()) < SHARED_WORDS * fewer:
        return 0.0
    if (fewer < SURE_WORDS or pairs < SURE_PAIRS) and not same_person(quote.speaker, known.speaker):
        return 0.0
    return pairs


def _translated(quotes: Sequence[Quote], known: Sequence[KnownQuote]) -> dict[int, int]:
    """Index of each quote that means what a quotation in another language does -> its ``saying_id``."""
    found: dict[int, int] = {}
    cosines = likeness_of_meanings([quote.meaning for quote in quotes], [one.meaning for one in known])
    for cosine, index, place in sorted(cosines, reverse=True):
        if cosine >= TRANSLATED and index not in found and _may_translate(quotes[index], known[place]):
            found[index] = known[place].saying_id
    return found


def _may_translate(quote: Quote, known: KnownQuote) -> bool:
    """Nothing but the meaning left to compare: one speaker, no other numbers or countries, not the opposite side.

    Vectors of "must join" and "must not join", or of two countries, lie close together.
    """
    for facts in (_numbers, _candidates):
        ours, theirs = facts(quote.text), facts(known.text)
        if ours and theirs and ours.isdisjoint(theirs):
            return False
    opposite = {quote.stance, known.stance} == {"supports", "opposes"}
    return not opposite and same_person(quote.speaker, known.speaker, loosely=True)


def likeness_of_meanings(ours: Sequence[bytes], theirs: Sequence[bytes]) -> list[tuple[float, int, int]]:
    """(cosine, index in ``ours``, index in ``theirs``) of the pairs that are somewhat alike.

    A meaning is four bytes that name its network, and a vector of signed bytes; those of two networks, and empty ones,
    are not compared.
    """
    mine = [index for index, meaning in enumerate(ours) if meaning]
    stored = [index for index, meaning in enumerate(theirs) if mine and meaning[:_MARK] == ours[mine[0]][:_MARK]]
    if not mine or not stored:
        return []
    import numpy as np  # the main process needs it for this alone, and for few stories

    def matrix(meanings: Iterable[bytes]) -> np.ndarray[Any, np.dtype[np.float32]]:
        rows = np.array([np.frombuffer(meaning, np.int8, offset=_MARK) for meaning in meanings], np.float32)
        scaled: np.ndarray[Any, np.dtype[np.float32]] = rows / np.maximum(
            np.linalg.norm(rows, axis=1, keepdims=True), 1
        )
        return scaled

    cosines = matrix(ours[index] for index in mine) @ matrix(theirs[index] for index in stored).T
    return [
        (float(cosines[row, column]), mine[row], stored[column])
        for row, column in np.argwhere(cosines >= _SOMEWHAT).tolist()
    ]


@cache
def _candidate_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (country.code, phrase_pattern(["=" + name.lstrip("=") for name in country.names]))
        for country in lexicon.countries()
        if country.candidate and country.names
    )


@lru_cache(maxsize=10_000)
def _candidates(text: str) -> frozenset[str]:
    """The candidate countries that a text names, in whatever language."""
    return frozenset(code for code, pattern in _candidate_patterns() if pattern.search(text))


@lru_cache(maxsize=50_000)
def _words(text: str) -> tuple[str, ...]:
    return tuple(word[:_STEM] for word in _WORD.findall(text.casefold()))


@lru_cache(maxsize=50_000)
def _pairs(words: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    return frozenset(pairwise(words))


@lru_cache(maxsize=50_000)
def _numbers(text: str) -> frozenset[str]:
    return frozenset(_NUMBER.findall(text))
