"""Saving a story: the order in which one record becomes rows.

Runs inside the caller's one transaction: a crash at any point leaves the entry pending and nothing else, which means
"again", never "lost" and never "twice".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from monitor.model import AlertPolicy, Change, Look, PageStatus, SavedStory, StoryRecord, ThreadPlace
from monitor.store import alerts, analyses, entries, pages, sayings, sketches, stories, threads, watch
from monitor.store.columns import from_text, from_time

_FULL_STATUSES = frozenset({PageStatus.OK, PageStatus.LIVE})


def save(
    conn: sqlite3.Connection,
    record: StoryRecord,
    packed_page: bytes | None,
    policy: AlertPolicy,
    place: ThreadPlace | None,
    kept_sketches: Mapping[str, bytes],
    said_before: Mapping[int, int],
    watch_at: datetime | None,
) -> SavedStory:
    """Save what was read for an entry: the story with all it carries, the alerts it owes, and last the entry, settled.

    A canonical URL that is stored already gives no second story: the entry points to the first one. If that one was
    judged on less than the full article and the record has it, text and analysis are replaced, and an alert is owed
    for a topic that only the full article brought up.

    Args:
        packed_page: the record's page as ``pages.packed`` gives it.
        place: where the story belongs among earlier ones; None: a thread of its own if it is flagged.
        kept_sketches: kind -> bytes, for finding the same story again.
        said_before: index of a quote of the analysis -> the saying that it repeats.
        watch_at: when the story is to be fetched again; None: never.
    """
    if (identity := _identity(record)) != record.url:
        record = replace(record, url=identity)
    known = stories.find(conn, record.url)
    before = analyses.flagged_topics(conn, known) if known else ()
    if known and not _is_better(conn, record, known):
        settle(conn, record.entry.id, record.entry.link, known, record.read_at)
        return SavedStory(known, new=False, flagged=before, alerts=0)
    story_id = _write(conn, record, known, said_before)
    owed = _attach(conn, story_id, record, packed_page, policy, place, kept_sketches, before)
    if watch_at is not None:
        watch.begin(conn, story_id, record, watch_at)
    settle(conn, record.entry.id, record.entry.link, story_id, record.read_at)
    flagged = analyses.flagged_topics(conn, story_id)
    return SavedStory(story_id, new=known is None, flagged=flagged, alerts=owed)


def save_again(
    conn: sqlite3.Connection,
    look: Look,
    record: StoryRecord,
    packed_page: bytes | None,
    policy: AlertPolicy,
    place: ThreadPlace | None,
    kept_sketches: Mapping[str, bytes],
    said_before: Mapping[int, int],
    changes: Sequence[Change],
    follow_ups: Mapping[str, str],
) -> SavedStory:
    """Put a new reading of a watched story in place of the old one, with what changed and the alerts it owes.

    The page is kept as a new version. An alert is owed for a topic that the story was not flagged for before, and a
    follow-up for each of ``follow_ups`` (topic -> reason) that was mailed before.
    """
    story_id = look.story_id
    before = analyses.flagged_topics(conn, story_id)
    said_before = {**said_before, **sayings.kept(conn, story_id, record.analysis.quotes)}
    _write(conn, record, story_id, said_before)
    owed = _attach(conn, story_id, record, packed_page, policy, place, kept_sketches, before)
    watch.add_changes(conn, story_id, changes, look.at)
    for topic, reason in follow_ups.items():
        owed += alerts.follow_up(conn, story_id, topic, reason, policy, look.at)
    watch.note(conn, look)
    return SavedStory(story_id, new=False, flagged=analyses.flagged_topics(conn, story_id), alerts=owed)


def settle(conn: sqlite3.Connection, entry_id: int, link: str | None, story_id: int, now: datetime) -> None:
    """The last word on an entry: which story it became, and that its link leads there."""
    stories.note_address(conn, story_id, link)
    entries.settle(conn, entry_id, story_id, now)


def is_full(conn: sqlite3.Connection, story_id: int) -> bool:
    """Was the stored story judged on the full article?"""
    row = conn.execute("select source, status from stories where id = ?", (story_id,)).fetchone()
    return row is not None and _is_full(row["source"], row["status"])


def _identity(record: StoryRecord) -> str:
    """The canonical URL. A front page is no story's address: entries that all link to it must not become one story."""
    parts = urlsplit(record.url)
    if parts.scheme in ("http", "https") and parts.path in ("", "/") and not parts.query:
        return from_text(f"{record.url}#{record.entry.key}")
    return from_text(record.url)


def _is_better(conn: sqlite3.Connection, record: StoryRecord, known: int) -> bool:
    """Has the record the full article, where the stored story has not?"""
    return _is_full(record.source, record.status) and not is_full(conn, known)


def _is_full(source: str, status: str) -> bool:
    return source == "feed" or (source == "page" and status in _FULL_STATUSES)


def _is_news(record: StoryRecord, policy: AlertPolicy) -> bool:
    """Not the backlog of a new feed, and not older than what is mailed."""
    at = from_time(record.published_at or record.page_published_at or record.entry.seen_at)
    after = from_time(policy.mail_after)
    assert at is not None and after is not None
    return not record.entry.first_poll and at >= after


def _write(conn: sqlite3.Connection, record: StoryRecord, known: int | None, said_before: Mapping[int, int]) -> int:
    if known is None:
        story_id = stories.insert(conn, record)
    else:
        story_id = known
        stories.upgrade(conn, story_id, record)
        analyses.clear(conn, story_id)
    analyses.write(conn, story_id, record.analysis, said_before)
    return story_id


def _attach(
    conn: sqlite3.Connection,
    story_id: int,
    record: StoryRecord,
    packed_page: bytes | None,
    policy: AlertPolicy,
    place: ThreadPlace | None,
    kept_sketches: Mapping[str, bytes],
    before: Sequence[str],
) -> int:
    """Page, sketches and thread of a written story; returns how many alerts it owes for topics not in ``before``."""
    if record.page is not None and packed_page is not None:
        pages.add(conn, story_id, record.page, packed_page)
    for kind, data in kept_sketches.items():
        sketches.save(conn, story_id, kind, data)
    flagged = analyses.flagged_topics(conn, story_id)
    thread_id = threads.place(conn, story_id, place, flagged[0] if flagged else None)
    if thread_id is None:
        return 0
    fresh = [topic for topic in flagged if topic not in before]
    return alerts.owe(conn, story_id, fresh, thread_id, policy, record.read_at, mail=_is_news(record, policy))
