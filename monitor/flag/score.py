"""Features times weights -> a score in 0..1, with each feature's share. The weights are data, fitted by ``bench/relevance.py``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Model:
    """A logistic regression: score = 1 / (1 + exp(-(intercept + sum of weight x feature)))."""

    name: str
    intercept: float
    weights: Mapping[str, float]


def score(model: Model, features: Mapping[str, float]) -> tuple[float, dict[str, float]]:
    """The score and the parts it is made of, in log-odds; ``parts`` sum up to the score's log-odds."""
    parts = {name: round(weight * features.get(name, 0.0), 4) for name, weight in model.weights.items()}
    parts = {"base": model.intercept} | {name: part for name, part in parts.items() if part}
    return logistic(sum(parts.values())), parts


def logistic(odds: float) -> float:
    """Log-odds -> probability."""
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))


@cache
def models() -> dict[str, Model]:
    """The models that ship with the program, by name."""
    from ruamel.yaml import YAML

    text = resources.files(__package__).joinpath("weights.yaml").read_text(encoding="utf-8")
    data = YAML(typ="safe", pure=True).load(text)
    return {
        name: Model(name, float(model["intercept"]), {key: float(value) for key, value in model["weights"].items()})
        for name, model in data.items()
    }
