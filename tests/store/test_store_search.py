"""Searching the store: any words are a query, and every filter of `monitor query` narrows it."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from store_events import (
    HOUR,
    NOTHING,
    NOW,
    TOPIC,
    a_flag,
    a_story_is_read,
    an_analysis,
    feed_is_added,
)

from monitor.model import Analysis, Country, Quote
from monitor.store import Store
from monitor.store.search import match_expression


def titles(rows: list[dict[str, object]]) -> list[object]:
    """What was found, in order."""
    return [row["title"] for row in rows]


def said(speaker: str, stance: str | None = None) -> Analysis:
    """A flagged analysis in which this speaker says something."""
    return an_analysis(quotes=(Quote("direct", ((0, 1),), "x", speaker, speaker, None, None, True, stance),))  # type: ignore[arg-type]


@pytest.fixture
def filled(store: Store) -> Store:
    """Four stories of three outlets in three languages."""
    a, b, c = (feed_is_added(store, name, outlet=outlet, lang=None) for name, outlet in [
        ("a", "Kyiv Post"), ("b", "Magyar Hírlap"), ("c", "Українська правда"),
    ])  # fmt: skip
    a_story_is_read(store, a, "1", title="Ratification vote in Helsinki", text="Parliament voted on membership.",
                    entry={"published_at": NOW - 3 * HOUR}, analysis=said("Alexander Stubb", "supports"))  # fmt: skip
    a_story_is_read(store, b, "2", title="Orbán on the talks", text="No timeline. The ratification is delayed again.",
                    entry={"published_at": NOW - 2 * HOUR}, analysis=said("Viktor Orbán", "opposes"))  # fmt: skip
    georgian = an_analysis(a_flag("other-topic"), countries=(Country("GE", "candidate"),), quotes=(), lang="ka")
    a_story_is_read(store, a, "3", title="Tbilisi waits", text="The door stays open, says the alliance.",
                    entry={"published_at": NOW - 1 * HOUR}, analysis=georgian)  # fmt: skip
    ukrainian = Analysis("uk", (), (), (), NOTHING.sentiment, None, ())
    a_story_is_read(store, c, "4", title="Погода в Києві", text="Вступ до НАТО сьогодні не обговорювали.",
                    entry={"published_at": None}, analysis=ukrainian)  # fmt: skip
    return store


def test_words_in_the_title_count_more(filled: Store) -> None:
    """Best first."""
    assert titles(filled.search("ratification")) == ["Ratification vote in Helsinki", "Orbán on the talks"]


def test_all_words_must_be_there(filled: Store) -> None:
    """In title or text, in any case and without accents."""
    assert titles(filled.search("ORBAN timeline")) == ["Orbán on the talks"]
    assert titles(filled.search("ratification door")) == []
    assert titles(filled.search("нато")) == ["Погода в Києві"]


def test_a_phrase_is_a_phrase(filled: Store) -> None:
    """In its order."""
    assert titles(filled.search('"door stays open"')) == ["Tbilisi waits"]
    assert titles(filled.search('"open stays door"')) == []
    assert titles(filled.search('"door stays')) == ["Tbilisi waits"]


def test_a_star_means_any_ending(filled: Store) -> None:
    """Only at the end of a word, and only where it was asked for."""
    assert titles(filled.search("ratif*")) == ["Ratification vote in Helsinki", "Orbán on the talks"]
    assert titles(filled.search("ratif")) == []


def test_without_words_the_newest_come_first(filled: Store) -> None:
    """An undated story counts as of when it was first seen."""
    assert titles(filled.search()) == [
        "Погода в Києві", "Tbilisi waits", "Orbán on the talks", "Ratification vote in Helsinki",
    ]  # fmt: skip
    assert titles(filled.search(limit=2)) == ["Погода в Києві", "Tbilisi waits"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"topic": "other-topic"}, ["Tbilisi waits"]),
        ({"topic": TOPIC}, ["Orbán on the talks", "Ratification vote in Helsinki"]),
        ({"since": NOW - 2 * HOUR, "until": NOW - HOUR}, ["Orbán on the talks"]),
        ({"since": NOW}, ["Погода в Києві"]),
        ({"outlet": "magyar hirlap"}, ["Orbán on the talks"]),
        ({"outlet": "ПРАВДА"}, ["Погода в Києві"]),
        ({"lang": "ka"}, ["Tbilisi waits"]),
        ({"country": "ge"}, ["Tbilisi waits"]),
        ({"country": "UA"}, ["Orbán on the talks", "Ratification vote in Helsinki"]),
        ({"stance": "opposes"}, ["Orbán on the talks"]),
        ({"speaker": "orban"}, ["Orbán on the talks"]),
        ({"speaker": "orban", "stance": "supports"}, []),
        ({"speaker": "Stubb", "stance": "supports", "lang": "en"}, ["Ratification vote in Helsinki"]),
        ({"topic": "no such topic"}, []),
    ],
)
def test_filters_narrow_the_search(filled: Store, filters: dict[str, str], found: list[str]) -> None:
    """Each of `monitor query`'s options."""
    assert titles(filled.search(**filters)) == found  # type: ignore[arg-type]


def test_filters_and_words_together(filled: Store) -> None:
    """Both must hold."""
    assert titles(filled.search("ratification", speaker="orban")) == ["Orbán on the talks"]
    assert titles(filled.search("ratification", since=NOW - HOUR)) == []


def test_a_row_has_what_the_table_shows(filled: Store) -> None:
    """Plain values that can be printed as JSON."""
    (row,) = filled.search("timeline")
    assert row["id"] == 2
    assert row["published_at"] == "2026-11-05T10:00:00Z"
    assert (row["outlet"], row["lang"], row["title"]) == ("Magyar Hírlap", "en", "Orbán on the talks")
    assert (row["topic"], row["score"], row["flagged"]) == (TOPIC, 0.9, True)
    assert (row["sentiment"], row["prospects"]) == ("negative", "unfavourable")
    assert (row["speakers"], row["countries"]) == (["Viktor Orbán"], ["UA", "US"])
    assert "[timeline]" in row["snippet"]
    assert row["url"].startswith("https://")
    assert json.loads(json.dumps(row)) == row


def test_without_words_the_snippet_is_the_evidence(filled: Store) -> None:
    """Or the beginning of the text, where nothing was flagged."""
    newest, georgian, *_ = filled.search()
    assert georgian["snippet"] == georgian["sentence"]
    assert newest["snippet"].startswith("Вступ до НАТО")
    assert (newest["score"], newest["flagged"], newest["sentiment"], newest["speakers"]) == (None, False, None, [])


def test_the_flag_that_was_asked_for_is_shown(store: Store) -> None:
    """Not the strongest one."""
    both = an_analysis(a_flag(TOPIC, 0.9), a_flag("other-topic", 0.6))
    a_story_is_read(store, feed_is_added(store), analysis=both)
    assert store.search(topic="other-topic")[0]["score"] == 0.6
    assert store.search()[0]["score"] == 0.9


def test_only_punctuation_finds_nothing(filled: Store) -> None:
    """No text has it as a word; an empty query is another thing."""
    assert filled.search('"" * - !') == []
    assert len(filled.search("   ")) == 4


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(codec=None) | st.sampled_from("\"*()^:-+{}' \\\0%_"))
    | st.lists(st.sampled_from(["NATO", "AND", "OR", "NOT", "NEAR(", '"', "*", "title:", "ratif*", "-", "(", ")"])).map(
        " ".join
    )
)
@example("title: NEAR(a b) OR")
@example('"a\0b"')
@example("a:b AND - c ^d {x}")
@example("١٢ ³ Ⅷ")
def test_no_words_are_a_wrong_query(filled: Store, words: str) -> None:
    """Whatever an analyst types or pastes is searched for, never a syntax error; in names and codes too."""
    for row in filled.search(words, limit=3):
        assert row["id"]
    filled.search(outlet=words, speaker=words, lang=words, country=words, stance=words, topic=words)


def test_operators_are_just_words() -> None:
    """FTS5's own syntax cannot be reached."""
    assert match_expression('a OR (b NOT c*) "d e" title:x') == '"a" "OR" "(b" "NOT" "c*)" "d e" "title:x"'
    assert match_expression("x*") == '"x"*'
    assert match_expression(" - ") is None
