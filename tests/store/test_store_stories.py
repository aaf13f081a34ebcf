"""Saving stories: once each, with all they carry, in one transaction that settles the entry. And reading them back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_events import (
    HOUR,
    NO_TONE,
    NOTHING,
    NOW,
    TEXT,
    TITLE,
    TOPIC,
    a_flag,
    a_record,
    a_story_is_read,
    an_analysis,
    an_entry,
    an_evidence,
    count,
    entries_come,
    feed_is_added,
    pending,
    policy,
)

from monitor.errors import StoreError
from monitor.model import (
    Analysis,
    Article,
    Evidence,
    PageRecord,
    PageStatus,
    Quote,
    Sentiment,
    StoredStory,
    TargetSentiment,
    ThreadPlace,
)
from monitor.store import Store

TABLES = ("stories", "pages", "flags", "keywords", "countries", "sentiments", "mentions", "prospects", "quotes")


def read_back(store: Store, story_id: int | str) -> StoredStory:
    """A story that must be there."""
    story = store.story(story_id)
    assert story is not None
    return story


def test_a_saved_story_comes_back_whole(store: Store) -> None:
    """Every field and every part of the analysis, with its offsets."""
    saved = a_story_is_read(store, feed_is_added(store))
    assert (saved.new, saved.flagged, saved.alerts) == (True, (TOPIC,), 1)
    story = read_back(store, saved.story_id)
    assert story.analysis == an_analysis()
    assert (story.title, story.text, story.word_count) == (TITLE, TEXT, len(TEXT.split()))
    assert (story.outlet, story.country, story.camp, story.lang) == ("The Kyiv Post", "UA", "ukrainian", "en")
    assert (story.published_at, story.first_seen_at) == (NOW - HOUR, NOW)
    assert (story.source, story.status, story.quality) == ("page", "ok", "trafilatura precision")
    assert story.authors == ("A. Writer",)
    evidence = story.analysis.flags[0].evidence[0]
    assert story.text[evidence.start : evidence.end] == evidence.surface


def test_the_entry_is_settled(store: Store) -> None:
    """It points to its story and is not read again."""
    saved = a_story_is_read(store, feed_is_added(store))
    assert store.count_pending() == 0
    assert count(store, "entries", f"state = 'done' and story_id = {saved.story_id} and settled_at is not null") == 1


def test_a_story_about_nothing_of_ours_is_stored_too(store: Store) -> None:
    """Without flags there is no thread and no alert, but it can be searched and judged again."""
    saved = a_story_is_read(store, feed_is_added(store), analysis=NOTHING)
    assert (saved.flagged, saved.alerts) == ((), 0)
    story = read_back(store, saved.story_id)
    assert (story.analysis, story.thread_id) == (NOTHING, None)
    assert count(store, "threads") == count(store, "alerts") == count(store, "sentiments") == 0


def test_no_score_stays_no_score(store: Store) -> None:
    """Where no scorer is measured for the language the tone is NULL, never 0."""
    unscored = Sentiment(None, None, None, (), "linear@1")
    saved = a_story_is_read(store, feed_is_added(store), analysis=an_analysis(sentiment=unscored))
    row = store.db.execute("select target, label, score, scorer from sentiments").fetchone()
    assert tuple(row) == ("document", None, None, "linear@1")
    assert read_back(store, saved.story_id).analysis.sentiment == unscored


def test_evidence_is_stored_as_the_contract_has_it(store: Store) -> None:
    """The JSON in flags.evidence has the keys that `monitor analyse` prints."""
    a_story_is_read(store, feed_is_added(store))
    keys = "select key from flags, json_each(evidence, '$[0]')"
    assert {key for (key,) in store.db.execute(keys)} >= {"term", "surface", "field", "start", "end", "sentence"}


def test_the_raw_page_is_kept_compressed(store: Store) -> None:
    """For reprocessing: the same bytes come back."""
    body = b"<p>again and again</p>" * 1000
    page = PageRecord(NOW, 200, {"content-type": "text/html; charset=utf-8"}, body)
    saved = a_story_is_read(store, feed_is_added(store), page=page)
    assert store.pages_of(saved.story_id) == [page]
    assert store.db.execute("select length(body) from pages").fetchone()[0] < len(body) / 10


def test_one_article_in_two_feeds_is_one_story(store: Store) -> None:
    """Both entries point to it; nothing is doubled, and the second one owes no alert."""
    first = a_story_is_read(store, feed_is_added(store, "a"))
    before = [count(store, table) for table in TABLES]
    second = a_story_is_read(store, feed_is_added(store, "b"))
    assert (second.story_id, second.new, second.flagged, second.alerts) == (first.story_id, False, (TOPIC,), 0)
    assert [count(store, table) for table in TABLES] == before
    assert count(store, "entries", f"story_id = {first.story_id}") == 2
    assert count(store, "deliveries") == 1


def test_saving_the_same_entry_again_changes_nothing(store: Store) -> None:
    """A crash after the commit and before the daemon noticed means "again"."""
    entries_come(store, feed_is_added(store), an_entry())
    (entry,) = pending(store)
    first = store.save_story(a_record(entry), policy())
    again = store.save_story(a_record(entry), policy())
    assert (again.story_id, again.new, again.alerts) == (first.story_id, False, 0)
    assert count(store, "deliveries") == count(store, "pages") == 1


def test_an_entry_can_be_linked_to_a_known_story(store: Store) -> None:
    """The pipeline need not fetch a page that another feed brought before."""
    first = a_story_is_read(store, feed_is_added(store, "a"))
    entries_come(store, feed_is_added(store, "b"), an_entry("other"))
    (entry,) = pending(store)
    store.link_entry(entry.id, first.story_id, NOW)
    assert store.count_pending() == 0


def test_stories_are_found_by_canonical_url(store: Store) -> None:
    """Exactly; `story` also takes what somebody copied from a browser."""
    saved = a_story_is_read(store, feed_is_added(store), "one", url="https://kyiv.example/canonical")
    assert store.find_story("https://kyiv.example/canonical") == saved.story_id
    assert store.find_story("https://kyiv.example/other") is None
    for address in (
        "https://kyiv.example/canonical?utm_source=x",
        "https://kyiv.example/news/one",
        str(saved.story_id),
    ):
        assert read_back(store, address).id == saved.story_id
    for nothing in ("https://nowhere.example/", "9" * 40, "no url", "", 12345, "²"):
        assert store.story(nothing) is None


def test_entries_that_link_to_the_front_page_are_stories_of_their_own(store: Store) -> None:
    """The front page's address belongs to none of them: the second one would be lost."""
    feed_id = feed_is_added(store)
    saved = [a_story_is_read(store, feed_id, name, url="https://kyiv.example/") for name in ("one", "two")]
    assert [story.new for story in saved] == [True, True]
    assert store.find_story("https://kyiv.example/") is None


SUMMARY_ONLY = {"source": "summary", "status": PageStatus.STUB, "text": "Only a teaser.", "word_count": 3, "page": None}


def test_the_full_article_takes_the_place_of_a_teaser(store: Store) -> None:
    """Text, analysis and page; the story, its outlet and the time it was first seen stay."""
    teaser = a_story_is_read(store, feed_is_added(store, "a"), analysis=NOTHING, **SUMMARY_ONLY)
    full = a_story_is_read(store, feed_is_added(store, "b"))
    assert (full.story_id, full.new, full.flagged) == (teaser.story_id, False, (TOPIC,))
    story = read_back(store, full.story_id)
    assert (story.text, story.source, story.outlet, story.analysis) == (TEXT, "page", "The A Post", an_analysis())
    assert len(store.pages_of(full.story_id)) == 1
    assert [row["id"] for row in store.search("circles")] == [full.story_id]
    assert store.search("teaser") == []


def test_a_flag_that_only_the_full_article_brought_up_is_mailed(store: Store) -> None:
    """Once: the next copy of the full article owes nothing."""
    feeds = [feed_is_added(store, name) for name in "abc"]
    assert a_story_is_read(store, feeds[0], analysis=NOTHING, **SUMMARY_ONLY).alerts == 0
    assert a_story_is_read(store, feeds[1]).alerts == 1
    assert a_story_is_read(store, feeds[2]).alerts == 0


def test_a_flag_that_the_teaser_was_mailed_for_is_not_mailed_again(store: Store) -> None:
    """The analyst knows; the better text replaces the teaser silently, in the same thread."""
    teaser = a_story_is_read(store, feed_is_added(store, "a"), **SUMMARY_ONLY)
    full = a_story_is_read(store, feed_is_added(store, "b"))
    assert (teaser.alerts, full.alerts, full.new) == (1, 0, False)
    assert count(store, "threads") == 1
    assert store.view("v_threads")[0]["n_stories"] == 1


@pytest.mark.parametrize("changes", [SUMMARY_ONLY, {"status": PageStatus.CONSENT}, {}])
def test_a_full_article_is_not_replaced(store: Store, changes: dict[str, object]) -> None:
    """Not by a teaser, not by a consent wall, not by another copy of itself."""
    a_story_is_read(store, feed_is_added(store, "a"), text="The first one. " + TEXT)
    again = a_story_is_read(store, feed_is_added(store, "b"), **changes)
    assert read_back(store, again.story_id).text.startswith("The first one.")


def test_a_teaser_is_not_the_full_story(store: Store) -> None:
    """So that the pipeline can fetch the page again for another feed's entry."""
    teaser = a_story_is_read(store, feed_is_added(store, "a"), **SUMMARY_ONLY)
    url = "https://kyiv.example/news/one"
    assert (store.find_story(url), store.find_story(url, full=True)) == (teaser.story_id, None)
    a_story_is_read(store, feed_is_added(store, "b"))
    assert store.find_story(url, full=True) == teaser.story_id


def test_the_same_entry_may_be_read_again_for_the_full_page(store: Store) -> None:
    """A paywall stub that is tried later: the settled entry brings the better text."""
    entries_come(store, feed_is_added(store), an_entry())
    (entry,) = pending(store)
    store.save_story(a_record(entry, NOTHING, **SUMMARY_ONLY), policy())
    full = store.save_story(a_record(entry), policy())
    assert (full.new, full.alerts) == (False, 1)


def test_a_failure_in_the_middle_leaves_nothing(store: Store) -> None:
    """The entry is still pending; there is no story without its analysis, no alert without its story."""
    feed_id = feed_is_added(store)
    entries_come(store, feed_id, an_entry())
    (entry,) = pending(store)
    nameless = Quote("direct", ((0, 1),), "x", None, None, None, None, False, None)
    broken = replace(an_analysis(), quotes=(nameless, replace(nameless, kind=None)))  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="NOT NULL"):
        store.save_story(a_record(entry, broken), policy())
    assert [count(store, table) for table in (*TABLES, "threads", "alerts", "deliveries")] == [0] * (len(TABLES) + 3)
    assert store.search("toxic") == []
    assert [one.id for one in pending(store)] == [entry.id]
    assert store.save_story(a_record(entry), policy()).alerts == 1


def test_threads_count_stories_outlets_and_independent_outlets(store: Store) -> None:
    """A reprint adds an outlet, not an independent one."""
    first = a_story_is_read(store, feed_is_added(store, "a"), "a")
    thread = read_back(store, first.story_id).thread_id
    a_story_is_read(store, feed_is_added(store, "b"), "b", place=ThreadPlace(thread, None))
    a_story_is_read(store, feed_is_added(store, "c"), "c", place=ThreadPlace(thread, first.story_id))
    a_story_is_read(store, feed_is_added(store, "b"), "d", place=ThreadPlace(thread, None))
    (row,) = store.view("v_threads")
    assert (row["n_stories"], row["n_outlets"], row["n_independent"]) == (4, 3, 2)
    assert (row["topic"], row["title"], row["first_outlet"]) == (TOPIC, TITLE, "The A Post")


def test_a_reprint_joins_the_thread_of_its_original(store: Store) -> None:
    """Also when nobody says which thread that is."""
    first = a_story_is_read(store, feed_is_added(store, "a"), "a")
    second = a_story_is_read(store, feed_is_added(store, "b"), "b", place=ThreadPlace(None, first.story_id))
    assert read_back(store, second.story_id).thread_id == read_back(store, first.story_id).thread_id


def test_a_place_that_is_gone_is_no_reason_to_lose_the_story(store: Store) -> None:
    """A thread or original that was deleted meanwhile: it gets a thread of its own."""
    saved = a_story_is_read(store, feed_is_added(store), place=ThreadPlace(777, 888))
    assert read_back(store, saved.story_id).thread_id is not None
    assert count(store, "stories", "reprint_of is null") == 1


def test_threads_can_be_merged_and_stories_split_off(store: Store) -> None:
    """What the analyst says about threads outlives the algorithm; later stories follow a merge."""
    a = a_story_is_read(store, feed_is_added(store, "a"), "a")
    b = a_story_is_read(store, feed_is_added(store, "b"), "b")
    one, other = (read_back(store, story.story_id).thread_id for story in (a, b))
    assert one is not None
    assert other is not None
    store.merge_threads(one, other)
    assert read_back(store, b.story_id).thread_id == one
    late = a_story_is_read(store, feed_is_added(store, "c"), "c", place=ThreadPlace(other, None))
    assert read_back(store, late.story_id).thread_id == one
    assert [row["n_stories"] for row in store.view("v_threads")] == [3]
    alone = store.split_story(b.story_id)
    assert {row["thread_id"]: row["n_stories"] for row in store.view("v_threads")} == {one: 2, alone: 1}
    with pytest.raises(StoreError, match="no thread 777"):
        store.merge_threads(one, 777)
    with pytest.raises(StoreError, match="itself"):
        store.merge_threads(one, one)
    with pytest.raises(StoreError, match="no story 777"):
        store.split_story(777)


def test_sketches_come_back_for_the_recent_past(store: Store) -> None:
    """In time order, with what comparing needs; saved with the story or later."""
    feed_id = feed_is_added(store)
    entries_come(store, feed_id, an_entry("one"))
    (entry,) = pending(store)
    first = store.save_story(a_record(entry), policy(), None, {"shingles": b"\x01\x02"})
    old = a_story_is_read(store, feed_id, "old", entry={"published_at": NOW - 100 * HOUR})
    store.save_sketch(old.story_id, "shingles", b"old")
    store.save_sketch(old.story_id, "shingles", b"older")
    store.save_sketch(first.story_id, "title", b"t")
    assert [sketch.data for sketch in store.recent_sketches(NOW - 200 * HOUR, "shingles")] == [b"older", b"\x01\x02"]
    (recent,) = store.recent_sketches(NOW - 48 * HOUR, "shingles")
    assert (recent.story_id, recent.at, recent.title) == (first.story_id, NOW - HOUR, TITLE)
    assert recent.thread_id == read_back(store, first.story_id).thread_id
    assert len(store.recent_sketches(NOW - 200 * HOUR)) == 3


def test_reprocessing_gets_page_and_feed_texts_of_every_story(store: Store) -> None:
    """More stories than fit one batch, each once, in order; also when stories are replaced meanwhile."""
    feed_id = feed_is_added(store)
    for number in range(120):
        a_story_is_read(store, feed_id, str(number), analysis=NOTHING, **({} if number % 2 else {"page": None}))
    seen = []
    for kept in store.stories_for_reprocess():
        seen.append(kept.story_id)
        store.replace_analysis(kept.story_id, an_analysis(), "ruleset2")
        assert (kept.page is not None) == bool((kept.story_id - 1) % 2)
        assert (kept.feed_title, kept.feed_summary) == (f"Title {kept.story_id - 1}", f"Summary {kept.story_id - 1}")
    assert seen == list(range(1, 121))
    assert list(store.stories_for_reprocess(NOW)) == []


def test_a_new_analysis_takes_the_place_of_the_old_one(store: Store) -> None:
    """Nothing of the old one stays, no alert is owed, and the rules that made it are named."""
    saved = a_story_is_read(store, feed_is_added(store))
    store.replace_analysis(saved.story_id, NOTHING, "ruleset2")
    assert read_back(store, saved.story_id).analysis == NOTHING
    store.replace_analysis(saved.story_id, an_analysis(a_flag("other", 0.8)), "ruleset3")
    assert [flag.topic for flag in read_back(store, saved.story_id).analysis.flags] == ["other"]
    assert count(store, "alerts") == 1
    assert count(store, "stories", "ruleset = 'ruleset3'") == 1


def test_a_story_can_be_read_anew_from_its_page(store: Store) -> None:
    """Text and analysis change together: offsets count in the text."""
    saved = a_story_is_read(store, feed_is_added(store), text="Badly extracted", analysis=NOTHING)
    article = Article("u", "u", "Better", ("B",), NOW, "en", TEXT, 20, PageStatus.OK, "better rule")
    store.replace_analysis(saved.story_id, an_analysis(), "ruleset2", article)
    story = read_back(store, saved.story_id)
    assert (story.title, story.text, story.quality, story.analysis) == ("Better", TEXT, "better rule", an_analysis())
    assert [row["id"] for row in store.search("circles")] == [saved.story_id]


def test_a_removed_feed_keeps_its_stories(store: Store) -> None:
    """History is not the feed's."""
    saved = a_story_is_read(store, feed_is_added(store))
    store.remove_feed("https://kyiv.example/feed")
    assert read_back(store, saved.story_id).outlet == "The Kyiv Post"


ODD_TEXT = st.text(st.characters(codec=None), max_size=30)
SCORE = st.floats(0, 1, width=32)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    title=ODD_TEXT,
    text=ODD_TEXT,
    surface=ODD_TEXT,
    score=SCORE,
    spans=st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=3),
    probabilities=st.tuples(SCORE, SCORE, SCORE),
)
def test_whatever_was_found_is_stored(
    store: Store,
    title: str,
    text: str,
    surface: str,
    score: float,
    spans: list[tuple[int, int]],
    probabilities: tuple[float, float, float],
) -> None:
    """Any characters, any numbers: what SQLite cannot keep is replaced one for one, so that offsets stay right."""
    name = str(count(store, "entries"))
    feed_id = feed_is_added(store)
    evidence = Evidence(surface, surface, "text", 0, len(surface), text, 0, len(text))
    target = TargetSentiment(surface, "speaker", None, score, 1, *probabilities)
    analysis = Analysis(
        lang=None,
        flags=(a_flag(score=score, evidence=(evidence,), parts={surface: score}),),
        keywords=(),
        countries=(),
        sentiment=replace(NO_TONE, targets=(target,)),
        prospects=None,
        quotes=(Quote("direct", tuple(spans), text, surface, surface, surface, None, False, None),),
    )
    saved = a_story_is_read(store, feed_id, name, title=title, text=text, analysis=analysis)
    story = read_back(store, saved.story_id)
    assert (len(story.title), len(story.text)) == (len(title), len(text))
    storable = (text + surface).isprintable()
    if storable:
        assert story.analysis == analysis
    assert len(story.analysis.quotes[0].text) == len(text)
    assert story.analysis.flags[0].score == score


def test_an_empty_prospects_topic_is_possible(store: Store) -> None:
    """Prospects without any flag do not stop a story."""
    lonely = replace(NOTHING, prospects=an_analysis().prospects)
    saved = a_story_is_read(store, feed_is_added(store), analysis=lonely)
    assert read_back(store, saved.story_id).analysis == lonely
    assert an_evidence("toxic").surface == "toxic"
