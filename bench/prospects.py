"""Fits and scores the prospects model: python bench/prospects.py ../shared/data/relevance [--fit] [--errors]

Cross-validates on the stories of dev.jsonl that are labelled `accession` (label: `stance`), grouped by `cluster`, and prints
macro-F1, F1 by label, swaps of favourable and unfavourable, and a reliability table. --fit writes the weights fitted on all.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from monitor import work
from monitor.analyse.prospects.features import describe, look
from monitor.analyse.prospects.model import LABELS
from monitor.model import Document, Flag
from monitor.settings import DEFAULT_TOPICS

WEIGHTS = Path(__file__).parents[1] / "monitor" / "analyse" / "prospects" / "weights.json"
FOLDS, REPEATS = 5, 5
L2 = 1.0
BALANCE = 0.5  # 0: every story counts the same, 1: every label counts the same


def main() -> None:
    """Read, describe, cross-validate, fit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--l2", type=float, default=L2)
    parser.add_argument("--balance", type=float, default=BALANCE)
    options = parser.parse_args()
    rows = [json.loads(line) for line in (options.folder / "dev.jsonl").open(encoding="utf-8")]
    rows = [row for row in rows if row["label"] == "accession" and row["stance"] and not row["ambiguous"]]
    described = [features_of(row) for row in rows]
    names = sorted({name for features in described for name in features})
    x = np.array([[features.get(name, 0.0) for name in names] for features in described])
    y = np.array([LABELS.index(row["stance"]) for row in rows])
    predicted = cross_validate(x, y, [row["cluster"] for row in rows], options)
    report(y, predicted)
    if options.errors:
        show_errors(rows, y, predicted)
    if options.fit:
        weights = fit(x, y, options)
        table = {
            label: {name: round(float(value), 4) for name, value in zip(names, weights[:, k], strict=True) if abs(value) > 1e-4}
            for k, label in enumerate(LABELS)
        }
        made = {"made_by": "bench/prospects.py --fit", "stories": len(rows), "l2": options.l2, "weights": table}
        WEIGHTS.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"written: {WEIGHTS.name}")


def features_of(row: dict) -> dict[str, float]:
    """The features as the program sees them; without a flag, every sentence counts as evidence of nothing but the title."""
    kit = work.tools(work.AnalysisSettings(topics=DEFAULT_TOPICS).model_dump_json())
    document = Document(id=row["id"], title=row["title"], text=row["text"], lang=row["lang"])
    analysis = work.analyse(document, kit)
    flag = max(analysis.flags, key=lambda flag: flag.score, default=Flag("none", 0, False, (), {}, ""))
    return describe(look(document, flag), analysis.sentiment, analysis.quotes)


def cross_validate(x: np.ndarray, y: np.ndarray, clusters: list[str], options: argparse.Namespace) -> np.ndarray:
    """Out-of-fold probabilities, averaged over several ways to cut the folds; a cluster stays in one fold."""
    total = np.zeros((len(y), len(LABELS)))
    for repeat in range(REPEATS):
        order = np.random.default_rng(repeat).permutation(sorted(set(clusters)))
        fold_of = {cluster: number % FOLDS for number, cluster in enumerate(order)}
        folds = np.array([fold_of[cluster] for cluster in clusters])
        for fold in range(FOLDS):
            train, test = folds != fold, folds == fold
            total[test] += softmax(x[test] @ fit(x[train], y[train], options))
    return total / REPEATS


def fit(x: np.ndarray, y: np.ndarray, options: argparse.Namespace) -> np.ndarray:
    """Multinomial logistic regression by gradient descent with momentum; L2 on all weights but the bias."""
    truth = np.eye(len(LABELS))[y]
    share = np.maximum(truth.sum(0), 1) / len(y)
    weight = (1 / (len(LABELS) * share)) ** options.balance
    weight = weight[y] / weight[y].mean()
    weights = np.zeros((x.shape[1], len(LABELS)))
    speed = np.zeros_like(weights)
    for _ in range(1500):
        error = (softmax(x @ weights) - truth) * weight[:, None]
        gradient = (x.T @ error + options.l2 * weights) / len(y)
        speed = 0.9 * speed - 0.3 * gradient
        weights += speed
    return weights


def softmax(scores: np.ndarray) -> np.ndarray:
    """Rows of scores to rows of probabilities."""
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def report(y: np.ndarray, probabilities: np.ndarray) -> None:
    """The figures of the issue."""
    called = probabilities.argmax(1)
    scores = []
    for k, label in enumerate(LABELS):
        right = int(((called == k) & (y == k)).sum())
        precision, recall = right / max(1, (called == k).sum()), right / max(1, (y == k).sum())
        scores.append(2 * precision * recall / max(1e-9, precision + recall))
        print(f"{label:13} n {int((y == k).sum()):3}  P {precision:.2f}  R {recall:.2f}  F1 {scores[-1]:.2f}")
    swaps = sum((LABELS[a], LABELS[b]) in {("favourable", "unfavourable"), ("unfavourable", "favourable")} for a, b in zip(y, called, strict=True))
    print(f"macro-F1 {np.mean(scores):.3f} (without neutral {np.mean(scores[:3]):.3f}), accuracy {(called == y).mean():.3f}, "
          f"favourable/unfavourable swapped {swaps} of {len(y)} ({swaps / len(y):.1%})")
    print("confidence  stories  right")
    confidence = probabilities.max(1)
    for low, high in ((0.0, 0.4), (0.4, 0.5), (0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 1.01)):
        inside = (confidence >= low) & (confidence < high)
        if inside.any():
            print(f"{low:.1f}-{min(high, 1):.1f}     {int(inside.sum()):7}  {(called == y)[inside].mean():.2f}")


def show_errors(rows: list[dict], y: np.ndarray, probabilities: np.ndarray) -> None:
    """Each story that came out wrong."""
    for row, truth, p in zip(rows, y, probabilities, strict=True):
        if p.argmax() != truth:
            print(f"{row['id']} {row['lang']} {LABELS[truth]} -> {LABELS[p.argmax()]} {p.max():.2f} | {row['title'][:110]}")


if __name__ == "__main__":
    main()
