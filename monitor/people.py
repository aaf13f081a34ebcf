"""Whether two spellings of a name mean the same person, across alphabets and newsrooms. Pure.

First asks the lexicon's people, who stand there in all their spellings; of anybody else, compares what is left of the
surname when everything is gone that transliterations differ in: vowels, hissing sounds, g and h, v and w and f.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher
from functools import cache, lru_cache

from monitor import lexicon

_WORD = re.compile(r"\w+")
_LEVELLED = (
    (
        re.compile(r"schtsch|chtch|shch|szcz|dsch|tsch|tch|dzh|sch|sh|zh|cz|sz|rz|ts|tz|dz|zs|cs|gy|ch(?=[aeiouy])|x"),
        "s",
    ),
    (re.compile(r"c(?=[eiy])"), "s"),
    (re.compile(r"kh|gh|ch"), "g"),
    (re.compile(r"ck|q|c"), "k"),
    (re.compile(r"ph|ff|[wf]"), "v"),
    (re.compile(r"th"), "t"),
    (re.compile(r"(?<=[aeiouy])h(?![aeiouy])|(?<=[^aeiouyg])h"), ""),  # silent: Johnson, Rhodes
    (re.compile(r"h"), "g"),
    (re.compile(r"z"), "s"),
)
_VOWELS = re.compile(r"[aeiouyj]+")
_TWICE = re.compile(r"(.)\1+")
STRICTLY, LOOSELY = 0.9, 0.72  # likeness from which a surname, or each part of a whole name, sounds alike
_LATIN = re.compile(r"[a-z]")


def same_person(one: str | None, other: str | None, *, loosely: bool = False) -> bool:
    """Do two names, full or surname alone, mean the same person? Nobody named is nobody in particular.

    ``loosely``: also where newsrooms spell an unknown name so differently that other names would sound as near
    (Zhuravchikov, Schurawtschikow); for callers with another reason to believe it.
    """
    ours, theirs = _names(one or ""), _names(other or "")
    if not ours or not theirs:
        return False
    known, also_known = _known(ours), _known(theirs)
    if known is not None and also_known is not None:
        return known == also_known
    if _starts_like(ours[-1], theirs) or _starts_like(theirs[-1], ours):
        return True
    if not loosely and bool(_LATIN.search(ours[-1])) == bool(_LATIN.search(theirs[-1])):
        return False
    alike = max(*(_likeness(ours[-1], name) for name in theirs), *(_likeness(theirs[-1], name) for name in ours), 0.0)
    if not loosely or len(ours) == 1 or len(theirs) == 1:
        return alike >= STRICTLY
    return alike >= LOOSELY and max(_whole_likeness(ours, theirs), _whole_likeness(theirs, ours)) >= LOOSELY


def _whole_likeness(names: tuple[str, ...], others: tuple[str, ...]) -> float:
    """The mean likeness of each part of a name to its nearest part of the other."""
    return sum(max(_likeness(name, other) for other in others) for name in names) / len(names)


def _starts_like(name: str, names: tuple[str, ...]) -> bool:
    """Is it one of the names, but for its ending?"""
    return any(name[:5] == other[:5] for other in names)


@lru_cache(maxsize=10_000)
def _likeness(one: str, other: str) -> float:
    """Share of the consonants in common, 0..1; a single one proves nothing."""
    ours, theirs = _skeleton(one), _skeleton(other)
    return SequenceMatcher(None, ours, theirs).ratio() if min(len(ours), len(theirs)) > 1 else 0.0


@lru_cache(maxsize=10_000)
def _skeleton(name: str) -> str:
    sounds = _sounds()
    text = "".join(sounds.get(letter, letter) for letter in name)
    for pattern, sound in _LEVELLED:
        text = pattern.sub(sound, text)
    return _TWICE.sub(r"\1", _VOWELS.sub("", text))


@cache
def _sounds() -> dict[str, str]:
    return {letter: sound for alphabet in lexicon.load("sounds").values() for letter, sound in alphabet.items()}


@lru_cache(maxsize=10_000)
def _names(name: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKD", name.casefold().replace("’", "").replace("'", ""))
    plain = unicodedata.normalize("NFC", "".join(c for c in plain if not unicodedata.combining(c) or c == "\u0306"))
    return tuple(word for word in _WORD.findall(plain) if len(word) > 2)


def _known(names: tuple[str, ...]) -> int | None:
    """The number of the lexicon's person with one of these names, the surname first."""
    exact, stems = _people()
    for name in reversed(names):
        if name in exact:
            return exact[name]
        for size in range(min(len(name), 16), 3, -1):
            if name[:size] in stems and len(name) - size <= 4:
                return stems[name[:size]]
    return None


@cache
def _people() -> tuple[dict[str, int], dict[str, int]]:
    """Whole names, and stems of names, to the number of their person in the lexicon."""
    exact: dict[str, int] = {}
    stems: dict[str, int] = {}
    for number, person in enumerate(lexicon.load("quotes/speakers")["people"]):
        for name in person["names"].split():
            for plain in _names(name.rstrip("*")):
                (stems if name.endswith("*") and len(plain) > 3 else exact).setdefault(plain, number)
    return exact, stems
