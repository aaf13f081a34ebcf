"""Lists of feeds as OPML 2.0, in and out: folders are tags; outlet, country, camp and lang are attributes of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree
from pydantic import ValidationError

from monitor.errors import FeedError
from monitor.poll.body import unpack
from monitor.poll.charset import decode, without_controls
from monitor.settings import FeedSettings

MAX_FEEDS = 20_000
_OWN = ("outlet", "country", "camp", "lang")
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.IGNORECASE | re.DOTALL)


def read_opml(data: bytes) -> list[FeedSettings]:
    """The feeds of an OPML file in its order, each URL once; nested folders and ``category`` become tags.

    Outlines without an http(s) ``xmlUrl`` are folders or notes. Broken markup is read as far as it goes.

    Raises:
        FeedError: the file is no OPML, or names no feed.
    """
    root = _root(data)
    feeds: dict[str, FeedSettings] = {}
    for outline, folders in _outlines(root):
        feed = _feed(outline, folders)
        if feed is None:
            continue
        known = feeds.get(feed.url)
        if known is not None:  # one feed in two folders has both tags
            feed = known.model_copy(update={"tags": tuple(dict.fromkeys((*known.tags, *feed.tags)))})
        feeds[feed.url] = feed
        if len(feeds) > MAX_FEEDS:
            raise FeedError(f"more than {MAX_FEEDS:,} feeds in one OPML file")
    if not feeds:
        raise FeedError("an OPML file without feeds: no outline has an xmlUrl that is an http(s) address")
    return list(feeds.values())


def write_opml(feeds: Iterable[FeedSettings]) -> bytes:
    """``feeds`` as an OPML 2.0 file in UTF-8. What cannot be in a folder (several tags) stands in ``category``."""
    opml = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(opml, "head"), "title").text = "Feeds of the accession monitor"
    body = etree.SubElement(opml, "body")
    folders: dict[str, Any] = {}
    for feed in feeds:
        parent = body
        if feed.tags:
            folder = feed.tags[0]
            if folder not in folders:
                folders[folder] = etree.SubElement(body, "outline", text=_clean(folder), title=_clean(folder))
            parent = folders[folder]
        etree.SubElement(parent, "outline", _attributes(feed))
    written: bytes = etree.tostring(opml, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return written


def _root(data: bytes) -> Any:
    text = decode(unpack(data, None)[0], None).lstrip("\ufeff \t\r\n")
    text = _DOCTYPE.sub("", text, count=1)
    start = re.search(r"<opml[\s>]", text, re.IGNORECASE)
    if start is None:
        raise FeedError(f"no OPML file; it begins with {' '.join(text[:60].split())!r}")
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8"
    )
    try:
        root = etree.fromstring(text[start.start() :].encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        raise FeedError(f"an OPML file that cannot be read: {error}") from error
    if root is None:
        raise FeedError("an OPML file that cannot be read")
    return root


def _outlines(root: Any) -> Iterator[tuple[dict[str, str], tuple[str, ...]]]:
    """Each outline's attributes, names in lower case, with the names of the folders around it, outermost first."""
    waiting: list[tuple[Any, tuple[str, ...]]] = [
        (child, ()) for child in reversed(root)
    ]  # a stack, not recursion: folders may be nested deep
    while waiting:
        element, folders = waiting.pop()
        if not isinstance(element.tag, str):
            continue
        attributes = {name.lower(): value for name, value in element.attrib.items()}
        is_outline = element.tag.rpartition("}")[2].lower() == "outline"
        if is_outline:
            yield attributes, folders
        name = " ".join((attributes.get("text") or attributes.get("title") or "").split())
        inside = (*folders, name) if is_outline and name and "xmlurl" not in attributes else folders
        waiting.extend((child, inside) for child in reversed(element))


def _feed(attributes: dict[str, str], folders: tuple[str, ...]) -> FeedSettings | None:
    url = re.sub(r"^feed:(?://)?(?=https?:)", "", attributes.get("xmlurl", "").strip())
    url = re.sub(r"^feed://", "http://", url)
    categories = (part.strip("/ ").rpartition("/")[2] for part in attributes.get("category", "").split(","))
    own = {name: attributes[name].strip() for name in _OWN if attributes.get(name, "").strip()}
    own.setdefault("outlet", " ".join((attributes.get("text") or attributes.get("title") or "").split()))
    language = attributes.get("language", "").strip().lower()[:2]
    if language.isalpha() and "lang" not in own:
        own["lang"] = language
    try:
        return FeedSettings(url=url, tags=tuple(dict.fromkeys(tag for tag in (*folders, *categories) if tag)), **own)
    except ValidationError:
        return None


def _attributes(feed: FeedSettings) -> dict[str, str]:
    name = _clean(feed.outlet or feed.url)
    attributes = {"type": "rss", "text": name, "title": name, "xmlUrl": _clean(feed.url)}
    for key in _OWN:
        value = getattr(feed, key)
        if value:
            attributes[key] = _clean(value)
    if feed.lang:
        attributes["language"] = _clean(feed.lang)
    if len(feed.tags) > 1:
        attributes["category"] = _clean(",".join(feed.tags))
    return attributes


def _clean(text: str) -> str:
    return without_controls(text)
