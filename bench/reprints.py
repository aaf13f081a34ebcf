"""How well wire copies are told from independent reports: python bench/reprints.py ../shared/data/threads

Prints precision, recall and F1 of `same_story` on reprints_dev.jsonl for several thresholds, and its speed.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from monitor.same_story import COPY_CONTAINMENT, MIN_SHARED, containment, sketch


def main(folder: Path) -> None:
    """Score the labelled pairs; pairs marked unclear are left out."""
    rows = [json.loads(line) for line in (folder / "reprints_dev.jsonl").open(encoding="utf-8")]
    pairs = [row for row in rows if row["label"] != "unclear"]
    started = time.process_time()
    scored = [
        (row["label"] == "reprint", *containment(sketch(row["a"]["text"]), sketch(row["b"]["text"]))) for row in pairs
    ]
    spent = time.process_time() - started
    print(f"{len(pairs)} pairs, {2 * len(pairs) / spent:.0f} texts sketched per CPU second")
    print("containment  precision  recall  F1")
    for threshold in (0.2, 0.26, 0.3, COPY_CONTAINMENT, 0.4, 0.5):
        called = [share >= threshold and shared >= MIN_SHARED for _, share, shared in scored]
        right = sum(call and truth for call, (truth, *_) in zip(called, scored, strict=True))
        precision = right / max(1, sum(called))
        recall = right / sum(truth for truth, *_ in scored)
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        print(f"{threshold:11.2f}  {precision:9.3f}  {recall:6.3f}  {f1:.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
