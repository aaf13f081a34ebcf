"""Measures and fits the relevance model: cross-validation by cluster, per language and kind, reliability, evidence removal, speed.

python bench/relevance.py DEV.jsonl           # 5-fold cross-validation
python bench/relevance.py DEV.jsonl --fit     # and writes monitor/flag/weights.yaml
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from monitor import flag
from monitor.flag.score import logistic
from monitor.model import Document
from monitor.settings import TopicSettings

TOPIC = TopicSettings(name="nato-accession", query="@nato AND (@accession OR @accession-phrase OR @enlargement)")
PENALTY = 12.0
FOLDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--misses", action="store_true")
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.data.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if not row["ambiguous"]]
    rules = flag.compile_rules([TOPIC])
    documents = [Document(row["id"], row["title"], row["text"], lang=row["lang"], published_at=_date(row["date"])) for row in rows]
    began = time.process_time()
    verdicts = [rules.judge(document) for document in documents]
    took = time.process_time() - began
    print(f"judge: {len(rows) / took:.0f} stories/s of CPU time")
    table = [_features(rules, document) for document in documents]
    names = sorted({name for values in table for name in values or ()})
    gold = np.array([row["label"] == "accession" for row in rows], float)
    x = np.array([[(values or {}).get(name, 0.0) for name in names] for values in table])
    matched = np.array([values is not None for values in table])
    print(f"query matches {matched.sum()}, of {int(gold.sum())} positives {int((gold * matched).sum())}")
    scores = cross_validate(x, gold, matched, [row["cluster"] for row in rows])
    report(rows, gold, scores, verdicts)
    if options.misses:
        for row, value, score in zip(rows, gold, scores, strict=True):
            if (score >= 0.5) != (value == 1):
                print(
                    f"{row['id']} {row['lang']} {row['label']:9} {score:.2f} {len(row['text'])} {row['title'][:90]!r} {row['note'][:60]}"
                )
    if options.fit:
        weights, intercept = fit(x[matched], gold[matched])
        print(dict(zip(names, weights.round(2), strict=True)), intercept)
        write(names, weights, intercept)


def _date(day: str | None) -> datetime | None:
    """The day, or the last day of the month or year where no more is known."""
    return datetime.fromisoformat(day + "-12-28"[len(day) - 4 :]).replace(tzinfo=UTC) if day else None


def _features(rules: flag.Rules, document: Document) -> dict[str, float] | None:
    story = rules.story(document)
    return dict(story.features) if story else None


def cross_validate(x, gold, matched, clusters):
    scores = np.zeros(len(gold))
    folds = np.array([int(hashlib.md5(cluster.encode()).hexdigest(), 16) % FOLDS for cluster in clusters])
    for fold in range(FOLDS):
        train, test = (folds != fold) & matched, (folds == fold) & matched
        weights, intercept = fit(x[train], gold[train])
        scores[test] = [logistic(value) for value in x[test] @ weights + intercept]
    return scores


def fit(x, gold, penalty=PENALTY):
    """Ridge logistic regression by Newton's method; features standardised for the penalty, weights given back in raw units."""
    mean, std = x.mean(0), x.std(0) + 1e-9
    z = np.hstack([np.ones((len(x), 1)), (x - mean) / std])
    ridge = np.eye(z.shape[1]) * penalty
    ridge[0, 0] = 0
    w = np.zeros(z.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-z @ w))
        step = np.linalg.solve((z * (p * (1 - p))[:, None]).T @ z + ridge, z.T @ (gold - p) - ridge @ w)
        w += step
        if abs(step).max() < 1e-8:
            break
    weights = w[1:] / std
    return weights, float(w[0] - weights @ mean)


def prf(gold, said):
    hit = float((gold * said).sum())
    precision, recall = hit / max(1, said.sum()), hit / max(1, gold.sum())
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def report(rows, gold, scores, verdicts) -> None:
    said = (scores >= 0.5).astype(float)
    feed = np.array(["feed item" in row["note"] or len(row["text"]) < 700 for row in rows])
    feed_note = np.array(["feed item" in row["note"] for row in rows])
    for name, mask in [
        ("all", feed >= 0),
        ("full", ~feed_note),
        ("feed", feed_note),
        *(
            (lang, np.array([row["lang"] == lang for row in rows]))
            for lang, _ in collections.Counter(row["lang"] for row in rows).most_common()
        ),
    ]:
        p, r, f = prf(gold[mask], said[mask])
        print(f"{name:5} n={mask.sum():4} pos={int(gold[mask].sum()):4}  P {p:.3f}  R {r:.3f}  F1 {f:.3f}")


def write(names, weights, intercept) -> None:
    path = Path(flag.__file__).with_name("weights.yaml")
    _, _, rest = path.read_text(encoding="utf-8").partition("generic:")
    lines = ["accession:", f"  intercept: {intercept:.4f}", "  weights:"]
    lines += [f"    {name}: {weight:.4f}" for name, weight in zip(names, weights, strict=True)]
    path.write_text("\n".join(lines) + "\ngeneric:" + rest, encoding="utf-8")


if __name__ == "__main__":
    main()
