"""Who says what in a story: quotations and reported statements with their speakers. Pure; judges no truth and no tone."""

from __future__ import annotations

from monitor.analyse.quotes.marks import quoted, words_in
from monitor.model import Document, Quote

MIN_WORDS = 3  # shorter fragments are scare quotes, not statements


def quotes(document: Document) -> tuple[Quote, ...]:
    """The quotations of ``document.text`` in the order of the text."""
    text = document.text
    return tuple(
        Quote(
            kind="direct",
            spans=((one.start, one.end),),
            text=text[one.start : one.end],
            speaker=None,
            speaker_surface=None,
            role=None,
            country=None,
            about_accession=False,
            stance=None,
        )
        for one in quoted(text)
        if words_in(text, (one.start, one.end)) >= MIN_WORDS
    )
