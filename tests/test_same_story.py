"""Wire copies: found when cut and re-headlined, not when two reporters tell the same event."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.same_story import Recent, Sketch, containment, sketch

STORY = " ".join(
    [
        "The council of ministers in Harlund voted on Tuesday to hand in an application for membership of the alliance.",
        "The vote came after nine hours of debate and was closer than anybody had forecast.",
        "Opponents warned that the decision would divide the country for a generation.",
        "The prime minister said that the letter would be carried to Brussels by the end of the week.",
    ]
)
OTHER = (
    "Harlund wants to be a member of the alliance: after a long night the government has decided to apply. "
    "The head of government announced it herself, and the opposition spoke of a mistake. The letter goes out this week."
)


def test_a_cut_copy_is_found() -> None:
    """The last sentences are gone, an agency's tag stands in front."""
    recent = Recent()
    recent.add(7, sketch(STORY))
    copy = recent.find_copy(sketch("(Agency) " + STORY[:200]))
    assert copy is not None
    assert copy.story_id == 7
    assert copy.containment > 0.9


def test_an_independent_report_is_no_copy() -> None:
    """Same event, own words."""
    recent = Recent()
    recent.add(7, sketch(STORY))
    assert recent.find_copy(sketch(OTHER)) is None


def test_the_earliest_of_several_copies_is_named() -> None:
    """So that all copies point at one story."""
    recent = Recent()
    recent.add(3, sketch(STORY))
    recent.add(9, sketch(STORY))
    found = recent.find_copy(sketch(STORY))
    assert found is not None
    assert found.story_id == 3


def test_a_short_shared_phrase_makes_no_copy() -> None:
    """Two headlines with the same six words are two items."""
    recent = Recent()
    recent.add(1, sketch("Ministers meet in Brussels on Wednesday morning"))
    assert recent.find_copy(sketch("Ministers meet in Brussels on Wednesday evening")) is None


def test_the_oldest_story_is_forgotten() -> None:
    """Memory is bounded, and the index forgets with it."""
    recent = Recent(capacity=1)
    recent.add(1, sketch(STORY))
    recent.add(2, sketch(OTHER))
    assert recent.find_copy(sketch(STORY)) is None
    assert recent.find_copy(sketch(OTHER)) is not None


def test_a_long_text_and_its_excerpt_are_compared_at_one_level() -> None:
    """A book keeps only a part of its shingles; the excerpt is still found in it."""
    book = " ".join(f"word{n} follows word{n * 7 % 1000} and then word{n * 13 % 997}" for n in range(2000))
    share, _ = containment(sketch(book), sketch(book[:6000]))
    assert share > 0.9


@given(st.text(max_size=400))
def test_a_sketch_survives_the_store(text: str) -> None:
    """Bytes and back, for any text."""
    made = sketch(text)
    assert Sketch.from_bytes(made.to_bytes()) == made
