"""When to ask a feed again, and why, in words. Decides only: old state, answer and now go in, a plan comes out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from monitor.errors import FeedError, FetchError
from monitor.model import FeedDocument, FeedState, PollPlan
from monitor.settings import PollSettings

UNKNOWN_RATE = timedelta(minutes=30)  # until a feed has shown how often it publishes
RATE_WINDOW = timedelta(days=14)  # older entries say nothing about today's rate
RATE_ENTRIES = 30
FEWEST_TIMES = 3  # different moments; with fewer there is no rate yet
SHORTEST_SPAN = timedelta(hours=3)  # a batch of entries at one moment is no rate
JITTER = 0.1
ABSURD_WISH = timedelta(hours=24)  # a publisher's wish for less than one poll a day is a mistake: ttl 100000 exists
UNCONDITIONAL_EVERY = timedelta(hours=24)
SLOW_START = timedelta(minutes=30)  # first back-off after an answer that asking again soon cannot help
RETRY_AFTER_MOST = timedelta(hours=24)
GONE_FOR = timedelta(days=30)


def plan_after_success(
    feed: FeedState,
    document: FeedDocument | None,
    headers: Mapping[str, str],
    settings: PollSettings,
    now: datetime,
) -> PollPlan:
    """The next poll after an answer. ``document``: None when the body was unchanged; ``headers``: names in lower case.

    Half the mean time between entries, so that one is found after a quarter of it on average; not sooner than the
    publisher asks for (ttl, sy:update*, Cache-Control, Expires); between the settings' limits; spread by feed.
    """
    interval, reason = _by_rate(feed, document, now)
    for wish, source in _wishes(document, headers, now):
        if wish >= ABSURD_WISH:
            reason += f"; {source} of {in_words(wish)} ignored"
        elif wish > interval:
            interval, reason = wish, f"{source} asks for {in_words(wish)} ({reason})"
    if document is None and feed.interval_s and not feed.failures and _span(feed.interval_s) > interval:
        # the ttl stood in the body that was not read again: what it led to still holds
        interval, reason = _span(feed.interval_s), "unchanged, so the interval stays"
    return _plan(feed, interval, reason, settings, now)


def plan_after_failure(
    feed: FeedState, error: FetchError | FeedError, settings: PollSettings, now: datetime
) -> PollPlan:
    """The next poll after a failure: later with each failure in a row, never beyond ``max_interval`` unless the server
    says so, and never "no more". ``feed.failures`` counts those before this one.
    """
    status = error.status if isinstance(error, FetchError) else None
    if status == 410:
        return PollPlan(now + GONE_FOR, "gone (HTTP 410): asked again in 30 days unless removed", _seconds(GONE_FOR))
    failures = feed.failures + 1
    permanent = isinstance(error, FetchError) and error.permanent
    first = max(SLOW_START if permanent else settings.min_interval, settings.min_interval)
    delay = min(first * 2 ** min(failures - 1, 20), max(settings.max_interval, first))
    nth = "first failure" if failures == 1 else f"{failures} failures in a row"
    plan = _plan(feed, delay, f"{nth}, backing off {in_words(delay)}", settings, now)
    asked = error.retry_after_s if isinstance(error, FetchError) else None
    return plan if asked is None else _not_before(plan, feed.id, asked, now)


def must_poll_unconditionally(feed: FeedState, now: datetime) -> bool:
    """Whether to leave the validators out this time: once a day, since some servers answer 304 for ever."""
    return feed.unconditional_at is None or now - feed.unconditional_at >= UNCONDITIONAL_EVERY


def in_words(delay: timedelta) -> str:
    """``90 min``, ``12 h``, ``3 d``."""
    minutes = delay.total_seconds() / 60
    if minutes < 1:
        return f"{delay.total_seconds():.0f} s"
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} d"


# --- how often a feed publishes --------------------------------------------------------------------------------------


def _by_rate(feed: FeedState, document: FeedDocument | None, now: datetime) -> tuple[timedelta, str]:
    seen = set(feed.entry_times)
    if document is not None:
        seen.update(entry.published_at for entry in document.entries if entry.published_at)
    past = sorted((time for time in seen if time <= now), reverse=True)
    if not past:
        return UNKNOWN_RATE, "rate not yet known"
    times = [time for time in past if time >= now - RATE_WINDOW][:RATE_ENTRIES]
    if not times:
        return RATE_WINDOW, f"nothing new for {in_words(now - past[0])}"
    if len(past) < FEWEST_TIMES:
        gap = (now - times[-1]) / len(times)
        return max(gap / 2, UNKNOWN_RATE), "rate not yet known"
    gap = max(now - times[-1], SHORTEST_SPAN) / len(times)
    return gap / 2, f"publishes every {in_words(gap)}"


# --- what the publisher asks for -------------------------------------------------------------------------------------


def _wishes(document: FeedDocument | None, headers: Mapping[str, str], now: datetime) -> list[tuple[timedelta, str]]:
    """Each wish for silence between two polls, with its source."""
    wishes = []
    if document is not None and document.ttl_s:
        wishes.append((_span(document.ttl_s), "the feed's ttl"))
    fresh = _fresh_for(headers, now)
    if fresh is not None:
        wishes.append(fresh)
    return wishes


def _fresh_for(headers: Mapping[str, str], now: datetime) -> tuple[timedelta, str] | None:
    """RFC 9111, 4.2: max-age before Expires, less the time spent in caches; no-cache and no-store ask for nothing."""
    control = headers.get("cache-control", "").lower()
    if "no-cache" in control or "no-store" in control:
        return None
    max_age = re.search(r'(?<![\w-])max-age\s*=\s*"?(\d{1,9})', control)
    if max_age:
        age = re.match(r"\s*(\d{1,9})\s*$", headers.get("age", ""))
        left = int(max_age[1]) - (int(age[1]) if age else 0)
        return (_span(left), "Cache-Control") if left > 0 else None
    expires = _http_date(headers.get("expires", ""))
    if expires is None or expires <= now:
        return None
    return expires - now, "Expires"


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return None


# --- the plan --------------------------------------------------------------------------------------------------------


def _plan(feed: FeedState, interval: timedelta, reason: str, settings: PollSettings, now: datetime) -> PollPlan:
    if interval < settings.min_interval:
        interval, reason = settings.min_interval, f"{reason}; not under min_interval {in_words(settings.min_interval)}"
    if interval > settings.max_interval:
        interval, reason = settings.max_interval, f"{reason}; not over max_interval {in_words(settings.max_interval)}"
    return PollPlan(now + _spread(feed.id, interval, settings), reason, _seconds(interval))


def _spread(feed_id: int, interval: timedelta, settings: PollSettings) -> timedelta:
    """Up to a tenth later, by feed, so that feeds met together part; earlier where later would be too late."""
    share = _share(feed_id)
    longer = interval * (1 + JITTER * share)
    if longer <= settings.max_interval:
        return longer
    return max(interval * (1 - JITTER * share), settings.min_interval)


def _not_before(plan: PollPlan, feed_id: int, asked_s: float, now: datetime) -> PollPlan:
    """Retry-After: whatever the limits in the config say, but never more than a day."""
    asked = _span(max(0.0, asked_s))
    if asked > RETRY_AFTER_MOST:
        return PollPlan(
            now + RETRY_AFTER_MOST,
            f"the server asks to wait {in_words(asked)}; we wait {in_words(RETRY_AFTER_MOST)}",
            _seconds(RETRY_AFTER_MOST),
        )
    if now + asked <= plan.next_poll_at:
        return plan
    later = min(asked * (1 + JITTER * _share(feed_id)), RETRY_AFTER_MOST)
    return PollPlan(now + later, f"the server asks to wait {in_words(asked)}", _seconds(asked))


def _share(feed_id: int) -> float:
    """0 to 1, the same for a feed every time, spread evenly over feeds."""
    return int.from_bytes(hashlib.blake2b(str(feed_id).encode(), digest_size=4).digest(), "big") / 2**32


def _span(seconds: float) -> timedelta:
    return timedelta(seconds=min(seconds, 10**9))


def _seconds(delay: timedelta) -> int:
    return round(delay.total_seconds())
