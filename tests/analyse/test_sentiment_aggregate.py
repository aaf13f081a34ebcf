"""From sentences to a document: means, shrinkage, and when a polarity may be named."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.analyse.sentiment.aggregate import SURE, call, mean, score

BAD, PLAIN, GOOD = (0.8, 0.15, 0.05), (0.05, 0.9, 0.05), (0.05, 0.15, 0.8)


def probabilities() -> st.SearchStrategy[tuple[float, float, float]]:
    parts = st.tuples(*[st.floats(0.001, 1)] * 3)
    return parts.map(lambda part: (part[0] / sum(part), part[1] / sum(part), part[2] / sum(part)))


def test_one_mention_is_called_by_its_own_probability() -> None:
    """For a single sentence the rule is P >= 0.75 of that sentence."""
    assert call([(0.76, 0.2, 0.04)]) == ("negative", pytest.approx(0.76))
    assert call([(0.74, 0.2, 0.06)]) == (None, pytest.approx(0.74))


@pytest.mark.parametrize(
    ("mentions", "label"),
    [
        ([BAD] * 4 + [PLAIN], "negative"),  # the note's picture of toxic talks
        ([GOOD] * 3 + [PLAIN] * 2, "positive"),
        ([PLAIN] * 12, "neutral"),
        ([BAD] + [PLAIN] * 19, "neutral"),  # one harsh sentence in a long calm story
        ([BAD, GOOD] * 5, None),  # mixed
        ([(0.4, 0.35, 0.25)] * 2, None),  # unclear
    ],
)
def test_what_many_mentions_are_called(mentions: list[tuple[float, float, float]], label: str | None) -> None:
    """A polarity needs a quarter of the mentions, net; praise and blame together are no polarity and not neutral."""
    assert call(mentions)[0] == label


def test_the_call_is_what_drawing_the_labels_would_give() -> None:
    """The exact probability agrees with counting random draws."""
    mentions = [(0.5, 0.3, 0.2), (0.6, 0.3, 0.1), (0.3, 0.6, 0.1), (0.4, 0.5, 0.1), (0.2, 0.7, 0.1), (0.5, 0.25, 0.25)]
    chance = random.Random(1)
    draws = [sum(chance.choices((-1, 0, 1), mention)[0] for mention in mentions) for _ in range(20_000)]
    assert call(mentions)[1] == pytest.approx(sum(total <= -2 for total in draws) / len(draws), abs=0.015)


@given(st.lists(probabilities(), min_size=1, max_size=45))
def test_scores_and_calls_stay_in_bounds(mentions: list[tuple[float, float, float]]) -> None:
    """Any probabilities: score in -1..1, mean sums to 1, a label exactly when its probability is high enough."""
    assert -1 <= score(mentions) <= 1
    assert sum(mean(mentions)) == pytest.approx(1)
    label, probability = call(mentions)
    assert 0 <= probability <= 1
    assert (label is not None) == (probability >= SURE)


@given(st.lists(probabilities(), min_size=1, max_size=20))
def test_turning_every_sign_turns_the_call(mentions: list[tuple[float, float, float]]) -> None:
    """Negative and positive are treated alike."""
    turned = [(positive, neutral, negative) for negative, neutral, positive in mentions]
    assert score(turned) == pytest.approx(-score(mentions))
    mirror = {"negative": "positive", "positive": "negative", "neutral": "neutral", None: None}
    if abs(call(mentions)[1] - SURE) > 1e-9:
        assert call(turned)[0] == mirror[call(mentions)[0]]
