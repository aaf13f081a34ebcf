"""Who says what in a story: quotations and reported statements with their speakers. Pure; judges no truth and no tone."""

from __future__ import annotations

from monitor.analyse.quotes.attribution import speaker_of
from monitor.analyse.quotes.marks import quoted, words_in
from monitor.analyse.quotes.records import records_of
from monitor.analyse.quotes.story import MIN_WORDS, read
from monitor.analyse.quotes.words import words
from monitor.model import Document, Quote


def quotes(document: Document) -> tuple[Quote, ...]:
    """The quotations of ``document.text`` in the order of the text, and the reported statements about an accession.

    ``document.lang`` decides about words; where it has no word lists, only the words in quotation marks are found.
    """
    lists = words(document.lang)
    if lists is None:
        return _without_speakers(document.text)
    story = read(document.title, document.text, lists)
    found = []
    for record in records_of(story):
        speaker = speaker_of(story, record)
        spans = tuple((one.start, one.end) for one in record)
        found.append(
            Quote(
                kind="direct",
                spans=spans,
                text=" ".join(document.text[start:end] for start, end in spans),
                speaker=speaker.name if speaker else None,
                speaker_surface=speaker.surface if speaker else None,
                role=speaker.role if speaker else None,
                country=speaker.country if speaker else None,
                about_accession=False,
                stance=None,
            )
        )
    return tuple(found)


def _without_speakers(text: str) -> tuple[Quote, ...]:
    return tuple(
        Quote("direct", ((one.start, one.end),), text[one.start : one.end], None, None, None, None, False, None)
        for one in quoted(text)
        if words_in(text, (one.start, one.end)) >= MIN_WORDS
    )
