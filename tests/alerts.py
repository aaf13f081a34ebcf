"""Owed alerts as the store gives them back, for the tests of the tell stage. All texts are our own words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from monitor.model import (
    Analysis,
    Country,
    Evidence,
    FieldName,
    Flag,
    Mention,
    OwedAlert,
    Prospects,
    Quote,
    Sentiment,
    StoredStory,
    TargetSentiment,
)

NOW = datetime(2026, 11, 14, 9, 30, tzinfo=UTC)
TITLE = 'Kyiv calls talks "very toxic"'
FIRST = "Negotiations over Ukraine's accession to NATO have all but stalled, a spokesman for the foreign ministry in Kyiv said on Friday."
CIRCLES = 'Every argument has been on the table for months and each new meeting "walks the same circle", Danylo Horobets told a video journal.'
TOXIC = '"To put it bluntly, the talks have turned very toxic," he added.'
TIMELINE = "The allies have named no date and no timeline for an invitation."
ATLANTIC = "A senator in Washington said Kyiv should drop the idea of joining the alliance for good."
TEXT = "\n".join((FIRST, f"{CIRCLES} {TOXIC}", TIMELINE, ATLANTIC))


def evidence(surface: str, sentence: str, *, term: str = "", field: FieldName = "text", text: str = TEXT) -> Evidence:
    """A match of ``surface`` inside ``sentence`` with offsets that fit ``text`` (or the title)."""
    source = TITLE if field == "title" else text
    sentence_start = source.index(sentence)
    start = sentence_start + sentence.index(surface)
    end = sentence_start + len(sentence)
    return Evidence(term or surface.lower(), surface, field, start, start + len(surface), sentence, sentence_start, end)


def mention(surface: str, sentence: str, negative: float, positive: float) -> Mention:
    """A tone toward ``surface`` inside ``sentence``."""
    match = evidence(surface, sentence)
    return Mention(
        "text",
        match.start,
        match.end,
        match.sentence_start,
        match.sentence_end,
        negative,
        1 - negative - positive,
        positive,
    )


def flag(**changes: Any) -> Flag:
    """The story's flag on NATO accession: two matches in the first sentence, one in the headline, one further down."""
    base = Flag(
        topic="nato-accession",
        score=0.93,
        flagged=True,
        evidence=(
            evidence("accession to NATO", FIRST, term="accession to nato"),
            evidence("Negotiations", FIRST),
            evidence("talks", TITLE, field="title"),
            evidence("invitation", TIMELINE),
        ),
        parts={"title": 0.31, "lead": 0.27, "density": 0.12, "background": -0.04},
        rule="r4f81c2",
        flip="Without the first sentence it would stand at 0.41.",
    )
    return replace(base, **changes)


def sentiment(**changes: Any) -> Sentiment:
    """Clearly negative toward the talks, unclear as a whole."""
    base = Sentiment(
        label="negative",
        score=-0.48,
        confidence=0.66,
        targets=(
            TargetSentiment(
                target="talks",
                kind="talks",
                label="negative",
                score=-0.61,
                n=3,
                p_negative=0.88,
                p_neutral=0.1,
                p_positive=0.02,
                mentions=(mention("talks", TOXIC, 0.96, 0.01), mention("Negotiations", FIRST, 0.7, 0.05)),
            ),
            TargetSentiment("NATO", "nato", None, -0.1, 2, 0.4, 0.45, 0.15),
        ),
        scorer="linear@3f2a9c",
    )
    return replace(base, **changes)


def quote(text: str, speaker: str | None, **changes: Any) -> Quote:
    """Words said about the accession by ``speaker``."""
    base = Quote(
        kind="direct",
        spans=((0, len(text)),),
        text=text,
        speaker=speaker,
        speaker_surface=speaker,
        role=None,
        country=None,
        about_accession=True,
        stance="neutral",
    )
    return replace(base, **changes)


def analysis(**changes: Any) -> Analysis:
    """What the analysis stage would say about the story of the toxic talks."""
    base = Analysis(
        lang="en",
        flags=(flag(),),
        keywords=(),
        countries=(Country("UA", "candidate"), Country("US", "actor")),
        sentiment=sentiment(),
        prospects=Prospects("unfavourable", -0.7, 0.81, (evidence("no timeline", TIMELINE),)),
        quotes=(
            quote(
                "To put it bluntly, the talks have turned very toxic,",
                "Danylo Horobets",
                role="spokesman for the foreign ministry",
                country="UA",
            ),
            quote(
                "Kyiv should drop the idea of joining the alliance for good",
                None,
                kind="indirect",
                speaker_surface="A senator",
                country="US",
                stance="opposes",
            ),
        ),
    )
    return replace(base, **changes)


def story(**changes: Any) -> StoredStory:
    """The story of the toxic talks as read from the page of a Ukrainian outlet."""
    base = StoredStory(
        id=12,
        url="https://courier.example/2026/11/toxic-talks",
        outlet="Dnipro Courier",
        country="UA",
        camp="ukrainian",
        lang="en",
        title=TITLE,
        authors=("Oksana Vilna",),
        published_at=datetime(2026, 11, 14, 9, 5, tzinfo=UTC),
        first_seen_at=datetime(2026, 11, 14, 9, 12, tzinfo=UTC),
        text=TEXT,
        word_count=78,
        source="page",
        status="ok",
        quality="trafilatura precision",
        thread_id=5,
        analysis=analysis(),
    )
    return replace(base, **changes)


def reprints() -> tuple[StoredStory, ...]:
    """Two other outlets that took over the story."""
    return (
        story(
            id=13,
            url="https://polnoc.example/kijow-rozmowy",
            outlet="Gazeta Północna",
            country="PL",
            camp="nato",
            lang="pl",
            title="Kijów: rozmowy z NATO „bardzo toksyczne”",
            published_at=datetime(2026, 11, 14, 9, 21, tzinfo=UTC),
        ),
        story(
            id=14,
            url="https://vestnik.example/1?id=7&src=feed",
            outlet="Вестник столицы",
            country="RU",
            camp="russian-state",
            lang="ru",
            title="В Киеве назвали переговоры с НАТО токсичными",
            published_at=None,
        ),
    )


def alert(**changes: Any) -> OwedAlert:
    """A first alert on the story, with two reprints."""
    stories = (story(), *reprints())
    base = OwedAlert(
        id=7,
        topic="nato-accession",
        thread_id=5,
        reason="new story",
        created_at=NOW,
        message_id="<alert-7.5f0c@monitor.example>",
        references=(),
        stories=stories,
        outlets=tuple(s.outlet for s in stories),
    )
    return replace(base, **changes)


def alert_on(**changes: Any) -> OwedAlert:
    """A first alert on one story that differs from the usual one by ``changes``."""
    one = story(**changes)
    return alert(stories=(one,), outlets=(one.outlet,))
