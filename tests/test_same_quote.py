"""Finding a quotation again: shortened, reworded, spelt otherwise - and nothing that was said another time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import KnownQuote, Quote
from monitor.same_quote import said_before

AT = datetime(2026, 11, 5, tzinfo=UTC)
LINE = "There is no readiness in the alliance to invite us, and none to say when it might come"


def a_quote(text: str, speaker: str | None = "Olena Kovalenko") -> Quote:
    """What a new story quotes."""
    return Quote("direct", ((0, len(text)),), text, speaker, speaker, None, None, True, None)


def known(text: str = LINE, speaker: str | None = "Olena Kovalenko", lang: str = "en", saying: int = 7) -> KnownQuote:
    """What was quoted before."""
    return KnownQuote(saying, speaker, lang, text, AT)


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        (LINE, "Olena Kovalenko"),
        (LINE.upper() + "!", "Olena Kovalenko"),
        ("no readiness in the alliance to invite us", "Kovalenko"),
        ("There is no readiness in the Alliance to invite us and none to say when", "O. Kovalenko"),
        ("There's no readiness in the alliance to invite us, nor to say when it might come", "Olena Kovalenko"),
        (LINE, "Olena Kovalenkó"),
        (LINE, None),
        (LINE, "the ministry"),
    ],
)
def test_the_same_words_are_the_same_saying(text: str, speaker: str | None) -> None:
    """Whatever an outlet does with case, marks, length and the speaker's name."""
    assert said_before([a_quote(text, speaker)], "en", [known()]) == {0: 7}


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("We are ready to be invited, and the alliance knows it", "Olena Kovalenko"),
        ("no readiness in the alliance", "Jan Nowak"),
        ("no readiness in the alliance", None),
        ("in the alliance", "Olena Kovalenko"),
        ("come might it when say to none and us invite to alliance the in readiness no is there", "Olena Kovalenko"),
        ("", "Olena Kovalenko"),
    ],
)
def test_other_words_are_another_saying(text: str, speaker: str | None) -> None:
    """Another sentence, a common phrase in another mouth, the same words in another order."""
    assert said_before([a_quote(text, speaker)], "en", [known()]) == {}


def test_another_language_is_not_compared() -> None:
    """Wording is all that is looked at."""
    assert said_before([a_quote(LINE)], "de", [known()]) == {}


def test_inflected_words_count_as_the_same() -> None:
    """An outlet that fits the words into its own sentence bends them."""
    before = known("нет готовности приглашать Украину в альянс и называть сроки", "Елена Коваленко", "ru")
    quote = a_quote("готовность пригласить Украину в альянс и называть сроки", "Коваленко")
    assert said_before([quote], "ru", [before]) == {0: 7}


def test_the_likest_saying_is_taken() -> None:
    """And each quotation of a story for itself."""
    stored = [known("no readiness in the alliance to help us now", saying=1), known(saying=2)]
    quotes = [a_quote("Something else was said today"), a_quote("no readiness in the alliance to invite us")]
    assert said_before(quotes, "en", stored) == {1: 2}


@given(st.lists(st.tuples(st.text(), st.none() | st.text())), st.lists(st.tuples(st.text(), st.none() | st.text())))
def test_no_words_stop_it(new: list[tuple[str, str | None]], old: list[tuple[str, str | None]]) -> None:
    """Whatever stands between quotation marks."""
    stored = [known(text, speaker, saying=number) for number, (text, speaker) in enumerate(old)]
    found = said_before([a_quote(text, speaker) for text, speaker in new], "en", stored)
    assert set(found) <= set(range(len(new)))
