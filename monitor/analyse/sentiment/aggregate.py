"""From the tone of sentences to the tone of a document: means, shrinkage, and when a polarity may be named."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.analyse.sentiment.scorers import Probabilities
from monitor.model import SentimentLabel

SURE = 0.75  # a polarity is named from this probability on; below it is "mixed or unclear"
_PRIOR_MENTIONS = 3  # score = sum / (n + 3): few mentions say little (research note, PerSenT)
_MATERIAL = 4  # a quarter of the mentions, net, must lean one way


def score(mentions: Sequence[Probabilities]) -> float:
    """Mean of P(positive) - P(negative), shrunk by n / (n + 3); -1..1. ``mentions`` is not empty."""
    return sum(positive - negative for negative, _, positive in mentions) / (len(mentions) + _PRIOR_MENTIONS)


def mean(mentions: Sequence[Probabilities]) -> Probabilities:
    """Mean probabilities (negative, neutral, positive)."""
    negative, neutral, positive = (sum(column) / len(mentions) for column in zip(*mentions, strict=True))
    return negative, neutral, positive


def call(mentions: Sequence[Probabilities]) -> tuple[SentimentLabel | None, float]:
    """The label, or None for "mixed or unclear", and the probability of the likeliest label.

    The mentions' labels are taken as independent draws from their probabilities. Negative (positive) means that the
    negative (positive) ones outnumber the others by at least a quarter of all mentions; neutral, that fewer than a
    quarter have any polarity. What is left is mixed. For one mention these are its own three probabilities.
    """
    need = max(1, -(-len(mentions) // _MATERIAL))
    net = _sums(mentions)  # of +1 for positive and -1 for negative; index 0 is -n
    n = len(mentions)
    polar = _sums([(0.0, neutral, negative + positive) for negative, neutral, positive in mentions])
    chances: dict[SentimentLabel, float] = {
        "negative": sum(net[: n - need + 1]),
        "neutral": sum(polar[n : n + need]),
        "positive": sum(net[n + need :]),
    }
    label = max(chances, key=chances.__getitem__)
    return (label if chances[label] >= SURE else None), min(1.0, chances[label])


def _sums(draws: Sequence[Probabilities]) -> list[float]:
    """Distribution of the sum of independent draws of -1, 0, +1; index i is the sum i - n."""
    chances = [1.0]
    for down, stay, up in draws:
        padded = [0.0, 0.0, *chances, 0.0, 0.0]
        chances = [down * padded[i + 2] + stay * padded[i + 1] + up * padded[i] for i in range(len(chances) + 2)]
    return chances
