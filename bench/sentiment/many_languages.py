"""Reads the target-sentiment sets of several languages; no sentence stands in two parts. Trains nothing."""

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
OWN_LABELS = Path(__file__).with_name("tone_labels.jsonl")


def read(data: Path, lang: str) -> list[Row]:
    """All targets of the language's set in ``data`` (shared/data/sentiment); a sentence is a document."""
    return {"en": _english, "ru": _russian, "de": _german}[lang](data)


def split(rows: Sequence[Row], lang: str) -> tuple[list[Row], list[Row], list[Row]]:
    """Train, dev, test by hash of the document, the same on every run. English has a test file of its own."""
    test_percent = 0 if lang == "en" else TEST_PERCENT
    parts: tuple[list[Row], list[Row], list[Row]] = ([], [], [])
    for row in rows:
        bucket = int(hashlib.sha1(row.document.encode()).hexdigest(), 16) % 100
        parts[1 if bucket < DEV_PERCENT else 2 if bucket < DEV_PERCENT + test_percent else 0].append(row)
    return parts


def own_rows(data: Path) -> dict[str, tuple[list[Row], list[Row]]]:
    """The sentences of ``data`` (shared/data) that tone_labels.jsonl points to, by language: to train, to measure.

    They speak of talks, accession, NATO and countries in stories of the relevance and threads sets. Those for
    measuring were read by two
    readers who saw neither each other's labels nor any model's answer (they agree on 95.6 %, kappa .88; what they
    differ on is left out);
    those for training by one, and none of them is of a story that is measured on. All readers were language models.
    """
    stories = {
        (name, story["id"]): story
        for name in ("relevance", "threads")
        for story in map(json.loads, (data / name / "dev.jsonl").open(encoding="utf-8"))
    }
    records = [json.loads(line) for line in OWN_LABELS.open(encoding="utf-8")]
    measured = {record["story"] for record in records if len(record["labels"]) == 2}
    rows: dict[str, tuple[list[Row], list[Row]]] = {}
    for record in records:
        read_twice = len(record["labels"]) == 2
        if len(set(record["labels"])) > 1 or (not read_twice and record["story"] in measured):
            continue
        text, begin = stories[record["set"], record["story"]][record["field"]], record["sentence_start"]
        row = Row(
            id=record["story"], document=record["story"], text=text[begin : record["sentence_end"]],
            start=record["start"] - begin, end=record["end"] - begin, further=(),
            label=LABELS.index(record["labels"][0]),
        )  # fmt: skip
        rows.setdefault(record["lang"], ([], []))[read_twice].append(row)
    return rows


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
