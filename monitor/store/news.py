"""News of some hours for a digest: flagged threads, and when we were blind. SQL over stories, flags and polls."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from monitor.model import BlindWindow, News, StoredStory, ThreadNews
from monitor.store import stories, threads
from monitor.store.columns import from_time, required_time

UNASKED_FROM = timedelta(hours=2)  # the program did not run, or had no network, or all feeds are quiet ones

# by the time they were read: what a feed offered in the evening may be read only in the morning
_FLAGGED = """
    select s.id, s.thread_id, f.topic from flags f join stories s on s.id = f.story_id
    where f.flagged = 1 and s.thread_id is not null and s.read_at > :since and s.read_at <= :until
        and coalesce(s.published_at, s.first_seen_at) >= :published_after
    order by s.reprint_of is not null, f.score desc, s.id
"""

_READ = "select count(*) from stories where read_at > :since and read_at <= :until"

_FEEDS = "select id, outlet, url from feeds where state = 'active' order by id"

# from the last success before the hours on
_POLLS = """
    select started_at, status in ('ok', 'unchanged') as seen, error from polls
    where feed_id = :feed and started_at <= :until and started_at >= coalesce((
        select started_at from polls
        where feed_id = :feed and started_at <= :since and status in ('ok', 'unchanged')
        order by started_at desc limit 1
    ), '')
    order by started_at, id
"""


def news(conn: sqlite3.Connection, since: datetime, until: datetime, published_after: datetime) -> News:
    """What was read after ``since`` and until ``until``; older stories than ``published_after`` are a backlog."""
    times = {"since": from_time(since), "until": from_time(until), "published_after": from_time(published_after)}
    feeds = conn.execute(_FEEDS).fetchall()
    blind: list[BlindWindow] = []
    asked: set[datetime] = {since, until}
    for feed in feeds:
        polls = conn.execute(_POLLS, {**times, "feed": feed["id"]}).fetchall()
        blind += _blind(feed, polls, since)
        asked.update(at for poll in polls if (at := required_time(poll["started_at"])) > since)
    return News(
        since=since,
        until=until,
        threads=_threads(conn, conn.execute(_FLAGGED, times).fetchall()),
        read=conn.execute(_READ, times).fetchone()[0],
        feeds=len(feeds),
        blind=tuple(blind),
        unasked=tuple((a, b) for a, b in pairwise(sorted(asked)) if b - a >= UNASKED_FROM),
    )


def _threads(conn: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> tuple[ThreadNews, ...]:
    """In the order of their best stories."""
    found: dict[tuple[int, str], list[StoredStory]] = {}
    for row in rows:
        story = stories.read(conn, row["id"])
        if story is not None:
            found.setdefault((row["thread_id"], row["topic"]), []).append(story)
    return tuple(
        ThreadNews(thread_id, topic, tuple(told), threads.outlets(conn, thread_id))
        for (thread_id, topic), told in found.items()
    )


def _blind(feed: sqlite3.Row, polls: Sequence[sqlite3.Row], since: datetime) -> list[BlindWindow]:
    """As ``v_blind_windows`` has them, which looks at all polls there are."""
    found = []
    seen_at = failed_at = error = None
    for poll in polls:
        at = required_time(poll["started_at"])
        if not poll["seen"]:
            failed_at, error = failed_at or at, poll["error"]
            continue
        if failed_at and at > since:
            found.append(BlindWindow(feed["outlet"], feed["url"], seen_at or failed_at, at, error))
        seen_at, failed_at, error = at, None, None
    if failed_at:
        found.append(BlindWindow(feed["outlet"], feed["url"], seen_at or failed_at, None, error))
    return found
