"""Watches and changes in the store: what is due, what a look leaves behind, and a new reading in place of the old one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from store_events import (
    HOUR,
    NOTHING,
    NOW,
    TEXT,
    TOPIC,
    a_flag,
    a_look,
    a_record,
    a_story_is_read,
    an_analysis,
    an_entry,
    entries_come,
    feed_is_added,
    pending,
    policy,
)

from monitor.model import Change, Look, PageRecord, PageStatus, StoryRecord, ThreadPlace
from monitor.store import Store

NEGATED = Change("negation", "Allies gave a timeline.", "Allies gave no timeline.")
MINUTE = timedelta(minutes=1)


def a_watched_story(store: Store, name: str = "one", **changes: Any) -> int:
    """A flagged story of a feed, to be looked at in a quarter of an hour."""
    usual: dict[str, Any] = {"watch_at": NOW + 15 * MINUTE} | changes
    return a_story_is_read(store, feed_is_added(store, name), name, **usual).story_id


def a_new_reading(store: Store, story_id: int, **changes: Any) -> StoryRecord:
    """What the page says now."""
    watched = store.watched_story(story_id)
    assert watched is not None
    page = PageRecord(NOW + 15 * MINUTE, 200, {}, b"<html>other words</html>")
    usual = a_record(watched.entry, text=TEXT + " And more.", page=page, read_at=NOW + 15 * MINUTE)
    return replace(usual, **changes)


def messages(store: Store) -> list[tuple[str, str]]:
    """Topic and reason of all alerts."""
    return [(row["topic"], row["reason"]) for row in store.list_alerts()[::-1]]


def test_watches_come_when_their_time_has_come_the_longest_due_first(store: Store) -> None:
    """Not before, and not more than asked for."""
    late = a_watched_story(store, "late", watch_at=NOW + HOUR)
    soon = a_watched_story(store, "soon")
    a_watched_story(store, "never", watch_at=None)
    assert store.due_watches(NOW, 10) == []
    assert [watch.story_id for watch in store.due_watches(NOW + HOUR, 10)] == [soon, late]
    assert [watch.story_id for watch in store.due_watches(NOW + HOUR, 1)] == [soon]


def test_a_watch_begins_with_the_validators_of_its_page(store: Store) -> None:
    """So that the first look is conditional already."""
    page = PageRecord(NOW, 200, {"etag": 'W/"1"', "last-modified": "Thu, 05 Nov 2026 11:00:00 GMT"}, b"<html>")
    a_watched_story(store, page=page)
    (watch,) = store.due_watches(NOW + HOUR, 10)
    assert (watch.etag, watch.last_modified, watch.since) == ('W/"1"', "Thu, 05 Nov 2026 11:00:00 GMT", NOW)


@pytest.mark.parametrize(
    ("validators", "kept"),
    [(None, ('"a"', None)), (('"b"', "x"), ('"b"', "x")), ((None, None), (None, None))],
)
def test_a_look_renews_the_validators_or_leaves_them(
    store: Store, validators: tuple[str | None, str | None] | None, kept: tuple[str | None, str | None]
) -> None:
    """A 304 may say nothing of them; a page without them has none."""
    story_id = a_watched_story(store, page=PageRecord(NOW, 200, {"etag": '"a"'}, b"<html>"))
    store.note_look(a_look(story_id, validators=validators))
    (watch,) = store.due_watches(NOW + HOUR, 10)
    assert (watch.etag, watch.last_modified) == kept


def test_a_look_leaves_its_outcome_and_the_next_time(store: Store) -> None:
    """And what failed, for whoever asks why."""
    story_id = a_watched_story(store)
    store.note_look(Look(story_id, NOW, "failed", NOW + HOUR, failures=1, offline=1, error="server away"))
    (watch,) = store.due_watches(NOW + HOUR, 10)
    assert (watch.failures, watch.offline) == (1, 1)
    assert store.db.execute("select looks, outcome, error from watches").fetchone()[:] == (1, "failed", "server away")
    store.note_look(Look(story_id, NOW, "unchanged", None))
    assert store.due_watches(NOW + 1000 * HOUR, 10) == []


def test_a_watch_that_was_over_goes_on_when_another_entry_completes_the_story(store: Store) -> None:
    """One that runs keeps its own time."""
    feed_id = feed_is_added(store)
    stub: dict[str, Any] = {"source": "summary", "status": PageStatus.STUB}
    story_id = a_story_is_read(store, feed_id, watch_at=NOW + HOUR, analysis=NOTHING, **stub).story_id
    store.note_look(Look(story_id, NOW, "failed", None))
    entries_come(store, feed_id, an_entry("two"))
    (again,) = pending(store)
    store.save_story(a_record(again, url="https://kyiv.example/news/one"), policy(), watch_at=NOW + 2 * HOUR)
    assert [watch.story_id for watch in store.due_watches(NOW + 2 * HOUR, 10)] == [story_id]


def test_a_new_reading_takes_the_place_of_the_old_one(store: Store) -> None:
    """Text, analysis and full-text index; the page that was published first stays; the change names its version."""
    story_id = a_watched_story(store)
    reading = a_new_reading(
        store, story_id, text="Allies gave no date at all.", analysis=an_analysis(a_flag(score=0.7))
    )
    saved = store.save_again(a_look(story_id, "changed"), reading, policy(), changes=[NEGATED])
    assert (saved.new, saved.flagged, saved.alerts) == (False, (TOPIC,), 0)
    story = store.story(story_id)
    assert story is not None
    assert (story.text, story.analysis) == ("Allies gave no date at all.", reading.analysis)
    assert store.search("date")
    assert not store.search("circles")
    assert [page.body for page in store.pages_of(story_id)][1] == b"<html>other words</html>"
    (row,) = store.view("v_changes")
    assert (row["kind"], row["before"], row["after"], row["version"]) == (*vars_of(NEGATED), 2)
    assert (row["outlet"], row["topics"], row["story_id"]) == ("The One Post", TOPIC, story_id)
    assert store.check() == []


def vars_of(change: Change) -> tuple[str, str | None, str | None]:
    """Its three fields."""
    return change.kind, change.before, change.after


def test_words_that_stay_stay_the_same_saying(store: Store) -> None:
    """The quote ledger does not count an edit as a new saying."""
    story_id = a_watched_story(store)
    before = store.db.execute("select saying_id from quotes").fetchall()
    store.save_again(a_look(story_id), a_new_reading(store, story_id), policy(), changes=[NEGATED])
    assert store.db.execute("select saying_id from quotes").fetchall() == before


def test_a_follow_up_stands_in_the_first_ones_mail_thread(store: Store) -> None:
    """It refers to the mail that was sent, and has its own identity and reason."""
    story_id = a_watched_story(store)
    (first,) = store.owed_deliveries(NOW, 10)
    store.note_sent(first.id, "ok", NOW)
    reading = a_new_reading(store, story_id)
    saved = store.save_again(
        a_look(story_id), reading, policy(), changes=[NEGATED], follow_ups={TOPIC: "negation changed"}
    )
    assert saved.alerts == 1
    (delivery,) = store.owed_deliveries(NOW, 10)
    alert = store.owed_alert(delivery.alert_id)
    assert alert.references == (store.owed_alert(first.alert_id).message_id,)
    assert (alert.reason, alert.stories[0].text) == ("negation changed", reading.text)
    assert (alert.changes, store.owed_alert(first.alert_id).changes) == ((NEGATED,), ())
    assert messages(store) == [(TOPIC, "new story"), (TOPIC, "negation changed")]


def test_no_follow_up_where_nobody_was_told_or_nobody_wants_to_be(store: Store) -> None:
    """Backlog, muted threads, no recipients."""
    untold = a_watched_story(store, "untold", alerts=policy(mail_after=NOW + HOUR))
    muted = a_watched_story(store, "muted")
    alone = a_watched_story(store, "alone")
    store.add_review(muted, None, "mute", via="command", now=NOW)
    told = {TOPIC: "headline changed"}
    for story_id, to in [(untold, policy()), (muted, policy()), (alone, policy(recipients=()))]:
        reading = a_new_reading(store, story_id)
        assert store.save_again(a_look(story_id), reading, to, changes=[NEGATED], follow_ups=told).alerts == 0


def test_a_story_that_loses_its_flag_and_gets_it_back_is_not_new(store: Store) -> None:
    """Flagged for the first time is told once."""
    story_id = a_watched_story(store)
    lost = a_new_reading(store, story_id, analysis=an_analysis(a_flag(score=0.2)))
    assert store.save_again(a_look(story_id), lost, policy(), changes=[NEGATED]).flagged == ()
    again = a_new_reading(store, story_id)
    saved = store.save_again(a_look(story_id), again, policy(), changes=[NEGATED])
    assert (saved.flagged, saved.alerts) == ((TOPIC,), 0)


def test_a_story_that_is_flagged_for_the_first_time_owes_an_alert_of_its_own(store: Store) -> None:
    """A teaser that became the article."""
    stub: dict[str, Any] = {"source": "summary", "status": PageStatus.STUB, "analysis": NOTHING}
    story_id = a_watched_story(store, **stub)
    watched = store.watched_story(story_id)
    assert watched is not None
    assert not watched.full
    saved = store.save_again(a_look(story_id, "full article"), a_new_reading(store, story_id), policy())
    assert (saved.flagged, saved.alerts) == ((TOPIC,), 1)
    assert messages(store) == [(TOPIC, "new story")]
    again = store.watched_story(story_id)
    assert again is not None
    assert again.full


def test_what_other_stories_of_the_thread_changed_is_known(store: Store) -> None:
    """So that an agency's correction is not told once for each paper that prints it."""
    first = a_watched_story(store, "first")
    copy = a_watched_story(store, "copy", place=ThreadPlace(None, first))
    store.save_again(a_look(first), a_new_reading(store, first), policy(), changes=[NEGATED])
    watched, itself = store.watched_story(copy), store.watched_story(first)
    assert watched is not None
    assert itself is not None
    assert watched.told_in_thread == {NEGATED}
    assert itself.told_in_thread == frozenset()


def test_both_dates_are_kept(store: Store) -> None:
    """The feed's and the page's; a new reading renews the page's."""
    story_id = a_watched_story(store)
    sql = "select published_at, page_published_at from stories"
    assert store.db.execute(sql).fetchone()[:] == ("2026-11-05T11:00:00Z", "2026-11-05T10:00:00Z")
    reading = a_new_reading(store, story_id, page_published_at=NOW)
    store.save_again(a_look(story_id), reading, policy(), changes=[NEGATED])
    assert store.db.execute(sql).fetchone()[:] == ("2026-11-05T11:00:00Z", "2026-11-05T12:00:00Z")


def test_a_story_without_its_feed_is_not_watched(store: Store) -> None:
    """Nobody knows where it came from."""
    feed_id = feed_is_added(store, "gone")
    story_id = a_story_is_read(store, feed_id, watch_at=NOW).story_id
    with store.transaction():
        store.db.execute("delete from entries")
    assert store.watched_story(story_id) is None
