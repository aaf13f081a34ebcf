"""Reads the target-sentiment sets of several languages into rows, and splits them so that no sentence stands in two parts. Trains nothing."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from news_targets import LABELS, Row
from news_targets import read as read_newsmtsc

DEV_PERCENT, TEST_PERCENT = 8, 16
LANGUAGES = ("en", "ru", "de")


def read(data: Path, lang: str) -> list[Row]:
    """All targets of the language's set in ``data`` (shared/data/sentiment); each sentence is a document of its own but in English."""
    return {"en": _english, "ru": _russian, "de": _german}[lang](data)


def split(rows: Sequence[Row], lang: str) -> tuple[list[Row], list[Row], list[Row]]:
    """Train, dev, test by hash of the document, the same on every run. English has a test file of its own."""
    test_percent = 0 if lang == "en" else TEST_PERCENT
    parts: tuple[list[Row], list[Row], list[Row]] = ([], [], [])
    for row in rows:
        bucket = int(hashlib.sha1(row.document.encode()).hexdigest(), 16) % 100
        parts[1 if bucket < DEV_PERCENT else 2 if bucket < DEV_PERCENT + test_percent else 0].append(row)
    return parts


def _english(data: Path) -> list[Row]:
    return read_newsmtsc(data / "newsmtsc_train.jsonl")


def _russian(data: Path) -> list[Row]:
    """RuSentNE-2023: tab separated, offsets in characters."""
    rows = []
    with (data / "rusentne_train_data.csv").open(encoding="utf-8", newline="") as file:
        for number, record in enumerate(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)):
            text = record["sentence"]
            span = int(record["entity_pos_start_rel"]), int(record["entity_pos_end_rel"])
            rows.append(Row(f"ru-{number}", text, text, *span, (), int(record["label"]) + 1))
    return rows


def _german(data: Path) -> list[Row]:
    """GerNTSA: one JSON list."""
    rows = []
    for record in json.loads((data / "gerntsa_train.json").read_text(encoding="utf-8")):
        text, anchor = record["opinion_snippet"], record["target_anchor"]
        label = LABELS.index(record["sentiment"]["polarity"])
        rows.append(Row(record["id"], text, text, anchor["from"], anchor["to"], (), label))
    return rows
