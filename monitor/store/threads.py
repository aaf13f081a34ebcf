"""Story threads: which stories are one story, and how many outlets tell it in their own words. SQL of ``threads``."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from monitor.errors import StoreError
from monitor.model import ThreadPlace
from monitor.store.columns import from_text, from_time

_COUNT = """
    update threads set (n_stories, n_outlets, n_independent, first_at, last_at) = (
        select count(*), count(distinct outlet), count(distinct case when reprint_of is null then outlet end),
            coalesce(min(coalesce(published_at, first_seen_at)), threads.first_at),
            coalesce(max(coalesce(published_at, first_seen_at)), threads.last_at)
        from stories where thread_id = threads.id
    ) where id = ?
"""


def place(conn: sqlite3.Connection, story_id: int, where: ThreadPlace | None, topic: str | None) -> int | None:
    """Put a story into its thread, opening one where needed; returns the thread. One that is in a thread stays there.

    A story that is not flagged (``topic`` None) and that nobody placed belongs to no thread.
    """
    has: int | None = conn.execute("select thread_id from stories where id = ?", (story_id,)).fetchone()["thread_id"]
    if has is None and where is None and topic is None:
        return None
    where = ThreadPlace(has, None) if has is not None else where or ThreadPlace(None, None)
    thread_id = _existing(conn, where) or _open(conn, story_id, topic)
    if has is None:
        conn.execute(
            "update stories set thread_id = ?, reprint_of = (select id from stories where id = ?) where id = ?",
            (thread_id, where.reprint_of, story_id),
        )
        _earliest_is_the_original(conn, story_id)
    if topic is not None:
        conn.execute("update threads set topic = ? where id = ? and topic is null", (topic, thread_id))
    count(conn, thread_id)
    return thread_id


def _earliest_is_the_original(conn: sqlite3.Connection, story_id: int) -> None:
    """Which of two copies was read first is chance: the one that was published first is the original."""
    row = conn.execute(
        """
        select o.id from stories n join stories o on o.id = n.reprint_of
        where n.id = ? and coalesce(n.published_at, n.first_seen_at) < coalesce(o.published_at, o.first_seen_at)
        """,
        (story_id,),
    ).fetchone()
    if row is not None:
        conn.execute("update stories set reprint_of = null where id = ?", (story_id,))
        conn.execute("update stories set reprint_of = ?1 where id = ?2 or reprint_of = ?2", (story_id, row["id"]))


def count(conn: sqlite3.Connection, thread_id: int) -> None:
    """Renew a thread's numbers and times from its stories."""
    conn.execute(_COUNT, (thread_id,))


def is_muted(conn: sqlite3.Connection, thread_id: int) -> bool:
    """Does an analyst want no more mail about it?"""
    row = conn.execute("select muted_at from threads where id = ?", (thread_id,)).fetchone()
    return row is not None and row["muted_at"] is not None


def outlets(conn: sqlite3.Connection, thread_id: int) -> tuple[str, ...]:
    """All outlets of a thread, in the order in which they came."""
    rows = conn.execute(
        "select outlet from stories where thread_id = ? order by coalesce(published_at, first_seen_at), id",
        (thread_id,),
    )
    return tuple(dict.fromkeys(outlet for (outlet,) in rows))


def merge(conn: sqlite3.Connection, into: int, other: int) -> None:
    """Make two threads one: ``other``'s stories and alerts become ``into``'s. Raises StoreError for unknown threads."""
    if into == other:
        raise StoreError(f"thread {into} cannot be merged into itself")
    for thread_id in (into, other):
        if _current(conn, thread_id) != thread_id:
            raise StoreError(f"there is no thread {thread_id}, or it was merged into another one")
    conn.execute("update stories set thread_id = ? where thread_id = ?", (into, other))
    conn.execute("update alerts set thread_id = ? where thread_id = ?", (into, other))
    conn.execute("update threads set merged_into = ? where id = ?", (into, other))
    count(conn, other)
    count(conn, into)


def split(conn: sqlite3.Connection, story_id: int) -> int:
    """Take a story out of its thread into one of its own; returns that. Raises StoreError when it has no thread."""
    row = conn.execute(
        "select s.thread_id, t.topic from stories s join threads t on t.id = s.thread_id where s.id = ?", (story_id,)
    ).fetchone()
    if row is None:
        raise StoreError(f"there is no story {story_id} in a thread")
    thread_id = _open(conn, story_id, row["topic"])
    conn.execute("update stories set thread_id = ?, reprint_of = null where id = ?", (thread_id, story_id))
    count(conn, row["thread_id"])
    count(conn, thread_id)
    return thread_id


def mute(conn: sqlite3.Connection, story_id: int, now: datetime) -> None:
    """No more mail about the thread of this story."""
    conn.execute(
        "update threads set muted_at = ? where id = (select thread_id from stories where id = ?)",
        (from_time(now), story_id),
    )


def _existing(conn: sqlite3.Connection, where: ThreadPlace) -> int | None:
    """The thread that was meant, or that of the story it reprints; None when both are gone."""
    if where.thread_id is not None and (found := _current(conn, where.thread_id)) is not None:
        return found
    row = conn.execute("select thread_id from stories where id = ?", (where.reprint_of,)).fetchone()
    thread_id: int | None = row["thread_id"] if row else None
    return thread_id


def _current(conn: sqlite3.Connection, thread_id: int) -> int | None:
    """The thread itself, or what it was merged into since."""
    row = conn.execute(
        """
        with recursive way (id, next) as (
            select id, merged_into from threads where id = ?
            union select t.id, t.merged_into from threads t join way on t.id = way.next
        )
        select id from way where next is null
        """,
        (thread_id,),
    ).fetchone()
    return row["id"] if row else None


def _open(conn: sqlite3.Connection, story_id: int, topic: str | None) -> int:
    cursor = conn.execute(
        """
        insert into threads (topic, title, first_at, last_at)
        select ?, title, coalesce(published_at, first_seen_at), coalesce(published_at, first_seen_at)
        from stories where id = ?
        """,
        (from_text(topic) if topic else None, story_id),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid
