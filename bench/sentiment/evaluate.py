"""Measures scorers on a NewsMTSC file: macro-F1, accuracy, calibration, speed per CPU second.

usage: python bench/sentiment/evaluate.py FILE [--scorer linear --scorer neural ...] [--dev]
  FILE   newsmtsc_devtest_mt.jsonl, or newsmtsc_train.jsonl with --dev for the documents that no training saw
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from news_targets import LABELS, Row, accuracy, macro_f1, read, train_and_dev

from monitor.analyse.sentiment import Scorer, load_scorer
from monitor.analyse.sentiment.aggregate import SURE
from monitor.settings import SentimentSettings

BINS = ((0.0, 0.5), (0.5, 0.6), (0.6, 0.7), (0.7, 0.75), (0.75, 0.8), (0.8, 0.9), (0.9, 1.01))


def main() -> None:
    args = _arguments()
    rows = read(args.file)
    if args.dev:
        rows = train_and_dev(rows)[1]
    for name in args.scorer or ["linear", "neural"]:
        measure(load_scorer(SentimentSettings(scorer=name)), rows)


def measure(scorer: Scorer, rows: Sequence[Row]) -> None:
    """Prints all figures of one scorer."""
    batch = [(row.text, row.start, row.end) for row in rows]
    scorer.probabilities(batch[:32])  # warm
    began = time.process_time()
    answers = scorer.probabilities(batch)
    seconds = time.process_time() - began
    truth = [row.label for row in rows]
    guess = [max(range(3), key=answer.__getitem__) for answer in answers]
    f1, each = macro_f1(truth, guess)
    opposite = sum(abs(t - g) == 2 for t, g in zip(truth, guess, strict=True)) / len(truth)
    by_label = ", ".join(f"{label} {100 * value:.1f}" for label, value in zip(LABELS, each, strict=True))
    print(f"{scorer.name}@{scorer.revision}: n={len(rows)} macro-F1 {100 * f1:.1f} ({by_label})")
    print(f"  accuracy {100 * accuracy(truth, guess):.1f}, opposite sign {100 * opposite:.1f} %")
    print(f"  {len(rows) / seconds:,.0f} targets per CPU second")
    reliability(truth, answers)


def reliability(truth: Sequence[int], answers: Sequence[Sequence[float]]) -> None:
    """Prints how often the likeliest label is right by its probability, and the expected calibration error."""
    sure = [
        (max(answer), answer.index(max(answer)) == label)
        for label, answer in zip(truth, map(list, answers), strict=True)
    ]
    error = 0.0
    print("  probability   share  mean P  right")
    for low, high in BINS:
        inside = [(p, right) for p, right in sure if low <= p < high]
        if inside:
            mean_p = sum(p for p, _ in inside) / len(inside)
            right = sum(hit for _, hit in inside) / len(inside)
            error += abs(mean_p - right) * len(inside) / len(sure)
            print(f"  {low:.2f}-{min(high, 1):.2f}   {100 * len(inside) / len(sure):6.1f} %  {mean_p:.3f}  {right:.3f}")
    called = [right for p, right in sure if p >= SURE]
    share, right = len(called) / len(sure), sum(called) / max(1, len(called))
    print(f"  expected calibration error {error:.3f}")
    print(f"  at P >= {SURE}: {100 * share:.0f} % of targets, accuracy {100 * right:.1f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--scorer", action="append", help="linear, neural, package.module:function; may be given several times"
    )
    parser.add_argument("--dev", action="store_true", help="only the documents held out from training")
    return parser.parse_args()


if __name__ == "__main__":
    main()
