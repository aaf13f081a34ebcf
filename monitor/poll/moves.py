"""Whether a feed has moved for good: counts equal permanent redirects. Decides only; asks nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from monitor.model import FeedState, Response
from monitor.urls import host_of, is_public_address

EQUAL_ANSWERS = 5
OVER = timedelta(days=3)
_PERMANENT = frozenset({301, 308})
_LOCAL_NAMES = (
    "localhost",
    ".localhost",
    ".local",
    ".internal",
    ".lan",
    ".home",
    ".corp",
    ".intranet",
    ".home.arpa",
    ".onion",
)


@dataclass(frozen=True, slots=True)
class Move:
    """What is known of a feed's move after one more answer."""

    moved_to: str | None  # target of the permanent redirects being counted
    moved_count: int
    moved_since: datetime | None
    new_url: str | None  # set once the stored URL is to be rewritten


_NO_MOVE = Move(None, 0, None, None)


def follow_moves(feed: FeedState, response: Response, now: datetime) -> Move:
    """Count one answer. ``new_url`` is set at the fifth equal answer, if three days have passed since the first.

    Only a chain of nothing but 301 and 308 counts; another answer or another target starts the count again. A target
    that is private, less safe (https to http) or carries a password is followed but never counted: a rewritten URL
    would let a stranger point us at our own network for good.
    """
    target = response.final_url
    permanent = bool(response.redirects) and all(status in _PERMANENT for status, _ in response.redirects)
    if not permanent or target == feed.url or not _may_be_kept(feed.url, target):
        return _NO_MOVE
    if target != feed.moved_to or feed.moved_since is None:
        return Move(target, 1, now, None)
    count = feed.moved_count + 1
    settled = count >= EQUAL_ANSWERS and now - feed.moved_since >= OVER
    return Move(target, count, feed.moved_since, target if settled else None)


def _may_be_kept(old: str, new: str) -> bool:
    try:
        parts = urlsplit(new)
        secret = parts.username or parts.password
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or secret:
        return False
    if parts.scheme == "http" and old.lower().startswith("https:"):
        return False
    return _is_public_host(host_of(new))


def _is_public_host(host: str) -> bool:
    """By its spelling: what the name resolves to is the fetcher's to check, at each connection."""
    if ":" in host or host.rpartition(".")[2].isdigit() or host.rpartition(".")[2].startswith("0x"):
        return is_public_address(host)
    return "." in host and not host.endswith(_LOCAL_NAMES)
