"""What one fetch costs: CPU time of the client per request, our Fetcher beside the clients that it is built on.

    python bench/fetch.py [--fetches 1000] [--connections 50] [--rounds 5] [--without-plain]

A second process serves synthetic feeds (33 kB) on loopback and answers 304 to validators. In each round every client
makes all its fetches; the table shows the median of the rounds, so that the rows can be compared although the machine
does other work. "own host" gives each feed an address of its own (127.x.y.z), as in real life: nothing to keep alive.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from monitor.fetch import Fetcher
from monitor.settings import FetchSettings

ETAG = '"5f1c-63f2a"'
MODIFIED = "Mon, 23 Nov 2026 18:00:00 GMT"
VALIDATORS = {"If-None-Match": ETAG, "If-Modified-Since": MODIFIED}

Get = Callable[[str], Awaitable[object]]


def main() -> None:
    """Run all clients and print the table."""
    options = _options()
    if options.serve:
        asyncio.run(serve())
        return
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        rows = asyncio.run(measure(port, options))
    finally:
        server.kill()
        server.wait()
    print_table(rows, options)


async def measure(port: int, options: argparse.Namespace) -> dict[str, list[float]]:
    """CPU milliseconds per fetch of each client, one value a round."""
    here = [f"http://127.0.0.1:{port}/feed/{number}.xml" for number in range(options.fetches)]
    packed = [f"{url}?gzip" for url in here]
    hosts = [f"http://127.0.{n // 250 + 1}.{n % 250 + 1}:{port}/feed.xml" for n in range(min(options.fetches, 10_000))]
    limits = httpx.Limits(max_connections=options.connections, max_keepalive_connections=options.connections)
    settings = FetchSettings(
        connections=options.connections, per_host=options.connections, per_host_delay="0s", allow_private=True
    )
    connector = aiohttp.TCPConnector(limit=options.connections)
    async with (
        aiohttp.ClientSession(connector=connector, auto_decompress=True) as session,
        httpx.AsyncClient(transport=AiohttpTransport(limits=limits)) as bare,
        httpx.AsyncClient(limits=limits) as plain,
        Fetcher(settings) as fetcher,
    ):

        async def by_aiohttp(url: str) -> object:
            async with session.get(url) as response:
                return await response.read()

        runs: dict[str, tuple[Get, list[str]]] = {
            "aiohttp, 200": (by_aiohttp, here),
            "httpx over aiohttp, 200": (bare.get, here),
            "httpx over aiohttp, 304": (lambda url: bare.get(url, headers=VALIDATORS), here),
            "Fetcher, 200": (fetcher.get, here),
            "Fetcher, 200 gzip": (fetcher.get, packed),
            "Fetcher, 304": (lambda url: fetcher.get(url, etag=ETAG, last_modified=MODIFIED), here),
            "Fetcher, 304, own host": (lambda url: fetcher.get(url, etag=ETAG, last_modified=MODIFIED), hosts),
        }
        if not options.without_plain:
            runs["plain httpx, 200"] = (plain.get, here)
            runs["plain httpx, 304"] = (lambda url: plain.get(url, headers=VALIDATORS), here)
        rows: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name, (get, urls) in runs.items():
                rows[name].append(await cpu_ms(get, urls, options.connections))
        return rows


async def cpu_ms(get: Get, urls: list[str], connections: int) -> float:
    """CPU milliseconds of this process per URL, with so many fetches at once."""
    waiting = iter(urls)

    async def work() -> None:
        for url in waiting:
            await get(url)

    began = time.process_time()
    await asyncio.gather(*(work() for _ in range(connections)))
    return (time.process_time() - began) / len(urls) * 1000


def print_table(rows: dict[str, list[float]], options: argparse.Namespace) -> None:
    """Median, best, and the median as a multiple of aiohttp alone."""
    floor = statistics.median(rows["aiohttp, 200"])
    print(f"CPU ms per fetch, {options.fetches} fetches, {options.connections} connections, {options.rounds} rounds\n")
    print(f"{'client':<26}{'median':>9}{'best':>9}{'x aiohttp':>11}")
    for name, values in rows.items():
        middle = statistics.median(values)
        print(f"{name:<26}{middle:>9.3f}{min(values):>9.3f}{middle / floor:>11.1f}")


# --- the server ---------------------------------------------------------------------------------------------------

ITEM = b"<item><title>Envoys meet again</title><link>https://outlet.example/%d</link><description>%s</description></item>\n"
BODY = (
    b"<rss version='2.0'><channel>"
    + b"".join(ITEM % (n, b"They talked. " * 50) for n in range(44))
    + b"</channel></rss>"
)
HEAD = (
    f"Server: bench\r\nDate: {MODIFIED}\r\nETag: {ETAG}\r\nLast-Modified: {MODIFIED}\r\nCache-Control: max-age=300\r\n"
)
PACKED = gzip.compress(BODY)
FULL = (
    f"HTTP/1.1 200 OK\r\n{HEAD}Content-Type: application/rss+xml\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY
)
GZIP = (
    f"HTTP/1.1 200 OK\r\n{HEAD}Content-Type: application/rss+xml\r\nContent-Encoding: gzip\r\n"
    f"Content-Length: {len(PACKED)}\r\n\r\n".encode()
    + PACKED
)
UNCHANGED = f"HTTP/1.1 304 Not Modified\r\n{HEAD}\r\n".encode()


class Server(asyncio.Protocol):
    """Answers at once, with no more work than needed: only the client is measured."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connects."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        """One or more requests."""
        *requests, self.rest = (self.rest + data).split(b"\r\n\r\n")
        for request in requests:
            known = b"if-none-match" in request.lower()
            self.transport.write(UNCHANGED if known else GZIP if b"?gzip " in request else FULL)
            if b"onnection: close" in request:
                self.transport.close()


async def serve() -> None:
    """Listen on all loopback addresses; print the port."""
    server = await asyncio.get_running_loop().create_server(Server, "0.0.0.0", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--fetches", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-plain", action="store_true", help="leave out httpx with its own pool, which is slow")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
