"""What robots.txt allows (RFC 9309): asked once a day for each site, kept in memory.

Decides by protego; how the file is fetched is a function it is given.
"""

from __future__ import annotations

import asyncio
import re
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
_LONG_TEXT = 50_000  # takes protego some 20 ms: longer ones are parsed beside the loop
_AGENT_LINE = re.compile(r"user[- ]?agent\b[\s:]*(.*)", re.IGNORECASE)
_SITE_LINE = re.compile(r"(?:site-?maps?|host)\b", re.IGNORECASE)  # stands anywhere, ends no group

Fetch = Callable[[str], Awaitable[tuple[int, bytes]]]  # URL -> status, body up to BYTES_MAX; raises FetchError


@dataclass(frozen=True, slots=True)
class Rules:
    """What one site allows, until when that is believed."""

    until: float
    packed: bytes  # the groups for us, zlib-compressed: thousands of sites are kept, few are in use at a time
    is_long: bool = False
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
        robots = await asyncio.to_thread(_parsed, rules.packed) if rules.is_long else _parsed(rules.packed)
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
            if error.retry_after_s:  # the host is left alone for so long anyway
                raise
            if error.status is None or error.status == 429 or error.status >= 500:  # 2.3.1.4: complete disallow
                return Rules(self._clock() + KEEP_UNREACHABLE_S, b"", unreachable=_reason(error))
            status, body = error.status, b""
        text = (
            groups_for(self._agent, body.decode("utf-8", "replace")) if status < 300 else ""
        )  # 2.3.1.3: 4xx allows all
        packed = zlib.compress(text.encode()) if text else b""
        return Rules(self._clock() + KEEP_S, packed, is_long=len(text) > _LONG_TEXT)

    def _remember(self, site: str, rules: Rules) -> None:
        self._sites.pop(site, None)
        self._sites[site] = rules
        if len(self._sites) > _SITES_MAX:
            del self._sites[next(iter(self._sites))]


def groups_for(agent: str, text: str) -> str:
    """The groups of a robots.txt that may concern ``agent``: those that name it, and those for everybody.

    Most of a newspaper's file is about others; what is left takes a tenth of the memory and of protego's time. Which of
    the groups counts is protego's to say.
    """
    kept: list[str] = []
    wanted, among_agents = False, False
    for raw_line in text.splitlines():
        line = raw_line.partition("#")[0].strip()
        if not line or _SITE_LINE.match(line):
            continue
        names = _AGENT_LINE.match(line)
        if names is None:
            among_agents = False
        else:
            name = names[1].strip().lower()
            wanted = (wanted and among_agents) or name == "*" or name.replace("*", "") in agent.lower()
            among_agents = True
        if wanted:
            kept.append(line)
    return "\n".join(kept)


@lru_cache(maxsize=512)
def _parsed(packed: bytes) -> Protego:
    return Protego.parse(zlib.decompress(packed).decode())


def _delay_s(robots: Protego, agent: str) -> float | None:
    rate = robots.request_rate(agent)
    delays = [robots.crawl_delay(agent), rate.seconds / rate.requests if rate else None]
    return max((delay for delay in delays if delay), default=None)


def _reason(error: FetchError) -> str:
    return f"HTTP {error.status}" if error.status else str(error).partition(": ")[2] or str(error)
