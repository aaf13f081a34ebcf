"""Backup: a whole copy of the store while it is in use, and checking one."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from monitor.errors import StoreError
from monitor.store.connection import store_error


def backup(source: sqlite3.Connection, path: Path, dest: Path, *, overwrite: bool) -> None:
    """Copy the store to ``dest`` by SQLite's online backup; ``dest`` is there whole or not at all.

    The copy is one file without -wal, so that it can be read from a folder that is not writable.

    Raises:
        StoreError: ``dest`` exists (without ``overwrite``), is the store itself, or cannot be written.
    """
    if dest.exists() and dest.samefile(path):
        raise StoreError(f"{dest} is the store itself; name another file")
    if dest.exists() and not overwrite:
        raise StoreError(f"{dest} exists; remove it first, or name another file")
    partial = dest.with_name(f"{dest.name}.partial-{os.getpid()}")
    try:
        _copy(source, partial)
        partial.replace(dest)
        _sync_folder(dest.parent)
    except (sqlite3.Error, OSError) as error:
        raise store_error(dest, error) from error
    finally:
        partial.unlink(missing_ok=True)


def check(conn: sqlite3.Connection) -> list[str]:
    """What is wrong with the file, its references and its full-text index; empty: nothing. Reads everything."""
    problems = [text for (text,) in conn.execute("pragma integrity_check") if text != "ok"]
    for row in conn.execute("pragma foreign_key_check"):
        problems.append(f"row {row[1]} of {row[0]} points to a row of {row[2]} that is not there")
    if not conn.execute("pragma query_only").fetchone()[0]:
        try:
            conn.execute("insert into stories_fts (stories_fts, rank) values ('integrity-check', 1)")
        except sqlite3.OperationalError:  # locked, or the disk: says nothing about the file
            raise
        except sqlite3.DatabaseError as error:
            problems.append(f"the full-text index differs from the stories: {error}")
    return problems


def _copy(source: sqlite3.Connection, partial: Path) -> None:
    partial.unlink(missing_ok=True)
    copy = sqlite3.connect(partial, isolation_level=None)
    try:
        source.backup(copy)  # all pages in one step: a writer beside us cannot make it start again
        copy.execute("pragma journal_mode = delete")
        if copy.execute("pragma quick_check").fetchone()[0] != "ok":
            raise StoreError(f"the copy in {partial} is damaged; check the disk, then try again")
    finally:
        copy.close()
    with partial.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
