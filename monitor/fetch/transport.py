"""The httpx transport over aiohttp, with our guard in its connector. Keeps no cookie and follows no redirect.

aiohttp, because httpx's own pool costs ten times the CPU at 50 connections (https://github.com/encode/httpx/issues/3215).
"""

from __future__ import annotations

import functools
import ssl
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream, map_aiohttp_exceptions
from yarl import URL

from monitor.fetch.guard import Guard, GuardedResolver, Lookup

KEEPALIVE_S = 4.0  # pages of one outlet are asked a second apart; longer would only pile up idle connections
DNS_CACHE_S = 60
HEADER_BYTES_MAX = 32 * 1024  # for one header; aiohttp's default of 8 KiB is less than some outlets' security policies
HEADERS_MAX = 256


class GuardedTransport(AiohttpTransport):
    """httpx-aiohttp's transport, with a connector that connects to allowed addresses only.

    Sends the URL as httpx has it: the parent's way through yarl rewrites it (``%2C`` to ``,``) and breaks signed URLs.
    """

    def __init__(self, guard: Guard, *, lookup: Lookup | None, connections: int, connect_timeout_s: float) -> None:
        self._guard = guard
        self._lookup = lookup
        self._connections = connections
        self._connect_timeout_s = connect_timeout_s
        super().__init__(verify=ssl_context(), trust_env=False, client=self._open)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; the body is read from the response's stream. Raises httpx, aiohttp and OS errors."""
        session = self.client if isinstance(self.client, aiohttp.ClientSession) else self._open()
        self.client = session
        with map_aiohttp_exceptions():
            response = await session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[(name.decode("ascii"), value.decode("utf-8")) for name, value in request.headers.raw],
                allow_redirects=False,
            )
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=AiohttpResponseStream(response),
            request=request,
            extensions={
                "chunks": response.content.iter_any()
            },  # as they come; the way through httpx copies them thrice
        )

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._connections,
            resolver=GuardedResolver(self._guard, self._lookup),
            socket_factory=self._guard.open_socket,
            ssl=self.ssl_context,
            ttl_dns_cache=DNS_CACHE_S,
            keepalive_timeout=KEEPALIVE_S,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # limits.py does it, within its caps
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout_s),  # the total is client.py's
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
            max_headers=HEADERS_MAX,
        )


class NoCookies(httpx.Cookies):
    """What httpx keeps cookies in; keeps none. Also saves the cost of looking for them in each answer."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take nothing from ``response``."""

    def set_cookie_header(self, request: httpx.Request) -> None:
        """Add nothing to ``request``."""


class CookielessClient(httpx.AsyncClient):
    """An httpx client that keeps no cookie."""

    _none = NoCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        """Always empty."""
        return self._none

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        raise TypeError("this client keeps no cookies")


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """The system's trusted certificates (SSL_CERT_FILE and SSL_CERT_DIR are obeyed), else those of certifi."""
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        import certifi

        context.load_verify_locations(certifi.where())
    return context
