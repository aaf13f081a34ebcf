"""How log lines look: one event a line on stderr, plain or JSON, with the same keys everywhere (feed=, entry=, story=).

Under systemd a line starts with its syslog priority ("<4>", sd-daemon(3)) and has no time: the journal keeps both.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


def set_up(environ: Mapping[str, str] = os.environ, *, level: str = "INFO") -> None:
    """Send the program's log to stderr. ``LOG_FORMAT=json`` and ``LOG_LEVEL`` in ``environ`` override."""
    handler = logging.StreamHandler(sys.stderr)
    if environ.get("LOG_FORMAT") == "json":
        handler.setFormatter(JsonLines())
    else:
        handler.setFormatter(PlainLines(journal="JOURNAL_STREAM" in environ))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(environ.get("LOG_LEVEL", level).upper())
    for noisy in ("httpx", "httpcore", "apscheduler", "trafilatura", "htmldate", "asyncio", "distributed"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class PlainLines(logging.Formatter):
    """``level event key=value key="two words"``."""

    def __init__(self, *, journal: bool = False) -> None:
        super().__init__()
        self.journal = journal

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line (a traceback, where there is one, on lines of its own)."""
        pairs = " ".join(f"{key}={_quoted(value)}" for key, value in _fields(record).items())
        line = f"{record.levelname.lower()} {record.getMessage()}" + (f" {pairs}" if pairs else "")
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        if self.journal:
            return f"<{_PRIORITY.get(record.levelno, 6)}>{line}"
        return f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%SZ} {line}"


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, event and the event's own keys."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one JSON object."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _OWN and value is not None}


def _quoted(value: object) -> str:
    text = str(value)
    plain = text and not any(char in ' "=' or not char.isprintable() for char in text)
    return text if plain else json.dumps(text, ensure_ascii=False)
