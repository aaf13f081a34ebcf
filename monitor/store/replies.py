"""Replies: what became of each message to the monitor. SQL of ``replies``."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime

from monitor.model import Reply
from monitor.store import reviews
from monitor.store.columns import from_optional, from_text, from_time

_SUBJECT = "select a.topic, s.story_id from alerts a join alert_stories s on s.alert_id = a.id and s.position = 0"

_INSERT = """
    insert into replies (message_id, at, "by", subject, alert_id, review_id, outcome, problem)
    values (?, ?, ?, ?, ?, ?, ?, ?)
"""


def keep(conn: sqlite3.Connection, reply: Reply, now: datetime) -> Reply | None:
    """Keep what a message says; a verdict becomes a review of the story that caused the alert.

    Returns:
        The reply as it was kept: one whose alert is gone is no review. None: it was kept before.
    """
    message_id = from_text(reply.message_id)
    if conn.execute("select 1 from replies where message_id = ?", (message_id,)).fetchone():
        return None
    about = conn.execute(f"{_SUBJECT} where a.id = ?", (reply.alert_id,)).fetchone()
    if about is None and reply.alert_id is not None:
        problem = "the alert, or its story, is not in the store any longer"
        reply = replace(reply, alert_id=None, outcome="no alert", problem=problem)
    review_id = None
    if reply.outcome == "review" and reply.verdict and about:
        review_id = reviews.add(
            conn, about["story_id"], about["topic"], reply.verdict, reply.note, reply.by, "reply", now
        )
    row = (message_id, from_time(now), from_text(reply.by), from_text(reply.subject))
    conn.execute(_INSERT, (*row, reply.alert_id, review_id, reply.outcome, from_optional(reply.problem)))
    return reply
