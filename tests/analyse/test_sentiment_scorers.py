"""Which scorer a setting means, and what the scorers of the package answer."""

import hashlib
import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.analyse.onnx_model import CARD, NETWORK, TOKENIZER, window
from monitor.analyse.sentiment import sentiment
from monitor.analyse.sentiment.linear import LinearScorer, features
from monitor.analyse.sentiment.neural import EnglishScorer
from monitor.analyse.sentiment.scorers import Scorer, load_scorer
from monitor.errors import ScorerError
from monitor.model import Document
from monitor.settings import SentimentSettings

NEURAL_EXTRA = all(find_spec(name) for name in ("onnxruntime", "tokenizers", "numpy"))
needs_neural = pytest.mark.skipif(not NEURAL_EXTRA, reason="the extra [neural] is not installed")
needs_no_neural = pytest.mark.skipif(NEURAL_EXTRA, reason="the extra [neural] is installed")
needs_hub = pytest.mark.skipif(
    not all(find_spec(name) for name in ("transformers", "torch")), reason="the extra [hub] is not installed"
)


def always_positive(batch: Sequence[tuple[str, int, int]]) -> list[tuple[float, float, float]]:
    return [(0.0, 0.2, 0.8) for _ in batch]


def off_by_one(batch: Sequence[tuple[str, int, int]]) -> list[tuple[float, float, float]]:
    return [(0.0, 0.2, 0.8) for _ in batch[1:]]


def not_probabilities(batch: Sequence[tuple[str, int, int]]) -> list[tuple[float, float, float]]:
    return [(1.0, 1.0, 1.0) for _ in batch]


def load(name: str) -> Scorer:
    return load_scorer(SentimentSettings(scorer=name))


def of(sentence: str, target: str) -> tuple[str, int, int]:
    """A sentence and the first place of the target in it."""
    return sentence, sentence.index(target), sentence.index(target) + len(target)


PRAISED = of("Everybody praised Anna Example for her brave and wonderful work.", "Anna Example")
BLAMED = of("Anna Example was accused of lying, fraud and a shameful, corrupt betrayal.", "Anna Example")
NAMED = of("Anna Example will meet ministers in Brussels on Tuesday.", "Anna Example")


def likeliest(scorer: Scorer, *items: tuple[str, int, int]) -> list[str]:
    names = ("negative", "neutral", "positive")
    return [names[answer.index(max(answer))] for answer in map(list, scorer.probabilities(items))]


# --- which one -----------------------------------------------------------------------------------------------------


def test_an_unknown_scorer_is_an_error_that_lists_the_known_ones() -> None:
    """A misspelt name is said, not replaced."""
    with pytest.raises(ScorerError, match="auto, linear, neural, hub"):
        load("vader")


def test_a_function_of_ones_own_can_score() -> None:
    """package.module:function, by its name in the results."""
    scorer = load(f"{__name__}:always_positive")
    assert scorer.probabilities([PRAISED]) == [(0.0, 0.2, 0.8)]
    assert (scorer.name, scorer.languages) == (f"{__name__}:always_positive", {"en"})


@pytest.mark.parametrize("path", ["no.such.module:f", f"{__name__}:no_such_function", ":f"])
def test_a_function_that_is_not_there_is_an_error(path: str) -> None:
    """Found at load, not at the first story."""
    with pytest.raises(ScorerError, match="cannot be loaded"):
        load(path)


@pytest.mark.parametrize("name", ["off_by_one", "not_probabilities"])
def test_a_function_with_wrong_answers_is_an_error(name: str) -> None:
    """Too few answers, or numbers that are no probabilities, never reach the store."""
    with pytest.raises(ScorerError, match="sum to 1"):
        load(f"{__name__}:{name}").probabilities([PRAISED])


def test_auto_is_always_there() -> None:
    """The core install has a scorer; where it is not the better one, the note says why."""
    scorer = load("auto")
    assert scorer.name in ("neural", "linear")
    assert bool(scorer.note) == (scorer.name == "linear")


@needs_no_neural
def test_neural_without_its_extra_says_how_to_install_it() -> None:
    """The message is the command to type."""
    with pytest.raises(ScorerError, match=r"pip install 'accession-monitor\[neural\]'"):
        load("neural")


# --- linear --------------------------------------------------------------------------------------------------------


def test_linear_tells_praise_from_blame_from_news() -> None:
    """The three labels, on plain sentences."""
    assert likeliest(load("linear"), PRAISED, BLAMED, NAMED) == ["positive", "negative", "neutral"]


def test_linear_names_its_weights() -> None:
    """The revision follows the file, so that a stored score tells which weights made it."""
    weights = Path(__file__).parents[2] / "monitor/analyse/sentiment/linear.json"
    assert LinearScorer().revision == hashlib.sha256(weights.read_bytes()).hexdigest()[:8]
    assert weights.stat().st_size <= 300_000


def test_the_words_of_the_target_itself_do_not_count() -> None:
    """A party called Hope is not praised by being named."""
    hidden = features(*of("The party Great Hope met.", "Great Hope"))
    assert not any("hope" in name for name in hidden)
    assert hidden == features(*of("The party Bad Lies met.", "Bad Lies"))


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=60))
def test_linear_answers_any_text_with_probabilities(before: str, target: str, after: str) -> None:
    """Never raises; three numbers that sum to 1."""
    sentence = before + target + after
    (answer,) = LINEAR.probabilities([(sentence, len(before), len(before) + len(target))])
    assert sum(answer) == pytest.approx(1)
    assert min(answer) >= 0


LINEAR = LinearScorer()


# --- neural --------------------------------------------------------------------------------------------------------


@needs_neural
def test_neural_tells_praise_from_blame_from_news() -> None:
    """The three labels, on plain sentences."""
    assert likeliest(load("neural"), PRAISED, BLAMED, NAMED) == ["positive", "negative", "neutral"]


@needs_neural
def test_neural_tells_targets_of_one_sentence_apart() -> None:
    """Blame for one is not blame for the other."""
    text = "The minister praised Finland as a brave friend and denounced the Kremlin for its brutal lies."
    finland, kremlin = load("neural").probabilities([of(text, "Finland"), of(text, "the Kremlin")])
    assert finland[2] > finland[0]
    assert kremlin[0] > kremlin[2]


@needs_neural
def test_neural_answers_in_order_whatever_the_lengths() -> None:
    """Batches are sorted by length inside; the answers are not."""
    scorer = load("neural")
    items = [NAMED, (PRAISED[0] + " And so on." * 60, *PRAISED[1:]), BLAMED] * 9
    one_by_one = [scorer.probabilities([item])[0] for item in items[:3]]
    for together, alone in zip(scorer.probabilities(items), one_by_one * 9, strict=True):
        assert together == pytest.approx(alone, abs=0.06)  # eight-bit numbers are scaled by batch


@needs_neural
@pytest.mark.parametrize("name", [NETWORK, TOKENIZER])
def test_a_damaged_file_is_refused(name: str, tmp_path: Path) -> None:
    """One changed byte: an error that names the file, before anything of it runs."""
    for file in (NETWORK, TOKENIZER):
        (tmp_path / file).write_bytes(b"content")
    sums = {file: hashlib.sha256(b"content").hexdigest() for file in (NETWORK, TOKENIZER)}
    card = {"sha256": sums, "languages": ["en"], "temperature": 1, "max_pieces": 96}
    (tmp_path / CARD).write_text(json.dumps(card))
    (tmp_path / name).write_bytes(b"Content")
    with pytest.raises(ScorerError, match=rf"{name} of the neural scorer is damaged"):
        EnglishScorer(tmp_path)


@needs_neural
def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """A package without its model: the reason, not a traceback."""
    with pytest.raises(ScorerError, match=r"model\.json of the neural scorer cannot be read"):
        EnglishScorer(tmp_path)


def test_a_long_sentence_is_cut_to_a_window_around_the_target() -> None:
    """The limit holds, the sentence's own marks and the target stay."""
    ids, marks = list(range(300)), [0] * 300
    for place in (1, 150, 298):
        marks[place] = 1
        cut, cut_marks = window(ids, marks, 96)
        assert len(cut) == len(cut_marks) == 96
        assert (cut[0], cut[-1]) == (0, 299)
        assert place in cut and cut_marks[cut.index(place)] == 1
        marks[place] = 0


# --- on real news --------------------------------------------------------------------------------------------------

TALKS_STORY = """Negotiations over the country's accession have soured, a diplomat in the capital admitted on Monday.
The talks had become toxic, he said, and every meeting ended in the same bitter quarrel.
Nobody in the alliance wants to name a date. Discussions have reached a deadlock, another envoy complained."""


@pytest.mark.parametrize(
    ("name", "labels"), [("linear", {None, "negative"}), pytest.param("neural", {"negative"}, marks=needs_neural)]
)
def test_sour_talks_are_told(name: str, labels: set[str | None]) -> None:
    """The story this program was asked for: negative, though the linear scorer may be too unsure to name it so."""
    document = Document(id="1", title="Talks with the alliance turn sour", text=TALKS_STORY, lang="en")
    tone = sentiment(document, (), (), (), load(name), ("talks", "accession"))
    talks = tone.targets[0]
    assert (talks.target, talks.n) == ("talks", 3)
    assert talks.score < -0.1
    assert talks.label in labels


@pytest.mark.parametrize(("name", "bar"), [("linear", 0.63), pytest.param("neural", 0.76, marks=needs_neural)])
def test_scorers_hold_their_measure_on_labelled_news(name: str, bar: float, data_dir: Path) -> None:
    """Macro-F1 on sentences with several targets does not fall below what the card of the models states."""
    lines = (data_dir / "sentiment/newsmtsc_devtest_mt.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    rows = [(record["sentence_normalized"], target) for record in records for target in record["targets"]]
    truth = [{2: "negative", 4: "neutral", 6: "positive"}[int(target["polarity"])] for _, target in rows]
    guess = likeliest(load(name), *((text, target["from"], target["to"]) for text, target in rows))
    f1 = []
    for label in ("negative", "neutral", "positive"):
        hits = sum(t == g == label for t, g in zip(truth, guess, strict=True))
        f1.append(2 * hits / (truth.count(label) + guess.count(label)))
    assert sum(f1) / 3 >= bar


# --- hub -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "needs a model"),
        ({"modle": "x"}, "did you mean model"),
        ({"model": "x", "task": "translation"}, "text-classification"),
        ({"model": "x", "input": "both"}, "pair or sentence"),
    ],
)
def test_wrong_hub_settings_are_named(settings: dict[str, object], message: str) -> None:
    """Before anything large is imported."""
    with pytest.raises(ScorerError, match=message):
        load_scorer(SentimentSettings(scorer="hub", hub=settings))


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of a few hundred random numbers, saved as the transformers library saves models."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    (folder / "vocab.txt").write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "talks", "went", "well"])
    )
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=8,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        id2label={0: "Positive", 1: "NEU", 2: "hostile"},
        label2id={"Positive": 0, "NEU": 1, "hostile": 2},
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


@needs_hub
def test_a_pipeline_model_scores_sentence_and_target(tiny_model: Path) -> None:
    """Labels by name or by label_map; the target goes along as text_pair, so it changes the answer."""
    settings = {"model": str(tiny_model), "label_map": {"hostile": "negative"}, "batch_size": 2, "device": "cpu"}
    scorer = load_scorer(SentimentSettings(scorer="hub", hub=settings))
    first, second = scorer.probabilities([("talks went well", 0, 5), ("talks went well", 11, 15)])
    assert sum(first) == pytest.approx(1)
    assert first != second
    alone = load_scorer(SentimentSettings(scorer="hub", hub=settings | {"input": "sentence"}))
    first, second = alone.probabilities([("talks went well", 0, 5), ("talks went well", 11, 15)])
    assert first == pytest.approx(second)


@needs_hub
def test_a_label_without_polarity_is_an_error(tiny_model: Path) -> None:
    """LABEL_2 could mean anything; the setting to fix it is named."""
    with pytest.raises(ScorerError, match=r"'hostile'; say in sentiment\.hub\.label_map"):
        load_scorer(SentimentSettings(scorer="hub", hub={"model": str(tiny_model)}))


@needs_hub
def test_a_model_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """An empty folder is no model."""
    with pytest.raises(ScorerError, match="cannot be loaded"):
        load_scorer(SentimentSettings(scorer="hub", hub={"model": str(tmp_path)}))


@needs_neural
def test_english_documents_are_judged_by_both_networks() -> None:
    """Sentences that are asked about one by one by the small one; other languages by theirs, either way."""
    scorer = load("neural")
    both, small, german = scorer.of_documents("en"), scorer.in_language("en"), scorer.in_language("de")
    assert both and small and german
    (mean,), (first,) = both.probabilities([BLAMED]), small.probabilities([BLAMED])
    second = [2 * together - alone for together, alone in zip(mean, first, strict=True)]
    assert sum(second) == pytest.approx(1) and min(second) > 0
    assert second != pytest.approx(first, abs=1e-3)
    assert both.revision != small.revision
    assert scorer.of_documents("de") is german
    assert scorer.of_documents("sv") is None
