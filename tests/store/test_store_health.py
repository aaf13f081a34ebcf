"""Status, backup, checking and pruning of a store."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from store_events import (
    HOUR,
    NOTHING,
    NOW,
    TEXT,
    a_failed_poll,
    a_feed,
    a_poll,
    a_story_is_read,
    an_entry,
    count,
    entries_come,
    feed_is_added,
    pending,
)

from monitor.errors import StoreError
from monitor.store import Store

DAY = timedelta(days=1)


def test_an_empty_store_is_healthy(store: Store) -> None:
    """Nothing is wrong with what has not begun."""
    status = store.status(NOW)
    assert (status["healthy"], status["problems"], status["last_cycle"]) == (True, [], None)
    assert json.loads(json.dumps(status)) == status


def test_status_counts_feeds_queue_and_outbox(store: Store) -> None:
    """What `monitor status` shows."""
    a_story_is_read(store, feed_is_added(store, "a"), "a")
    entries_come(store, feed_is_added(store, "b"), an_entry("b"), an_entry("c"))
    store.retry_entry(pending(store)[0].id, "timeout", NOW + HOUR, NOW)
    store.add_feed(a_feed("paused"), NOW)
    store.set_feed_state(a_feed("paused").url, "paused")
    status = store.status(NOW)
    feeds = status["feeds"]
    assert (feeds["total"], feeds["active"], feeds["paused"], feeds["failing"]) == (3, 2, 1, 0)
    assert (status["queue"]["pending"], status["queue"]["retrying"]) == (2, 1)
    assert status["queue"]["oldest"] == "2026-11-05T12:00:00Z"
    assert (status["outbox"]["owed"], status["outbox"]["failed"]) == (1, 0)
    assert (status["store"]["stories"], status["store"]["flags"]) == (1, 1)
    assert status["store"]["bytes"] > 0
    assert status["healthy"]


def test_blind_feeds_are_named_with_since_when(store: Store) -> None:
    """And most of the feeds failing is a problem."""
    feed_id = feed_is_added(store)
    store.record_poll(a_poll(feed_id, at=NOW - 5 * HOUR))
    store.record_poll(a_failed_poll(feed_id))
    status = store.status(NOW)
    (blind,) = status["blind"]
    assert (blind["outlet"], blind["since"], blind["error"]) == (
        "The Kyiv Post",
        "2026-11-05T07:00:00Z",
        "500 from server",
    )
    assert status["problems"] == ["1 of 1 feeds fail"]
    store.record_poll(a_poll(feed_id, at=NOW + HOUR))
    assert store.status(NOW)["healthy"]


def test_a_feed_that_brings_nothing_for_long_is_silent(store: Store) -> None:
    """Ten times its usual gap, at least three days: a weekly is not silent after three."""
    daily, weekly = feed_is_added(store, "daily"), feed_is_added(store, "weekly")
    entries_come(store, daily, *(an_entry(str(n), published_at=NOW - (11 + n) * DAY) for n in range(20)))
    entries_come(store, weekly, *(an_entry(str(n), published_at=NOW - (11 + 7 * n) * DAY) for n in range(20)))
    status = store.status(NOW)
    assert [feed["outlet"] for feed in status["silent"]] == ["The Daily Post"]
    assert status["silent"][0]["newest_entry_at"] == "2026-10-25T12:00:00Z"
    assert status["feeds"]["silent"] == 1


def test_mails_that_wait_or_were_refused_are_problems(store: Store) -> None:
    """The operator must hear that nobody hears."""
    a_story_is_read(store, feed_is_added(store, "a"), "a")
    a_story_is_read(store, feed_is_added(store, "b"), "b")
    refused, waiting = store.owed_deliveries(NOW, 10)
    store.fail_delivery(refused.id, "550 no", NOW)
    store.retry_delivery(waiting.id, "connection refused", NOW + HOUR, NOW)
    problems = " ".join(store.status(NOW + 2 * HOUR)["problems"])
    assert "refused for good" in problems
    assert "connection refused" in problems


def test_a_queue_that_does_not_move_is_a_problem(store: Store) -> None:
    """Entries that wait for hours mean that nobody reads."""
    entries_come(store, feed_is_added(store), an_entry())
    assert store.status(NOW + HOUR)["healthy"]
    assert "entries wait" in store.status(NOW + 7 * HOUR)["problems"][0]


def test_the_last_cycle_is_remembered(store: Store) -> None:
    """With its summary, over restarts; other facts too."""
    store.note_cycle({"feeds_polled": 3}, NOW)
    assert store.status(NOW)["last_cycle"] == {"ended_at": "2026-11-05T12:00:00Z", "feeds_polled": 3}
    store.set_setting("token", {"a": [1, "ü"]})
    assert (store.setting("token"), store.setting("nothing")) == ({"a": [1, "ü"]}, None)


def test_a_backup_is_a_whole_store(store: Store, tmp_path: Path) -> None:
    """One file, made while the store is open and a transaction is under way; what is not committed is not in it."""
    a_story_is_read(store, feed_is_added(store))
    dest = tmp_path / "backup.db"
    with Store.open(store.path) as other, other.transaction():
        other.add_feed(a_feed("uncommitted"), NOW)
        store.backup(dest)
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["backup.db"]
    with Store.open(dest, write=False) as copy:
        assert [row["title"] for row in copy.search("circles")] == ["Kyiv calls the accession talks toxic"]
        assert len(copy.all_feeds()) == 1
        assert copy.check() == []


def test_a_backup_overwrites_only_when_told_to(store: Store, tmp_path: Path) -> None:
    """Neither an older backup nor the store itself."""
    dest = tmp_path / "backup.db"
    dest.write_text("precious")
    with pytest.raises(StoreError, match="exists"):
        store.backup(dest)
    assert dest.read_text() == "precious"
    store.backup(dest, overwrite=True)
    Store.open(dest).close()
    with pytest.raises(StoreError, match="the store itself"):
        store.backup(store.path, overwrite=True)


def test_a_backup_that_cannot_be_written_leaves_nothing(store: Store, tmp_path: Path) -> None:
    """And says where."""
    with pytest.raises(StoreError, match="nowhere"):
        store.backup(tmp_path / "nowhere" / "backup.db")
    assert not (tmp_path / "nowhere").exists()


def test_a_reader_can_make_a_backup(store: Store, tmp_path: Path) -> None:
    """`monitor backup` beside the daemon."""
    feed_is_added(store)
    with Store.open(store.path, write=False) as reader:
        reader.backup(tmp_path / "backup.db")
    with Store.open(tmp_path / "backup.db", write=False) as copy:
        assert len(copy.all_feeds()) == 1


def test_a_good_store_passes_the_check(store: Store) -> None:
    """File, references, full-text index."""
    a_story_is_read(store, feed_is_added(store))
    assert store.check() == []


def test_a_lost_reference_and_a_wrong_index_are_found(store: Store) -> None:
    """What somebody did to the file with another program."""
    a_story_is_read(store, feed_is_added(store))
    conn = sqlite3.connect(store.path)
    conn.execute("update flags set story_id = 99")
    conn.execute("drop trigger stories_fts_update")
    conn.execute("update stories set title = 'Another title'")
    conn.commit()
    conn.close()
    problems = " / ".join(store.check())
    assert "flags" in problems
    assert "full-text index" in problems


def test_pruning_keeps_the_rows(store: Store) -> None:
    """Old pages, texts and polls go; nothing is imported again, and flagged stories keep their words."""
    feed_id = feed_is_added(store)
    old = {"entry": {"published_at": NOW - 40 * DAY}}
    plain = a_story_is_read(store, feed_id, "plain", analysis=NOTHING, **old)
    flagged = a_story_is_read(store, feed_id, "flagged", **old)
    done = store.prune(NOW + 50 * DAY, keep_pages=10 * DAY, keep_text=30 * DAY, keep_polls=30 * DAY)
    assert (done["pages"], done["texts"], done["entries"]) == (2, 1, 2)
    assert done["polls"] == 3
    assert store.pages_of(plain.story_id) == []
    assert {story_id: store.story(story_id).text for story_id in (plain.story_id, flagged.story_id)} == {  # type: ignore[union-attr]
        plain.story_id: "", flagged.story_id: TEXT,
    }  # fmt: skip
    assert [row["id"] for row in store.search("circles")] == [flagged.story_id]
    again = [an_entry(name, published_at=NOW - 40 * DAY) for name in ("plain", "flagged")]
    assert entries_come(store, feed_id, *again, at=NOW + 50 * DAY) == 0
    assert store.find_story("https://kyiv.example/news/plain") == plain.story_id
    assert store.check() == []


def test_pruning_spares_what_is_young_or_kept_for_ever(store: Store) -> None:
    """None keeps for ever."""
    a_story_is_read(store, feed_is_added(store))
    assert set(store.prune(NOW, keep_pages=DAY, keep_text=DAY, keep_polls=100 * DAY).values()) == {0}
    assert set(store.prune(NOW + 9999 * DAY, keep_pages=None, keep_polls=None).values()) == {0}
    assert count(store, "pages", "body is not null") == 1


def test_pruning_goes_on_over_many_batches(store: Store) -> None:
    """More rows than one transaction takes."""
    feed_id = feed_is_added(store)
    with store.transaction():
        for number in range(1200):
            store.record_poll(a_failed_poll(feed_id, NOW + timedelta(minutes=number)))
    assert store.prune(NOW + 99 * DAY, keep_pages=None, keep_polls=DAY)["polls"] == 1201
    assert count(store, "polls") == 0
