"""The questions that are asked all day are answered from an index, whatever the store holds."""

from __future__ import annotations

import pytest
from store_events import NOW, a_feed, a_poll, a_story_is_read, an_entry, entries_come, feed_is_added

from monitor.store import Store, alerts, deliveries, entries, feeds, pages, search, sketches, status, watch
from monitor.store.columns import from_time

AT = {"now": from_time(NOW), "since": from_time(NOW), "limit": 10, "match": "x", "kind": "k", "after": 0}

# question -> index it must be answered from
HOT = {
    "due feeds": (feeds._DUE, "feeds_due"),
    "pending entries": (entries._PENDING, "entries_pending"),
    "due watches": (watch._DUE, "watches_due"),
    "count of pending entries": ("select count(*) from entries where state = 'pending'", "entries_pending"),
    "owed deliveries": (deliveries._OWED, "deliveries_owed"),
    "newest stories": (search._NEWEST.format(filters=""), "stories_at"),
    "sketches of the last days": (sketches._RECENT, "stories_at"),
    "the queue": (status._QUEUE, "entries_pending"),
    "failed deliveries": ("select count(*) from deliveries where state = 'failed'", "deliveries_failed"),
    "story by url": ("select id from stories where url = ?1", "sqlite_autoindex_stories_1"),
    "known keys": (entries._KNOWN, "sqlite_autoindex_entries_1"),
    "entries of a date": (entries._SAME_DATE, "entries_date"),
    "undated entries": (entries._UNDATED, "entries_date"),
    "earlier alert": (alerts._LATEST, "alerts_thread"),
    "entries of a story": ("select 1 from entries where story_id = ?1", "entries_story"),
    "thread's stories": ("select 1 from stories where thread_id = ?1", "stories_thread"),
    "next stories to reprocess": (pages._REPROCESS, "INTEGER PRIMARY KEY"),
}


@pytest.fixture
def filled(store: Store) -> Store:
    """Some of everything, with the planner's statistics taken: it must not change its mind later."""
    for number in range(30):
        feed_id = feed_is_added(store, f"f{number}")
        a_story_is_read(store, feed_id, f"s{number}", watch_at=NOW)
        entries_come(store, feed_id, an_entry(f"p{number}"))
        store.record_poll(a_poll(store.add_feed(a_feed(f"g{number}"), NOW)))
    return store


def plan(store: Store, sql: str) -> list[str]:
    """What SQLite does for a question."""
    numbered = sql.count("?") if "?1" not in sql else 1
    values = AT if ":" in sql and "?" not in sql else ["x"] * numbered
    return [row["detail"] for row in store.db.execute(f"explain query plan {sql}", values)]


@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize("question", HOT)
def test_hot_questions_use_their_index(filled: Store, question: str, analysed: bool) -> None:
    """Searched, not scanned, and read in order instead of sorted."""
    if analysed:
        filled.db.execute("analyze")
    sql, index = HOT[question]
    steps = plan(filled, sql)
    tables = [step for step in steps if "json_each" not in step and "LIST SUBQUERY" not in step]
    assert index in tables[0], tables
    assert not [step for step in tables if step.startswith("SCAN") and "INDEX" not in step], tables
    if question in ("due feeds", "pending entries", "owed deliveries", "due watches"):
        assert not [step for step in tables if "SCAN" in step or "TEMP B-TREE" in step], tables


def test_no_foreign_key_is_followed_by_a_scan(store: Store) -> None:
    """Deleting or moving a row looks up the rows that point to it by an index."""
    missing = []
    for (table,) in store.db.execute(
        "select name from sqlite_master where type = 'table' and name not like '%fts%'"
    ).fetchall():
        for key in store.db.execute(f"pragma foreign_key_list('{table}')").fetchall():
            lookup = plan(store, f"select 1 from {table} where {key['from']} = ?1")
            if not lookup[0].startswith("SEARCH"):
                missing.append((table, key["from"]))
    assert missing == []
