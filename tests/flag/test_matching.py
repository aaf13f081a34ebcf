"""Whole words in every script, however they are written, in one pass."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.flag import compile_rules
from monitor.flag.match import Matcher, Terms, read
from monitor.flag.normalise import fold, words
from monitor.flag.query import Reader
from monitor.model import Document
from monitor.settings import TopicSettings


def found(query: str, text: str, lang: str | None = None) -> list[str]:
    """The surfaces that a query finds."""
    verdict = compile_rules([TopicSettings(name="t", query=query)]).judge(Document("1", "", text, lang=lang))
    return [item.surface for flag in verdict.flags for item in flag.evidence]


@pytest.mark.parametrize(
    ("query", "text", "surface"),
    [
        ("nato", "NATO-Beitritt", "NATO"),
        ("beitritt", "NATO-Beitritt", "Beitritt"),
        ("NATO-Beitritt", "der Nato Beitritt", "Nato Beitritt"),
        ("natomedlemskap*", "Natomedlemskapet", "Natomedlemskapet"),
        ("jäsenyys", "Nato-jäsenyys", "jäsenyys"),
        ("вступ", "НАТО-вступ", "вступ"),
        ("otan", "l’OTAN", "OTAN"),
        ("alleanza", "dell'Alleanza", "Alleanza"),
        ("nato", "NATO'ya", "NATO"),
        ("nato", "NATO’s", "NATO"),
        ("об'єднання", "про об’єднання", "об’єднання"),
        ("п’ять", "п'ять", "п'ять"),
        ("adhesion", "une adhésion", "adhésion"),
        ("adhésion", "une adhe\u0301sion", "adhe\u0301sion"),
        ("член", "Чле\u0301н", "Чле\u0301н"),
        ("beitritt", "Bei\u00adtritt", "Bei\u00adtritt"),
        ('"open door"', "open\u00a0door", "open\u00a0door"),
        ("isveç", "İSVEÇ", "İSVEÇ"),
        ("strasse", "Straße", "Straße"),
        ("łodz", "Łódź", "Łódź"),
        ("нато", "НATО", "НATО"),  # Latin A and T inside
        ("nato", "NАTO", "NАTO"),  # Cyrillic А inside
        ("ενταξη", "ένταξη", "ένταξη"),
        ("北约", "加入北约组织", "北约"),
        ("ناتو", "إلى ناتو", "ناتو"),
        ("नाटो", "नाटो में", "नाटो"),
        ("nato", "ＮＡＴＯ", "ＮＡＴＯ"),
    ],
)
def test_a_word_is_found_however_it_is_written(query: str, text: str, surface: str) -> None:
    """Case, accents, apostrophes, soft hyphens, no-break spaces, look-alikes, compounds; the surface is as printed."""
    assert found(query, text) == [surface]


@pytest.mark.parametrize(
    "text", ["senator", "signatory", "Anatolia", "detonator", "Donato", "сенатор", "натощак", "Chinatown", "Natolin"]
)
def test_a_word_is_never_found_inside_another(text: str) -> None:
    """Whole words by Unicode rules."""
    assert found("@nato OR нато", text, "en") == []


def test_folding_keeps_different_letters_apart() -> None:
    """Only what a reader takes for the same letter is folded."""
    assert fold("NATO") == fold("nato")
    assert fold("Ёлка") == fold("елка")
    assert fold("шлях") != fold("слях")


@given(st.text(st.characters()))
def test_words_stand_where_they_say(text: str) -> None:
    """Spans are in order, do not overlap, and hold what was folded."""
    row = words(text)
    assert len(row.folded) == len(row.starts) == len(row.ends)
    place = 0
    for folded, start, end in zip(row.folded, row.starts, row.ends, strict=True):
        assert place <= start < end <= len(text)
        assert fold(text[start:end]) == folded
        assert " " not in folded
        place = end


LETTERS = st.text("ab", min_size=1, max_size=3)
TERMS = st.lists(
    st.builds(
        lambda parts, star: " ".join(parts) + star,
        st.lists(LETTERS, min_size=1, max_size=3),
        st.sampled_from(["", "*"]),
    ),
    min_size=1,
    max_size=8,
)


def naively(term: str, row: list[str]) -> list[tuple[int, int]]:
    """The same by trying every place."""
    tokens = term.split()
    return [
        (at, at + len(tokens))
        for at in range(len(row) - len(tokens) + 1)
        if all(
            word.startswith(token[:-1]) if token.endswith("*") else word == token
            for token, word in zip(tokens, row[at:], strict=False)
        )
    ]


@given(TERMS, st.lists(LETTERS, max_size=12), st.randoms(use_true_random=False))
def test_matching_agrees_with_trying_every_place_whatever_the_order_of_terms(
    written: list[str], row: list[str], chance: random.Random
) -> None:
    """The automaton finds every place of every term, and the order in which terms were given does not matter."""
    written = [term for term in written if "*" not in term or len(term.split()[-1]) > 2]
    shuffled = list(written)
    chance.shuffle(shuffled)
    results = []
    for order in (written, shuffled):
        terms = Terms()
        numbers = {term: terms.number(Reader({}).name(term)) for term in order}
        spans = Matcher(terms.terms).find(read("", " ".join(row)))
        results.append({term: [(a - 1, b - 1) for a, b in spans.get(number, [])] for term, number in numbers.items()})
    assert results[0] == {term: naively(term, row) for term in written}
    assert results[0] == {term: results[1][term] for term in written}


def test_a_wildcard_inside_a_phrase_is_compared_word_by_word() -> None:
    """The longest piece is looked for, the rest is checked around it."""
    assert found('"memb* of the * alliance"', "a member of the western alliance, members of alliance") == [
        "member of the western alliance"
    ]
    assert found("*land", "Finland and Poland land") == ["Finland", "Poland", "land"]
    assert found("fin*d", "Finland fined find fin") == ["Finland", "fined", "find"]


def test_a_text_that_repeats_two_words_without_end_is_still_judged() -> None:
    """The work of NEAR is bounded."""
    text = "nato join " * 40_000
    verdict = compile_rules([TopicSettings(name="t", query="nato NEAR/30 join")]).judge(
        Document("1", "", text, lang="en")
    )
    assert len(verdict.flags) == 1
