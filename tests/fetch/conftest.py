"""A server that misbehaves, a clock that is moved instead of waited for, and a fetcher that may talk to the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from servers import BadServer

from monitor.fetch import Fetcher
from monitor.settings import FetchSettings


@pytest.fixture
def bad_server() -> Iterator[BadServer]:
    """A real server on loopback that does what the test tells it."""
    with BadServer() as server:
        yield server


class MovedClock:
    """Monotonic seconds that pass only by ``sleep``."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


@pytest.fixture
def clock() -> MovedClock:
    """A clock that stands at 1000 s."""
    return MovedClock()


@pytest.fixture
def fetcher_for(bad_server: BadServer, clock: MovedClock) -> Callable[..., Fetcher]:
    """Makes a fetcher that may connect to the bad server, and only there, on the moved clock."""

    def make(*, lookup: Any = None, wall_clock: Any = None, **settings: Any) -> Fetcher:
        settings = {"allow_private": (bad_server.address,), "timeout": "5s", **settings}
        more = {"wall_clock": wall_clock} if wall_clock else {}
        return Fetcher(FetchSettings(**settings), lookup=lookup, clock=clock, sleep=clock.sleep, **more)

    return make
