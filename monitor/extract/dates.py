"""When a page says it was published: JSON-LD, meta tags, <time>, the URL, and htmldate where none of these speaks."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from lxml import etree

_KEYS = (
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
    "article:publicationdate",
    "dc.date.issued",
    "dcterms.issued",
    "dc.date.created",
    "dcterms.created",
    "publish-date",
    "publish_date",
    "og:publish_date",
    "publishdate",
    "pubdate",
    "pub_date",
    "published_at",
    "published_time",
    "published-date",
    "publication_date",
    "publication-date",
    "originalpublicationdate",
    "date.created",
    "dc.date",
    "dcterms.date",
    "date",
    "datecreated",
    "epoch-publish-date",
    "sailthru.pubdate",
)
_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?",
    re.I,
)
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[\s,]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})?)?Z?$")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_NAMED = re.compile(
    r"\b([A-Z][a-z]{2,8})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b|\b(\d{1,2})\.?\s+([A-Z][a-z]{2,8})\.?,?\s+(\d{4})\b"
)
_EPOCH = re.compile(r"1\d{9}(\d{3})?")
_DOTTED = re.compile(r"\b(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})\b")
_URL_DAY = re.compile(
    r"/(?P<year>(?:19|20)\d{2})(?:"
    r"/(?P<month>\d{1,2})/(?P<day>\d{1,2})(?=[/_-]|$)|"
    r"[/-]?(?P<month2>0[1-9]|1[0-2])[/-]?(?P<day2>0[1-9]|[12]\d|3[01])(?=\D|\d{1,6}\D|$)|"
    r"/(?P<name>[a-z]{3})/(?P<day3>\d{1,2})(?=/))"
)
_URL_MONTH = re.compile(r"/((?:19|20)\d{2})[/-]?(0[1-9]|1[0-2])(?=/)")
_LEGAL_OFFSET = timedelta(hours=14)
_SHORT_LINE = 80  # characters of a line that may be a dateline
_EARLIEST_YEAR, _LATEST_YEAR = 1990, 2100


def published(
    root: etree._Element,
    stated: str,
    metas: Mapping[str, Sequence[str]],
    lines: Sequence[str],
    url: str,
    markup: str | None,
) -> datetime | None:
    """The publication time, aware, in the offset of the page's own clock; midnight UTC where only a day is known.

    ``stated``: datePublished of the JSON-LD; ``lines``: the page's lines around its headline; ``markup``: searched
    where nothing states the time; None: a guess is not wanted. Where statements differ, the day that most of them name
    wins, between equals the earlier statement. A page often gives the time twice, in UTC and by its own clock: the
    offset is then taken from the second.
    """
    claims = [moment for text in _texts(stated, metas) if (moment := parse(text)) is not None]
    shown = [moment for text in _shown(root) if (moment := parse(text)) is not None]
    if not claims and not shown:
        return _day_of_url(url) or _line_date(lines) or (_searched(markup, url) if markup else None)
    if not claims:
        return _on_own_clock(shown[0], [])
    clocked = [_on_own_clock(claim, [*claims, *shown]) for claim in claims]
    days = Counter(moment.date() for moment in [*clocked, *shown[:1]])
    most = max(days[moment.date()] for moment in clocked)
    return next(moment for moment in clocked if days[moment.date()] == most)


def _texts(stated: str, metas: Mapping[str, Sequence[str]]) -> Iterable[str]:
    yield stated
    for key in _KEYS:
        yield from metas.get(key, ())[:1]


def _shown(root: etree._Element) -> list[str]:
    """What the page's <time> elements say: those marked as publication first, then those after the headline."""
    marked: list[str] = []
    after: list[str] = []
    before: list[str] = []
    headed = False
    for element in root.iter("h1", "time"):
        if element.tag == "h1":
            headed = True
            continue
        text = element.get("datetime") or " ".join("".join(element.itertext()).split())[:60]
        names = f"{element.get('itemprop') or ''} {element.get('class') or ''}".lower()
        if "publish" in names or element.get("pubdate") is not None:
            marked.append(text)
        else:
            (after if headed else before).append(text)
    return [*marked[:2], *after[:2], *before[:2]]


def parse(text: str) -> datetime | None:
    """A time as pages write it, aware; without an offset it is taken as UTC. None where it is no date of our age."""
    text = text.strip()
    if not text:
        return None
    for reader in (_iso, _mail, _american, _named, _dotted, _compact):
        try:
            moment = reader(text)
        except (ValueError, OverflowError, TypeError):
            continue
        if moment is not None and _EARLIEST_YEAR <= moment.year <= _LATEST_YEAR:
            return moment
    return None


def _iso(text: str) -> datetime | None:
    match = _ISO.match(text)
    if not match:
        return None
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    if match[4] is None:
        return datetime(year, month, day, tzinfo=UTC)
    clock = time(int(match[4]), int(match[5]), int(match[6] or 0))
    return datetime.combine(date(year, month, day), clock, _offset(match[7]))


def _offset(text: str | None) -> timezone:
    """The offset; UTC with the name "unknown" where none is given, so that another statement may supply it."""
    if not text:
        return _UNKNOWN
    if text[0] not in "+-":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


_UNKNOWN = timezone(timedelta(0), "unknown")


def _mail(text: str) -> datetime | None:
    if not re.match(r"[A-Z][a-z]{2},? \d{1,2} [A-Z]|\d{1,2} [A-Z][a-z]{2} \d{4} \d", text):
        return None
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=_UNKNOWN)


def _american(text: str) -> datetime | None:
    match = _AMERICAN.match(text)
    if not match:
        return None
    month, day = int(match[1]), int(match[2])
    if month > 12:
        month, day = day, month
    return datetime(
        int(match[3]), month, day, int(match[4] or 0), int(match[5] or 0), int(match[6] or 0), tzinfo=_UNKNOWN
    )


def _named(text: str) -> datetime | None:
    match = _NAMED.search(text)
    if not match:
        return None
    name, day, year = (match[1], match[2], match[3]) if match[1] else (match[5], match[4], match[6])
    month = _month(name)
    return datetime(int(year), month, int(day), tzinfo=UTC) if month else None


def _compact(text: str) -> datetime | None:
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    match = _COMPACT.match(text)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    return datetime(year, month, day, hour, minute, second, tzinfo=_UNKNOWN)


def _on_own_clock(moment: datetime, others: Sequence[datetime]) -> datetime:
    """The same instant by the page's own clock, if one of the other statements shows it.

    Such a statement gives the same instant with an offset, or the same minutes and seconds some hours away and none.
    """
    if moment.utcoffset():
        return moment
    for other in others:
        if other == moment and other.utcoffset():
            return other
        apart = other.replace(tzinfo=UTC) - moment
        telling = other.tzinfo is _UNKNOWN and moment.tzinfo is not _UNKNOWN and (moment.second or moment.minute % 30)
        if telling and apart.total_seconds() % 1800 == 0 and timedelta(0) < abs(apart) <= _LEGAL_OFFSET:
            return moment.astimezone(timezone(apart))
    return moment if moment.tzinfo is not _UNKNOWN else moment.replace(tzinfo=UTC)


def _day_of_url(url: str) -> datetime | None:
    match = _URL_DAY.search(urlsplit(url).path)
    if not match:
        return None
    month = match["month"] or match["month2"] or _month(match["name"] or "")
    return parse(f"{match['year']}-{month}-{match['day'] or match['day2'] or match['day3']}")


def _month(name: str) -> int | None:
    return next((number for number, month in enumerate(_MONTHS, 1) if month.startswith(name.lower())), None)


def _line_date(lines: Sequence[str]) -> datetime | None:
    """The first date in a short line: "Kyiv, 11 May 2024", "11.05.2024, 14:30"."""
    for line in lines:
        if len(line) < _SHORT_LINE:
            for reader in (_named, _dotted):
                try:
                    if moment := reader(line):
                        return moment
                except ValueError:
                    continue
    return None


def _dotted(text: str) -> datetime | None:
    match = _DOTTED.search(text)
    return datetime(int(match[3]), int(match[2]), int(match[1]), tzinfo=UTC) if match else None


def _searched(markup: str, url: str) -> datetime | None:
    """htmldate's search through the page's wording: 4 ms a page and more, so the last resort."""
    from htmldate import find_date

    logging.getLogger("htmldate").setLevel(logging.CRITICAL)
    found = parse(find_date(markup, url=url or None, original_date=True, extensive_search=False) or "")
    month = _URL_MONTH.search(urlsplit(url).path)
    if found and month and (found.year, found.month) != (int(month[1]), int(month[2])):
        return None  # it takes any date of the page, when in need; the address knows better
    return found
