"""robots.txt: asked once for each site, obeyed for pages, and taken as a "no" while it cannot be had."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protego import Protego
from servers import answers, hangs, in_turn, pours, redirects

from monitor.errors import AddressRefused, FetchError
from monitor.fetch.robots import groups_for

RULES = (
    b"User-agent: *\nDisallow: /private\nAllow: /private/press\n\nUser-agent: accession-monitor\nDisallow: /not-you\n"
)


@pytest.fixture
def pages(bad_server):
    """A site with a few pages."""
    for path in ("/story", "/private/x", "/not-you/x"):
        bad_server.on(path, answers(200, b"<html>"))
    return bad_server


async def test_what_is_disallowed_is_not_asked(pages, fetcher_for):
    """Our own group counts where there is one; the error is permanent and says who forbade what."""
    pages.on("/robots.txt", answers(200, RULES))
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError, match=r"robots\.txt disallows it") as caught:
            await fetcher.get(pages.url("/not-you/x"), obey_robots=True)
        await fetcher.get(pages.url("/private/x"), obey_robots=True)
    assert caught.value.permanent
    assert not pages.asked("/not-you/x")


async def test_robots_txt_is_asked_once_a_day(pages, fetcher_for, clock):
    """Pages that come together wait for one answer; it holds for 24 hours."""
    pages.on("/robots.txt", answers(200, RULES))
    async with fetcher_for() as fetcher:
        await asyncio.gather(*(fetcher.get(pages.url("/story"), obey_robots=True) for _ in range(5)))
        assert len(pages.asked("/robots.txt")) == 1
        clock.now += 86_401
        await fetcher.get(pages.url("/story"), obey_robots=True)
    assert len(pages.asked("/robots.txt")) == 2


async def test_feeds_are_not_asked_about(pages, fetcher_for):
    """A feed is offered to be polled; and fetch.obey_robots: false means never."""
    pages.on("/robots.txt", answers(200, b"User-agent: *\nDisallow: /"))
    async with fetcher_for() as fetcher:
        await fetcher.get(pages.url("/story"))
    async with fetcher_for(obey_robots=False) as fetcher:
        await fetcher.get(pages.url("/story"), obey_robots=True)
    assert not pages.asked("/robots.txt")


@pytest.mark.parametrize("status", [404, 401, 403, 410])
async def test_no_robots_txt_allows_everything(pages, fetcher_for, status):
    """RFC 9309: 4xx is "unavailable", so everything may be asked for; and that is remembered, too."""
    pages.on("/robots.txt", answers(status))
    async with fetcher_for() as fetcher:
        for _ in range(2):
            await fetcher.get(pages.url("/private/x"), obey_robots=True)
    assert len(pages.asked("/robots.txt")) == 1


@pytest.mark.parametrize(
    "handler", [answers(500), answers(429), hangs(b"HTTP/1.1 200 OK\r\n")], ids=["500", "429", "hang"]
)
async def test_an_unreachable_robots_txt_disallows_for_a_while(pages, fetcher_for, clock, handler):
    """RFC 9309: "unreachable" means complete disallow; asked again after ten minutes, so not permanent."""
    pages.on("/robots.txt", in_turn(handler, answers(404)))
    async with fetcher_for(timeout="0.5s") as fetcher:
        for _ in range(2):
            with pytest.raises(FetchError, match="cannot be had") as caught:
                await fetcher.get(pages.url("/story"), obey_robots=True)
            assert not caught.value.permanent
        assert len(pages.asked("/robots.txt")) == 1
        assert not pages.asked("/story")
        clock.now += 601
        assert (await fetcher.get(pages.url("/story"), obey_robots=True)).status == 200


async def test_a_redirected_page_is_asked_about_again(pages, fetcher_for):
    """Where a page redirects to something disallowed, that is not asked for."""
    pages.on("/robots.txt", answers(200, RULES))
    pages.on("/short", redirects("/not-you/x"))
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError, match="disallows"):
            await fetcher.get(pages.url("/short"), obey_robots=True)
    assert not pages.asked("/not-you/x")


async def test_a_redirected_robots_txt_is_followed(pages, fetcher_for):
    """At least five redirects, says RFC 9309."""
    pages.on("/robots.txt", redirects("/en/robots.txt", 301))
    pages.on("/en/robots.txt", answers(200, RULES))
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError, match="disallows"):
            await fetcher.get(pages.url("/not-you/x"), obey_robots=True)


async def test_a_huge_robots_txt_is_cut(pages, fetcher_for):
    """Half a megabyte is read, the rest is not; nothing fails."""
    pages.on("/robots.txt", pours(3_000_000))
    async with fetcher_for() as fetcher:
        assert (await fetcher.get(pages.url("/story"), obey_robots=True)).status == 200


async def test_a_crawl_delay_spaces_the_requests(pages, fetcher_for, clock):
    """Pages and feed of the host are asked so far apart."""
    pages.on("/robots.txt", answers(200, b"User-agent: *\nCrawl-delay: 7\n"))
    async with fetcher_for() as fetcher:
        await fetcher.get(pages.url("/story"), obey_robots=True)
        before = clock.now
        await fetcher.get(pages.url("/story"), obey_robots=True)
        await fetcher.get(pages.url("/story"))
    assert clock.now - before == 14


async def test_the_guard_holds_for_robots_txt(bad_server, fetcher_for):
    """A private site is refused as what it is, not as a missing robots.txt."""
    async with fetcher_for(allow_private=False) as fetcher:
        with pytest.raises(AddressRefused):
            await fetcher.get(bad_server.url("/story"), obey_robots=True)
    assert not bad_server.connections


async def test_a_busy_host_is_busy_for_its_robots_txt_too(pages, fetcher_for):
    """Its Retry-After reaches the caller instead of "cannot be had"."""
    pages.on("/robots.txt", answers(429, headers={"Retry-After": "60"}))
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.get(pages.url("/story"), obey_robots=True)
    assert (caught.value.status, caught.value.retry_after_s) == (429, 60)


LINES = [
    "User-agent: *",
    "User-agent: accession-monitor",
    "user agent : Accession",
    "User-agent: GPTBot",
    "User-agent GPTBot",
    "User-agent:",
    "User-agent: *bot*",
    "Disallow: /",
    "Disallow: /a",
    "Allow: /a/b$",
    "disalow: /*.pdf",
    "Disallow:",
    "Crawl-delay: 3",
    "Sitemap: https://outlet.example/sitemap.xml",
    "Host: outlet.example",
    "# comment",
    "",
    "Noindex: /x",
    "nonsense",
]


@given(st.lists(st.sampled_from(LINES), max_size=14))
def test_leaving_out_other_agents_groups_changes_no_answer(lines):
    """protego says the same of the whole file and of what we keep of it."""
    agent, text = "accession-monitor", "\n".join(lines)
    whole, kept = Protego.parse(text), Protego.parse(groups_for(agent, text))
    for path in ("/", "/a", "/a/b", "/c.pdf"):
        url = f"https://outlet.example{path}"
        assert whole.can_fetch(url, agent) == kept.can_fetch(url, agent)
    assert whole.crawl_delay(agent) == kept.crawl_delay(agent)


def test_other_agents_groups_are_left_out():
    """What is kept of a long list of others' rules is short."""
    others = "".join(f"User-agent: Bot{number}\nDisallow: /\n\n" for number in range(200))
    assert (
        groups_for("accession-monitor", others + "User-agent: *\nDisallow: /login\n")
        == "User-agent: *\nDisallow: /login"
    )


@given(st.text(max_size=200))
def test_any_text_is_a_robots_txt(text):
    """Nothing in it makes reading it fail."""
    Protego.parse(groups_for("accession-monitor", text)).can_fetch("https://outlet.example/", "accession-monitor")
