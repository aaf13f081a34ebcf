"""The topic query language: what is read, and what is said about what cannot be read."""

from __future__ import annotations

import pytest

from monitor import lexicon
from monitor.errors import QueryError
from monitor.flag import check_topic, compile_rules
from monitor.flag.query import And, Named, Near, Not, Or, Reader, Within
from monitor.model import Document
from monitor.settings import TopicSettings


def matches(query: str, text: str, *, title: str = "", lang: str = "en", outlet: str = "", country: str = "") -> bool:
    document = Document("1", title, text, lang=lang, outlet=outlet, country=country)
    return bool(compile_rules([TopicSettings(name="t", query=query)]).judge(document).flags)


def problems(query: str) -> list[str]:
    return check_topic(TopicSettings(name="t", query=query))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("nato", "The NATO summit"),
        ("summit AND nato", "The NATO summit"),
        ("paris OR nato", "The NATO summit"),
        ("nato AND NOT paris", "The NATO summit"),
        ('"open door"', "an open, door"),
        ('"full * member"', "a full voting member"),
        ("accede*", "Finland acceded"),
        ("*medlemskap", "ett svenskt Natomedlemskap"),
        ("na*skap", "ett svenskt natomedlemskap"),
        ("=NATO", "The NATO summit"),
        ('="White House"', "the White House said"),
        ("talks NEAR/2 nato", "nato held the talks"),
        ("nato ONEAR/2 talks", "nato held the talks"),
        ("(nato OR eu) NEAR/3 (talks OR vote)", "a vote in the EU"),
        ("a NEAR/1 b NEAR/1 c", "a b c"),
        ("nato # a comment\n AND talks # another", "nato talks"),
        ("@nato AND talks", "OTAN, NATO, talks"),
        ("nato AND (paris OR lang:en)", "The NATO summit"),
        ("nato AND (paris OR NOT rome)", "The NATO summit"),
        ("nato AND (NOT paris)", "The NATO summit"),
        ("“open door” OR «x»", "the open door"),
    ],
)
def test_a_query_matches(query: str, text: str) -> None:
    """Each operator finds what it says."""
    assert matches(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("nato", "The senator, a signatory from Anatolia, a detonator, Mr Donato"),
        ("join", "a joint force"),
        ("nato AND paris", "The NATO summit"),
        ("nato AND NOT summit", "The NATO summit"),
        ('"open door"', "the door is open"),
        ('"full * member"', "a full member"),
        ("=NATO", "Nato, nato"),
        ("=Nato", "NATO"),
        ('="white house"', "the White House"),
        ("talks NEAR/2 nato", "nato held the first formal talks"),
        ("talks ONEAR/5 nato", "nato held the talks"),
        ("nato NEAR/9 nato", "nato"),
    ],
)
def test_a_query_does_not_match(query: str, text: str) -> None:
    """Whole words, order, distance and case are kept."""
    assert not matches(query, text)


def test_fields_are_the_title_the_text_and_its_beginning() -> None:
    """title: and body: do not see each other; the lead is the first sentences of the body."""
    story = {
        "title": "Talks in Kyiv",
        "text": "Nato met. " + "Nothing happened after that. " * 20 + "The end was sour.",
    }
    assert matches("title:talks AND body:nato AND lead:nato", **story)
    assert not matches("title:nato", **story)
    assert not matches("body:talks", **story)
    assert matches("body:sour", **story)
    assert not matches("lead:sour", **story)
    assert matches("title:(rome OR talks)", **story)


def test_near_does_not_reach_from_the_title_into_the_text() -> None:
    """The last word of a title is not beside the first of the text."""
    assert not matches("kyiv NEAR/3 nato", "Nato met.", title="Talks in Kyiv")


def test_properties_of_the_document_restrict_a_query() -> None:
    """outlet:, lang: and country: compare whole values without regard to case."""
    assert matches('nato AND outlet:"Kyiv Post"', "nato", outlet="KYIV Post")
    assert not matches('nato AND outlet:"Kyiv"', "nato", outlet="Kyiv Post")
    assert matches("nato AND lang:UK", "nato", lang="uk")
    assert not matches("nato AND country:GE", "nato", country="UA")


def test_a_lexicon_entry_speaks_the_language_of_the_document() -> None:
    """Italian "nato" is "born"; the alliance is written with a capital letter."""
    assert not matches("@nato", "il governo nato ieri", lang="it")
    assert matches("@nato", "la Nato", lang="it")
    assert matches("@nato", "nato talks", lang="en")


def test_precedence_is_field_then_near_then_not_then_and_then_or() -> None:
    """The tightest operator stands deepest in the tree."""
    tree = Reader({}).query("a OR b AND NOT c NEAR/2 title:d")
    assert isinstance(tree, Or)
    right = tree.children[1]
    assert isinstance(right, And)
    negated = right.children[1]
    assert isinstance(negated, Not)
    assert isinstance(negated.child, Near)
    assert isinstance(negated.child.right, Within)


@pytest.mark.parametrize(
    ("query", "line", "column", "said"),
    [
        ("nato talks", 1, 6, "need an operator between them"),
        ("nato and talks", 1, 6, "operators are written in capitals"),
        ("(nato OR", 1, 9, "the query ends, expected"),
        ("nato AND\n  OR talks", 2, 3, "found 'OR'"),
        ("nato NEAR talks", 1, 6, "NEAR needs a distance"),
        ('talks AND "open door', 1, 11, "never closed"),
        ("titel:nato", 1, 1, "did you mean title:?"),
        ("talks OR @natto", 1, 10, "the nearest is @nato"),
        ("a*", 1, 1, "nearly everything"),
        ("nato NEAR/3 (a AND b)", 1, 6, "cannot take AND"),
        ("lang:ukr AND nato", 1, 1, "ISO 639-1"),
        ("=Nat*", 1, 1, "no wildcard"),
        ("nato OR ...", 1, 9, "no letter or digit"),
        ('"* door"', 1, 1, "cannot begin or end a phrase"),
        ("", 1, 1, "empty"),
    ],
)
def test_errors_say_where_and_what_was_expected(query: str, line: int, column: int, said: str) -> None:
    """Line and column of the culprit, and words for the person who wrote it."""
    with pytest.raises(QueryError) as caught:
        compile_rules([TopicSettings(name="t", query=query)])
    assert (caught.value.line, caught.value.column) == (line, column)
    assert said in str(caught.value)
    assert problems(query) == [str(caught.value)]


@pytest.mark.parametrize(
    "query",
    [
        "nato AND NOT nato",
        "nato AND NOT na*",
        "@nato AND NOT @nato",
        "=NATO AND NOT @nato",
        '"open door" AND NOT door',
        "talks NEAR/3 nato AND NOT talks",
        "(a1 OR b1) AND NOT (a1 OR b1)",
        "nato AND lang:uk AND lang:ru",
        "title:(body:nato)",
        "lead:nato AND NOT body:nato",
    ],
)
def test_a_query_that_can_never_match_is_a_problem(query: str) -> None:
    """What asks for a thing and excludes it is told, not silently kept."""
    assert "can never match" in problems(query)[0]


@pytest.mark.parametrize("query", ["NOT nato", "lang:uk", "nato OR NOT talks"])
def test_a_query_that_matches_without_a_word_is_a_problem(query: str) -> None:
    """There would be nothing to show for the flag."""
    assert "without finding any word" in problems(query)[0]


@pytest.mark.parametrize(
    "query",
    [
        "title:nato AND NOT lead:nato",
        'door AND NOT "open door"',
        "nato AND NOT =NATO",
        "@nato AND NOT (@eu NEAR/9 @accession)",
    ],
)
def test_a_query_that_can_match_is_no_problem(query: str) -> None:
    """What is excluded is less than what is asked for."""
    assert problems(query) == []


def test_every_lexicon_entry_can_be_read() -> None:
    """A word added to the lexicon is checked here, with its line in the message."""
    reader = Reader(lexicon.terms())
    for name in lexicon.terms():
        assert isinstance(reader.entry(name), Named)


def test_a_query_nested_without_end_is_refused() -> None:
    """Hostile depth is an error with a place, not a crash."""
    assert "nested" in problems("(" * 200 + "nato" + ")" * 200 + " AND " + "NOT " * 200 + "talks")[0]
