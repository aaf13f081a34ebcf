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
from email.headerregistry import Address, Group
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import TYPE_CHECKING

from monitor.alert.card import Card, Limits, Sentence, flag_of, main_tone, make_card
from monitor.alert.safe import one_line, safe_link, shorten
from monitor.alert.subject import subject
from monitor.alert.wording import named
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
    text, html = _bodies(alert, topic_title, review_address)
    message = _envelope(sender, recipient, subject(alert, topic_title), alert.message_id, now)
    _thread(message, alert.references)
    domain = _address(sender).domain
    message["List-Id"] = _header(f"{one_line(topic_title)} alerts <{_label(alert.topic)}.{domain}>")
    if review_address:
        message["Reply-To"] = _address(review_address)
    for name, value in _facts(alert).items():
        message[name] = shorten(_header(value), 200)
    _fill(message, text, html, alert.message_id)
    return message.as_bytes()


def compose_note(
    title: str, lines: Sequence[str], *, sender: str, recipient: str, message_id: str, now: datetime
) -> bytes:
    """A plain-text mail to the operator (a test, or feeds and mail failing): one paragraph for each of ``lines``."""
    message = _envelope(sender, recipient, shorten(one_line(title), 120), message_id, now)
    body = "\n\n".join(_wrap(one_line(line)) for line in lines) + "\n"
    _fill(message, body, None, message_id)
    return message.as_bytes()


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


def _envelope(sender: str, recipient: str, title: str, message_id: str, now: datetime) -> EmailMessage:
    """A message with the headers that every mail of ours has."""
    author, to = _address(sender), _recipient(recipient)
    needs_utf8 = not all(a.addr_spec.isascii() for a in (author, *(to.addresses)))
    message = EmailMessage(policy.default.clone(linesep="\n", utf8=needs_utf8))
    message["From"] = author
    message["To"] = to
    message["Subject"] = _header(title)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = _message_id(message_id)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    message["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    message["Precedence"] = "list"  # and for older responders
    return message


def _address(text: str) -> Address:
    """An address with its domain as an A-label; raises ValueError for what is none."""
    name, spec = parseaddr(one_line(text))
    user, at, domain = spec.rpartition("@")
    if not at or not user or not domain:
        raise ValueError(f"{text!r} is no mail address; write name@example.org or Name <name@example.org>")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError(f"{text!r} is no mail address: its domain {domain!r} cannot be encoded ({error})") from None
    return Address(display_name=_header(name), username=user, domain=domain)


def _recipient(text: str) -> Group:
    """A mail address, or for a Maildir's path a group without members (RFC 5322 section 3.4)."""
    return Group(None, (_address(text),)) if "@" in text and "/" not in text else Group("local mailbox", ())


def _thread(message: EmailMessage, references: Sequence[str]) -> None:
    """In-Reply-To and References (RFC 5322 section 3.6.4); of a long thread its first message and its latest."""
    known = [_message_id(reference) for reference in dict.fromkeys(references)]
    if not known:
        return
    if len(known) > _REFERENCES_MAX:
        known = [known[0], *known[1 - _REFERENCES_MAX :]]
    message["In-Reply-To"] = known[-1]
    message["References"] = " ".join(known)


def _message_id(text: str) -> str:
    """``<left@right>`` with nothing in it that could end the header or the id."""
    return f"<{re.sub(r'[^A-Za-z0-9.!#$%&*+/=?^_`{|}~@-]', '', text)}>"


def _facts(alert: OwedAlert) -> Mapping[str, str]:
    """Headers for mail filters and programs."""
    story = alert.stories[0]
    flag = flag_of(story, alert.topic)
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
        "X-Monitor-Prospects": story.analysis.prospects.label if story.analysis.prospects else "",
    }
    return {name: value for name, value in facts.items() if one_line(value)}


def _header(text: str) -> str:
    """``text`` for a header. "=?" is parted: EmailMessage decodes encoded words in its values, line ends and all."""
    return one_line(text).replace("=?", "= ?")


def _label(topic: str) -> str:
    return re.sub(r"[^a-z0-9-]+", "-", topic.lower()).strip("-") or "topic"


def _fill(message: EmailMessage, text: str, html: str | None, message_id: str) -> None:
    message.set_content(text, cte=_encoding(text))
    if html is None:
        return
    message.add_alternative(html, subtype="html", cte=_encoding(html))
    # "=_" can stand in neither quoted-printable nor base64, so no body can end its part (RFC 2045 section 6.7)
    message.set_boundary("=_" + hashlib.blake2b(message_id.encode(), digest_size=16).hexdigest())


def _encoding(text: str) -> str:
    """quoted-printable while most is ASCII and so readable in the raw mail, else the shorter base64."""
    others = sum(1 for byte in text.encode() if byte > 126)
    return "base64" if others * 4 > len(text) else "quoted-printable"
