"""Fits the weights of the quotes room: is a statement about an accession, is a reported clause a record, which stance.

    python bench/quotes_weights.py DATA [--write monitor/analyse/quotes/weights.json]

Logistic regressions with L2 on counted words (monitor/analyse/quotes/accession.py), fitted by plain gradient descent,
so that the same data give the same weights. The figures are by cross-validation: folds of whole story clusters, no
story in its own training data. Needs numpy; the room itself does not.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from quotes import EMPTY, MATCH, STANCES, _jaccard, _lines, is_speaker_right, macro_f1

from monitor.analyse.quotes.accession import (
    report_features,
    shared_scores,
    stance_features,
    stance_scores,
    topic_features,
)
from monitor.analyse.quotes.attribution import speaker_of
from monitor.analyse.quotes.indirect import reported_in
from monitor.analyse.quotes.records import records_of
from monitor.analyse.quotes.story import read
from monitor.analyse.quotes.words import words

FOLDS = 10
ABOUT = 0.4  # from here on a quotation is about an accession
# what the groups of cues were made for: weights are pulled toward these, not toward zero, for 180 statements cannot
# teach them all
PRIOR_YES = {"q_refusal": 1.2, "q_both": 1.0, "q_join": 0.8, "q_join_context": 0.6, "s_both": 0.5, "title_both": 0.3}
PRIOR = {
    ("q_support_any", "supports"): 0.7,
    ("q_support_weak_any", "supports"): 0.2,
    ("q_oppose_any", "opposes"): 0.7,
    ("q_oppose_weak_any", "opposes"): 0.2,
    ("q_refusal_any", "opposes"): 2.0,
    ("q_conditional_any", "conditional"): 1.0,
    ("q_conditional_weak_any", "conditional"): 0.3,
    ("q_report_any", "neutral"): 0.4,
    ("from_RU", "opposes"): 1.5,
    ("from_candidate", "supports"): 1.5,
    ("own_bid", "supports"): 0.5,
    ("from_TR_HU", "conditional"): 0.5,
    ("from_nobody", "neutral"): 0.5,
}


def main() -> None:
    """Collects features, cross-validates, and writes weights fitted on everything."""
    args = _arguments()
    direct, reports, stances, n_indirect = _samples(args.data)
    about_p = _cross_validated(direct, args.l2)
    labels = np.array([one["label"] for one in direct])
    print(
        f"about (direct, n={len(direct)}): accuracy {np.mean((about_p >= ABOUT) == labels):.3f}, "
        f"majority {1 - labels.mean():.3f}"
    )
    report_p = _cross_validated(reports, args.l2)
    threshold = _print_reports(report_p, reports, n_indirect)
    runs = []
    for seed in range(5):
        guesses = _cross_validated_stance(stances, args.l2_stance, seed)
        runs.append(macro_f1([(one["label"], guess) for one, guess in zip(stances, guesses, strict=True)]))
    print(
        "stance macro-F1 of five different foldings:",
        " ".join(f"{one:.3f}" for one in runs),
        f"mean {np.mean(runs):.3f}",
    )
    guesses = _cross_validated_stance(stances, args.l2_stance)
    pairs = [(one["label"], guess) for one, guess in zip(stances, guesses, strict=True)]
    accuracy = np.mean([gold == guess for gold, guess in pairs])
    print(
        f"stance (matched about-accession, n={len(stances)}): macro-F1 {macro_f1(pairs):.3f}, accuracy {accuracy:.3f}"
    )
    _print_stance_in_place(stances, guesses, about_p, report_p, threshold)
    confusion: dict[tuple[str, str], int] = defaultdict(int)
    for pair in pairs:
        confusion[pair] += 1
    print("  ", dict(confusion))
    if args.write:
        weights = {
            "about": _fitted(direct, args.l2),
            "report": _fitted(reports, args.l2),
            "stance": _fitted_stance(stances, args.l2_stance),
            "thresholds": {"about": ABOUT, "report": threshold},
        }
        args.write.write_text(json.dumps(weights, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _print_stance_in_place(
    stances: list[dict[str, Any]], guesses: list[str], about_p: Any, report_p: Any, threshold: float
) -> None:
    """The figure as the room gives it: a statement not taken to be about an accession has no stance, and is wrong."""
    pairs = []
    for one, guess in zip(stances, guesses, strict=True):
        if "direct" in one:
            pairs.append((one["label"], guess if about_p[one["direct"]] >= ABOUT else "none"))
        elif report_p[one["report"]] >= threshold:
            pairs.append((one["label"], guess))
    accuracy = np.mean([gold == guess for gold, guess in pairs])
    print(
        f"stance as answered (n={len(pairs)}, none = not taken to be about it): "
        f"macro-F1 {macro_f1(pairs):.3f}, accuracy {accuracy:.3f}"
    )


def _samples(data: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]], int]:
    stories = {story["id"]: story for story in _lines(data / "relevance" / "dev.jsonl")}
    gold: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in _lines(data / "quotes" / "dev.jsonl"):
        gold[record["story_id"]].append(record)
    direct: list[dict[str, Any]] = []
    reports: list[dict[str, Any]] = []
    stances: list[dict[str, Any]] = []
    for story_id in sorted(set(gold) | set(EMPTY)):
        raw = stories[story_id]
        lists = words(raw["lang"])
        if lists is None:
            continue
        story = read(raw["title"], raw["text"], lists)
        group = raw["cluster"]
        before = None
        for record in records_of(story):
            speaker = speaker_of(story, record)
            spans = tuple((one.start, one.end) for one in record)
            name = speaker.name if speaker else None
            follows = before is not None and record[0].paragraph - before[2] <= 1 and before[1] == name
            features = topic_features(story, raw["title"], spans, before[0] if before and follows else None, speaker)
            before = (spans, name, record[-1].paragraph)
            theirs = _match(gold[story_id], "direct", spans)
            if theirs is None:
                continue
            direct.append({"features": features, "label": theirs["about_accession"], "group": group})
            if theirs["about_accession"]:
                found = stance_features(story, spans, speaker, indirect=False)
                stances.append(
                    {
                        "features": found,
                        "label": theirs["stance"],
                        "group": group,
                        "who": (story_id, name),
                        "direct": len(direct) - 1,
                    }
                )
        used: set[str] = set()
        for reported in reported_in(story):
            theirs = _match(gold[story_id], "indirect", (reported.span,))
            new = theirs is not None and theirs["id"] not in used
            features = report_features(story, raw["title"], reported)
            right = bool(theirs) and is_speaker_right(reported.speaker.name, theirs["speaker"]) if theirs else False
            reports.append({"features": features, "label": new, "group": group, "right": right})
            if theirs is not None and new:
                used.add(theirs["id"])
                found = stance_features(story, (reported.span,), reported.speaker, indirect=True)
                who = (story_id, reported.speaker.name)
                stances.append(
                    {
                        "features": found,
                        "label": theirs["stance"],
                        "group": group,
                        "who": who,
                        "report": len(reports) - 1,
                    }
                )
    n_indirect = sum(record["kind"] == "indirect" for records in gold.values() for record in records)
    return direct, reports, stances, n_indirect


def _match(gold: list[dict[str, Any]], kind: str, spans: Any) -> dict[str, Any] | None:
    for record in gold:
        if record["kind"] == kind and _jaccard(spans, record["spans"]) >= MATCH:
            return record
    return None


def _matrix(samples: list[dict[str, Any]], names: list[str]) -> Any:
    return np.array([[one["features"].get(name, 0.0) for name in names] for one in samples])


def _names(samples: list[dict[str, Any]]) -> list[str]:
    return sorted({name for one in samples for name in one["features"]})


def _binary(samples: list[dict[str, Any]], names: list[str], l2: float) -> Any:
    labels = np.array([float(one["label"]) for one in samples])
    prior = np.array([[0.0, PRIOR_YES.get(name, 0.0)] for name in names])
    targets = np.stack([1 - labels, labels], axis=1)
    both = _fit(_matrix(samples, names), targets, np.ones((len(labels), 1)), l2, prior)
    return both[:, 1] - both[:, 0]


def _folds(samples: list[dict[str, Any]], seed: int = 0) -> list[tuple[list[int], list[int]]]:
    groups = sorted({one["group"] for one in samples})
    random.Random(seed).shuffle(groups)
    fold_of = {group: number % FOLDS for number, group in enumerate(groups)}
    splits = []
    for fold in range(FOLDS):
        test = [index for index, one in enumerate(samples) if fold_of[one["group"]] == fold]
        train = [index for index, one in enumerate(samples) if fold_of[one["group"]] != fold]
        splits.append((train, test))
    return splits


def _cross_validated(samples: list[dict[str, Any]], l2: float) -> Any:
    names = _names(samples)
    chances = np.zeros(len(samples))
    for train, test in _folds(samples):
        if test:
            weights = _binary([samples[index] for index in train], names, l2)
            chances[test] = 1 / (1 + np.exp(-(_matrix([samples[index] for index in test], names) @ weights)))
    return chances


def _fitted(samples: list[dict[str, Any]], l2: float) -> dict[str, float]:
    names = _names(samples)
    return {name: round(float(value), 3) for name, value in zip(names, _binary(samples, names, l2), strict=True)}


def _stance_weights(samples: list[dict[str, Any]], names: list[str], l2: float) -> Any:
    targets = np.array([[float(one["label"] == label) for label in STANCES] for one in samples])
    # rarer stances count more: the figure is the mean of four F1s
    share = targets.sum(axis=0) / len(targets)
    per_sample = (targets @ (1 / np.maximum(share, 1e-9)) ** 0.5) if l2 else np.ones(len(targets))
    scale = (per_sample / per_sample.mean())[:, None]
    prior = np.array([[PRIOR.get((name, label), 0.0) for label in STANCES] for name in names])
    return _fit(_matrix(samples, names), targets, scale, l2, prior)


def _fit(matrix: Any, targets: Any, scale: Any, l2: float, prior: Any) -> Any:
    """Softmax regression by gradient descent with a fixed number of steps; ``targets`` one-hot."""
    weights = prior.copy()
    rate = min(4.0 / max(np.linalg.norm(matrix, 2) ** 2 / len(matrix), 1e-9), 1.0)
    for _ in range(1500):
        scores = matrix @ weights
        scores -= scores.max(axis=1, keepdims=True)
        chances = np.exp(scores)
        chances /= chances.sum(axis=1, keepdims=True)
        weights -= rate * (
            matrix.T @ ((chances - targets) * scale) / len(matrix) + l2 / len(matrix) * (weights - prior)
        )
    return weights


def _cross_validated_stance(samples: list[dict[str, Any]], l2: float, seed: int = 0) -> list[str]:
    names = _names(samples)
    guesses = [""] * len(samples)
    for train, test in _folds(samples, seed):
        if not test:
            continue
        matrix = _stance_weights([samples[index] for index in train], names, l2)
        weights = _as_stance_weights(matrix, names)
        scores = [stance_scores(samples[index]["features"], weights) for index in test]
        statements = [(str(samples[index]["who"]), samples[index]["features"]) for index in test]
        for index, shared in zip(test, shared_scores(statements, scores), strict=True):
            guesses[index] = max(STANCES, key=lambda label: shared[label])
    return guesses


def _as_stance_weights(matrix: Any, names: list[str]) -> dict[str, dict[str, float]]:
    return {
        label: {name: round(float(matrix[row, column]), 3) for row, name in enumerate(names)}
        for column, label in enumerate(STANCES)
    }


def _fitted_stance(samples: list[dict[str, Any]], l2: float) -> dict[str, dict[str, float]]:
    names = _names(samples)
    return _as_stance_weights(_stance_weights(samples, names, l2), names)


def _print_reports(chances: Any, samples: list[dict[str, Any]], n_gold: int) -> float:
    labels = np.array([one["label"] for one in samples])
    right = np.array([one["right"] for one in samples])
    print(f"reported clauses: {len(samples)} candidates, {labels.sum()} of {n_gold} gold records among them")
    curve = []
    for threshold in np.arange(0.2, 0.8, 0.05):
        kept = chances >= threshold
        matched = (kept & labels).sum()
        f1 = 2 * matched / max(kept.sum() + n_gold, 1)
        speakers = (kept & labels & right).sum() / max(matched, 1)
        print(
            f"  threshold {threshold:.2f}: P {matched / max(kept.sum(), 1):.2f} R {matched / n_gold:.2f} "
            f"F1 {f1:.3f} speaker {speakers:.2f}"
        )
        curve.append((float(f1), round(float(threshold), 2)))
    # precision before recall: the highest threshold that costs next to nothing
    top = max(f1 for f1, _ in curve)
    return max(threshold for f1, threshold in curve if f1 >= top - 0.01)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with quotes/ and relevance/")
    parser.add_argument("--write", type=Path, help="where the weights go")
    parser.add_argument("--l2", type=float, default=3.0)
    parser.add_argument("--l2-stance", type=float, default=4.0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
