"""Text primitives that several stages share: paragraphs and sentences as spans. Pure; knows no topic and no language model."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]  # text[start:end]

_PARAGRAPH = re.compile(r"[^\n]+")
# a sentence ends at . ! ? … (with closing marks after it) before white space and something that can open a sentence
_END = re.compile(r"""[.!?…]+["'”’»“)\]]*(?=\s+["'“„«‘(\[–—-]*\s*[^\W_a-zа-яіїєґßà-öø-ÿ])""")
# words before a full stop that do not end a sentence: titles, months, "No.", initials
_ABBREVIATION = re.compile(
    r"(?:^|[\s(«„“\"'])(?:[^\W\d_]|Mr|Mrs|Ms|Dr|Prof|Gen|Col|Lt|Sgt|Sen|Rep|Gov|St|Jr|Sr|vs|etc|No|Nr|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|"
    r"U\.S|U\.K|U\.N|E\.U|D\.C|a\.m|p\.m|i\.e|e\.g|z\.B|d\.h|u\.a|bzw|ca|Abs|Art|"
    r"г|гг|им|ул|тыс|млн|млрд|руб|долл|т\.е|т\.д|т\.п|др|проф|акад|ст|"
    r"р|рр|тис|грн|ім|вул|напр|prof|hab|gen|płk|tzw|np|m\.in|ul|św|Sr|Sra|Dña|Exmo|nº|núm|pág|M|Mme|MM|Sig|dott|bl\.a|t\.ex|dvs|kl|esim|ns|mm)$"
)


def paragraphs(text: str) -> list[Span]:
    """Spans of the non-blank lines of ``text``, outer white space left out."""
    spans = []
    for match in _PARAGRAPH.finditer(text):
        raw = match.group()
        stripped = raw.strip()
        if stripped:
            start = match.start() + raw.index(stripped[0])
            spans.append((start, start + len(stripped)))
    return spans


def sentences(text: str) -> list[Span]:
    """Spans of the sentences of ``text`` in order; a paragraph's end always ends a sentence."""
    return [span for start, end in paragraphs(text) for span in _sentences_of(text, start, end)]


def _sentences_of(text: str, start: int, end: int) -> Iterator[Span]:
    begin = start
    for match in _END.finditer(text, start, end):
        if text[match.start()] == "." and _ABBREVIATION.search(text[max(begin, match.start() - 12) : match.start()]):
            continue
        yield begin, match.end()
        begin = match.end()
        while begin < end and text[begin].isspace():
            begin += 1
    if begin < end:
        yield begin, end
