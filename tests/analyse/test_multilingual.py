"""The network of many languages: its card fits the program, and what is missing or damaged is said before it runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from monitor.analyse import multilingual
from monitor.analyse.language import LANGUAGES
from monitor.analyse.onnx_model import CARD, NETWORK, TOKENIZER
from monitor.analyse.sentiment import load_scorer
from monitor.errors import ScorerError
from monitor.settings import SentimentSettings

pytestmark = pytest.mark.skipif(
    not all(find_spec(name) for name in ("onnxruntime", "tokenizers", "numpy")), reason="the extra [neural] is missing"
)
FOLDER = Path(multilingual.__file__).with_name(multilingual.FOLDER)


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The program finds this folder in place of the shipped one: real card and tokenizer, a network of seven bytes."""
    for name in (CARD, TOKENIZER):
        shutil.copy(FOLDER / name, tmp_path)
    (tmp_path / NETWORK).write_bytes(b"network")
    monkeypatch.setattr(multilingual, "_folder", lambda: tmp_path)
    multilingual.card.cache_clear()
    yield tmp_path
    multilingual.card.cache_clear()


def test_its_languages_are_called_as_the_program_calls_them() -> None:
    """ "no", not "nb": a language under another name would never be asked for."""
    card = json.loads((FOLDER / CARD).read_text())
    assert set(card["understands"]) <= LANGUAGES
    assert set(card["measured"]) <= set(card["understands"])


def test_damage_is_found_before_the_first_story(damaged: Path) -> None:
    """neural refuses, auto falls back to linear and says why."""
    with pytest.raises(ScorerError, match="damaged"):
        load_scorer(SentimentSettings(scorer="neural"))
    scorer = load_scorer(SentimentSettings(scorer="auto"))
    assert scorer.name == "linear" and "damaged" in scorer.note


def test_half_a_character_is_no_reason_to_fail() -> None:
    """A lone surrogate, as broken JSON brings it."""
    scorer = load_scorer(SentimentSettings(scorer="neural")).in_language("uk")
    assert scorer is not None
    (answer,) = scorer.probabilities([("Переговори \ud83d стали токсичними", 0, 10)])
    assert sum(answer) == pytest.approx(1)


@pytest.mark.parametrize(
    ("lang", "sour", "plain"),
    [
        (
            "uk",
            "Переговори були ганебним провалом, і всі ними розчаровані.",
            "Переговори відбудуться у вівторок у Брюсселі.",
        ),
        (
            "de",
            "Die Verhandlungen waren ein beschämendes Versagen.",
            "Die Verhandlungen beginnen am Dienstag in Brüssel.",
        ),
        ("es", "Las negociaciones fueron un fracaso vergonzoso.", "Las negociaciones empiezan el martes en Bruselas."),
    ],
)
def test_sour_talks_are_told_from_talks_in_languages_it_was_measured_for(lang: str, sour: str, plain: str) -> None:
    """Not how sure it is, but which of two sentences is the worse one."""
    scorer = load_scorer(SentimentSettings(scorer="neural")).in_language(lang)
    assert scorer is not None and scorer.name == "multilingual"
    worse, better = scorer.probabilities([(text, 0, text.index(" ", 4)) for text in (sour, plain)])
    assert worse[0] > 2 * better[0]
