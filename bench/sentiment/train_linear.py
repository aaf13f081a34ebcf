"""Fits the linear scorer on NewsMTSC and writes its weights; the same data give the same file.

usage: python bench/sentiment/train_linear.py DATA [--out monitor/analyse/sentiment/linear.json] [--features 14000]
  DATA  folder with newsmtsc_train.jsonl
Nine tenths of the documents train, one tenth fits the temperature. The regularisation and the number of features were
chosen by cross-validation over documents (--choose prints its table).
needs: scikit-learn (for training only), and this project importable
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from news_targets import Row, accuracy, macro_f1, read, train_and_dev
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from monitor.analyse.sentiment.linear import features

UNITS = 1000  # weights are stored as whole thousandths
FOLDS = 4


def main() -> None:
    args = _arguments()
    rows = read(args.data / "newsmtsc_train.jsonl")
    if args.choose:
        choose(rows, args.min_count)
        return
    train, dev = train_and_dev(rows)
    described = [features(row.text, row.start, row.end) for row in train]
    index, model = fit(described, [row.label for row in train], args.c, args.features, args.min_count)
    dev_logits = (
        _matrix([features(row.text, row.start, row.end) for row in dev], index) @ model.coef_.T + model.intercept_
    )
    dev_labels = [row.label for row in dev]
    temperature = fit_temperature(dev_logits, dev_labels)
    guess = dev_logits.argmax(1).tolist()
    f1, _ = macro_f1(dev_labels, guess)
    print(
        f"dev n={len(dev)} macro-F1 {100 * f1:.1f} accuracy {100 * accuracy(dev_labels, guess):.1f} T={temperature:.2f}"
    )
    size = write(args.out, index, model, temperature)
    print(f"{args.out}: {len(index)} features, {size} bytes")


def fit(
    described: Sequence[dict[str, float]], labels: Sequence[int], c: float, n_features: int, min_count: int
) -> tuple[dict[str, int], LogisticRegression]:
    """A model on all features, then one on its ``n_features`` strongest; the index of those and the second model."""
    counts = Counter(name for item in described for name in item)
    index = {name: i for i, name in enumerate(sorted(name for name, n in counts.items() if n >= min_count))}
    full = _regression(_matrix(described, index), labels, c)
    strength = np.abs(full.coef_ - full.coef_[1]).max(0)
    names = list(index)
    strongest = sorted(names[i] for i in np.argsort(-strength, kind="stable")[:n_features])
    index = {name: i for i, name in enumerate(strongest)}
    return index, _regression(_matrix(described, index), labels, c)


def fit_temperature(logits: np.ndarray, labels: Sequence[int]) -> float:
    """The divisor of the logits that gives the least log loss (Guo et al. 2017, arXiv 1706.04599)."""
    truth = np.asarray(labels)

    def loss(temperature: float) -> float:
        scaled = logits / temperature
        top = scaled.max(1)
        total = np.log(np.exp(scaled - top[:, None]).sum(1)) + top
        return float((total - scaled[np.arange(len(truth)), truth]).mean())

    return float(min(np.arange(0.5, 3.0, 0.01), key=loss))


def write(path: Path, index: dict[str, int], model: LogisticRegression, temperature: float) -> int:
    """The weights less those of neutral, in whole units, by template; returns the size in bytes."""
    weights = np.rint((model.coef_ - model.coef_[1]) * UNITS).astype(int)
    by_template: dict[str, dict[str, list[int]]] = {}
    for name, i in index.items():
        template, word = name.split("=", 1)
        if weights[0, i] or weights[2, i]:
            by_template.setdefault(template, {})[word] = [int(weights[0, i]), int(weights[2, i])]
    intercept = (model.intercept_ - model.intercept_[1]) * UNITS
    content = {
        "about": "Weights of the linear target-sentiment scorer, fitted on NewsMTSC (MIT); see docs/models.md",
        "languages": ["en"],
        "units_per_one": UNITS,
        "temperature": round(temperature, 2),
        "intercept": [round(float(intercept[0]), 1), round(float(intercept[2]), 1)],
        "weights": by_template,
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf-8")
    return len(text.encode())


def choose(rows: list[Row], min_count: int) -> None:
    """Prints macro-F1 over documents held out in turn, for some regularisations and sizes."""
    described = [features(row.text, row.start, row.end) for row in rows]
    labels = np.array([row.label for row in rows])
    fold = np.array([int(hashlib.sha1(("fold" + row.document).encode()).hexdigest(), 16) % FOLDS for row in rows])
    for c in (0.01, 0.02, 0.04):
        for size in (8000, 14000, 10**6):
            guess = np.zeros(len(rows), int)
            for k in range(FOLDS):
                inside, outside = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
                index, model = fit([described[i] for i in inside], labels[inside], c, size, min_count)
                guess[outside] = model.predict(_matrix([described[i] for i in outside], index))
            f1, each = macro_f1(labels.tolist(), guess.tolist())
            print(f"C={c} features={size} macro-F1 {100 * f1:.2f} {[round(100 * x, 1) for x in each]}", flush=True)


def _regression(matrix: sparse.csr_matrix, labels: Sequence[int], c: float) -> LogisticRegression:
    return LogisticRegression(C=c, max_iter=300, tol=1e-4).fit(matrix, labels)


def _matrix(described: Sequence[dict[str, float]], index: dict[str, int]) -> sparse.csr_matrix:
    values: list[float] = []
    columns: list[int] = []
    ends = [0]
    for item in described:
        for name, value in item.items():
            column = index.get(name)
            if column is not None:
                values.append(value)
                columns.append(column)
        ends.append(len(columns))
    return sparse.csr_matrix((values, columns, ends), shape=(len(described), len(index)), dtype=np.float32)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("monitor/analyse/sentiment/linear.json"))
    parser.add_argument("--features", type=int, default=14000)
    parser.add_argument("--min-count", type=int, default=3)
    parser.add_argument("--c", type=float, default=0.01)
    parser.add_argument("--choose", action="store_true", help="print the cross-validation table and stop")
    return parser.parse_args()


if __name__ == "__main__":
    main()
