"""What a poll leaves in the store: entries, once each; the poll's row; validators and plan. And the inbox they fill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_events import (
    HOUR,
    NOW,
    a_failed_poll,
    a_feed,
    a_poll,
    an_entry,
    count,
    entries_come,
    feed_is_added,
    pending,
)

from monitor.errors import StoreError
from monitor.model import Entry, PollPlan, PollStatus
from monitor.store import Store

MINUTE = timedelta(minutes=1)


def test_new_entries_are_pending(store: Store) -> None:
    """An entry comes out of the inbox as it came out of the feed, with what is known about its outlet."""
    feed_id = feed_is_added(store)
    entry = an_entry(content="Full text", authors=("A. Writer", "Б. Автор"))
    assert entries_come(store, feed_id, entry) == 1
    (waiting,) = pending(store)
    assert (waiting.title, waiting.summary, waiting.content) == (entry.title, entry.summary, "Full text")
    assert (waiting.link, waiting.key, waiting.authors) == (entry.link, entry.key, entry.authors)
    assert (waiting.published_at, waiting.seen_at, waiting.attempts) == (entry.published_at, NOW, 0)
    assert (waiting.outlet, waiting.country, waiting.camp, waiting.lang) == ("The Kyiv Post", "UA", "ukrainian", "en")
    assert not waiting.first_poll


def test_entries_offered_again_are_not_new(store: Store) -> None:
    """Also with another title or summary: the key says what it is."""
    feed_id = feed_is_added(store)
    entries_come(store, feed_id, an_entry("a"), an_entry("b"))
    again = [an_entry("a", title="Corrected", summary="Longer"), an_entry("b"), an_entry("c")]
    assert entries_come(store, feed_id, *again, at=NOW + HOUR) == 1
    assert {entry.title for entry in pending(store, NOW + HOUR)} == {"Title a", "Title b", "Title c"}


def test_a_key_twice_in_one_feed_document_is_one_entry(store: Store) -> None:
    """Whatever the parser let through."""
    assert entries_come(store, feed_is_added(store), an_entry("a"), an_entry("a", title="Twin")) == 1


def test_two_feeds_may_offer_the_same_key(store: Store) -> None:
    """Guids are only unique inside a feed; that both are one story is found when they are read."""
    for name in ("one", "two"):
        assert entries_come(store, feed_is_added(store, name), an_entry()) == 1


def test_an_entry_under_a_new_guid_is_not_new(store: Store) -> None:
    """A site that moves its CMS changes all guids; links, titles and dates stay."""
    feed_id = feed_is_added(store)
    entries_come(store, feed_id, an_entry("a"))
    moved = an_entry("a", guid="https://kyiv.example/?p=1", key="https://kyiv.example/?p=1")
    assert entries_come(store, feed_id, moved, at=NOW + HOUR) == 0
    assert entries_come(store, feed_id, moved, at=NOW + 2 * HOUR) == 0
    assert count(store, "entries", "state = 'skipped' and error like '%new guid'") == 1
    assert len(pending(store, NOW + HOUR)) == 1


def test_a_new_guid_is_seen_through_tracking_parameters(store: Store) -> None:
    """The canonical link is compared, not the link."""
    feed_id = feed_is_added(store)
    entries_come(store, feed_id, an_entry("a"))
    moved = an_entry("a", key="new", link=f"{an_entry('a').link}?utm_source=rss")
    assert entries_come(store, feed_id, moved) == 0


def test_entries_that_all_link_to_the_front_page_are_all_new(store: Store) -> None:
    """A link alone does not make two entries one: that would lose stories."""
    feed_id = feed_is_added(store)
    entries_come(store, feed_id, an_entry("a", link="https://kyiv.example/"))
    later = [an_entry(name, link="https://kyiv.example/") for name in ("b", "c")]
    assert entries_come(store, feed_id, *later) == 2


def test_a_daily_column_under_one_link_is_new_every_day(store: Store) -> None:
    """Same link and title, another date."""
    feed_id = feed_is_added(store)
    for day in range(3):
        column = an_entry("column", key=f"day{day}", published_at=NOW + day * 24 * HOUR)
        assert entries_come(store, feed_id, column) == 1


def test_the_first_successful_poll_brings_a_backlog(store: Store) -> None:
    """Its entries are marked, so that they are stored but not mailed; failures before it do not count."""
    feed_id = store.add_feed(a_feed(), NOW)
    store.record_poll(a_failed_poll(feed_id))
    entries_come(store, feed_id, an_entry("old"), at=NOW + HOUR)
    entries_come(store, feed_id, an_entry("old"), an_entry("new"), at=NOW + 2 * HOUR)
    assert {entry.key: entry.first_poll for entry in pending(store, NOW + 2 * HOUR)} == {
        "guid-old": True, "guid-new": False,
    }  # fmt: skip


def test_every_poll_leaves_a_row(store: Store) -> None:
    """With what happened, what it cost, and when the next one is and why."""
    feed_id = store.add_feed(a_feed(), NOW)
    store.record_poll(a_poll(feed_id, an_entry("a"), an_entry("b")))
    store.record_poll(a_failed_poll(feed_id, at=NOW + HOUR))
    worked, failed = [dict(row) for row in store.db.execute("select * from polls order by id")]
    assert (worked["status"], worked["bytes"], worked["ms"], worked["entries"], worked["new"]) == ("ok", 1000, 20, 2, 2)
    assert (worked["started_at"], worked["next_poll_at"]) == ("2026-11-05T12:00:00Z", "2026-11-05T13:00:00Z")
    assert (failed["status"], failed["http_status"], failed["error"]) == ("failed", 500, "500 from server")
    assert failed["reason"] == "failed once"


def test_a_poll_changes_the_feeds_plan_and_validators(store: Store) -> None:
    """In the transaction that stores the entries: a saved etag means that the feed will not offer them twice."""
    feed_id = store.add_feed(a_feed(), NOW)
    store.record_poll(a_poll(feed_id, last_modified="Thu, 05 Nov 2026 11:00:00 GMT", unconditional=True))
    (feed,) = store.all_feeds()
    assert (feed.etag, feed.last_modified, feed.body_hash) == ('"v1"', "Thu, 05 Nov 2026 11:00:00 GMT", "h1")
    assert (feed.next_poll_at, feed.next_poll_reason, feed.interval_s) == (NOW + HOUR, "every hour", 3600)
    assert (feed.polled_at, feed.succeeded_at, feed.unconditional_at, feed.failures) == (NOW, NOW, NOW, 0)


def test_validators_that_are_not_sent_stay(store: Store) -> None:
    """None leaves the stored value as it is: a 304 need not repeat them."""
    feed_id = store.add_feed(a_feed(), NOW)
    store.record_poll(a_poll(feed_id, last_modified="then"))
    unchanged = a_poll(feed_id, at=NOW + HOUR, status=PollStatus.UNCHANGED, etag=None, body_hash=None)
    store.record_poll(unchanged)
    (feed,) = store.all_feeds()
    assert (feed.etag, feed.last_modified, feed.body_hash) == ('"v1"', "then", "h1")
    assert (feed.succeeded_at, feed.unconditional_at) == (NOW + HOUR, None)


def test_failures_are_counted_until_it_works_again(store: Store) -> None:
    """The count drives the back-off; the last success stays visible."""
    feed_id = store.add_feed(a_feed(), NOW)
    store.record_poll(a_poll(feed_id))
    for hours in (1, 2):
        store.record_poll(a_failed_poll(feed_id, at=NOW + hours * HOUR, unconditional=True))
    (feed,) = store.all_feeds()
    assert (feed.failures, feed.polled_at, feed.succeeded_at, feed.etag) == (2, NOW + 2 * HOUR, NOW, '"v1"')
    assert feed.unconditional_at is None
    store.record_poll(a_poll(feed_id, at=NOW + 3 * HOUR))
    assert store.all_feeds()[0].failures == 0


def test_a_poll_of_an_unknown_feed_is_an_error_that_leaves_nothing(store: Store) -> None:
    """It names the feed."""
    with pytest.raises(StoreError, match="feed 7"):
        store.record_poll(a_poll(7, an_entry()))
    assert count(store, "entries") == count(store, "polls") == 0


def test_entries_are_read_newest_first(store: Store) -> None:
    """Fresh news before the backlog; an undated entry counts as of when it was seen."""
    feed_id = feed_is_added(store)
    entries_come(
        store,
        feed_id,
        an_entry("old", published_at=NOW - 10 * HOUR),
        an_entry("undated", published_at=None),
        an_entry("new", published_at=NOW - MINUTE),
    )
    assert [entry.key for entry in pending(store)] == ["guid-undated", "guid-new", "guid-old"]
    assert [entry.key for entry in store.pending_entries(NOW, 1)] == ["guid-undated"]


def test_a_failed_entry_waits_for_its_next_attempt(store: Store) -> None:
    """It stays pending, with the reason."""
    entries_come(store, feed_is_added(store), an_entry())
    (entry,) = pending(store)
    store.retry_entry(entry.id, "timeout", NOW + HOUR, NOW)
    assert pending(store, NOW + 59 * MINUTE) == []
    assert store.count_pending() == 1
    (again,) = pending(store, NOW + HOUR)
    assert (again.id, again.attempts) == (entry.id, 1)
    assert count(store, "entries", "error = 'timeout'") == 1


def test_a_skipped_entry_is_settled_with_its_reason(store: Store) -> None:
    """And does not come back with the next poll."""
    feed_id = feed_is_added(store)
    entries_come(store, feed_id, an_entry())
    (entry,) = pending(store)
    store.skip_entry(entry.id, "no text at all", NOW)
    assert store.count_pending() == 0
    assert count(store, "entries", "state = 'skipped' and error = 'no text at all'") == 1
    assert entries_come(store, feed_id, an_entry(), at=NOW + HOUR) == 0


def test_times_of_other_zones_are_stored_in_utc(store: Store) -> None:
    """Text order is time order."""
    kyiv = timezone(timedelta(hours=2))
    entry = an_entry(published_at=datetime(2026, 11, 5, 9, 30, 15, 123456, tzinfo=kyiv))
    entries_come(store, feed_is_added(store), entry)
    assert store.db.execute("select published_at from entries").fetchone()[0] == "2026-11-05T07:30:15Z"


@pytest.mark.parametrize(
    "odd",
    [
        NOW.replace(tzinfo=None),
        datetime(1, 1, 1, tzinfo=UTC).replace(tzinfo=None),
        datetime(1, 1, 1, tzinfo=timezone(14 * HOUR)),
        datetime(9999, 12, 31, 23, tzinfo=timezone(-14 * HOUR)),
    ],
)
def test_a_careless_date_stops_no_story(store: Store, odd: datetime) -> None:
    """No zone, or a year that has none in UTC."""
    assert entries_come(store, feed_is_added(store), an_entry(published_at=odd)) == 1
    assert len(pending(store)) == 1


ANY_TEXT = st.text(st.characters(codec=None), max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            Entry,
            guid=st.none() | ANY_TEXT,
            link=st.none() | ANY_TEXT | st.sampled_from(["http://[", "https://a.example/x", "//", "http://a:b:c/"]),
            title=ANY_TEXT,
            summary=ANY_TEXT,
            content=ANY_TEXT,
            authors=st.lists(ANY_TEXT, max_size=2).map(tuple),
            published_at=st.none() | st.datetimes(timezones=st.sampled_from([UTC, timezone(3 * HOUR)])),
            key=ANY_TEXT,
        ),
        max_size=4,
        unique_by=lambda entry: entry.key,
    )
)
def test_whatever_a_feed_says_is_stored(store: Store, entries: list[Entry]) -> None:
    """Lone surrogates, NUL, odd links, odd dates: an entry that was offered is in the inbox, and no second time."""
    feed_id = store.add_feed(a_feed(f"feed{count(store, 'feeds')}"), NOW)
    outcome = a_poll(feed_id, *entries)
    store.record_poll(outcome)
    assert count(store, "entries", f"feed_id = {feed_id}") == len(
        {e.key.encode("utf-8", "replace").replace(b"\0", b"?") for e in entries}
    )
    assert store.record_poll(outcome) == 0
    store.pending_entries(NOW, 1000)


def test_many_polls_may_share_one_transaction(store: Store) -> None:
    """A transaction a poll is the rule; a thousand unchanged ones at once cost less."""
    ids = [store.add_feed(a_feed(f"f{number}"), NOW) for number in range(3)]
    with store.transaction():
        assert [store.record_poll(a_poll(feed_id, an_entry())) for feed_id in ids] == [1, 1, 1]
    assert store.count_pending() == 3


def test_the_plan_says_why(store: Store) -> None:
    """What `monitor feeds list` shows."""
    feed_id = store.add_feed(a_feed(), NOW)
    store.record_poll(a_poll(feed_id, plan=PollPlan(NOW + HOUR, "Retry-After of the server", 3600)))
    assert store.all_feeds()[0].next_poll_reason == "Retry-After of the server"
