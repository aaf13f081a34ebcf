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
_LATIN = re.compile(r"[a-z]")
_MANY_WAYS = frozenset("jyiдйжиіїєеюя")  # first letters of names whose first sound is written in many ways
STRICTLY, LOOSELY = 0.9, 0.72  # likeness from which a surname, or with another reason to believe it, sounds alike
_ENDING = 2  # letters that a case may add to a name, or put in place of its last ones
_STEM = 4  # letters that two forms of a name share at least
_CONSONANTS = 3  # fewer prove nothing across alphabets


@lru_cache(maxsize=100_000)
def same_person(one: str | None, other: str | None, *, loosely: bool = False) -> bool:
    """Do two names, full or surname alone, mean the same person? Nobody named is nobody in particular.

    The surnames must be the same person's in the lexicon, or the same but for an ending, or sound alike across
    alphabets; first names, where both have one, must at least begin alike.
    ``loosely``: also where newsrooms spell an unknown surname so differently that others would sound as near
    (Zhuravchikov, Schurawtschikow); for callers with another reason to believe it.
    """
    ours, theirs = _names(one or ""), _names(other or "")
    if not ours or not theirs:
        return False
    if _one_surname(ours[-1], theirs[-1], STRICTLY) and _may_be_one(ours[:-1], theirs[:-1]):
        return True
    if not loosely or len(ours) == 1 or len(theirs) == 1:
        return False
    # both names sound alike, in this order, or with the surname first as in Hungarian
    return any(
        _one_surname(surname, theirs[-1], LOOSELY) and _sounds_alike(first, theirs[0])
        for first, surname in ((ours[0], ours[-1]), (ours[-1], ours[0]))
    )


def _one_surname(one: str, other: str, near: float) -> bool:
    known, also_known = _known(one), _known(other)
    if known is not None and also_known is not None:
        return known == also_known
    if one == other or _inflected(one, other):
        return True
    across = bool(_LATIN.search(one)) != bool(_LATIN.search(other))
    return (across or near < STRICTLY) and _likeness(one, other) >= near


def _inflected(one: str, other: str) -> bool:
    """Two forms of a name: the same but for an ending."""
    shared = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return shared >= _STEM and max(len(one), len(other)) - shared <= _ENDING


def _may_be_one(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Do the first names begin alike? Where one is missing, nothing speaks against it."""
    if not ours or not theirs:
        return True
    one, other = ours[0], theirs[0]
    if one[0] in _MANY_WAYS and other[0] in _MANY_WAYS:  # John, Джон, Yohan
        return True
    return _skeleton(one)[:1] == _skeleton(other)[:1] or _sounds_alike(one, other)


def _sounds_alike(one: str, other: str) -> bool:
    """Most of the consonants of two first names are the same."""
    ours, theirs = _skeleton(one), _skeleton(other)
    return min(len(ours), len(theirs)) > 0 and SequenceMatcher(None, ours, theirs).ratio() >= LOOSELY


@lru_cache(maxsize=100_000)
def _likeness(one: str, other: str) -> float:
    """Share of the consonants in common, 0..1; a few prove nothing."""
    ours, theirs = _skeleton(one), _skeleton(other)
    return SequenceMatcher(None, ours, theirs).ratio() if min(len(ours), len(theirs)) >= _CONSONANTS else 0.0


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
    """Its words of three letters and more, without case, accents and apostrophes."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("’", "").replace("'", ""))
    plain = plain.replace("и\u0306", "й").replace("у\u0306", "ў")  # letters of their own
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    latin = lexicon.load("sounds")["latin"]
    return tuple(word for word in _WORD.findall("".join(latin.get(char, char) for char in plain)) if len(word) > 2)


@lru_cache(maxsize=10_000)
def _known(surname: str) -> int | None:
    """The number of the lexicon's person of that surname."""
    exact, stems = _people()
    if surname in exact:
        return exact[surname]
    for size in range(len(surname), _STEM - 1, -1):
        if surname[:size] in stems:  # of a short one, little may be left over: Bush is not Bushati
            return stems[surname[:size]] if len(surname) - size <= (_ENDING if size == _STEM else _ENDING + 1) else None
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
