"""Alerts: which stories are told, once a thread and topic. SQL of ``alerts`` and ``alert_stories``."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from monitor.errors import StoreError
from monitor.model import AlertPolicy, Change, OwedAlert, StoredStory
from monitor.store import deliveries, stories, threads
from monitor.store.columns import from_text, from_time, required_time

_LATEST = "select id from alerts where thread_id = ? and topic = ? order by id desc limit 1"

_INSERT_ALERT = """
    insert into alerts (id, thread_id, topic, reason, message_id, created_at) values (?, ?, ?, ?, ?, ?)
"""

_ADD_STORY = """
    insert or ignore into alert_stories (alert_id, story_id, position, added_at)
    values (:alert, :story, (select count(*) from alert_stories where alert_id = :alert), :now)
"""

# earlier mails of the same thread that somebody got; a mail that was never sent cannot be referred to
_REFERENCES = """
    select message_id from alerts a
    where thread_id = :thread and topic = :topic and id < :id
        and exists (select 1 from deliveries where alert_id = a.id and state = 'sent')
    order by id
"""

# a follow-up and the changes that it is about were written in one transaction, with one time
_CHANGES = """
    select kind, "before", "after" from changes
    where story_id = :story and at = :at and :reason <> 'new story' order by id
"""

_LIST = """
    select a.id, a.created_at, a.topic, a.thread_id, a.reason, a.message_id,
        (select s.title from alert_stories x join stories s on s.id = x.story_id
            where x.alert_id = a.id order by x.position limit 1) as title,
        (select count(*) from alert_stories where alert_id = a.id) as n_stories,
        case when exists (select 1 from deliveries where alert_id = a.id and state = 'failed') then 'failed'
            when exists (select 1 from deliveries where alert_id = a.id and state = 'owed') then 'owed'
            else 'sent' end as state
    from alerts a
"""


# the story that caused the alert first; an original before its copies, which may have been read sooner
_MEMBERS = """
    select x.story_id from alert_stories x join stories s on s.id = x.story_id
    where x.alert_id = ? order by s.reprint_of is not null, x.position
"""


def owe(
    conn: sqlite3.Connection,
    story_id: int,
    topics: Sequence[str],
    thread_id: int,
    policy: AlertPolicy,
    now: datetime,
    *,
    mail: bool,
) -> int:
    """Owe an alert for each topic of a story; returns how many.

    A thread is mailed once a topic: a story of a thread that has an alert joins that one. ``mail`` False, a muted
    thread or no recipients: nothing is owed.
    """
    owed = 0
    mail = mail and bool(policy.recipients) and not threads.is_muted(conn, thread_id)
    for topic in topics:
        earlier = conn.execute(_LATEST, (thread_id, topic)).fetchone()
        if earlier is not None:
            _add_story(conn, earlier["id"], story_id, now)
        elif mail:
            _owe_one(conn, story_id, topic, thread_id, policy, now)
            owed += 1
    return owed


def follow_up(
    conn: sqlite3.Connection, story_id: int, topic: str, reason: str, policy: AlertPolicy, now: datetime
) -> int:
    """Owe another alert about a story, in the mail thread of the first; returns how many: 0 or 1.

    What was never mailed has nothing to follow; a muted thread or no recipients: nothing is owed.
    """
    thread_id = conn.execute("select thread_id from stories where id = ?", (story_id,)).fetchone()["thread_id"]
    told = thread_id is not None and conn.execute(_LATEST, (thread_id, topic)).fetchone() is not None
    if not told or not policy.recipients or threads.is_muted(conn, thread_id):
        return 0
    _owe_one(conn, story_id, topic, thread_id, policy, now, reason)
    return 1


def owed_alert(conn: sqlite3.Connection, alert_id: int) -> OwedAlert:
    """Everything a message is composed from. Raises StoreError when there is no such alert."""
    row = conn.execute("select * from alerts where id = ?", (alert_id,)).fetchone()
    if row is None:
        raise StoreError(f"there is no alert {alert_id} in the store")
    members = conn.execute(_MEMBERS, (alert_id,))
    found = [stories.read(conn, story_id) for (story_id,) in members.fetchall()]
    before = {"thread": row["thread_id"], "topic": row["topic"], "id": alert_id}
    return OwedAlert(
        id=alert_id,
        topic=row["topic"],
        thread_id=row["thread_id"],
        reason=row["reason"],
        created_at=required_time(row["created_at"]),
        message_id=row["message_id"],
        references=tuple(message_id for (message_id,) in conn.execute(_REFERENCES, before)),
        stories=tuple(story for story in found if story is not None),
        outlets=threads.outlets(conn, row["thread_id"]),
        changes=_changes(conn, row, found[0]) if found else (),
    )


def listed(conn: sqlite3.Connection, limit: int) -> list[dict[str, Any]]:
    """The newest alerts with their deliveries, as plain values."""
    rows = conn.execute(_LIST + "order by a.id desc limit ?", (limit,)).fetchall()
    return [{**dict(row), "deliveries": deliveries.of_alert(conn, row["id"])} for row in rows]


def shown(conn: sqlite3.Connection, alert_id: int) -> dict[str, Any] | None:
    """One alert with its deliveries and the message as composed, as plain values."""
    row = conn.execute(_LIST + "where a.id = ?", (alert_id,)).fetchone()
    if row is None:
        return None
    message = conn.execute(
        "select message from deliveries where alert_id = ? and message is not null limit 1", (alert_id,)
    ).fetchone()
    return {
        **dict(row),
        "deliveries": deliveries.of_alert(conn, alert_id),
        "message": message["message"] if message else None,
    }


def _changes(conn: sqlite3.Connection, alert: sqlite3.Row, story: StoredStory | None) -> tuple[Change, ...]:
    values = {"story": story.id if story else None, "at": alert["created_at"], "reason": alert["reason"]}
    return tuple(Change(row["kind"], row["before"], row["after"]) for row in conn.execute(_CHANGES, values))


def _owe_one(
    conn: sqlite3.Connection,
    story_id: int,
    topic: str,
    thread_id: int,
    policy: AlertPolicy,
    now: datetime,
    reason: str = "new story",
) -> None:
    # the writer is alone in its transaction, so the next id is known before the row is there
    alert_id = conn.execute("select coalesce(max(id), 0) + 1 from alerts").fetchone()[0]
    message_id = f"<{topic}.{thread_id}.{alert_id}.{secrets.token_hex(8)}@{policy.domain}>"
    conn.execute(_INSERT_ALERT, (alert_id, thread_id, topic, from_text(reason), message_id, from_time(now)))
    _add_story(conn, alert_id, story_id, now)
    deliveries.owe(conn, alert_id, policy.recipients, now)


def _add_story(conn: sqlite3.Connection, alert_id: int, story_id: int, now: datetime) -> None:
    conn.execute(_ADD_STORY, {"alert": alert_id, "story": story_id, "now": from_time(now)})
