"""Sketches: what finding the same story again needs, as bytes that only its algorithm reads. SQL of ``sketches``."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from monitor.store.columns import from_time, required_time

_RECENT = """
    select s.id, s.outlet, s.lang, s.title, coalesce(s.published_at, s.first_seen_at) as at, s.thread_id, s.reprint_of,
        k.kind, k.data
    from stories s join sketches k on k.story_id = s.id
    where coalesce(s.published_at, s.first_seen_at) >= :since and (:kind is null or k.kind = :kind)
    order by coalesce(s.published_at, s.first_seen_at), s.id
"""


@dataclass(frozen=True, slots=True)
class StoredSketch:
    """One story's sketch, with what comparing needs besides."""

    story_id: int
    outlet: str
    lang: str | None
    title: str
    at: datetime  # published, else first seen
    thread_id: int | None
    reprint_of: int | None
    kind: str
    data: bytes


def save(conn: sqlite3.Connection, story_id: int, kind: str, data: bytes) -> None:
    """Keep a story's sketch of one kind, in place of an earlier one."""
    conn.execute("insert or replace into sketches (story_id, kind, data) values (?, ?, ?)", (story_id, kind, data))


def recent(conn: sqlite3.Connection, since: datetime, kind: str | None) -> list[StoredSketch]:
    """Sketches (of one kind, or all) of stories published or first seen at or after ``since``, in time order."""
    rows = conn.execute(_RECENT, {"since": from_time(since), "kind": kind})
    return [
        StoredSketch(
            story_id=row["id"],
            outlet=row["outlet"],
            lang=row["lang"],
            title=row["title"],
            at=required_time(row["at"]),
            thread_id=row["thread_id"],
            reprint_of=row["reprint_of"],
            kind=row["kind"],
            data=row["data"],
        )
        for row in rows
    ]
