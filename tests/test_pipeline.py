"""The stages in order, against a real server that misbehaves, a real mail server, a real store. Time is moved, not waited for."""

from __future__ import annotations

import asyncio
import mailbox
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from mail_servers import MailServer, mail_server
from servers import BadServer, Request, answers, gzip_bomb, hangs, pours, sends

from monitor import work
from monitor.config import Config
from monitor.fetch import Fetcher
from monitor.pipeline import Monitor, Tally, cycle, hear_replies, poll_feeds, read_all, read_pending, reading, tell_owed
from monitor.pipeline.hearing import address_for_replies
from monitor.settings import (
    DEFAULT_TOPICS,
    AlertSettings,
    EmailSettings,
    FeedSettings,
    FetchSettings,
    ReadSettings,
    ReviewSettings,
    StoreSettings,
)
from monitor.store import Store
from monitor.workers import KillablePool

NO_REPLIES = ReviewSettings()
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NEWS = "Parliament ratifies Harland's accession to NATO"
TEXT = (
    "The parliament ratified Harland's accession to NATO on Friday. The vote ends a debate of eleven months about the "
    "country's membership in the alliance. The prime minister said that Harland would join NATO before the summer. "
    "The opposition had asked for a referendum, which the court refused. Harland applied for membership two years ago, "
    "and thirty of the allies have ratified the protocol since. The remaining parliaments vote in the coming weeks. "
    "The foreign minister thanked the deputies and said that the invitation had been earned by years of reforms."
)


class Clock:
    """A time of day that only the test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **amount: float) -> None:
        self.now += timedelta(**amount)


class Newsroom:
    """A feed and its pages on a server that misbehaves where it is told to."""

    def __init__(self, server: BadServer) -> None:
        self.server = server
        self.items: list[str] = []
        self.feed_url = ""

    def publishes(self, slug: str, handler=None, title: str = NEWS, at: datetime = START) -> None:  # type: ignore[no-untyped-def]
        """A new item in the feed; ``handler`` answers for its page."""
        url = self.server.on(f"/{slug}", handler or answers(200, page(title, TEXT), [("Content-Type", "text/html")]))
        self.items.append(
            f"<item><title>{title}</title><link>{url}</link><guid>{slug}</guid><pubDate>{format_datetime(at)}</pubDate>"
            f"<description>The vote ends a debate about {slug} and Harland's membership in NATO.</description></item>"
        )
        body = f"<rss version='2.0'><channel><title>News</title>{''.join(self.items)}</channel></rss>".encode()
        self.feed_url = self.server.on("/feed", answers(200, body, [("Content-Type", "application/rss+xml")]))


def page(title: str, text: str) -> bytes:
    paragraphs = "".join(f"<p>{sentence}.</p>" for sentence in text.split(". "))
    return f"<html lang=en><head><title>{title}</title></head><body><article><h1>{title}</h1>{paragraphs}".encode()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def newsroom() -> Iterator[Newsroom]:
    with BadServer() as server:
        server.on("/robots.txt", answers(404))
        room = Newsroom(server)
        room.publishes("old", title="Nothing happened in the valley")
        yield room


@pytest.fixture
def opened(newsroom: Newsroom, clock: Clock, tmp_path: Path) -> Callable[..., AbstractMonitor]:
    """Opens a monitor on the newsroom's feed; ``alerts`` says where mails go."""

    @asynccontextmanager
    async def open_(  # type: ignore[no-untyped-def]
        executor=None,
        reviews: ReviewSettings = NO_REPLIES,
        timeout: timedelta = timedelta(seconds=1),
        **alerts: object,
    ) -> AsyncIterator[Monitor]:
        config = Config(
            store=StoreSettings(path=tmp_path / "monitor.db"),
            fetch=FetchSettings(
                allow_private=(newsroom.server.address,), per_host=50, per_host_delay=timedelta(0),
                timeout=timeout, max_bytes=2_000_000,
            ),
            read=ReadSettings(attempts=2),
            feeds=(FeedSettings(url=newsroom.feed_url, outlet="Valley News", lang="en"),),
            topics=DEFAULT_TOPICS,
            alerts=AlertSettings(mailbox=tmp_path / "mail", **alerts),
            reviews=reviews,
            path=tmp_path / "config.yaml",
        )  # fmt: skip
        with Store.open(config.store.path, exclusive=True) as store, ThreadPoolExecutor(2) as threads:
            async with Fetcher(config.fetch) as fetcher:
                yield Monitor.open(config, store, fetcher, executor or threads, clock)

    return open_


AbstractMonitor = object


@pytest.fixture
def mailer() -> Iterator[MailServer]:
    """A real SMTP server on loopback."""
    with mail_server() as server:
        yield server


async def first_look(monitor: Monitor) -> None:
    """The backlog, which is never mailed."""
    await cycle(monitor, all_feeds=True)


def mails(folder: Path) -> list[Path]:
    return sorted((folder / "mail" / "new").glob("*"))


async def test_news_after_the_first_look_is_mailed_once(opened, newsroom: Newsroom, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """And a second cycle over the same feed sends nothing more."""
    async with opened() as monitor:
        await first_look(monitor)
        newsroom.publishes("vote")
        first = await cycle(monitor, all_feeds=True)
        second = await cycle(monitor, all_feeds=True)
    assert (first.entries_new, first.stories_flagged, first.alerts_sent) == (1, 1, 1)
    assert (second.entries_new, second.feeds_unchanged, second.alerts_sent) == (0, 1, 0)
    assert len(mails(tmp_path)) == 1


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (hangs(), "no complete answer within 1 s"),
        (pours(50_000_000, [("Content-Type", "text/html")]), "larger than"),
        (answers(200, gzip_bomb(50_000_000), [("Content-Encoding", "gzip")]), "larger than"),
        (answers(403), "403"),
        (answers(200, b"%PDF-1.7 ...", [("Content-Type", "application/pdf")]), "media"),
        (sends(close=True), ""),
    ],
    ids=["hangs", "50 MB", "gzip bomb", "403", "PDF", "hangs up"],
)
async def test_a_page_that_cannot_be_had_is_judged_on_the_feeds_words(  # type: ignore[no-untyped-def]
    opened, newsroom: Newsroom, clock: Clock, tmp_path: Path, handler, reason: str
) -> None:
    """At once where another try cannot help, else after the last try; the reason is kept, the rest is unharmed."""
    async with opened() as monitor:
        await first_look(monitor)
        newsroom.publishes("bad", handler)
        newsroom.publishes("good", title="Harland signs the protocol of its accession to NATO")
        tally = await cycle(monitor, all_feeds=True)
        for _ in range(2):
            clock.pass_(minutes=5)
            tally.add(await cycle(monitor))
        stored = monitor.store.story(newsroom.server.url("/bad"))
        assert stored is not None
        assert monitor.store.count_pending() == 0
    assert stored.source == "summary"
    assert reason in stored.quality
    assert tally.stories_stored == 2
    assert tally.alerts_sent >= 1
    assert not tally.feeds_failed


async def test_an_entry_that_failed_waits_for_its_next_try(opened, newsroom: Newsroom, clock: Clock) -> None:  # type: ignore[no-untyped-def]
    """It stays in the inbox with the reason and the time; nothing is judged too early."""
    async with opened() as monitor:
        await first_look(monitor)
        newsroom.publishes("flaky", answers(500))
        tally = await cycle(monitor, all_feeds=True)
        assert (tally.entries_put_off, tally.stories_stored) == (1, 0)
        assert monitor.store.count_pending() == 1
        newsroom.server.on("/flaky", answers(200, page(NEWS, TEXT), [("Content-Type", "text/html")]))
        clock.pass_(minutes=2)
        again = await read_all(monitor)
        stored = monitor.store.story(newsroom.server.url("/flaky"))
    assert again.stories_stored == 1
    assert stored is not None
    assert stored.source == "page"


async def test_a_page_that_kills_its_worker_hurts_only_its_entry(  # type: ignore[no-untyped-def]
    opened, newsroom: Newsroom, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is killed at its time limit; on the last try the feed's words are judged instead."""
    pool = KillablePool(1, call_timeout_s=8, preload=("monitor.work",))
    try:
        async with opened(executor=SlowOn(pool, "/poison")) as monitor:
            await first_look(monitor)
            newsroom.publishes("poison")
            newsroom.publishes("good", title="Harland signs the protocol of its accession to NATO")
            await cycle(monitor, all_feeds=True)
            clock.pass_(minutes=5)
            await cycle(monitor)
            poison = monitor.store.story(newsroom.server.url("/poison"))
            good = monitor.store.story(newsroom.server.url("/good"))
    finally:
        pool.shutdown(cancel_futures=True)
    assert good is not None
    assert good.source == "page"
    assert poison is not None
    assert poison.source == "summary"
    assert "took too long" in poison.quality


class SlowOn:
    """An executor whose worker hangs on one page: what a parser that never ends looks like from outside."""

    def __init__(self, pool: KillablePool, path: str) -> None:
        self.pool, self.path = pool, path

    def submit(self, function, *arguments, **named):  # type: ignore[no-untyped-def]
        entry, found = arguments[0], arguments[1]
        poisoned = getattr(entry, "link", "").endswith(self.path) and found.response is not None
        return self.pool.submit(hang if poisoned else function, *arguments, **named)


def hang(*_: object) -> None:
    import time

    time.sleep(600)


async def test_a_feed_that_is_a_web_page_leaves_a_row_with_the_reason(opened, newsroom: Newsroom) -> None:  # type: ignore[no-untyped-def]
    """The feed is asked again later and named in the summary."""
    newsroom.server.on(
        "/feed", answers(200, b"<!doctype html><title>Please log in</title>", [("Content-Type", "text/html")])
    )
    async with opened() as monitor:
        tally = await poll_feeds(monitor, all_feeds=True)
        (feed,) = monitor.store.all_feeds()
        row = monitor.store.db.execute("select status, error from polls").fetchone()
    assert "Valley News" in tally.feeds_failed[0]
    assert feed.failures == 1
    assert feed.next_poll_at is not None
    assert feed.next_poll_at > START
    assert tuple(row) == ("failed", "a web page, not a feed")


async def test_a_gone_feed_is_not_asked_again(opened, newsroom: Newsroom, clock: Clock) -> None:  # type: ignore[no-untyped-def]
    """410 stops the feed; the operator sees it."""
    newsroom.server.on("/feed", answers(410))
    async with opened() as monitor:
        await poll_feeds(monitor, all_feeds=True)
        clock.pass_(days=10)
        later = await poll_feeds(monitor)
        (feed,) = monitor.store.all_feeds()
    assert feed.state == "gone"
    assert later.feeds_polled == 0


async def test_mails_wait_in_the_outbox_while_the_server_is_away(
    opened, newsroom: Newsroom, clock: Clock, mailer: MailServer
) -> None:  # type: ignore[no-untyped-def]
    """Away for the first half of a run: in the end each alert was delivered, under one Message-ID each."""
    email = {
        "host": "127.0.0.1",
        "port": mailer.port,
        "security": "none",
        "from": "m@example.org",
        "to": ["a@example.org"],
    }
    nobody = {**email, "port": 1}
    async with opened(email=EmailSettings.model_validate(nobody)) as monitor:
        await first_look(monitor)
        newsroom.publishes("vote")
        newsroom.publishes("protocol", title="Harland signs the protocol of its accession to NATO")
        away = await cycle(monitor, all_feeds=True)
        clock.pass_(minutes=1)
        away.add(await tell_owed(monitor))
        alerts = monitor.config.alerts.model_copy(update={"email": EmailSettings.model_validate(email)})
        monitor.config = monitor.config.model_copy(update={"alerts": alerts})
        clock.pass_(hours=2)
        back = await tell_owed(monitor)
        ids = [row[0] for row in monitor.store.db.execute("select message_id from alerts")]
    sent = [message_from_bytes(mail.content)["Message-ID"] for mail in mailer.box]
    assert away.alerts_sent == 0
    assert away.alerts_put_off > 0
    assert back.alerts_sent == len(ids) == len(set(sent)) == len(sent)
    assert sorted(sent) == sorted(ids)


async def test_stopping_begins_nothing_new(opened, newsroom: Newsroom) -> None:  # type: ignore[no-untyped-def]
    """What is not begun stays as it is: due, pending, owed."""
    async with opened() as monitor:
        monitor.stopping.set()
        assert await cycle(monitor, all_feeds=True) == Tally()


async def test_the_same_article_in_two_feeds_is_one_story(opened, newsroom: Newsroom) -> None:  # type: ignore[no-untyped-def]
    """One canonical URL, one row, one mail; both entries point at it."""
    async with opened() as monitor:
        await first_look(monitor)
        newsroom.publishes("vote")
        newsroom.publishes("vote?utm_source=feed")
        tally = await cycle(monitor, all_feeds=True)
        rows = monitor.store.db.execute(
            "select count(*), count(distinct story_id) from entries where guid like 'vote%'"
        ).fetchone()
    assert tuple(rows) == (2, 1)
    assert tally.alerts_sent == 1


def test_analysis_settings_travel_as_json() -> None:
    """What the workers get gives the same rules in every process."""
    settings = work.AnalysisSettings(topics=DEFAULT_TOPICS).model_dump_json()
    assert work.tools(settings).ruleset == work.warm_up(settings).ruleset


async def test_news_that_comes_in_does_not_wait_for_a_slow_page(  # type: ignore[no-untyped-def]
    opened, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that hangs holds nothing up but itself: what is polled meanwhile is read in the same pass."""
    monkeypatch.setattr(reading, "LOOK_AGAIN_S", 0.01)
    let_go = threading.Event()

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(let_go.wait, 20)
        await answers(500)(request, writer)

    async with opened(timeout=timedelta(seconds=20)) as monitor:
        await first_look(monitor)
        newsroom.publishes("slow", slow)
        await poll_feeds(monitor, all_feeds=True)
        one_pass = asyncio.create_task(read_pending(monitor))
        newsroom.publishes("fast", title="Harland signs the protocol of its accession to NATO")
        await poll_feeds(monitor, all_feeds=True)
        async with asyncio.timeout(15):
            while monitor.store.find_story(newsroom.server.url("/fast")) is None:
                await asyncio.sleep(0.01)
        running = not one_pass.done()
        let_go.set()
        tally = await one_pass
    assert running
    assert (tally.entries_read, tally.entries_put_off) == (1, 1)


async def test_one_hosts_backlog_leaves_room_for_the_others(opened, newsroom: Newsroom, clock: Clock) -> None:  # type: ignore[no-untyped-def]
    """Its entries take no more places than it gets turns; none is taken twice."""
    async with opened() as monitor:
        monitor.config = monitor.config.model_copy(update={"fetch": FetchSettings(per_host=2)})
        await first_look(monitor)
        for number in range(30):
            newsroom.publishes(f"backlog-{number}")
        await poll_feeds(monitor, all_feeds=True)
        inbox = reading._Inbox(monitor, None)
        first = inbox.next()
        assert len(first) == 2 * reading.READ_PER_TURN
        assert inbox.next() == []
        for entry in first[:3]:
            inbox.done(entry)
        second = inbox.next()
        assert len(second) == 3
        assert not {entry.id for entry in first} & {entry.id for entry in second}
        monitor.stopping.set()
        inbox.done(second[0])
        assert inbox.next() == []


# --- replies ---------------------------------------------------------------------------------------------------------


def answers_with(box: Path, text: str, *, to: str, subject: str = "Re: alert", number: int = 1) -> None:
    """A reader's answer is delivered."""
    reply = EmailMessage()
    reply["From"], reply["To"], reply["Subject"] = "jane@reader.example", " ".join(to.split()), subject
    reply["Message-ID"] = f"<{number}@reader.example>"
    reply.set_content(text)
    mailbox.Maildir(box).add(reply)


async def test_a_reply_to_an_alert_is_a_review(opened, newsroom: Newsroom, clock: Clock, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """To the address that the mail itself names; once, however often the message comes."""
    box = tmp_path / "replies"
    async with opened(reviews=ReviewSettings(maildir=box, address="desk@monitor.example")) as monitor:
        await first_look(monitor)
        newsroom.publishes("vote")
        await cycle(monitor, all_feeds=True)
        alert = message_from_bytes(mails(tmp_path)[0].read_bytes())
        for _ in range(2):
            answers_with(box, "No, wrong country\n> quoted", to=alert["Reply-To"])
        clock.pass_(minutes=1)
        tally = await hear_replies(monitor)
        (story,) = (row for row in monitor.store.view("v_flagged") if row["title"] == NEWS)
        reviews = monitor.store.reviews_of(story["story_id"])
        status = monitor.store.status(clock())
    assert (tally.replies_read, tally.reviews_added) == (2, 1)
    assert [(one["verdict"], one["note"], one["by"], one["via"], one["topic"]) for one in reviews] == [
        ("irrelevant", "wrong country", "jane@reader.example", "reply", "nato-accession")
    ]
    assert story["review"] == "irrelevant"
    assert status["replies"]["total"] == status["replies"]["reviews"] == 1
    assert not list((box / "new").iterdir())


async def test_mute_by_a_review_link_silences_the_thread(
    opened, newsroom: Newsroom, clock: Clock, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    """Before the next follow-up is told, in the same cycle."""
    box = tmp_path / "replies"
    async with opened(reviews=ReviewSettings(maildir=box, address="desk@monitor.example", subaddress=False)) as monitor:
        await first_look(monitor)
        newsroom.publishes("vote")
        await cycle(monitor, all_feeds=True)
        text = message_from_bytes(mails(tmp_path)[0].read_bytes()).get_payload(0).get_payload(decode=True).decode()
        link = urlsplit("".join(re.search(r"mailto:\S*mute\S*", text.replace("=\n", ""))[0].split()))  # type: ignore[index]
        assert link.path == "desk@monitor.example"
        answers_with(box, "", to=link.path, subject=parse_qs(link.query)["subject"][0])
        clock.pass_(minutes=1)
        tally = await cycle(monitor)
        (story,) = (row for row in monitor.store.view("v_flagged") if row["title"] == NEWS)
        queue = [row["title"] for row in monitor.store.view("v_review_queue")]
    assert (tally.reviews_added, story["review"]) == (1, "mute")
    assert NEWS not in queue


async def test_what_is_no_review_is_kept_with_the_reason(
    opened, newsroom: Newsroom, clock: Clock, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    """A forged token, no token, words that nobody understands; and a reply to an alert that is gone."""
    box = tmp_path / "replies"
    async with opened(reviews=ReviewSettings(maildir=box)) as monitor:
        await first_look(monitor)
        newsroom.publishes("vote")
        await cycle(monitor, all_feeds=True)
        to = message_from_bytes(mails(tmp_path)[0].read_bytes())["Reply-To"]
        gone = address_for_replies(monitor, 99)
        assert gone
        for number, (text, address) in enumerate(
            [("no", to.replace("r1-", "r2-")), ("no", "monitor@x.example"), ("hm", to), ("no", gone)]
        ):
            answers_with(box, text, to=address, number=number)
        clock.pass_(minutes=1)
        tally = await hear_replies(monitor)
        rows = [dict(row) for row in monitor.store.db.query("select outcome, problem from replies order by message_id")]
    assert (tally.replies_read, tally.reviews_added) == (4, 0)
    assert [row["outcome"] for row in rows] == ["no alert", "no alert", "not understood", "no alert"]
    assert "not in the store any longer" in rows[3]["problem"]


async def test_a_mailbox_that_cannot_be_read_harms_nothing_and_is_told(opened, clock: Clock, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The cycle goes on; after an hour the status is not healthy; when it can be read again, it is."""
    box = tmp_path / "replies"
    box.write_text("in the way")
    async with opened(reviews=ReviewSettings(maildir=box)) as monitor:
        await cycle(monitor)
        clock.pass_(minutes=61)
        tally = await cycle(monitor)
        status = monitor.store.status(clock())
        box.unlink()
        clock.pass_(minutes=1)
        await cycle(monitor)
        after = monitor.store.status(clock())
    assert tally.feeds_polled
    assert any("replies to alerts have not been read since" in problem for problem in status["problems"])
    assert not any("replies" in problem for problem in after["problems"])


async def test_without_a_mailbox_mails_ask_for_no_reply(opened, newsroom: Newsroom, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Nobody would read it."""
    async with opened() as monitor:
        await first_look(monitor)
        newsroom.publishes("vote")
        await cycle(monitor, all_feeds=True)
    mail = mails(tmp_path)[0].read_bytes()
    assert message_from_bytes(mail)["Reply-To"] is None
    assert b"mailto:" not in mail
