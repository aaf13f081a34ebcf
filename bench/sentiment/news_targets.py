"""Reads NewsMTSC (sentences with targets and their polarity), splits it by document, measures. Trains nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LABELS = ("negative", "neutral", "positive")
_POLARITY = {2.0: 0, 4.0: 1, 6.0: 2}
DEV_PERCENT = 10


@dataclass(frozen=True)
class Row:
    """One target in one sentence. ``further`` are the spans of its other mentions; ``label`` indexes LABELS."""

    id: str
    document: str
    text: str
    start: int
    end: int
    further: tuple[tuple[int, int], ...]
    label: int


def read(path: Path) -> list[Row]:
    """All targets of one NewsMTSC file, in file order."""
    return [row for line in path.read_text(encoding="utf-8").splitlines() for row in _rows(json.loads(line))]


def train_and_dev(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Split by hash of the document, about 90 : 10, so that no article stands in both halves; the same on every run."""
    train: list[Row] = []
    dev: list[Row] = []
    for row in rows:
        bucket = int(hashlib.sha1(row.document.encode()).hexdigest(), 16) % 100
        (dev if bucket < DEV_PERCENT else train).append(row)
    return train, dev


def macro_f1(truth: Sequence[int], guess: Sequence[int]) -> tuple[float, list[float]]:
    """Macro-F1 over the three labels, and the F1 of each; 0..1."""
    scores = []
    for label in range(3):
        hit = sum(t == g == label for t, g in zip(truth, guess, strict=True))
        wrong = sum((t == label) != (g == label) for t, g in zip(truth, guess, strict=True))
        scores.append(2 * hit / (2 * hit + wrong) if hit else 0.0)
    return sum(scores) / 3, scores


def accuracy(truth: Sequence[int], guess: Sequence[int]) -> float:
    """Share of equal labels, 0..1."""
    return sum(t == g for t, g in zip(truth, guess, strict=True)) / len(truth)


def _rows(record: dict) -> list[Row]:  # type: ignore[type-arg]  # JSON as published
    document = "_".join(record["primary_gid"].split("_")[:3])
    return [
        Row(
            id=target["Input.gid"],
            document=document,
            text=record["sentence_normalized"],
            start=target["from"],
            end=target["to"],
            further=tuple((other["from"], other["to"]) for other in target.get("further_mentions", [])),
            label=_POLARITY[target["polarity"]],
        )
        for target in record["targets"]
    ]
