"""Which addresses may be connected to: the guard against server-side request forgery.

Asked twice for each new connection, once with the DNS answer and once with the very address the socket is about to
connect to, so that literal addresses, redirects and names that change their address (DNS rebinding) all pass it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from monitor.errors import ConfigError
from monitor.urls import is_public_address

Lookup = Callable[[str], Awaitable[Sequence[str]]]  # host name -> its addresses; raises OSError
AddrInfo = tuple[int, int, int, str, Any]  # as of socket.getaddrinfo

# the host of the request that opens a connection, since a socket knows only its address (allow_private may name hosts)
asked_host: ContextVar[str] = ContextVar("asked_host", default="")


class Refused(OSError):
    """The address is not public, and fetch.allow_private does not allow it."""


class Guard:
    """Says of host, address and port whether a connection is allowed.

    ``allow_private``: True (everything), False (public addresses only), or what may be private: host names, addresses
    and networks, each (but networks) with or without a port: ``feeds.intern``, ``127.0.0.1:8000``, ``10.1.0.0/16``.
    Raises ConfigError for an entry that is none of these.
    """

    def __init__(self, allow_private: bool | Sequence[str]) -> None:
        self._everything = allow_private is True
        self._hosts: set[tuple[str, int | None]] = set()
        self._networks: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, int | None]] = []
        for entry in () if isinstance(allow_private, bool) else allow_private:
            self._allow(entry)

    def check(self, host: str, ip: str, port: int) -> None:
        """Raise Refused unless ``ip`` may be connected to on ``port`` for a URL of ``host``."""
        if self._everything or is_public_address(ip) or self._is_allowed(host.lower().rstrip("."), ip, port):
            return
        where = ip if host in {"", ip} else f"{host} ({ip})"
        entry = f"[{ip}]:{port}" if host in {"", ip} and ":" in ip else f"{host or ip}:{port}"
        raise Refused(f'{where} is no public address; to allow it, add "{entry}" to fetch.allow_private')

    def open_socket(self, info: AddrInfo) -> socket.socket:
        """A socket for ``info``, for aiohttp's connector; raises Refused before anything is sent to the address."""
        family, kind, proto, _, address = info
        self.check(asked_host.get(), address[0], address[1])
        return socket.socket(family, kind, proto)

    def _allow(self, entry: str) -> None:
        host, port = _host_and_port(entry)
        try:
            self._networks.append((ipaddress.ip_network(host), port))
        except ValueError as error:
            if "/" in host or not host:
                raise ConfigError(
                    [f"fetch.allow_private: {entry!r} is no host, address or network: {error}"]
                ) from error
            self._hosts.add((host.lower().rstrip("."), port))

    def _is_allowed(self, host: str, ip: str, port: int) -> bool:
        if (host, None) in self._hosts or (host, port) in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(ip.partition("%")[0])
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(
            address.version == network.version and address in network and only in {None, port}
            for network, only in self._networks
        )


class GuardedResolver(AbstractResolver):
    """Resolves names for aiohttp's connector and leaves out the addresses that are not allowed."""

    def __init__(self, guard: Guard, lookup: Lookup | None = None) -> None:
        self._guard = guard
        self._lookup = lookup or ThreadedLookup()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The allowed addresses of ``host``. Raises Refused when it has only others, OSError when it has none."""
        allowed: list[ResolveResult] = []
        refused: Refused | None = None
        for ip in await self._lookup(host):
            try:
                self._guard.check(host, ip, port)
            except Refused as error:
                refused = error
            else:
                allowed.append(_resolved(host, ip, port))
        if not allowed:
            raise refused or socket.gaierror(socket.EAI_NONAME, "the name has no address")
        return allowed

    async def close(self) -> None:
        """Nothing is kept open."""


class ThreadedLookup:
    """The addresses of a host by the system's resolver: a Lookup.

    In daemon threads of its own: a name server that does not answer holds up neither other names (the loop's default
    pool has few threads) nor the end of the program (a pool's threads are waited for).
    """

    def __init__(self, at_once: int = 32) -> None:
        self._slots = asyncio.Semaphore(at_once)

    async def __call__(self, host: str) -> Sequence[str]:
        """The addresses of ``host``; raises OSError (socket.gaierror) when there is none."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Sequence[str]] = loop.create_future()
        async with self._slots:
            threading.Thread(target=_look_up, args=(host, loop, future), name=f"dns {host}", daemon=True).start()
            return await future


def _look_up(host: str, loop: asyncio.AbstractEventLoop, future: asyncio.Future[Sequence[str]]) -> None:
    addresses: Sequence[str] = ()
    failure: OSError | None = None
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        addresses = list(dict.fromkeys(str(info[4][0]) for info in infos))
    except OSError as error:
        failure = error
    except UnicodeError as error:  # a label that is empty or longer than 63 characters
        failure = socket.gaierror(socket.EAI_NONAME, f"no valid host name: {error}")

    def settle() -> None:
        if future.done():
            return
        if failure is None:
            future.set_result(addresses)
        else:
            future.set_exception(failure)

    with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile, nobody waits any more
        loop.call_soon_threadsafe(settle)


def _resolved(host: str, ip: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=ip,
        port=port,
        family=socket.AF_INET6 if ":" in ip else socket.AF_INET,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


def _host_and_port(entry: str) -> tuple[str, int | None]:
    """``host``, ``host:8000``, ``::1``, ``[::1]:8000`` -> host without brackets, port."""
    match = re.fullmatch(r"(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?", entry.strip())
    if match is None:
        return entry.strip(), None
    return match[1] or match[2] or "", int(match[3]) if match[3] else None
