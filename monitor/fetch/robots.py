"""What robots.txt allows (RFC 9309): asked once a day for each site, kept in memory.

Decides by protego; how the file is fetched is a function it is given.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache

from protego import Protego

from monitor.errors import AddressRefused, FetchError

KEEP_S = 86400.0  # RFC 9309, 2.4: no longer than 24 hours
KEEP_UNREACHABLE_S = 600.0
BYTES_MAX = 500 * 1024  # RFC 9309, 2.5: at least so much must be read
_SITES_MAX = 5000

Fetch = Callable[[str], Awaitable[tuple[int, bytes]]]  # URL -> status, body up to BYTES_MAX; raises FetchError


@dataclass(frozen=True, slots=True)
class Rules:
    """What one site allows, until when that is believed."""

    until: float
    packed: bytes  # the text, zlib-compressed: thousands of sites are kept, few are in use at a time
    unreachable: str = ""  # why nobody knows


class Robots:
    """Asks sites for their robots.txt and remembers the answer."""

    def __init__(self, fetch: Fetch, user_agent: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._agent = user_agent.partition("/")[0].strip()  # the product token, which is what the files name
        self._clock = clock
        self._sites: dict[str, Rules] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def check(self, site: str, url: str) -> float | None:
        """The Crawl-delay in seconds, if any, that ``site`` (scheme://host:port) wants. Raises FetchError when it
        disallows ``url`` (permanent), or when its robots.txt cannot be had: then everything is disallowed for a while.
        """
        rules = self._known(site) or await self._ask(site)
        if rules.unreachable:
            raise FetchError(
                f"{url}: not asked, because {site}/robots.txt cannot be had ({rules.unreachable}); "
                f"asked again in {(rules.until - self._clock()) / 60:.0f} min"
            )
        if not rules.packed:
            return None
        robots = _parsed(rules.packed)
        if not robots.can_fetch(url, self._agent):
            raise FetchError(f"{url}: not asked, because {site}/robots.txt disallows it", permanent=True)
        return _delay_s(robots, self._agent)

    def _known(self, site: str) -> Rules | None:
        rules = self._sites.get(site)
        return rules if rules is not None and rules.until > self._clock() else None

    async def _ask(self, site: str) -> Rules:
        lock = self._asking.setdefault(site, asyncio.Lock())
        try:
            async with lock:  # one asks, the others wait for its answer
                rules = self._known(site)
                if rules is None:
                    rules = await self._read(site)
                    self._remember(site, rules)
                return rules
        finally:
            if not lock.locked():
                self._asking.pop(site, None)

    async def _read(self, site: str) -> Rules:
        try:
            status, body = await self._fetch(f"{site}/robots.txt")
        except AddressRefused:
            raise
        except FetchError as error:
            if error.status is None or error.status == 429 or error.status >= 500:  # 2.3.1.4: complete disallow
                return Rules(self._clock() + KEEP_UNREACHABLE_S, b"", unreachable=_reason(error))
            status, body = error.status, b""
        text = body if status < 300 else b""  # 2.3.1.3: without a file (4xx) everything is allowed
        return Rules(self._clock() + KEEP_S, zlib.compress(text) if text.strip() else b"")

    def _remember(self, site: str, rules: Rules) -> None:
        self._sites.pop(site, None)
        self._sites[site] = rules
        if len(self._sites) > _SITES_MAX:
            del self._sites[next(iter(self._sites))]


@lru_cache(maxsize=128)
def _parsed(packed: bytes) -> Protego:
    return Protego.parse(zlib.decompress(packed).decode("utf-8", "replace"))


def _delay_s(robots: Protego, agent: str) -> float | None:
    rate = robots.request_rate(agent)
    delays = [robots.crawl_delay(agent), rate.seconds / rate.requests if rate else None]
    return max((delay for delay in delays if delay), default=None)


def _reason(error: FetchError) -> str:
    return f"HTTP {error.status}" if error.status else str(error).partition(": ")[2] or str(error)
