"""Politeness: few requests at once for each host, apart from one another, and none while the host wants none."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import answers, in_turn

from monitor.errors import FetchError
from monitor.fetch.politeness import HostHeld, Politeness, retry_after_s

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def polite(clock, *, per_host=2, delay_s=1.0, connections=50):
    return Politeness(per_host=per_host, delay_s=delay_s, connections=connections, clock=clock, sleep=clock.sleep)


async def test_requests_to_one_host_start_apart(clock):
    """Four requests to one host begin a second after one another, though two may run at once."""
    politeness, starts = polite(clock), []

    async def visit() -> None:
        turn = await politeness.enter("outlet.example")
        starts.append(clock.now - 1000)
        await asyncio.sleep(0)
        politeness.leave(turn)

    await asyncio.gather(*(visit() for _ in range(4)))
    assert starts == [0, 1, 2, 3]


async def test_hosts_do_not_wait_for_one_another(clock):
    """Ten hosts are asked at the same moment; a port makes another host."""
    politeness = polite(clock)
    turns = [await politeness.enter(f"outlet.example:{port}") for port in range(10)]
    assert clock.now == 1000
    assert len(turns) == 10


async def test_at_most_so_many_at_once_for_a_host(clock):
    """The third request waits until one of the two is done."""
    politeness = polite(clock, delay_s=0)
    first = await politeness.enter("h")
    await politeness.enter("h")
    third = asyncio.create_task(politeness.enter("h"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not third.done()
    politeness.leave(first)
    await asyncio.wait_for(third, 1)


async def test_at_most_so_many_connections_in_all(clock):
    """The limit over all hosts holds, and a host that waits for its delay does not use it up."""
    politeness = polite(clock, connections=1)
    one = await politeness.enter("a")
    other = asyncio.create_task(politeness.enter("b"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not other.done()
    politeness.leave(one)
    politeness.leave(await asyncio.wait_for(other, 1))


async def test_a_cancelled_waiter_leaves_no_trace(clock):
    """Its place in the queue is free again."""
    politeness = polite(clock, per_host=1, connections=1, delay_s=0)
    turn = await politeness.enter("h")
    waiters = [asyncio.create_task(politeness.enter("h")), asyncio.create_task(politeness.enter("other"))]
    await asyncio.sleep(0)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.gather(*waiters, return_exceptions=True)
    politeness.leave(turn)
    assert turn.demand == 0
    politeness.leave(await asyncio.wait_for(politeness.enter("other"), 1))
    politeness.leave(await asyncio.wait_for(politeness.enter("h"), 1))


async def test_a_crawl_delay_is_kept_up_to_a_limit(clock):
    """It only ever makes us slower, and never slower than 30 s."""
    politeness, starts = polite(clock), []
    for asked_s in (5, 0.1, 86400):
        politeness.slow_down("h", asked_s)
        for _ in range(2):
            politeness.leave(await politeness.enter("h"))
            starts.append(clock.now - 1000)
    assert starts == [0, 5, 10, 11, 12, 42]


async def test_a_held_host_is_not_asked(clock):
    """Also those that already stand in the queue are sent away; afterwards the host is asked again."""
    politeness = polite(clock, per_host=1)
    turn = await politeness.enter("h")
    queued = asyncio.create_task(politeness.enter("h"))
    await asyncio.sleep(0)
    politeness.hold("h", 120, 429)
    politeness.leave(turn)
    with pytest.raises(HostHeld):
        await queued
    with pytest.raises(HostHeld, match="another 120 s"):
        await politeness.enter("h")
    clock.now += 120
    politeness.leave(await politeness.enter("h"))


async def test_ten_thousand_hosts_are_not_kept_for_ever(clock):
    """What is idle is forgotten, what is held is not."""
    politeness = polite(clock)
    politeness.hold("held.example", 3600, 503)
    for number in range(10_000):
        politeness.leave(await politeness.enter(f"host{number}"))
        clock.now += 0.01
    assert len(politeness._lanes) < 2500
    with pytest.raises(HostHeld):
        await politeness.enter("held.example")


# --- Retry-After ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("120", None, 120),
        (" 120 ", None, 120),
        ("0", None, 0),
        ("1.5", None, 1.5),
        ("Mon, 23 Nov 2026 12:10:00 GMT", None, 600),
        ("Mon, 23 Nov 2026 12:10:00 GMT", "Mon, 23 Nov 2026 12:09:00 GMT", 60),
        ("Mon, 23 Nov 2026 11:00:00 GMT", None, -3600),
        ("Monday, 23-Nov-26 12:10:00 GMT", None, 600),
        ("soon", None, None),
        ("", None, None),
        ("-5", None, None),
        ("²", None, None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(value, date, seconds):
    """Both forms of RFC 9110; a date counts from the server's own clock; nonsense is ignored."""
    assert retry_after_s(value, date, NOW.timestamp()) == seconds


DATES = st.builds(
    "Mon, {} {} {} {}:{}:00 {}".format,
    *(st.integers(-1, 40), st.sampled_from(["Nov", "Feb", "x"]), st.integers(0, 12000), st.integers(0, 30)),
    *(st.integers(0, 70), st.sampled_from(["GMT", "+0200", "-9999", "EST", ""])),
)


@given(st.text(max_size=40) | DATES, st.text(max_size=40) | DATES | st.none())
def test_retry_after_never_raises(value, date):
    """Whatever a server writes."""
    assert retry_after_s(value, date, NOW.timestamp()) is None or isinstance(
        retry_after_s(value, date, NOW.timestamp()), float
    )


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_busy_host_is_left_alone_as_it_asks(bad_server, fetcher_for, clock, status, form):
    """Every URL of the host fails at once, without a request, until the time is over."""
    value = "600" if form == "seconds" else f"{NOW + timedelta(seconds=600):%a, %d %b %Y %H:%M:%S GMT}"
    busy = answers(status, b"", {"Retry-After": value})
    url = bad_server.on("/feed", in_turn(busy, answers(200, b"<rss/>")))
    other = bad_server.on("/page", answers(200, b"page"))
    async with fetcher_for(wall_clock=NOW.timestamp) as fetcher:
        with pytest.raises(FetchError) as first:
            await fetcher.get(url)
        clock.now += 100
        with pytest.raises(FetchError) as second:
            await fetcher.get(other)
        assert len(bad_server.requests) == 1
        clock.now += 501
        assert (await fetcher.get(url)).status == 200
    assert (first.value.status, first.value.retry_after_s, first.value.permanent) == (status, 600, False)
    assert (second.value.status, round(second.value.retry_after_s or 0), second.value.permanent) == (status, 500, False)
    assert other in str(second.value)


async def test_nobody_is_left_alone_for_more_than_a_day(bad_server, fetcher_for):
    """A Retry-After of 317,100 s was seen in the wild."""
    url = bad_server.on("/feed", answers(429, b"", {"Retry-After": "317100"}))
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.get(url)
    assert caught.value.retry_after_s == 86400


@pytest.mark.parametrize(("status", "value"), [(429, "soon"), (404, "600"), (429, "-1")])
async def test_other_answers_hold_nobody(bad_server, fetcher_for, status, value):
    """Nonsense, or a Retry-After where it means nothing to us."""
    url = bad_server.on("/feed", answers(status, b"", {"Retry-After": value}))
    async with fetcher_for() as fetcher:
        for _ in range(2):
            with pytest.raises(FetchError) as caught:
                await fetcher.get(url)
            assert caught.value.retry_after_s is None
    assert len(bad_server.requests) == 2


async def test_the_server_sees_two_at_once(bad_server, fetcher_for):
    """Ten requests in parallel: the server never has more than two of them."""
    running, peak = 0, 0

    async def handle(request, writer):
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0.005)
        running -= 1
        await answers(200, b"x")(request, writer)

    url = bad_server.on("/feed", handle)
    async with fetcher_for(per_host=2, per_host_delay="0s") as fetcher:
        await asyncio.gather(*(fetcher.get(url) for _ in range(10)))
    assert peak == 2
