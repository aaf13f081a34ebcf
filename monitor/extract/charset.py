"""Page bytes -> text. We decide the charset ourselves: what a page declares is believed only when its bytes agree."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from dataclasses import dataclass

_META = re.compile(
    rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{2,30})|<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]{2,30})""",
    re.I,
)
_META_WITHIN = 8192  # bytes; browsers look at 1024, real pages put it later
_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{2,30})", re.I)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# what pages call an encoding, and what browsers use for that name (encoding.spec.whatwg.org, section 4.2)
_WHATWG = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
}
_SEVEN_BIT = {"iso2022_jp", "hz", "utf-7"}  # valid UTF-8 by construction, so only the declaration can tell
_TEXT_CODECS = re.compile(
    r"utf[-_]?\w+|cp\d+|iso\w*[-_]?[\w-]*|koi8[-_]\w|mac[-_]\w+|gb\w+|big5\w*|euc_\w+|shift_jis\w*|hz|ascii|latin\w*|tis[-_]620|johab|kz1048|ptcp154"
)
# tried when nothing usable is declared: for each, the letters that running text of its languages consists of
_GUESSES = {
    "cp1251": re.compile("[а-яіїєґўё]{3}"),
    "koi8-u": re.compile("[а-яіїєґё]{3}"),
    "cp1252": re.compile("[a-z][àâäåæçèéêëíîïñóôöøùúûüß][a-z]"),
    "cp1250": re.compile("[a-z][ąćęłńśźżáčďěňřšťůýžőűăâîșțđ][a-z]"),
    "cp1254": re.compile("[a-z][ğışçöü][a-z]"),
    "cp1253": re.compile("[α-ωάέήίόύώ]{3}"),
    "cp1257": re.compile("[a-z][āčēģīķļņšūžąęėįųõäöü][a-z]"),
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A page's text and how it was read."""

    text: str
    charset: str
    basis: str  # "bom", "valid utf-8", "http header", "meta", "guess"
    replaced: float  # share of characters that could not be decoded (U+FFFD), 0..1


def decode(body: bytes, content_type: str | None = None) -> Decoded:
    """Decode a page's bytes; never raises.

    Order: byte order mark; UTF-8 that is valid but for a few bytes (no other encoding's running text is that by
    chance); the charset of the HTTP header, then of the page's own meta or XML declaration, if the bytes are valid in
    it; the best guess by letter sequences among the one-byte encodings.
    """
    for bom, charset in _BOMS:
        if body.startswith(bom):
            return _decoded(body[len(bom) :], charset, "bom")
    declared = _declared(body, content_type)
    for charset, basis in declared:
        if charset in _SEVEN_BIT or charset.startswith("utf-16"):
            decoded = _decoded(body, charset, basis)
            if decoded.replaced == 0 and "<" in decoded.text:
                return decoded
    lenient = _decoded(body, "utf-8", "valid utf-8")
    if lenient.replaced == 0:
        return lenient
    if _mostly_utf8(lenient):
        return Decoded(lenient.text, "utf-8", "mostly utf-8", lenient.replaced)
    readings = [_decoded(body, charset, basis) for charset, basis in declared if not charset.startswith("utf")]
    for reading in readings:
        if reading.replaced == 0:
            return reading
    readings += [_guess(body)]
    return min(readings, key=lambda reading: reading.replaced)


def _declared(body: bytes, content_type: str | None) -> list[tuple[str, str]]:
    """(codec, where it is declared), header first, unknown names left out."""
    found = []
    if content_type and (match := _HEADER.search(content_type)):
        found.append((match[1], "http header"))
    if meta := _META.search(body, 0, _META_WITHIN):
        found.append(((meta[1] or meta[2]).decode("ascii", "replace"), "meta"))
    return [(codec, basis) for name, basis in found if (codec := _codec(name))]


def _codec(name: str) -> str | None:
    try:
        codec = codecs.lookup(name.strip().lower()).name
    except LookupError:
        return None
    codec = _WHATWG.get(codec, codec)
    return codec if _TEXT_CODECS.fullmatch(codec) else None


def _decoded(body: bytes, charset: str, basis: str) -> Decoded:
    if charset == "utf-8":
        with suppress(UnicodeDecodeError):  # nearly every page is valid, and nothing need be counted
            return Decoded(body.decode(charset), charset, basis, 0.0)
    text = body.decode(charset, "replace")
    # a page may hold U+FFFD itself, written by a careless publisher; that is its text and no failure of ours
    own = body.count(b"\xef\xbf\xbd") if charset == "utf-8" else 0
    bad = text.count("\ufffd") - own
    return Decoded(text, charset, basis, max(bad, 0) / max(len(text), 1))


def _mostly_utf8(lenient: Decoded) -> bool:
    """A few bytes broken (a cut page, a mixed-in advert), the rest multi-byte UTF-8."""
    high = sum(1 for ch in lenient.text if ch > "\x7f")
    return high > 0 and lenient.replaced * len(lenient.text) < 0.1 * high


def _guess(body: bytes) -> Decoded:
    best, best_score = _decoded(body, "cp1252", "guess"), 0
    for charset, words in _GUESSES.items():
        reading = _decoded(body, charset, "guess")
        score = len(words.findall(reading.text))
        if score > best_score:
            best, best_score = reading, score
    return best
