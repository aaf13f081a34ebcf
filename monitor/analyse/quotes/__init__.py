"""Who says what in a story: quotations and reported statements with their speakers.

Pure; judges no truth and no tone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from monitor.analyse.quotes.accession import (
    is_about,
    is_report,
    report_features,
    stance_features,
    stances_of,
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
    found = sorted([*_direct(story, document.title), *_indirect(story, document.title)], key=lambda one: one.spans[0])
    return _with_stances(story, found)


@dataclass(frozen=True, slots=True)
class _Statement:
    """A quotation before its stance is known."""

    kind: Literal["direct", "indirect"]
    spans: tuple[Span, ...]
    speaker: Speaker | None
    about: bool


def _direct(story: Story, title: str) -> list[_Statement]:
    found: list[_Statement] = []
    paragraph = -1
    for record in records_of(story):
        speaker = speaker_of(story, record)
        spans = tuple((one.start, one.end) for one in record)
        before = found[-1] if found and record[0].paragraph - paragraph <= 1 else None
        follows = before is not None and _name_of(before.speaker) == _name_of(speaker)
        features = topic_features(story, title, spans, before.spans if before and follows else None, speaker)
        found.append(_Statement("direct", spans, speaker, is_about(features)))
        paragraph = record[-1].paragraph
    return found


def _indirect(story: Story, title: str) -> list[_Statement]:
    return [
        _Statement("indirect", (reported.span,), reported.speaker, True)
        for reported in reported_in(story)
        if is_report(report_features(story, title, reported))
    ]


def _with_stances(story: Story, statements: Sequence[_Statement]) -> tuple[Quote, ...]:
    about = [one for one in statements if one.about]
    features = [
        (_name_of(one.speaker), stance_features(story, one.spans, one.speaker, indirect=one.kind == "indirect"))
        for one in about
    ]
    stances = dict(zip((id(one) for one in about), stances_of(features), strict=True))
    return tuple(
        Quote(
            kind=one.kind,
            spans=one.spans,
            text=" ".join(story.text[start:end] for start, end in one.spans),
            speaker=_name_of(one.speaker),
            speaker_surface=one.speaker.surface if one.speaker else None,
            role=one.speaker.role if one.speaker else None,
            country=one.speaker.country if one.speaker else None,
            about_accession=one.about,
            stance=stances.get(id(one)),
        )
        for one in statements
    )


def _name_of(speaker: Speaker | None) -> str | None:
    return speaker.name if speaker else None


def _without_speakers(text: str) -> tuple[Quote, ...]:
    return tuple(
        Quote("direct", ((one.start, one.end),), text[one.start : one.end], None, None, None, None, False, None)
        for one in quoted(text)
        if words_in(text, (one.start, one.end)) >= MIN_WORDS
    )
