"""Watches: which stories are fetched again and when, and what changed in them. SQL of ``watches`` and ``changes``.

Decides nothing: when to look again and what is a change come in as values.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime

from monitor.model import Change, Look, StoryRecord, Watch, WatchedStory
from monitor.store import entries, pages, stories
from monitor.store.columns import from_optional, from_text, from_time, required_time

_BEGIN = """
    insert into watches (story_id, since, next_at, etag, last_modified)
    values (:story, :since, :next_at, :etag, :last_modified)
    on conflict (story_id) do update set next_at = coalesce(next_at, excluded.next_at)
"""

_DUE = """
    select story_id, since, failures, offline, etag, last_modified from watches
    where next_at <= :now order by next_at limit :limit
"""

_NOTE = """
    update watches set looks = looks + 1, looked_at = :at, outcome = :outcome, error = :error, next_at = :next_at,
        failures = :failures, offline = :offline,
        etag = case when :renew then :etag else etag end,
        last_modified = case when :renew then :last_modified else last_modified end
    where story_id = :story
"""

_ADD_CHANGE = 'insert into changes (story_id, version, at, kind, "before", "after") values (?, ?, ?, ?, ?, ?)'

_TOLD_IN_THREAD = """
    select c.kind, c."before", c."after" from changes c
    where c.story_id in (select s.id from stories s
        where s.thread_id = (select thread_id from stories where id = :story) and s.id <> :story)
"""


def begin(conn: sqlite3.Connection, story_id: int, record: StoryRecord, next_at: datetime) -> None:
    """Watch a story that was just read. One that is watched keeps its next time; one whose watch was over goes on."""
    headers = record.page.headers if record.page else {}
    values = {
        "story": story_id,
        "since": from_time(record.read_at),
        "next_at": from_time(next_at),
        "etag": from_optional(headers.get("etag")),
        "last_modified": from_optional(headers.get("last-modified")),
    }
    conn.execute(_BEGIN, values)


def due(conn: sqlite3.Connection, now: datetime, limit: int) -> list[Watch]:
    """Watches whose time has come, the longest due first."""
    rows = conn.execute(_DUE, {"now": from_time(now), "limit": limit})
    return [
        Watch(
            story_id=row["story_id"],
            since=required_time(row["since"]),
            failures=row["failures"],
            offline=row["offline"],
            etag=row["etag"],
            last_modified=row["last_modified"],
        )
        for row in rows
    ]


def read(conn: sqlite3.Connection, story_id: int, *, full: bool) -> WatchedStory | None:
    """What a new reading is compared with; None when the story or the entry that brought it is gone."""
    story, entry = stories.read(conn, story_id), entries.first_of_story(conn, story_id)
    if story is None or entry is None:
        return None
    told = conn.execute(_TOLD_IN_THREAD, {"story": story_id}) if story.thread_id is not None else ()
    return WatchedStory(
        story=story,
        entry=entry,
        full=full,
        page=pages.newest(conn, story_id),
        told_in_thread=frozenset(Change(row["kind"], row["before"], row["after"]) for row in told),
    )


def note(conn: sqlite3.Connection, look: Look) -> None:
    """What a look found, and when the next one is."""
    etag, last_modified = look.validators or (None, None)
    values = {
        "story": look.story_id,
        "at": from_time(look.at),
        "outcome": look.outcome,
        "error": from_optional(look.error),
        "next_at": from_time(look.next_at),
        "failures": look.failures,
        "offline": look.offline,
        "renew": int(look.validators is not None),
        "etag": from_optional(etag),
        "last_modified": from_optional(last_modified),
    }
    conn.execute(_NOTE, values)


def add_changes(conn: sqlite3.Connection, story_id: int, changes: Iterable[Change], at: datetime) -> None:
    """Keep what changed; it stands in the story's newest page version."""
    (version,) = conn.execute("select max(version) from pages where story_id = ?", (story_id,)).fetchone()
    conn.executemany(
        _ADD_CHANGE,
        [
            (story_id, version, from_time(at), from_text(one.kind), from_optional(one.before), from_optional(one.after))
            for one in changes
        ],
    )
