"""How Python values stand in columns and come back: times, JSON, text. Contains no SQL."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

# SQLite text must be UTF-8, and most of its functions stop at NUL; both are replaced one for one, so offsets stay
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def utc(moment: datetime) -> datetime:
    """The same moment in UTC. A careless date must not stop its story: without a zone it is taken as UTC."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # in the year 1 or 9999, with an offset that leads out of it
        return moment.replace(tzinfo=UTC)


def from_time(moment: datetime | None) -> str | None:
    """A time as ``2026-11-05T07:40:00Z``: always this width, so that text order is time order; no fractions."""
    return None if moment is None else utc(moment).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def to_time(text: str | None) -> datetime | None:
    """The inverse of ``from_time``."""
    return datetime.fromisoformat(text) if text else None


def required_time(text: str) -> datetime:
    """``to_time`` for columns that are never NULL."""
    return datetime.fromisoformat(text)


def from_text(text: str) -> str:
    """``text`` with the few characters that SQLite cannot keep replaced by U+FFFD; its length does not change."""
    return text if text.isascii() and "\0" not in text else _UNSTORABLE.sub("\ufffd", text)


def from_optional(text: str | None) -> str | None:
    """``from_text`` for columns that may be NULL."""
    return None if text is None else from_text(text)


def from_value(value: Any) -> str:
    """A value as JSON, readable as it stands (no escapes for other scripts). Raises ValueError for NaN and infinity."""
    return from_text(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


def to_value(text: str | None) -> Any:
    """The inverse of ``from_value``; NULL is None."""
    return None if text is None else json.loads(text)
