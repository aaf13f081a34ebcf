"""What a page says about itself: title, authors, date, address, language, whether it is free. Reads JSON-LD, OpenGraph and meta tags.

Reads no body text; which of several claims is right it decides by a fixed order of trust.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urljoin, urlsplit

from lxml import etree

from monitor.extract.json_ld import Claims
from monitor.extract.tree import Page

_TITLE_KEYS = ("og:title", "twitter:title", "parsely-title", "sailthru.title", "dc.title", "dcterms.title", "title")
_DATE_KEYS = (
    "article:published_time",
    "og:article:published_time",
    "article:published",
    "og:published_time",
    "datepublished",
    "date_published",
    "parsely-pub-date",
    "sailthru.date",
    "cxenseparse:recs:publishtime",
    "cxenseparse:publishtime",
    "article.published",
    "publish-date",
    "publish_date",
    "publishdate",
    "pubdate",
    "pub_date",
    "published_time",
    "published-date",
    "publication_date",
    "dc.date.issued",
    "dcterms.issued",
    "dcterms.created",
    "dc.date.created",
    "dc.date",
    "dcterms.date",
    "date",
    "timestamp",
    "article_date_original",
    "originalpublicationdate",
)
_AUTHOR_KEYS = ("author", "parsely-author", "sailthru.author", "dc.creator", "dcterms.creator", "article:author", "article:author_name", "byl", "cxenseparse:author", "authors", "twitter:data1")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the page says about itself; empty or None where it does not."""

    title: str
    authors: tuple[str, ...]
    published_at: datetime | None
    canonical_url: str  # absolute, of the same site; the page's own URL where none is named
    home_page: bool  # the canonical URL is the site's front page: likely a soft 404
    lang: str | None
    free: bool | None
    kind: str  # og:type
    description: str
    site: str


def read(page: Page, claims: Claims, url: str) -> Metadata:
    """Everything the head of the page and its JSON-LD say."""
    metas = _metas(page.root)
    canonical, home_page = _canonical(page.root, metas, claims, url)
    site = metas.get("og:site_name", [""])[0] or claims.publisher
    return Metadata(
        title=_title(page.root, metas, claims, site),
        authors=_authors(metas, claims),
        published_at=_published(page.root, metas, claims, url),
        canonical_url=canonical,
        home_page=home_page,
        lang=page.root.get("lang") or metas.get("og:locale", [""])[0] or claims.language or None,
        free=claims.free,
        kind=metas.get("og:type", [""])[0].lower(),
        description=claims.description or next(iter(metas.get("og:description") or metas.get("description") or []), ""),
        site=site,
    )


def _metas(root: etree._Element) -> dict[str, list[str]]:
    """Content of the meta tags by name, property or itemprop, in lower case."""
    metas: dict[str, list[str]] = {}
    for element in root.iter("meta"):
        content = " ".join((element.get("content") or "").split())
        if content:
            for attribute in ("name", "property", "itemprop"):
                if key := element.get(attribute):
                    metas.setdefault(key.strip().lower(), []).append(content)
    return metas


def _first(metas: dict[str, list[str]], keys: Iterable[str]) -> str:
    return next((metas[key][0] for key in keys if key in metas), "")


def _title(root: etree._Element, metas: dict[str, list[str]], claims: Claims, site: str) -> str:
    headings = [text for element in root.iter("h1") if (text := " ".join("".join(element.itertext()).split()))]
    tag = next((" ".join("".join(element.itertext()).split()) for element in root.iter("title")), "")
    return claims.headline or _first(metas, _TITLE_KEYS) or (headings or [tag])[0]


def _authors(metas: dict[str, list[str]], claims: Claims) -> tuple[str, ...]:
    return claims.authors or tuple(next((metas[key] for key in _AUTHOR_KEYS if key in metas), []))


def _published(root: etree._Element, metas: dict[str, list[str]], claims: Claims, url: str) -> datetime | None:
    for text in (claims.published, _first(metas, _DATE_KEYS), *(element.get("datetime") or "" for element in root.iter("time"))):
        if (moment := parse_time(text)) is not None:
            return moment
    return None


def parse_time(text: str) -> datetime | None:
    """An ISO 8601 or RFC 2822 time as an aware UTC datetime; a time without an offset is taken as UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _canonical(root: etree._Element, metas: dict[str, list[str]], claims: Claims, url: str) -> tuple[str, bool]:
    links = [element.get("href") or "" for element in root.iter("link") if (element.get("rel") or "").lower() == "canonical"]
    for link in (*links[:1], _first(metas, ("og:url",)), claims.url):
        absolute = urljoin(url, link.strip()) if link else ""
        if absolute.startswith(("http://", "https://")) and _site(absolute) == _site(url):
            home_page = len(urlsplit(absolute).path) <= 1 < len(urlsplit(url).path) and not urlsplit(absolute).query
            return (url if home_page else absolute), home_page
    return url, False


def _site(url: str) -> str:
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return ".".join(host.split(".")[-2:])
