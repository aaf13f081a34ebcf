"""What happens to a store, in words: a feed is added, entries come, a story is read. Values with defaults for the tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.model import (
    AlertPolicy,
    Analysis,
    Country,
    Entry,
    Evidence,
    Flag,
    Keyword,
    Look,
    Mention,
    Outcome,
    PageRecord,
    PageStatus,
    PendingEntry,
    PollOutcome,
    PollPlan,
    PollStatus,
    Prospects,
    Quote,
    Reply,
    SavedStory,
    Sentiment,
    StoryRecord,
    TargetSentiment,
    ThreadPlace,
)
from monitor.settings import FeedSettings
from monitor.store import Store

NOW = datetime(2026, 11, 5, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TOPIC = "nato-accession"
TITLE = "Kyiv calls the accession talks toxic"
TEXT = (
    "Ukraine's accession talks with NATO have turned toxic, an envoy said.\n"
    "“We go in circles,” Olena Kovalenko told reporters in Kyiv. Allies gave no timeline."
)

NO_TONE = Sentiment(label=None, score=None, confidence=None, targets=(), scorer=None)
NOTHING = Analysis("en", (), (), (), NO_TONE, None, ())


def policy(**changes: Any) -> AlertPolicy:
    """Mail everything of the last two days to one analyst."""
    usual = AlertPolicy(
        mail_after=NOW - 48 * HOUR,
        recipients=(("email", "analyst@example.org"),),
        domain="example.org",
        titles={TOPIC: "NATO accession"},
    )
    return replace(usual, **changes)


def a_feed(name: str = "kyiv", **changes: Any) -> FeedSettings:
    """A feed as the config has it."""
    usual = {"outlet": f"The {name.title()} Post", "country": "UA", "camp": "ukrainian", "lang": "en", "tags": ("x",)}
    return FeedSettings(url=f"https://{name}.example/feed", **(usual | changes))


def an_entry(name: str = "one", **changes: Any) -> Entry:
    """An entry as a feed offers it."""
    usual = Entry(
        guid=f"guid-{name}",
        link=f"https://kyiv.example/news/{name}",
        title=f"Title {name}",
        summary=f"Summary {name}",
        authors=("A. Writer",),
        published_at=NOW - HOUR,
        key=f"guid-{name}",
    )
    return replace(usual, **changes)


def a_poll(feed_id: int, *entries: Entry, at: datetime = NOW, **changes: Any) -> PollOutcome:
    """A poll that worked and brought these entries; the next one is in an hour."""
    usual = PollOutcome(
        feed_id=feed_id,
        started_at=at,
        status=PollStatus.OK,
        plan=PollPlan(at + HOUR, "every hour", 3600),
        http_status=200,
        bytes=1000,
        elapsed_ms=20,
        entries=entries,
        parser="fast",
        etag='"v1"',
        body_hash="h1",
    )
    return replace(usual, **changes)


def a_failed_poll(feed_id: int, at: datetime = NOW, **changes: Any) -> PollOutcome:
    """A poll that failed; the next one is in an hour."""
    usual = PollOutcome(
        feed_id,
        at,
        PollStatus.FAILED,
        PollPlan(at + HOUR, "failed once", 3600),
        http_status=500,
        error="500 from server",
    )
    return replace(usual, **changes)


def feed_is_added(store: Store, name: str = "kyiv", **changes: Any) -> int:
    """A feed whose first poll was done long ago, so that what it brings now is news."""
    feed_id = store.add_feed(a_feed(name, **changes), NOW - 1000 * HOUR)
    store.record_poll(a_poll(feed_id, at=NOW - 999 * HOUR))
    return feed_id


def entries_come(store: Store, feed_id: int, *entries: Entry, at: datetime = NOW) -> int:
    """The feed is polled and offers these entries."""
    return store.record_poll(a_poll(feed_id, *entries, at=at))


def pending(store: Store, at: datetime = NOW) -> list[PendingEntry]:
    """All entries that are due."""
    return store.pending_entries(at, 1000)


def an_evidence(surface: str, **changes: Any) -> Evidence:
    """A match of ``surface`` in TEXT."""
    start = TEXT.index(surface)
    sentence_end = TEXT.index("\n")
    usual = Evidence(
        term=surface.lower(),
        surface=surface,
        field="text",
        start=start,
        end=start + len(surface),
        sentence=TEXT[:sentence_end],
        sentence_start=0,
        sentence_end=sentence_end,
    )
    return replace(usual, **changes)


def a_flag(topic: str = TOPIC, score: float = 0.9, **changes: Any) -> Flag:
    """A flag with one piece of evidence."""
    usual = Flag(
        topic,
        score,
        score >= 0.5,
        (an_evidence("accession talks"),),
        {"title": 1.5, "density": -0.25},
        "rule1",
        "less of it",
    )
    return replace(usual, **changes)


def an_analysis(*flags: Flag, **changes: Any) -> Analysis:
    """An analysis with something in every part."""
    mention = Mention("text", 10, 25, 0, 69, 0.8, 0.15, 0.05)
    talks = TargetSentiment("talks", "talks", "negative", -0.6, 3, 0.8, 0.15, 0.05, -0.4, (mention,))
    ally = TargetSentiment("NATO", "nato", None, 0.05, 1, 0.3, 0.35, 0.35, None, ())
    said = TEXT.index("We go in circles")
    quote = Quote(
        kind="direct",
        spans=((said, said + 16),),
        text="We go in circles",
        speaker="Olena Kovalenko",
        speaker_surface="Olena Kovalenko",
        role="envoy",
        country="UA",
        about_accession=True,
        stance="supports",
    )
    usual = Analysis(
        lang="en",
        flags=flags or (a_flag(),),
        keywords=(Keyword(TOPIC, "accession talks", "en", "text", 1), Keyword(TOPIC, "NATO", "en", "text", 1)),
        countries=(Country("UA", "candidate"), Country("US", "actor")),
        sentiment=Sentiment("negative", -0.5, 0.8, (talks, ally), "linear@1"),
        prospects=Prospects("unfavourable", -0.7, 0.6, (an_evidence("toxic"),)),
        quotes=(quote,),
    )
    return replace(usual, **changes)


def a_record(entry: PendingEntry, analysis: Analysis | None = None, **changes: Any) -> StoryRecord:
    """What the read stage makes of an entry: by default a flagged story with its page."""
    usual = StoryRecord(
        entry=entry,
        read_at=NOW,
        url=entry.link or "",
        title=TITLE,
        authors=("A. Writer",),
        published_at=entry.published_at,
        page_published_at=NOW - 2 * HOUR,
        text=TEXT,
        word_count=len(TEXT.split()),
        source="page",
        status=PageStatus.OK,
        quality="trafilatura precision",
        analysis=analysis or an_analysis(),
        ruleset="ruleset1",
        page=PageRecord(NOW, 200, {"content-type": "text/html"}, b"<html>" + TEXT.encode() + b"</html>"),
    )
    return replace(usual, **changes)


def a_look(story_id: int = 1, outcome: str = "unchanged", *, at: datetime = NOW, **changes: Any) -> Look:
    """A look at a watched story; the next one is in an hour."""
    usual = Look(story_id, at, outcome, at + HOUR)
    return replace(usual, **changes)


def a_reply(alert_id: int | None = None, **changes: Any) -> Reply:
    """A reader says no to an alert."""
    outcome: Outcome = "review" if alert_id else "no alert"
    usual = Reply("<1@reader.example>", "reader@example.org", "Re: alert", alert_id, "irrelevant", "", outcome, None)
    return replace(usual, **changes)


def a_story_is_read(
    store: Store,
    feed_id: int,
    name: str = "one",
    *,
    entry: dict[str, Any] | None = None,
    alerts: AlertPolicy | None = None,
    place: ThreadPlace | None = None,
    analysis: Analysis | None = None,
    watch_at: datetime | None = None,
    **changes: Any,
) -> SavedStory:
    """A feed brings one entry, and it is read and saved."""
    entries_come(store, feed_id, an_entry(name, **(entry or {})))
    (waiting,) = [one for one in pending(store) if one.key == f"guid-{name}" and one.feed_id == feed_id]
    return store.save_story(a_record(waiting, analysis, **changes), alerts or policy(), place, watch_at=watch_at)


def count(store: Store, table: str, where: str = "1") -> int:
    """Rows of a table."""
    found: int = store.db.execute(f"select count(*) from {table} where {where}").fetchone()[0]
    return found
