"""A real HTTP server on loopback that misbehaves on request: for tests that must see sockets, not stand-ins.

    with BadServer() as server:
        server.on("/feed.xml", answers(200, b"<rss/>", {"ETag": '"1"'}))
        fetch(server.url("/feed.xml")); server.requests[-1].headers["if-none-match"]

It runs in a thread of its own, so that tests with and without an event loop can use it. ``BadServer.on`` takes any
coroutine function ``(request, writer)``; the makers below are the misbehaviours that several tests want.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Self

Headers = Mapping[str, str] | Sequence[tuple[str, str]]
PIECE = b"<p>All work and no play makes a dull page.</p>\n" * 1400  # 64 kB


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    raw: bytes  # request line and headers
    server: BadServer = field(repr=False, compare=False)

    @cached_property
    def headers(self) -> dict[str, str]:
        """Names in lower case."""
        lines = self.raw.decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}


Handler = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


class BadServer:
    """Listens on a free port of 127.0.0.1 while it is entered; unknown paths are answered 404."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.port = 0
        self.connections = 0
        self.sent_bytes = 0  # of bodies that pour
        self._handlers: dict[str, Handler] = {}
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bad server", daemon=True)

    def on(self, path: str, handler: Handler) -> str:
        """Answer ``path`` (without its query) so; returns its URL."""
        self._handlers[path] = handler
        return self.url(path)

    def url(self, path: str = "/") -> str:
        """The URL of ``path``."""
        return f"http://{self.address}{path}"

    @property
    def address(self) -> str:
        """host:port"""
        return f"127.0.0.1:{self.port}"

    def asked(self, path: str) -> list[Request]:
        """The requests for ``path`` so far."""
        return [request for request in self.requests if request.path.partition("?")[0] == path]

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(5)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        talks: set[asyncio.Task[None]] = set()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            talks.add(asyncio.current_task())  # type: ignore[arg-type]
            self.connections += 1
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._talk(reader, writer)
            writer.transport.abort()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            first = await reader.readexactly(1)
            if first == b"\x16":  # somebody speaks TLS
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                await writer.drain()
                return
            raw = first + await reader.readuntil(b"\r\n\r\n")
            method, path, _ = raw.decode("latin-1").split(" ", 2)
            request = Request(method, path, raw, self)
            self.requests.append(request)
            await self._handlers.get(path.partition("?")[0], answers(404))(request, writer)
            await writer.drain()
            if request.headers.get("connection") == "close":
                return


def head(status: int, headers: Headers = (), length: int | None = None) -> bytes:
    """Status line and headers."""
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    if length is not None:
        pairs.append(("Content-Length", str(length)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode()


def sends(*pieces: bytes, close: bool = False) -> Handler:
    """Exactly these bytes."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if close:
            writer.close()

    return handle


def answers(status: int, body: bytes = b"", headers: Headers = ()) -> Handler:
    """A proper answer."""
    return sends(head(status, headers, None if status == 304 else len(body)) + body)


def in_turn(*handlers: Handler) -> Handler:
    """One after the other; the last one again and again."""
    left = list(handlers)

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(request, writer)

    return handle


def hangs(after: bytes = b"") -> Handler:
    """Sends ``after``, then nothing for ever."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(after)
        await asyncio.Event().wait()

    return handle


def drips(first: bytes, drop: bytes = b".", every_s: float = 0.01) -> Handler:
    """``first``, then ``drop`` by ``drop`` for ever: never silent, never done."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(every_s)

    return handle


def pours(total: int, headers: Headers = (), *, say_length: bool = False) -> Handler:
    """A page of ``total`` bytes; without a length it ends with the connection."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, headers, total if say_length else None))
        left = total
        while left > 0:
            writer.write(PIECE[:left])
            await writer.drain()
            left -= len(PIECE)
            request.server.sent_bytes += len(PIECE)
        writer.close()

    return handle


def redirects(to: str, status: int = 302) -> Handler:
    """To another URL."""
    return answers(status, b"elsewhere", {"Location": to})


def breaks_off(body: bytes, promised: int) -> Handler:
    """Promises more than it sends, and closes the connection."""
    return sends(head(200, length=promised) + body, close=True)


def gzip_bomb(unpacked: int) -> bytes:
    """A small gzip body that unpacks to ``unpacked`` zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1024**2)
    pieces = [packer.compress(zeros) for _ in range(unpacked // len(zeros))]
    return b"".join([*pieces, packer.flush()])
