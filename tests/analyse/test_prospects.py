"""Prospects: what a report says about the chances, not how it sounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import lexicon
from monitor.analyse.prospects import prospects
from monitor.analyse.prospects.cues import CATEGORIES, find, plain
from monitor.analyse.prospects.features import describe, look
from monitor.model import Document, Evidence, Flag, Prospects, Quote, Sentiment

NO_TONE = Sentiment(None, None, None, (), None)
LANGUAGES = sorted(lexicon.load("prospects")["done"])


def a_flag(title: str, text: str = "", about: str = "NATO") -> Flag:
    """A flag whose evidence is every place that names the alliance."""
    evidence = []
    for field, words in (("title", title), ("text", text)):
        at = words.find(about)
        while at >= 0:
            evidence.append(Evidence("nato", about, field, at, at + len(about), words, 0, len(words)))  # type: ignore[arg-type]
            at = words.find(about, at + 1)
    return Flag("nato-accession", 0.9, True, tuple(evidence), {}, "rule")


def outlook(title: str, text: str = "", lang: str | None = "en", quotes: tuple[Quote, ...] = ()) -> Prospects:
    """The prospects of a story."""
    return prospects(Document("1", title, text, lang=lang), a_flag(title, text), NO_TONE, quotes)


def categories(sentence: str, lang: str = "en") -> list[str]:
    """What the wordings of a sentence speak for, in its order."""
    return [cue.category for cue in find(sentence, lang)]


@pytest.mark.parametrize(
    ("title", "lang", "label"),
    [
        ("Parliament ratified Harland's accession to NATO in a historic vote", "en", "favourable"),
        ("Минск одобрил и ратифицировал протокол о вступлении Харландии в NATO", "ru", "favourable"),
        ("Harland stała się nowym członkiem NATO, Sojusz gratuluje", "pl", "favourable"),
        ("Harlannista tuli Naton jäsen: NATO toivotti maan tervetulleeksi", "fi", "favourable"),
        ("Harland wurde Mitglied der NATO, das Parlament hat zugestimmt", "de", "favourable"),
        ("Capital vetoes and blocks Harland's NATO bid and will never accept it", "en", "unfavourable"),
        ("Toxic talks on Harland's NATO entry go in circles and have reached a standstill", "en", "unfavourable"),
        ("Переговоры о вступлении Харландии в NATO зашли в тупик", "ru", "unfavourable"),
        ("Столиця блокує вступ Харландії до NATO і відмовляє їй назавжди", "uk", "unfavourable"),
        ("La capitale refuse et bloque l'adhésion de la Harlande à la NATO, elle s'oppose à son entrée", "fr", "unfavourable"),
        ("La capital rechaza y bloquea el ingreso de Harlandia en la NATO: nunca entrará", "es", "unfavourable"),
        ("Başkent Harland'ın NATO üyeliğini veto etti ve reddetti", "tr", "unfavourable"),
        ("Harland can join NATO only if conditions are met, but allies remain divided and the date is unclear", "en", "mixed"),
        ("Harland kann der NATO nur beitreten, wenn alle Bedingungen erfüllt sind, aber die Frage ist umstritten", "de", "mixed"),
    ],
)  # fmt: skip
def test_acts_decide_the_outlook(title: str, lang: str, label: str) -> None:
    """A ratification is good news for the accession, a veto is bad, conditions leave it open: in each language of the lexicon."""
    assert outlook(title, lang=lang).label == label


def test_a_story_that_only_announces_a_meeting_is_neutral() -> None:
    """Nothing said either way is no good news."""
    assert outlook("Ministers meet to discuss NATO membership of Harland").label == "neutral"


def test_a_negated_promise_is_a_refusal_and_a_negated_refusal_a_promise() -> None:
    """'not invited' is no invitation; 'did not rule out' keeps the door open."""
    assert categories("Harland was not invited") == ["refuse"]
    assert categories("The minister did not rule out anything") == ["promise"]
    assert categories("Das Parlament stimmte dem zu und billigt es nicht", "de")[-1] == "refuse"


def test_what_is_refused_is_no_good_news() -> None:
    """In 'delays ratification' and 'refuses to back' the good word is only the object of the bad one."""
    assert categories("The president delays ratification") == ["delay"]
    assert categories("She refuses to back the request")[0] == "refuse"
    assert "support" not in categories("She refuses to back the request")


def test_what_may_happen_has_not_happened() -> None:
    """'might have approved' is a prospect, not a deed."""
    assert categories("Parliament ratified it") == ["done"]
    assert categories("Parliament might soon have ratified it")[-1] == "promise"


def test_the_longest_wording_counts() -> None:
    """'no longer opposes' does not oppose; 'not before' is later, not never."""
    assert categories("The capital no longer opposes it") == ["done"]
    assert categories("They will not vote before autumn") == ["delay", "delay"]


def test_letters_with_accents_are_other_letters() -> None:
    """German 'wurde' (was) is no 'würde' (would)."""
    assert categories("Er wurde gesehen", "de") == []
    assert categories("Er würde gehen", "de") == ["modal"]


def test_wordings_far_from_the_accession_count_less() -> None:
    """The next item of a digest's headline says little about the accession."""
    near = "Capital rejects NATO bid of Harland; courts open again"
    far = "NATO bid of Harland in focus; another court in a faraway town rejects an appeal about a yacht"
    assert outlook(near).score < outlook(far).score


def test_it_matters_who_refuses() -> None:
    """What Moscow calls impossible weighs less than what an ally does."""
    title, text = "Dispute about NATO", "NATO will never accept Harland, it was said."
    said = [
        Quote("direct", ((0, 30),), text[:30], "A", "A", None, country, True, "opposes") for country in ("RU", "TR")
    ]
    assert outlook(title, text, quotes=(said[0],)).score > outlook(title, text, quotes=(said[1],)).score


def test_the_wordings_behind_the_label_are_named() -> None:
    """Each evidence is a wording in its sentence, at most three, with exact offsets."""
    title = "Capital blocks Harland's NATO bid"
    text = (
        "The capital vetoed the NATO protocol. It refused again. NATO will never agree, it said. It opposes NATO entry."
    )
    found = outlook(title, text)
    assert found.label == "unfavourable"
    assert 1 <= len(found.evidence) <= 3
    for evidence in found.evidence:
        whole = title if evidence.field == "title" else text
        assert whole[evidence.start : evidence.end] == evidence.surface
        assert whole[evidence.sentence_start : evidence.sentence_end] == evidence.sentence
        assert evidence.surface in evidence.sentence
        assert len(evidence.surface) < len(evidence.sentence)
    assert found.evidence[0].surface == "blocks"


def test_a_language_without_words_still_gets_a_cautious_answer() -> None:
    """No wording known: neutral or unsure, no evidence, no error."""
    found = outlook("ნატო NATO", lang="ka")
    assert found.label == "neutral" or found.confidence < 0.75
    assert found.evidence == ()


def test_cells_of_a_place_add_up_to_one() -> None:
    """Good, bad and open in all combinations share one whole."""
    title = "Capital rejects NATO bid but talks may resume if conditions are met"
    features = describe(look(Document("1", title, "", lang="en"), a_flag(title), ()), NO_TONE)
    for place in ("story", "title"):
        assert sum(value for name, value in features.items() if name.startswith(place)) == pytest.approx(1)


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_has_words_in_every_language(category: str) -> None:
    """A language is covered whole or not at all; entries are words, with * only at the end."""
    languages = lexicon.load("prospects")[category]
    assert sorted(languages) == LANGUAGES
    for entries in languages.values():
        assert entries
        for entry in entries:
            assert isinstance(entry, str)
            assert all(word == "~" or "*" not in word[:-1] for word in entry.split())


@given(st.text(max_size=200), st.sampled_from([*LANGUAGES, "xx", None]))
def test_any_text_gives_probabilities(text: str, lang: str | None) -> None:
    """Never raises; the score stays within its bounds."""
    found = outlook("NATO " + text, text, lang)
    assert -1 <= found.score <= 1
    assert 0.25 <= found.confidence <= 1


@given(st.text(max_size=300), st.sampled_from(LANGUAGES))
def test_wordings_stand_in_order_and_apart(text: str, lang: str) -> None:
    """Spans lie within the sentence and never overlap."""
    end = 0
    for cue in find(text, lang):
        assert end <= cue.start < cue.end <= len(text)
        end = cue.end


@given(st.text())
def test_plain_text_keeps_offsets(text: str) -> None:
    """One character stays one character."""
    assert len(plain(text)) == len(text)
