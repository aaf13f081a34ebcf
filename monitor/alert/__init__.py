"""Composes mails: an owed alert (or a note to the operator) in, the bytes of one message out. Sends nothing.

The same input gives the same bytes, so that a retry sends the same mail: the boundary is derived from the Message-ID.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from monitor.alert.card import Card, Limits, Sentence, flag_of, main_tone, make_card
from monitor.alert.headers import MailAddress, address_line, id_line, read_address, text_line
from monitor.alert.safe import one_line, safe_link, shorten
from monitor.alert.subject import subject
from monitor.alert.wording import NAME_AT, named
from monitor.model import OwedAlert

if TYPE_CHECKING:
    import css_inline
    import jinja2

__all__ = ["HTML_MAX_BYTES", "compose", "compose_note", "one_line", "safe_link"]

HTML_MAX_BYTES = 100_000  # Gmail is said to cut a message's HTML at 102 kB (shared/research/ops.md section 2)
_WIDTH = 76  # of the text part
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
    ``now`` stands in the Date header. ``review_address``: where replies are read, with the token already in it; adds
    Reply-To and review links. Lines in the text are 76 characters long, the HTML is under 100 kB.
    Raises ValueError when ``sender`` is no address.
    """
    author, to = read_address(sender), _recipient(recipient)
    utf8 = _needs_utf8(author, to)
    lines = [
        _envelope(author, to, subject(alert, topic_title), alert.message_id, now),
        _thread(alert.references),
        text_line("List-Id", f"{one_line(topic_title)} alerts <{_label(alert.topic)}.{author.domain}>", utf8=utf8),
    ]
    if review_address:
        lines.append(address_line("Reply-To", read_address(review_address), utf8=utf8))
    lines += [text_line(name, shorten(one_line(value), 200), utf8=utf8) for name, value in _facts(alert).items()]
    text, html = _bodies(alert, topic_title, review_address)
    return "".join(lines).encode() + _content(text, html, alert.message_id)


def compose_note(
    title: str, lines: Sequence[str], *, sender: str, recipient: str, message_id: str, now: datetime
) -> bytes:
    """A plain-text mail to the operator (a test, or feeds and mail failing): one paragraph for each of ``lines``."""
    head = _envelope(read_address(sender), _recipient(recipient), shorten(one_line(title), 120), message_id, now)
    body = "\n\n".join(_wrap(one_line(line)) for line in lines) + "\n"
    return head.encode() + _content(body, None, message_id)


# --- bodies ---------------------------------------------------------------------------------------------------------


def _bodies(alert: OwedAlert, topic_title: str, review_address: str | None) -> tuple[str, str]:
    """Text and HTML from one card; the card is cut further until the HTML is small enough."""
    for limits in _LIMITS:
        card = make_card(alert, topic_title=topic_title, review_address=review_address, limits=limits)
        html = _html(card)
        if len(html.encode()) < HTML_MAX_BYTES:
            break
    return _text(card), html


def _text(card: Card) -> str:
    text = _templates().get_template("alert.txt.j2").render(card=card)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _html(card: Card) -> str:
    html = _templates().get_template("alert.html.j2").render(card=card)
    return _inliner().inline(html)


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("monitor"),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["wrap"] = _wrap
    environment.filters["plain"] = _plain
    return environment


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    """Style rules become attributes, as many mail programs drop <style>; @media rules stay for dark and small ones."""
    import css_inline

    return css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


def _wrap(text: str, indent: str = "", first: str | None = None) -> str:
    """``text`` in lines of 76 characters, led by ``first`` and then ``indent``; links are never broken."""
    first = indent if first is None else first
    wrapped = textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(wrapped) or first.rstrip()


def _plain(sentence: Sentence) -> str:
    """A sentence for the text part, what matched between asterisks."""
    return "".join(f"*{piece.text.strip()}*" if piece.marked else piece.text for piece in sentence.pieces)


# --- headers and MIME -----------------------------------------------------------------------------------------------


def _envelope(author: MailAddress, to: MailAddress | None, title: str, message_id: str, now: datetime) -> str:
    """The headers that every mail of ours has."""
    utf8 = _needs_utf8(author, to)
    return "".join(
        (
            address_line("From", author, utf8=utf8),
            address_line("To", to, utf8=utf8) if to else "To: local mailbox:;\n",
            text_line("Subject", title, utf8=utf8),
            f"Date: {format_datetime(now)}\n",
            id_line("Message-ID", message_id),
            "Auto-Submitted: auto-generated\n",  # RFC 3834: no out-of-office replies
            "X-Auto-Response-Suppress: All\n",  # the same for Exchange
            "Precedence: list\n",  # and for older responders
        )
    )


def _recipient(text: str) -> MailAddress | None:
    """A mail address; None for a Maildir's path, which becomes a group without members (RFC 5322 section 3.4)."""
    return read_address(text) if "@" in text and "/" not in text else None


def _needs_utf8(*addresses: MailAddress | None) -> bool:
    """Whether a name before the @ is beyond ASCII, which only SMTPUTF8 (RFC 6531) can carry."""
    return not all(address.user.isascii() for address in addresses if address)


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


def _label(topic: str) -> str:
    return re.sub(r"[^a-z0-9-]+", "-", topic.lower()).strip("-") or "topic"


def _content(text: str, html: str | None, message_id: str) -> bytes:
    """The MIME headers and the body."""
    message = EmailMessage(policy.default.clone(linesep="\n"))
    message.set_content(text, cte=_encoding(text))
    if html is not None:
        message.add_alternative(html, subtype="html", cte=_encoding(html))
        # "=_" can stand in neither quoted-printable nor base64, so no body can end its part (RFC 2045 section 6.7)
        message.set_boundary("=_" + hashlib.blake2b(message_id.encode(), digest_size=16).hexdigest())
    return message.as_bytes()


def _encoding(text: str) -> str:
    """quoted-printable while most is ASCII and so readable in the raw mail, else the shorter base64."""
    others = sum(1 for byte in text.encode() if byte > 126)
    return "base64" if others * 4 > len(text) else "quoted-printable"
