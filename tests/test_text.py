"""Paragraphs and sentences as spans."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.text import paragraphs, sentences


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He agreed. She did not.", ["He agreed.", "She did not."]),
        ("Mr. Smith met Sen. Jones in St. Louis. They left.", ["Mr. Smith met Sen. Jones in St. Louis.", "They left."]),
        ("The U.S. President said “No.” He left.", ["The U.S. President said “No.”", "He left."]),
        ('"Why?" he asked. "Because."', ['"Why?" he asked.', '"Because."']),
        ("Am 24. Februar begann es. Am Tag darauf auch.", ["Am 24. Februar begann es.", "Am Tag darauf auch."]),
        ("Wysłano 5 tys. żołnierzy. Nikt nie wrócił.", ["Wysłano 5 tys. żołnierzy.", "Nikt nie wrócił."]),
        ("Саммит прошёл в 2008 г. в Бухаресте. Решили мало.", ["Саммит прошёл в 2008 г. в Бухаресте.", "Решили мало."]),
        ("议会批准了。投票结束。", ["议会批准了。", "投票结束。"]),
        ("One line\nAnother line", ["One line", "Another line"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_would_stop(text: str, expected: list[str]) -> None:
    """Titles, months, ordinals and thousands do not end a sentence; a paragraph does."""
    assert cut(text) == expected


def test_paragraphs_are_the_lines_without_their_outer_blanks() -> None:
    """Blank lines are no paragraphs."""
    text = "  first \n\n \t\nsecond"
    assert [text[start:end] for start, end in paragraphs(text)] == ["first", "second"]


@given(st.text())
def test_every_visible_character_is_in_exactly_one_sentence(text: str) -> None:
    """Sentences come in order, do not overlap, and leave out nothing but white space."""
    spans = sentences(text)
    assert spans == sorted(spans)
    assert all(one[1] <= two[0] for one, two in pairwise(spans))
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())
