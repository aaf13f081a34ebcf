"""The bytes of a mail: envelope headers, MIME parts, and the templates rendered to text and to HTML. Knows no news."""

from __future__ import annotations

import hashlib
import re
import textwrap
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from monitor.alert.card import Sentence
from monitor.alert.headers import MailAddress, address_line, id_line, read_address, text_line

if TYPE_CHECKING:
    import css_inline
    import jinja2

HTML_MAX_BYTES = 100_000  # Gmail is said to cut a message's HTML at 102 kB (shared/research/ops.md section 2)
_WIDTH = 76  # of the text part


def text_part(template: str, **values: Any) -> str:
    """The text part by ``template``, "alert.txt.j2"."""
    text = _templates().get_template(template).render(**values)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def html_part(template: str, **values: Any) -> str:
    """The HTML part by ``template``, everything escaped, styles as attributes."""
    return _inliner().inline(_templates().get_template(template).render(**values))


def wrap(text: str, indent: str = "", first: str | None = None) -> str:
    """``text`` in lines of 76 characters, led by ``first`` and then ``indent``; links are never broken."""
    first = indent if first is None else first
    wrapped = textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(wrapped) or first.rstrip()


def envelope(author: MailAddress, to: MailAddress | None, title: str, message_id: str, now: datetime) -> str:
    """The headers that every mail of ours has."""
    utf8 = needs_utf8(author, to)
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


def recipient_address(text: str) -> MailAddress | None:
    """A mail address; None for a Maildir's path, which becomes a group without members (RFC 5322 section 3.4)."""
    return read_address(text) if "@" in text and "/" not in text else None


def needs_utf8(*addresses: MailAddress | None) -> bool:
    """Whether a name before the @ is beyond ASCII, which only SMTPUTF8 (RFC 6531) can carry."""
    return not all(address.user.isascii() for address in addresses if address)


def list_label(topic: str) -> str:
    """A topic as the left part of a List-Id."""
    return re.sub(r"[^a-z0-9-]+", "-", topic.lower()).strip("-") or "topic"


def content(text: str, html: str | None, message_id: str) -> bytes:
    """The MIME headers and the body."""
    message = EmailMessage(policy.default.clone(linesep="\n"))
    message.set_content(text, cte=_encoding(text))
    if html is not None:
        message.add_alternative(html, subtype="html", cte=_encoding(html))
        # "=_" can stand in neither quoted-printable nor base64, so no body can end its part (RFC 2045 section 6.7)
        message.set_boundary("=_" + hashlib.blake2b(message_id.encode(), digest_size=16).hexdigest())
    return message.as_bytes()


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
    environment.filters["wrap"] = wrap
    environment.filters["plain"] = _plain
    return environment


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    """Style rules become attributes, as many mail programs drop <style>; @media rules stay for dark and small ones."""
    import css_inline

    return css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


def _plain(sentence: Sentence) -> str:
    """A sentence for the text part, what matched between asterisks."""
    return "".join(f"*{piece.text.strip()}*" if piece.marked else piece.text for piece in sentence.pieces)


def _encoding(text: str) -> str:
    """quoted-printable while most is ASCII and so readable in the raw mail, else the shorter base64."""
    others = sum(1 for byte in text.encode() if byte > 126)
    return "base64" if others * 4 > len(text) else "quoted-printable"
