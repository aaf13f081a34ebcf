"""Permanent redirects: counted, and followed for good only when they are settled and safe."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.model import FeedState, Response
from monitor.poll import Move, follow_moves

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, NEW = "https://harbour.example/rss", "https://news.harbour.example/feed"
FEED = FeedState(id=1, url=OLD, outlet="", country=None, camp=None, lang=None, tags=(), state="active")


def answer(target: str = NEW, *statuses: int) -> Response:
    """An answer after redirects with these statuses."""
    redirects = tuple((status, target) for status in statuses)
    return Response(
        url=OLD,
        final_url=target if redirects else OLD,
        status=200,
        headers={},
        body=b"",
        elapsed_ms=1,
        redirects=redirects,
    )


def after(feed: FeedState, move: Move) -> FeedState:
    """The feed once the store has the move."""
    return replace(feed, moved_to=move.moved_to, moved_count=move.moved_count, moved_since=move.moved_since)


def daily(count: int, target: str = NEW, status: int = 301, feed: FeedState = FEED) -> list[Move]:
    """``count`` equal answers, one a day."""
    moves = []
    for number in range(count):
        moves.append(follow_moves(feed, answer(target, status), NOW + number * DAY))
        feed = after(feed, moves[-1])
    return moves


@pytest.mark.parametrize("status", [301, 308])
def test_the_fifth_equal_answer_moves_the_feed(status: int) -> None:
    """And not the fourth."""
    assert [move.new_url for move in daily(5, status=status)] == [None, None, None, None, NEW]


def test_five_answers_in_a_day_are_not_enough() -> None:
    """A misconfiguration of an afternoon must not move a feed; after three days it counts."""
    feed = FEED
    for number in range(20):
        move = follow_moves(feed, answer(NEW, 301), NOW + number * timedelta(hours=1))
        assert move.new_url is None
        feed = after(feed, move)
    assert follow_moves(feed, answer(NEW, 301), NOW + 3 * DAY).new_url == NEW


@pytest.mark.parametrize(
    "interruption",
    [answer(), answer(NEW, 302), answer(NEW, 301, 307), answer("https://elsewhere.example/", 301)],
    ids=["no redirect", "temporary", "partly temporary", "another target"],
)
def test_any_other_answer_starts_the_count_again(interruption: Response) -> None:
    """Equal means equal."""
    feed = after(FEED, daily(4)[-1])
    move = follow_moves(feed, interruption, NOW + 4 * DAY)
    assert move.new_url is None
    assert move.moved_count <= 1
    assert move.moved_to != NEW


@pytest.mark.parametrize(
    "target",
    [
        "http://news.harbour.example/feed", "https://127.0.0.1/feed", "https://10.0.0.8/feed", "https://[::1]/feed", "https://[::ffff:10.0.0.1]/feed",
        "https://169.254.169.254/latest", "https://localhost/feed", "https://intranet/feed", "https://db.internal/feed", "https://printer.local/",
        "https://2130706433/", "https://0x7f.1/", "https://user:pw@harbour.example/feed", "ftp://harbour.example/feed", "https://",
    ],
)  # fmt: skip
def test_a_feed_never_moves_to_a_private_or_less_safe_address(target: str) -> None:
    """However often it is said."""
    assert {move.new_url for move in daily(9, target)} == {None}
    assert daily(9, target)[-1].moved_count == 0


def test_a_feed_may_move_from_http_to_https() -> None:
    """The usual move."""
    plain = replace(FEED, url="http://harbour.example/rss")
    assert daily(5, feed=plain)[-1].new_url == NEW


def test_a_feed_that_redirects_to_itself_has_not_moved() -> None:
    """A cookie dance."""
    assert follow_moves(FEED, answer(OLD, 301), NOW) == Move(None, 0, None, None)
