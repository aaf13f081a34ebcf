"""Composes mails: an owed alert (or a note to the operator) in, the bytes of one message out. Sends nothing.

The same input gives the same bytes, so that a retry sends the same mail: the boundary is derived from the Message-ID.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor.alert.card import Limits, flag_of, main_tone, make_card
from monitor.alert.headers import address_line, id_line, read_address, text_line
from monitor.alert.mime import (
    HTML_MAX_BYTES,
    content,
    envelope,
    html_part,
    list_label,
    needs_utf8,
    recipient_address,
    text_part,
    wrap,
)
from monitor.alert.safe import one_line, safe_link, shorten
from monitor.alert.subject import subject
from monitor.alert.wording import NAME_AT, named
from monitor.model import OwedAlert

__all__ = ["HTML_MAX_BYTES", "compose", "compose_note", "one_line", "safe_link"]

_REFERENCES_MAX = 12  # the thread's first Message-ID and the latest ones
# tried in turn until the HTML is small enough; the last one fits whatever the story holds
_LIMITS = (
    Limits(),
    Limits(sentences=4, quotes=4, stories=12, link_chars=600),
    Limits(
        sentences=3,
        sentence_chars=240,
        quotes=3,
        quote_chars=200,
        targets=3,
        stories=6,
        title_chars=120,
        link_chars=300,
    ),
)


def compose(
    alert: OwedAlert,
    *,
    sender: str,
    recipient: str,
    topic_title: str,
    now: datetime,
    review_address: str | None = None,
) -> bytes:
    """The mail that tells ``alert`` to ``recipient``: text complete on its own, and HTML.

    Returned is one RFC 5322 message with LF line ends; a channel that needs CRLF makes them.
    ``now`` stands in the Date header. ``review_address``: where replies are read (``TOKEN <monitor+TOKEN@...>``);
    adds Reply-To and review links. Lines in the text are 76 characters long, the HTML is under 100 kB.
    Raises ValueError when ``sender`` is no address.
    """
    author, to = read_address(sender), recipient_address(recipient)
    utf8 = needs_utf8(author, to)
    lines = [
        envelope(author, to, subject(alert, topic_title), alert.message_id, now),
        _thread(alert.references),
        text_line("List-Id", f"{one_line(topic_title)} alerts <{list_label(alert.topic)}.{author.domain}>", utf8=utf8),
    ]
    if review_address:
        lines.append(address_line("Reply-To", read_address(review_address), utf8=utf8))
    lines += [text_line(name, shorten(one_line(value), 200), utf8=utf8) for name, value in _facts(alert).items()]
    text, html = _bodies(alert, topic_title, review_address)
    return "".join(lines).encode() + content(text, html, alert.message_id)


def compose_note(
    title: str, lines: Sequence[str], *, sender: str, recipient: str, message_id: str, now: datetime
) -> bytes:
    """A plain-text mail to the operator (a test, or feeds and mail failing): one paragraph for each of ``lines``."""
    head = envelope(read_address(sender), recipient_address(recipient), shorten(one_line(title), 120), message_id, now)
    body = "\n\n".join(wrap(one_line(line)) for line in lines) + "\n"
    return head.encode() + content(body, None, message_id)


# --- bodies ---------------------------------------------------------------------------------------------------------


def _bodies(alert: OwedAlert, topic_title: str, review_address: str | None) -> tuple[str, str]:
    """Text and HTML from one card; the card is cut further until the HTML is small enough."""
    for limits in _LIMITS:
        card = make_card(alert, topic_title=topic_title, review_address=review_address, limits=limits)
        html = html_part("alert.html.j2", card=card)
        if len(html.encode()) < HTML_MAX_BYTES:
            break
    return text_part("alert.txt.j2", card=card), html


# --- headers --------------------------------------------------------------------------------------------------------


def _thread(references: Sequence[str]) -> str:
    """In-Reply-To and References (RFC 5322 section 3.6.4); of a long thread its first message and its latest."""
    known = tuple(dict.fromkeys(references))
    if not known:
        return ""
    if len(known) > _REFERENCES_MAX:
        known = (known[0], *known[1 - _REFERENCES_MAX :])
    return id_line("In-Reply-To", known[-1]) + id_line("References", *known)


def _facts(alert: OwedAlert) -> Mapping[str, str]:
    """Headers for mail filters and programs."""
    story = alert.stories[0]
    flag, prospects = flag_of(story, alert.topic), story.analysis.prospects
    countries = dict.fromkeys(c.country for c in story.analysis.countries if c.role == "candidate")
    facts = {
        "X-Monitor-Topic": alert.topic,
        "X-Monitor-Alert": str(alert.id),
        "X-Monitor-Thread": str(alert.thread_id),
        "X-Monitor-Story": " ".join(str(story.id) for story in alert.stories[:20]),
        "X-Monitor-Score": f"{flag.score:.3f}" if flag else "",
        "X-Monitor-Reason": alert.reason,
        "X-Monitor-Country": ", ".join(countries),
        "X-Monitor-Language": story.lang or "",
        "X-Monitor-Tone": named(main_tone(story).word),
        "X-Monitor-Prospects": prospects.label if prospects and prospects.confidence >= NAME_AT else "",
    }
    return {name: value for name, value in facts.items() if one_line(value)}
