"""One string per story, absolute links, and which addresses are public."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.urls import absolute_url, canonical_url, host_of, is_public_address

STORY = "https://harbour.example/2026/ferry"


@pytest.mark.parametrize(
    "variant",
    [
        "http://harbour.example/2026/ferry",
        "https://www.harbour.example/2026/ferry/",
        "HTTPS://Harbour.Example:443/2026/ferry",
        "https://m.harbour.example/2026/ferry",
        "https://www.mobile.harbour.example/2026/ferry",
        "https://amp.harbour.example/2026/ferry",
        "https://harbour.example/2026/ferry/amp/",
        "https://harbour.example/amp/2026/ferry",
        "https://harbour.example/2026/ferry.amp",
        "https://harbour.example/2026/ferry?amp=1",
        "https://harbour.example/2026/ferry?outputType=amp",
        "https://harbour.example/2026/ferry?utm_source=rss&utm_medium=feed&fbclid=x",
        "https://harbour.example/2026/ferry?at_medium=RSS&ns_mchannel=social#top",
        "https://harbour.example/2026/ferry?source=rss",
        "https://harbour.example//2026/./x/../ferry",
        "https://harbour.example/2026/ferry/index.html?mc_cid=1&yclid=2&gclid=3&ref=home",
        "https://harbour.example/2026/%66erry",
        "https://reader:secret@harbour.example/2026/ferry",
        "https://harbour-example.cdn.ampproject.org/c/s/harbour.example/2026/ferry/amp",
        "https://www.google.com/amp/s/harbour.example/2026/ferry",
        "https://www.google.com/url?q=https%3A%2F%2Fharbour.example%2F2026%2Fferry&sa=D",
        "https://l.facebook.com/l.php?u=https%3A%2F%2Fwww.harbour.example%2F2026%2Fferry%3Futm_source%3Dfb&h=AT0",
        "  https://harbour.example/2026/ferry\n",
    ],
)
def test_all_ways_to_a_story_are_one_string(variant: str) -> None:
    """Tracking, AMP, mobile, redirectors, spelling: none of it makes another story."""
    assert canonical_url(variant) == STORY


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.example/story?id=1", "https://a.example/story?id=2"),
        ("https://a.example/?p=10", "https://a.example/?p=11"),
        ("https://a.example/index.php?article=7", "https://a.example/index.php?article=8"),
        ("https://a.example/app#!/story/1", "https://a.example/app#!/story/2"),
        ("https://a.example/news?from=2026-01", "https://a.example/news?from=2026-02"),
        ("https://a.example/1", "https://b.example/1"),
        ("https://a.example/x%2Fy", "https://a.example/x/y"),
        ("https://m.de/1", "https://de/1"),
        ("http://127.0.0.1:8001/1", "http://127.0.0.1:8002/1"),
        ("https://a.example/champ", "https://a.example/ch"),
        ("https://a.example/amp", "https://a.example/"),
    ],
)
def test_different_stories_stay_different(one: str, other: str) -> None:
    """What can be a story's number or place is kept."""
    assert canonical_url(one) != canonical_url(other)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://a.example/s?b=2&a=1", "https://a.example/s?a=1&b=2"),
        ("https://пример.рф/путь", "https://xn--e1afmkfd.xn--p1ai/%D0%BF%D1%83%D1%82%D1%8C"),
        ("https://en.m.wikipedia.org/wiki/NATO", "https://en.wikipedia.org/wiki/NATO"),
        ("http://127.0.0.1:8000/feed/", "http://127.0.0.1:8000/feed"),
        ("http://localhost/feed", "http://localhost/feed"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("https://a.example", "https://a.example/"),
        ("https://a.example/50%", "https://a.example/50%25"),
        ("mailto:desk@a.example", "mailto:desk@a.example"),
        ("https://[broken", "https://[broken"),
        ("urn:monitor:1:x", "urn:monitor:1:x"),
        ("", ""),
    ],
)
def test_canonical_form(url: str, canonical: str) -> None:
    """The form itself, for addresses of machines, other schemes and nonsense too."""
    assert canonical_url(url) == canonical


@given(st.one_of(st.text(), st.from_regex(r"https?://[\w.%\[\]:@-]{0,30}/[\w./%?&=#;!~-]{0,60}", fullmatch=True)))
def test_canonical_url_is_idempotent_and_never_raises(url: str) -> None:
    """Canonical once is canonical for ever, whatever goes in."""
    once = canonical_url(url)
    assert canonical_url(once) == once


@pytest.mark.parametrize(
    ("base", "link", "absolute"),
    [
        ("https://a.example/news/", "story", "https://a.example/news/story"),
        ("https://a.example/news", "/story", "https://a.example/story"),
        ("https://a.example/", "//b.example/x", "https://b.example/x"),
        ("https://a.example/", "https://b.example/x y", "https://b.example/x%20y"),
        ("https://a.example/", "https://b.example/long\n  /path", "https://b.example/long%20%20/path"),
        ("", "www.a.example/x", "http://www.a.example/x"),
        ("", "/story", None),
        ("https://a.example/", "mailto:x@a.example", None),
        ("https://a.example/", "javascript:alert(1)", None),
        ("https://a.example/", "data:text/html,x", None),
        ("https://a.example/", "http://[bad", None),
        ("https://a.example/", "  ", None),
    ],
)
def test_links_are_made_absolute(base: str, link: str, absolute: str | None) -> None:
    """Only http and https come out."""
    assert absolute_url(base, link) == absolute


@given(st.text(), st.text())
def test_absolute_url_never_raises(base: str, link: str) -> None:
    """Feeds hold anything."""
    result = absolute_url(base, link)
    assert result is None or result.lower().startswith(("http://", "https://"))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://User@A.Example:8443/x", "a.example"),
        ("http://a.example./", "a.example"),
        ("nonsense", ""),
        ("http://[", ""),
    ],
)
def test_host_of(url: str, host: str) -> None:
    """Lower case, no port, no last dot; empty where there is none."""
    assert host_of(url) == host


@pytest.mark.parametrize(
    "ip", ["8.8.8.8", "1.1.1.1", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_public_addresses(ip: str) -> None:
    """Addresses that anybody may reach, wrapped ones too."""
    assert is_public_address(ip)


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "0.0.0.0",
        "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.9", "192.88.99.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
        "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378::1", "2001:db8::1", "fc00::1",
        "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1", "[::1]", "localhost", "2130706433", "", "1.2.3",
    ],
)  # fmt: skip
def test_addresses_that_are_refused(ip: str) -> None:
    """Private, loopback, link-local, metadata, shared, multicast, reserved, IPv4 of these inside IPv6, and no address at all."""
    assert not is_public_address(ip)


@given(st.ip_addresses(v=4))
def test_an_address_inside_ipv6_is_judged_as_itself(address: object) -> None:
    """Mapping an IPv4 address into IPv6 changes nothing."""
    assert is_public_address(f"::ffff:{address}") == is_public_address(str(address))
    assert is_public_address(f"64:ff9b::{address}") == is_public_address(str(address))


@given(st.text())
def test_is_public_address_never_raises(text: str) -> None:
    """A resolver's answer is only text."""
    assert is_public_address(text) in {True, False}
