"""Feeds in the store: those of the config, those added by command, which are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from store_events import HOUR, NOW, a_failed_poll, a_feed, a_poll, an_entry, entries_come, feed_is_added

from monitor.model import FeedState, PollStatus
from monitor.settings import FeedSettings
from monitor.store import Store


def states(store: Store) -> dict[str, str]:
    """Feed by address -> state."""
    return {feed.url: feed.state for feed in store.all_feeds()}


def the_feed(store: Store) -> FeedState:
    """The only feed."""
    (feed,) = store.all_feeds()
    return feed


def test_a_feed_comes_back_as_it_was_configured(store: Store) -> None:
    """Outlet, country, camp, language and tags travel with every entry and story."""
    store.sync_feeds([a_feed(tags=("ukraine", "agency"))], NOW)
    feed = the_feed(store)
    assert (feed.outlet, feed.country, feed.camp, feed.lang) == ("The Kyiv Post", "UA", "ukrainian", "en")
    assert feed.tags == ("ukraine", "agency")
    assert (feed.state, feed.next_poll_at, feed.failures, feed.entry_times) == ("active", None, 0, ())


def test_a_feed_without_an_outlet_is_called_by_its_host(store: Store) -> None:
    """A mail must not say that nobody reported it."""
    store.sync_feeds([FeedSettings(url="https://www.paper.example/rss")], NOW)
    assert the_feed(store).outlet.endswith("paper.example")


def test_feeds_follow_the_config(store: Store) -> None:
    """New ones are added, gone ones removed, changed ones described anew."""
    store.sync_feeds([a_feed("a"), a_feed("b")], NOW)
    store.sync_feeds([a_feed("b", outlet="New Name"), a_feed("c")], NOW)
    assert states(store) == {a_feed("a").url: "removed", a_feed("b").url: "active", a_feed("c").url: "active"}
    assert {feed.outlet for feed in store.active_feeds()} == {"New Name", "The C Post"}


def test_a_feed_that_comes_back_to_the_config_is_asked_again(store: Store) -> None:
    """With its history: its old entries stay known."""
    store.sync_feeds([a_feed()], NOW)
    feed_id = the_feed(store).id
    entries_come(store, feed_id, an_entry())
    store.sync_feeds([], NOW)
    assert store.due_feeds(NOW + 10 * HOUR, 10) == []
    store.sync_feeds([a_feed()], NOW)
    assert [feed.id for feed in store.due_feeds(NOW, 10)] == [feed_id]
    assert entries_come(store, feed_id, an_entry(), at=NOW + HOUR) == 0


def test_nothing_is_written_when_nothing_changed(store: Store) -> None:
    """Commands beside the daemon sync too."""
    store.sync_feeds([a_feed("a"), a_feed("b")], NOW)
    before = store.db.conn.total_changes
    store.sync_feeds([a_feed("a"), a_feed("b")], NOW + HOUR)
    assert store.db.conn.total_changes == before


def test_the_same_address_twice_is_one_feed(store: Store) -> None:
    """The later description counts."""
    store.sync_feeds([a_feed(), a_feed(outlet="Second")], NOW)
    assert the_feed(store).outlet == "Second"


def test_feeds_added_by_command_stay(store: Store) -> None:
    """Only the config's own feeds leave with it."""
    store.add_feed(a_feed("mine"), NOW)
    store.sync_feeds([a_feed("a")], NOW)
    store.sync_feeds([], NOW)
    assert states(store) == {a_feed("mine").url: "active", a_feed("a").url: "removed"}


@pytest.mark.parametrize("state", ["paused", "gone"])
def test_a_paused_or_gone_feed_stays_so(store: Store, state: str) -> None:
    """Reloading the config does not overrule the analyst or a 410."""
    store.sync_feeds([a_feed()], NOW)
    assert store.set_feed_state(a_feed().url, state)
    store.sync_feeds([a_feed()], NOW)
    assert the_feed(store).state == state
    assert store.due_feeds(NOW, 10) == []


def test_a_resumed_feed_is_asked_at_once(store: Store) -> None:
    """Whatever its plan was, and with its failures forgotten."""
    feed_id = store.add_feed(a_feed(), NOW)
    store.record_poll(a_failed_poll(feed_id))
    store.set_feed_state(a_feed().url, "paused")
    store.set_feed_state(a_feed().url, "active")
    (due,) = store.due_feeds(NOW, 10)
    assert due.failures == 0


def test_changing_an_unknown_feed_says_so(store: Store) -> None:
    """The command can then name the feeds there are."""
    assert not store.set_feed_state("https://nowhere.example/", "paused")
    assert not store.remove_feed("https://nowhere.example/")
    with pytest.raises(ValueError, match="no state of a feed"):
        store.set_feed_state("https://nowhere.example/", "asleep")


def test_a_removed_feed_can_be_added_again(store: Store) -> None:
    """With the id and history it had."""
    feed_id = store.add_feed(a_feed(), NOW)
    assert store.remove_feed(a_feed().url)
    assert store.active_feeds() == []
    assert store.add_feed(a_feed(outlet="Again"), NOW) == feed_id
    assert [feed.outlet for feed in store.active_feeds()] == ["Again"]


def test_due_feeds_are_the_overdue_ones_oldest_first(store: Store) -> None:
    """Never asked, then the longest overdue; those that are not due, paused or removed are left out."""
    for name, minutes in [("late", -90), ("later", -30), ("now", 0), ("future", 1)]:
        feed_id = store.add_feed(a_feed(name), NOW)
        store.record_poll(a_poll(feed_id, at=NOW + timedelta(minutes=minutes) - HOUR))
    store.add_feed(a_feed("new"), NOW)
    store.add_feed(a_feed("paused"), NOW)
    store.set_feed_state(a_feed("paused").url, "paused")
    assert [feed.outlet for feed in store.due_feeds(NOW, 10)] == [
        "The New Post", "The Late Post", "The Later Post", "The Now Post",
    ]  # fmt: skip
    assert len(store.due_feeds(NOW, 2)) == 2


def test_entry_times_are_those_of_the_newest_entries(store: Store) -> None:
    """Newest first, at most 30, kept on the feed's own row; undated ones count when they were seen."""
    feed_id = feed_is_added(store)
    entries_come(store, feed_id, *(an_entry(str(n), published_at=NOW - n * HOUR) for n in range(60)))
    entries_come(store, feed_id, an_entry("undated", published_at=None), at=NOW + HOUR)
    times = the_feed(store).entry_times
    assert times[:3] == (NOW + HOUR, NOW, NOW - HOUR)
    assert len(times) == 30


def test_a_date_in_the_future_counts_as_now(store: Store) -> None:
    """A feed that announces next year's event does not publish once a year."""
    feed_id = feed_is_added(store)
    entries_come(store, feed_id, an_entry(published_at=datetime(2199, 1, 1, tzinfo=UTC)))
    assert the_feed(store).entry_times == (NOW,)


def test_a_feed_that_moved_is_asked_at_its_new_address(store: Store) -> None:
    """The config goes on naming the old one, and both name it in commands."""
    store.sync_feeds([a_feed()], NOW)
    new = "https://kyiv.example/new-feed"
    store.record_poll(a_poll(the_feed(store).id, new_url=new, moved_to=new, moved_count=5, moved_since=NOW))
    store.sync_feeds([a_feed()], NOW)
    feed = the_feed(store)
    assert (feed.url, feed.state, feed.moved_to, feed.moved_count) == (new, "active", None, 0)
    assert store.set_feed_state(a_feed().url, "paused")
    assert store.set_feed_state(new, "active")
    store.sync_feeds([a_feed(url_changed := "kyiv"), FeedSettings(url=new)], NOW)
    assert url_changed
    assert len(store.all_feeds()) == 1


def test_the_config_may_name_the_new_address_of_a_moved_feed(store: Store) -> None:
    """It is the same feed, with the entries it had."""
    store.sync_feeds([a_feed()], NOW)
    feed_id = the_feed(store).id
    new = FeedSettings(url="https://kyiv.example/new-feed", outlet="Kyiv")
    store.record_poll(a_poll(feed_id, new_url=new.url))
    store.sync_feeds([new], NOW)
    store.sync_feeds([new], NOW)
    assert (the_feed(store).id, the_feed(store).state, the_feed(store).outlet) == (feed_id, "active", "Kyiv")


def test_a_feed_does_not_move_onto_another_one(store: Store) -> None:
    """Two feeds with one address would be asked twice and doubled."""
    a, b = store.add_feed(a_feed("a"), NOW), store.add_feed(a_feed("b"), NOW)
    store.record_poll(a_poll(a, new_url=a_feed("b").url))
    assert {feed.id: feed.url for feed in store.all_feeds()} == {a: a_feed("a").url, b: a_feed("b").url}


def test_counted_redirects_are_kept(store: Store) -> None:
    """Five equal ones over three days rewrite the address; until then they are only counted."""
    feed_id = store.add_feed(a_feed(), NOW)
    store.record_poll(a_poll(feed_id, moved_to="https://b.example/f", moved_count=2, moved_since=NOW))
    feed = the_feed(store)
    assert (feed.url, feed.moved_to, feed.moved_count, feed.moved_since) == (
        a_feed().url, "https://b.example/f", 2, NOW,
    )  # fmt: skip


def test_gone_is_a_state_that_a_poll_sets(store: Store) -> None:
    """410: the feed is not asked again, and it is no longer active."""
    feed_id = store.add_feed(a_feed(), NOW)
    store.record_poll(a_failed_poll(feed_id, status=PollStatus.GONE, http_status=410))
    assert the_feed(store).state == "gone"
    assert store.due_feeds(NOW + 100 * HOUR, 10) == []
