"""Measures and fits the relevance model on labelled stories.

    python bench/relevance.py DEV.jsonl                 # cross-validation: F1 by kind and language, reliability,
    countries, evidence
    python bench/relevance.py DEV.jsonl --fit           # also writes the weights of all rows to
    monitor/flag/weights.yaml
    python bench/relevance.py TEST.jsonl --as-shipped   # the shipped weights on other rows, no fitting

Cross-validation is five-fold by ``cluster``, so stories of one event stay together; ``ambiguous`` rows are left out.
The weights of a fold see neither its stories nor its clusters. The lexicon was written with the dev rows in sight:
only the held-out rows can show what that is worth.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from monitor import flag
from monitor.flag.score import logistic, models
from monitor.model import Document, Flag
from monitor.settings import TopicSettings

TOPIC = TopicSettings(name="nato-accession", query="@nato AND @accession-any", threshold=0.5)
PENALTY = (
    12.0  # of the ridge, on standardised features: chosen by log loss over ten repetitions of the cross-validation
)
FOLDS, REPETITIONS = 5, 10
Row = dict[str, Any]
Vector = np.ndarray


def main() -> None:
    """Reads the rows, prints the tables, writes the weights when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--fit", action="store_true", help="write monitor/flag/weights.yaml")
    parser.add_argument(
        "--as-shipped", action="store_true", help="score with the shipped weights instead of cross-validating"
    )
    parser.add_argument("--misses", action="store_true", help="print every wrong row")
    parser.add_argument("--no-dates", action="store_true", help="judge the stories as if their dates were unknown")
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.data.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if not row["ambiguous"]]
    documents = [document(row, dated=not options.no_dates) for row in rows]
    rules = flag.compile_rules([TOPIC])

    gold = np.array([row["label"] == "accession" for row in rows], float)
    table = [rules.features(one) for one in documents]
    names = list(next(values for values in table if values is not None))
    x = np.array([[values[name] if values else 0.0 for name in names] for values in table])
    matched = np.array([values is not None for values in table])
    print(
        f"{len(rows)} rows, {int(gold.sum())} positive; "
        f"the query matches {matched.sum()}, {int(gold @ matched)} of the positives"
    )

    if options.fit:
        weights, intercept = fit(x[matched], gold[matched])
        write(names, weights, intercept)
        rules = flag.compile_rules([TOPIC])
    if options.as_shipped:
        scores = shipped(x, names, matched)
    else:
        clusters = [row["cluster"] for row in rows]
        scores = cross_validate(x, gold, matched, folds(clusters, 0))
        repeated(x, gold, matched, clusters, rows)
    report(rows, gold, scores)
    reliability(gold, scores)
    verdicts = timed(rules, documents)
    report_countries(rows, verdicts)
    report_evidence(rules, documents, verdicts)
    if options.misses:
        misses(rows, gold, scores)


def document(row: Row, *, dated: bool = True) -> Document:
    """A row as the program sees it; of a date known by month or year alone the last day counts."""
    day = row["date"] if dated else None
    published = datetime.fromisoformat(day + "-12-28"[len(day) - 4 :]).replace(tzinfo=UTC) if day else None
    return Document(row["id"], row["title"], row["text"], url=row["url"], lang=row["lang"], published_at=published)


def is_feed_item(row: Row) -> bool:
    """Whether the row is a title with a feed's summary, not a whole article."""
    return "feed item" in row["note"]


# --- fitting
# -----------------------------------------------------------------------------------------------------------


def fit(x: Vector, gold: Vector, penalty: float = PENALTY) -> tuple[Vector, float]:
    """Ridge logistic regression by Newton's method, on standardised features; the weights are given back in the
    features' own units.
    """
    mean, spread = x.mean(0), x.std(0) + 1e-9
    z = np.hstack([np.ones((len(x), 1)), (x - mean) / spread])
    ridge = np.diag([0.0] + [penalty] * x.shape[1])
    w = np.zeros(z.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-z @ w))
        step = np.linalg.solve((z * (p * (1 - p))[:, None]).T @ z + ridge, z.T @ (gold - p) - ridge @ w)
        w += step
        if abs(step).max() < 1e-9:
            break
    weights = w[1:] / spread
    return weights, float(w[0] - weights @ mean)


def folds(clusters: Sequence[str], repetition: int) -> Vector:
    """The fold of each row, by a hash of its cluster."""
    return np.array([hashlib.blake2b(f"{repetition}/{cluster}".encode()).digest()[0] % FOLDS for cluster in clusters])


def cross_validate(x: Vector, gold: Vector, matched: Vector, fold_of: Vector) -> Vector:
    """Every row's score by weights that have not seen its fold; 0 where the query does not match."""
    scores = np.zeros(len(gold))
    for fold in range(FOLDS):
        train, test = (fold_of != fold) & matched, (fold_of == fold) & matched
        weights, intercept = fit(x[train], gold[train])
        scores[test] = 1 / (1 + np.exp(-(x[test] @ weights + intercept)))
    return scores


def shipped(x: Vector, names: Sequence[str], matched: Vector) -> Vector:
    """The scores by the weights in the package."""
    model = models()["accession"]
    weights = np.array([model.weights.get(name, 0.0) for name in names])
    return np.array([logistic(value + model.intercept) for value in x @ weights]) * matched


def write(names: Sequence[str], weights: Vector, intercept: float) -> None:
    """Replaces the accession model in the package's weights."""
    path = Path(flag.__file__).with_name("weights.yaml")
    head, mark, _ = path.read_text(encoding="utf-8").rpartition("  accession:\n")
    lines = [f"    intercept: {intercept:.4f}", "    weights:"]
    lines += [f"      {name}: {weight:.4f}" for name, weight in zip(names, weights, strict=True)]
    path.write_text(head + mark + "\n".join(lines) + "\n", encoding="utf-8")
    models.cache_clear()
    print(f"wrote {path}")


# --- reports
# -----------------------------------------------------------------------------------------------------------


def f1(gold: Vector, said: Vector) -> tuple[float, float, float]:
    """Precision, recall and F1."""
    hit = float(gold @ said)
    precision, recall = hit / max(1.0, said.sum()), hit / max(1.0, gold.sum())
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def groups(rows: Sequence[Row]) -> Iterator[tuple[str, Vector]]:
    """Name and mask of all rows, of each kind, of each language."""
    feed = np.array([is_feed_item(row) for row in rows])
    yield "all", np.ones(len(rows), bool)
    yield "full articles", ~feed
    yield "feed items", feed
    for lang, _ in collections.Counter(row["lang"] for row in rows).most_common():
        yield lang, np.array([row["lang"] == lang for row in rows])


def report(rows: Sequence[Row], gold: Vector, scores: Vector) -> None:
    """Precision, recall, F1 at the threshold, by kind and language."""
    said = (scores >= TOPIC.threshold).astype(float)
    print(f"\n{'':14}{'n':>5}{'pos':>5}{'P':>7}{'R':>7}{'F1':>7}")
    for name, mask in groups(rows):
        precision, recall, both = f1(gold[mask], said[mask])
        print(f"{name:14}{mask.sum():5}{int(gold[mask].sum()):5}{precision:7.3f}{recall:7.3f}{both:7.3f}")


def repeated(x: Vector, gold: Vector, matched: Vector, clusters: Sequence[str], rows: Sequence[Row]) -> None:
    """The same cross-validation with other folds: how much of the figures is luck."""
    results: dict[str, list[float]] = {}
    losses = []
    for repetition in range(REPETITIONS):
        scores = cross_validate(x, gold, matched, folds(clusters, repetition))
        p = np.clip(scores[matched], 1e-4, 1 - 1e-4)
        losses.append(-np.mean(gold[matched] * np.log(p) + (1 - gold[matched]) * np.log(1 - p)))
        for name, mask in groups(rows):
            if gold[mask].sum() >= 10:
                results.setdefault(name, []).append(f1(gold[mask], (scores[mask] >= TOPIC.threshold).astype(float))[2])
    print(
        f"\nF1 over {REPETITIONS} repetitions of the cross-validation, mean (lowest-highest); "
        f"log loss {np.mean(losses):.4f}"
    )
    for name, values in results.items():
        print(f"{name:14}{np.mean(values):.3f} ({min(values):.3f}-{max(values):.3f})")


def reliability(gold: Vector, scores: Vector) -> None:
    """Of the stories with a score about s, which share is relevant; and the expected calibration error over these
    bins.
    """
    print(f"\n{'score':12}{'n':>5}{'mean':>7}{'right':>7}")
    error = 0.0
    edges = [0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0001]
    for low, high in pairwise(edges):
        mask = (scores >= low) & (scores < high)
        if mask.any():
            print(f"{low:.2f}-{min(high, 1):.2f}{'':3}{mask.sum():5}{scores[mask].mean():7.2f}{gold[mask].mean():7.2f}")
            error += mask.mean() * abs(scores[mask].mean() - gold[mask].mean())
    print(f"expected calibration error {error:.3f}, Brier score {np.mean((scores - gold) ** 2):.3f}")


def timed(rules: flag.Rules, documents: Sequence[Document]) -> list[flag.Verdict]:
    """The verdicts, with the speed of their making."""
    for one in documents[:50]:
        rules.judge(one)
    began = time.process_time()
    verdicts = [rules.judge(one) for one in documents]
    took = time.process_time() - began
    print(f"\njudge: {len(documents) / took:.0f} stories/s of CPU time")
    return verdicts


def report_countries(rows: Sequence[Row], verdicts: Sequence[flag.Verdict]) -> None:
    """Micro F1 of the candidate countries over the accession stories; and over the flagged ones of them."""
    for name, flagged_only in (("all accession stories", False), ("flagged accession stories", True)):
        hit = said = there = 0
        for row, verdict in zip(rows, verdicts, strict=True):
            flagged = any(one.flagged for one in verdict.flags)
            if row["label"] == "accession" and (flagged or not flagged_only):
                found = {country.country for country in verdict.countries if country.role == "candidate"}
                hit, said, there = (
                    hit + len(found & set(row["countries"])),
                    said + len(found),
                    there + len(row["countries"]),
                )
        print(
            f"candidate countries, {name}: "
            f"P {hit / max(1, said):.3f} R {hit / there:.3f} F1 {2 * hit / (said + there):.3f}"
        )


def report_evidence(rules: flag.Rules, documents: Sequence[Document], verdicts: Sequence[flag.Verdict]) -> None:
    """Of the flagged stories, how many drop below the threshold once the cited sentences are cut out; offsets are
    checked on the way.
    """
    flagged = dropped = 0
    for one, verdict in zip(documents, verdicts, strict=True):
        for raised in verdict.flags:
            for item in raised.evidence:
                source = one.title if item.field == "title" else one.text
                assert source[item.start : item.end] == item.surface, (one.id, item)
                assert source[item.sentence_start : item.sentence_end] == item.sentence, (one.id, item)
            if raised.flagged:
                flagged += 1
                dropped += not any(again.flagged for again in rules.judge(without(one, raised)).flags)
    print(
        f"evidence: {dropped} of {flagged} flagged stories ({dropped / max(1, flagged):.1%}) "
        f"are no longer flagged without the cited sentences"
    )


def without(one: Document, raised: Flag) -> Document:
    """The document with a flag's sentences cut out."""
    title, text = one.title, one.text
    spans = {(item.field, item.sentence_start, item.sentence_end) for item in raised.evidence}
    for field, start, end in sorted(spans, reverse=True):
        if field == "title":
            title = title[:start] + title[end:]
        else:
            text = text[:start] + text[end:]
    return Document(one.id, title, text, url=one.url, lang=one.lang, published_at=one.published_at)


def misses(rows: Sequence[Row], gold: Vector, scores: Vector) -> None:
    """Every row on the wrong side of the threshold."""
    print()
    for row, right, score in zip(rows, gold, scores, strict=True):
        if (score >= TOPIC.threshold) != bool(right):
            kind = "feed item" if is_feed_item(row) else f"{len(row['text'])} characters"
            print(f"{row['id']} {row['lang']} {row['label']:9} {score:.2f} {kind}: {row['title'][:90]!r}")


if __name__ == "__main__":
    main()
