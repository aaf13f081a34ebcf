"""Alerts: owed with the story, once a thread and topic, delivered at least once, never forgotten."""

from __future__ import annotations

import re
from typing import Any

import pytest
from store_events import (
    HOUR,
    NOTHING,
    NOW,
    TITLE,
    TOPIC,
    a_feed,
    a_flag,
    a_record,
    a_story_is_read,
    an_analysis,
    an_entry,
    count,
    entries_come,
    feed_is_added,
    pending,
    policy,
)

from monitor.errors import StoreError
from monitor.model import Delivery, ThreadPlace
from monitor.store import Store

TWO_READERS = (("email", "a@example.org"), ("email", "b@example.org"))


def the_delivery(store: Store) -> Delivery:
    """The only delivery that is due."""
    (delivery,) = store.owed_deliveries(NOW, 10)
    return delivery


def thread_of(store: Store, story_id: int) -> int:
    """A flagged story's thread."""
    story = store.story(story_id)
    assert story is not None
    assert story.thread_id is not None
    return story.thread_id


def test_a_flagged_story_owes_an_alert_to_each_recipient(store: Store) -> None:
    """One alert with one stable Message-ID, one delivery a recipient."""
    saved = a_story_is_read(store, feed_is_added(store), alerts=policy(recipients=TWO_READERS))
    assert saved.alerts == 1
    due = store.owed_deliveries(NOW, 10)
    assert [(one.channel, one.recipient, one.attempts, one.message) for one in due] == [
        ("email", "a@example.org", 0, None), ("email", "b@example.org", 0, None),
    ]  # fmt: skip
    alert = store.owed_alert(due[0].alert_id)
    assert (alert.topic, alert.reason, alert.created_at, alert.references) == (TOPIC, "new story", NOW, ())
    assert [story.id for story in alert.stories] == [saved.story_id]
    assert alert.stories[0].analysis == an_analysis()
    assert alert.outlets == ("The Kyiv Post",)


def test_the_message_id_is_unique_and_a_valid_one(store: Store) -> None:
    """<topic.thread.alert.random@domain>, the same at every look."""
    a_story_is_read(store, feed_is_added(store, "a"), "a")
    a_story_is_read(store, feed_is_added(store, "b"), "b")
    ids = [store.owed_alert(one.alert_id).message_id for one in store.owed_deliveries(NOW, 10)]
    again = [store.owed_alert(one.alert_id).message_id for one in store.owed_deliveries(NOW, 10)]
    assert ids == again
    assert len(set(ids)) == 2
    assert all(re.fullmatch(r"<nato-accession\.\d+\.\d+\.[0-9a-f]{16}@example\.org>", one) for one in ids)


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("not flagged", {"analysis": an_analysis(a_flag(score=0.3))}),
        ("nothing found", {"analysis": NOTHING}),
        ("published too long ago", {"entry": {"published_at": NOW - 49 * HOUR}}),
        (
            "undated, and the page says long ago",
            {"entry": {"published_at": None}, "page_published_at": NOW - 49 * HOUR},
        ),
        ("nobody to tell", {"alerts": policy(recipients=())}),
    ],
)
def test_what_is_not_mailed(store: Store, why: str, changes: dict[str, Any]) -> None:
    """The story and its flags are stored all the same."""
    saved = a_story_is_read(store, feed_is_added(store), **changes)
    assert (saved.alerts, count(store, "alerts"), count(store, "deliveries")) == (0, 0, 0), why
    assert count(store, "stories") == 1


def test_the_backlog_of_a_new_feed_is_not_mailed(store: Store) -> None:
    """Whatever its dates say."""
    feed_id = store.add_feed(a_feed(), NOW)
    assert a_story_is_read(store, feed_id, "one").alerts == 0
    assert count(store, "flags", "flagged = 1") == 1
    assert a_story_is_read(store, feed_id, "two").alerts == 1


def test_a_story_of_an_alerted_thread_owes_no_second_mail(store: Store) -> None:
    """It stands in the first alert, and counts in the thread."""
    first = a_story_is_read(store, feed_is_added(store, "a"), "a")
    place = ThreadPlace(thread_of(store, first.story_id), first.story_id)
    second = a_story_is_read(store, feed_is_added(store, "b"), "b", place=place)
    assert (second.new, second.alerts, count(store, "deliveries")) == (True, 0, 1)
    alert = store.owed_alert(the_delivery(store).alert_id)
    assert [story.id for story in alert.stories] == [first.story_id, second.story_id]
    assert alert.outlets == ("The A Post", "The B Post")


def test_a_thread_that_was_never_mailed_is_mailed_with_its_first_news(store: Store) -> None:
    """The backlog opened it; what comes now is news."""
    backlog = a_story_is_read(store, store.add_feed(a_feed("a"), NOW), "a")
    place = ThreadPlace(thread_of(store, backlog.story_id), None)
    assert a_story_is_read(store, feed_is_added(store, "b"), "b", place=place).alerts == 1


def test_each_topic_has_its_own_alert(store: Store) -> None:
    """A story flagged for two topics owes two, in one thread; later stories join each."""
    both = an_analysis(a_flag("other-topic", 0.7), a_flag())
    first = a_story_is_read(store, feed_is_added(store, "a"), "a", analysis=both)
    assert (first.flagged, first.alerts) == ((TOPIC, "other-topic"), 2)
    place = ThreadPlace(thread_of(store, first.story_id), None)
    assert a_story_is_read(store, feed_is_added(store, "b"), "b", place=place, analysis=both).alerts == 0
    assert count(store, "alert_stories") == 4
    assert count(store, "threads", f"topic = '{TOPIC}'") == 1


def test_a_muted_thread_is_not_mailed(store: Store) -> None:
    """The analyst has had enough of it; other threads go on."""
    backlog = a_story_is_read(store, store.add_feed(a_feed("a"), NOW), "a")
    store.add_review(backlog.story_id, None, "mute", via="command", now=NOW)
    place = ThreadPlace(thread_of(store, backlog.story_id), None)
    feed_id = feed_is_added(store, "b")
    assert a_story_is_read(store, feed_id, "b", place=place).alerts == 0
    assert a_story_is_read(store, feed_id, "c").alerts == 1


def test_a_sent_delivery_is_not_due_again(store: Store) -> None:
    """What the server answered is kept."""
    a_story_is_read(store, feed_is_added(store))
    store.note_sent(the_delivery(store).id, "250 queued as 1A2B", NOW)
    assert store.owed_deliveries(NOW + 100 * HOUR, 10) == []
    assert count(store, "deliveries", "state = 'sent' and reply = '250 queued as 1A2B' and sent_at is not null") == 1


def test_a_retry_waits_and_sends_the_same_bytes(store: Store) -> None:
    """The message is kept before the first attempt."""
    a_story_is_read(store, feed_is_added(store))
    delivery = the_delivery(store)
    store.keep_message(delivery.id, b"Subject: x\n\ny")
    store.retry_delivery(delivery.id, "451 later", NOW + HOUR, NOW)
    assert store.owed_deliveries(NOW, 10) == []
    (again,) = store.owed_deliveries(NOW + HOUR, 10)
    assert (again.id, again.attempts, again.message) == (delivery.id, 1, b"Subject: x\n\ny")


def test_a_refused_delivery_is_kept_and_can_be_owed_again(store: Store) -> None:
    """`monitor alerts retry` after the address was mended; what was sent stays sent."""
    a_story_is_read(store, feed_is_added(store), alerts=policy(recipients=TWO_READERS))
    sent, refused = store.owed_deliveries(NOW, 10)
    store.note_sent(sent.id, "250 ok", NOW)
    store.fail_delivery(refused.id, "550 no such user", NOW)
    store.retry_delivery(refused.id, "too late", NOW, NOW)
    assert store.owed_deliveries(NOW + 100 * HOUR, 10) == []
    assert [row["state"] for row in store.list_alerts()] == ["failed"]
    assert store.retry_alerts(NOW, refused.alert_id) == 1
    assert [one.recipient for one in store.owed_deliveries(NOW, 10)] == ["b@example.org"]
    assert store.retry_alerts(NOW, 777) == 0


def test_later_alerts_of_a_thread_refer_to_the_sent_ones(store: Store) -> None:
    """Only to those that somebody got, oldest first."""
    a = a_story_is_read(store, feed_is_added(store, "a"), "a")
    b = a_story_is_read(store, feed_is_added(store, "b"), "b")
    c = a_story_is_read(store, feed_is_added(store, "c"), "c")
    first, second, third = store.owed_deliveries(NOW, 10)
    store.note_sent(first.id, "250", NOW)
    for other in (b, c):
        store.merge_threads(thread_of(store, a.story_id), thread_of(store, other.story_id))
    first_id = store.owed_alert(first.alert_id).message_id
    assert store.owed_alert(second.alert_id).references == (first_id,)
    assert store.owed_alert(third.alert_id).references == (first_id,)
    store.note_sent(second.id, "250", NOW)
    assert store.owed_alert(third.alert_id).references == (first_id, store.owed_alert(second.alert_id).message_id)


def test_deliveries_come_in_the_order_they_are_due(store: Store) -> None:
    """A put-off one does not overtake."""
    for name in "abc":
        a_story_is_read(store, feed_is_added(store, name), name)
    due = store.owed_deliveries(NOW, 10)
    store.retry_delivery(due[0].id, "later", NOW + HOUR, NOW)
    assert [one.id for one in store.owed_deliveries(NOW + HOUR, 10)] == [due[1].id, due[2].id, due[0].id]
    assert len(store.owed_deliveries(NOW + HOUR, 2)) == 2


def test_alerts_can_be_listed_and_shown(store: Store) -> None:
    """What `monitor alerts` prints: title, state, each delivery with its error."""
    a_story_is_read(store, feed_is_added(store))
    delivery = the_delivery(store)
    store.retry_delivery(delivery.id, "connection refused", NOW + HOUR, NOW)
    (row,) = store.list_alerts()
    assert (row["title"], row["state"], row["n_stories"]) == (TITLE, "owed", 1)
    assert row["deliveries"][0]["error"] == "connection refused"
    store.keep_message(delivery.id, b"bytes")
    shown = store.show_alert(row["id"])
    assert shown is not None
    assert (shown["message"], shown["message_id"]) == (b"bytes", row["message_id"])
    assert store.show_alert(777) is None


def test_an_unknown_alert_is_an_error(store: Store) -> None:
    """It names the number."""
    with pytest.raises(StoreError, match="no alert 7"):
        store.owed_alert(7)


def test_reviews_are_kept_once(store: Store) -> None:
    """The same reply read twice is one review; another verdict is another one, and the latest counts."""
    saved = a_story_is_read(store, feed_is_added(store))
    said = {"note": "old news", "by": "a@example.org", "via": "reply", "now": NOW}
    first = store.add_review(saved.story_id, TOPIC, "relevant", **said)
    assert store.add_review(saved.story_id, TOPIC, "relevant", **said) == first
    assert store.add_review(saved.story_id, TOPIC, "irrelevant", **said) != first
    assert [review["verdict"] for review in store.reviews_of(saved.story_id)] == ["relevant", "irrelevant"]
    assert store.view("v_flagged")[0]["review"] == "irrelevant"
    with pytest.raises(StoreError, match="no verdict"):
        store.add_review(saved.story_id, TOPIC, "meh", via="command", now=NOW)
    with pytest.raises(StoreError, match="no story 777"):
        store.add_review(777, TOPIC, "relevant", via="command", now=NOW)


def test_an_alert_keeps_its_stories_when_the_entry_comes_again(store: Store) -> None:
    """Saving twice adds no story twice to an alert."""
    entries_come(store, feed_is_added(store), an_entry())
    (entry,) = pending(store)
    for _ in range(2):
        store.save_story(a_record(entry), policy())
    assert count(store, "alert_stories") == 1
