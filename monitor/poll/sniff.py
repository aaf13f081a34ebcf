"""What kind of document a text is, made ready for a reader: without junk, prolog, and what is too much or cut short.

The prolog goes with all its entity declarations, so that entity bombs and external entities have nothing to work with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from monitor.errors import FeedError

MAX_ENTRIES = 2_000  # the longest real feed has 730
MAX_SITEMAP = 50_000  # URLs, by sitemaps.org; they may stand oldest first, so the newest are chosen when all are read
_JUNK_BEFORE = 2_000
_SEARCHED = 64 * 1024  # characters at the start in which a feed's root is looked for behind junk

_NAME = r"(?:[A-Za-z_][\w.-]*:)?"
_ROOT = re.compile(rf"<({_NAME}(rss|rdf|feed|urlset|sitemapindex|channel|opml))(?=[\s>/])", re.IGNORECASE)
_LOOSE_ITEM = re.compile(rf"<{_NAME}(?:item|entry)(?=[\s>])", re.IGNORECASE)
_PAGE = re.compile(r"<(?:!doctype\s+html|html|head|body)(?=[\s>])", re.IGNORECASE)
_HTML = re.compile(r"<(?:div|script|title|meta|table|h1|p)(?=[\s>])", re.IGNORECASE)
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(\[)?", re.IGNORECASE)
_ITEM_NAMES = {"rss": "item", "rdf": "item", "channel": "item", "feed": "entry", "urlset": "url"}
_CDATA = re.compile(r"<!\[CDATA\[.*?(?:\]\]>|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Source:
    """A document ready to be read."""

    kind: str  # "json", or the root element's local name in lower case; "" where there are items without a known root
    text: str  # XML: from the root element to its end, no prolog
    items: int  # how many items the text shows, by their opening tags
    cut: str  # what was left out, in words; empty: nothing


def sniff(text: str, *, was_cut: bool, max_entries: int) -> Source:
    """Find the feed in ``text``. ``was_cut``: the text ends where our size limit cut it.

    Raises:
        FeedError: it is no feed; the message says what it is instead.
    """
    text = text.lstrip("\ufeff \t\r\n")
    if not text:
        raise FeedError("the body is empty")
    if text[0] in "{[" and not _ROOT.search(text[:_JUNK_BEFORE]):  # "[warning] ..." may stand before a feed, too
        return Source("json", text, 0, "longer than we read" if was_cut else "")
    start, root, kind = _root(text)
    if kind == "opml":
        raise FeedError("a list of feeds (OPML), not a feed: use monitor feeds import")
    return _bounded(text[start:], root, kind, was_cut, max_entries)


def _root(text: str) -> tuple[int, str, str]:
    """Where the root element begins, its name as written, and its local name in lower case."""
    position = _after_prolog(text, 0)
    match = _ROOT.match(text, position)
    if match is None:  # junk, or something else
        head = text[: position + _SEARCHED]
        match = _ROOT.search(head, position)
        page = _PAGE.search(head)
        if match is None or (page is not None and page.start() < match.start()):
            return _without_root(text, position)
    return match.start(), match[1], match[2].lower()


def _without_root(text: str, position: int) -> tuple[int, str, str]:
    if _PAGE.search(text[: position + _SEARCHED]):
        raise FeedError("a web page, not a feed")
    loose = _LOOSE_ITEM.search(text, position)
    if loose:
        return loose.start(), "", ""
    if _HTML.search(text[: position + _SEARCHED]):
        raise FeedError("a web page, not a feed")
    opening = " ".join(text[position : position + 60].split())
    if not opening:
        raise FeedError("no feed: there is nothing but comments and declarations")
    raise FeedError(f"no feed of any format we read; it begins with {opening!r}")


def _after_prolog(text: str, position: int) -> int:
    """Behind white space, declarations, comments and the document type with its internal subset."""
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if text.startswith("<?", position):
            end = text.find("?>", position)
        elif text.startswith("<!--", position):
            end = text.find("-->", position + 4) + 1
        elif doctype := _DOCTYPE.match(text, position):
            end = _doctype_end(text, doctype)
        else:
            return position
        if end <= 0:
            return len(text)
        position = end + 2 if text[end : end + 2] in {"?>", "->"} else end


def _doctype_end(text: str, doctype: re.Match[str]) -> int:
    if doctype[1] is None:
        return text.find(">", doctype.end()) + 1
    end = re.compile(r"\]\s*>").search(text, doctype.end())
    return end.end() if end else 0


def _bounded(text: str, root: str, kind: str, was_cut: bool, max_entries: int) -> Source:
    """Without junk behind the root, without a last item that is cut in two, and without more items than we take."""
    closing = _closing(text, root) if root else -1
    cut = "longer than we read" if was_cut else ""
    if closing > 0:
        end = text.find(">", closing) + 1
        text = text[:end] if end else text
    item = _ITEM_NAMES.get(kind, "item|entry")
    starts = [match.start() for match in re.finditer(rf"<{_NAME}(?:{item})(?=[\s>/])", _blanked(text), re.IGNORECASE)]
    if closing <= 0 and root and starts:
        last_is_whole = re.search(rf"</{_NAME}(?:{item})\s*>", text[starts[-1] :], re.IGNORECASE)
        cut = cut or "the body ends early"
        if not last_is_whole and len(starts) > 1:
            cut += ", inside an entry that is left out"
            text, starts = _closed(text[: starts[-1]], root, kind), starts[:-1]
        elif last_is_whole:
            text = _closed(text[: starts[-1] + last_is_whole.end()], root, kind)
    if kind == "urlset":
        max_entries = max(max_entries, MAX_SITEMAP)
    if len(starts) > max_entries:
        cut = f"the first {max_entries:,} of {len(starts):,} entries" + (f"; {cut}" if cut else "")
        text, starts = _closed(text[: starts[max_entries]], root, kind), starts[:max_entries]
    return Source(kind, text, len(starts), cut)


def _closing(text: str, root: str) -> int:
    """Where the root's last closing tag stands, -1 where there is none; ``</feed`` is not ``</feedburner:origLink``."""
    end = len(text)
    while (place := text.rfind(f"</{root}", 0, end)) >= 0:
        behind = text[place + len(root) + 2 : place + len(root) + 3]
        if behind in {"", ">", " ", "\t", "\r", "\n"}:
            return place
        end = place
    return -1


def _blanked(text: str) -> str:
    """CDATA sections and comments blanked, so that markup inside is not counted; places stay."""
    if "<![CDATA[" not in text:
        return text
    return _CDATA.sub(lambda match: " " * len(match.group()), text)


def _closed(text: str, root: str, kind: str) -> str:
    if not root:
        return text
    channel = "</channel>" if kind == "rss" and re.search(r"<channel[\s>]", text) and "</channel>" not in text else ""
    return f"{text}{channel}</{root}>"
