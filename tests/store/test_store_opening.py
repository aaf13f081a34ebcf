"""Opening a store: made, brought up to date, refused; instances, readers and writers beside one another."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_events import NOW, a_feed, count, feed_is_added

from monitor.errors import StoreError, StoreLocked, StoreTooNew
from monitor.store import Store, schema, views


def test_a_new_store_is_made_with_its_folder(path: Path) -> None:
    """The first command needs no preparation."""
    with Store.open(path) as store:
        assert store.db.journal_mode == "wal"
        assert {"feeds", "stories", "alerts", "stories_fts"} <= set(store.db.table_names())
        assert store.db.execute("pragma foreign_keys").fetchone()[0] == 1
        assert store.db.execute("pragma synchronous").fetchone()[0] == 1


def test_opening_again_changes_nothing(path: Path) -> None:
    """Steps are applied once; what was stored is there."""
    with Store.open(path) as store:
        store.add_feed(a_feed(), NOW)
        applied = store.db.execute("select * from _sqlite_migrations").fetchall()
    with Store.open(path) as store:
        assert [feed.url for feed in store.all_feeds()] == [a_feed().url]
        assert [tuple(row) for row in store.db.execute("select * from _sqlite_migrations")] == [
            tuple(r) for r in applied
        ]


def test_steps_are_recorded_by_name(path: Path) -> None:
    """sqlite-utils' own table says which steps a store has."""
    with Store.open(path) as store:
        names = [name for (name,) in store.db.execute("select name from _sqlite_migrations order by id")]
        assert names == [name for name, _ in schema.STEPS]
        assert store.db.execute("pragma user_version").fetchone()[0] == len(schema.STEPS)


def test_a_store_with_some_steps_gets_the_others(path: Path) -> None:
    """An older store is brought up to date and keeps its rows."""
    from sqlite_utils import Database, Migrations

    path.parent.mkdir()
    old = Migrations("monitor")
    for name, step in schema.STEPS[:2]:
        old(name=name)(step)
    db = Database(path)
    old.apply(db)
    db.execute("insert into feeds (url, config_url, origin, outlet, added_at) values ('u', 'u', 'config', 'o', 'now')")
    db.close()
    with pytest.raises(StoreError, match="older version"):
        Store.open(path, write=False)
    with Store.open(path) as store:
        assert [feed.url for feed in store.all_feeds()] == ["u"]
        assert store.search() == []


def test_a_failing_step_leaves_the_store_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All missing steps are one transaction: half a schema would be worse than an old one."""

    def breaks(db: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with Store.open(path) as store:
        store.add_feed(a_feed(), NOW)
    with monkeypatch.context() as patch:
        more = ("wish", schema._sql("create table wish (id integer);"))
        patch.setattr(schema, "STEPS", (*schema.STEPS, more, ("breaks", breaks)))
        with pytest.raises(StoreError, match="disk I/O error"):
            Store.open(path)
    with Store.open(path) as store:
        assert "wish" not in store.db.table_names()
        assert store.view("v_feed_health")[0]["outlet"] == a_feed().outlet


def test_changed_views_are_renewed_without_a_step(path: Path) -> None:
    """Views hold no data: a store with others than this version's is given these."""
    with Store.open(path) as store:
        store.db.execute("drop view v_threads")
        store.db.execute("create view v_old as select 1 as x")
        store.set_setting("views", "of another version")
    with Store.open(path) as store:
        assert {view.name for view in views.VIEWS} == set(store.db.view_names())


@pytest.mark.parametrize(
    "change",
    [
        "insert into _sqlite_migrations (migration_set, name, applied_at) values ('monitor', 'of_tomorrow', 'x')",
        "pragma user_version = 1000",
    ],
)
@pytest.mark.parametrize("write", [True, False])
def test_a_store_of_a_newer_version_is_refused(path: Path, change: str, write: bool) -> None:
    """Neither written nor read: its columns may mean something else."""
    Store.open(path).close()
    with sqlite3.connect(path) as conn:
        conn.execute(change)
    conn.close()
    with pytest.raises(StoreTooNew, match=r"newer version.*install that version"):
        Store.open(path, write=write)


@pytest.mark.parametrize("write", [True, False])
def test_a_file_that_is_no_database_is_named_so(path: Path, write: bool) -> None:
    """A wrong store.path must not end in a traceback, nor in an overwritten file."""
    path.parent.mkdir()
    path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(StoreError, match="is not an SQLite database"):
        Store.open(path, write=write)
    assert path.read_bytes().startswith(b"Dear diary")


@pytest.mark.parametrize("write", [True, False])
def test_a_database_of_another_program_is_left_alone(path: Path, write: bool) -> None:
    """No table of ours goes into somebody else's file."""
    path.parent.mkdir()
    with sqlite3.connect(path) as conn:
        conn.execute("create table recipes (id integer)")
    conn.close()
    with pytest.raises(StoreError, match="another program"):
        Store.open(path, write=write)


def test_reading_a_store_that_is_not_there_says_how_to_make_one(path: Path) -> None:
    """A reader never makes an empty store."""
    with pytest.raises(StoreError, match=r"no store at .*monitor once"):
        Store.open(path, write=False)
    assert not path.exists()


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    """Not a traceback."""
    (tmp_path / "file").write_text("")
    for exclusive in (False, True):
        with pytest.raises(StoreError, match="file"):
            Store.open(tmp_path / "file" / "monitor.db", exclusive=exclusive)


def test_the_second_instance_is_told_who_holds_the_store(path: Path) -> None:
    """One daemon a store; the message and the error carry its pid, and the exit code is 75."""
    with Store.open(path, exclusive=True):
        with pytest.raises(StoreLocked, match=f"process {os.getpid()}") as raised:
            Store.open(path, exclusive=True)
        assert raised.value.pid == os.getpid()
        assert raised.value.exit_code == 75
    Store.open(path, exclusive=True).close()


def test_a_command_may_write_beside_the_daemon(path: Path) -> None:
    """The lock is for daemons; `feeds add` and `review` work while one runs."""
    with Store.open(path, exclusive=True) as daemon, Store.open(path) as command:
        command.add_feed(a_feed(), NOW)
        assert [feed.url for feed in daemon.due_feeds(NOW, 10)] == [a_feed().url]


def test_a_failed_opening_gives_the_lock_back(path: Path) -> None:
    """Otherwise the next attempt of the same process would blame itself."""
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="not an SQLite"):
        Store.open(path, exclusive=True)
    path.unlink()
    Store.open(path, exclusive=True).close()


def test_the_lock_of_a_killed_instance_is_gone(path: Path) -> None:
    """kill -9 leaves the lock file behind, but not the lock."""
    code = "import sys, time; from monitor.store import Store; s = Store.open(sys.argv[1], exclusive=True); print(1, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(StoreLocked) as raised:
            Store.open(path, exclusive=True)
        assert raised.value.pid == holder.pid
        holder.kill()
    Store.open(path, exclusive=True).close()


def test_a_reader_sees_what_the_daemon_committed(path: Path) -> None:
    """Readers and the writer do not wait for one another."""
    with Store.open(path, exclusive=True) as daemon:
        feed_is_added(daemon)
        with Store.open(path, write=False) as reader, daemon.transaction():
            daemon.add_feed(a_feed("second"), NOW)
            assert len(reader.all_feeds()) == 1


def test_a_reader_cannot_write(path: Path) -> None:
    """write=False is kept by SQLite itself."""
    Store.open(path).close()
    with Store.open(path, write=False) as reader, pytest.raises(StoreError, match="readonly"):
        reader.add_feed(a_feed(), NOW)


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that other users can look into (pytest's own cannot be)."""
    folder = Path(tempfile.mkdtemp(prefix="monitor-store-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def read_as_somebody_else(store: Path) -> str:
    """Outlets in the store, read by a user who can write neither it nor its folder."""
    code = (
        "import os, sys\n"
        "from monitor.store import Store\n"
        "if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "with Store.open(sys.argv[1], write=False) as s: print(*[f.outlet for f in s.all_feeds()])\n"
    )
    store.parent.chmod(0o555)
    done = subprocess.run([sys.executable, "-c", code, str(store)], capture_output=True, text=True, check=False)
    store.parent.chmod(0o755)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_a_stopped_store_can_be_read_where_nothing_can_be_written(shared_folder: Path) -> None:
    """WAL wants a -shm file even for reading; without a -wal file the store is read as it stands."""
    path = shared_folder / "monitor.db"
    with Store.open(path) as store:
        feed_is_added(store)
    assert not path.with_name("monitor.db-wal").exists()
    assert read_as_somebody_else(path) == a_feed().outlet


def test_what_a_reader_leaves_behind_does_not_stop_the_next_one(shared_folder: Path) -> None:
    """A reader cannot remove the empty -wal and the -shm file that it made."""
    path = shared_folder / "monitor.db"
    with Store.open(path) as store:
        feed_is_added(store)
    with Store.open(path, write=False) as reader:
        assert len(reader.all_feeds()) == 1
    assert read_as_somebody_else(path) == a_feed().outlet


def test_a_killed_store_can_be_read_by_its_own_user(shared_folder: Path) -> None:
    """The committed rows are in the -wal file; a reader who may write to the folder finds them."""
    path = shared_folder / "monitor.db"
    code = (
        "import os, sys; from store_events import *\n"
        "store = Store.open(sys.argv[1]); feed_is_added(store); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=Path(__file__).parent, check=False)
    assert path.with_name("monitor.db-wal").stat().st_size > 0
    with Store.open(path, write=False) as reader:
        assert len(reader.all_feeds()) == 1


def test_a_running_store_can_be_read_where_nothing_can_be_written(shared_folder: Path) -> None:
    """The daemon's own -shm file serves readers of other users."""
    path = shared_folder / "monitor.db"
    with Store.open(path) as store:
        feed_is_added(store)
        assert read_as_somebody_else(path) == a_feed().outlet


def test_several_commands_may_make_the_store_at_once(path: Path) -> None:
    """Whoever comes second finds it made."""
    failures: list[StoreError] = []

    def make() -> None:
        try:
            Store.open(path).close()
        except StoreError as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_threads_take_turns(store: Store) -> None:
    """Two threads' transactions on one connection do not mix."""

    def add(name: str) -> None:
        for number in range(20):
            with store.transaction():
                store.add_feed(a_feed(f"{name}{number}"), NOW)
                store.set_feed_state(a_feed(f"{name}{number}").url, "paused")

    workers = [threading.Thread(target=add, args=[name]) for name in ("a", "b")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert count(store, "feeds", "state = 'paused'") == 40


def test_an_error_inside_takes_the_whole_transaction_back(store: Store) -> None:
    """Several methods in one transaction are one hand-over."""
    with pytest.raises(RuntimeError), store.transaction():
        store.add_feed(a_feed(), NOW)
        raise RuntimeError("stop")
    assert store.all_feeds() == []


def test_a_part_may_fail_alone(store: Store) -> None:
    """An error caught inside a transaction costs only its own method's writes."""
    with store.transaction():
        store.add_feed(a_feed(), NOW)
        with pytest.raises(RuntimeError), store.transaction():
            store.add_feed(a_feed("second"), NOW)
            raise RuntimeError("stop")
    assert [feed.url for feed in store.all_feeds()] == [a_feed().url]
