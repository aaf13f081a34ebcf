"""Feed bytes -> text: which character set they are in, whatever the labels say, and repair of text encoded twice.

Order: byte order mark; UTF-8 where the bytes are valid UTF-8 (other sets practically never are); the labels (XML
declaration, HTTP header) that fit the bytes; a trial of the usual sets.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable

# labels as browsers read them (WHATWG Encoding Standard): the superset that producers really use
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "ksc5601": "cp949",
    "big5": "big5hkscs",
    "koi8-r": "koi8-u",  # differs in box-drawing characters only
}
# codecs of Python's that are no character sets of documents, or decode anything
_NO_CHARSETS = frozenset(
    {"utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
)
_SEVEN_BIT = ("iso2022", "hz")  # sets that hide their characters in ASCII bytes
_TRIALS = (
    "cp1251",
    "cp1252",
    "koi8-u",
    "cp1250",
    "iso8859-2",
    "iso8859-5",
    "cp866",
    "cp1254",
    "cp1253",
    "iso8859-7",
    "cp1256",
    "cp1255",
    "cp1257",
    "cp874",
    "cp932",
    "euc_jp",
    "gb18030",
    "cp949",
    "big5hkscs",
)
_SAMPLE = 32 * 1024  # bytes; enough to tell the sets apart

_CONTROL_BYTES = bytes([*range(9), 11, 12, *range(14, 32)])
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_XML_LABEL = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']\s*([A-Za-z0-9._:-]{1,40})""")
_HTTP_LABEL = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED = (  # how "<" opens a document in wide encodings (XML 1.0, appendix F)
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00<\x00", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
)


def decode(body: bytes, content_type: str | None) -> str:
    """``body`` as text, without byte order mark and the control characters that XML forbids.

    What fits no set becomes U+FFFD. ``content_type``: the HTTP header.
    """
    for mark, charset in _BOMS:
        if body.startswith(mark):
            return without_controls(body[len(mark) :].decode(charset, "replace"))
    for opening, charset in _UNMARKED:
        if body.startswith(opening):
            return without_controls(body.decode(charset, "replace"))
    labels = _labels(body, content_type)
    if b"\x1b" in body or b"~{" in body:
        for label in labels:
            if label.startswith(_SEVEN_BIT):
                return without_controls(body.decode(label, "replace"))
    body = body.translate(None, _CONTROL_BYTES)  # ten times as fast as a pattern over the text
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_other(body, labels)


def without_controls(text: str) -> str:
    """Without the characters that XML 1.0, 2.2 forbids."""
    return _FORBIDDEN.sub("", text)


def repair_twice_encoded(text: str) -> str:
    """Undo UTF-8 read as Latin-1 or windows-1252 and encoded again (``Ã¤`` for ``ä``), where the text shows it.

    One such pair can be honest (``«IRMÃ»``), so there must be no other letter beyond ASCII, or many pairs that
    outnumber all others. For one field at a time: feeds that have wrong fields often have right ones too.
    """
    if text.isascii() or not any(lead in text for lead in _TWICE_LEADS):
        return text
    runs = " ".join(_RUN_BEYOND_ASCII.findall(text))  # a fraction of most texts, and all that matters
    if not _TWICE_HINT.search(runs):
        return text
    pairs = sum(map(len, _TWICE.findall(runs)))
    others = len(_HONEST.findall(_TWICE.sub("", runs)))
    if others and (pairs < 8 or pairs <= others):
        return text
    return _RUN_BEYOND_ASCII.sub(lambda run: _TWICE.sub(_once, run.group()), text)


# --- labels ----------------------------------------------------------------------------------------------------------


def _labels(body: bytes, content_type: str | None) -> list[str]:
    """Python's names of the sets that the XML declaration and the HTTP header name, in this order, without UTF-8."""
    found = []
    in_xml = _XML_LABEL.search(body, 0, 4096)
    in_http = _HTTP_LABEL.search(content_type or "")
    for name in (in_xml[1].decode("ascii") if in_xml else "", in_http[1] if in_http else ""):
        charset = _charset(name)
        if charset and charset not in found and not charset.startswith("utf"):
            found.append(charset)
    return found


def _charset(name: str) -> str | None:
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    if not info._is_text_encoding or info.name in _NO_CHARSETS:
        return None
    return _SUPERSETS.get(info.name, info.name)


# --- bytes that are no UTF-8 -----------------------------------------------------------------------------------------


def _decode_other(body: bytes, labels: list[str]) -> str:
    if _mostly_utf8(body):
        return body.decode("utf-8", "monitor-cp1252")
    fitting = [text for label in labels if (text := _decode_strictly(body, label)) is not None]
    if len(fitting) == 1 and (labels[0] not in _SINGLE_BYTE_WEST or _score(fitting[0], len(body)) > 0):
        return fitting[0]
    if fitting:
        best = max(fitting, key=lambda text: _score(text, len(body)))
        if _score(best, len(body)) > 0:
            return best
    return _decode_by_trial(body)


_SINGLE_BYTE_WEST = frozenset({"cp1252", "iso8859-15"})  # the labels that are given without thought


def _mostly_utf8(body: bytes) -> bool:
    """A few stray bytes in UTF-8: a teaser cut in mid-character, a paste from elsewhere."""
    text = body.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = len(_BEYOND_ASCII.findall(text)) - bad
    return good > 10 * bad


def _decode_strictly(body: bytes, charset: str) -> str | None:
    try:
        return body.decode(charset)
    except UnicodeDecodeError as error:
        if charset == "cp1252":
            return body.decode("latin-1")
        # one bad byte in a long document is a fault of the document, not of the label
        text = body.decode(charset, "replace")
        bad = text.count("\ufffd")
        return text if error.start and bad <= 3 and bad * 100 <= len(_BEYOND_ASCII.findall(text)) else None
    except UnicodeError:
        return None


def _decode_by_trial(body: bytes) -> str:
    sample = _lines_beyond_ascii(body)
    best, best_score = "cp1252", float("-inf")
    for charset in _TRIALS:
        try:
            score = _score(sample.decode(charset), len(sample))
        except UnicodeDecodeError:
            continue
        if score > best_score:
            best, best_score = charset, score
    text = _decode_strictly(body, best)
    return body.decode(best, "replace") if text is None else text


def _lines_beyond_ascii(body: bytes) -> bytes:
    """Whole lines or elements with bytes beyond ASCII, so that no sample ends inside a character."""
    sample = bytearray()
    for line in re.split(rb"(?<=[\n>])", body):
        if not line.isascii():
            sample += line
            if len(sample) > _SAMPLE:
                break
    return bytes(sample)


_CYRILLIC = {letter: 2 - rank / 12 for rank, letter in enumerate("оаеинтсрвлкмдпуяіьзгбчїйхжєшюцщыэфґъёў")}
_COMMON_EAST_ASIAN = frozenset(
    "的一是在不了有和人这這中大为為上个個国國我以要他时時来來用们們生到作地于於出就分对對成会會可主发發年动動同工也能下过過子说說"
    "产產种種面而方后後多定行学學法所民得经經日月本日新年前者社市会議"
    "이다는을에의가고하지은로기도를사한대서자시인수정어리나아들일원그장구전"
)
_TURKISH = frozenset("ışğİŞĞ")
_WEST = frozenset("éèàáíóúñçãõâêôîûëïöüäßåøæœ’‘“”«»–—…€°ÉÖÜÄ¿¡·©®№ ")
_CENTRAL = frozenset("ąćęłńśźżěščřžýůďťňăâîșțşţőűđÁÉÍÓÖŐÚÜŰáéíóöúüŠŽČĆĐŁŚŻ„”’–—…")
_OTHER_ALPHABET = re.compile(r"[\u0370-\u03ff\u0590-\u05f4\u0621-\u064a\u0e00-\u0e7f]")  # Greek to Thai


def _score(text: str, size: int) -> float:
    """How much ``text`` looks like prose, per character beyond ASCII; below 0: it does not."""
    text = text[:_SAMPLE]
    if text.isascii():
        return float(size == 0)
    total, seen, run = 0.0, 0, 0
    for before, character, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if character <= "\x7f":
            run = 0
            continue
        seen += 1
        kind = unicodedata.category(character)
        latin = kind in _LETTERS and character < "\u0250"
        run = run + 1 if latin else 0
        # words of accented Latin letters only are Cyrillic or Greek read as Latin; few honest ones are longer than żółć
        total += _weight(character, kind, before, after) - (0, 0, 0.1, 0.4, 1.0, 2.0)[min(run, 5)]
    return total / seen


_LETTERS = frozenset({"Ll", "Lu", "Lt"})


def _weight(character: str, kind: str, before: str, after: str) -> float:
    """Of one character beyond ASCII of the given Unicode category between its neighbours."""
    if kind in {"Cc", "Co", "Cn", "Cs"} or character == "\ufffd":
        return -6.0
    if kind == "Lu" and before.islower():
        return -2.0
    beside_ascii_letter = (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha())
    frequency = _CYRILLIC.get(character.lower())
    if frequency is not None or _OTHER_ALPHABET.match(character):
        if beside_ascii_letter:  # alphabets do not mix inside a word
            return -1.5
        if frequency is None:
            return 1.1 if _OTHER_ALPHABET.search(before + after) or not (before + after).strip() else 0.2
        if not before.isalpha() and not after.isalpha():
            return 0.5  # a word of one letter: as likely an accented Latin one
        return frequency - (0.7 if kind == "Lu" and before.isalpha() else 0)
    if character >= "\u3000":
        return _east_asian_weight(character, inside_word=before.islower() and after.islower())
    if kind not in _LETTERS and before.isalpha() and after.isalpha() and character not in "’–—·":
        return -1.5  # a sign inside a word was a letter
    if kind in {"Sc", "No"} and after.isalpha():
        return -1.5
    if character in _TURKISH:
        return 1.2
    if character in _WEST:
        return 1.1
    if character in _CENTRAL:
        return 1.05
    return 0.1 if kind.startswith("L") else 0.0


def _east_asian_weight(character: str, *, inside_word: bool) -> float:
    if inside_word:  # an accented letter and its neighbour read as one character
        return -3.0
    if character in _COMMON_EAST_ASIAN or "\u3040" <= character <= "\u30ff":
        return 2.2
    if "\u4e00" <= character <= "\u9fa5" or "\uac00" <= character <= "\ud7a3":
        return 1.2
    if character <= "\u303f" or "\uff01" <= character <= "\uff5e":
        return 1.2
    return -1.0


# --- UTF-8 encoded twice ---------------------------------------------------------------------------------------------


def _cp1252_or_latin1() -> dict[str, int]:
    """Which byte each character stood for before it was wrongly read."""
    table = {chr(byte): byte for byte in range(0x80, 0x100)}
    for byte in range(0x80, 0xA0):
        try:
            table[bytes([byte]).decode("cp1252")] = byte
        except UnicodeDecodeError:
            continue  # five bytes mean nothing in windows-1252
    return table


_BYTE_OF = _cp1252_or_latin1()


def _class(byte_range: Iterable[int]) -> str:
    wanted = set(byte_range)
    return "[" + "".join(re.escape(character) for character, byte in _BYTE_OF.items() if byte in wanted) + "]"


_TAIL = _class(range(0x80, 0xC0))
_TWICE = re.compile(
    f"(?:{_class(range(0xC2, 0xE0))}{_TAIL}"
    f"|{_class(range(0xE0, 0xF0))}{_TAIL}{{2}}"
    f"|{_class(range(0xF0, 0xF5))}{_TAIL}{{3}})+"
)
_TWICE_LEADS = "ÂÃÄÅÐÑØÙâ"  # of Latin, Cyrillic, Arabic letters and of typographic marks
_TWICE_HINT = re.compile(f"[{_TWICE_LEADS}]{_TAIL}")
_HONEST = re.compile(r"[^\x00-\x7f\W\d_]|[«„]")  # curly quotes and dashes come from character references
_RUN_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


def _once(match: re.Match[str]) -> str:
    try:
        return bytes(_BYTE_OF[character] for character in match.group()).decode("utf-8")
    except UnicodeDecodeError:
        return match.group()


def _stray_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.end]
    return stray.decode("cp1252", "replace"), error.end


codecs.register_error("monitor-cp1252", _stray_byte)
