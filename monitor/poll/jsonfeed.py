"""JSON Feed 1.0 and 1.1 -> Reading, kind to what publishers really send: numeric ids, null items, relative links."""

from __future__ import annotations

import json
from typing import Any

from monitor.errors import FeedError
from monitor.poll.reading import RawEntry, Reading


def read_json_feed(text: str, *, max_entries: int) -> Reading:
    """Read a JSON Feed.

    Raises:
        FeedError: the JSON is cut short, damaged, nested too deep, or is no feed.
    """
    try:
        feed = json.loads(text, strict=False)
    except RecursionError as error:
        raise FeedError("JSON nested too deep") from error
    except ValueError as error:  # JSONDecodeError, or an integer of more digits than Python reads
        raise FeedError(f"JSON that is cut short or damaged: {error}") from error
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        raise FeedError("JSON, but no JSON Feed: it has no list of items")
    items = [item for item in feed["items"] if isinstance(item, dict)]
    if "jsonfeed" not in _string(feed.get("version")) and not any("id" in item or "url" in item for item in items):
        raise FeedError("JSON, but no JSON Feed: neither its version nor its items say so")
    authors = _authors(feed)
    reading = Reading("jsonfeed", title=_string(feed.get("title")), link=_string(feed.get("home_page_url")))
    reading.entries = [_item(item, authors) for item in items[:max_entries]]
    if len(items) > max_entries:
        reading.cut = f"the first {max_entries:,} of {len(items):,} entries"
    return reading


def _item(item: dict[str, Any], feed_authors: list[str]) -> RawEntry:
    html = _string(item.get("content_html"))
    return RawEntry(
        guid=_string(item.get("id")),
        guid_is_link=True,
        link=_string(item.get("url")) or _string(item.get("external_url")),
        title=_string(item.get("title")),
        title_is_plain=True,
        summary=_string(item.get("summary")),
        summary_is_plain=True,
        content=html or _string(item.get("content_text")),
        content_is_plain=not html,
        authors=_authors(item) or feed_authors,
        published=_string(item.get("date_published")) or _string(item.get("date_modified")),
    )


def _authors(holder: dict[str, Any]) -> list[str]:
    """1.1 has a list ``authors``, 1.0 one ``author``."""
    listed = holder.get("authors")
    people = listed if isinstance(listed, list) else [holder.get("author")]
    names = [_string(person.get("name")) if isinstance(person, dict) else _string(person) for person in people]
    return [name for name in names if name]


def _string(value: object) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")  # JSON can name half a character
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""
