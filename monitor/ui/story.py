"""A stored story as its page shows it: the card that the mails print, whole, and the text with what matched marked."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.alert import wording
from monitor.alert.card import Card, Limits, Piece, make_card
from monitor.alert.safe import one_line, strip_tricks
from monitor.model import Flag, OwedAlert, StoredStory

EVERYTHING = Limits(
    sentences=200,
    sentence_chars=4000,
    quotes=200,
    quote_chars=4000,
    targets=200,
    title_chars=1000,
    reasons=12,
    outlook=200,
)


@dataclass(frozen=True)
class Judged:
    """The judgement on one topic."""

    topic: str
    flagged: bool
    score: str
    card: Card
    terms: str  # the rule's entries that matched


@dataclass(frozen=True)
class Shown:
    """A story's page; all text is on one line and without tricks, links are http(s)."""

    id: int
    thread_id: int | None
    card: Card  # what is the same for every topic
    judged: tuple[Judged, ...]  # by topic, flagged ones first
    countries: tuple[str, ...]
    paragraphs: tuple[tuple[Piece, ...], ...]


def shown(story: StoredStory) -> Shown:
    """What the page shows of a story."""
    flags = sorted(story.analysis.flags, key=lambda flag: (not flag.flagged, -flag.score))
    judged = tuple(_judged(story, flag) for flag in flags)
    return Shown(
        id=story.id,
        thread_id=story.thread_id,
        card=judged[0].card if judged else _card(story, ""),
        judged=judged,
        countries=tuple(f"{wording.country_name(c.country)} ({c.role})" for c in story.analysis.countries),
        paragraphs=_paragraphs(story),
    )


def _card(story: StoredStory, topic: str) -> Card:
    """The card of a mail that told this story alone."""
    alert = OwedAlert(0, topic, story.thread_id or 0, "", story.first_seen_at, "", (), (story,))
    return make_card(alert, topic_title=topic, review_address=None, limits=EVERYTHING)


def _judged(story: StoredStory, flag: Flag) -> Judged:
    terms = ", ".join(dict.fromkeys(one_line(evidence.term) for evidence in flag.evidence))
    return Judged(one_line(flag.topic), flag.flagged, f"{flag.score:.3f}", _card(story, flag.topic), terms)


def _paragraphs(story: StoredStory) -> tuple[tuple[Piece, ...], ...]:
    """The text in paragraphs, what matched for any topic marked."""
    marks = sorted({(e.start, e.end) for flag in story.analysis.flags for e in flag.evidence if e.field == "text"})
    found, start = [], 0
    for line in story.text.split("\n"):
        pieces, done = [], start
        for mark_start, mark_end in marks:
            a, b = max(mark_start, done), min(mark_end, start + len(line))
            if a < b:
                pieces += [Piece(story.text[done:a]), Piece(story.text[a:b], marked=True)]
                done = b
        pieces.append(Piece(story.text[done : start + len(line)]))
        cleaned = tuple(Piece(strip_tricks(piece.text), piece.marked) for piece in pieces if piece.text)
        if cleaned:
            found.append(cleaned)
        start += len(line) + 1
    return tuple(found)
