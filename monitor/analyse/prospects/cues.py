"""Finds the wordings of lexicon/prospects.yaml in a sentence. Pure; one compiled pattern a language and category."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from monitor import lexicon

CATEGORIES = ("done", "promise", "push", "refuse", "delay", "condition", "threat", "modal", "negation")
NEGATION_REACH = 3  # words before a cue in which a negation turns it round


@cache
def patterns(lang: str | None) -> Mapping[str, re.Pattern[str]]:
    """Category -> pattern for a language; a language that the lexicon lacks has none."""
    entries: dict[str, dict[str, list[str]]] = lexicon.load("prospects")
    return {
        category: re.compile(rf"(?<!\w)(?:{'|'.join(map(_regex, languages[lang]))})(?!\w)")
        for category, languages in entries.items()
        if lang in languages
    }


def plain(text: str) -> str:
    """Lower case without accents, as long as the text itself: offsets stay."""
    return "".join(_plain_character(character) for character in text)


def counts(sentence: str, lang: str | None) -> dict[str, float]:
    """How often each category stands in a sentence; a negated "done", "promise" or "push" counts as "refuse"."""
    found = dict.fromkeys(CATEGORIES, 0.0)
    text = plain(sentence)
    known = patterns(lang)
    for category, pattern in known.items():
        for match in pattern.finditer(text):
            negated = category in ("done", "promise", "push") and _is_negated(text, match.start(), known)
            found["refuse" if negated else category] += 1
    return found


def _is_negated(text: str, start: int, known: Mapping[str, re.Pattern[str]]) -> bool:
    before = text[max(0, start - 40) : start].split()[-NEGATION_REACH:]
    pattern = known.get("negation")
    return pattern is not None and any(pattern.search(word) for word in before)


@cache
def _plain_character(character: str) -> str:
    if character in "’ʼ`":
        return "'"
    base = unicodedata.normalize("NFKD", character.casefold())
    return base[0] if base and character not in "йїЙЇ" else character.casefold()[:1]


def _regex(entry: str) -> str:
    words = [_word(word) for word in plain(entry).split()]
    return r"[\s\-]+".join(words).replace(r"[\s\-]+~[\s\-]+", r"[\s\-]+(?:\S+\s+){0,4}?")


def _word(word: str) -> str:
    if word == "~":
        return word
    return re.escape(word).replace(r"\*", r"\w*").replace(r"\?", r"\w")
