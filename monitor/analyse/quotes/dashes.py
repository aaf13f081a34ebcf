"""Finds speech that a dash opens: "– Jag är glad, säger X." and "- Tak będzie - powiedział X."

A dash alone proves nothing (lists have dashes too): only a verb of saying behind the words makes them speech.
"""

from __future__ import annotations

import re

from monitor.analyse.quotes.marks import Quoted
from monitor.analyse.quotes.words import Tag, Token, Words
from monitor.text import paragraphs

_DASHES = "-–—"
_OPENING = re.compile(r"(?:^|(?<=[.!?…\"”»] ))[-–—](?=\s*\S)")
_SET_OFF = re.compile(r"(?:,\s*|[.!?…]\s+|\s)[-–—]\s*$|,\s*$|[?!…]\s*$")


def dashed(text: str, words: Words, taken: list[Quoted]) -> list[Quoted]:
    """Speech opened by a dash at the start of a paragraph or (where the language does so) of a sentence."""
    found: list[Quoted] = []
    for number, (start, end) in enumerate(paragraphs(text)):
        paragraph = text[start:end]
        if not any(dash in paragraph for dash in _DASHES):
            continue
        at_start = paragraph[0] in _DASHES
        if not at_start and words.dashes != "mid":
            continue
        tokens = words.tokens(text, start, end)
        for match in _OPENING.finditer(paragraph):
            opening = start + match.start()
            if (opening > start and words.dashes != "mid") or (found and found[-1].outer_end > opening):
                continue
            if any(one.outer_start <= opening < one.outer_end for one in taken):
                continue
            closing = _closing(text, tokens, opening, words, taken)
            if closing is not None:
                begin = opening + 1
                while text[begin].isspace():
                    begin += 1
                found.append(Quoted(begin, closing, opening, closing, number))
    return found


def _closing(text: str, tokens: list[Token], opening: int, words: Words, taken: list[Quoted]) -> int | None:
    """Where the speech ends: before the comma or dash in front of the first verb of saying that is set off by one."""
    for index, token in enumerate(tokens):
        if token.start <= opening or not token.tag & (Tag.SAY | Tag.ACT):
            continue
        if any(one.outer_start <= token.start < one.outer_end for one in taken):
            continue
        if not token.tag & Tag.SAY and text[max(token.start - 2, 0)] not in _DASHES:
            continue
        before = text[opening + 1 : token.start]
        match = _SET_OFF.search(before)
        if match is None or index == 0 or token.capital:
            continue
        if words.dashes == "mid" and not any(dash in match.group() for dash in _DASHES):
            continue
        end = opening + 1 + match.start()
        if match.group()[0] in ".!?…":
            end += 1
        while end > opening + 1 and text[end - 1].isspace():
            end -= 1
        return end if len(text[opening + 1 : end].split()) >= 2 else None
    return None


def merged(marked: list[Quoted], dashed_: list[Quoted]) -> list[Quoted]:
    """Both kinds in the order of the text; marks inside dashed speech are part of it."""
    outside = [
        one for one in marked if not any(speech.outer_start <= one.outer_start < speech.outer_end for speech in dashed_)
    ]
    return sorted(outside + dashed_, key=lambda one: one.outer_start)
