"""Retention: what is old gives its bytes back; the rows stay as tombstones, so that nothing is imported again."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta

from monitor.store.columns import from_time

BATCH = 500  # rows a transaction: the daemon writes beside us and must not wait for long

# what is pruned -> the next rows of it after :after, and what happens to each of them
_OLD = {
    "pages": (
        "select rowid from pages where rowid > :after and fetched_at < :before and body is not null",
        "update pages set body = null where rowid = ?",
    ),
    # flagged stories keep their words: evidence and quotes point into them
    "texts": (
        """
        select id from stories s where id > :after and coalesce(published_at, first_seen_at) < :before and text <> ''
            and not exists (select 1 from flags where story_id = s.id and flagged = 1)
        """,
        "update stories set text = '' where id = ?",
    ),
    "entries": (
        """
        select id from entries where id > :after and seen_at < :before and state <> 'pending'
            and (content <> '' or summary <> '')
        """,
        "update entries set content = '', summary = '' where id = ?",
    ),
    "polls": (
        "select id from polls where id > :after and started_at < :before",
        "delete from polls where id = ?",
    ),
}


def limits(
    now: datetime, keep_pages: timedelta | None, keep_text: timedelta | None, keep_polls: timedelta | None
) -> dict[str, datetime]:
    """What is pruned -> what is older than this goes. The words that a feed brought are kept as long as the texts."""
    keep = {"pages": keep_pages, "texts": keep_text, "entries": keep_text, "polls": keep_polls}
    return {what: now - span for what, span in keep.items() if span is not None}


def prune_some(conn: sqlite3.Connection, what: str, before: datetime, after: int) -> list[int]:
    """Prune the next rows with ids above ``after``; returns their ids, fewer than a batch when it is done."""
    select, change = _OLD[what]
    values: Mapping[str, object] = {"after": after, "before": from_time(before), "limit": BATCH}
    order = "rowid" if what == "pages" else "id"
    ids = [row[0] for row in conn.execute(f"{select} order by {order} limit :limit", values)]
    conn.executemany(change, [(number,) for number in ids])
    return ids
