"""Finding a quotation again: shortened, reworded, spelt otherwise - and nothing that was said another time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec

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


# --- translations --------------------------------------------------------------------------------------------------

NEURAL = all(find_spec(name) for name in ("onnxruntime", "tokenizers", "numpy"))
EAST, NORTH_EAST, NORTH = (b"mark" + bytes(v) for v in ([100, 0, 20], [90, 80, 20], [0, 100, 20]))
UKRAINIAN = "В Альянсі немає готовності нас запросити"


def translated(
    meaning: bytes, text: str = UKRAINIAN, speaker: str | None = "Олена Коваленко", before: bytes = EAST
) -> dict[int, int]:
    """What is found for a Ukrainian quotation of that meaning, when an English one of meaning ``before`` is stored."""
    quote = replace(a_quote(text, speaker), meaning=meaning)
    return said_before([quote], "uk", [replace(known(), meaning=before)])


def test_a_translation_is_the_same_saying() -> None:
    """Near in meaning, of a speaker whose name is spelt in another alphabet."""
    assert translated(EAST) == {0: 7}
    assert translated(NORTH_EAST) == {0: 7}


@pytest.mark.parametrize(
    ("meaning", "text", "speaker"),
    [
        (NORTH, UKRAINIAN, "Олена Коваленко"),
        (EAST, UKRAINIAN, "Іван Шевчук"),
        (EAST, UKRAINIAN, None),
        (b"", UKRAINIAN, "Олена Коваленко"),
        (b"Mark" + EAST[4:], UKRAINIAN, "Олена Коваленко"),
    ],
)
def test_another_meaning_or_mouth_is_another_saying(meaning: bytes, text: str, speaker: str | None) -> None:
    """Also where no meaning was made, or one by another model."""
    assert translated(meaning, text, speaker) == {}


def test_other_numbers_are_another_saying() -> None:
    """In two years is not in five."""
    quote = replace(a_quote("За 5 років ми будемо в НАТО", "Олена Коваленко"), meaning=EAST)
    before = replace(known("In 2 years we shall be in NATO"), meaning=EAST)
    assert said_before([quote], "uk", [before]) == {}


def test_another_country_or_the_other_side_is_another_saying() -> None:
    """Vectors of a claim and its opposite, or of two candidates, lie close together."""
    georgia = replace(a_quote("Грузія стане членом НАТО", "Олена Коваленко"), meaning=EAST)
    ukraine = replace(known("Ukraine will become a member of NATO"), meaning=EAST)
    assert said_before([georgia], "uk", [ukraine]) == {}
    against = replace(a_quote(UKRAINIAN, "Олена Коваленко"), meaning=EAST, stance="opposes")
    assert said_before([against], "uk", [replace(known(), meaning=EAST, stance="supports")]) == {}
    assert said_before([against], "uk", [replace(known(), meaning=EAST, stance="conditional")]) == {0: 7}


def test_the_same_wording_comes_before_a_translation() -> None:
    """Of two sayings that fit, the one in the same words."""
    quote = replace(a_quote(LINE), meaning=EAST)
    before = [replace(known(UKRAINIAN, "Олена Коваленко", "uk", 3), meaning=EAST), known(saying=4)]
    assert said_before([quote], "en", before) == {0: 4}


@pytest.mark.skipif(not NEURAL, reason="the extra [neural] is not installed")
def test_the_network_knows_a_translation_from_another_saying_on_the_same_subject() -> None:
    """The real vectors, of sentences made up for this test."""
    from monitor.analyse.multilingual import vectors

    english, ukrainian, other = vectors([
        "We shall not give up our application, whoever asks us to",
        "Ми не відкличемо свою заявку, хоч би хто про це просив",
        "Заявку розглянуть на саміті, коли її підтримають усі союзники",
    ])  # fmt: skip
    assert translated(ukrainian, before=english) == {0: 7}
    assert translated(other, before=english) == {}
