"""Who says what in a story: quotations and reported statements with their speakers. Pure; judges no truth and no tone."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.analyse.quotes.accession import (
    is_about,
    is_report,
    report_features,
    stance_features,
    stance_of,
    topic_features,
)
from monitor.analyse.quotes.attribution import speaker_of
from monitor.analyse.quotes.indirect import reported_in
from monitor.analyse.quotes.marks import quoted, words_in
from monitor.analyse.quotes.records import records_of
from monitor.analyse.quotes.story import MIN_WORDS, Speaker, Story, read
from monitor.analyse.quotes.words import words
from monitor.model import Document, Quote
from monitor.text import Span


def quotes(document: Document) -> tuple[Quote, ...]:
    """The quotations of ``document.text`` and its reported statements about an accession, in the order of the text.

    ``document.lang`` decides about words; where it has no word lists, only the words in quotation marks are found.
    """
    lists = words(document.lang)
    if lists is None:
        return _without_speakers(document.text)
    story = read(document.title, document.text, lists)
    found = [*_direct(story, document.title), *_indirect(story, document.title)]
    return tuple(sorted(found, key=lambda one: one.spans[0]))


def _direct(story: Story, title: str) -> list[Quote]:
    found: list[Quote] = []
    before: tuple[Sequence[Span], str | None, int] | None = None
    for record in records_of(story):
        speaker = speaker_of(story, record)
        spans = tuple((one.start, one.end) for one in record)
        name = speaker.name if speaker else None
        follows = before is not None and record[0].paragraph - before[2] <= 1 and before[1] == name
        features = topic_features(story, title, spans, before[0] if before and follows else None)
        found.append(_quote(story, spans, speaker, about=is_about(features), indirect=False))
        before = (spans, name, record[-1].paragraph)
    return found


def _indirect(story: Story, title: str) -> list[Quote]:
    return [
        _quote(story, (reported.span,), reported.speaker, about=True, indirect=True)
        for reported in reported_in(story)
        if is_report(report_features(story, title, reported))
    ]


def _quote(story: Story, spans: tuple[Span, ...], speaker: Speaker | None, *, about: bool, indirect: bool) -> Quote:
    return Quote(
        kind="indirect" if indirect else "direct",
        spans=spans,
        text=" ".join(story.text[start:end] for start, end in spans),
        speaker=speaker.name if speaker else None,
        speaker_surface=speaker.surface if speaker else None,
        role=speaker.role if speaker else None,
        country=speaker.country if speaker else None,
        about_accession=about,
        stance=stance_of(stance_features(story, spans, speaker, indirect=indirect)) if about else None,
    )


def _without_speakers(text: str) -> tuple[Quote, ...]:
    return tuple(
        Quote("direct", ((one.start, one.end),), text[one.start : one.end], None, None, None, None, False, None)
        for one in quoted(text)
        if words_in(text, (one.start, one.end)) >= MIN_WORDS
    )
