"""Where a document's sentences stand, page furniture left out, and which words are in which. Knows no topic."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from monitor.flag.furniture import furniture
from monitor.flag.match import Reading
from monitor.model import FieldName
from monitor.text import paragraphs, sentences

LEAD_WORDS = 60


@dataclass(frozen=True, slots=True)
class Extent:
    """One sentence: its characters in the title or the text, and its words."""

    field: FieldName
    start: int
    end: int
    first: int  # word numbers
    after: int
    paragraph: int  # 0: the title


@dataclass(frozen=True, slots=True)
class Layout:
    """The sentences of a document in order, the title first; those without a word and those of page furniture are
    left out.
    """

    extents: tuple[Extent, ...]
    firsts: tuple[int, ...]  # their first words
    lead_end: int  # first word after the lead: the text's first sentences until LEAD_WORDS words are reached

    def number_of(self, first: int, after: int) -> int | None:
        """The number of the sentence that holds these words; None in page furniture or over a sentence's end."""
        number = bisect_right(self.firsts, first) - 1
        return number if number >= 0 and after <= self.extents[number].after else None


def lay_out(reading: Reading) -> Layout:
    """The layout of a document."""
    starts, body_start = reading.starts, reading.body_start
    extents: list[Extent] = []
    if body_start > 1:
        extents.append(Extent("title", 0, len(reading.title), 0, body_start - 1, 0))
    junk = iter(furniture(reading.text, reading.title))
    junk_start, junk_end = next(junk, _NOWHERE)
    breaks = [start for start, _ in paragraphs(reading.text)]
    lead_end = len(starts)
    first = body_start
    for start, end in sentences(reading.text):
        after = bisect_left(starts, end, first)
        while junk_end <= start:
            junk_start, junk_end = next(junk, _NOWHERE)
        if after > first and start < junk_start:
            extents.append(Extent("text", start, end, first, after, bisect_right(breaks, start)))
            if lead_end == len(starts) and after - body_start >= LEAD_WORDS:
                lead_end = after
        first = after
    return Layout(tuple(extents), tuple(extent.first for extent in extents), lead_end)


_NOWHERE = (1 << 60, 1 << 60)
