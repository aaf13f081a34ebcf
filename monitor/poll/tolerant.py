"""The tolerant reader: feedparser, for documents that the fast reader doubts. Slow: callers limit time and memory."""

from __future__ import annotations

import io
import re
from typing import Any

from monitor.poll.fast import _syndication
from monitor.poll.reading import RawEntry, Reading
from monitor.poll.sniff import Source


def read_tolerant(source: Source, url: str) -> Reading:
    """Read ``source`` with feedparser, sanitiser and its own link rewriting off: we keep plain text only."""
    import feedparser

    headers = {"content-type": "application/xml; charset=utf-8"}
    if url:
        headers["content-location"] = url
    result: Any = feedparser.parse(
        io.BytesIO(source.text.encode("utf-8")),
        response_headers=headers,
        resolve_relative_uris=False,
        sanitize_html=False,
    )
    feed: Any = result.feed
    kinds = {"feed": "atom", "rdf": "rdf", "urlset": "sitemap"}
    reading = Reading(kinds.get(source.kind, "rss"), title=_string(feed.get("title")), link=_string(feed.get("link")))
    ttl = _string(feed.get("ttl")).strip()
    ttl_s = int(ttl) * 60 if re.fullmatch(r"[0-9]{1,8}", ttl) else 0
    period = _string(feed.get("sy_updateperiod")).strip().lower()
    reading.ttl_s = max(ttl_s, _syndication(period, _string(feed.get("sy_updatefrequency")))) or None
    reading.entries = [_entry(item, source.kind) for item in result.entries]
    return reading


def _entry(item: Any, kind: str) -> RawEntry:
    raw = RawEntry(
        guid=_string(item.get("id")),
        guid_is_link=bool(item.get("guidislink")) or kind == "feed",
        link=_string(item.get("feedburner_origlink")) or _string(item.get("link")),
        title=_string(item.get("title")),
        summary=_string(item.get("summary")),
        published=_date(item),
        authors=[_string(author.get("name")) for author in item.get("authors", []) if author],
    )
    raw.title_is_plain = _is_plain(item.get("title_detail")) and kind == "feed"
    raw.summary_is_plain = _is_plain(item.get("summary_detail")) and kind == "feed"
    contents = [part for part in item.get("content", []) if _string(part.get("value"))]
    if contents:
        longest = max(contents, key=lambda part: len(part["value"]))
        raw.content, raw.content_is_plain = _string(longest.get("value")), _is_plain(longest) and kind == "feed"
    return raw


def _is_plain(detail: Any) -> bool:
    return bool(detail) and detail.get("type") == "text/plain"


def _date(item: Any) -> str:
    """The date as written, unless only feedparser can read it."""
    from monitor.poll.dates import parse_date

    for name in ("published", "created", "updated"):
        text = _string(item.get(name))
        if not text.strip():
            continue
        parsed = item.get(f"{name}_parsed")
        if parse_date(text) is None and parsed:
            return f"{parsed[0]:04}-{parsed[1]:02}-{parsed[2]:02}T{parsed[3]:02}:{parsed[4]:02}:{parsed[5]:02}Z"
        return text
    return ""


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
