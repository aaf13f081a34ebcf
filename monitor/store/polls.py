"""Polls: everything that one poll of one feed leaves behind, in the caller's one transaction. SQL of ``polls``."""

from __future__ import annotations

import sqlite3

from monitor.errors import StoreError
from monitor.model import PollOutcome, PollStatus
from monitor.store import entries, feeds
from monitor.store.columns import from_optional, from_text, from_time, utc

_INSERT = """
    insert into polls (feed_id, started_at, status, http_status, bytes, ms, entries, new, parser, error,
        next_poll_at, reason)
    values (:feed_id, :started_at, :status, :http_status, :bytes, :ms, :entries, :new, :parser, :error, :next_poll_at,
        :reason)
"""

# coalesce(new, old): None leaves the stored value as it is
_UPDATE_FEED = """
    update feeds set
        next_poll_at = :next_poll_at, next_poll_reason = :reason, interval_s = :interval_s, error = :error,
        polled_at = :started_at, failures = case when :seen then 0 else failures + 1 end,
        succeeded_at = case when :seen then :started_at else succeeded_at end,
        unconditional_at = case when :seen and :unconditional then :started_at else unconditional_at end,
        etag = coalesce(:etag, etag), last_modified = coalesce(:last_modified, last_modified),
        body_hash = coalesce(:body_hash, body_hash),
        moved_to = :moved_to, moved_count = :moved_count, moved_since = :moved_since,
        state = case when :gone and state = 'active' then 'gone' else state end,
        entry_times = :entry_times
    where id = :feed_id
"""


def record(conn: sqlite3.Connection, outcome: PollOutcome) -> int:
    """Store a poll: its new entries as pending, its row, the feed's validators and next poll. Returns the new entries.

    Raises:
        StoreError: there is no such feed.
    """
    feed = conn.execute("select succeeded_at, entry_times from feeds where id = ?", (outcome.feed_id,)).fetchone()
    if feed is None:
        raise StoreError(f"a poll of feed {outcome.feed_id}, which is not in the store")
    first_poll = feed["succeeded_at"] is None
    new = entries.insert_new(conn, outcome.feed_id, outcome.entries, outcome.started_at, first_poll=first_poll)
    times = feed["entry_times"]
    if new:
        # a date in the future says nothing about how often the feed has news
        seen = utc(outcome.started_at)
        times = feeds.newer_times(times, (min(utc(entry.published_at or seen), seen) for entry in new))
    conn.execute(_INSERT, _poll_row(outcome, len(new)))
    if outcome.new_url:
        _move(conn, outcome.feed_id, outcome.new_url)
    # last: the validators say "this body is done"
    conn.execute(_UPDATE_FEED, _feed_row(outcome, times))
    return len(new)


def _poll_row(outcome: PollOutcome, new: int) -> dict[str, object]:
    return {
        "feed_id": outcome.feed_id,
        "started_at": from_time(outcome.started_at),
        "status": outcome.status.value,
        "http_status": outcome.http_status,
        "bytes": outcome.bytes,
        "ms": outcome.elapsed_ms,
        "entries": len(outcome.entries),
        "new": new,
        "parser": from_optional(outcome.parser),
        "error": from_optional(outcome.error),
        "next_poll_at": from_time(outcome.plan.next_poll_at),
        "reason": from_text(outcome.plan.reason),
    }


def _feed_row(outcome: PollOutcome, times: str) -> dict[str, object]:
    moving = not outcome.new_url  # once rewritten, the counting starts afresh
    return {
        "feed_id": outcome.feed_id,
        "started_at": from_time(outcome.started_at),
        "next_poll_at": from_time(outcome.plan.next_poll_at),
        "reason": from_text(outcome.plan.reason),
        "interval_s": outcome.plan.interval_s,
        "error": from_optional(outcome.error),
        "seen": outcome.status in (PollStatus.OK, PollStatus.UNCHANGED),
        "gone": outcome.status is PollStatus.GONE,
        "unconditional": outcome.unconditional,
        "etag": from_optional(outcome.etag),
        "last_modified": from_optional(outcome.last_modified),
        "body_hash": outcome.body_hash,
        "moved_to": outcome.moved_to if moving else None,
        "moved_count": outcome.moved_count if moving else 0,
        "moved_since": from_time(outcome.moved_since) if moving else None,
        "entry_times": times,
    }


def _move(conn: sqlite3.Connection, feed_id: int, url: str) -> None:
    """Ask the feed at ``url`` from now on, unless another feed is there already."""
    conn.execute(
        """
        update feeds set url = :url where id = :id and not exists (select 1 from feeds where url = :url and id <> :id)
        """,
        {"url": from_text(url), "id": feed_id},
    )
