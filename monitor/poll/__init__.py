"""Feed bytes -> entries, and when to ask again. Pure: fetches nothing, stores nothing, and time comes in as ``now``."""

from __future__ import annotations

import hashlib

from monitor.poll.discover import discover_feeds
from monitor.poll.moves import Move, follow_moves
from monitor.poll.parse import parse_feed
from monitor.poll.reading import NeedsTolerantParser
from monitor.poll.schedule import must_poll_unconditionally, plan_after_failure, plan_after_success

__all__ = [
    "Move",
    "NeedsTolerantParser",
    "body_hash",
    "discover_feeds",
    "follow_moves",
    "must_poll_unconditionally",
    "parse_feed",
    "plan_after_failure",
    "plan_after_success",
]


def body_hash(body: bytes) -> str:
    """BLAKE2b of a body (16 bytes, in hexadecimal): equal bodies need no second parse."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()
