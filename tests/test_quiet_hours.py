"""Alerts in quiet hours: held, then told in one mail; never lost, never twice under two Message-IDs."""

# ruff: noqa: F811 - fixtures of test_pipeline are parameters here

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import alerts
from mail_servers import MailServer
from servers import answers
from test_alert import Page, html_of, text_of
from test_pipeline import (  # noqa: F401 - fixtures
    START,
    Clock,
    Newsroom,
    clock,
    first_look,
    mailer,
    newsroom,
    opened,
    page,
)

from monitor.alert import HTML_MAX_BYTES
from monitor.alert.several import compose_held
from monitor.model import OwedAlert
from monitor.pipeline import Monitor, Tally, cycle, tell_owed
from monitor.settings import EmailSettings

EVENING = START + timedelta(hours=9)  # 21:00 UTC
MORNING = START + timedelta(hours=18, minutes=30)  # 06:30 UTC
QUIET = {"from": "20:00", "to": "06:30", "timezone": "UTC"}
STORIES = {
    "Harland's parliament ratifies its accession to NATO": (
        "Deputies in Harland voted on Friday to ratify the treaty on accession to NATO. Ninety of them were for it. "
        "The vote was the last step at home before the country can join the alliance."
    ),
    "Veto threat hangs over Moravin's NATO membership bid": (
        "The government of Ostria threatens to veto the accession of Moravin to NATO. Its minister named the rights of "
        "a minority as the reason. Moravin's membership bid has waited in the alliance since spring."
    ),
    "Ukraine asks NATO for a date of its invitation": (
        "Kyiv has asked the allies to name a date for the invitation to join NATO. The ambassador said that Ukraine's "
        "membership would end the doubt. Several capitals answered that accession needs more time."
    ),
}


def email(mailer: MailServer, **changes: Any) -> EmailSettings:
    """The test's mail server as in the config."""
    usual = {"host": "127.0.0.1", "port": mailer.port, "security": "none", "from": "m@example.org", "to": ["a@x.org"]}
    return EmailSettings.model_validate(usual | changes)


async def a_night(monitor: Monitor, room: Newsroom, now: Clock, titles: Sequence[str] = tuple(STORIES)) -> Tally:
    """News comes after the first look, in the middle of the quiet hours."""
    await first_look(monitor)
    now.now = EVENING
    for number, title in enumerate(titles):
        room.publishes(
            f"story{number}", answers(200, page(title, STORIES[title]), [("Content-Type", "text/html")]), title, EVENING
        )
    return await cycle(monitor, all_feeds=True)


def read(mails: MailServer) -> list[EmailMessage]:
    """The mails that the server took, parsed."""
    parsed = [message_from_bytes(mail.content, policy=policy.default) for mail in mails.box]
    assert all(isinstance(one, EmailMessage) for one in parsed)
    return parsed  # type: ignore[return-value]


def states(monitor: Monitor) -> list[tuple[str, int]]:
    """State and attempts of each delivery."""
    return [tuple(row) for row in monitor.store.db.execute("select state, attempts from deliveries order by id")]


async def test_a_night_is_told_in_one_mail(opened, newsroom, clock, mailer) -> None:  # type: ignore[no-untyped-def]
    """Nothing in the night; at its end one mail with every story; each alert is noted as sent; news then as usual."""
    async with opened(email=email(mailer), quiet_hours=QUIET) as monitor:
        night = await a_night(monitor, newsroom, clock)
        clock.now = MORNING - timedelta(seconds=1)
        night.add(await tell_owed(monitor))
        assert (night.alerts_sent, night.alerts_put_off, night.alerts_held, mailer.box) == (0, 0, 3, [])
        assert monitor.store.status(clock())["healthy"]  # held is not late
        clock.now = MORNING
        morning = await tell_owed(monitor)
        assert morning.alerts_sent == 3
        assert states(monitor) == [("sent", 1)] * 3
        clock.pass_(minutes=1)
        assert (await tell_owed(monitor)).alerts_sent == 0
    (mail,) = read(mailer)
    assert mail["Subject"] == "[NATO accession] 3 stories held overnight"
    assert mail["Auto-Submitted"] == "auto-generated"
    for title in STORIES:
        assert title in " ".join(text_of(mail).split())
        assert title in Page(html_of(mail)).text
    for number in range(3):
        assert newsroom.server.url(f"/story{number}") in text_of(mail)


async def test_a_single_held_alert_is_its_usual_mail(opened, newsroom, clock, mailer) -> None:  # type: ignore[no-untyped-def]
    """With its own Message-ID and subject."""
    async with opened(email=email(mailer), quiet_hours=QUIET) as monitor:
        await a_night(monitor, newsroom, clock, titles=[next(iter(STORIES))])
        clock.now = MORNING
        await tell_owed(monitor)
        (message_id,) = [row[0] for row in monitor.store.db.execute("select message_id from alerts")]
    (mail,) = read(mailer)
    assert mail["Message-ID"] == message_id
    assert "parliament ratifies" in mail["Subject"]


async def test_every_recipient_gets_one(opened, newsroom, clock, mailer) -> None:  # type: ignore[no-untyped-def]
    """A refusal for one does not keep the other's back."""
    mailer.faults["b@x.org"] = ["550 no such user"]
    async with opened(email=email(mailer, to=["a@x.org", "b@x.org"]), quiet_hours=QUIET) as monitor:
        await a_night(monitor, newsroom, clock)
        clock.now = MORNING
        tally = await tell_owed(monitor)
    assert (tally.alerts_sent, tally.alerts_failed) == (3, 3)
    assert [mail.recipients for mail in mailer.box] == [["a@x.org"]]


async def test_a_mail_that_may_have_been_taken_is_sent_again_under_its_id(  # type: ignore[no-untyped-def]
    opened,
    newsroom,
    clock,
    mailer,
) -> None:
    """The connection breaks after the mail was taken, news comes meanwhile: the same bytes again, the news apart."""
    mailer.after_data = ["451 busy"]
    async with opened(email=email(mailer), quiet_hours=QUIET) as monitor:
        first, second, third = STORIES
        await a_night(monitor, newsroom, clock, titles=[first, second])
        clock.now = MORNING
        put_off = await tell_owed(monitor)
        assert (put_off.alerts_sent, put_off.alerts_put_off) == (0, 2)
        newsroom.publishes(
            "later", answers(200, page(third, STORIES[third]), [("Content-Type", "text/html")]), third, MORNING
        )
        clock.pass_(minutes=30)
        await cycle(monitor, all_feeds=True)
        assert {state for state, _ in states(monitor)} == {"sent"}
    ids = [mail["Message-ID"] for mail in read(mailer)]
    assert len(ids) == 3
    assert len(set(ids)) == 2
    assert mailer.box[0].content == next(m.content for m in mailer.box[1:] if b"held overnight" in m.content)


async def test_killed_between_sending_and_noting(opened, newsroom, clock, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """A Maildir that got the mail already keeps one: the next start sends the same Message-ID."""
    async with opened(quiet_hours=QUIET) as monitor:
        await a_night(monitor, newsroom, clock)
        clock.now = MORNING
        await tell_owed(monitor)
        # as a kill leaves the store: the message is kept, nothing is noted
        monitor.store.db.execute("update deliveries set state = 'owed', attempts = 0, reply = null, sent_at = null")
        assert len(list((tmp_path / "mail" / "new").iterdir())) == 1
        again = await tell_owed(monitor)
        assert again.alerts_sent == 3
    assert len(list((tmp_path / "mail" / "new").iterdir())) == 1


async def test_what_was_owed_before_the_hours_and_composed_goes_as_it_is(  # type: ignore[no-untyped-def]
    opened,
    newsroom,
    clock,
    mailer,
) -> None:
    """It may have been taken before, so it keeps its own Message-ID; it waits for the morning all the same."""
    async with opened(email=email(mailer, port=1)) as monitor:
        await a_night(monitor, newsroom, clock, titles=list(STORIES)[:1])
        settings = monitor.config.alerts.model_copy(update={"email": email(mailer)})
        alerts_by_night = type(settings).model_validate({**settings.model_dump(by_alias=True), "quiet_hours": QUIET})
        monitor.config = monitor.config.model_copy(update={"alerts": alerts_by_night})
        clock.pass_(hours=1)
        assert (await tell_owed(monitor)).alerts_held == 1
        clock.now = MORNING
        await tell_owed(monitor)
        (message_id,) = [row[0] for row in monitor.store.db.execute("select message_id from alerts")]
    assert [mail["Message-ID"] for mail in read(mailer)] == [message_id]


# --- the mail itself ----------------------------------------------------------------------------------------------


def held(*owed: OwedAlert, now: datetime = alerts.NOW) -> bytes:
    """The combined mail."""
    return compose_held(
        owed,
        sender="Accession monitor <monitor@monitor.example>",
        recipient="analyst@embassy.example",
        titles={"nato-accession": "NATO accession"},
        overnight=True,
        now=now,
    )


def parsed(message: bytes) -> EmailMessage:
    """As a reader's program has it."""
    mail = message_from_bytes(message, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def two() -> tuple[OwedAlert, OwedAlert]:
    """Alerts on two threads."""
    one = alerts.alert()
    return one, replace(one, id=one.id + 1, thread_id=one.thread_id + 1, message_id="<other@monitor.example>")


def test_each_story_with_what_a_reader_asks_first() -> None:
    """Headline, country, score, tone, prospects, the sentence that matched, link."""
    text = " ".join(text_of(parsed(held(*two()))).split())
    for words in (
        'Kyiv calls talks "very toxic"',
        "Ukraine",
        "Relevance 0.93",
        "negative toward the talks",
        "prospects ▼ unfavourable",
        "*accession to NATO* have all but stalled",
        "https://courier.example/2026/11/toxic-talks",
    ):
        assert words in text


def test_the_same_alerts_give_the_same_bytes() -> None:
    """And a Message-ID that is none of theirs, since those mails were never sent."""
    assert held(*two()) == held(*two())
    message_id = parsed(held(*two()))["Message-ID"]
    assert message_id.endswith("@" + two()[0].message_id.strip("<>").partition("@")[2] + ">")
    assert message_id not in {one.message_id for one in two()}


def test_a_story_and_its_follow_up_count_once() -> None:
    """They stand as two items, as one story in the subject."""
    one, other = two()
    mail = parsed(held(one, replace(other, thread_id=one.thread_id, reason="new speaker: Mark Rutte")))
    assert mail["Subject"] == "[NATO accession] 1 story held overnight"
    assert "Follow-up: new speaker: Mark Rutte" in text_of(mail)


def test_no_feed_can_smuggle_anything_in() -> None:
    """Markup is text, line ends are spaces, only http(s) becomes a link."""
    one, other = two()
    evil = replace(
        one.stories[0], title="<script>x</script>\r\nBcc: everybody@x.org", url="javascript:alert(1)", link=None
    )
    mail = parsed(held(replace(one, stories=(evil,)), other))
    browser = Page(html_of(mail))
    assert "script" not in browser.tags
    assert all(link.startswith("https://") for link in browser.links)
    assert mail["Bcc"] is None


def test_thirty_long_stories_stay_under_the_limit() -> None:
    """Cut shorter until the HTML fits, none left out."""
    one = alerts.alert()
    long = replace(
        one.stories[0], title="Дуже довгий & заголовок <" * 40, url="https://x.example/" + "a" * 1800, link=None
    )
    many = [replace(one, id=n, thread_id=n, message_id=f"<{n}@x.example>", stories=(long,)) for n in range(30)]
    mail = parsed(held(*many))
    assert len(html_of(mail).encode()) < HTML_MAX_BYTES
    assert text_of(mail).count("\n* ") == 30
