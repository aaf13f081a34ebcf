"""The quote ledger: one row for what was said once, whoever quotes it, however worded."""

from __future__ import annotations

from typing import Any

import pytest
from store_events import (
    HOUR,
    NOW,
    a_record,
    an_analysis,
    an_entry,
    count,
    entries_come,
    feed_is_added,
    pending,
    policy,
)

from monitor.model import Quote
from monitor.store import Store

LINE = "We have been going in circles for two years"


def a_quote(text: str = LINE, **changes: Any) -> Quote:
    """Direct words of one speaker."""
    usual: dict[str, Any] = {
        "kind": "direct", "spans": ((0, len(text)),), "text": text, "speaker": "Olena Kovalenko",
        "speaker_surface": "Kovalenko", "role": None, "country": "UA", "about_accession": True, "stance": "supports",
    }  # fmt: skip
    return Quote(**(usual | changes))


def is_quoted(store: Store, outlet: str, quote: Quote, hours_ago: int, same_as: int | None = None) -> int:
    """An outlet's story quotes it; returns the story."""
    feed_id = feed_is_added(store, outlet)
    name = f"{outlet}{count(store, 'entries')}"
    entries_come(store, feed_id, an_entry(name, published_at=NOW - hours_ago * HOUR))
    (entry,) = [one for one in pending(store) if one.feed_id == feed_id]
    said_before = {} if same_as is None else {0: same_as}
    record = a_record(entry, an_analysis(quotes=(quote,)))
    return store.save_story(record, policy(), None, {}, said_before).story_id


@pytest.fixture
def quoted(store: Store) -> Store:
    """One line in three outlets: read last in the one that had it first, shortened, and by an unnamed minister."""
    is_quoted(store, "second", a_quote(speaker="Kovalenko"), 2)
    (known,) = store.recent_quotes(NOW - 24 * HOUR)
    is_quoted(store, "third", a_quote("going in circles", speaker=None, stance=None), 1, known.saying_id)
    is_quoted(store, "first", a_quote(f"{LINE} now", role="envoy"), 3, known.saying_id)
    return store


def test_one_saying_is_one_row(quoted: Store) -> None:
    """First outlet and wording by the time of publication; all outlets; how often it was reworded."""
    (row,) = quoted.view("v_quotes")
    assert (row["first_outlet"], row["first_at"], row["quote"]) == (
        "The First Post",
        "2026-11-05T09:00:00Z",
        f"{LINE} now",
    )
    assert (row["speaker"], row["role"], row["country"], row["stance"]) == (
        "Olena Kovalenko",
        "envoy",
        "UA",
        "supports",
    )
    assert (row["n_stories"], row["n_outlets"], row["n_wordings"]) == (3, 3, 3)
    assert set(row["outlets"].split("; ")) == {"The First Post", "The Second Post", "The Third Post"}
    assert (row["last_at"], row["last_wording"]) == ("2026-11-05T11:00:00Z", "going in circles")


def test_a_speakers_line_over_time_is_one_query(quoted: Store) -> None:
    """Oldest first; by part of the name; with a stance or in a span of time."""
    is_quoted(quoted, "later", a_quote("The path is irreversible", speaker="Olena Kovalenko"), 0)
    is_quoted(quoted, "other", a_quote("Never", speaker="Somebody Else", stance="opposes"), 0)
    assert [row["quote"] for row in quoted.sayings("KOVALENKO")] == [f"{LINE} now", "The path is irreversible"]
    assert [row["quote"] for row in quoted.sayings("kovalenko", limit=1)] == ["The path is irreversible"]
    assert [row["speaker"] for row in quoted.sayings(stance="opposes")] == ["Somebody Else"]
    assert quoted.sayings("kovalenko", since=NOW - HOUR, until=NOW) == []


def test_a_story_is_found_by_the_speaker_whom_another_outlet_named(quoted: Store) -> None:
    """The one that quotes the same words of "the minister" counts as hers."""
    assert len(quoted.search(speaker="kovalenko")) == 3


def test_recent_quotes_are_what_a_new_one_is_compared_with(quoted: Store) -> None:
    """In time order, with the saying to point to."""
    recent = quoted.recent_quotes(NOW - 2 * HOUR)
    assert [(one.text, one.speaker, one.lang) for one in recent] == [
        (LINE, "Kovalenko", "en"), ("going in circles", None, "en"),
    ]  # fmt: skip
    assert len({one.saying_id for one in recent}) == 1


def test_an_unknown_saying_is_a_new_one(store: Store) -> None:
    """A wrong hint must not stop the story."""
    is_quoted(store, "a", a_quote(), 1, same_as=777)
    assert len(store.view("v_quotes")) == 1


def test_a_new_analysis_keeps_the_ledger(quoted: Store) -> None:
    """The same words stay the same saying when the story is analysed again."""
    for story_id, quote in ((1, a_quote()), (2, a_quote("going in circles")), (3, a_quote("Something new"))):
        quoted.replace_analysis(story_id, an_analysis(quotes=(quote,)), "ruleset2")
    rows = {row["quote"]: row["n_stories"] for row in quoted.view("v_quotes")}
    assert rows == {LINE: 2, "Something new": 1}
