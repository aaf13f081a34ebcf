"""kill -9: what was committed is there, what was not is not, and the work goes on where it stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from store_events import NOW, a_poll, a_record, an_entry, count, entries_come, feed_is_added, pending, policy

from monitor.errors import StoreError
from monitor.store import Store

HERE = Path(__file__).parent

INSIDE_A_TRANSACTION = """
store.db.execute("pragma cache_size = 5")  # so that the uncommitted rows are on the disk already
with store.transaction():
    for entry in pending(store):
        store.save_story(a_record(entry, text="long " * 20_000), policy())
    print("inside", flush=True)
    input()
"""

ONE_BY_ONE = """
for entry in pending(store):
    saved = store.save_story(a_record(entry), policy())
    print(saved.story_id, flush=True)
"""

POLL_BY_POLL = """
for number in range(1000):
    store.record_poll(a_poll(1, *(an_entry(f"{number}-{n}") for n in range(20)), etag=str(number)))
    print(number, flush=True)
"""


def killed(path: Path, work: str, after_lines: int) -> None:
    """Run ``work`` on the store in another process, and kill that after it has printed so many lines."""
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "from store_events import *\n"
        f"store = Store.open({str(path)!r}, exclusive=True)\n" + work
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as child:
        assert child.stdout is not None
        for _ in range(after_lines):
            assert child.stdout.readline(), "the child ended by itself"
        child.send_signal(signal.SIGKILL)


def test_a_transaction_that_was_killed_never_was(path: Path) -> None:
    """Its pages are in the -wal file, without a commit; the next one to open the store does not see them."""
    with Store.open(path) as store:
        entries_come(store, feed_is_added(store), *(an_entry(str(n)) for n in range(20)))
    killed(path, INSIDE_A_TRANSACTION, 1)
    with Store.open(path, exclusive=True) as store:
        assert (count(store, "stories"), count(store, "alerts"), count(store, "pages")) == (0, 0, 0)
        assert len(pending(store)) == 20
        assert store.check() == []


def test_reading_goes_on_where_it_was_killed(path: Path) -> None:
    """Every entry becomes one story with one alert, however often the daemon dies."""
    with Store.open(path) as store:
        entries_come(store, feed_is_added(store), *(an_entry(str(n)) for n in range(60)))
    for lines in (1, 7, 20):
        killed(path, ONE_BY_ONE, lines)
    with Store.open(path, exclusive=True) as store:
        done = count(store, "entries", "state = 'done'")
        assert 28 <= done <= 60
        assert count(store, "stories") == count(store, "alerts") == count(store, "deliveries") == done
    killed_or_done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(HERE)!r})\nfrom store_events import *\n"
         f"store = Store.open({str(path)!r}, exclusive=True)\n" + ONE_BY_ONE],
        check=True, capture_output=True,
    )  # fmt: skip
    assert killed_or_done.returncode == 0
    with Store.open(path, exclusive=True) as store:
        for table in ("stories", "alerts", "deliveries", "pages", "threads"):
            assert count(store, table) == 60
        assert store.count_pending() == 0
        assert (
            count(store, "alerts a", "1")
            == store.db.execute("select count(distinct message_id) from alerts").fetchone()[0]
        )
        assert store.check() == []


@pytest.mark.parametrize("lines", [1, 30])
def test_validators_are_never_ahead_of_the_entries(path: Path, lines: int) -> None:
    """A stored etag without its entries would lose them: the feed does not offer them again."""
    with Store.open(path) as store:
        feed_is_added(store)
    killed(path, POLL_BY_POLL, lines)
    with Store.open(path, exclusive=True) as store:
        (feed,) = store.all_feeds()
        assert feed.etag is not None
        polls = int(feed.etag) + 1
        assert polls >= lines
        assert count(store, "entries") == polls * 20
        assert count(store, "polls") == polls + 1
        assert store.record_poll(a_poll(feed.id, *(an_entry(f"{polls - 1}-{n}") for n in range(20)), at=NOW)) == 0


def test_a_full_disk_stops_a_story_but_loses_none(path: Path) -> None:
    """The error names the store; the entry is still pending and is saved when there is room again."""
    with Store.open(path, exclusive=True) as store:
        entries_come(store, feed_is_added(store), an_entry())
        (entry,) = pending(store)
        record = a_record(entry, text="long " * 100_000)
        pages = store.db.execute("pragma page_count").fetchone()[0]
        store.db.execute(f"pragma max_page_count = {pages + 2}")
        with pytest.raises(StoreError, match=r"monitor\.db: database or disk is full"):
            store.save_story(record, policy())
        assert (count(store, "stories"), [one.id for one in pending(store)]) == (0, [entry.id])
        store.db.execute("pragma max_page_count = 1000000")
        assert store.save_story(record, policy()).alerts == 1
        assert store.check() == []
