"""The views for analysts: selectable always, right on a small store, without the texts of stories."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from store_events import (
    HOUR,
    NOTHING,
    NOW,
    TEXT,
    TOPIC,
    a_failed_poll,
    a_feed,
    a_flag,
    a_poll,
    a_story_is_read,
    an_analysis,
    an_entry,
    entries_come,
    feed_is_added,
)

from monitor.errors import StoreError
from monitor.model import PollStatus, ThreadPlace
from monitor.store import Store, views

NAMES = [view.name for view in views.VIEWS]


@pytest.fixture
def filled(store: Store) -> Store:
    """Two outlets: one flagged story each (one a reprint), a near miss, and a story about something else."""
    a, b = feed_is_added(store, "a"), feed_is_added(store, "b", camp="russian")
    first = a_story_is_read(store, a, "first")
    thread = store.story(first.story_id)
    assert thread is not None
    a_story_is_read(store, b, "reprint", place=ThreadPlace(thread.thread_id, first.story_id))
    a_story_is_read(store, a, "near", analysis=an_analysis(a_flag(score=0.4)))
    a_story_is_read(store, a, "else", analysis=NOTHING)
    return store


def test_the_views_are_those_of_the_design() -> None:
    """Their names are a promise."""
    assert set(NAMES) == {
        "v_flagged", "v_review_queue", "v_threads", "v_quotes", "v_sentiment_daily", "v_outlet_tone", "v_feed_health",
        "v_blind_windows", "v_changes",
    }  # fmt: skip


@pytest.mark.parametrize("view", views.VIEWS, ids=lambda view: view.name)
def test_every_view_says_what_a_row_is(view: views.View) -> None:
    """In one line, for the docs and the UI."""
    assert 20 < len(view.about) < 140
    assert "\n" not in view.about


@pytest.mark.parametrize("name", NAMES)
def test_every_view_can_be_selected_from_an_empty_store(store: Store, name: str) -> None:
    """Nothing yet is no error."""
    assert store.view(name) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_view_works_in_any_sqlite_program(filled: Store, path: Path, name: str) -> None:
    """Datasette and the sqlite3 shell have none of our functions; no view carries a text."""
    conn = sqlite3.connect(path)
    cursor = conn.execute(f"select * from {name}")
    columns = [column[0] for column in cursor.description]
    assert "text" not in columns
    assert len(columns) == len(set(columns))
    assert all(value != TEXT for row in cursor for value in row)
    conn.close()


def test_an_unknown_view_is_an_error(store: Store) -> None:
    """It names those there are."""
    with pytest.raises(StoreError, match="v_flagged"):
        store.view("sqlite_master")


def test_flagged_stories_stand_with_their_reasons(filled: Store) -> None:
    """Score, sentence, tone, prospects, speakers, thread."""
    rows = {row["outlet"]: row for row in filled.view("v_flagged")}
    assert set(rows) == {"The A Post", "The B Post"}
    row = rows["The A Post"]
    assert (row["topic"], row["score"], row["n_evidence"]) == (TOPIC, 0.9, 1)
    assert row["sentence"].endswith("toxic, an envoy said.")
    assert (row["tone"], row["tone_score"], row["talks_tone"], row["talks_score"]) == (
        "negative",
        -0.5,
        "negative",
        -0.6,
    )
    assert (row["prospects"], row["prospects_score"]) == ("unfavourable", -0.7)
    assert (row["candidates"], row["speakers"]) == ("UA", "Olena Kovalenko")
    assert (row["n_outlets"], row["n_independent"], row["reprint_of"], row["review"]) == (2, 1, None, None)


def test_the_review_queue_holds_what_nobody_has_judged(filled: Store) -> None:
    """Flagged originals and near misses; a review takes a story out."""
    queue = filled.view("v_review_queue")
    assert [(row["score"], row["flagged"]) for row in queue] == [(0.9, 1), (0.4, 0)]
    filled.add_review(queue[0]["story_id"], TOPIC, "relevant", via="command", now=NOW)
    assert [row["score"] for row in filled.view("v_review_queue")] == [0.4]
    filled.add_review(queue[1]["story_id"], None, "irrelevant", via="command", now=NOW)
    assert filled.view("v_review_queue") == []


def test_a_thread_shows_who_tells_it(filled: Store) -> None:
    """Outlets, camps, the mean tone, the mails."""
    (row,) = [row for row in filled.view("v_threads") if row["topic"] == TOPIC and row["n_stories"] == 2]
    assert set(row["outlets"].split("; ")) == {"The A Post", "The B Post"}
    assert set(row["camps"].split("; ")) == {"ukrainian", "russian"}
    assert (row["tone_score"], row["prospects_score"], row["n_alerts"]) == (-0.5, -0.7, 1)


def test_quotes_stand_with_speaker_stance_and_outlet(filled: Store) -> None:
    """A saying that nobody recognised elsewhere is a row of its own."""
    rows = filled.view("v_quotes")
    assert len(rows) == 3
    assert {(row["speaker"], row["quote"], row["stance"], row["n_stories"]) for row in rows} == {
        ("Olena Kovalenko", "We go in circles", "supports", 1),
    }  # fmt: skip


def test_tone_is_summed_up_by_day_and_target(filled: Store) -> None:
    """Over flagged stories only."""
    rows = {(row["day"], row["target"]): row for row in filled.view("v_sentiment_daily")}
    assert set(rows) == {("2026-11-05", "document"), ("2026-11-05", "talks"), ("2026-11-05", "NATO")}
    talks = rows["2026-11-05", "talks"]
    assert (talks["n_stories"], talks["score"], talks["n_negative"], talks["n_positive"]) == (2, -0.6, 2, 0)
    assert rows["2026-11-05", "NATO"]["n_negative"] == 0


def test_each_outlets_tone_stands_apart(filled: Store) -> None:
    """With how much of it is reprints."""
    rows = {row["outlet"]: row for row in filled.view("v_outlet_tone")}
    assert (rows["The B Post"]["n_stories"], rows["The B Post"]["n_reprints"]) == (1, 1)
    assert (rows["The A Post"]["tone_score"], rows["The A Post"]["talks_score"]) == (-0.5, -0.6)


def test_feed_health_says_what_fails_and_when_it_is_asked_next(store: Store) -> None:
    """One row a feed, also of one that was never asked."""
    good, bad = feed_is_added(store, "good"), feed_is_added(store, "bad")
    entries_come(store, good, an_entry(published_at=NOW - HOUR))
    store.record_poll(a_failed_poll(bad))
    store.add_feed(a_feed("new"), NOW)
    rows = {row["outlet"]: row for row in store.view("v_feed_health")}
    assert {name: row["health"] for name, row in rows.items()} == {
        "The Good Post": "active", "The Bad Post": "failing", "The New Post": "new",
    }  # fmt: skip
    assert rows["The Good Post"]["newest_entry_at"] == "2026-11-05T11:00:00Z"
    assert (rows["The Good Post"]["n_entries"], rows["The Good Post"]["n_polls"]) == (1, 2)
    assert (rows["The Bad Post"]["failures"], rows["The Bad Post"]["error"]) == (1, "500 from server")
    assert rows["The Bad Post"]["next_poll_reason"] == "failed once"


def test_blind_windows_reach_from_success_to_success(store: Store) -> None:
    """Failures between two successes are one window; the last one may still be open; a feed that works has none."""
    feed_id, fine = store.add_feed(a_feed("a"), NOW), store.add_feed(a_feed("b"), NOW)
    for hour in range(8):
        store.record_poll(a_poll(fine, at=NOW + hour * HOUR))
    for hour, worked in enumerate([True, True, False, False, True, True, False]):
        at = NOW + hour * HOUR
        store.record_poll(
            a_poll(feed_id, at=at, status=PollStatus.UNCHANGED)
            if worked
            else a_failed_poll(feed_id, at, error=f"e{hour}")
        )
    closed, still_open = store.view("v_blind_windows")
    assert (closed["from_at"], closed["to_at"]) == ("2026-11-05T13:00:00Z", "2026-11-05T16:00:00Z")
    assert (closed["n_failures"], closed["hours"], closed["error"]) == (2, 3.0, "e3")
    assert (still_open["from_at"], still_open["to_at"], still_open["n_failures"]) == ("2026-11-05T17:00:00Z", None, 1)


def test_a_feed_that_never_worked_is_blind_since_its_first_failure(store: Store) -> None:
    """There is no success to count from."""
    feed_id = store.add_feed(a_feed(), NOW)
    store.record_poll(a_failed_poll(feed_id, NOW))
    store.record_poll(a_poll(feed_id, at=NOW + HOUR))
    (window,) = store.view("v_blind_windows")
    assert (window["from_at"], window["first_failure_at"], window["hours"]) == (None, "2026-11-05T12:00:00Z", 1.0)
