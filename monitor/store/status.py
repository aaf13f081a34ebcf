"""Status: is the monitor seeing, reading and telling? Numbers for ``monitor status``, read in a few indexed queries."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from monitor.store import notes
from monitor.store.columns import from_time, required_time

LAST_CYCLE = "last_cycle"
SILENT_FACTOR = 10  # a feed is silent after ten times its usual gap between entries,
SILENT_AT_LEAST = timedelta(days=3)  # but not before three days
REPLIES_PROBLEM = "reviews.problem"  # the setting that says since when, and why, the mailbox cannot be read
REPLIES_LATE = timedelta(hours=1)
OUTBOX_LATE = timedelta(hours=1)
QUEUE_LATE = timedelta(hours=6)
DAEMON = "monitor run"  # who notes that it lives each minute, as ``by`` of the last cycle
DAEMON_SILENT = timedelta(minutes=10)

_FEEDS = """
    select count(*) as total, coalesce(sum(state = 'active'), 0) as active,
        coalesce(sum(state = 'paused'), 0) as paused, coalesce(sum(state = 'gone'), 0) as gone,
        coalesce(sum(state = 'removed'), 0) as removed,
        coalesce(sum(state = 'active' and failures > 0), 0) as failing,
        coalesce(sum(state = 'active' and polled_at is null), 0) as never_polled
    from feeds
"""

_BLIND = """
    select url, outlet, failures, error, coalesce(succeeded_at, added_at) as since, next_poll_at from feeds
    where state = 'active' and failures > 0 order by since
"""

_SEEING = """
    select url, outlet, entry_times from feeds
    where state = 'active' and failures = 0 and succeeded_at is not null and entry_times <> '[]'
"""

_QUEUE = """
    select count(*) as pending, coalesce(sum(attempts > 0), 0) as retrying, min(seen_at) as oldest
    from entries where state = 'pending'
"""

_OUTBOX = """
    select count(*) as owed, coalesce(sum(held), 0) as held, min(case when not held then created_at end) as oldest,
        max(case when not held then error end) as error
    from (
        select d.error, a.created_at, d.attempts = 0 and d.retry_at > :now as held
        from deliveries d join alerts a on a.id = d.alert_id where d.state = 'owed'
    )
"""

_REPLIES = """
    select count(*) as total, coalesce(sum(outcome = 'review'), 0) as reviews,
        coalesce(sum(outcome = 'not understood'), 0) as not_understood
    from replies
"""


def status(conn: sqlite3.Connection, path: Path, now: datetime) -> dict[str, Any]:
    """Feeds, queue, outbox, last cycle, blind feeds and store size; ``problems`` in words, ``healthy`` without any."""
    feeds = dict(conn.execute(_FEEDS).fetchone())
    blind = [dict(row) for row in conn.execute(_BLIND)]
    silent = _silent(conn, now)
    outbox = dict(conn.execute(_OUTBOX, {"now": from_time(now)}).fetchone())
    outbox["failed"] = conn.execute("select count(*) from deliveries where state = 'failed'").fetchone()[0]
    result = {
        "feeds": {**feeds, "silent": len(silent)},
        "queue": dict(conn.execute(_QUEUE).fetchone()),
        "outbox": outbox,
        "last_cycle": notes.read(conn, LAST_CYCLE),
        "replies": {
            **dict(conn.execute(_REPLIES).fetchone()),
            **(notes.read(conn, REPLIES_PROBLEM) or {"since": None, "error": None}),
        },
        "store": _store(conn, path),
        "blind": blind,
        "silent": silent,
    }
    problems = _problems(result, now)
    return {"healthy": not problems, "problems": problems, **result}


def cycle_note(summary: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What is kept about the last cycle."""
    return {"ended_at": from_time(now), **summary}


def _store(conn: sqlite3.Connection, path: Path) -> dict[str, Any]:
    count = conn.execute(
        """
        select (select count(*) from stories), (select count(*) from flags where flagged = 1),
            (select count(*) from threads)
        """
    ).fetchone()
    wal = path.with_name(path.name + "-wal")
    return {
        "path": str(path),
        "bytes": path.stat().st_size,
        "wal_bytes": wal.stat().st_size if wal.exists() else 0,
        "stories": count[0],
        "flags": count[1],
        "threads": count[2],
    }


def _silent(conn: sqlite3.Connection, now: datetime) -> list[dict[str, Any]]:
    """Feeds that answer, but bring nothing new for much longer than they used to."""
    silent = []
    for row in conn.execute(_SEEING):
        times: list[int] = json.loads(row["entry_times"])
        gaps = [newer - older for newer, older in pairwise(times)]
        usual_s = median(gaps) if gaps else 0
        quiet = timedelta(seconds=now.timestamp() - times[0])
        if quiet > max(SILENT_AT_LEAST, timedelta(seconds=SILENT_FACTOR * usual_s)):
            newest = from_time(datetime.fromtimestamp(times[0], now.tzinfo))
            silent.append({"url": row["url"], "outlet": row["outlet"], "newest_entry_at": newest})
    return silent


def _problems(status: dict[str, Any], now: datetime) -> list[str]:
    feeds, queue, outbox = status["feeds"], status["queue"], status["outbox"]
    problems = []
    last = status["last_cycle"]
    if last and last.get("by") == DAEMON and now - required_time(last["ended_at"]) > DAEMON_SILENT:
        problems.append(f"the daemon was last heard of at {last['ended_at']}; see `systemctl status monitor`")
    if feeds["active"] and feeds["failing"] * 2 > feeds["active"]:
        problems.append(f"{feeds['failing']} of {feeds['active']} feeds fail")
    if outbox["failed"]:
        problems.append(f"{outbox['failed']} mails were refused for good; see `monitor alerts list`")
    if outbox["oldest"] and now - required_time(outbox["oldest"]) > OUTBOX_LATE:
        problems.append(f"{outbox['owed']} mails wait, the oldest since {outbox['oldest']}: {outbox['error']}")
    replies = status["replies"]
    if replies["since"] and now - required_time(replies["since"]) > REPLIES_LATE:
        problems.append(f"replies to alerts have not been read since {replies['since']}: {replies['error']}")
    if queue["oldest"] and now - required_time(queue["oldest"]) > QUEUE_LATE:
        problems.append(f"{queue['pending']} entries wait to be read, the oldest since {queue['oldest']}")
    return problems
