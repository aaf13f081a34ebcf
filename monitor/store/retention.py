"""Retention: what is old gives its bytes back; the rows stay as tombstones, so that nothing is imported again."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from monitor.store.columns import from_time

_PAGES = "update pages set body = null where fetched_at < ? and body is not null"

# flagged stories keep their words: evidence and quotes point into them
_TEXTS = """
    update stories set text = '' where coalesce(published_at, first_seen_at) < :before and text <> ''
        and not exists (select 1 from flags where story_id = stories.id and flagged = 1)
"""
_ENTRIES = """
    update entries set content = '', summary = '' where state <> 'pending' and seen_at < ?
        and (content <> '' or summary <> '')
"""
_POLLS = "delete from polls where started_at < ?"


def prune(
    conn: sqlite3.Connection,
    now: datetime,
    keep_pages: timedelta | None,
    keep_text: timedelta | None,
    keep_polls: timedelta | None,
) -> dict[str, int]:
    """Drop what is older than each limit (None: keep for ever); returns how many rows of each kind gave up their bytes.

    Texts: of stories that are not flagged, and the words that their feeds brought.
    """
    done = {"pages": 0, "texts": 0, "entries": 0, "polls": 0}
    if keep_pages is not None:
        done["pages"] = conn.execute(_PAGES, (from_time(now - keep_pages),)).rowcount
    if keep_text is not None:
        before = from_time(now - keep_text)
        done["texts"] = conn.execute(_TEXTS, {"before": before}).rowcount
        done["entries"] = conn.execute(_ENTRIES, (before,)).rowcount
    if keep_polls is not None:
        done["polls"] = conn.execute(_POLLS, (from_time(now - keep_polls),)).rowcount
    return done
