"""Text primitives that several stages share: paragraphs and sentences as spans. Pure; knows no topic and no
language model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

Span = tuple[int, int]  # text[start:end]

_PARAGRAPH = re.compile(r"[^\n]+")
# A sentence ends at . ! ? … (with closing marks after it) before white space; the group is what the next one would
# open with.
# Scripts without white space have marks of their own that always end a sentence.
_END = re.compile(r"""[.!?…؟۔।]+["'”’»“)\]]*(?=\s+["'“„«‘(\[–—-]*\s*(\S))|[。！？]+[」』”’）]*""")
# words before a full stop that do not end a sentence: titles, ranks, months, units, "No.", initials
_ABBREVIATION = re.compile(
    r"(?:^|[\s(«„“\"'])(?:[^\W\d_]|Mr|Mrs|Ms|Dr|Prof|Gen|Col|Lt|Sgt|Maj|Capt|Adm|Brig|Cmdr|Sen|Rep|Gov|Hon|St|Jr|Sr|vs|etc|No|Nr|Inc|Corp|Co|Ltd|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|U\.S|U\.K|U\.N|E\.U|D\.C|a\.m|p\.m|i\.e|e\.g|"
    r"z\.B|d\.h|u\.a|bzw|ca|Abs|Art|Dipl|Ing|sog|vgl|Mio|Mrd|"
    r"г|гг|им|ул|тыс|млн|млрд|руб|долл|т\.е|т\.д|т\.п|др|проф|акад|ст|см|обл|ген|"
    r"р|рр|тис|грн|ім|вул|напр|м|год|т\.нар|т\.зв|"
    r"prof|hab|gen|płk|ppłk|mjr|kpt|tzw|np|m\.in|ul|św|ks|tys|red|woj|"
    r"Sra|Dña|Exmo|nº|núm|pág|EE|M|MM|Mme|Mlle|Sig|dott|on|dl|dna|str|nr|Doç|"
    r"bl\.a|t\.ex|dvs|s\.k|kl|esim|ns|mm|tj|tzv)$"
)
# "am 24. Februar": an ordinal of a date, where the month's name has a capital letter
_ORDINAL = re.compile(r"(?<!\d)\d{1,2}$")
_MONTH = re.compile(r"\s+(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez|Jahr)")


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
        if match[1] is not None and (
            match[1].islower() or (match[0] == "." and _is_abbreviation(text, begin, match.start()))
        ):
            continue
        yield begin, match.end()
        begin = match.end()
        while begin < end and text[begin].isspace():
            begin += 1
    if begin < end:
        yield begin, end


def _is_abbreviation(text: str, begin: int, stop: int) -> bool:
    """Whether the full stop at ``stop`` belongs to the word before it."""
    before = text[max(begin, stop - 12) : stop]
    return bool(_ABBREVIATION.search(before) or (_ORDINAL.search(before) and _MONTH.match(text, stop + 1)))


def phrase_pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """Whole words, the longest phrase first; ``*`` is more letters of a word, ``=`` keeps the case."""
    cleaned = sorted(
        {phrase.strip() for phrase in phrases if phrase.strip()}, key=lambda phrase: (-len(phrase), phrase)
    )
    branches = []
    for phrase in cleaned:
        words = r"\s+".join(re.escape(word).replace(r"\*", r"\w*") for word in phrase.removeprefix("=").split())
        branches.append(words if phrase.startswith("=") else f"(?i:{words})")
    return re.compile(rf"(?<!\w)(?:{'|'.join(branches)})(?!\w)")
