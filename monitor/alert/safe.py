"""Makes untrusted words and links fit for a mail: no control or direction tricks, no scheme but http(s)."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, urlsplit, urlunsplit

# Format characters (category Cf) that carry meaning or can be seen: joiners of Persian and emoji, Arabic number signs.
# All others are invisible or turn the reading direction, so that one word reads as another: they are dropped.
_KEPT_FORMAT = frozenset("\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2")
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # letters to Unicode, empty to the eye
# everything outside the blocks of plain letters and marks is looked at one by one
_UNUSUAL = re.compile(
    "[^\x20-\x7e\xa1-\xac\xae-\u034e\u0370-\u05ff\u10a0-\u10ff\u1e00-\u1fff\u2010-\u2027\u2030-\u205e"
    "\u20a0-\u20bf\u3001-\u30ff\u4e00-\u9fff\uac00-\ud7a3]"
)
_SPACES = re.compile(r"\s+")
_LONGEST_LINK = 2000  # characters; longer ones are tracking blobs or attacks, and mail programs break them


def one_line(text: str) -> str:
    """``text`` on one line: controls and line ends become spaces, runs of white space one space, ends trimmed."""
    return _SPACES.sub(" ", strip_tricks(text)).strip()


def strip_tricks(text: str) -> str:
    """``text`` without controls (a space each), bidi and other invisible characters, lone surrogates (U+FFFD each).

    White space at the ends stays, so that the pieces of a sentence can be cleaned one by one.
    Bidi controls are the trick of CVE-2021-42574; we drop the whole of Unicode category Cf but what can be seen.
    """
    return _UNUSUAL.sub(_safe_character, text)


def _safe_character(match: re.Match[str]) -> str:
    character = match.group()
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp") or character in _BLANK_LETTERS:
        return " "
    if category == "Cf":
        return character if character in _KEPT_FORMAT else ""
    if category == "Cs":
        return "\ufffd"  # cannot be encoded
    if category == "Cn" or character >= "\U000e0000":
        return ""  # noncharacters, tags, supplementary private use
    return character


def shorten(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` characters, cut after a word and ended by "…" when it was longer."""
    if len(text) <= limit:
        return text
    if limit < 2:
        return "…"[:limit]
    head = text[: limit - 1]
    if not text[limit - 1].isspace():
        space = head.rfind(" ")
        if space > limit * 0.6:  # a very long word is cut inside rather than taking the whole line with it
            head = head[:space]
    return head.rstrip(" ,;:–—-") + "…"


def safe_link(url: str) -> str | None:
    """``url`` as an ASCII http(s) link, or None for what must not become a link.

    Refused: other schemes, no host, a user name before the host (``https://nato.int@evil.example``), backslashes and
    controls (browsers and parsers read them differently), and more than 2,000 characters.
    """
    url = url.strip()
    if not url or len(url) > _LONGEST_LINK or "\\" in url or strip_tricks(url) != url or _SPACES.search(url):
        return None
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = f":{parts.port}" if parts.port else ""
    except (ValueError, UnicodeError):
        return None
    if parts.scheme.lower() not in ("http", "https") or not re.fullmatch(r"[a-z0-9._:-]+", host) or "@" in parts.netloc:
        return None
    netloc = (f"[{host}]" if ":" in host else host) + port
    path, query, fragment = (
        quote(part, safe="/?:@!$&()*+,;=~%-._") for part in (parts.path, parts.query, parts.fragment)
    )
    link = urlunsplit((parts.scheme.lower(), netloc, path, query, fragment))
    return link if len(link) <= _LONGEST_LINK else None
