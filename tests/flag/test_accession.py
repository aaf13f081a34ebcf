"""The shipped topic: which stories concern a country's accession to NATO, with which evidence and for which countries."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from monitor import lexicon
from monitor.flag import Rules, Verdict, compile_rules
from monitor.flag.score import logistic, models
from monitor.model import Document, Flag
from monitor.settings import DEFAULT_TOPICS, TopicSettings

STORIES: dict[str, dict[str, list[dict[str, str]]]] = YAML(typ="safe", pure=True).load(
    Path(__file__).with_name("stories.yaml").read_text(encoding="utf-8")
)
CASES = [
    pytest.param(lang, kind, story, id=f"{lang}-{kind}-{number}")
    for lang, kinds in STORIES.items()
    for kind, stories in kinds.items()
    for number, story in enumerate(stories)
]


@pytest.fixture(scope="module")
def rules() -> Rules:
    return compile_rules(DEFAULT_TOPICS)


def story(title: str, text: str, lang: str | None = "en", **more: Any) -> Document:
    return Document("1", title, text, lang=lang, **more)


def flagged(verdict: Verdict) -> bool:
    return any(flag.flagged for flag in verdict.flags)


def candidates(verdict: Verdict) -> list[str]:
    return [country.country for country in verdict.countries if country.role == "candidate"]


def without_evidence(document: Document, flag: Flag) -> Document:
    title, text = document.title, document.text
    for item in sorted({(item.sentence_start, item.sentence_end, item.field) for item in flag.evidence}, reverse=True):
        start, end, field = item
        if field == "title":
            title = title[:start] + title[end:]
        else:
            text = text[:start] + text[end:]
    return story(title, text, document.lang)


@pytest.mark.parametrize(("lang", "kind", "item"), CASES)
def test_stories_of_thirty_languages_are_told_apart(rules: Rules, lang: str, kind: str, item: dict[str, str]) -> None:
    """Accession is flagged with its candidate; exercises, other unions, members and names like Donato are not."""
    document = story(item["title"], item["text"], lang)
    verdict = rules.judge(document)
    assert flagged(verdict) == (kind == "accession")
    if kind == "accession":
        assert sorted(candidates(verdict)) == item["country"].split()
        assert not flagged(rules.judge(without_evidence(document, verdict.flags[0])))


LONG = (
    "The harvest was good this year. Farmers in the south spoke of a record. Prices fell at the exchange in Chicago. "
    "Ships waited in the port for days. The ministry of agriculture promised help. The railway added wagons. "
    "A minister recalled that Kyiv once hoped for NATO membership. The weather stays fine. Bakers are glad. Bread is cheap."
)


def test_one_line_of_background_in_a_long_story_is_no_flag(rules: Rules) -> None:
    """The flag is left unraised, but its evidence is kept and says what would raise it."""
    verdict = rules.judge(story("A record harvest", LONG))
    (flag,) = verdict.flags
    assert not flag.flagged
    assert [item.surface for item in flag.evidence] == ["NATO", "membership"]
    assert flag.flip.startswith("flagged with a threshold of")
    assert candidates(verdict) == []


def test_a_country_that_is_a_member_by_then_is_no_candidate(rules: Rules) -> None:
    """The same words are news before the accession and history a year after it."""
    text = "Finland joined NATO to feel safer, the minister said. Finland's border guard has bought new boats."
    before = rules.judge(story("Boats for the border guard", text, published_at=datetime(2022, 6, 1, tzinfo=UTC)))
    after = rules.judge(story("Boats for the border guard", text, published_at=datetime(2025, 6, 1, tzinfo=UTC)))
    by_url = rules.judge(story("Boats for the border guard", text, url="https://example.org/2025/06/01/boats.html"))
    assert before.flags[0].score > after.flags[0].score + 0.1
    assert by_url.flags[0].score == after.flags[0].score


@pytest.mark.parametrize(
    "line",
    [
        "Read more: Sweden's NATO membership ratified by Turkey",
        "Related: Ukraine will join NATO, says Rutte",
        "Tags: NATO membership, Ukraine, accession",
        "#NATO #Ukraine #membership of NATO",
        "Ukraine's minister speaks on NATO membership. (AP Photo/Jane Doe)",
        "Jane Doe is a reporter who writes on Ukraine's NATO membership bid.",
        "Читайте также: Украина вступит в НАТО, заявил генсек",
        "Lue myös: Ukraina haluaa liittyä Natoon",
    ],
)
def test_page_furniture_never_carries_a_flag(rules: Rules, line: str) -> None:
    """Links, tags, captions and notes on the author are not the story."""
    text = f"The bakery reopened on Monday.\nPeople queued from early morning.\nBread sold out by noon.\n{line}"
    assert rules.judge(story("Bakery reopens", text)).flags == ()


def test_a_list_of_headlines_at_the_end_is_furniture(rules: Rules) -> None:
    """Lines without a full stop after the last paragraph are other stories."""
    headlines = "Ukraine moves closer to NATO membership\nTurkey ratifies Sweden's NATO accession\nFire in Lyon put out"
    text = f"The bakery reopened on Monday.\nPeople queued from early morning.\nBread sold out by noon.\n{headlines}"
    assert rules.judge(story("Bakery reopens", text)).flags == ()


def test_a_flag_explains_itself(rules: Rules) -> None:
    """Parts add up to the score, each has a meaning in words, evidence stands where it says, the rule is named."""
    document = story(
        "Kyiv's NATO bid", "Ukraine's accession to NATO was discussed, officials said.\nNo date was set for membership."
    )
    (flag,) = rules.judge(document).flags
    assert flag.score == logistic(sum(flag.parts.values()))
    assert flag.parts.keys() <= models()["accession"].words.keys()
    for item in flag.evidence:
        source = document.title if item.field == "title" else document.text
        assert source[item.start : item.end] == item.surface
        assert source[item.sentence_start : item.sentence_end] == item.sentence
        assert item.surface in item.sentence
    assert {item.sentence for item in flag.evidence} == {
        "Kyiv's NATO bid",
        "Ukraine's accession to NATO was discussed, officials said.",
        "No date was set for membership.",
    }
    assert "3 cited sentences" in flag.flip
    assert flag.rule == rules.judge(document).flags[0].rule


def test_keywords_count_the_words_of_the_query_by_field(rules: Rules) -> None:
    """One row per entry and field, each word counted once."""
    verdict = rules.judge(story("NATO and Ukraine", "NATO spoke of accession. Accession takes time."))
    rows = {(row.term, row.field): row.count for row in verdict.keywords}
    assert rows["=NATO", "title"] == 1
    assert rows["=NATO", "text"] == 1
    assert rows["accession", "text"] == 2
    assert {row.lang for row in verdict.keywords} == {"en"}


def test_the_countries_that_act_are_named_beside_the_candidate(rules: Rules) -> None:
    """Whoever ratifies or blocks is an actor."""
    verdict = rules.judge(
        story(
            "Turkey ratifies Sweden's accession to NATO", "Ankara approved Sweden's membership, Turkey's speaker said."
        )
    )
    assert [(one.country, one.role) for one in verdict.countries] == [("SE", "candidate"), ("TR", "actor")]


def test_any_topic_of_the_users_own_gets_a_score_by_position_and_density() -> None:
    """A person, a union, a treaty: named in the title it is flagged, named once in a long text it is not."""
    rules = compile_rules([TopicSettings(name="brics", query='brics OR "new development bank"')])
    (high,) = rules.judge(story("Iran joins BRICS", "The BRICS states welcomed Iran.")).flags
    (low,) = rules.judge(story("A record harvest", LONG.replace("NATO", "BRICS"))).flags
    assert high.flagged
    assert not low.flagged
    assert low.evidence[0].surface == "BRICS"


def test_hashes_change_with_query_and_threshold_only() -> None:
    """The same rules have the same hash on every run; another threshold is another rule."""
    one, same = (compile_rules(DEFAULT_TOPICS).hash for _ in range(2))
    other = compile_rules([DEFAULT_TOPICS[0].model_copy(update={"threshold": 0.6})]).hash
    assert one == same != other


def test_the_order_of_topics_and_terms_does_not_matter() -> None:
    """The same evidence, whichever way the query is written."""
    parts = ["membership", "join*", '"open door"', "nato"]
    document = story("NATO's open door", "Membership is open. Ukraine joined the talks on NATO.")
    seen = {
        tuple(
            (item.surface, item.start)
            for item in compile_rules([TopicSettings(name="t", query=" OR ".join(order))])
            .judge(document)
            .flags[0]
            .evidence
        )
        for order in itertools.permutations(parts)
    }
    assert len(seen) == 1


def test_the_model_and_the_features_agree(rules: Rules) -> None:
    """Every weight belongs to a feature that exists, and every feature has a weight."""
    measured = rules.features(story("Kyiv's NATO bid", "Ukraine's accession to NATO was discussed."))
    assert measured is not None
    assert measured.keys() == models()["accession"].weights.keys()


def test_no_country_name_belongs_to_two_countries() -> None:
    """A word is read as one country, also where a stem covers it."""
    owner: dict[str, str] = {}
    for country in lexicon.countries():
        for name in country.names:
            assert owner.setdefault(name, country.code) == country.code


PIECES = st.sampled_from(
    ["NATO", "Ukraine", "membership", "joined", "НАТО", "вступ", "Україна", "OTAN", "adhésion", "Nato-jäsenyys", "EU", "2004", "after", "said",
     "accession to", ".", "\n", "«", "'", "\u00ad", "l'", "İ", "北约加入", "summit", "Read more:"]
)  # fmt: skip


@given(
    st.lists(st.one_of(PIECES, st.text(st.characters(), max_size=4)), max_size=40),
    st.lists(PIECES, max_size=6),
    st.sampled_from(["en", "uk", "fi", "tr", "zh", "xx", None]),
)
def test_judging_never_raises_and_always_gives_back_the_surface(
    text: list[str], title: list[str], lang: str | None
) -> None:
    """Whatever the text; and no evidence means no flag."""
    document = story(" ".join(title), " ".join(text), lang)
    for flag in SHIPPED.judge(document).flags:
        assert 0 <= flag.score <= 1
        assert flag.evidence
        for item in flag.evidence:
            source = document.title if item.field == "title" else document.text
            assert source[item.start : item.end] == item.surface
            assert source[item.sentence_start : item.sentence_end] == item.sentence
            assert item.sentence_start <= item.start < item.end <= item.sentence_end


SHIPPED = compile_rules(DEFAULT_TOPICS)
