"""Real pages with truth: a sample, to see that nothing broke. bench/pages.py measures all of them."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from monitor.extract import extract

_NO_SPACES = {"zh", "ja", "th"}


def _shingles(text: str, lang: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w" if lang in _NO_SPACES else r"\w+", text)
    return Counter(tuple(words[i : i + 4]) for i in range(max(1, len(words) - 3)))


def test_sample_of_real_pages(data_dir: Path) -> None:
    """Sixty pages of all kinds: mean F1 of the body over .9, and at most three lost."""
    folder = data_dir / "pages"
    if not folder.is_dir():
        pytest.skip("no pages in the evaluation data")
    manifest = [json.loads(line) for line in (folder / "MANIFEST.jsonl").read_text("utf-8").splitlines()]
    scores = []
    for page in random.Random(7).sample([page for page in manifest if page["truth"]], 60):
        truth = _shingles((folder / page["truth"]).read_text("utf-8"), page["lang"])
        text = _shingles(
            extract(gzip.decompress((folder / page["file"]).read_bytes()), url=page["url"]).text, page["lang"]
        )
        scores.append(2 * sum((truth & text).values()) / (sum(truth.values()) + sum(text.values())))
    assert sum(scores) / len(scores) > 0.9
    assert sum(score < 0.5 for score in scores) <= 3
