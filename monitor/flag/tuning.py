"""Learns from an analyst's verdicts how much each part of the score counts for her, and where the threshold lies. Pure.

A flag's parts add up to its log-odds. Tuning multiplies each part by a factor that starts at 1 and moves only as far as
the verdicts pull it: logistic regression with a Gaussian prior around the shipped weights (MAP; Bishop 2006, 4.5).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from monitor.flag.score import logistic
from monitor.model import Flag

PRIOR = 2.0  # strength of the prior: so many verdicts' worth of trust in each shipped weight
STEPS, RATE = 400, 0.5
ENOUGH = 10  # verdicts of each kind; with fewer, the threshold stays


@dataclass(frozen=True, slots=True)
class Tuning:
    """Factors by part of the score (1 where none is named) and the threshold, None: the topic's own."""

    factors: Mapping[str, float] = field(default_factory=dict)
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A judged story: the parts of its score, and whether the analyst wanted it."""

    parts: Mapping[str, float]
    relevant: bool


def tuned(flag: Flag, tuning: Tuning, threshold: float) -> Flag:
    """The flag as it is judged with a tuning; ``threshold`` is the topic's own."""
    parts = {name: value * tuning.factors.get(name, 1.0) for name, value in flag.parts.items()}
    score = logistic(sum(parts.values()))
    limit = threshold if tuning.threshold is None else tuning.threshold
    return replace(flag, score=score, flagged=score >= limit, parts=parts, rule=f"{flag.rule}+tuned")


def fit(examples: Sequence[Example], threshold: float) -> Tuning:
    """The tuning that fits the verdicts best without leaving the shipped weights for little.

    Args:
        examples: verdicts; all of one kind, or none, give no tuning.
        threshold: the topic's own, kept unless there are ENOUGH verdicts of each kind.
    """
    wanted = sum(example.relevant for example in examples)
    if not wanted or wanted == len(examples):
        return Tuning()
    names = sorted({name for example in examples for name in example.parts})
    factors = dict.fromkeys(names, 1.0)
    size = {name: max(1.0, sum(e.parts.get(name, 0.0) ** 2 for e in examples) / 4 + PRIOR) for name in names}
    for _ in range(STEPS):
        slope = {name: PRIOR * (factors[name] - 1.0) for name in names}
        for example in examples:
            error = _score(example.parts, factors) - example.relevant
            for name, value in example.parts.items():
                slope[name] += error * value
        for name in names:
            factors[name] = max(0.0, factors[name] - RATE * slope[name] / size[name])
    kept = {name: round(factor, 4) for name, factor in factors.items() if abs(factor - 1.0) >= 0.005}
    if min(wanted, len(examples) - wanted) < ENOUGH:
        return Tuning(kept)
    return Tuning(kept, _best_threshold(examples, kept, threshold))


def measure(examples: Sequence[Example], tuning: Tuning, threshold: float) -> tuple[float, float]:
    """Precision and recall on examples; 1.0 where nothing was flagged or nothing was wanted."""
    limit = threshold if tuning.threshold is None else tuning.threshold
    called = [_score(example.parts, tuning.factors) >= limit for example in examples]
    right = sum(call and example.relevant for call, example in zip(called, examples, strict=True))
    wanted = sum(example.relevant for example in examples)
    return (right / sum(called) if any(called) else 1.0, right / wanted if wanted else 1.0)


def cross_measure(examples: Sequence[Example], threshold: float, folds: int = 5) -> tuple[float, float]:
    """Precision and recall of tunings on verdicts that they were not fitted on."""
    called_right = called = wanted = 0
    for fold in range(folds):
        test = [e for number, e in enumerate(examples) if number % folds == fold]
        tuning = fit([e for number, e in enumerate(examples) if number % folds != fold], threshold)
        limit = threshold if tuning.threshold is None else tuning.threshold
        for example in test:
            call = _score(example.parts, tuning.factors) >= limit
            called += call
            called_right += call and example.relevant
            wanted += example.relevant
    return (called_right / called if called else 1.0, called_right / wanted if wanted else 1.0)


def _score(parts: Mapping[str, float], factors: Mapping[str, float]) -> float:
    return logistic(sum(value * factors.get(name, 1.0) for name, value in parts.items()))


def _best_threshold(examples: Sequence[Example], factors: Mapping[str, float], threshold: float) -> float:
    """The threshold with the best F1; among equals the one nearest to the topic's own."""
    scores = sorted({_score(example.parts, factors) for example in examples})
    candidates = [threshold, *((a + b) / 2 for a, b in pairwise(scores))]
    best: float = max(candidates, key=lambda limit: (_f1(examples, factors, limit), -abs(limit - threshold)))
    return round(best, 4)


def _f1(examples: Sequence[Example], factors: Mapping[str, float], limit: float) -> float:
    precision, recall = measure(examples, Tuning(factors, limit), limit)
    total = precision + recall
    return 0.0 if math.isclose(total, 0.0) else 2 * precision * recall / total
