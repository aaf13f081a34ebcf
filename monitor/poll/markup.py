"""HTML fragments of feeds -> plain text, fast and in linear time. Whole pages are the extractor's business."""

from __future__ import annotations

import html
import re
import unicodedata

from monitor.poll.charset import repair_twice_encoded

# quoted attributes may hold ">"; possessive, so that hostile quotes cost no backtracking
_TAG = re.compile(
    r"""<(/?)([a-zA-Z][\w:-]*)(?:[^<>"']|"[^"<>]{0,2000}"|'[^'<>]{0,2000}')*+>"""
    r"""|<(/?)([a-zA-Z][\w:-]*)[^<>]*+>|<[!?][^<>]*+>"""
)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BLOCKS = _names(
    """p div br li ul ol dl dt dd h1 h2 h3 h4 h5 h6 tr table blockquote section article aside figure figcaption header
    footer hr pre center main nav form fieldset address details summary"""
)
_CELLS = _names("td th option")
_INLINE = _names(
    """a abbr acronym b bdi bdo big cite code del dfn em font i img ins kbd mark q s samp small span strike strong sub
    sup tt u var wbr time nobr label"""
)
_HTML_TAGS = _BLOCKS | _CELLS | _INLINE | _names("tbody thead caption script style iframe video audio source")
_OPENS_SKIPPED = re.compile(r"<(script|style|template|noscript|svg|object|head)\b|<!--", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,9}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_CLOSING = re.compile(r"</([a-zA-Z][a-zA-Z0-9]{0,9})\s*>|<(br|p|img)\b[^<>]*>", re.IGNORECASE)
# invisible characters that part words for whole-word rules: soft hyphen, zero-width space, word joiner, BOM
_INVISIBLE = dict.fromkeys((0x00AD, 0x200B, 0x2060, 0xFEFF))
# windows-1252 bytes that were taken for code points
_C1 = {code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
_ODD = re.compile("[\u0080-\u009f\u00ad\u200b\u2060\ufeff]")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


def title_text(markup: str) -> str:
    """A title as one line of plain text. Unknown tags stay: ``<NATO>`` in a headline is the author's."""
    if "<" in markup or "&" in markup:
        markup = _plain(markup, keep_unknown_tags=True)
        if _still_escaped(markup):
            markup = _plain(markup, keep_unknown_tags=True)
    return " ".join(tidy(markup).split())


def fragment_text(markup: str) -> str:
    """A summary or content as plain text, paragraphs by newline, without scripts, styles and comments.

    Markup that was escaped twice, as some producers do, is undone twice.
    """
    if "<" not in markup and "&" not in markup:
        return _paragraphs_of_plain(tidy(markup))
    text = _plain(markup)
    if _still_escaped(text):
        text = _plain(text)
    return _squeezed(tidy(text))


def plain_or_fragment_text(text: str) -> str:
    """Text that its feed calls plain: markup only where it looks like markup."""
    return fragment_text(text) if looks_like_html(text) else _paragraphs_of_plain(tidy(text))


def looks_like_html(text: str) -> bool:
    """Whether there is a closing HTML tag or a character reference."""
    closing = _CLOSING.search(text)
    if closing and (closing[2] or closing[1].lower() in _HTML_TAGS):
        return True
    entity = _ENTITY.search(text)
    return entity is not None and html.unescape(entity.group()) != entity.group()


def tidy(text: str) -> str:
    """Without invisible characters; double encoding and windows-1252 leftovers put right; accents composed (NFC)."""
    if text.isascii():
        return text
    text = repair_twice_encoded(text)
    if _ODD.search(text):
        text = text.translate(_INVISIBLE).translate(_C1)
    return unicodedata.normalize("NFC", text)  # a no-op, and fast, where it is composed already


def _plain(markup: str, *, keep_unknown_tags: bool = False) -> str:
    """Tags to line breaks, spaces or nothing; references to characters."""
    if "<" in markup:
        if _OPENS_SKIPPED.search(markup):
            markup = _without_skipped(markup)
        if not keep_unknown_tags:
            markup = markup.replace("\n", " ")
        markup = _TAG.sub(_tag_in_title if keep_unknown_tags else _tag_in_fragment, markup)
    return html.unescape(markup) if "&" in markup else markup


def _tag_in_fragment(match: re.Match[str]) -> str:
    name = (match[2] or match[4] or "").lower()
    if name in _BLOCKS:
        return "\n"
    return " " if name in _CELLS else ""


def _tag_in_title(match: re.Match[str]) -> str:
    name = (match[2] or match[4] or "").lower()
    if name and name not in _HTML_TAGS:
        return match.group()
    return " " if name in _BLOCKS or name in _CELLS else ""


def _without_skipped(markup: str) -> str:
    """Without elements whose text nobody reads; one that is never closed takes the rest with it. Always one pass."""
    pieces: list[str] = []
    position = 0
    lower = markup.lower() if len(markup.lower()) == len(markup) else markup
    while match := _OPENS_SKIPPED.search(markup, position):
        pieces.append(markup[position : match.start()])
        closing = f"</{match[1].lower()}" if match[1] else "-->"
        end = lower.find(closing, match.end())
        if end < 0:
            return " ".join(pieces)
        position = markup.find(">", end) + 1
        if not position:
            return " ".join(pieces)
    pieces.append(markup[position:])
    return " ".join(pieces)


def _still_escaped(text: str) -> bool:
    """Whether the text was escaped twice: what remains after one decoding is still references or HTML tags."""
    if "&" in text and (entity := _ENTITY.search(text)) and html.unescape(entity.group()) != entity.group():
        return True
    if "<" in text and (closing := _CLOSING.search(text)):
        return bool(closing[2]) or closing[1].lower() in _HTML_TAGS
    return False


def _squeezed(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _paragraphs_of_plain(text: str) -> str:
    """Plain text: a blank line parts paragraphs, a single line break is only where the producer wrapped."""
    if "\n" not in text:
        return " ".join(text.split())
    return "\n".join(joined for part in _BLANK_LINE.split(text) if (joined := " ".join(part.split())))
