"""A message's bytes -> what it says about an alert. Pure; believes nothing that is not signed, and never raises."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parseaddr
from functools import cache

from monitor import lexicon
from monitor.inbox.token import alerts_named
from monitor.model import Outcome, Reply

NOTE_CHARS = 1000
_TEXT_CHARS = 100_000  # of a message that are looked at
_ADDRESSED = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "Subject")
_BY_LINK = re.compile(r"\breview story \d+: (relevant|irrelevant|mute)\b")
_AUTOMATIC = re.compile(r"bulk|junk|list|auto", re.IGNORECASE)  # in Precedence, which came before Auto-Submitted
# where the words of others begin: marks of quoting, "On Monday Jane Roe wrote:", "--- Original Message ---", a
# signature, the header of a forwarded message
_NOT_OWN = re.compile(
    r">|\|\s|--\s*$|[-_*]{2,}\s*\S.*[-_*]{2,}\s*$|_{5,}|.*<[^<>\s]+@[^<>\s]+>.*:\s*$|.*\b\d{1,2}[:.]\d\d\b.*:\s*$|"
    r"\*?(?:from|von|de|od|от|від|da|kimden|feladó|från|fra|lähettäjä)\*?\s?:.*@",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*[.,:;!…–—-]+(?=\s|$)\s*|\s*$")
_BLOCKS = ("br", "p", "div", "li", "tr", "blockquote", "hr")


def read_reply(raw: bytes, key: bytes) -> Reply:
    """What a message says. Where it says nothing that counts, ``outcome`` tells why (see Reply)."""
    fallback = f"<{hashlib.blake2b(raw, digest_size=16).hexdigest()}@without.message-id>"
    try:
        message = BytesParser(policy=policy.default).parsebytes(raw)
        assert isinstance(message, EmailMessage)
        return _read(message, fallback, key)
    except Exception as error:  # noqa: BLE001 - email's parser raises anything on hostile headers; becomes the row
        return Reply(fallback, "", "", None, None, "", "unreadable", repr(error)[:300])


def _read(message: EmailMessage, fallback: str, key: bytes) -> Reply:
    subject = _line(message, "Subject")
    text = _text(message)
    found = [*_alerts(message, text, key)]
    alert_id = next((one for one in found if one is not None), None)
    verdict, note = _verdict(subject, _own_lines(text))
    outcome: Outcome = "review"
    problem = None
    if _is_automatic(message):
        outcome, problem = "automatic", "an automatic answer, not a person's"
    elif alert_id is None:
        outcome = "no alert"
        problem = "its token is not one of ours" if found else "no reply to an alert: it has no token"
    elif verdict is None:
        outcome, problem = "not understood", "begin a reply with yes, no or mute"
    return Reply(
        message_id=_line(message, "Message-ID") or fallback,
        by=parseaddr(_line(message, "From"))[1][:200],
        subject=subject[:300],
        alert_id=alert_id,
        verdict=verdict,
        note=note,
        outcome=outcome,
        problem=problem,
    )


def _line(message: EmailMessage, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _alerts(message: EmailMessage, text: str, key: bytes) -> Iterable[int | None]:
    """As they are addressed; what is only quoted comes last."""
    for name in _ADDRESSED:
        for value in message.get_all(name, []):
            yield from alerts_named(str(value), key)
    yield from alerts_named(text, key)


def _is_automatic(message: EmailMessage) -> bool:
    """RFC 3834, section 5, and the ways of older programs."""
    submitted = _line(message, "Auto-Submitted").lower()
    return (
        submitted not in ("", "no")
        or bool(_AUTOMATIC.search(_line(message, "Precedence")))
        or message.get("X-Autoreply") is not None
        or _line(message, "Return-Path") == "<>"
        or message.get_content_type() == "multipart/report"
    )


def _text(message: EmailMessage) -> str:
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    content = body.get_content()
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    return (_of_html(text) if body.get_content_subtype() == "html" else text)[:_TEXT_CHARS]


def _of_html(markup: str) -> str:
    """The text of an HTML part, a line a block; what it quotes is left out."""
    from lxml import etree, html  # few replies have no plain text

    if not markup.strip():
        return ""
    root = html.document_fromstring(markup[: 5 * _TEXT_CHARS])
    for element in [*root.iter("style", "script", "head")]:
        element.drop_tree()
    for element in root.iter("blockquote"):
        element.text = f"\n> {element.text or ''}"
    for element in root.iter(*_BLOCKS):
        element.tail = f"\n{element.tail or ''}"
        if element.tag != "br":
            element.text = f"\n{element.text or ''}"
    return str(etree.tostring(root, method="text", encoding="unicode"))


def _own_lines(text: str) -> list[str]:
    """The lines that the sender wrote, up to the first that somebody else did; blank ones at the ends left out."""
    lines: list[str] = []
    for line in text.splitlines():
        if _NOT_OWN.match(line.strip()):
            break
        lines.append(line.strip())
    return "\n".join(lines).strip().splitlines()


def _verdict(subject: str, lines: list[str]) -> tuple[str | None, str]:
    """(verdict, note). A review link's subject names the verdict, and all text is a note; else the first line does."""
    if link := _BY_LINK.search(subject):
        return link[1], "\n".join(lines)[:NOTE_CHARS]
    if not lines:
        return None, ""
    first = " ".join(lines[0].split())
    for verdict, words in _words().items():
        match = words.match(first)
        if match and (end := _BETWEEN.match(first, match.end())):
            return verdict, "\n".join([first[end.end() :], *lines[1:]]).strip()[:NOTE_CHARS]
    return None, "\n".join(lines)[:NOTE_CHARS]


@cache
def _words() -> dict[str, re.Pattern[str]]:
    found = {}
    for verdict, lines in lexicon.load("replies").items():
        words = {word.strip() for word in re.split(r"[,\n]", lines) if word.strip()}
        longest_first = sorted(words, key=lambda word: (-len(word), word))
        found[verdict] = re.compile(rf"\W*(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
    return found
