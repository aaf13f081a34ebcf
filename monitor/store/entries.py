"""Entries: the durable inbox between poll and read. SQL of the table ``entries``.

An entry is pending until it became a story or was skipped with a reason; nothing else takes it out of the inbox.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor.model import Entry, PendingEntry
from monitor.store.columns import from_optional, from_text, from_time, from_value, required_time, to_time, to_value
from monitor.urls import canonical_url

_KNOWN = "select key from entries where feed_id = ? and key in (select value from json_each(?))"

_SAME_DATE = """
    select id, link, title, published_at from entries
    where feed_id = ? and published_at in (select value from json_each(?))
"""
_UNDATED = """
    select id, link, title, published_at from entries
    where feed_id = ? and published_at is null and title in (select value from json_each(?))
"""

_INSERT = """
    insert into entries (feed_id, key, guid, link, title, summary, content, authors, published_at, seen_at,
        first_poll, retry_at, state, error, settled_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    on conflict (feed_id, key) do nothing
"""

# cross join keeps the order of the loops: the entries in the order of their index, then their feeds
_SELECT = """
    select e.id, e.feed_id, e.key, e.link, e.title, e.summary, e.content, e.authors, e.published_at, e.seen_at,
        e.attempts, e.first_poll, f.outlet, f.country, f.camp, f.lang
    from entries e cross join feeds f on f.id = e.feed_id
"""
_PENDING = (
    _SELECT
    + """
    where e.state = 'pending' and e.retry_at <= :now
    order by coalesce(e.published_at, e.seen_at) desc limit :limit
"""
)


def insert_new(
    conn: sqlite3.Connection, feed_id: int, offered: Sequence[Entry], now: datetime, *, first_poll: bool
) -> list[Entry]:
    """Put the entries that this feed never offered into the inbox; returns them.

    Never offered: the key is unknown. An entry with an unknown key but the link, title and date of a stored one is
    that one under a new guid (sites that move to https or another CMS do this to all entries at once): it is kept as
    skipped, so that its key is known. The link alone is not enough: some feeds link every entry to the front page.
    """
    by_key = {from_text(entry.key): entry for entry in offered}
    if not by_key:
        return []
    known = {key for (key,) in conn.execute(_KNOWN, (feed_id, from_value(list(by_key))))}
    unknown = {key: entry for key, entry in by_key.items() if key not in known}
    if not unknown:
        return []
    twins = {} if first_poll else _twins(conn, feed_id, unknown)
    conn.executemany(
        _INSERT, [_row(feed_id, key, entry, now, first_poll, twins.get(key)) for key, entry in unknown.items()]
    )
    return [entry for key, entry in unknown.items() if key not in twins]


def pending(conn: sqlite3.Connection, now: datetime, limit: int) -> list[PendingEntry]:
    """Entries to be read now, newest first: fresh news before old failures."""
    return [_pending(row) for row in conn.execute(_PENDING, {"now": from_time(now), "limit": limit})]


def first_of_story(conn: sqlite3.Connection, story_id: int) -> PendingEntry | None:
    """The entry that brought a story; None when its feed was removed."""
    row = conn.execute(
        _SELECT + "where e.id = (select min(id) from entries where story_id = ?)", (story_id,)
    ).fetchone()
    return _pending(row) if row else None


def is_any_due(conn: sqlite3.Connection, now: datetime) -> bool:
    """Does any entry wait to be read now?"""
    found = conn.execute(
        "select 1 from entries where state = 'pending' and retry_at <= ? limit 1", (from_time(now),)
    ).fetchone()
    return found is not None


def count_pending(conn: sqlite3.Connection) -> int:
    """How many entries are still to be read, now or later."""
    count: int = conn.execute("select count(*) from entries where state = 'pending'").fetchone()[0]
    return count


def retry(conn: sqlite3.Connection, entry_id: int, error: str, retry_at: datetime) -> None:
    """Another attempt failed; the next one is at ``retry_at``."""
    conn.execute(
        "update entries set attempts = attempts + 1, error = ?, retry_at = ? where id = ? and state = 'pending'",
        (from_text(error), from_time(retry_at), entry_id),
    )


def skip(conn: sqlite3.Connection, entry_id: int, reason: str, now: datetime) -> None:
    """Settle an entry that no story can be made of."""
    conn.execute(
        "update entries set state = 'skipped', error = ?, settled_at = ? where id = ? and state = 'pending'",
        (from_text(reason), from_time(now), entry_id),
    )


def settle(conn: sqlite3.Connection, entry_id: int, story_id: int, now: datetime) -> None:
    """The entry became this story."""
    conn.execute(
        "update entries set state = 'done', story_id = ?, error = null, settled_at = ? where id = ?",
        (story_id, from_time(now), entry_id),
    )


def _row(feed_id: int, key: str, entry: Entry, now: datetime, first_poll: bool, twin: int | None) -> tuple[object, ...]:
    seen_at = from_time(now)
    return (
        feed_id,
        key,
        from_optional(entry.guid),
        from_optional(entry.link),
        from_text(entry.title),
        from_text(entry.summary),
        from_text(entry.content),
        from_value(entry.authors) if entry.authors else "[]",
        from_time(entry.published_at),
        seen_at,
        int(first_poll),
        seen_at,
        "pending" if twin is None else "skipped",
        None if twin is None else f"entry {twin} of this feed under a new guid",
        None if twin is None else seen_at,
    )


def _twins(conn: sqlite3.Connection, feed_id: int, unknown: Mapping[str, Entry]) -> dict[str, int]:
    """Key -> the stored entry that is the same article, for those of the entries that have one."""
    linked = {key: entry for key, entry in unknown.items() if entry.link}
    dates = {from_time(entry.published_at) for entry in linked.values() if entry.published_at}
    titles = [from_text(entry.title) for entry in linked.values() if entry.published_at is None]
    stored = conn.execute(_SAME_DATE, (feed_id, from_value(sorted(filter(None, dates))))).fetchall() if dates else []
    if titles:
        stored += conn.execute(_UNDATED, (feed_id, from_value(titles))).fetchall()
    by_words = defaultdict(list)
    for row in stored:
        by_words[row["title"], row["published_at"]].append(row)
    twins = {}
    for key, entry in linked.items():
        for row in by_words[from_text(entry.title), from_time(entry.published_at)]:
            if row["link"] and canonical_url(row["link"]) == canonical_url(entry.link or ""):
                twins[key] = row["id"]
    return twins


def _pending(row: sqlite3.Row) -> PendingEntry:
    return PendingEntry(
        id=row["id"],
        feed_id=row["feed_id"],
        key=row["key"],
        link=row["link"],
        title=row["title"],
        summary=row["summary"],
        content=row["content"],
        authors=tuple(to_value(row["authors"])),
        published_at=to_time(row["published_at"]),
        seen_at=required_time(row["seen_at"]),
        attempts=row["attempts"],
        first_poll=bool(row["first_poll"]),
        outlet=row["outlet"],
        country=row["country"],
        camp=row["camp"],
        lang=row["lang"],
    )
