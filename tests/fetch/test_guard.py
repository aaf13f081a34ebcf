"""The guard: no connection to a private address, however it is named, unless the config allows it."""

from __future__ import annotations

import socket

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver
from servers import BadServer, answers, redirects

from monitor.errors import AddressRefused, ConfigError, FetchError
from monitor.fetch import Fetcher
from monitor.fetch.guard import Guard, GuardedResolver, Refused, asked_host
from monitor.settings import FetchSettings

SECRET = b"instance credentials"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "0.0.0.0",
        "127.1",
        "2130706433",
        "0x7f000001",
        "localhost.",
    ],
)
async def test_loopback_is_refused_by_default(bad_server, host):
    """By address, by name, by IPv6 in disguise, by the odd spellings of IPv4: nothing reaches the server."""
    bad_server.on("/secret", answers(200, SECRET))
    async with Fetcher(FetchSettings()) as fetcher:
        with pytest.raises(FetchError):
            await fetcher.get(f"http://{host}:{bad_server.port}/secret")
    assert bad_server.connections == 0


async def test_a_refusal_says_how_to_allow_it(bad_server):
    """The message names the address and the entry for the config, and that entry works."""
    url = bad_server.on("/feed", answers(200, b"<rss/>"))
    async with Fetcher(FetchSettings()) as fetcher:
        with pytest.raises(AddressRefused, match="no public address") as caught:
            await fetcher.get(url)
    assert caught.value.permanent
    entry = str(caught.value).split('"')[1]
    assert entry == bad_server.address
    async with Fetcher(FetchSettings(allow_private=(entry,))) as fetcher:
        assert (await fetcher.get(url)).body == b"<rss/>"


async def test_a_redirect_to_a_private_address_is_refused(bad_server, fetcher_for):
    """What is allowed is the feed's own server, not the one next to it that it redirects to."""
    with BadServer() as inside:
        inside.on("/secret", answers(200, SECRET))
        url = bad_server.on("/feed", redirects(inside.url("/secret")))
        async with fetcher_for() as fetcher:
            with pytest.raises(AddressRefused, match=inside.url("/secret")):
                await fetcher.get(url)
        assert inside.connections == 0
    assert len(bad_server.requests) == 1


async def test_a_name_that_changes_its_address_is_refused(bad_server, fetcher_for):
    """DNS rebinding: the second answer leads inside, and each connection is checked for itself."""
    answered = ["127.0.0.1", "127.0.0.2"]  # the first stands for a public address: the config allows it

    async def lookup(host: str) -> list[str]:
        return [answered.pop(0)]

    with BadServer() as inside:
        url = bad_server.on("/feed", redirects(f"http://rebind.example:{inside.port}/secret"))
        async with fetcher_for(lookup=lookup) as fetcher:
            with pytest.raises(AddressRefused, match=r"rebind\.example \(127\.0\.0\.2\)"):
                await fetcher.get(url.replace("127.0.0.1", "rebind.example"))
        assert inside.connections == 0
    assert answered == []


class CarelessResolver(AbstractResolver):
    """Answers private addresses and checks nothing."""

    def __init__(self, *ips: str) -> None:
        self.ips = ips

    async def resolve(self, host, port=0, family=socket.AF_UNSPEC):
        """All of them."""
        return [
            {"hostname": host, "host": ip, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for ip in self.ips
        ]

    async def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize("ips", [("127.0.0.1",), ("127.0.0.1", "127.0.0.2")])
async def test_the_socket_is_checked_whatever_was_resolved(bad_server, ips):
    """The last word is at connect: a resolver that lets everything pass does not open the way."""
    connector = aiohttp.TCPConnector(resolver=CarelessResolver(*ips), socket_factory=Guard(False).open_socket)
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.get(f"http://news.example:{bad_server.port}/")
    assert "no public address" in str(caught.value.os_error)
    assert bad_server.connections == 0


async def test_only_the_allowed_addresses_of_a_name_are_used():
    """A name with a public and a private address is connected to at the public one."""

    async def lookup(host: str) -> list[str]:
        return ["10.0.0.7", "93.184.216.34", "::ffff:10.0.0.7", "fe80::1%eth0"]

    resolver = GuardedResolver(Guard(False), lookup)
    assert [result["host"] for result in await resolver.resolve("news.example", 80)] == ["93.184.216.34"]


@pytest.mark.parametrize(
    ("allow", "host", "ip", "port", "allowed"),
    [
        (False, "news.example", "93.184.216.34", 443, True),
        (False, "news.example", "2606:2800:220:1::1", 443, True),
        (False, "news.example", "10.0.0.1", 443, False),
        (False, "news.example", "169.254.169.254", 80, False),
        (False, "news.example", "::ffff:169.254.169.254", 80, False),
        (False, "news.example", "fe80::1%eth0", 80, False),
        (False, "news.example", "not an address", 80, False),
        (True, "anything", "10.0.0.1", 22, True),
        (("feeds.intern",), "feeds.intern", "10.0.0.1", 8080, True),
        (("Feeds.Intern",), "feeds.intern.", "10.0.0.1", 8080, True),
        (("feeds.intern",), "evil.feeds.intern", "10.0.0.1", 8080, False),
        (("feeds.intern:80",), "feeds.intern", "10.0.0.1", 80, True),
        (("feeds.intern:80",), "feeds.intern", "10.0.0.1", 22, False),
        (("10.1.0.0/16",), "x.example", "10.1.2.3", 80, True),
        (("10.1.0.0/16",), "x.example", "::ffff:10.1.2.3", 80, True),
        (("10.1.0.0/16",), "x.example", "10.2.0.1", 80, False),
        (("10.1.2.3",), "x.example", "10.1.2.3", 9, True),
        (("10.1.2.3:80",), "x.example", "10.1.2.3", 9, False),
        (("::1",), "::1", "::1", 80, True),
        (("[::1]:80",), "::1", "::1", 80, True),
        (("[::1]:80",), "::1", "::1", 81, False),
        (("fd00::/8",), "x.example", "fd00::5", 80, True),
    ],
)
def test_what_may_be_private(allow, host, ip, port, allowed):
    """Hosts, addresses and networks, with or without a port; a rule for one says nothing about its neighbours."""
    guard = Guard(allow)
    if allowed:
        guard.check(host, ip, port)
    else:
        with pytest.raises(Refused):
            guard.check(host, ip, port)


def test_a_socket_for_a_refused_address_is_not_even_opened():
    """The connector gets an error instead of a socket, also for a host that the config allows elsewhere."""
    asked_host.set("news.example")
    with pytest.raises(Refused):
        Guard(("feeds.intern",)).open_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.1", 80)))


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "10.0.0.1/8", "", "feeds.intern/path"])
def test_an_entry_that_means_nothing_is_a_config_error(entry):
    """It names the key and the entry."""
    with pytest.raises(ConfigError, match=r"fetch\.allow_private"):
        Guard((entry,))
