"""The digest: what was flagged by country, when we were blind, once a day to everybody over restarts and failures."""

# ruff: noqa: F811 - fixtures of test_pipeline are parameters here

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import alerts
from test_alert import Page, html_of, text_of
from test_pipeline import START, clock, mailer, newsroom, opened  # noqa: F401 - fixtures
from test_quiet_hours import a_night, email, read

from monitor.alert import HTML_MAX_BYTES
from monitor.alert.digest import compose_digest, digest_text
from monitor.model import Analysis, BlindWindow, Country, News, StoredStory, ThreadNews
from monitor.pipeline import tell_digest

HOUR = timedelta(hours=1)
TITLES = {"nato-accession": "NATO accession"}
DAILY = {"at": "07:30", "timezone": "UTC"}
BREAKFAST = START.replace(hour=7, minute=30) + timedelta(days=1)


def thread(number: int, stories: Sequence[StoredStory] = (), **changes: Any) -> ThreadNews:
    """A thread with the story of the toxic talks, and maybe others."""
    return ThreadNews(number, "nato-accession", tuple(stories) or (replace(alerts.story(), **changes),), ())


def about(country: str) -> Analysis:
    """An analysis that names another candidate."""
    return replace(alerts.analysis(), countries=(Country(country, "candidate"),))


def news(**changes: Any) -> News:
    """Two threads on Ukraine, one on Georgia, nothing missed."""
    usual = News(
        since=alerts.NOW - 24 * HOUR,
        until=alerts.NOW,
        threads=(
            thread(1, title="Tbilisi waits", analysis=about("GE")),
            thread(2),
            thread(3, title="Kyiv asks again"),
        ),
        read=120,
        feeds=9,
        blind=(),
        unasked=(),
    )
    return replace(usual, **changes)


def window(hours_ago: float, hours: float | None, outlet: str = "The Valley Post") -> BlindWindow:
    """A feed that answered for the last time so many hours ago, and not for so long (None: until now)."""
    begin = alerts.NOW - hours_ago * HOUR
    end = None if hours is None else begin + hours * HOUR
    return BlindWindow(outlet, "https://valley.example/feed", begin, end, "HTTP 503")


def mailed(matter: News) -> EmailMessage:
    """The digest as a reader's program parses it."""
    message = compose_digest(
        matter,
        sender="m@monitor.example",
        recipient="a@x.org",
        titles=TITLES,
        message_id="digest.1@monitor.example",
        now=alerts.NOW,
    )
    parsed = message_from_bytes(message, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


# --- what it says -------------------------------------------------------------------------------------------------


def test_stories_stand_by_country_the_busiest_first() -> None:
    """Each with tone, prospects, outlets by camp, and who said what about the accession."""
    text = digest_text(news(), TITLES)
    assert text.index("UKRAINE") < text.index("Kyiv asks again") < text.index("GEORGIA") < text.index("Tbilisi waits")
    flat = " ".join(text.split())
    assert "Digest: 3 stories" in flat
    assert "120 stories from 9 feeds read, 3 flagged. No feed was out of sight for an hour or longer." in flat
    for words in ("negative toward the talks", "prospects ▼ unfavourable", "Dnipro Courier", "Danylo Horobets"):
        assert words in flat


def test_no_alert_is_told_from_not_seen() -> None:
    """Nothing flagged and all seen is one thing; nothing flagged while a feed was away is another."""
    calm, blind = mailed(news(threads=())), mailed(news(threads=(), blind=(window(10, 3),)))
    assert calm["Subject"] == "[NATO accession] Digest: nothing flagged"
    assert "We did not see" not in text_of(calm)
    assert blind["Subject"] == "[NATO accession] Digest: nothing flagged, not everything seen"
    for part in (" ".join(text_of(blind).split()), Page(html_of(blind)).text):
        assert "The Valley Post, from 13 Nov, 23:30 to 14 Nov, 02:30 (3.0 h): HTTP 503" in part


def test_short_and_former_gaps_are_not_named() -> None:
    """A missed poll is nothing; of a long gap only the part in these hours counts."""
    assert "DID NOT SEE" not in digest_text(news(blind=(window(5, 0.5), window(40, 16.5))), TITLES)
    assert "on, still (24.0 h)" in digest_text(news(blind=(window(100, None),)), TITLES)


def test_hours_in_which_nobody_was_asked_are_named() -> None:
    """The program did not run: no feed failed, and yet nothing was seen."""
    text = digest_text(news(unasked=((alerts.NOW - 9 * HOUR, alerts.NOW - 4 * HOUR),)), TITLES)
    assert "No feed was asked from 14 Nov, 00:30 to 14 Nov, 05:30 (5.0 h)." in " ".join(text.split())


def test_a_feed_can_smuggle_nothing_into_a_digest() -> None:
    """Titles, outlets and errors are text."""
    evil = thread(1, title="<script>x</script>", url="javascript:alert(1)", link=None, outlet="<img src=x>")
    mail = mailed(news(threads=(evil,), blind=(window(9, 5, outlet="<b>\r\nBcc: x@x.org"),)))
    browser = Page(html_of(mail))
    assert not {"script", "img", "b"} & set(browser.tags)
    assert browser.links == []
    assert mail["Bcc"] is None


def test_a_day_with_very_much_news_stays_readable() -> None:
    """Thirty threads of long stories fit; how many are left out is said."""
    many = tuple(thread(n, title="Довгий & заголовок <" * 40) for n in range(60))
    mail = mailed(news(threads=many))
    assert len(html_of(mail).encode()) < HTML_MAX_BYTES
    assert "(30 more stories left out here" in text_of(mail)


# --- when it goes out ---------------------------------------------------------------------------------------------


async def test_once_a_day_at_its_hour(opened, newsroom, clock, mailer) -> None:  # type: ignore[no-untyped-def]
    """Not when it is turned on, not before the hour, not twice; a new day brings a new one under a new Message-ID."""
    async with opened(email=email(mailer), digest=DAILY) as monitor:
        await a_night(monitor, newsroom, clock)
        sent = []
        for at in (BREAKFAST - timedelta(seconds=1), BREAKFAST, BREAKFAST + HOUR, BREAKFAST + 24 * HOUR):
            clock.now = at
            sent.append((await tell_digest(monitor)).digests_sent)
    first, second = (mail for mail in read(mailer) if "Digest" in mail["Subject"])
    assert sent == [0, 1, 0, 1]
    assert "Digest: 4 stories" in first["Subject"]
    assert newsroom.server.url("/story1") in text_of(first)
    assert "Digest: nothing flagged" in second["Subject"]
    assert first["Message-ID"] != second["Message-ID"]


async def test_a_restart_neither_repeats_nor_forgets_it(opened, newsroom, clock, mailer) -> None:  # type: ignore[no-untyped-def]
    """Down at the hour: sent at the next start; started again: not sent again."""
    async with opened(email=email(mailer), digest=DAILY) as monitor:
        await tell_digest(monitor)
    clock.now = BREAKFAST + 3 * HOUR
    for _ in range(2):
        async with opened(email=email(mailer), digest=DAILY) as monitor:
            await tell_digest(monitor)
    assert len(mailer.box) == 1


async def test_who_was_not_reached_gets_the_same_later(opened, newsroom, clock, mailer) -> None:  # type: ignore[no-untyped-def]
    """A reply of 4xx puts it off for that one; others are not told twice; a mail that was taken keeps its id."""
    mailer.faults["b@x.org"] = ["451 later"]
    async with opened(email=email(mailer, to=["a@x.org", "b@x.org"]), digest=DAILY) as monitor:
        await tell_digest(monitor)
        clock.now = BREAKFAST
        counts = []
        for seconds in (0, 1, 60, 60):
            clock.pass_(seconds=seconds)
            counts.append((await tell_digest(monitor)).digests_sent)
    assert counts == [1, 0, 1, 0]
    assert [mail.recipients for mail in mailer.box] == [["a@x.org"], ["b@x.org"]]
    assert len({mail["Message-ID"] for mail in read(mailer)}) == 1


async def test_killed_between_sending_and_noting_it_is_the_same_mail(opened, clock, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """The Maildir knows its Message-ID and keeps one."""
    async with opened(digest=DAILY) as monitor:
        await tell_digest(monitor)
        before = monitor.store.setting("digest.done")
        clock.now = BREAKFAST
        await tell_digest(monitor)
        monitor.store.set_setting("digest.done", before)  # as a kill leaves the store
        monitor.store.set_setting("digest.sending", None)
        clock.pass_(minutes=5)
        await tell_digest(monitor)
    assert len(list((tmp_path / "mail" / "new").iterdir())) == 1


async def test_the_digest_waits_for_the_end_of_quiet_hours(opened, clock, mailer) -> None:  # type: ignore[no-untyped-def]
    """Quiet is quiet."""
    quiet = {"from": "22:00", "to": "08:00", "timezone": "UTC"}
    async with opened(email=email(mailer), digest=DAILY, quiet_hours=quiet) as monitor:
        await tell_digest(monitor)
        clock.now = BREAKFAST
        assert (await tell_digest(monitor)).digests_sent == 0
        clock.pass_(minutes=30)
        assert (await tell_digest(monitor)).digests_sent == 1
