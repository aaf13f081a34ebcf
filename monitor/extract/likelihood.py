"""How likely each block of a page is article text: a small neural net over its features. bench/fit_body.py fits it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from monitor.extract.features import Matrix

_FILE = "body_weights.npz"
# OpenBLAS starts threads for products of over 262,144 multiplications; these spin while they wait, which on two busy
# cores doubles the cost of a page
_ROWS = 24


@dataclass(frozen=True, slots=True)
class Net:
    """Nets of one hidden layer each, side by side; their answers are averaged."""

    mean: Matrix  # (features,)
    scale: Matrix  # (features,)
    hidden: tuple[Matrix, ...]  # (features, units) a net
    hidden_bias: tuple[Matrix, ...]
    output: tuple[Matrix, ...]  # (units,) a net
    output_bias: tuple[float, ...]

    def probabilities(self, features: Matrix) -> Matrix:
        """For each row of features, the probability that the block belongs to the article."""
        if not len(features):
            return np.zeros(0, np.float32)
        scaled = np.clip((features - self.mean) / self.scale, -5, 5)
        batches = [slice(start, start + _ROWS) for start in range(0, len(scaled), _ROWS)]
        total: npt.NDArray[np.floating] = np.zeros(len(scaled), np.float32)
        for hidden, bias, output, output_bias in zip(
            self.hidden, self.hidden_bias, self.output, self.output_bias, strict=True
        ):
            units = np.maximum(np.concatenate([scaled[rows] @ hidden for rows in batches]) + bias, 0)
            answer = np.concatenate([units[rows] @ output for rows in batches])
            total = total + 1 / (1 + np.exp(-(answer + output_bias)))
        return (total / len(self.hidden)).astype(np.float32)

    def save(self, path: str) -> None:
        """Write the weights, matrices as float16."""
        arrays: dict[str, npt.NDArray[np.floating]] = {"mean": self.mean, "scale": self.scale}
        for number in range(len(self.hidden)):
            arrays[f"hidden{number}"] = self.hidden[number].astype(np.float16)
            arrays[f"hidden_bias{number}"] = self.hidden_bias[number]
            arrays[f"output{number}"] = self.output[number]
            arrays[f"output_bias{number}"] = np.array([self.output_bias[number]], np.float32)
        np.savez_compressed(path, allow_pickle=False, **arrays)


@lru_cache(maxsize=1)
def shipped() -> Net:
    """The net that comes with the program."""
    with (files(__package__) / _FILE).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        count = sum(1 for name in arrays.files if name.startswith("output_bias"))
        return Net(
            arrays["mean"],
            arrays["scale"],
            tuple(arrays[f"hidden{number}"].astype(np.float32) for number in range(count)),
            tuple(arrays[f"hidden_bias{number}"] for number in range(count)),
            tuple(arrays[f"output{number}"] for number in range(count)),
            tuple(float(arrays[f"output_bias{number}"][0]) for number in range(count)),
        )
