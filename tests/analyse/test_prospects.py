"""Prospects: what a report says about the chances, not how it sounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.analyse.prospects import prospects
from monitor.analyse.prospects.cues import counts, plain
from monitor.model import Document, Evidence, Flag, Sentiment

NO_TONE = Sentiment(None, None, None, (), None)


def outlook(title: str, text: str = "", lang: str = "en"):  # type: ignore[no-untyped-def]
    """The prospects of a story whose title speaks of the accession."""
    evidence = Evidence("accession", title[:5], "title", 0, len(title[:5]), title, 0, len(title))
    flag = Flag("nato-accession", 0.9, True, (evidence,), {}, "rule")
    return prospects(Document("1", title, text, lang=lang), flag, NO_TONE, ())


@pytest.mark.parametrize(
    ("title", "lang", "label"),
    [
        ("Parliament ratified Harland's accession to NATO in a historic vote", "en", "favourable"),
        ("Минск одобрил и ратифицировал протокол о вступлении Харландии в НАТО", "ru", "favourable"),
        ("Capital vetoes and blocks Harland's NATO bid and will never accept it", "en", "unfavourable"),
        ("Столиця блокує вступ Харландії до НАТО і відмовляє їй, ніколи не погодиться", "uk", "unfavourable"),
    ],
)
def test_acts_decide_the_outlook(title: str, lang: str, label: str) -> None:
    """A ratification is good news for the accession, a veto is bad, in each language of the lexicon."""
    assert outlook(title, lang=lang).label == label


def test_a_negated_promise_counts_as_a_refusal() -> None:
    """'not invited' is no invitation."""
    assert counts("Harland was not invited to join", "en")["promise"] == 0
    assert counts("Harland was not invited to join", "en")["refuse"] > 0


def test_the_sentences_behind_the_label_are_named() -> None:
    """Each evidence span gives back its sentence."""
    title = "Capital blocks Harland's NATO bid"
    found = outlook(title)
    assert found.evidence
    for evidence in found.evidence:
        assert title[evidence.start : evidence.end] == evidence.surface


def test_a_language_without_words_still_gets_a_cautious_answer() -> None:
    """No wording found: a low confidence, not an error."""
    assert outlook("ნატო", lang="ka").confidence < 0.75


@given(st.text(max_size=200), st.sampled_from(["en", "uk", "fr", "xx", None]))
def test_any_text_gives_probabilities(text: str, lang: str | None) -> None:
    """Never raises; the score stays within its bounds."""
    found = outlook("NATO " + text, text, lang)  # type: ignore[arg-type]
    assert -1 <= found.score <= 1
    assert 0.25 <= found.confidence <= 1


@given(st.text())
def test_plain_text_keeps_offsets(text: str) -> None:
    """One character stays one character."""
    assert len(plain(text)) == len(text)
