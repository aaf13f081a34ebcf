"""The fast reader: RSS 0.9x to 2.0, RDF, Atom 0.3 and 1.0, and sitemaps, by lxml. It says when it is in doubt.

Safe by construction: no network, no entities (the prolog is gone), libxml2's own limits on depth and size left on.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin

from lxml import etree

from monitor.errors import FeedError
from monitor.poll.reading import RawEntry, Reading
from monitor.poll.sniff import Source

# namespace -> prefix that the rules below use; an address is compared without scheme, case and last "/" or "#"
_PREFIXES = {
    "purl.org/rss/1.0": "",
    "my.netscape.com/rdf/simple/0.9": "",
    "channel.netscape.com/rdf/simple/0.9": "",
    "backend.userland.com/rss": "",
    "backend.userland.com/rss2": "",
    "backend.userland.com/rss191": "",
    "blogs.law.harvard.edu/tech/rss": "",
    "www.w3.org/2005/atom": "atom:",
    "purl.org/atom/ns": "atom:",
    "purl.org/dc/elements/1.1": "dc:",
    "purl.org/dc/elements/1.0": "dc:",
    "purl.org/dc/terms": "dcterms:",
    "purl.org/rss/1.0/modules/content": "content:",
    "purl.org/rss/1.0/modules/syndication": "sy:",
    "search.yahoo.com/mrss": "media:",
    "www.itunes.com/dtds/podcast-1.0.dtd": "itunes:",
    "rssnamespace.org/feedburner/ext/1.0": "feedburner:",
    "news.yandex.ru": "yandex:",
    "www.w3.org/1999/xhtml": "xhtml:",
    "www.sitemaps.org/schemas/sitemap/0.9": "",
    "www.google.com/schemas/sitemap/0.84": "",
    "www.google.com/schemas/sitemap-news/0.9": "news:",
}
_RDF_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_PERIODS_S = {"hourly": 3600, "daily": 86400, "weekly": 604800, "monthly": 2592000, "yearly": 31536000}
_HTML_TYPES = ("", "html", "text/html")


def read_fast(source: Source, url: str) -> Reading:
    """Read ``source``, whose kind is not "json".

    Raises:
        FeedError: the document is a sitemap index, which only names other documents.
    """
    parser = etree.XMLParser(
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )
    try:
        root = etree.fromstring(source.text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        return Reading(source.kind or "rss", doubts=[f"unreadable: {error}"])
    if root is None:
        return Reading(source.kind or "rss", doubts=["unreadable"])
    if source.kind == "sitemapindex":
        raise FeedError(f"a list of sitemaps, not a feed; it names {', '.join(_sitemaps(root)[:3]) or 'none'}")
    reading = _READERS.get(source.kind, _read_rss)(root)
    if source.kind == "rdf":
        reading.format = "rdf"
    if "xml:base" in source.text:
        _note_bases(root, reading, url)
    _note_doubts(parser, source, reading)
    return reading


def _note_doubts(parser: Any, source: Source, reading: Reading) -> None:
    for error in parser.error_log:
        if error.type_name == "ERR_RESOURCE_LIMIT":
            reading.cut = "nested too deep; what follows is left out"
            return
        reading.doubts.append(_in_words(error))
        break
    if len(reading.entries) != source.items:
        reading.doubts.append(f"{source.items} items in the text, {len(reading.entries)} read")
    if not source.kind:
        reading.doubts.append("items without a feed around them")
    if any(not (raw.title or raw.link or raw.guid or raw.summary or raw.content) for raw in reading.entries):
        reading.doubts.append("an item in which nothing was understood")


def _in_words(error: Any) -> str:
    names = {"ERR_UNDECLARED_ENTITY": "undeclared entity", "NS_ERR_UNDEFINED_NAMESPACE": "undeclared prefix"}
    return names.get(error.type_name) or " ".join(error.message.split())[:80]


# --- RSS and RDF -----------------------------------------------------------------------------------------------------


def _read_rss(root: Any) -> Reading:
    reading = Reading("rss")
    ttl_s, period, frequency = 0, "", ""
    for element in root.iter("{*}channel"):
        for child in element:
            name = _name(child.tag)
            if name == "title":
                reading.title = reading.title or _text(child)
            elif name == "link":
                reading.link = reading.link or _text(child).strip()
            elif name == "ttl":
                ttl_s = _minutes(_text(child))
            elif name == "sy:updateperiod":
                period = _text(child).strip().lower()
            elif name == "sy:updatefrequency":
                frequency = _text(child)
            elif name == "itunes:new-feed-url":
                reading.permanent_url = _text(child).strip() or None
        break
    reading.ttl_s = max(ttl_s, _syndication(period, frequency)) or None
    reading.entries = [_rss_item(item) for item in root.iter("{*}item")]
    return reading


def _rss_item(item: Any) -> RawEntry:
    raw = RawEntry(guid=item.get(_RDF_ABOUT, ""), guid_is_link=True)
    found: dict[str, str] = {}
    atom_links: list[Any] = []
    for child in item:
        name = _name(child.tag)
        if name in _RSS_TEXTS:
            text = _text(child)
            if text and (name not in found or not found[name].strip()):
                found[name] = text
                if name == "guid":
                    raw.guid_is_link = (
                        child.get("isPermaLink") or child.get("ispermalink") or "true"
                    ).lower() == "true"
        elif name in _RSS_AUTHORS:
            raw.authors.append(_author_text(child))
        if name in {"atom:link", "link"} and child.get("href"):
            atom_links.append(child)
    return _fill_rss(raw, found, atom_links)


_RSS_LINKS = ("feedburner:origlink", "link")
_RSS_SUMMARIES = (
    "description",
    "atom:summary",
    "dc:description",
    "itunes:summary",
    "media:description",
    "itunes:subtitle",
)
_RSS_CONTENTS = (
    "content:encoded",
    "yandex:full-text",
    "full-text",
    "fulltext",
    "content",
    "atom:content",
    "xhtml:body",
)
_RSS_DATES = (
    "pubdate",
    "atom:published",
    "dc:date",
    "dcterms:issued",
    "dcterms:created",
    "atom:updated",
    "dcterms:modified",
)
_RSS_TITLES = ("title", "dc:title", "atom:title", "media:title", "itunes:title")
_RSS_GUIDS = ("guid", "atom:id", "dc:identifier")
_RSS_AUTHORS = frozenset({"author", "dc:creator", "atom:author", "dc:author"})
_RSS_TEXTS = frozenset(_RSS_LINKS + _RSS_SUMMARIES + _RSS_CONTENTS + _RSS_DATES + _RSS_TITLES + _RSS_GUIDS)


def _fill_rss(raw: RawEntry, found: dict[str, str], atom_links: list[Any]) -> RawEntry:
    raw.guid = found.get("guid") or raw.guid or _first(found, _RSS_GUIDS)
    raw.link = _first(found, _RSS_LINKS).strip() or _alternate(atom_links)
    raw.title = _first(found, _RSS_TITLES)
    raw.summary = _first(found, _RSS_SUMMARIES)
    raw.content = _first(found, _RSS_CONTENTS)
    raw.published = _first(found, _RSS_DATES)
    return raw


def _first(found: dict[str, str], names: tuple[str, ...]) -> str:
    for name in names:
        if name in found:
            return found[name]
    return ""


# --- Atom ------------------------------------------------------------------------------------------------------------


def _read_atom(root: Any) -> Reading:
    reading = Reading("atom")
    authors: list[str] = []
    links: list[Any] = []
    for child in root:
        name = _name(child.tag).removeprefix("atom:")
        if name == "title":
            reading.title = _text(child)
        elif name == "link":
            links.append(child)
        elif name == "author":
            authors.append(_author_text(child))
    reading.link = _alternate(links)
    reading.entries = [_atom_entry(entry, authors) for entry in root.iter("{*}entry")]
    return reading


def _atom_entry(entry: Any, feed_authors: list[str]) -> RawEntry:
    raw = RawEntry(guid_is_link=True)
    links: list[Any] = []
    dates: dict[str, str] = {}
    for child in entry:
        name = _name(child.tag).removeprefix("atom:")
        if name == "link":
            links.append(child)
        elif name == "title" and not raw.title:
            raw.title, raw.title_is_plain = _atom_text(child)
        elif name == "id":
            raw.guid = _text(child)
        elif name in {"summary", "media:description"} and not raw.summary:
            raw.summary, raw.summary_is_plain = _atom_text(child)
        elif name == "content" and not raw.content:
            raw.content, raw.content_is_plain = _atom_text(child)
        elif name in _ATOM_DATES:
            dates.setdefault(name, _text(child))
        elif name in {"author", "dc:creator"}:
            raw.authors.append(_author_text(child))
        elif name == "feedburner:origlink":
            raw.link = _text(child).strip()
        elif name == "media:group" and not raw.summary:  # YouTube
            raw.summary = next((_text(part) for part in child if _name(part.tag) == "media:description"), "")
    raw.link = raw.link or _alternate(links)
    raw.published = next((dates[name] for name in _ATOM_DATES if dates.get(name, "").strip()), "")
    raw.authors = raw.authors or feed_authors
    return raw


_ATOM_DATES = ("published", "issued", "dc:date", "created", "updated", "modified")


def _atom_text(element: Any) -> tuple[str, bool]:
    """The text of a construct, and whether its feed calls it plain (RFC 4287, 3.1; Atom 0.3 wrote MIME types)."""
    kind = (element.get("type") or "").lower()
    if len(element):
        return _inner_markup(element), False
    return element.text or "", kind in {"", "text", "text/plain"}


def _alternate(links: list[Any]) -> str:
    """The page that an entry is about: rel="alternate" or no rel, HTML before other types."""
    best, best_rank = "", 3
    for link in links:
        if (link.get("rel") or "alternate").lower() not in {
            "alternate",
            "http://www.iana.org/assignments/relation/alternate",
        }:
            continue
        kind = (link.get("type") or "text/html").lower()
        rank = 0 if kind in {"text/html", "application/xhtml+xml"} else 2
        href = (link.get("href") or _text(link)).strip()
        if href and rank < best_rank:
            best, best_rank = href, rank
    return best


# --- sitemaps --------------------------------------------------------------------------------------------------------


def _read_sitemap(root: Any) -> Reading:
    """News sitemaps, and plain ones, whose entries have no title."""
    reading = Reading("sitemap")
    for url in root.iter("{*}url"):
        raw = RawEntry()
        changed = ""
        for child in url:
            name = _name(child.tag)
            if name == "loc":
                raw.link = _text(child).strip()
            elif name == "lastmod":
                changed = _text(child)
            elif name == "news:news":
                _add_news(raw, child, reading)
        raw.published = raw.published or changed
        reading.entries.append(raw)
    return reading


def _add_news(raw: RawEntry, news: Any, reading: Reading) -> None:
    for child in news.iter():
        name = _name(child.tag)
        if name == "news:title":
            raw.title = _text(child)
        elif name == "news:publication_date":
            raw.published = _text(child)
        elif name == "news:name" and not reading.title:
            reading.title = _text(child)


def _sitemaps(root: Any) -> list[str]:
    return [_text(element).strip() for element in root.iter("{*}loc")]


_READERS = {"feed": _read_atom, "urlset": _read_sitemap}


# --- parts -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _name(tag: Any) -> str:
    """``{http://purl.org/dc/elements/1.1/}creator`` -> ``dc:creator``; unknown namespaces keep their address."""
    if not isinstance(tag, str):  # an entity reference
        return ""
    if tag[0] != "{":
        return tag.lower()
    namespace, _, local = tag[1:].partition("}")
    prefix = _PREFIXES.get(namespace.partition("://")[2].rstrip("/#").lower())
    return f"{prefix}{local.lower()}" if prefix is not None else tag.lower()


def _text(element: Any) -> str:
    """The text of an element; markup inside is kept as markup."""
    return _inner_markup(element) if len(element) else element.text or ""


def _inner_markup(element: Any) -> str:
    pieces = [_escaped(element.text or "")]
    pieces += [etree.tostring(child, encoding="unicode", method="xml") for child in element]
    return "".join(pieces)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;") if "&" in text or "<" in text else text


def _author_text(element: Any) -> str:
    """RSS: the text; Atom: the name inside."""
    for child in element:
        if _name(child.tag).removeprefix("atom:") == "name":
            return child.text or ""
    return "" if len(element) else element.text or ""


def _minutes(text: str) -> int:
    text = text.strip()
    return int(text) * 60 if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _syndication(period: str, frequency: str) -> int:
    """Seconds between updates as RSS 1.0's syndication module says; the frequency is 1 where it is missing."""
    if period not in _PERIODS_S:
        return 0
    times = frequency.strip()
    count = int(times) if times.isascii() and times.isdigit() and len(times) < 6 else 1
    return _PERIODS_S[period] // max(1, count)


def _note_bases(root: Any, reading: Reading, url: str) -> None:
    """Atom and RSS with xml:base: each entry's own base address, nested ones resolved from the outside in."""
    tag = "{*}entry" if reading.format == "atom" else "{*}item"
    for raw, element in zip(reading.entries, root.iter(tag), strict=False):
        raw.base = _base(element, url)


def _base(element: Any, url: str) -> str:
    bases = [base for ancestor in _outward(element) if (base := ancestor.get(_BASE))]
    if not bases:
        return ""
    resolved = url
    for base in reversed(bases):
        try:
            resolved = urljoin(resolved, base.strip())
        except ValueError:  # "http://[bad"
            continue
    return resolved


def _outward(element: Any) -> Iterator[Any]:
    while element is not None:
        yield element
        element = element.getparent()
