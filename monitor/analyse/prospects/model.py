"""The fitted model of the prospects: multinomial logistic regression in plain Python, weights from weights.json."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import get_args

from monitor.model import ProspectsLabel

LABELS: tuple[ProspectsLabel, ...] = get_args(ProspectsLabel)


@dataclass(frozen=True, slots=True)
class Model:
    """Weights by label and feature; a feature without a weight counts nothing."""

    weights: Mapping[str, Mapping[str, float]]

    def probabilities(self, features: Mapping[str, float]) -> dict[ProspectsLabel, float]:
        """Probability of each label."""
        scores = {
            label: sum(self.weights[label].get(name, 0.0) * value for name, value in features.items())
            for label in LABELS
        }
        top = max(scores.values())
        powers = {label: math.exp(score - top) for label, score in scores.items()}
        total = sum(powers.values())
        return {label: power / total for label, power in powers.items()}


@cache
def load_model() -> Model:
    """The shipped weights."""
    text = resources.files(__package__).joinpath("weights.json").read_text(encoding="utf-8")
    return Model(json.loads(text)["weights"])
