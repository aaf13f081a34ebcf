"""When a host may be asked: how many requests at once, how far apart, and not before the time it named itself.

Knows hosts by name only and sends nothing. Time is the monotonic clock it is given, in seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

RETRY_AFTER_MAX_S = 86400.0
CRAWL_DELAY_MAX_S = 30.0
_LANES_BEFORE_CLEARING = 1000


class HostHeld(Exception):
    """The host answered ``status`` and wants no requests for another ``remaining_s`` seconds."""

    def __init__(self, host: str, status: int, remaining_s: float) -> None:
        super().__init__(f"not asked: {host} answered {status} and wants no requests for another {remaining_s:.0f} s")
        self.status = status
        self.remaining_s = remaining_s


@dataclass(slots=True)
class Lane:
    """The turns of one host."""

    host: str
    slots: asyncio.Semaphore
    delay_s: float
    next_start: float = 0.0  # no request begins before
    demand: int = 0  # requests that wait or run
    held_until: float = 0.0  # Retry-After
    held_status: int = 0  # the answer that asked for it


class Politeness:
    """Gives turns: at most ``per_host`` at once and ``delay_s`` apart for each host, ``connections`` at once in all."""

    def __init__(
        self,
        *,
        per_host: int,
        delay_s: float,
        connections: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._per_host = per_host
        self._delay_s = delay_s
        self._connections = asyncio.Semaphore(connections)
        self._clock = clock
        self._sleep = sleep
        self._lanes: dict[str, Lane] = {}
        self._clear_at = _LANES_BEFORE_CLEARING

    async def enter(self, host: str) -> Lane:
        """Wait for a turn at ``host``, to be given back with ``leave``. Raises HostHeld while it wants no requests."""
        lane = self._lane(host)
        self._check_not_held(lane)
        lane.demand += 1
        try:
            await lane.slots.acquire()
            try:
                await self._wait_for_start(lane)
            except BaseException:
                lane.slots.release()
                raise
        except BaseException:
            lane.demand -= 1
            raise
        return lane

    def leave(self, lane: Lane) -> None:
        """The turn is over."""
        self._connections.release()
        lane.slots.release()
        lane.demand -= 1

    def hold(self, host: str, seconds: float, status: int) -> float:
        """``host`` answered ``status`` with Retry-After: no request for so long, a day at most. Returns the seconds."""
        seconds = min(max(seconds, 0.0), RETRY_AFTER_MAX_S)
        lane = self._lane(host)
        lane.held_until = max(lane.held_until, self._clock() + seconds)
        lane.held_status = status
        return seconds

    def slow_down(self, host: str, delay_s: float) -> None:
        """``host`` asks for ``delay_s`` between requests (Crawl-delay); never less than our own delay, at most 30 s."""
        self._lane(host).delay_s = max(self._delay_s, min(delay_s, CRAWL_DELAY_MAX_S))

    async def _wait_for_start(self, lane: Lane) -> None:
        """Until the host's delay has passed and a connection is free; no connection is held while the delay passes."""
        while True:
            self._check_not_held(lane)
            wait_s = lane.next_start - self._clock()
            if wait_s > 0:
                await self._sleep(wait_s)
                continue
            await self._connections.acquire()
            now = self._clock()
            if lane.next_start <= now and lane.held_until <= now:
                lane.next_start = now + lane.delay_s
                return
            self._connections.release()

    def _check_not_held(self, lane: Lane) -> None:
        remaining = lane.held_until - self._clock()
        if remaining > 0:
            raise HostHeld(lane.host, lane.held_status, remaining)

    def _lane(self, host: str) -> Lane:
        lane = self._lanes.get(host)
        if lane is None:
            if len(self._lanes) >= self._clear_at:
                self._forget_idle_hosts()
            lane = self._lanes[host] = Lane(host, asyncio.Semaphore(self._per_host), self._delay_s)
        return lane

    def _forget_idle_hosts(self) -> None:
        now = self._clock()
        self._lanes = {
            host: lane
            for host, lane in self._lanes.items()
            if lane.demand or lane.next_start > now or lane.held_until > now
        }
        self._clear_at = max(_LANES_BEFORE_CLEARING, 2 * len(self._lanes))


def retry_after_s(value: str, date: str | None, now_s: float) -> float | None:
    """A Retry-After header in seconds from now (RFC 9110, 10.2.3: a number or a date); None for what is neither.

    ``date``: the answer's Date header, which a date counts from where there is one, so that clocks need not agree; else
    it counts from ``now_s``, in seconds since 1970.
    """
    value = value.strip()
    if value.isascii() and value.replace(".", "", 1).isdigit():
        return float(value)
    until_s = _http_date_s(value)
    if until_s is None:
        return None
    server_s = _http_date_s(date or "")
    return until_s - (now_s if server_s is None else server_s)


def _http_date_s(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
