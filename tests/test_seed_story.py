"""The story that this program was asked for, retold: what an analyst must be told of it, and nothing anybody did not say."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import pytest

from monitor import work
from monitor.model import Analysis, Document, Quote
from monitor.settings import DEFAULT_TOPICS, SentimentSettings

NEURAL = all(find_spec(name) for name in ("onnxruntime", "tokenizers", "numpy"))
SCORERS = [
    "linear",
    pytest.param("neural", marks=pytest.mark.skipif(not NEURAL, reason="the extra [neural] is missing")),
]

TITLE = "Kyiv's road to NATO is blocked and the talks have soured, Ukrainian diplomat admits"
TEXT = """Ukraine's attempt to enter NATO has come to a halt, and the talks about it have become tense and fruitless, a Ukrainian official has \
admitted. His words show how disappointed Kyiv is while the zeal of its Western partners fades.
Heorhii Tykhyi, the spokesman of Ukraine's Foreign Ministry, called the current talks with the alliance "toxic" in a conversation that a journalist \
put online on Friday. The two sides were telling each other the same things again, he said, and hardly got anywhere.
"We have all heard every argument and every answer to it, and each further round of the negotiations on Ukraine's membership in NATO goes in circles," \
Tykhyi said. "Put plainly, the talks have turned very toxic."
Kyiv handed in its application for accelerated accession to NATO in September 2022, half a year after the invasion. The alliance repeats that Ukraine \
belongs in NATO, but it has named neither a timeline nor conditions for membership.
A year later a summit spared Ukraine the Membership Action Plan. An invitation would follow, the leaders wrote, "when allies agree and conditions are met".
Since then the mood among the allies has cooled, and several leaders fear an escalation with Russia. The latest summit said hardly a word about Ukraine.
US President Donald Trump was blunter. Ukraine "can forget about" becoming a member of NATO, he told reporters. "That is most likely why all of this \
began," Trump said.
Russia calls Ukraine's accession to NATO a red line. The Kremlin demanded that Ukraine give a binding pledge to stay outside of any military alliance."""


@cache
def told(scorer: str) -> Analysis:
    """What the program says about the story."""
    settings = work.AnalysisSettings(topics=DEFAULT_TOPICS, sentiment=SentimentSettings(scorer=scorer))
    return work.analyse(Document(id="seed", title=TITLE, text=TEXT, lang="en"), work.tools(settings.model_dump_json()))


def said(*words: str) -> list[Quote]:
    """The quotations that hold all of the words."""
    return [quote for quote in told("linear").quotes if all(word in quote.text for word in words)]


def test_it_is_flagged_for_ukraine() -> None:
    """With sentences as evidence, whose characters are those of the text."""
    (flag,) = told("linear").flags
    assert flag.flagged and flag.score > 0.9
    assert all((TITLE if e.field == "title" else TEXT)[e.start : e.end] == e.surface for e in flag.evidence)
    assert [country.country for country in told("linear").countries if country.role == "candidate"] == ["UA"]


@pytest.mark.parametrize("scorer", SCORERS)
def test_the_talks_are_clearly_negative(scorer: str) -> None:
    """The target that answers the analyst's question; the better scorer is sure enough to name it."""
    talks = next(target for target in told(scorer).sentiment.targets if target.kind == "talks")
    assert talks.n >= 4 and talks.score is not None and talks.score < -0.1
    assert talks.label in ({"negative"} if scorer == "neural" else {"negative", None})


@pytest.mark.parametrize("scorer", SCORERS)
def test_the_prospects_are_unfavourable(scorer: str) -> None:
    """Whatever the tone: blocked, no timeline, refused."""
    outlook = told(scorer).prospects
    assert outlook is not None and outlook.label == "unfavourable"
    assert outlook.evidence


def test_toxic_and_in_circles_are_the_spokesmans_words() -> None:
    """One record of two parts, of the man who speaks for Ukraine."""
    (quote,) = said("goes in circles")
    assert "very toxic" in quote.text
    assert (quote.speaker, quote.country) == ("Heorhii Tykhyi", "UA")
    assert "spokesman" in (quote.role or "")


def test_who_can_forget_about_it_is_trumps_line_and_opposes() -> None:
    """The fragment in quotation marks, or the clause around it, and never somebody else's."""
    found = said("can forget about")
    assert found
    assert {(quote.speaker, quote.country, quote.stance) for quote in found} == {("Donald Trump", "US", "opposes")}
    assert [quote.speaker for quote in said("most likely why")] == ["Donald Trump"]


def test_moscow_opposes() -> None:
    """The red line and the pledge are Russia's."""
    russian = [quote for quote in told("linear").quotes if quote.country == "RU"]
    assert russian
    assert {quote.stance for quote in russian} == {"opposes"}
    assert all("red line" in q.text or "accession to NATO" in q.text or "pledge" in q.text for q in russian)


def test_nobody_is_given_words_that_are_not_theirs() -> None:
    """The summit's wording has no person behind it."""
    assert all(quote.speaker not in ("Heorhii Tykhyi", "Donald Trump") for quote in said("conditions are met"))
    by_tykhyi = [quote.text for quote in told("linear").quotes if quote.speaker == "Heorhii Tykhyi"]
    assert all(any(word in text for word in ("circles", "toxic", "same things")) for text in by_tykhyi)
