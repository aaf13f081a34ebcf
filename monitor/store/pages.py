"""Pages: the raw bytes of articles as fetched, compressed, one version a change. SQL of ``pages``."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from monitor.model import PageRecord
from monitor.packing import pack, unpack
from monitor.store.columns import from_time, from_value, required_time, to_time, to_value

_BATCH = 50  # stories read at once for reprocessing: their pages are in memory together

_ADD = """
    insert into pages (story_id, version, fetched_at, status, headers, body)
    values (:story_id, (select coalesce(max(version), 0) + 1 from pages where story_id = :story_id),
        :fetched_at, :status, :headers, :body)
"""

# the newest version that still has its bytes, and the words of the entry that brought the story
_REPROCESS = """
    select s.id, s.url, s.outlet, s.country, s.lang, s.published_at, s.title, s.text, s.source, s.status, s.quality,
        p.fetched_at, p.status as http_status, p.headers, p.body,
        e.title as feed_title, e.summary as feed_summary, e.content as feed_content, e.link, e.published_at as feed_at
    from stories s not indexed
    left join pages p on p.story_id = s.id
        and p.version = (select max(version) from pages where story_id = s.id and body is not null)
    left join entries e on e.id = (select min(id) from entries where story_id = s.id)
    where s.id > :after and (:since is null or coalesce(s.published_at, s.first_seen_at) >= :since)
    order by s.id limit :limit
"""


@dataclass(frozen=True, slots=True)
class KeptStory:
    """What is kept of a story's origin, for running extraction and analysis over it again."""

    story_id: int
    url: str
    outlet: str
    country: str | None
    lang: str | None  # as detected before
    published_at: datetime | None
    title: str  # as stored now
    text: str
    source: str
    status: str
    quality: str
    page: PageRecord | None  # the newest kept version; None: never fetched, or pruned
    link: str | None  # of the entry
    feed_title: str
    feed_summary: str
    feed_content: str
    feed_published_at: datetime | None


def packed(page: PageRecord) -> bytes:
    """The bytes as they are kept; done before the transaction, so that compressing does not hold the write lock."""
    return page.packed or pack(page.body)


def add(conn: sqlite3.Connection, story_id: int, page: PageRecord, packed: bytes) -> None:
    """Keep a page as the story's newest version."""
    values = {
        "story_id": story_id,
        "fetched_at": from_time(page.fetched_at),
        "status": page.http_status,
        "headers": from_value(dict(page.headers)),
        "body": packed,
    }
    conn.execute(_ADD, values)


def of_story(conn: sqlite3.Connection, story_id: int) -> list[PageRecord]:
    """All versions that still have their bytes, oldest first."""
    rows = conn.execute(
        "select * from pages where story_id = ? and body is not null order by version", (story_id,)
    ).fetchall()
    return [_page(row["fetched_at"], row["status"], row["headers"], row["body"]) for row in rows]


def newest(conn: sqlite3.Connection, story_id: int) -> PageRecord | None:
    """The newest version that still has its bytes."""
    row = conn.execute(
        "select * from pages where story_id = ? and body is not null order by version desc limit 1", (story_id,)
    ).fetchone()
    return _page(row["fetched_at"], row["status"], row["headers"], row["body"]) if row else None


def to_reprocess(conn: sqlite3.Connection, since: datetime | None, after: int) -> list[KeptStory]:
    """The next stories by id after ``after``, published (or first seen) at or after ``since``; empty: no more."""
    rows = conn.execute(_REPROCESS, {"after": after, "since": from_time(since), "limit": _BATCH})
    return [_kept(row) for row in rows.fetchall()]


def _kept(row: sqlite3.Row) -> KeptStory:
    page = None
    if row["body"] is not None:
        page = _page(row["fetched_at"], row["http_status"], row["headers"], row["body"])
    return KeptStory(
        story_id=row["id"],
        url=row["url"],
        outlet=row["outlet"],
        country=row["country"],
        lang=row["lang"],
        published_at=to_time(row["published_at"]),
        title=row["title"],
        text=row["text"],
        source=row["source"],
        status=row["status"],
        quality=row["quality"],
        page=page,
        link=row["link"],
        feed_title=row["feed_title"] or "",
        feed_summary=row["feed_summary"] or "",
        feed_content=row["feed_content"] or "",
        feed_published_at=to_time(row["feed_at"]),
    )


def _page(fetched_at: str, status: int, headers: str, body: bytes) -> PageRecord:
    return PageRecord(required_time(fetched_at), status, to_value(headers), unpack(body))
