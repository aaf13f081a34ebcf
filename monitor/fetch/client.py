"""The way of one request: wait for a turn, ask, follow redirects, read the body, say what came of it."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import unquote

import httpx

from monitor import __version__
from monitor.errors import AddressRefused, FetchError
from monitor.fetch import failures
from monitor.fetch.guard import Guard, Lookup, asked_host
from monitor.fetch.limits import BodyRefused, read_body
from monitor.fetch.politeness import HostHeld, Politeness, retry_after_s
from monitor.fetch.robots import BYTES_MAX, Robots
from monitor.fetch.transport import CookielessClient, GuardedTransport
from monitor.model import Response
from monitor.settings import FetchSettings
from monitor.urls import absolute_url

REDIRECTS_MAX = 10
CONNECT_TIMEOUT_MAX_S = 10.0
ACCEPT_ENCODING = b"gzip, deflate, zstd"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
RawHeaders = list[tuple[bytes, bytes]]
_BUSY = frozenset({429, 503})  # where Retry-After is obeyed, for the whole host


class Fetcher:
    """Asks servers for feeds and pages. An async context manager; outside of one, call ``aclose``.

    ``lookup`` resolves host names; ``clock`` (monotonic seconds), ``sleep`` and ``wall_clock`` (seconds since 1970)
    are the time.
    """

    def __init__(
        self,
        settings: FetchSettings,
        *,
        lookup: Lookup | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._timeout_s = settings.timeout.total_seconds()
        self._max_bytes = settings.max_bytes
        self._obey_robots = settings.obey_robots
        self._user_agent = settings.user_agent or default_user_agent()
        self._wall_clock = wall_clock
        self._politeness = Politeness(
            per_host=settings.per_host,
            delay_s=settings.per_host_delay.total_seconds(),
            connections=settings.connections,
            clock=clock,
            sleep=sleep,
        )
        self._robots = Robots(self._robots_txt, self._user_agent, clock=clock)
        transport = GuardedTransport(
            Guard(settings.allow_private),
            lookup=lookup,
            connections=settings.connections,
            connect_timeout_s=min(CONNECT_TIMEOUT_MAX_S, self._timeout_s / 2),
        )
        self._client = CookielessClient(transport=transport, trust_env=False, timeout=None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def get(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        accept: str | None = None,
        obey_robots: bool = False,
    ) -> Response:
        """What the server answers for ``url``: 2xx with its body, or 304 where ``etag`` or ``last_modified`` was given.

        The validators are sent byte for byte; ``accept`` is the Accept header. With ``obey_robots`` (and
        fetch.obey_robots) robots.txt is asked first, at each redirect too. User and password in the URL are sent to
        its own origin only. Waiting for the host's turn does not count towards fetch.timeout.

        Raises FetchError for everything else (``status``, ``retry_after_s`` and ``permanent`` say what kind), and
        AddressRefused when the URL, or one that it redirects to, is not http(s) or leads to an address not allowed.
        """
        trip = _Trip(
            headers=self._headers(accept, etag, last_modified),
            max_bytes=self._max_bytes,
            left_s=self._timeout_s,
            obey_robots=obey_robots and self._obey_robots,
        )
        answer = await self._follow(url, trip)
        if answer.status == 304 and not (etag or last_modified):
            raise FetchError(f"{answer.url}: HTTP 304 Not Modified, though nothing was said to be known", status=304)
        return Response(
            url=url,
            final_url=answer.url,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            elapsed_ms=round((self._timeout_s - trip.left_s) * 1000),
            redirects=tuple(trip.redirects),
        )

    async def _follow(self, url: str, trip: _Trip) -> _Answer:
        """The answer at the end of the redirects: 2xx or 304."""
        start = target = _target(url)
        seen = {start.text}
        while True:
            answer = await self._visit(target, trip)
            if 200 <= answer.status < 300 or answer.status == 304:
                return answer
            if answer.status not in _REDIRECTS:
                raise self._refusal(target, answer)
            target = _redirected(target, answer)
            trip.redirects.append((answer.status, target.text))
            if target.text in seen:
                raise FetchError(f"{start.text}: redirects in a circle, back to {target.text}", status=answer.status)
            if len(trip.redirects) > REDIRECTS_MAX:
                raise FetchError(
                    f"{start.text}: more than {REDIRECTS_MAX} redirects, last to {target.text}", status=answer.status
                )
            seen.add(target.text)

    async def _visit(self, target: _Target, trip: _Trip) -> _Answer:
        """One request, in its turn and within the time that is left."""
        if trip.obey_robots:
            delay_s = await self._robots.check(target.site, target.text)
            if delay_s:
                self._politeness.slow_down(target.host, delay_s)
        try:
            turn = await self._politeness.enter(target.host)
        except HostHeld as error:
            raise failures.of_exception(target.text, error, self._timeout_s) from error
        began = time.perf_counter()
        try:
            async with asyncio.timeout(trip.left_s):
                return await self._ask(target, trip, alone=turn.demand == 1)
        except Exception as error:
            raise failures.of_exception(target.text, error, self._timeout_s) from error
        finally:
            self._politeness.leave(turn)
            trip.left_s -= time.perf_counter() - began

    async def _ask(self, target: _Target, trip: _Trip, *, alone: bool) -> _Answer:
        headers = list(trip.headers)
        if target.authorization:
            headers.append((b"Authorization", target.authorization))
        if alone and not trip.obey_robots:
            # nobody else waits for this host, and a feed is asked minutes later again: a kept connection would only be
            # one of thousands. Pages (obey_robots) come in runs
            headers.append((b"Connection", b"close"))
        asked_host.set(target.url.host)
        response = await self._client.send(httpx.Request("GET", target.url, headers=headers), stream=True)
        try:
            answer = _Answer(target.text, response.status_code, _headers_of(response))
            if 200 <= answer.status < 300:
                answer.body = await self._body(answer.headers, response, trip)
            return answer
        finally:
            await response.aclose()

    async def _body(self, headers: dict[str, str], response: httpx.Response, trip: _Trip) -> bytes:
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > trip.max_bytes and not trip.cut:
            raise BodyRefused(f"{int(length)} bytes, more than {trip.max_bytes} (fetch.max_bytes)", permanent=True)
        chunks = response.extensions["chunks"]
        return await read_body(chunks, headers.get("content-encoding", ""), trip.max_bytes, cut=trip.cut)

    def _refusal(self, target: _Target, answer: _Answer) -> FetchError:
        seconds = None
        if answer.status in _BUSY and "retry-after" in answer.headers:
            seconds = retry_after_s(answer.headers["retry-after"], answer.headers.get("date"), self._wall_clock())
            if seconds is not None:
                seconds = self._politeness.hold(target.host, seconds, answer.status)
        return failures.of_status(target.text, answer.status, seconds)

    async def _robots_txt(self, url: str) -> tuple[int, bytes]:
        """For Robots: the file, cut at its limit."""
        headers = self._headers("text/plain, */*;q=0.5", None, None)
        trip = _Trip(headers=headers, max_bytes=BYTES_MAX, left_s=self._timeout_s, cut=True)
        answer = await self._follow(url, trip)
        return answer.status, answer.body

    def _headers(self, accept: str | None, etag: str | None, last_modified: str | None) -> RawHeaders:
        headers = [
            (b"User-Agent", self._user_agent.encode()),
            (b"Accept", (accept or "*/*").encode()),
            (b"Accept-Encoding", ACCEPT_ENCODING),
        ]
        if etag:
            headers.append((b"If-None-Match", etag.encode()))
        if last_modified:
            headers.append((b"If-Modified-Since", last_modified.encode()))
        return headers


def default_user_agent() -> str:
    """``accession-monitor/1.2.3 (+URL)``, with the homepage that the package's metadata name."""
    from importlib import metadata

    name = "accession-monitor"
    try:
        urls = metadata.metadata(name).get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        urls = []
    homepage = next((url.partition(",")[2].strip() for url in urls if url.lower().startswith("homepage")), "")
    return f"{name}/{__version__}" + (f" (+{homepage})" if homepage else "")


@dataclass(slots=True)
class _Trip:
    """What one ``get`` carries from redirect to redirect."""

    headers: RawHeaders
    max_bytes: int
    left_s: float  # of the total time
    obey_robots: bool = False
    cut: bool = False  # a longer body is cut, not refused
    redirects: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Target:
    """Where one request goes."""

    url: httpx.URL
    text: str  # without user and password, so that it can stand in messages and rows
    host: str  # whose turn is waited for; a port that is not the usual one makes another host of it
    site: str  # scheme://host:port
    authorization: bytes | None = None


@dataclass(slots=True)
class _Answer:
    url: str
    status: int
    headers: dict[str, str]
    body: bytes = b""


def _target(url: str) -> _Target:
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError(f"{_without_credentials(url)}: no valid URL: {error}", permanent=True) from error
    if parsed.scheme not in {"http", "https"}:
        scheme = parsed.scheme or "a relative URL"
        raise AddressRefused(f"{_without_credentials(url)}: only http and https are asked for, not {scheme}")
    if not parsed.host:
        raise FetchError(f"{_without_credentials(url)}: no valid URL: it names no host", permanent=True)
    authorization = None
    if parsed.userinfo:
        credentials = unquote(parsed.userinfo.decode("ascii"))
        authorization = b"Basic " + base64.b64encode(credentials.encode())
        parsed = parsed.copy_with(userinfo=b"")
    netloc = parsed.netloc.decode("ascii")
    host = netloc if parsed.port not in {None, 80, 443} else parsed.host
    return _Target(parsed, str(parsed), host, f"{parsed.scheme}://{netloc}", authorization)


def _redirected(target: _Target, answer: _Answer) -> _Target:
    """Where ``answer`` sends us. Credentials stay with their own origin; those in a Location are not believed."""
    location = answer.headers.get("location", "")
    if not location:
        raise FetchError(f"{target.text}: HTTP {answer.status} without a Location to go to", status=answer.status)
    url = absolute_url(target.text, location)
    if url is None:
        if "://" in location and not location.lower().startswith(("http:", "https:")):
            raise AddressRefused(f"{target.text}: redirects to {location}; only http and https are asked for")
        raise FetchError(f"{target.text}: redirects to {location!r}, which is no URL", status=answer.status)
    following = _target(url)
    following.authorization = target.authorization if following.site == target.site else None
    return following


def _without_credentials(url: str) -> str:
    return re.sub(r"//[^/?#]*@", "//", url)


def _headers_of(response: httpx.Response) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name = raw_name.decode("latin-1").lower()
        try:
            value = raw_value.decode("utf-8")
        except UnicodeDecodeError:
            value = raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
