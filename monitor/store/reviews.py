"""Reviews: what analysts said about judgements. SQL of ``reviews``. The latest verdict on a story and topic counts."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from monitor.errors import StoreError
from monitor.store import threads
from monitor.store.columns import from_text, from_time

VERDICTS = ("relevant", "irrelevant", "mute")

_LATEST = 'select id, verdict, note, "by" from reviews where story_id = ? and topic is ? order by id desc limit 1'

_INSERT = 'insert into reviews (story_id, topic, verdict, note, "by", via, at) values (?, ?, ?, ?, ?, ?, ?)'


def add(
    conn: sqlite3.Connection,
    story_id: int,
    topic: str | None,
    verdict: str,
    note: str,
    by: str,
    via: str,
    now: datetime,
) -> int:
    """Store a verdict; "mute" also silences the story's thread. The same words twice are one review. Returns its id.

    Raises:
        StoreError: there is no such story, or no such verdict.
    """
    if verdict not in VERDICTS:
        raise StoreError(f"{verdict!r} is no verdict; the verdicts are {', '.join(VERDICTS)}")
    if not conn.execute("select 1 from stories where id = ?", (story_id,)).fetchone():
        raise StoreError(f"there is no story {story_id} in the store")
    note, by = from_text(note), from_text(by)
    latest = conn.execute(_LATEST, (story_id, topic)).fetchone()
    if latest is not None and (latest["verdict"], latest["note"], latest["by"]) == (verdict, note, by):
        known: int = latest["id"]
        return known
    if verdict == "mute":
        threads.mute(conn, story_id, now)
    review_id = conn.execute(_INSERT, (story_id, topic, verdict, note, by, via, from_time(now))).lastrowid
    assert review_id is not None
    return review_id


def of_story(conn: sqlite3.Connection, story_id: int) -> list[dict[str, Any]]:
    """All reviews of a story, oldest first."""
    return [dict(row) for row in conn.execute("select * from reviews where story_id = ? order by id", (story_id,))]


def judged(conn: sqlite3.Connection, topic: str) -> list[tuple[int, str]]:
    """(story, latest verdict) of every story that was judged for a topic, or as a whole, oldest verdict first."""
    rows = conn.execute(
        """
        select story_id, verdict from reviews r
        where (topic = :topic or topic is null) and id = (
            select max(id) from reviews where story_id = r.story_id and (topic = :topic or topic is null)
        )
        order by id
        """,
        {"topic": topic},
    )
    return [(row["story_id"], row["verdict"]) for row in rows]
