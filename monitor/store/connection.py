"""sqlite3 and files: opening a store with the right pragmas, transactions, the instance lock. Knows no table."""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.errors import StoreError, StoreLocked

JOURNAL_LIMIT = 64 * 1024**2  # bytes; a -wal file that grew beyond it is cut back at the next checkpoint

_NOT_WRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def connect(path: Path, *, write: bool, busy_timeout_s: float, stays: bool = False) -> sqlite3.Connection:
    """Open the file with our pragmas; a missing one is created when ``write``.

    ``stays``: a reader that is kept open for hours; never takes the file for one that nobody writes to.

    Raises:
        StoreError: there is no such file (when reading), it is no SQLite database, or it may not be opened.
    """
    try:
        return _connect_to_write(path, busy_timeout_s) if write else _connect_to_read(path, busy_timeout_s, stays)
    except (sqlite3.Error, OSError) as error:
        raise store_error(path, error) from error


def _connect_to_write(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    conn = _open(str(path), busy_timeout_s, uri=False)
    with closing_on_error(conn):
        conn.execute("pragma journal_mode = wal")
        conn.execute("pragma synchronous = normal")
        conn.execute("pragma foreign_keys = on")
        conn.execute(f"pragma journal_size_limit = {JOURNAL_LIMIT}")
    return conn


def _connect_to_read(path: Path, busy_timeout_s: float, stays: bool) -> sqlite3.Connection:
    if not path.exists():
        raise StoreError(f"there is no store at {path}; `monitor once` or `monitor run` makes one")
    uri = path.resolve().as_uri() + "?mode=ro"
    try:
        conn = _open(uri, busy_timeout_s, uri=True)
    except sqlite3.OperationalError as error:
        # WAL needs its -shm file even for reading. When the daemon is stopped there is none, and who may not write to
        # the folder cannot make one. Without a -wal file nobody is writing, and the file can be read as it stands.
        if stays or error.sqlite_errorcode & 0xFF not in _NOT_WRITABLE or _wal_holds_rows(path):
            raise
        conn = _open(uri + "&immutable=1", busy_timeout_s, uri=True)
    with closing_on_error(conn):
        conn.execute("pragma query_only = on")
    return conn


def _wal_holds_rows(path: Path) -> bool:
    wal = path.with_name(path.name + "-wal")
    return wal.exists() and wal.stat().st_size > 0


def _open(name: str, busy_timeout_s: float, *, uri: bool) -> sqlite3.Connection:
    # isolation_level None: we say BEGIN ourselves. The caller (Store) lets one thread at a time in.
    conn = sqlite3.connect(name, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False, uri=uri)
    conn.row_factory = sqlite3.Row
    with closing_on_error(conn):
        conn.execute("pragma temp_store = memory")
        conn.execute("pragma schema_version").fetchone()  # reads the header: "file is not a database" comes here
    return conn


@contextmanager
def closing_on_error(conn: sqlite3.Connection) -> Iterator[None]:
    """Close the connection when the block fails."""
    try:
        yield
    except BaseException:
        conn.close()
        raise


@contextmanager
def transaction(conn: sqlite3.Connection) -> Iterator[None]:
    """All of the block or nothing of it; inside another transaction, a part that can fail alone.

    IMMEDIATE: the write lock is waited for at the start. A transaction that began by reading cannot wait for it later.
    """
    if conn.in_transaction:
        name = f"part_{secrets.token_hex(4)}"
        begin, commit, undo = f"savepoint {name}", f"release {name}", f"rollback to {name}"
    else:
        begin, commit, undo = "begin immediate", "commit", "rollback"
    conn.execute(begin)
    try:
        yield
        conn.execute(commit)
    except BaseException:
        if conn.in_transaction:  # some errors (disk full) end the transaction themselves
            conn.execute(undo)
            if undo != "rollback":
                conn.execute(commit)
        raise


def store_error(path: object, error: Exception) -> StoreError:
    """What sqlite3 or the system said, in words that name the store."""
    text = str(error)
    if isinstance(error, StoreError):
        return error
    if "not a database" in text:
        return StoreError(f"{path} is not an SQLite database; name another file in store.path")
    if "is locked" in text:
        return StoreError(f"store {path}: another program has been writing for too long; tried again later ({text})")
    return StoreError(f"store {path}: {text}")


class InstanceLock:
    """One daemon a store: an advisory lock on ``<store>.lock`` that ends with the process, however it ends.

    flock, not lockf: it also holds against a second opening within one process, and closing another handle of the file
    does not release it. The file stays: removing it would let two processes lock two files of the same name.
    """

    def __init__(self, store: Path) -> None:
        """Take the lock. Raises StoreLocked when another process holds it, StoreError when the file cannot be made."""
        path = store.with_name(store.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+", encoding="ascii")
        except OSError as error:
            raise StoreError(f"cannot make the lock file {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = self._pid()
            self._file.close()
            raise StoreLocked(store, pid) from None
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def _pid(self) -> int | None:
        self._file.seek(0)
        text = self._file.read(32).strip()
        return int(text) if text.isdigit() else None

    def release(self) -> None:
        """Let another process have the store."""
        self._file.close()
