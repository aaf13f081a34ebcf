"""What a page says about itself: title, authors, date, address, language, whether it is free.

Reads JSON-LD, OpenGraph and meta tags, and no body text. Which of several claims is right is decided in titles.py,
dates.py and authors.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from lxml import etree

from monitor.extract import authors, dates, titles
from monitor.extract.blocks import Layout
from monitor.extract.json_ld import Claims
from monitor.extract.tree import Page
from monitor.urls import absolute_url, canonical_url

_TITLE_KEYS = ("og:title", "twitter:title", "parsely-title", "sailthru.title", "dc.title", "dcterms.title", "title")
_SITE_KEYS = ("og:site_name", "application-name", "apple-mobile-web-app-title", "twitter:site")
# under these the site is three labels long: "bbc.co.uk", "haberturk.com.tr"
_SECOND_LEVEL = frozenset(("co", "com", "net", "org", "gov", "ac", "edu", "gob", "govt", "in", "ne", "or"))
_AROUND_HEADLINE = (5, 15)  # blocks before and after it in which a by-line is looked for


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the page says about itself; empty or None where it does not."""

    title: str
    authors: tuple[str, ...]
    published_at: datetime | None  # aware, by the page's own clock
    canonical_url: str  # absolute, of the same site, tracking removed; the page's own URL where none is named
    home_page: bool  # the page names the site's front page as its address: likely a soft 404
    lang: str | None  # as declared: "en", "pt-BR"
    free: bool | None  # isAccessibleForFree
    kind: str  # og:type
    description: str


def read(page: Page, layout: Layout, claims: Claims, url: str, *, guess_date: bool = True) -> Metadata:
    """What the page's head, JSON-LD and by-line say; ``guess_date``: search its wording where they give no date."""
    metas = _metas(page.root)
    canonical, home_page = _canonical(page.root, metas, claims, url)
    outlets = _outlets(metas, claims, url)
    title = _title(page.root, layout, metas, claims, outlets)
    lines = _lines_around(layout, title)
    return Metadata(
        title=title,
        authors=authors.read(page.root, metas, claims, lines, outlets),
        published_at=dates.published(
            page.root, claims.published, metas, lines, url, page.markup if guess_date else None
        ),
        canonical_url=canonical,
        home_page=home_page,
        lang=_lang(page.root, metas, claims),
        free=claims.free,
        kind=_first(metas, ("og:type",)).lower(),
        description=_first(metas, ("og:description", "description", "twitter:description")) or claims.description,
    )


def _metas(root: etree._Element) -> dict[str, list[str]]:
    """Contents of the meta tags by name, property or itemprop, in lower case."""
    metas: dict[str, list[str]] = {}
    for element in root.iter("meta"):
        content = " ".join((element.get("content") or "").split())
        if content:
            for attribute in ("name", "property", "itemprop"):
                if key := element.get(attribute):
                    metas.setdefault(key.strip().lower(), []).append(content)
    return metas


def _first(metas: dict[str, list[str]], keys: Sequence[str]) -> str:
    return next((metas[key][0] for key in keys if key in metas), "")


def _outlets(metas: dict[str, list[str]], claims: Claims, url: str) -> list[str]:
    """Names of the outlet: as the page gives it, and as its host spells it."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    named = [metas[key][0].lstrip("@") for key in _SITE_KEYS if key in metas]
    return [*named, claims.publisher, host, host.rsplit(".", 1)[0], site_of(url).split(".")[0]]


def _title(
    root: etree._Element, layout: Layout, metas: dict[str, list[str]], claims: Claims, outlets: Sequence[str]
) -> str:
    stated = [claims.headline, *(metas[key][0] for key in _TITLE_KEYS if key in metas)]
    document = next((_line(element) for element in root.iter("title")), "")
    lesser = [_line(element) for element in root.iter("h2")]
    lesser += [block.text for block in layout.blocks if len(block.text) < 200]
    return titles.choose(stated, document, [_line(element) for element in root.iter("h1")], lesser, outlets)


def _line(element: etree._Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _lines_around(layout: Layout, title: str) -> list[str]:
    lines = [block.text for block in layout.blocks]
    at = next((index for index, line in enumerate(lines) if line == title), 0)
    before, after = _AROUND_HEADLINE
    return lines[max(0, at - before) : at + after]


def _canonical(root: etree._Element, metas: dict[str, list[str]], claims: Claims, url: str) -> tuple[str, bool]:
    """(the story's address, whether the page named the front page instead). A link to another site is not believed."""
    links = [
        element.get("href") or "" for element in root.iter("link") if (element.get("rel") or "").lower() == "canonical"
    ]
    home_page = False
    for link in (*links[:1], _first(metas, ("og:url",)), claims.url):
        absolute = absolute_url(url, link.strip()) if link else None
        if absolute is None or site_of(absolute) != site_of(url):
            continue
        if _is_front(absolute) and not _is_front(url):
            home_page = True
            continue
        return canonical_url(absolute), home_page
    return canonical_url(url), home_page


def _is_front(url: str) -> bool:
    parts = urlsplit(url)
    return not parts.query and re.fullmatch(r"/?(?:index\.\w+|home/?|[a-z]{2}/?)?", parts.path) is not None


def site_of(url: str) -> str:
    """The registered domain, near enough to tell one site from another: "edition.cnn.com" -> "cnn.com"."""
    labels = (urlsplit(url).hostname or "").split(".")
    return ".".join(labels[-3:] if len(labels) > 2 and labels[-2] in _SECOND_LEVEL else labels[-2:])


def _lang(root: etree._Element, metas: dict[str, list[str]], claims: Claims) -> str | None:
    declared = root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or root.get("xml:lang") or ""
    return declared or claims.language or _first(metas, ("og:locale", "content-language", "language")) or None
