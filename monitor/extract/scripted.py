"""The text of a page that keeps it in its scripts and shows none itself: long JSON strings that hold HTML or prose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from monitor.extract.plain import plain_text

# all strings one after the other, an unclosed one to its line's end: no place is looked at twice
_STRING = re.compile(r'"((?:[^"\\\n]++|\\.)*+)(?:"|\n|\\?\Z)', re.DOTALL)
_LONG = 300  # characters of a string worth decoding
_MARKED_UP = re.compile(r"<(?:p|br|div|h\d|blockquote)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?…。！？।](?=\s|$|[\"'”’»])")
_STEM = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2}|\\b[^\\W\\d_]{4,5}")
_MAX_CHARS = 2_000_000  # of all scripts together
_DEPTH = 3  # JSON inside a string of JSON inside a string ...


def read(scripts: Sequence[str], about: str) -> str:
    """The longest prose in the scripts' strings that has words of ``about`` (title and description); "" for none."""
    wanted = set(_STEM.findall(about.lower()))
    best = ""
    budget = _MAX_CHARS
    for script in scripts:
        budget -= len(script)
        if budget < 0:
            break
        for text in _prose(script, _DEPTH):
            if len(text) > len(best) and len(wanted & set(_STEM.findall(text.lower()))) >= min(2, len(wanted)):
                best = text
    return best


def _prose(script: str, depth: int) -> Iterator[str]:
    for match in _STRING.finditer(script):
        if len(match[1]) < _LONG:
            continue
        try:
            value = json.loads(f'"{match[1]}"', strict=False)
        except ValueError:
            continue
        if depth > 1 and '":' in value and '"' in value and not _MARKED_UP.search(value[:200]):
            yield from _prose(value, depth - 1)
        text = plain_text(value) if "<" in value else value
        if _is_prose(text) and (_MARKED_UP.search(value) or "\n" in text):
            yield text


def _is_prose(text: str) -> bool:
    ends = len(_SENTENCE_END.findall(text))
    return ends >= 3 and len(text) < 400 * ends and sum(map(text.count, "{}[]\\=")) < 0.01 * len(text)
