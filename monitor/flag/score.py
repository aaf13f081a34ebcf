"""Features times weights -> a score in 0..1, with each feature's share, and in words what would change it.

The weights are data: ``weights.yaml``, written by ``bench/relevance.py --fit``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from monitor import lexicon


@dataclass(frozen=True, slots=True)
class Model:
    """A logistic regression: score = 1 / (1 + exp(-(intercept + sum of weight x feature)))."""

    name: str
    intercept: float
    weights: Mapping[str, float]
    words: Mapping[str, str]  # what each feature means, for people


def score(model: Model, features: Mapping[str, float]) -> tuple[float, dict[str, float]]:
    """The score, and its parts in log-odds: ``base`` and one for each feature that counts. The parts sum up to the
    score's log-odds.
    """
    parts = {"base": model.intercept}
    for name, weight in model.weights.items():
        value = features.get(name)
        if value:
            parts[name] = weight * value
    return logistic(sum(parts.values())), parts


def logistic(odds: float) -> float:
    """Log-odds -> probability."""
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))


def flip(model: Model, value: float, threshold: float, parts: Mapping[str, float], cited: int) -> str:
    """In words, what would turn the judgement round. ``cited``: sentences of the evidence."""
    sentences = "the cited sentence" if cited == 1 else f"the {cited} cited sentences"
    ranked = sorted((part, name) for name, part in parts.items() if name != "base")
    if value >= threshold:
        most = f"; most for it: {model.words[ranked[-1][1]]} ({ranked[-1][0]:+.1f})" if ranked else ""
        return f"not flagged without {sentences}, or with a threshold above {value:.2f}{most}"
    most = (
        f"; most against it: {model.words[ranked[0][1]]} ({ranked[0][0]:+.1f})" if ranked and ranked[0][0] < 0 else ""
    )
    return f"flagged with a threshold of {value:.2f} or less, or if more than {sentences} spoke of it{most}"


@cache
def models() -> Mapping[str, Model]:
    """The models that ship with the program, by name."""
    from ruamel.yaml import YAML

    text = resources.files(__package__).joinpath("weights.yaml").read_text(encoding="utf-8")
    data = YAML(typ="safe").load(text)
    return {
        name: Model(
            name,
            float(model["intercept"]),
            {key: float(value) for key, value in model["weights"].items()},
            lexicon.load("score_parts"),
        )
        for name, model in data["models"].items()
    }
