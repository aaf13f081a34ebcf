"""Page text -> parsed tree and its scripts. Drops what holds no text before parsing; sees that deep nesting loses none.

lxml (libxml2) stops reading at 256 nested elements and returns what it had: such a page is flattened and parsed again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from lxml import etree

from monitor.errors import ExtractError

MAX_CHARS = 3_000_000  # of mark-up without scripts; a longer page is cut there, and says so
_MAX_DEPTH = 120  # to which a page is flattened that is nested deeper than the parser goes

_OPENER = re.compile(  # the first letters ahead: most tags are another's, and are passed without a look at each name
    r"<(?=[snticoavm!])"
    r"(?:(script|style|svg|noscript|template|iframe|object|canvas|audio|video|select|textarea|math|map)\b[^>]*>|!--)",
    re.IGNORECASE,
)
_CLOSERS = {
    name: re.compile(rf"</{name}\b[^>]*>", re.IGNORECASE)
    for name in (
        *("script", "style", "svg", "noscript", "template", "iframe", "object", "canvas", "audio", "video"),
        *("select", "textarea", "math", "map"),
    )
}
_QUOTED = re.compile(r"""\\["']|&quot;|&#34;""")  # such a tag stands inside a string or an attribute and opens nothing
_LD_JSON = re.compile(r"""type\s*=\s*["']?\s*application/ld\+json""", re.IGNORECASE)
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_IS_UNFIT = np.zeros(0x10000, np.bool_)
_IS_UNFIT[[ord(sign) for sign in _UNFIT.findall("".join(map(chr, range(0x10000))))]] = True
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)[^>]*?(/?)>")
_LONG = 4000  # characters of a tag that may have too many attributes
_LONG_TAG = re.compile(rf"<([a-zA-Z][a-zA-Z0-9]*)\s[^<>]{{{_LONG},}}>")
_MAX_ATTRIBUTES = 300
_HEAD_TAGS = frozenset("title meta link base script style noscript template basefont bgsound".split())  # noqa: SIM905
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Page:
    """A parsed page without scripts, styles and comments."""

    root: etree._Element
    markup: str  # what was parsed: without scripts, styles, comments
    json_ld: tuple[str, ...]  # the text of its JSON-LD scripts, in order
    scripts: tuple[str, ...]  # the text of its other inline scripts
    chars: int  # of its source
    notes: tuple[str, ...]  # what had to be done to read it: "cut at 3,000,000 characters", "flattened"


def load(text: str) -> Page:
    """Parse a page's source.

    Raises:
        ExtractError: there is no element in it at all.
    """
    markup, json_ld, scripts = strip(text)
    notes = []
    if _holds_long_piece(markup):
        markup = _LONG_TAG.sub(_without_attributes, markup)
    if len(markup) > MAX_CHARS:
        markup = markup[:MAX_CHARS]
        notes.append(f"cut at {MAX_CHARS:,} characters")
    root, complete = _parse(markup)
    if not complete:
        markup = flatten(markup)
        root, _ = _parse(markup)
        notes.append("nested too deeply, flattened")
    if root is None:
        raise ExtractError("the page holds no HTML element")
    _empty_head(root)
    return Page(root, markup, json_ld, scripts, len(text), tuple(notes))


def _holds_long_piece(markup: str) -> bool:
    """Whether there are ``_LONG`` characters somewhere without a "<": only then can a tag be that long.

    Looks back from each such distance for a "<", so it touches a small part of the mark-up only.
    """
    start = 0
    while start + _LONG < len(markup):
        last = markup.rfind("<", start, start + _LONG)
        if last < 0:
            return True
        start = last + 1
    return False


def _without_attributes(tag: re.Match[str]) -> str:
    """libxml2 compares each attribute with all before it: 100,000 of them take a minute."""
    return f"<{tag[1]}>" if tag[0].count("=") > _MAX_ATTRIBUTES else tag[0]


def strip(text: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """(mark-up without scripts, styles, comments and embedded objects; its JSON-LD scripts; its other scripts).

    One pass; an element that is never closed loses its tag only, but for a script or style, which run to the end as in
    a browser.
    """
    kept: list[str] = []
    json_ld: list[str] = []
    scripts: list[str] = []
    unclosed: set[str] = set()
    position = 0
    while match := _OPENER.search(text, position):
        kept.append(text[position : match.start()])
        name = (match[1] or "!--").lower()
        inner_end, position = _element_end(text, match, name, unclosed)
        if name == "script" and inner_end > match.end():
            (json_ld if _LD_JSON.search(match[0]) else scripts).append(text[match.end() : inner_end])
    kept.append(text[position:])
    return _without_unfit(" ".join(kept)), tuple(json_ld), tuple(scripts)


def _without_unfit(text: str) -> str:
    """``text`` with a space for each control character and other sign that no page may hold.

    Nearly all texts have none, which the table tells in half the time. It also finds the pairs that UTF-16 makes of
    emojis; the pattern then tells that nothing is wrong with these.
    """
    codes = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16)
    return _UNFIT.sub(" ", text) if _IS_UNFIT[codes].any() else text


def _element_end(text: str, opener: re.Match[str], name: str, unclosed: set[str]) -> tuple[int, int]:
    """(where the content ends, where reading goes on)."""
    if opener[0].endswith("/>") or name in unclosed or _QUOTED.search(opener[0]):
        return opener.end(), opener.end()
    if name == "!--":
        end = text.find("-->", opener.start() + 2)
        if end >= 0:
            return end, end + 3
    elif closer := _CLOSERS[name].search(text, opener.end()):
        return closer.start(), closer.end()
    elif name in ("script", "style"):
        return len(text), len(text)
    unclosed.add(name)  # or a page of unclosed tags would be searched to its end for each of them
    return opener.end(), opener.end()


def _parse(markup: str) -> tuple[etree._Element | None, bool]:
    """(root element, whether all of the mark-up was read)."""
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False)
    try:
        root = etree.fromstring(markup.encode("utf-8", "replace"), parser)
    except etree.LxmlError:  # "Document is empty": nothing but white space or unreadable mark-up
        return None, True
    limits = (etree.ErrorTypes.ERR_RESOURCE_LIMIT, etree.ErrorTypes.ERR_NAME_TOO_LONG)
    complete = not any(entry.type in limits or "depth" in entry.message for entry in parser.error_log)
    return root, complete


def _empty_head(root: etree._Element) -> None:
    """Move what is no metadata from the head to the front of the body.

    A page may leave out the tags of both (HTML, 13.1.2.4). libxml2 does not know the elements of HTML5, and so that
    <article> and <main> begin a body.
    """
    head = root.find("head")
    strays = [] if head is None else [child for child in head if child.tag not in _HEAD_TAGS]
    if not strays:
        return
    body = root.find("body")
    if body is None:
        body = etree.SubElement(root, "body")
    text, body.text = body.text, None
    for place, stray in enumerate(strays):
        body.insert(place, stray)
    strays[-1].tail = f"{strays[-1].tail or ''}{text or ''}" or None


def flatten(markup: str) -> str:
    """The mark-up without the tags of elements that are nested deeper than the parser goes; all text stays in order."""
    depth = 0
    parts: list[str] = []
    position = 0
    for tag in _TAG.finditer(markup):
        closing, name, self_closed = tag[1], tag[2].lower(), tag[3]
        if name in _VOID or self_closed:
            continue
        if not closing:
            depth += 1
        if depth > _MAX_DEPTH:
            text = markup[position : tag.start()]
            parts += (text, "<br>" if text and not text.isspace() else "")
            position = tag.end()
        if closing and depth:
            depth -= 1
    parts.append(markup[position:])
    return "".join(parts)
