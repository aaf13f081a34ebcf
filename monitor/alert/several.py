"""Composes the mail that tells several alerts at once: those that quiet hours held. Sends nothing.

As for a single alert, the same input gives the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from monitor.alert.card import Card, Limits, make_card
from monitor.alert.headers import read_address, text_line
from monitor.alert.mime import (
    HTML_MAX_BYTES,
    content,
    envelope,
    html_part,
    list_label,
    needs_utf8,
    recipient_address,
    text_part,
)
from monitor.alert.safe import one_line, shorten
from monitor.model import OwedAlert

HELD_AT_ONCE = 30  # more held alerts than that become several mails: each one stays short enough to be shown whole

# tried in turn until the HTML is small enough; the last one fits whatever the stories hold
_LIMITS = (
    Limits(sentence_chars=320, link_chars=1000, quotes=2, quote_chars=280),
    Limits(sentence_chars=200, title_chars=120, link_chars=400, stories=8, quotes=2, quote_chars=160),
    Limits(sentence_chars=100, title_chars=60, link_chars=150, stories=3, quotes=1, quote_chars=80),
)


def compose_held(
    alerts: Sequence[OwedAlert],
    *,
    sender: str,
    recipient: str,
    titles: Mapping[str, str],
    overnight: bool,
    now: datetime,
) -> bytes:
    """The one mail that tells ``alerts`` (two or more) after quiet hours; ``titles``: topic -> title.

    Its Message-ID follows from those of the alerts. Raises ValueError when ``sender`` is no address.
    """
    author, to = read_address(sender), recipient_address(recipient)
    utf8 = needs_utf8(author, to)
    topics = list(dict.fromkeys(alert.topic for alert in alerts))
    names = [one_line(titles.get(topic, topic)) for topic in topics]
    title = f"{_stories(alerts)} held {'overnight' if overnight else 'in quiet hours'}"
    message_id = _held_id(alerts)
    tag = shorten(names[0], 30) + (f" +{len(names) - 1}" if len(names) > 1 else "")
    head = [
        envelope(author, to, f"[{tag}] {title}", message_id, now),
        text_line("List-Id", f"{names[0]} alerts <{list_label(topics[0])}.{author.domain}>", utf8=utf8),
        text_line("X-Monitor-Topic", " ".join(topics), utf8=utf8),
        text_line("X-Monitor-Alert", " ".join(str(alert.id) for alert in alerts), utf8=utf8),
    ]

    def bodies(limits: Limits) -> tuple[str, str]:
        cards = _cards(alerts, titles, limits)
        values = {"cards": cards, "title": title, "topic": ", ".join(names)}
        return text_part("held.txt.j2", **values), html_part("held.html.j2", **values)

    return "".join(head).encode() + content(*fitting(bodies), message_id)


def fitting(bodies: Callable[[Limits], tuple[str, str]]) -> tuple[str, str]:
    """Text and HTML by the widest limits that keep the HTML under 100 kB."""
    for limits in _LIMITS:
        text, html = bodies(limits)
        if len(html.encode()) < HTML_MAX_BYTES:
            break
    return text, html


def _cards(alerts: Sequence[OwedAlert], titles: Mapping[str, str], limits: Limits) -> list[Card]:
    return [
        make_card(alert, topic_title=titles.get(alert.topic, alert.topic), review_address=None, limits=limits)
        for alert in alerts
    ]


def _stories(alerts: Sequence[OwedAlert]) -> str:
    """Counted by thread: a story and its follow-up are one."""
    number = len({alert.thread_id for alert in alerts})
    return "1 story" if number == 1 else f"{number} stories"


def _held_id(alerts: Sequence[OwedAlert]) -> str:
    """The same for the same alerts, and no alert's own: that one names a mail that was never sent."""
    ids = "\n".join(alert.message_id for alert in alerts)
    domain = alerts[0].message_id.strip("<>").rpartition("@")[2]
    return f"held.{hashlib.blake2b(ids.encode(), digest_size=16).hexdigest()}@{domain}"
