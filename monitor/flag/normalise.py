"""Splits a text into whole words and folds them, so that a term is found however it is written. Keeps where each word
stands.

Folding: case, accents (é = e, ł = l, й = и, so composed and decomposed spellings are one), soft hyphens and
zero-width marks, full-width letters, apostrophes inside Cyrillic words (п’ять = пять), Latin letters inside Cyrillic
words and the reverse. Words end at hyphens and at all other apostrophes: ``NATO-Beitritt``, ``l'OTAN``, ``NATO's``,
``NATO'ya`` are two words each. Scripts without spaces (Chinese, Japanese, Thai ...) give one word per character, so
that terms of them work as phrases.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

_INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u2060\ufeff"
_APOSTROPHES = "'’ʼ‘`´ʹ＇"
_CYRILLIC = "\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f"
# written without spaces between words
_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e5b\u0e81-\u0edf\u1000-\u109f\u1780-\u17dd"
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)


def _ranges(points: Iterable[int]) -> str:
    runs: list[list[int]] = []
    for point in points:
        if runs and runs[-1][1] == point - 1:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in runs)


# combining marks are part of a word, but str.isalnum (and so \w) does not know it
_MARKS = _ranges(point for point in range(0x300, 0x2100) if unicodedata.category(chr(point)).startswith("M"))
_JOINED = f"[{_MARKS}{_INVISIBLE}]+"
_WITHIN_CYRILLIC = f"(?<=[{_CYRILLIC}])[{_APOSTROPHES}](?=[{_CYRILLIC}])"
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(rf"([^\W_]+(?:(?:{_JOINED}|{_WITHIN_CYRILLIC})[^\W_]*)*)")
_SPACED = f"[^\\W_{_UNSPACED}]"
_WORD_OR_CHARACTER = re.compile(
    rf"([{_UNSPACED}][{_MARKS}]*|{_SPACED}+(?:(?:{_JOINED}|{_WITHIN_CYRILLIC}){_SPACED}*)*)"
)
_PLAIN_MARK = re.compile("[\u0300-\u036f\u0483-\u0487]")

_DROPPED = dict.fromkeys(map(ord, _INVISIBLE + _APOSTROPHES))
# letters that Unicode does not decompose
_LETTERS = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
        "ħ": "h",
        "ŧ": "t",
        "ŋ": "n",
        "ґ": "г",
        "ς": "σ",
    }
)
_CYRILLIC_FOR_LATIN = dict(zip("aceiopxyhkmtbjs", "асеіорхункмтвјѕ", strict=True))
_LATIN_FOR_CYRILLIC = {cyrillic: latin for latin, cyrillic in _CYRILLIC_FOR_LATIN.items()} | {"і": "i"}
_TO_CYRILLIC = str.maketrans(_CYRILLIC_FOR_LATIN)
_TO_LATIN = str.maketrans(_LATIN_FOR_CYRILLIC)
_IS_CYRILLIC = re.compile(f"[{_CYRILLIC}]")
_IS_LATIN = re.compile("[a-z]")
_MEMO_LIMIT = 200_000  # words; a daemon that reads for months must not grow


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one string: folded, and where each stands, ``text[starts[i]:ends[i]]``."""

    folded: list[str]
    starts: list[int]
    ends: list[int]


def words(text: str) -> Words:
    """All words of ``text`` in order."""
    pattern = _WORD_OR_CHARACTER if _HAS_UNSPACED.search(text) else _WORD
    # splitting and adding up lengths gives the same spans as finditer, in a third of the time
    pieces = pattern.split(text)  # between words, word, between words, ..., after the last
    bounds = list(accumulate(map(len, pieces)))
    return Words(list(map(_MEMO.__getitem__, pieces[1::2])), bounds[:-1:2], bounds[1::2])


def fold(word: str) -> str:
    """One word as it is compared: see the module's text."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.translate(_DROPPED).casefold())
    folded = _PLAIN_MARK.sub("", plain).translate(_LETTERS).casefold()
    folded = _one_script(folded)
    return folded or word


def _one_script(word: str) -> str:
    """Look-alike letters of the other script replaced where a word mixes Latin and Cyrillic; the script of the
    tell-tale letters wins.
    """
    if not (_IS_LATIN.search(word) and _IS_CYRILLIC.search(word)):
        return word
    cyrillic = word.translate(_TO_CYRILLIC)
    if not _IS_LATIN.search(cyrillic):
        return cyrillic
    latin = word.translate(_TO_LATIN)
    return latin if not _IS_CYRILLIC.search(latin) else word


class _Memo(dict[str, str]):
    def __missing__(self, word: str) -> str:
        if len(self) >= _MEMO_LIMIT:
            self.clear()
        folded = self[word] = sys.intern(fold(word))
        return folded


_MEMO = _Memo()
