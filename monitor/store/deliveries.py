"""Deliveries: each alert's way to each recipient, owed until it was taken or refused. SQL of ``deliveries``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from monitor.model import Delivery
from monitor.store.columns import from_text, from_time

_INSERT = "insert into deliveries (alert_id, channel, recipient, retry_at) values (?, ?, ?, ?)"

_OWED = """
    select id, alert_id, channel, recipient, attempts, message from deliveries
    where state = 'owed' and retry_at <= :now order by retry_at, id limit :limit
"""


def owe(conn: sqlite3.Connection, alert_id: int, recipients: Iterable[tuple[str, str]], now: datetime) -> None:
    """Owe an alert to each (channel, recipient), each named once."""
    rows = [(alert_id, channel, recipient, from_time(now)) for channel, recipient in dict.fromkeys(recipients)]
    conn.executemany(_INSERT, rows)


def owed(conn: sqlite3.Connection, now: datetime, limit: int) -> list[Delivery]:
    """Deliveries that are due, the longest due first."""
    rows = conn.execute(_OWED, {"now": from_time(now), "limit": limit})
    return [
        Delivery(row["id"], row["alert_id"], row["channel"], row["recipient"], row["attempts"], row["message"])
        for row in rows
    ]


def hold(conn: sqlite3.Connection, until: datetime, why: str, now: datetime) -> int:
    """Let all that are due wait until then; no attempt is counted. Returns how many."""
    cursor = conn.execute(
        "update deliveries set retry_at = :until, error = :why where state = 'owed' and retry_at <= :now",
        {"until": from_time(until), "why": from_text(why), "now": from_time(now)},
    )
    return cursor.rowcount


def keep_message(conn: sqlite3.Connection, delivery_id: int, message: bytes) -> None:
    """Keep the bytes before the first attempt, so that every retry sends the same."""
    conn.execute("update deliveries set message = ? where id = ?", (message, delivery_id))


def note_sent(conn: sqlite3.Connection, delivery_id: int, reply: str, now: datetime) -> None:
    """The server took it."""
    conn.execute(
        """
        update deliveries set state = 'sent', attempts = attempts + 1, reply = ?, sent_at = ?, error = null
        where id = ?
        """,
        (from_text(reply), from_time(now), delivery_id),
    )


def retry(conn: sqlite3.Connection, delivery_id: int, error: str, retry_at: datetime) -> None:
    """An attempt failed; the next one is at ``retry_at``."""
    conn.execute(
        "update deliveries set attempts = attempts + 1, error = ?, retry_at = ? where id = ? and state = 'owed'",
        (from_text(error), from_time(retry_at), delivery_id),
    )


def fail(conn: sqlite3.Connection, delivery_id: int, error: str) -> None:
    """Trying again cannot help."""
    conn.execute(
        "update deliveries set state = 'failed', attempts = attempts + 1, error = ? where id = ? and state = 'owed'",
        (from_text(error), delivery_id),
    )


def revive(conn: sqlite3.Connection, alert_id: int | None, now: datetime) -> int:
    """Owe failed and put-off deliveries again, at once: of one alert, or of all. Returns how many."""
    cursor = conn.execute(
        """
        update deliveries set state = 'owed', retry_at = :now
        where (state = 'failed' or (state = 'owed' and retry_at > :now)) and (:alert is null or alert_id = :alert)
        """,
        {"now": from_time(now), "alert": alert_id},
    )
    return cursor.rowcount


def of_alert(conn: sqlite3.Connection, alert_id: int) -> list[dict[str, Any]]:
    """All deliveries of one alert, as plain values without the message."""
    rows = conn.execute(
        """
        select id, channel, recipient, state, attempts, retry_at, error, reply, sent_at
        from deliveries where alert_id = ? order by id
        """,
        (alert_id,),
    )
    return [dict(row) for row in rows]
