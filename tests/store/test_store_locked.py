"""A database that another program locks: every method says so as a StoreError, and works again afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from store_events import (
    NOTHING,
    NOW,
    a_feed,
    a_look,
    a_poll,
    a_record,
    a_reply,
    an_entry,
    entries_come,
    feed_is_added,
    pending,
    policy,
)

from monitor.errors import StoreError
from monitor.store import Store

WRITES: dict[str, Callable[[Store], object]] = {
    "sync_feeds": lambda s: s.sync_feeds([a_feed("x")], NOW),
    "add_feed": lambda s: s.add_feed(a_feed("x"), NOW),
    "set_feed_state": lambda s: s.set_feed_state(a_feed().url, "paused"),
    "remove_feed": lambda s: s.remove_feed(a_feed().url),
    "record_poll": lambda s: s.record_poll(a_poll(1)),
    "retry_entry": lambda s: s.retry_entry(1, "e", NOW, NOW),
    "skip_entry": lambda s: s.skip_entry(1, "e", NOW),
    "link_entry": lambda s: s.link_entry(1, 1, NOW),
    "save_again": lambda s: s.save_again(a_look(), a_record(pending(s)[0]), policy()),
    "note_look": lambda s: s.note_look(a_look()),
    "save_story": lambda s: s.save_story(a_record(pending(s)[0]), policy()),
    "replace_analysis": lambda s: s.replace_analysis(1, NOTHING, "r"),
    "save_sketch": lambda s: s.save_sketch(1, "k", b""),
    "merge_threads": lambda s: s.merge_threads(1, 2),
    "split_story": lambda s: s.split_story(1),
    "add_review": lambda s: s.add_review(1, None, "mute", via="command", now=NOW),
    "keep_reply": lambda s: s.keep_reply(a_reply(), "box", 1, NOW),
    "hold_deliveries": lambda s: s.hold_deliveries(NOW, "e", NOW),
    "keep_message": lambda s: s.keep_message(1, b""),
    "note_sent": lambda s: s.note_sent(1, "", NOW),
    "retry_delivery": lambda s: s.retry_delivery(1, "e", NOW, NOW),
    "fail_delivery": lambda s: s.fail_delivery(1, "e", NOW),
    "retry_alerts": lambda s: s.retry_alerts(NOW),
    "note_cycle": lambda s: s.note_cycle({}, NOW),
    "set_setting": lambda s: s.set_setting("k", 1),
    "prune": lambda s: s.prune(NOW, keep_pages=NOW - NOW),
    "transaction": lambda s: s.transaction().__enter__(),
}

READS: dict[str, Callable[[Store], object]] = {
    "due_feeds": lambda s: s.due_feeds(NOW, 1),
    "active_feeds": lambda s: s.active_feeds(),
    "all_feeds": lambda s: s.all_feeds(),
    "pending_entries": lambda s: s.pending_entries(NOW, 1),
    "count_pending": lambda s: s.count_pending(),
    "is_entry_due": lambda s: s.is_entry_due(NOW),
    "due_watches": lambda s: s.due_watches(NOW, 1),
    "watched_story": lambda s: s.watched_story(1),
    "find_story": lambda s: s.find_story("u"),
    "story": lambda s: s.story(1),
    "search": lambda s: s.search("x"),
    "pages_of": lambda s: s.pages_of(1),
    "stories_for_reprocess": lambda s: list(s.stories_for_reprocess()),
    "recent_sketches": lambda s: s.recent_sketches(NOW),
    "recent_quotes": lambda s: s.recent_quotes(NOW),
    "sayings": lambda s: s.sayings("x"),
    "reviews_of": lambda s: s.reviews_of(1),
    "inbox_place": lambda s: s.inbox_place("box"),
    "judged_stories": lambda s: s.judged_stories("nato-accession"),
    "owed_deliveries": lambda s: s.owed_deliveries(NOW, 1),
    "owed_alert": lambda s: s.owed_alert(1),
    "list_alerts": lambda s: s.list_alerts(),
    "show_alert": lambda s: s.show_alert(1),
    "news": lambda s: s.news(NOW, NOW, NOW),
    "status": lambda s: s.status(NOW),
    "setting": lambda s: s.setting("k"),
    "view": lambda s: s.view("v_flagged"),
    "tables": lambda s: s.tables(),
    "check": lambda s: s.check(),
}

OTHERS = {"open", "close", "db", "backup"}  # tested where they stand


@pytest.fixture
def impatient(path: Path) -> Iterator[Store]:
    """A store with a feed and an entry that waits for nobody."""
    with Store.open(path) as store:
        entries_come(store, feed_is_added(store), an_entry())
    with Store.open(path, busy_timeout_s=0) as store:
        yield store


def test_every_method_is_tried() -> None:
    """A new method needs a line here."""
    methods = {name for name in vars(Store) if not name.startswith("_")}
    assert methods == set(WRITES) | set(READS) | OTHERS


@pytest.mark.parametrize("name", WRITES)
def test_writing_while_another_writes(impatient: Store, name: str) -> None:
    """It names the store and what will happen; readers are not concerned."""
    other = sqlite3.connect(impatient.path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(StoreError, match=r"monitor\.db.*writing for too long"):
        WRITES[name](impatient)
    assert len(impatient.all_feeds()) == 1
    other.close()
    assert impatient.add_feed(a_feed("later"), NOW) > 0


@pytest.mark.parametrize("name", READS)
def test_everything_on_a_broken_file(path: Path, name: str) -> None:
    """Damage comes out as StoreError too."""
    with Store.open(path) as store:
        store.db.execute("pragma writable_schema = on")
        store.db.execute("delete from sqlite_master where name not like 'sqlite%' and name not like '%fts_%'")
        store.db.execute("pragma writable_schema = reset")
        with pytest.raises(StoreError, match=r"monitor\.db"):
            READS[name](store)


def test_opening_a_store_that_is_locked_whole(path: Path) -> None:
    """Another program holds it exclusively (a vacuum, a repair)."""
    Store.open(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("pragma locking_mode = exclusive")
    other.execute("begin exclusive")
    for write in (True, False):
        with pytest.raises(StoreError, match="writing for too long"):
            Store.open(path, write=write, busy_timeout_s=0)
    other.close()


def test_a_closed_store_says_so(path: Path) -> None:
    """And can be closed again."""
    store = Store.open(path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.all_feeds()
