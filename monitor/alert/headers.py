"""Writes header lines (RFC 5322) from words and addresses, so that no value can end its line. Knows no alert.

Not left to email.message: its folding loses or doubles spaces between encoded words (seen with CPython 3.11.7), begins
long values on their second line, and decodes encoded words that stand in a value it is given.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from email.utils import parseaddr

from monitor.alert.safe import one_line

_LINE = 76  # RFC 2047 section 2 for lines with encoded words; RFC 5322 wishes for 78 at most
_WORD_BYTES = (
    42  # of UTF-8 in one encoded word: in base64 56 characters, with "=?utf-8?b?" and "?=" 68 of the 75 allowed
)
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")  # RFC 2047 section 5 (3)
_ATOMS = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]*")
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9.!#$%&*+/=?^_`{|}~@-]")


@dataclass(frozen=True, slots=True)
class MailAddress:
    """A mail address; ``domain`` is ASCII (A-labels), ``user`` may not be."""

    name: str
    user: str
    domain: str

    @property
    def spec(self) -> str:
        """``user@domain``."""
        return f"{self.user}@{self.domain}"


def read_address(text: str) -> MailAddress:
    """``a@b`` or ``Name <a@b>``. Raises ValueError for what is no address."""
    name, spec = parseaddr(one_line(text))
    user, _, domain = spec.rpartition("@")
    problem = "" if user and domain and not re.search(r'[\s<>",;:\\]', spec) else "write name@example.org"
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        problem = str(error)
    if problem:
        raise ValueError(f"{text!r} is no mail address: {problem}")
    return MailAddress(name, user, domain)


def text_line(name: str, value: str, *, utf8: bool = False) -> str:
    """A header with words in it. Beyond ASCII they become encoded words (RFC 2047), with ``utf8`` they stay (RFC 6532).

    "=?" is parted, so that no reader takes words of a feed for encoded ones and finds line ends in them.
    """
    value = one_line(value).replace("=?", "= ?")
    if value.isascii() or utf8:
        return _fold(f"{name}: {value}")
    return f"{name}: " + "\n ".join(_encoded_words(value)) + "\n"


def address_line(name: str, address: MailAddress, *, utf8: bool = False) -> str:
    """A header with one address."""
    words = one_line(address.name).replace("=?", "= ?")
    if not words:
        return f"{name}: {address.spec}\n"
    if not words.isascii() and not utf8:
        return f"{name}: " + "\n ".join((*_encoded_words(words), f"<{address.spec}>")) + "\n"
    if not _ATOMS.fullmatch(words):
        words = '"' + re.sub(r'(["\\])', r"\\\1", words) + '"'
    return _fold(f"{name}: {words} <{address.spec}>")


def id_line(name: str, *ids: str) -> str:
    """A header with Message-IDs."""
    return _fold(f"{name}: {' '.join(map(message_id, ids))}")


def message_id(text: str) -> str:
    """``<left@right>`` with nothing in it that could end the id."""
    return f"<{_NOT_IN_ID.sub('', text)}>"


def _fold(line: str) -> str:
    """Line ends before spaces, so that unfolding gives the same value; a word longer than a line stays whole."""
    folded, rest = "", line
    while len(rest) > _LINE:
        # not in the white space after the name: readers take such a fold for a leading space
        earliest = rest.index(" ") + 1 if not folded else 1
        space = rest.rfind(" ", earliest, _LINE + 1)
        if space < 0:
            space = rest.find(" ", max(_LINE, earliest))
        if space < 0:
            break
        folded += rest[:space] + "\n"
        rest = rest[space:]
    return folded + rest + "\n"


def _encoded_words(text: str) -> list[str]:
    """``text`` as encoded words; readers join adjacent ones without the white space between them."""
    words, chunk = [], b""
    for character in text:
        encoded = character.encode()
        if len(chunk) + len(encoded) > _WORD_BYTES:
            words.append(_encoded_word(chunk))
            chunk = b""
        chunk += encoded
    return [*words, _encoded_word(chunk)]


def _encoded_word(chunk: bytes) -> str:
    """Whichever encoding is shorter: q, which can be read in the raw mail, where most is ASCII, else base64."""
    q, b = _q(chunk), base64.b64encode(chunk).decode("ascii")
    return f"=?utf-8?q?{q}?=" if len(q) <= len(b) else f"=?utf-8?b?{b}?="


def _q(chunk: bytes) -> str:
    return "".join(chr(byte) if byte in _Q_SAFE else "_" if byte == 0x20 else f"={byte:02X}" for byte in chunk)
