"""Stories are fetched again: what outlets changed is seen, kept and told, and what was not readable is completed.

A real server on loopback, a real store, the real pipeline; time is a value that the tests move.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_binary_file, policy
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from pathlib import Path

import pytest
import pytest_asyncio
from servers import BadServer, Handler, Request, answers

from monitor import pipeline
from monitor.config import Config
from monitor.errors import StoreError
from monitor.fetch import Fetcher
from monitor.pipeline import Monitor, Tally
from monitor.settings import (
    DEFAULT_TOPICS,
    AlertSettings,
    FeedSettings,
    FetchSettings,
    ReadSettings,
    StoreSettings,
    WatchSettings,
)
from monitor.store import Store

START = datetime(2026, 11, 5, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

TITLE = "Riga talks: allies weigh Ukraine's NATO accession"
PARAGRAPHS = (
    "Foreign ministers of 32 countries met in Riga on Thursday to weigh how fast Ukraine's accession to NATO can go.",
    "“We will invite Ukraine to join NATO at the next summit,” said Ilmar Kask, who chairs the meeting. "
    "He spoke to reporters after the first session in the old town.",
    "Hungary will support the accession of Ukraine to NATO, its envoy said. The ministers meet again on Friday.",
    "Ukraine applied for membership in NATO in 2022 and has waited for an answer since. Its foreign minister said in "
    "Riga that the accession of his country would make the whole continent safer, and that he expects a timetable.",
    "Outside the hall a few hundred people with flags stood in the rain until the delegations had left for dinner.",
)
DULL = (
    "The harbour of Riga will be closed to ferries over the weekend, the port authority said on Thursday morning.",
    "A crane that was damaged in last week's storm has to be taken down, and no ship may pass while that is done.",
    "Travellers are asked to take the bus to the next harbour along the coast, where ferries leave every two hours.",
    "The work will be finished on Sunday evening if the wind allows it, said the head of the harbour's workshop.",
)


@dataclass(frozen=True)
class Article:
    """What the outlet shows at an address."""

    title: str = TITLE
    paragraphs: tuple[str, ...] = PARAGRAPHS
    free: bool = True
    beside: str = ""
    kind: str = "NewsArticle"
    published_at: datetime = START - 2 * HOUR

    def edited(self, old: str, new: str) -> Article:
        """With other words."""
        assert any(old in words for words in self.paragraphs)
        return replace(self, paragraphs=tuple(words.replace(old, new) for words in self.paragraphs))

    def html(self) -> bytes:
        """The page."""
        body = "\n".join(f"<p>{escape(words, quote=False)}</p>" for words in self.paragraphs)
        claims = {
            "@context": "https://schema.org",
            "@type": self.kind,
            "headline": self.title,
            "datePublished": self.published_at.isoformat(),
            "isAccessibleForFree": self.free,
        }
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(self.title)}</title>'
            f'<script type="application/ld+json">{json.dumps(claims)}</script></head>'
            f"<body><main><article><h1>{escape(self.title)}</h1>\n{body}\n</article></main>"
            f"<aside><ul>{self.beside}</ul></aside></body></html>"
        ).encode()


@dataclass
class Desk:
    """One outlet, one analyst, and the monitor between them."""

    server: BadServer
    monitor: Monitor
    folder: Path
    now: list[datetime]
    items: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        """The monitor's store."""
        return self.monitor.store

    def shows(self, name: str, page: Article | Handler, etag: str | None = None) -> None:
        """The outlet's page from now on."""
        if isinstance(page, Article):
            page = answers(200, page.html(), {"Content-Type": "text/html", **({"ETag": etag} if etag else {})})
        self.server.on(f"/news/{name}", page)

    async def reports(self, name: str, page: Article | Handler, *, title: str = TITLE, etag: str | None = None) -> None:
        """The outlet publishes a story, and the monitor polls, reads and tells."""
        self.shows(name, page, etag)
        self.items.append(
            f"<item><title>{escape(title)}</title><link>{self.server.url(f'/news/{name}')}</link><guid>{name}</guid>"
            f"<pubDate>{format_datetime(self.now[0])}</pubDate><description>{escape(title)}.</description></item>"
        )
        self.serve_feed()
        await self.cycle()

    def serve_feed(self) -> None:
        """The feed with all that was published."""
        feed = f'<rss version="2.0"><channel><title>Post</title>{"".join(self.items)}</channel></rss>'
        self.server.on("/feed", answers(200, feed.encode(), {"Content-Type": "application/rss+xml"}))

    async def cycle(self) -> Tally:
        """Poll, read, tell, watch."""
        return await pipeline.cycle(self.monitor, all_feeds=True)

    async def later(self, span: timedelta) -> Tally:
        """Time passes; the monitor looks again and tells."""
        self.now[0] += span
        tally = await pipeline.watch_stories(self.monitor)
        tally.add(await pipeline.tell_owed(self.monitor))
        return tally

    def mails(self) -> list[EmailMessage]:
        """What the analyst got, in order."""
        files = (self.folder / "mail" / "new").glob("*")
        mails = [message_from_binary_file(file.open("rb"), policy=policy.default) for file in files]
        return sorted(mails, key=lambda mail: int(mail["X-Monitor-Alert"]))

    def changes(self) -> list[tuple[str, str | None, str | None]]:
        """Kind, before and after of all changes."""
        return [(row["kind"], row["before"], row["after"]) for row in self.store.view("v_changes")]

    def asked(self, name: str) -> list[Request]:
        """The requests for a page."""
        return self.server.asked(f"/news/{name}")

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """What the store holds."""
        return [tuple(row) for row in self.store.db.execute(sql).fetchall()]


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk whose feed was empty when it was first asked: what comes now is news."""
    with BadServer() as server, ThreadPoolExecutor(1) as worker:
        config = Config(
            store=StoreSettings(path=tmp_path / "monitor.db"),
            fetch=FetchSettings(allow_private=True, per_host_delay=timedelta(0)),
            read=ReadSettings(attempts=1),
            feeds=(FeedSettings(url=server.url("/feed"), outlet="Riga Post", country="LV", lang="en"),),
            topics=DEFAULT_TOPICS,
            alerts=AlertSettings(mailbox=tmp_path / "mail"),
            path=tmp_path / "config.yaml",
        )
        now = [START - DAY]
        with Store.open(config.store.path, exclusive=True) as store:
            async with Fetcher(config.fetch) as fetcher:
                monitor = Monitor.open(config, store, fetcher, worker, lambda: now[0])
                one = Desk(server, monitor, tmp_path, now)
                one.serve_feed()
                await one.cycle()
                now[0] = START
                yield one


# --- what is a change ---------------------------------------------------------------------------------------------------


async def test_an_edit_of_white_space_links_or_clocks_leaves_nothing_but_the_note(desk: Desk) -> None:
    """The page's bytes differ, what it says does not."""
    await desk.reports("a", Article())
    spaced = tuple(words.replace(" ", "  ") for words in PARAGRAPHS)
    desk.shows("a", Article(paragraphs=("Updated 12:14 GMT", *spaced), beside="<li>Storm closes the harbour</li>"))
    tally = await desk.later(15 * MINUTE)
    assert (tally.stories_watched, tally.stories_changed) == (1, 0)
    assert desk.changes() == []
    assert desk.rows("select max(version) from pages") == [(1,)]
    assert desk.rows("select looks, outcome from watches") == [(1, "unchanged")]
    assert len(desk.mails()) == 1


async def test_a_changed_quotation_is_told_once_in_the_same_mail_thread(desk: Desk) -> None:
    """A row, a new version of the page, text and quotes replaced, one follow-up that refers to the first mail."""
    await desk.reports("a", Article())
    (first,) = desk.mails()
    desk.shows(
        "a", Article().edited("invite Ukraine to join NATO at the next summit", "invite Ukraine to join NATO one day")
    )
    tally = await desk.later(15 * MINUTE)
    assert (tally.stories_changed, tally.alerts_owed, tally.alerts_sent) == (1, 1, 1)
    ((kind, before, after),) = desk.changes()
    assert kind == "quotation"
    assert "next summit" in str(before)
    assert "one day" in str(after)
    _, second = desk.mails()
    assert second["References"] == first["Message-ID"]
    assert "quotation changed" in second["Subject"]
    story = desk.store.story(1)
    assert story is not None
    assert "one day" in story.text
    assert any("one day" in quote.text for quote in story.analysis.quotes)
    bodies = [page.body for page in desk.store.pages_of(1)]
    assert [b"next summit" in body for body in bodies] == [True, False]
    for span in (HOUR, 4 * HOUR, DAY, 3 * DAY):
        await desk.later(span)
    assert len(desk.mails()) == 2
    assert len(desk.changes()) == 1


async def test_an_inserted_negation_is_told(desk: Desk) -> None:
    """One small word turns the story round."""
    await desk.reports("a", Article())
    desk.shows("a", Article().edited("Hungary will support", "Hungary will not support"))
    await desk.later(15 * MINUTE)
    assert [kind for kind, _, _ in desk.changes()] == ["negation"]
    assert "negation changed" in desk.mails()[1]["Subject"]


async def test_a_changed_headline_is_told(desk: Desk) -> None:
    """The first mail's subject is no longer what the outlet says."""
    await desk.reports("a", Article())
    desk.shows("a", Article(title="Riga talks: allies shelve Ukraine's NATO accession"))
    await desk.later(15 * MINUTE)
    assert [kind for kind, _, _ in desk.changes()] == ["headline"]
    mail = desk.mails()[1]
    assert mail["X-Monitor-Reason"].startswith("headline changed")
    body = mail.get_body(("plain",))
    assert body is not None
    assert "shelve" in body.get_content()


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("ministers of 32 countries", "ministers of 31 countries", "number"),
        ("stood in the rain", "waited in the rain", None),
        (
            "left for dinner.",
            "left for dinner. A brass band that had come from Daugavpils played to the end.",
            "paragraph added",
        ),
    ],
)
async def test_other_changes_leave_a_row_and_no_mail(desk: Desk, old: str, new: str, kind: str | None) -> None:
    """They are there for whoever asks."""
    await desk.reports("a", Article())
    desk.shows("a", Article().edited(old, new))
    await desk.later(15 * MINUTE)
    assert [found for found, _, _ in desk.changes()] == ([kind] if kind else [])
    assert len(desk.mails()) == 1


async def test_a_story_that_was_never_mailed_is_not_followed_up(desk: Desk) -> None:
    """A backlog story keeps its changes without a mail: there is no thread that it could follow."""
    desk.monitor.config = desk.monitor.config.model_copy(
        update={"alerts": desk.monitor.config.alerts.model_copy(update={"max_age": timedelta(0)})}
    )
    desk.now[0] += MINUTE
    desk.shows("a", Article())
    desk.items.append(
        f"<item><title>{escape(TITLE)}</title><link>{desk.server.url('/news/a')}</link><guid>a</guid>"
        f"<pubDate>{format_datetime(START - 5 * DAY)}</pubDate></item>"
    )
    desk.serve_feed()
    await desk.cycle()
    desk.shows("a", Article().edited("Hungary will support", "Hungary will not support"))
    await desk.later(15 * MINUTE)
    assert [kind for kind, _, _ in desk.changes()] == ["negation"]
    assert desk.mails() == []


# --- when ---------------------------------------------------------------------------------------------------------------


async def test_the_schedule_decays_and_asks_conditionally(desk: Desk) -> None:
    """15 minutes, 1 hour, 4 hours, 1 day, 3 days after the first reading; a 304 is all that the server has to say."""
    await desk.reports("a", Article(), etag='"one"')
    desk.shows("a", answers(304))
    asked: list[int] = []
    for minutes in range(0, 5 * 24 * 60, 15):
        await desk.later(15 * MINUTE if minutes else timedelta(0))
        if len(desk.asked("a")) > len(asked) + 1:
            asked.append(minutes)
    assert asked == [15, 60, 240, 1440, 4320]
    assert {request.headers.get("if-none-match") for request in desk.asked("a")[1:]} == {'"one"'}
    assert desk.rows("select next_at, looks, outcome from watches") == [(None, 5, "unchanged")]


async def test_what_is_not_flagged_is_not_watched(desk: Desk) -> None:
    """A full article about something else is read once."""
    await desk.reports("a", Article(title="Harbour closed over the weekend", paragraphs=DULL), title="Harbour closed")
    await desk.later(4 * DAY)
    assert len(desk.asked("a")) == 1
    assert desk.rows("select count(*) from watches") == [(0,)]


async def test_no_schedule_no_looks(desk: Desk) -> None:
    """`after: []` turns it off, for stories that were read before too."""
    await desk.reports("a", Article())
    desk.monitor.config = desk.monitor.config.model_copy(update={"watch": WatchSettings(after=())})
    await desk.later(DAY)
    assert len(desk.asked("a")) == 1
    assert desk.rows("select outcome, next_at from watches") == [("over", None)]


async def test_a_look_waits_for_news_but_not_for_ever(desk: Desk) -> None:
    """While entries wait to be read no page is fetched again, until a look has waited for a quarter of an hour."""
    for name in ("a", "b", "c"):
        await desk.reports(name, Article().edited("32", {"a": "30", "b": "31", "c": "32"}[name]))
    desk.items.append("<item><title>News</title><guid>news</guid><description>News came in.</description></item>")
    desk.serve_feed()
    desk.now[0] += 15 * MINUTE
    await pipeline.poll_feeds(desk.monitor, all_feeds=True)
    assert (await desk.later(timedelta(0))).stories_watched == 0
    assert (await desk.later(14 * MINUTE)).stories_watched == 0
    assert (await desk.later(MINUTE)).stories_watched == 1
    await pipeline.read_all(desk.monitor)
    assert (await desk.later(timedelta(0))).stories_watched == 2


# --- less than the article ------------------------------------------------------------------------------------------------


async def test_a_teaser_that_becomes_the_article_is_completed_and_told_when_it_is_flagged_first(desk: Desk) -> None:
    """The paywall comes down an hour later; text and analysis are replaced, one alert is owed."""
    teaser = (
        "The fish soup of the market hall is said to be the best of the coast, and the music on the square is free. "
        "In the evening the town was full of guests: ministers of NATO, who speak of Ukraine's accession. Read on.",
    )
    await desk.reports("a", Article(title="A day in Riga", paragraphs=teaser, free=False), title="A day in Riga")
    assert desk.mails() == []
    assert desk.rows("select source, status from stories") == [("summary", "stub")]
    desk.shows("a", Article())
    tally = await desk.later(15 * MINUTE)
    assert tally.alerts_owed == 1
    assert desk.rows("select source, status, title from stories") == [("page", "ok", TITLE)]
    assert desk.rows("select version from pages") == [(1,), (2,)]
    (mail,) = desk.mails()
    assert "References" not in mail
    desk.shows("a", Article().edited("Hungary will support", "Hungary will not support"))
    await desk.later(HOUR)
    assert len(desk.mails()) == 2


async def test_a_page_that_could_not_be_had_is_tried_again_for_two_days(desk: Desk) -> None:
    """Whatever it is about: nobody knows that yet. Then it is left alone."""
    await desk.reports("a", answers(503), title="Harbour closed over the weekend")
    assert desk.rows("select source from stories") == [("summary",)]
    for _ in range(6 * 24):
        await desk.later(HOUR)
    assert desk.rows("select outcome, next_at from watches") == [("failed", None)]
    assert "503" in str(desk.rows("select error from watches"))
    assert 5 <= len(desk.asked("a")) <= 12


async def test_a_page_that_could_not_be_had_is_completed_when_the_server_is_back(desk: Desk) -> None:
    """The article makes the story; it is flagged for the first time and told."""
    await desk.reports("a", answers(503), title="Ministers meet in Riga")
    assert desk.mails() == []
    desk.shows("a", Article())
    await desk.later(15 * MINUTE)
    assert len(desk.mails()) == 1
    assert desk.changes() == []


async def test_a_paywall_that_comes_later_changes_nothing(desk: Desk) -> None:
    """What was published once was published."""
    await desk.reports("a", Article())
    desk.shows("a", Article(paragraphs=PARAGRAPHS[:1], free=False))
    await desk.later(15 * MINUTE)
    story = desk.store.story(1)
    assert story is not None
    assert "dinner" in story.text
    assert desk.changes() == []
    assert str(desk.rows("select outcome from watches")).startswith("[('less than the article")


# --- live blogs, dates ----------------------------------------------------------------------------------------------------


async def test_a_live_blog_is_read_again_flagged_or_not(desk: Desk) -> None:
    """New paragraphs are a version; it is told when they make it a story about the accession, and not before."""
    blog = Article(title="Thursday as it happened", paragraphs=DULL, kind="LiveBlogPosting")
    await desk.reports("a", blog, title=blog.title)
    assert desk.rows("select status from stories") == [("live",)]
    desk.shows(
        "a", replace(blog, paragraphs=("A second crane fell into the harbour at noon, and nobody was hurt.", *DULL))
    )
    await desk.later(15 * MINUTE)
    assert [kind for kind, _, _ in desk.changes()] == ["paragraph added"]
    assert desk.rows("select max(version) from pages") == [(2,)]
    assert desk.mails() == []
    desk.shows("a", replace(blog, title=f"Live: {TITLE}", paragraphs=PARAGRAPHS + DULL))
    await desk.later(HOUR)
    assert len(desk.mails()) == 1
    desk.shows(
        "a", replace(blog, title=f"Live: {TITLE}", paragraphs=("The doors opened again at six.", *PARAGRAPHS, *DULL))
    )
    await desk.later(4 * HOUR)
    assert len(desk.mails()) == 1


async def test_the_pages_date_and_the_feeds_are_both_kept(desk: Desk) -> None:
    """They differ more often than one thinks."""
    await desk.reports("a", Article())
    dates = [("2026-11-05T12:00:00Z", "2026-11-05T10:00:00Z")]
    assert desk.rows("select published_at, page_published_at from stories") == dates


# --- gone, and back -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 410])
async def test_a_page_that_was_missed_twice_was_taken_offline(desk: Desk, status: int) -> None:
    """Once may be an accident; the second look comes soon. The story stays."""
    await desk.reports("a", Article())
    desk.shows("a", answers(status))
    await desk.later(15 * MINUTE)
    assert desk.changes() == []
    await desk.later(10 * MINUTE)
    assert desk.changes() == [("taken offline", TITLE, None)]
    await desk.later(HOUR)
    assert len(desk.changes()) == 1
    desk.shows("a", Article())
    await desk.later(4 * HOUR)
    assert [kind for kind, _, _ in desk.changes()] == ["taken offline", "back online"]
    assert desk.store.story(1) is not None
    assert len(desk.mails()) == 1


# --- broken off -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["changes", "pages", "flags", "alerts", "deliveries"])
async def test_a_break_between_the_steps_leaves_nothing_half_done(desk: Desk, table: str) -> None:
    """Whichever write fails, none of the change is there; the next look does all of it, and mails once."""
    await desk.reports("a", Article())
    desk.shows("a", Article().edited("Hungary will support", "Hungary will not support"))
    before = desk.rows("select text, read_at from stories")
    desk.store.db.execute(f"create trigger broken before insert on {table} begin select raise(abort, 'power cut'); end")
    await desk.later(15 * MINUTE)
    assert desk.rows("select text, read_at from stories") == before
    assert desk.changes() == []
    assert desk.rows("select (select count(*) from pages), (select count(*) from alerts)") == [(1, 1)]
    assert desk.rows("select outcome, failures from watches") == [("failed", 1)]
    desk.store.db.execute("drop trigger broken")
    await desk.later(10 * MINUTE)
    assert [kind for kind, _, _ in desk.changes()] == ["negation"]
    assert len(desk.mails()) == 2


async def test_a_store_that_cannot_even_note_the_look_leaves_it_due(desk: Desk) -> None:
    """The pass fails as a whole and says so; the story is looked at again."""
    await desk.reports("a", Article())
    desk.store.db.execute("create trigger broken before update on watches begin select raise(abort, 'power cut'); end")
    with pytest.raises(ExceptionGroup) as failed:
        await desk.later(15 * MINUTE)
    assert failed.group_contains(StoreError)
    desk.store.db.execute("drop trigger broken")
    assert (await desk.later(timedelta(0))).stories_watched == 1
