"""Which feeds a web page names: link elements first, then anchors that are plainly feeds. Fetches nothing."""

from __future__ import annotations

import re

from lxml import etree, html

from monitor.poll.charset import decode
from monitor.urls import absolute_url, canonical_url

MAX_PAGE = 4 * 1024**2  # bytes; feeds are named in the head
MAX_FOUND = 50

_TYPES = {
    "application/rss+xml": 0,
    "application/atom+xml": 0,
    "application/rdf+xml": 1,
    "application/feed+json": 1,
    "application/json": 3,
    "application/xml": 3,
    "text/xml": 3,
}
_FEEDISH = re.compile(
    r"(?i)(?:\.(?:rss|atom|rdf)$|/(?:rss|atom|feed|feeds)(?:/|$|\.xml|\.php)|/(?:rss|feed|atom|index|news)[\w-]*\.(?:xml|rdf)$"
    r"|[?&](?:feed|format|type)=(?:rss2?|atom|feed))"
)
_SECOND_BEST = re.compile(r"(?i)comment|kommentar|коммент|комент|/author/|/tag/|podcast|/replies")
_NO_FEED = re.compile(
    r"(?i)wp-json|oembed|//(?:www\.)?(?:facebook|twitter|x|linkedin|instagram)\.com/|\.(?:css|js|png|jpe?g|gif|svg|pdf|mp3)(?:$|\?)"
)


def discover_feeds(page: bytes, url: str) -> list[str]:
    """Addresses of the feeds that ``page`` (HTML bytes, fetched from ``url``) names, absolute, best first, each once.

    Feeds of comments, of authors, tags and podcasts, and of this one article come last; an unreadable page names none.
    """
    root = _tree(page)
    if root is None:
        return []
    base = _base(root, url)
    own_page = canonical_url(url).rstrip("/") + "/"
    of_article = own_page.count("/") > 4  # deeper than a home page or a section: what lies under it are its comments
    ranked: dict[str, tuple[int, str]] = {}
    for kind_rank, link, title in [*_links(root), *_anchors(root)]:
        address = absolute_url(base, link)
        if address is None or _NO_FEED.search(address):
            continue
        key = canonical_url(address)
        second_best = bool(_SECOND_BEST.search(f"{link} {title}")) or (of_article and key.startswith(own_page))
        rank = kind_rank + 10 * second_best
        if key not in ranked or rank < ranked[key][0]:
            ranked[key] = (rank, address)
    found = sorted(ranked.values(), key=lambda item: item[0])  # stable: the page's own order within a rank
    return [address for _, address in found][:MAX_FOUND]


def _tree(page: bytes) -> html.HtmlElement | None:
    text = decode(page[:MAX_PAGE], None).replace("\x00", "")
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)  # lxml refuses text that declares its bytes' encoding
    try:
        return html.document_fromstring(text, parser=html.HTMLParser(no_network=True, huge_tree=False))
    except (etree.LxmlError, ValueError):
        return None


def _base(root: html.HtmlElement, url: str) -> str:
    for element in root.iter("base"):
        return absolute_url(url, element.get("href") or "") or url
    return url


def _links(root: html.HtmlElement) -> list[tuple[int, str, str]]:
    found = []
    for element in root.iter("link"):
        rel = (element.get("rel") or "").lower().split()
        kind = (element.get("type") or "").partition(";")[0].strip().lower()
        if ("alternate" in rel or "feed" in rel) and (kind in _TYPES or "feed" in rel):
            found.append((_TYPES.get(kind, 1), element.get("href") or "", element.get("title") or ""))
    return found


def _anchors(root: html.HtmlElement) -> list[tuple[int, str, str]]:
    found = []
    for element in root.iter("a"):
        href = (element.get("href") or "").strip()
        kind = (element.get("type") or "").partition(";")[0].strip().lower()
        if kind in {"application/rss+xml", "application/atom+xml"}:
            found.append((4, href, element.text_content()))
        elif _FEEDISH.search(href.partition("#")[0]):
            found.append((5, href, element.text_content()))
    return found
