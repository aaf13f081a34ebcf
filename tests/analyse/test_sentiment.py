"""The tone of documents, from targets found to labels named; with a scorer whose answers the tests choose."""

from collections.abc import Sequence

import pytest

from monitor.analyse.sentiment import Scorer, score_lines, sentiment
from monitor.analyse.sentiment.targets import KINDS, PLACES_PER_TARGET
from monitor.errors import ScorerError
from monitor.model import Country, Document, Evidence, Flag, Quote, Sentiment, TargetSentiment
from monitor.text import sentences

BAD, PLAIN, GOOD = (0.9, 0.08, 0.02), (0.05, 0.9, 0.05), (0.02, 0.08, 0.9)


class WordScorer(Scorer):
    """Negative where the sentence says "toxic", positive where it says "welcomed", else neutral."""

    name, revision, languages, note = "words", "1", frozenset({"en"}), ""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, int]] = []

    def probabilities(self, batch: Sequence[tuple[str, int, int]]) -> list[tuple[float, float, float]]:
        self.asked += batch
        return [BAD if "toxic" in text else GOOD if "welcomed" in text else PLAIN for text, _, _ in batch]


def tone_of(text: str, *, title: str = "", lang: str = "en", **found: object) -> Sentiment:
    """The sentiment of a text, by words."""
    document = Document(id="1", title=title, text=text, lang=lang)
    return sentiment(
        document,
        found.get("flags", ()),  # type: ignore[arg-type]
        found.get("countries", ()),  # type: ignore[arg-type]
        found.get("quotes", ()),  # type: ignore[arg-type]
        found.get("scorer", WordScorer()),  # type: ignore[arg-type]
        found.get("kinds", KINDS),  # type: ignore[arg-type]
    )


def of_kind(tone: Sentiment, kind: str) -> TargetSentiment:
    """The only target of a kind."""
    (target,) = (target for target in tone.targets if target.kind == kind)
    return target


def said_by(speaker: str | None, *, about: bool = True) -> Quote:
    return Quote("direct", ((0, 1),), "x", speaker, speaker, None, None, about, None)


def test_a_language_without_a_measured_scorer_gets_no_score_not_zero() -> None:
    """None everywhere, and no scorer named, where the scorer was never measured for the language."""
    tone = tone_of("Les négociations sont toxiques, dit l’OTAN (NATO).", lang="fr")
    assert (tone.label, tone.score, tone.confidence, tone.targets, tone.scorer) == (None, None, None, (), None)


def test_a_text_that_names_no_target_gets_no_score() -> None:
    """Nothing to measure toward: no score, but it is said who looked."""
    tone = tone_of("The harvest was toxic this year.")
    assert (tone.score, tone.targets, tone.scorer) == (None, (), "words@1")


def test_toxic_talks_make_a_negative_document() -> None:
    """Talks and accession decide the document's tone, whatever is said of the country elsewhere."""
    text = "The talks turned toxic. Negotiations are toxic again. Ukraine was welcomed. Ukraine was warmly welcomed."
    tone = tone_of(text, countries=(Country("UA", "candidate"),))
    assert tone.label == "negative"
    assert of_kind(tone, "talks").label == "negative"
    assert of_kind(tone, "country").label == "positive"


def test_the_score_is_the_mean_shrunk_by_the_number_of_mentions() -> None:
    """sum / (n + 3): one bad sentence is no disaster yet."""
    one = of_kind(tone_of("The talks turned toxic."), "talks")
    two = of_kind(tone_of("The talks turned toxic. The talks stayed toxic."), "talks")
    assert (one.n, one.score) == (1, pytest.approx(-0.88 / 4))
    assert (two.n, two.score) == (2, pytest.approx(-0.88 * 2 / 5))
    assert (two.p_negative, two.p_neutral, two.p_positive) == pytest.approx(BAD)


def test_praise_and_blame_in_equal_parts_have_no_label() -> None:
    """Mixed or unclear is None, with a score near zero."""
    talks = of_kind(tone_of("The talks were toxic. The talks were welcomed."), "talks")
    assert talks.label is None
    assert talks.score == pytest.approx(0)


def test_the_headline_stands_apart() -> None:
    """The title's tone is its own number and does not enter the mean of the text."""
    talks = of_kind(tone_of("The talks went on.", title="Toxic: talks called toxic"), "talks")
    assert talks.headline == pytest.approx(-0.88)
    assert (talks.n, talks.label) == (1, "neutral")
    assert [mention.field for mention in talks.mentions] == ["title", "text"]


def test_a_target_that_only_the_headline_names_is_measured_there() -> None:
    """Feeds often give a title alone."""
    talks = of_kind(tone_of("Nothing more was known.", title="Accession talks turn toxic"), "talks")
    assert (talks.n, talks.label) == (1, "negative")


def test_one_sentence_counts_once_for_a_target() -> None:
    """However often a sentence names NATO, it is one mention, at the first name."""
    nato = of_kind(tone_of("NATO is NATO, and NATO knows it."), "nato")
    assert [(mention.start, mention.end) for mention in nato.mentions] == [(0, 4)]


def test_mentions_point_into_the_text() -> None:
    """Offsets of targets and sentences are offsets of the document's own text."""
    text = "A first line.\nLater, the accession talks began! Kyiv hopes to join NATO."
    tone = tone_of(text, countries=(Country("UA", "candidate"),))
    named = {target.kind: [text[m.start : m.end] for m in target.mentions] for target in tone.targets}
    assert named == {"talks": ["accession talks"], "accession": ["join NATO"], "country": ["Kyiv"]}
    spans = sentences(text)
    assert all((m.sentence_start, m.sentence_end) in spans for target in tone.targets for m in target.mentions)


def test_whole_words_only() -> None:
    """Natoma is no NATO, and small talk is no talks."""
    assert tone_of("Natoma Street, a stalkstalk, subnegotiations.").targets == ()


def test_only_the_asked_kinds_are_measured() -> None:
    """Settings may leave targets out."""
    tone = tone_of("NATO welcomed the talks on membership.", kinds=("nato",))
    assert [target.target for target in tone.targets] == ["NATO"]


def test_speakers_are_found_by_full_name_and_surname() -> None:
    """Anna Example said it, Example was welcomed; a bystander of the same surname's start is not she."""
    text = "Anna Example spoke. Example was welcomed in Brussels. Examples abound."
    speaker = of_kind(tone_of(text, quotes=(said_by("Anna Example"),)), "speaker")
    assert (speaker.target, speaker.n) == ("Anna Example", 2)


def test_a_quotation_without_a_speaker_is_no_target() -> None:
    """No name, no target."""
    assert tone_of("Somebody spoke.", quotes=(said_by(None), said_by("Li"))).targets == ()


def test_actors_are_no_candidates() -> None:
    """Tone is measured toward who wants in, not toward every country named."""
    tone = tone_of("Turkey and Sweden met.", countries=(Country("TR", "actor"), Country("SE", "candidate")))
    assert [target.target for target in tone.targets] == ["SE"]


def test_evidence_of_a_topic_of_ones_own_is_measured_too() -> None:
    """A topic's matches are its accession phrases, even where the lexicon does not know them."""
    text = "The Schengen decision was toxic."
    start = text.index("Schengen")
    evidence = Evidence("schengen", "Schengen", "text", start, start + 8, text, 0, len(text))
    flag = Flag("schengen", 0.9, True, (evidence,), {}, "r")
    accession = of_kind(tone_of(text, flags=(flag,)), "accession")
    assert (accession.label, accession.mentions[0].start) == ("negative", start)


def test_a_live_blog_does_not_cost_without_end() -> None:
    """Only the first sentences about a target are asked about."""
    scorer = WordScorer()
    tone = tone_of("NATO met. " * 500, scorer=scorer)
    assert of_kind(tone, "nato").n == PLACES_PER_TARGET
    assert len(scorer.asked) <= PLACES_PER_TARGET


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n", "NATO", "NATO\n\nNATO", "talks." * 3, "\u2028talks\u2028", "“talks”?!"]
)
def test_odd_texts_are_no_trouble(text: str) -> None:
    """Never raises, and every mention lies in its sentence."""
    for target in tone_of(text, title=text).targets:
        for mention in target.mentions:
            assert mention.sentence_start <= mention.start < mention.end <= mention.sentence_end


def test_lines_answer_in_order_with_label_and_probabilities() -> None:
    """The command's contract: one answer a row, the likeliest label, rounded probabilities."""
    rows = [{"id": i, "text": f"talks {'toxic' if i % 2 else 'welcomed'}", "start": 0, "end": 5} for i in range(150)]
    answers = list(score_lines(rows, WordScorer()))
    assert [answer["id"] for answer in answers] == list(range(150))
    assert answers[1] == {
        "id": 1,
        "label": "negative",
        "score": -0.88,
        "p_negative": 0.9,
        "p_neutral": 0.08,
        "p_positive": 0.02,
    }


@pytest.mark.parametrize(
    "row",
    [
        {"id": "a"},
        {"id": "a", "text": "talks", "start": 0, "end": 6},
        {"id": "a", "text": "talks", "start": 3, "end": 3},
        {"id": "a", "text": "talks", "start": -1, "end": 3},
        {"id": "a", "text": "talks", "start": "0", "end": 3},
    ],
)
def test_a_row_without_a_target_in_its_text_is_an_error_that_names_it(row: dict[str, object]) -> None:
    """The reader learns which row, and what it lacks."""
    with pytest.raises(ScorerError, match="row 'a'"):
        list(score_lines([row], WordScorer()))


def test_a_row_is_scored_in_its_own_language() -> None:
    """By what it says of itself, else by what it looks like; in a language that was not measured there is no score."""
    rows = [
        {"id": 1, "text": "Die Gespräche sind toxic geworden und drehen sich im Kreis", "start": 4, "end": 13},
        {"id": 2, "text": "toxic talks", "start": 6, "end": 11},
        {"id": 3, "text": "toxic talks", "start": 6, "end": 11, "lang": "de"},
        {"id": 4, "text": "toxic talks", "start": 6, "end": 11, "lang": "EN-gb"},
        {"id": 5, "text": "toxic talks", "start": 6, "end": 11, "lang": 7},
    ]
    answers = list(score_lines(rows, WordScorer()))
    assert [answer["label"] for answer in answers] == [None, "negative", None, "negative", "negative"]
    assert answers[0] == {"id": 1, **dict.fromkeys(("label", "score", "p_negative", "p_neutral", "p_positive"))}
