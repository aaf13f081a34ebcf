"""Small facts that outlive the process (when the last cycle ended, ...), as JSON by name. SQL of ``settings``."""

from __future__ import annotations

import sqlite3
from typing import Any

from monitor.store.columns import from_value, to_value


def read(conn: sqlite3.Connection, key: str) -> Any:
    """The value kept under this name; None when there is none."""
    row = conn.execute("select value from settings where key = ?", (key,)).fetchone()
    return to_value(row["value"]) if row else None


def keep(conn: sqlite3.Connection, key: str, value: Any) -> None:
    """Keep a JSON value under this name, in place of an earlier one."""
    conn.execute(
        "insert into settings (key, value) values (?, ?) on conflict (key) do update set value = excluded.value",
        (key, from_value(value)),
    )
