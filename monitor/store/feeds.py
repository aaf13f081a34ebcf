"""Feeds: which there are, which are due, and what is known about asking them. SQL of the table ``feeds``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from monitor.model import FeedState
from monitor.settings import FeedSettings
from monitor.store.columns import from_text, from_time, from_value, to_time, to_value
from monitor.urls import host_of

STATES = ("active", "paused", "gone", "removed")
KEPT_TIMES = 30  # entry times kept on the feed's own row: as many as the schedule looks at

_DUE = """
    select * from feeds where state = 'active' and coalesce(next_poll_at, '') <= :now
    order by coalesce(next_poll_at, ''), id limit :limit
"""

_INSERT = """
    insert into feeds (url, config_url, origin, outlet, country, camp, lang, tags, added_at)
    values (:url, :url, :origin, :outlet, :country, :camp, :lang, :tags, :added_at)
"""


def sync(conn: sqlite3.Connection, feeds: Sequence[FeedSettings], now: datetime) -> None:
    """Make the store's feeds those of the config; writes nothing where nothing differs.

    A feed that left the config becomes "removed" and keeps its history; one that came back is asked again.
    Feeds added by command stay, paused and gone ones keep their state.
    """
    rows = conn.execute("select * from feeds").fetchall()
    by_config_url = {row["config_url"]: row for row in rows}
    by_url = {row["url"]: row for row in rows}
    matched: set[int] = set()
    # by the address in the config first: two addresses in the config may lead to one feed after a move
    later: list[FeedSettings] = []
    for feed in {feed.url: feed for feed in feeds}.values():
        row = by_config_url.get(feed.url)
        if row is None:
            later.append(feed)
        else:
            matched.add(row["id"])
            _update(conn, row, feed, origin="config")
    for feed in later:
        row = by_url.get(feed.url)
        if row is None:
            _insert(conn, feed, "config", now)
        elif row["id"] not in matched:  # the config was changed to where the feed had moved
            matched.add(row["id"])
            _update(conn, row, feed, origin="config")
    for row in rows:
        if row["origin"] == "config" and row["state"] != "removed" and row["id"] not in matched:
            conn.execute("update feeds set state = 'removed' where id = ?", (row["id"],))


def add(conn: sqlite3.Connection, feed: FeedSettings, now: datetime) -> int:
    """Add a feed by command, or describe anew one that is known; a removed one is asked again. Returns its id."""
    row = conn.execute(
        "select * from feeds where config_url = :url or url = :url order by config_url = :url desc", {"url": feed.url}
    ).fetchone()
    if row is None:
        return _insert(conn, feed, "command", now)
    _update(conn, row, feed, origin=row["origin"] if row["state"] != "removed" else "command")
    feed_id: int = row["id"]
    return feed_id


def set_state(conn: sqlite3.Connection, url: str, state: str) -> bool:
    """Change the state of the feed with this address. "active" asks it at once. False: there is no such feed."""
    if state not in STATES:
        raise ValueError(f"{state!r} is no state of a feed; the states are {', '.join(STATES)}")
    again = ", next_poll_at = null, next_poll_reason = 'resumed', failures = 0" if state == "active" else ""
    cursor = conn.execute(
        f"update feeds set state = :state{again} where config_url = :url or url = :url", {"state": state, "url": url}
    )
    return cursor.rowcount > 0


def due(conn: sqlite3.Connection, now: datetime, limit: int) -> list[FeedState]:
    """Active feeds whose time has come, those never asked first, then the longest overdue."""
    return _states(conn.execute(_DUE, {"now": from_time(now), "limit": limit}))


def active(conn: sqlite3.Connection) -> list[FeedState]:
    """All active feeds, due or not."""
    return _states(conn.execute("select * from feeds where state = 'active' order by id"))


def everything(conn: sqlite3.Connection) -> list[FeedState]:
    """All feeds in all states."""
    return _states(conn.execute("select * from feeds order by id"))


def newer_times(stored: str, new: Iterable[datetime]) -> str:
    """The column ``entry_times`` after new entries came: newest first, cut to 30."""
    times = sorted([*json.loads(stored), *(int(moment.timestamp()) for moment in new)], reverse=True)
    return json.dumps(times[:KEPT_TIMES])


def _insert(conn: sqlite3.Connection, feed: FeedSettings, origin: str, now: datetime) -> int:
    values = {"url": feed.url, "origin": origin, "added_at": from_time(now), **_described(feed)}
    feed_id = conn.execute(_INSERT, values).lastrowid
    assert feed_id is not None
    return feed_id


def _update(conn: sqlite3.Connection, row: sqlite3.Row, feed: FeedSettings, *, origin: str) -> None:
    values = {**_described(feed), "origin": origin, "config_url": feed.url}
    if row["state"] == "removed":
        values |= {"state": "active", "next_poll_at": None}
    changed = {name: value for name, value in values.items() if row[name] != value}
    if changed:
        columns = ", ".join(f"{name} = :{name}" for name in changed)
        conn.execute(f"update feeds set {columns} where id = :id", {**changed, "id": row["id"]})


def _described(feed: FeedSettings) -> dict[str, str | None]:
    return {
        "outlet": from_text(feed.outlet or host_of(feed.url)),
        "country": feed.country,
        "camp": feed.camp,
        "lang": feed.lang,
        "tags": from_value(feed.tags),
    }


def _states(rows: Iterable[sqlite3.Row]) -> list[FeedState]:
    return [_state(row) for row in rows]


def _state(row: sqlite3.Row) -> FeedState:
    return FeedState(
        id=row["id"],
        url=row["url"],
        outlet=row["outlet"],
        country=row["country"],
        camp=row["camp"],
        lang=row["lang"],
        tags=tuple(to_value(row["tags"])),
        state=row["state"],
        etag=row["etag"],
        last_modified=row["last_modified"],
        body_hash=row["body_hash"],
        next_poll_at=to_time(row["next_poll_at"]),
        next_poll_reason=row["next_poll_reason"],
        interval_s=row["interval_s"],
        failures=row["failures"],
        polled_at=to_time(row["polled_at"]),
        succeeded_at=to_time(row["succeeded_at"]),
        unconditional_at=to_time(row["unconditional_at"]),
        moved_to=row["moved_to"],
        moved_count=row["moved_count"],
        moved_since=to_time(row["moved_since"]),
        entry_times=tuple(datetime.fromtimestamp(time, UTC) for time in to_value(row["entry_times"])),
    )
