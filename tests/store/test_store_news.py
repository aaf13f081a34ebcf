"""News of some hours: flagged threads of stories read in them, and when feeds were not seen."""

from __future__ import annotations

from store_events import (
    HOUR,
    NOW,
    a_failed_poll,
    a_feed,
    a_poll,
    a_story_is_read,
    feed_is_added,
)

from monitor.model import ThreadPlace
from monitor.store import Store

LONG_AGO = NOW - 48 * HOUR


def test_a_thread_is_one_piece_of_news(store: Store) -> None:
    """Its original first, its reprint after it; the outlets are those of the thread."""
    a, b = feed_is_added(store, "a"), feed_is_added(store, "b")
    first = a_story_is_read(store, a, "first")
    reprint = a_story_is_read(store, b, "reprint", place=ThreadPlace(None, first.story_id))
    found = store.news(NOW - HOUR, NOW + HOUR, LONG_AGO)
    (thread,) = found.threads
    assert [story.id for story in thread.stories] == [first.story_id, reprint.story_id]
    assert thread.outlets == ("The A Post", "The B Post")
    assert (found.read, found.feeds) == (2, 2)


def test_other_hours_and_the_backlog_are_no_news(store: Store) -> None:
    """Neither what was read before or after, nor what was published long ago; the end belongs to the hours."""
    a_story_is_read(store, feed_is_added(store), "one")
    assert len(store.news(NOW - HOUR, NOW, LONG_AGO).threads) == 1
    assert store.news(NOW, NOW + HOUR, LONG_AGO).threads == ()
    assert store.news(NOW - 2 * HOUR, NOW - HOUR, LONG_AGO).threads == ()
    assert store.news(NOW - HOUR, NOW, NOW + HOUR).threads == ()


def test_blind_windows_are_those_of_the_view(store: Store) -> None:
    """From the last success, also one before these hours, to the next one; still open ones have no end."""
    feed_id, fine = store.add_feed(a_feed("a"), NOW), store.add_feed(a_feed("b"), NOW)
    for hour, worked in enumerate([True, False, False, True, False, True, True, False]):
        store.record_poll(a_poll(fine, at=NOW + hour * HOUR))
        at = NOW + hour * HOUR
        store.record_poll(a_poll(feed_id, at=at) if worked else a_failed_poll(feed_id, at, error=f"e{hour}"))
    found = store.news(NOW + 1.5 * HOUR, NOW + 7 * HOUR, LONG_AGO)
    assert [(w.outlet, w.from_at, w.to_at, w.error) for w in found.blind] == [
        ("The A Post", NOW, NOW + 3 * HOUR, "e2"),
        ("The A Post", NOW + 3 * HOUR, NOW + 5 * HOUR, "e4"),
        ("The A Post", NOW + 6 * HOUR, None, "e7"),
    ]
    assert len(store.view("v_blind_windows")) == 3
    assert found.unasked == ()


def test_a_window_that_ended_before_is_not_told(store: Store) -> None:
    """What was seen again before these hours is old."""
    feed_id = store.add_feed(a_feed(), NOW)
    for hour, worked in enumerate([True, False, True, True]):
        at = NOW + hour * HOUR
        store.record_poll(a_poll(feed_id, at=at) if worked else a_failed_poll(feed_id, at))
    assert store.news(NOW + 2 * HOUR, NOW + 3 * HOUR, LONG_AGO).blind == ()


def test_hours_in_which_no_feed_was_asked(store: Store) -> None:
    """Also before the first poll and after the last one; a feed that was asked at all breaks them."""
    a, b = store.add_feed(a_feed("a"), NOW), store.add_feed(a_feed("b"), NOW)
    for feed_id, hour in [(a, 3), (b, 4), (a, 9)]:
        store.record_poll(a_poll(feed_id, at=NOW + hour * HOUR))
    found = store.news(NOW, NOW + 10 * HOUR, LONG_AGO)
    assert found.unasked == ((NOW, NOW + 3 * HOUR), (NOW + 4 * HOUR, NOW + 9 * HOUR))
