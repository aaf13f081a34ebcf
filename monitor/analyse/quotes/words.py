"""Turns text into tokens that know what they may do in a sentence: say something, name an office, open a place.

Reads the word lists under ``lexicon/quotes/`` and holds no words itself.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, NamedTuple

from monitor import lexicon

LANGUAGES = ("en", "ru", "pl", "sv", "fr", "pt", "fi", "bg", "de", "hr", "uk", "es", "it", "tr", "ro")
_INFLECTING = frozenset({"ru", "uk", "bg", "pl", "hr", "fi", "tr", "ro"})
_CYRILLIC = frozenset({"ru", "uk", "bg"})
_APOSTROPHES = {
    "en": r"(?:['’](?:s\b|[A-Z][^\W_]+))?",
    "uk": r"(?:['’ʼ][^\W_]+)*",
    "pl": r"(?:['’](?:a|em|owi|iem|ego|emu)\b)?",
    "tr": r"(?:['’][^\W_]+)?",
}


class Tag:
    """What a word may do: bits of a plain integer (enum.Flag costs half the time of an analysis)."""

    SAY = 1  # a verb of saying
    ACT = 2  # an act of speech with a complement: call for, accuse
    PARTICIPLE = 4  # adding, подчеркнув: its subject is the main verb's
    HEARER = 8  # a verb whose object is the hearer
    THAT = 16
    ACCORDING = 32
    ZUFOLGE = 64  # "according to" that stands after the name
    PRONOUN = 128
    DETERMINER = 256
    INDEFINITE = 512
    DEFINITE = 1024
    OF = 2048
    ROLE = 4096
    INSTITUTION = 8192
    PREPOSITION = 16384
    NO_NAME = 32768
    ORGANISATION = 65536
    TITLE = 131072
    SAID_IN = 524288  # "говорится", "czytamy": is said in whatever stands in the place
    OTHER_VERB = 1048576  # no verb of saying; listed because lost links glue it to names
    MEDIUM = 262144  # a newspaper, an agency: passes words on


VERB = Tag.SAY | Tag.ACT | Tag.PARTICIPLE


class Token(NamedTuple):
    """A word, or several that the lexicon knows as one."""

    start: int
    end: int
    low: str
    tag: int
    role: str | None  # concept of an office: "president", "foreign_minister"
    gender: str | None  # of a pronoun
    capital: bool
    possessive: bool


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the lexicon says about one entry."""

    tag: int = 0
    role: str | None = None
    gender: str | None = None

    def __or__(self, other: Meaning) -> Meaning:
        return Meaning(self.tag | other.tag, self.role or other.role, self.gender or other.gender)


_NOTHING = Meaning()
_KEYS = {
    "other_verbs": Tag.OTHER_VERB,
    "said_in": Tag.SAY | Tag.SAID_IN,
    "say": Tag.SAY,
    "act": Tag.ACT,
    "participle": Tag.PARTICIPLE,
    "hearer": Tag.HEARER,
    "that": Tag.THAT,
    "according": Tag.ACCORDING,
    "zufolge": Tag.ZUFOLGE,
    "determiners": Tag.DETERMINER,
    "indefinite": Tag.INDEFINITE,
    "definite": Tag.DEFINITE,
    "of": Tag.OF,
    "institutions": Tag.INSTITUTION,
    "prepositions": Tag.PREPOSITION,
    "not_names": Tag.NO_NAME,
}


@dataclass(frozen=True, slots=True)
class Person:
    """A known speaker, as the lexicon gives them."""

    role: str
    office: str
    country: str | None
    gender: str
    formerly: str | None  # an office held before that stories still name them by


@dataclass
class _Entries:
    """Words to values: whole words, beginnings, endings, and entries of several words by their first."""

    exact: dict[str, Meaning] = field(default_factory=dict)
    prefixes: dict[str, Meaning] = field(default_factory=dict)
    suffixes: dict[str, Meaning] = field(default_factory=dict)
    multi: dict[str, list[tuple[tuple[str, ...], Meaning]]] = field(default_factory=dict)

    def add(self, entry: str, meaning: Meaning) -> None:
        words = entry.casefold().replace("’", "'").split("_")
        if len(words) > 1 and all(words):
            self.multi.setdefault(words[0], []).append((tuple(words), meaning))
        elif entry.endswith("*"):
            stem = words[0].rstrip("*")
            self.prefixes[stem] = self.prefixes.get(stem, _NOTHING) | meaning
        elif entry.startswith("*"):
            self.suffixes[words[0].lstrip("*")] = meaning
        else:
            self.exact[words[0]] = self.exact.get(words[0], _NOTHING) | meaning


class Words:
    """The word lists of one language, looked up a word at a time."""

    def __init__(self, lang: str) -> None:
        data: dict[str, Any] = lexicon.load(f"quotes/{lang}")
        common: dict[str, Any] = lexicon.load("quotes/speakers")
        self.lang = lang
        self.inflecting = lang in _INFLECTING
        # where an unknown word with a capital before a verb of saying is its subject ("Kubilius said"), not an adverb
        self.subject_first = lang not in ("fi", "sv", "de", "tr")
        self.noun_endings = tuple((data.get("noun_endings") or "").split()) or ("\0",)
        self.verb_endings = tuple(common["verb_endings"].split())
        self.conjunctions = frozenset(common["conjunctions"].split())
        self.particles = frozenset(common["particles"].split())
        self._feminine_endings = tuple(common["feminine_names"]["endings"].split())
        self._feminine_firsts = tuple(common["feminine_names"]["first_names_end"].split())
        self._no_feminine = frozenset(common["feminine_names"]["but_not"].split())
        self.adjective_endings = tuple(common["adjective_endings"].split())
        self.genitive_follows = lang in ("ru", "uk", "pl", "bg", "hr", "ro")
        self.cyrillic = lang in _CYRILLIC
        self.dashes: str = data.get("dashes", "start")
        self.nouns_capitalised: bool = bool(data.get("nouns_capitalised"))
        self.head_last = lang in ("en", "sv", "de", "fi", "tr")
        self.possessives = frozenset((data.get("possessives") or "").split())
        self._plurals = frozenset((data.get("plurals") or "").split())
        self.genitive = tuple((data.get("genitive") or "").split())
        self.relatives = frozenset((data.get("relatives") or "").split())
        self.tag_words = frozenset((data.get("tag_words") or "").split())
        self._genders: dict[str, str] = {
            word: gender for gender, entries in (data.get("genders") or {}).items() for word in entries.split()
        }
        self.oblique = tuple((data.get("oblique") or "").split())
        self.times = frozenset((data.get("times") or "").split())
        self.as_words = frozenset((data.get("as_words") or "").split())
        self.bare_prepositions = frozenset((data.get("bare_prepositions") or "").split())
        self.cuts = frozenset(entry.replace("_", " ") for entry in (data.get("cuts") or "").split())
        self.home: str | None = common["home"].get(lang)
        self.stands_for: dict[str, frozenset[str]] = {
            role: frozenset(others.split()) for role, others in common["stands_for"].items()
        }
        self._former = re.compile(r"\b(?:" + "|".join(common["former"].split()) + ")")
        self._entries = entries = _Entries()
        for key, tag in _KEYS.items():
            for entry in (data.get(key) or "").split():
                entries.add(entry, Meaning(tag))
        for entry in (data.get("cuts") or "").split():
            if "_" in entry:
                entries.add(entry, Meaning(Tag.NO_NAME))
        for gender, pronouns in data["pronouns"].items():
            for entry in pronouns.split():
                entries.add(entry, Meaning(Tag.PRONOUN, gender=gender))
        for role, nouns in data["roles"].items():
            for entry in nouns.split():
                entries.add(entry, Meaning(Tag.ROLE, role=role))
        for entry in common["organisations"].split():
            entries.add(entry, Meaning(Tag.ORGANISATION))
        for entry in common["media"].split():
            entries.add(entry, Meaning(Tag.MEDIUM))
        for entry in common["titles"].split():
            entries.add(entry, Meaning(Tag.TITLE))
        for country in lexicon.countries():
            for name in country.names:
                if " " in name and not any(char in name for char in "*=_"):
                    entries.add(name.replace(" ", "_"), Meaning())
        for many in entries.multi.values():
            many.sort(key=lambda one: -len(one[0]))
        colon = r"(?::[^\W_]{1,4}\b)?" if lang in ("fi", "sv") else ""
        # French "a-t-il dit": the pronoun is a word of its own
        pronoun = r"(?!(?:t-)?(?:il|elle|ils|elles|on)\b)" if lang == "fr" else ""
        self._word = re.compile(r"[^\W_]+(?:(?:-|\.-)" + pronoun + r"[^\W_]+)*" + _APOSTROPHES.get(lang, "") + colon)
        self.meaning = lru_cache(maxsize=20000)(self._meaning)
        self._known = lru_cache(maxsize=20000)(self._look_up)

    def gender_of_name(self, name: tuple[str, ...]) -> str | None:
        """ "f" where a full name shows it by its endings, else None."""
        first, last = folded(name[0]), folded(name[-1])
        by_first = first.endswith(self._feminine_firsts) and first not in self._no_feminine
        return "f" if by_first or last.endswith(self._feminine_endings) else None

    def gender_of(self, article: str, noun: str) -> str | None:
        """The gender that an article or the ending of an office shows: "la ministre", "Politikerin"."""
        for entry, gender in self._genders.items():
            if entry.startswith("*") and noun.endswith(entry[1:]):
                return gender
        return self._genders.get(article) or self._genders.get(noun)

    def is_plural(self, low: str) -> bool:
        """Whether the noun of an office stands for several people."""
        return low in self._plurals or (self.lang == "en" and low.endswith("s") and low not in ("boss", "times"))

    def is_former(self, role: str) -> bool:
        """Whether the words of an office say that it is a former one: "ex-president", "экс-президент"."""
        return bool(self._former.search(role.casefold()))

    def tokens(self, text: str, start: int, end: int) -> list[Token]:
        """The words of ``text[start:end]``; a verb glued to its neighbour by a lost link is a word of its own."""
        found: list[Token] = []
        known = self._known
        for match in self._word.finditer(text, start, end):
            at = match.start()
            for length, low, tag, role, gender, capital, possessive in known(match.group()):
                found.append(Token(at, at + length, low, tag, role, gender, capital, possessive))
                at += length
        found = self._joined(text, found)
        return _without_nouns(text, found) if self.lang == "en" else found

    def _look_up(self, word: str) -> list[tuple[int, str, int, str | None, str | None, bool, bool]]:
        """Everything about a word but its place: length, ..., for each of its parts."""
        parts = self._split(word) if self.cyrillic and len(word) > 7 else (word,)
        return [self._facts(part) for part in parts]

    def _facts(self, word: str) -> tuple[int, str, int, str | None, str | None, bool, bool]:
        low = word.casefold().replace("’", "'")
        possessive = False
        if self.lang == "en" and low.endswith("'s"):
            low, possessive = low[:-2], True
        elif self.lang == "tr" and "'" in low:
            low, possessive = low.partition("'")[0], True
        elif ":" in low:
            possessive = True
            low = low.partition(":")[0]
        meaning = self.meaning(low)
        return len(word), low, meaning.tag, meaning.role, meaning.gender, word[0].isupper(), possessive

    def _joined(self, text: str, tokens: list[Token]) -> list[Token]:
        """Words that the lexicon knows as one entry, as one token."""
        multi = self._entries.multi
        if not any(token.low in multi for token in tokens):
            return tokens
        found: list[Token] = []
        i, n = 0, len(tokens)
        while i < n:
            token = tokens[i]
            size, meaning = self._entry_at(tokens, i) if token.low in multi else (1, _NOTHING)
            if size > 1:
                last = tokens[i + size - 1]
                low = " ".join(one.low for one in tokens[i : i + size])
                token = Token(
                    token.start, last.end, low, meaning.tag, meaning.role, meaning.gender,
                    token.capital, last.possessive,
                )  # fmt: skip
            found.append(token)
            i += size
        return found

    def _entry_at(self, tokens: list[Token], i: int) -> tuple[int, Meaning]:
        """How many tokens from ``i`` on are one entry of the lexicon, and what it says; the longest entry wins."""
        for words, meaning in self._entries.multi[tokens[i].low]:
            if len(words) <= len(tokens) - i and all(
                tokens[i + k].low == word and tokens[i + k].start - tokens[i + k - 1].end == 1
                for k, word in enumerate(words[1:], 1)
            ):
                return len(words), meaning
        return 1, _NOTHING

    def _meaning(self, low: str) -> Meaning:
        entries = self._entries
        if low in entries.exact:
            return entries.exact[low]
        for size in range(min(len(low), 18), 2, -1):
            if low[:size] in entries.prefixes:
                return entries.prefixes[low[:size]]
        for suffix, meaning in entries.suffixes.items():
            if low.endswith(suffix):
                return meaning
        if "-" in low:
            # "зам.-министър", "nato-chef", "vice-presidente": the last part decides about the office
            last = self._meaning(low.rpartition("-")[2])
            if last.tag & Tag.ROLE:
                return last
        return _NOTHING

    def _split(self, word: str) -> tuple[str, ...]:
        """``сказалгенсек`` -> сказал, генсек; ``ОнобвинилPAS`` -> Он, обвинил, PAS; a whole word as it is."""
        for i in range(2, len(word) - 1):
            if word[i].isupper() and word[i - 1].islower() and word[i - 1] not in "-.'’":
                return *self._split(word[:i]), *self._split(word[i:])
        low = word.casefold()
        meaning = self.meaning(low)
        if meaning.tag & ~VERB or (meaning.tag and len(word) < 12) or "-" in word:
            return (word,)
        for i in range(2, len(word) - 3):
            left, right = low[:i], low[i:]
            right_is_verb = i < len(word) - 4 and self._is_verb_form(right)
            left_known = self.meaning(left)
            if right_is_verb and (
                left_known.tag & (Tag.PRONOUN | Tag.ROLE | Tag.INSTITUTION)
                or left == "также"
                or (word[0].isupper() and i >= 4)
            ):
                return word[:i], word[i:]
            if (
                i >= 5
                and self._is_verb_form(left)
                and (self.meaning(right).tag & (Tag.ROLE | Tag.PRONOUN | Tag.INSTITUTION) or not meaning.tag)
            ):
                return word[:i], word[i:]
        return (word,)

    def _tag_of_stem(self, stem: str) -> int:
        found = self._entries.prefixes.get(stem) or self._entries.exact.get(stem)
        return found.tag if found else 0

    def _is_verb_form(self, low: str) -> bool:
        """A whole form of a verb of saying: the stem of the lexicon and at most a short ending."""
        if low in self._entries.exact:
            return bool(self._entries.exact[low].tag & (VERB | Tag.OTHER_VERB))
        return any(
            self._tag_of_stem(low[:size]) & (VERB | Tag.OTHER_VERB)
            for size in range(max(len(low) - 2, 4), len(low) + 1)
        )


def _without_nouns(text: str, tokens: list[Token]) -> list[Token]:
    """English: "a call", "his claim", "the report", "approval of adding" say nothing."""
    for index in range(1, len(tokens)):
        token, before = tokens[index], tokens[index - 1]
        if (
            token.tag & VERB
            and (before.possessive or before.tag & Tag.DETERMINER)
            and before.low not in ("this", "that")
        ) or (token.tag & Tag.PARTICIPLE and before.low in ("of", "for", "from", "without")):
            tokens[index] = token._replace(tag=token.tag & ~VERB)
    return tokens


@cache
def words(lang: str | None) -> Words | None:
    """The word lists of a language; None where there are none for it."""
    return Words(lang) if lang in LANGUAGES else None


@lru_cache(maxsize=20000)
def folded(word: str) -> str:
    """``word`` without case and accents, so that Erdoğan is Erdogan."""
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char)).replace("ı", "i").replace("ł", "l")


@lru_cache(maxsize=20000)
def country_of(low: str) -> str | None:
    """The country (ISO code, NATO, EU) that a word names: a country, its people, its capital, its government."""
    exact, prefixes = _countries()
    if low in exact:
        return exact[low]
    for size in range(min(len(low), 16), 3, -1):
        if low[:size] in prefixes:
            return prefixes[low[:size]]
    if "-" in low:
        return country_of(low.partition("-")[0]) or country_of(low.rpartition("-")[2])
    return None


@lru_cache(maxsize=5000)
def known_person(low: str) -> Person | None:
    """The known speaker with this surname."""
    exact, prefixes = _people()
    low = folded(low)
    if low in exact:
        return exact[low]
    for size in range(min(len(low), 16), 3, -1):
        if low[:size] in prefixes and len(low) - size <= 4:
            return prefixes[low[:size]]
    return None


@cache
def _countries() -> tuple[dict[str, str], dict[str, str]]:
    exact: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    entries = [(one.code, name.strip("=").casefold()) for one in lexicon.countries() for name in one.names]
    for code, names in lexicon.load("quotes/speakers")["institutions"].items():
        entries += [(code, name.replace("_", " ").casefold()) for name in names.split()]
    for code, name in entries:
        if name.endswith("*"):
            stem = name.rstrip("*")
            (prefixes if len(stem) > 3 else exact).setdefault(stem, code)
        else:
            exact.setdefault(name, code)
    return exact, prefixes


@cache
def _people() -> tuple[dict[str, Person], dict[str, Person]]:
    exact: dict[str, Person] = {}
    prefixes: dict[str, Person] = {}
    for one in lexicon.load("quotes/speakers")["people"]:
        person = Person(one["role"], one["office"], one["country"], one["gender"], one.get("formerly"))
        for name in one["names"].split():
            stem = folded(name.rstrip("*"))
            (prefixes if name.endswith("*") and len(stem) > 3 else exact).setdefault(stem, person)
            exact.setdefault(stem, person)
    return exact, prefixes
