"""When a story is looked at again, and which changes an analyst hears of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from monitor import watch
from monitor.model import (
    Analysis,
    Change,
    Evidence,
    Flag,
    PageStatus,
    PendingEntry,
    Prospects,
    Quote,
    Sentiment,
    StoredStory,
    StoryRecord,
    Watch,
    WatchedStory,
)
from monitor.settings import WatchSettings

NOW = datetime(2026, 11, 5, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SETTINGS = WatchSettings()
SENTENCE = "Hungary will support the accession of Ukraine."
SAID = "We will open the door in June."

NO_TONE = Sentiment(label=None, score=None, confidence=None, targets=(), scorer=None)
ENTRY = PendingEntry(1, 1, "k", "https://a.example/1", "T", "", "", (), NOW, NOW, 0, False, "A", None, None, "en")


def analysis(
    score: float = 0.9, outlook: str = "neutral", sure: float = 0.8, topics: tuple[str, ...] = ("nato",)
) -> Analysis:
    """A story with one sentence and one quotation about the accession."""
    seen = Evidence("accession", "accession", "text", 25, 34, SENTENCE, 0, len(SENTENCE))
    flags = tuple(Flag(topic, score, score >= 0.5, (seen,), {}, "r") for topic in topics)
    quote = Quote("direct", ((0, 5),), SAID, "Ilmar Kask", "Kask", None, None, True, "supports")
    prospects = Prospects(outlook, 0.0, sure) if score >= 0.5 else None  # type: ignore[arg-type]
    return Analysis("en", flags, (), (), NO_TONE, prospects, (quote,))


def watched(*, full: bool = True, status: str = "ok", told: frozenset[Change] = frozenset(), **of: Any) -> WatchedStory:
    """A stored story."""
    story = StoredStory(
        1,
        "https://a.example/1",
        "A",
        None,
        None,
        "en",
        "T",
        (),
        NOW,
        NOW,
        "x",
        1,
        "page",
        status,
        "q",
        1,
        analysis(**of),
    )
    return WatchedStory(story, ENTRY, full, None, told)


def record(
    made: Analysis,
    source: Literal["page", "feed", "summary"] = "page",
    status: PageStatus = PageStatus.OK,
    **changes: Any,
) -> StoryRecord:
    """A story as it was read first."""
    usual = StoryRecord(
        ENTRY,
        NOW,
        "https://a.example/1",
        "T",
        (),
        NOW,
        None,
        "x",
        1,
        source,
        status,
        "q",
        made,
        "r",
    )
    return replace(usual, **changes)


NOTHING = Analysis("en", (), (), (), NO_TONE, None, ())


@pytest.mark.parametrize(
    ("made", "looked_at"),
    [
        (record(analysis()), True),
        (record(analysis(0.2)), False),
        (record(NOTHING), False),
        (record(NOTHING, status=PageStatus.LIVE), True),
        (record(analysis(0.2), "summary", PageStatus.STUB), True),
        (record(NOTHING, "summary", PageStatus.STUB), False),
        (record(NOTHING, "summary", PageStatus.SHORT, page_failed=True), True),
        (record(analysis(), "feed"), True),
        (record(analysis(), url="urn:monitor:1:k"), False),
    ],
)
def test_what_is_looked_at_again(made: StoryRecord, looked_at: bool) -> None:
    """Flagged stories and live blogs; less than the article where the topic matched or the server was away."""
    assert watch.first_look(made, SETTINGS) == (NOW + timedelta(minutes=15) if looked_at else None)


def test_steps_that_were_slept_through_are_not_made_up_for() -> None:
    """A machine that was off for a day looks once and goes on with the next step."""
    assert watch.next_look(Watch(1, NOW), watched(), SETTINGS, NOW + 20 * HOUR) == NOW + DAY
    assert watch.next_look(Watch(1, NOW), watched(), SETTINGS, NOW + 3 * DAY) is None


def test_an_unflagged_story_is_tried_for_two_days_and_only_until_it_is_full() -> None:
    """Then nobody asks its server any more."""
    unflagged = watched(full=False, score=0.2)
    assert watch.next_look(Watch(1, NOW), unflagged, SETTINGS, NOW + 5 * HOUR) == NOW + DAY
    assert watch.next_look(Watch(1, NOW), unflagged, SETTINGS, NOW + DAY) is None
    assert watch.next_look(Watch(1, NOW), watched(score=0.2), SETTINGS, NOW) is None


def test_a_failed_look_is_tried_again_soon_then_with_the_schedule() -> None:
    """Not before the server allows it; at once never, where an early try cannot help."""
    at = NOW + DAY
    tries = [watch.look_after_failure(Watch(1, NOW, failures=n), watched(), SETTINGS, at) for n in range(4)]
    assert tries == [at + timedelta(minutes=10), at + HOUR, at + 4 * HOUR, NOW + 3 * DAY]
    held = watch.look_after_failure(Watch(1, NOW), watched(), SETTINGS, at, retry_after_s=7200)
    assert held == at + 2 * HOUR
    assert watch.look_after_failure(Watch(1, NOW), watched(), SETTINGS, at, permanent=True) == NOW + 3 * DAY
    over = watch.look_after_failure(Watch(1, NOW, failures=3), watched(), SETTINGS, NOW + 3 * DAY)
    assert over is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (Change("headline", "Old", "New"), "headline changed"),
        (Change("negation", SENTENCE, SENTENCE.replace("will", "will not")), "negation changed"),
        (Change("quotation", f"“{SAID}”", "“We will keep the door shut.”"), "quotation changed"),
        (Change("quotation", "“The soup was excellent today.”", "“The soup was terrible today.”"), None),
        (Change("negation", "The bridge will open in May.", "The bridge will not open in May."), None),
        (Change("number", SENTENCE, SENTENCE + " 5"), None),
        (Change("paragraph added", None, SENTENCE), None),
        (Change("taken offline", "T", None), None),
    ],
)
def test_only_what_bears_on_the_verdict_is_told(change: Change, reason: str | None) -> None:
    """Headline, quotation and negation, where they are about the accession."""
    assert watch.told([change], watched(), analysis()) == ({"nato": reason} if reason else {})


def test_prospects_that_turned_are_told_with_any_change() -> None:
    """Unless they are too unclear, or nothing changed in the text."""
    added = [Change("paragraph added", None, "x")]
    turned = {"nato": "prospects neutral → unfavourable"}
    assert watch.told(added, watched(), analysis(outlook="unfavourable")) == turned
    assert watch.told(added, watched(), analysis(outlook="unfavourable", sure=0.4)) == {}
    assert watch.told([], watched(), analysis(outlook="unfavourable")) == {}


def test_several_changes_are_one_reason() -> None:
    """Each kind once."""
    found = [Change("headline", "a", "b"), Change("negation", SENTENCE, "x"), Change("negation", "y", SENTENCE)]
    assert watch.told(found, watched(), analysis()) == {"nato": "headline changed, negation changed"}


def test_a_live_blogs_headline_is_not_told() -> None:
    """It changes with every event."""
    assert watch.told([Change("headline", "Old", "New")], watched(status="live"), analysis()) == {}


def test_what_another_outlet_of_the_thread_changed_in_the_same_way_is_not_told_again() -> None:
    """The correction of an agency is one correction."""
    change = Change("negation", SENTENCE, "x")
    assert watch.told([change], watched(told=frozenset({change})), analysis()) == {}


def test_each_topic_that_was_told_has_its_reason() -> None:
    """A topic that only the change brings up is a new alert and no follow-up."""
    change = [Change("headline", "a", "b")]
    after = analysis(topics=("nato", "eu"))
    assert watch.told(change, watched(), after) == {"nato": "headline changed"}
    assert watch.told(change, watched(score=0.2), after) == {}
