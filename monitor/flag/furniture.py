"""Recognises the lines of a text that are not the story: links to other stories, tags, captions, notes on the author,
repeated titles.

Extraction leaves some of them in, and a related headline must never raise a flag. Knows no topic.
"""

from __future__ import annotations

import re
from functools import cache

from monitor import lexicon
from monitor.text import Span, paragraphs

_LONGEST_CREDIT, _LONGEST_HEADLINE, _LONGEST_BIO = 300, 140, 400
_FEWEST_HEADLINES = 3  # in a row, at the end of a text
_SHORTEST_TITLE = 20  # a repeated title shorter than this may be a coincidence
_ENDS_SENTENCE = re.compile(r"[.!?…:;,][\"'”’»“)\]]*$")
_LABEL_ENDS = re.compile(r"\s*(?:[:：|»–—-]|$)")
_BULLET = re.compile(r"^[\s•·*▪►>»–—-]+")


def furniture(text: str, title: str) -> list[Span]:
    """Spans of the lines of ``text`` that are page furniture, in order."""
    lines = paragraphs(text)
    if not lines:
        return []
    found: list[Span] = []
    after_heading = False
    folded_title = _folded(title)
    tail = _headlines_at_the_end(text, lines)
    for number, (start, end) in enumerate(lines):
        line = text[start:end]
        low = _folded(line[: _LONGEST_BIO + 1])
        heading = _is_heading(low)
        if (
            heading
            or number >= tail
            or (after_heading and _is_headline(line))
            or _is_credit(line, low)
            or (number >= len(lines) - 2 and number > 0 and _is_bio(low))
            or _repeats(low, folded_title)
        ):
            found.append((start, end))
        after_heading = (heading and len(line.split()) <= 4) or (after_heading and _is_headline(line))
    return found


@cache
def _words(name: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in lexicon.load("furniture")[name].splitlines() if line.strip())


@cache
def _openers() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, _words("openers"))))


@cache
def _labels() -> re.Pattern[str]:
    return re.compile("(?:" + "|".join(map(re.escape, sorted(_words("labels"), key=len, reverse=True))) + r")\.?(?!\w)")


def _folded(line: str) -> str:
    return _BULLET.sub("", " ".join(line.split()).casefold())


def _is_heading(low: str) -> bool:
    """A line that begins as links, tags or captions do."""
    if _openers().match(low) or low.startswith("©") or _is_hashtags(low):
        return True
    label = _labels().match(low)
    return label is not None and _LABEL_ENDS.match(low, label.end()) is not None


def _is_hashtags(low: str) -> bool:
    """``#nato #ukraine``, not the heading mark of ``## Section``."""
    return low.startswith("#") and all(len(word) > 1 and word[1] != "#" for word in low.split() if word[0] == "#")


def _is_credit(line: str, low: str) -> bool:
    return len(line) <= _LONGEST_CREDIT and any(words in low for words in _words("credits"))


def _is_bio(low: str) -> bool:
    return len(low) <= _LONGEST_BIO and any(f" {words} " in low[:120] for words in _words("bios"))


def _repeats(low: str, title: str) -> bool:
    """The title once more, alone or with a few words around it."""
    return len(title) >= _SHORTEST_TITLE and title in low and len(low) <= 1.3 * len(title) + 30


def _is_headline(line: str) -> bool:
    return len(line) <= _LONGEST_HEADLINE and not line[0].islower() and not _ENDS_SENTENCE.search(line)


def _headlines_at_the_end(text: str, lines: list[Span]) -> int:
    """The number of the line from which on there are only headlines; the number of lines where there is no such
    list.
    """
    first = len(lines)
    while (
        first > 0 and _is_headline(text[slice(*lines[first - 1])]) and len(text[slice(*lines[first - 1])].split()) >= 3
    ):
        first -= 1
    enough = len(lines) - first >= _FEWEST_HEADLINES and first >= _FEWEST_HEADLINES
    return first if enough else len(lines)
