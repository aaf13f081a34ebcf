"""Scores page extraction on pages with truth: body, title, date, authors, pages per CPU second; beside trafilatura.

    python bench/pages.py ../shared/data/pages [--sample N] [--compare] [--misses]

Body: 4-gram shingles of words (of characters in scripts without spaces), as in evaluate.py of
scrapinghub/article-extraction-benchmark: true and false positives are counted by page, precision and recall averaged
over pages, F1 made of the two averages; "< .5" counts pages whose own F1 is below one half. Title and authors: equal
after case, white space and punctuation are evened out; "author": one of them is right, "all": the whole set is. Date:
to the day, as the page's own clock shows it, and in UTC. Speed: CPU seconds of this process; with --compare
trafilatura's default reads each page in turn in the same run, so that the machine's load falls on both.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import statistics
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

_NO_SPACES = {"zh", "ja", "th"}
_WARM_UP = 15


@dataclass(frozen=True)
class Reading:
    """What an extractor says about one page."""

    title: str
    authors: tuple[str, ...]
    day: str  # YYYY-MM-DD, by the page's own clock
    text: str
    status: str = ""
    utc_day: str = ""


@dataclass
class Scores:
    """What an extractor reached over many pages."""

    precision: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)  # ids of pages whose own F1 is below one half
    empty: int = 0
    titles: list[bool] = field(default_factory=list)
    days: list[bool] = field(default_factory=list)
    utc_days: list[bool] = field(default_factory=list)
    any_author: list[bool] = field(default_factory=list)
    all_authors: list[bool] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def f1(self) -> float:
        return harmonic(mean(self.precision), mean(self.recall))


def mean(values: Iterable[float]) -> float:
    """0 for nothing."""
    values = list(values)
    return statistics.fmean(values) if values else 0.0


def harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0


def shingles(text: str, lang: str | None) -> Counter[tuple[str, ...]]:
    """Counted 4-grams of the text's words."""
    words = re.findall(r"\w" if lang in _NO_SPACES else r"\w+", text)
    return Counter(tuple(words[i : i + 4]) for i in range(max(1, len(words) - 3))) if words else Counter()


def overlap(truth: str, text: str, lang: str | None) -> tuple[float, float, float]:
    """(true positives, false positives, false negatives) of the text's shingles."""
    a, b = shingles(truth, lang), shingles(text, lang)
    both = sum((a & b).values())
    return both, sum(b.values()) - both, sum(a.values()) - both


def page_f1(truth: str, text: str, lang: str | None) -> float:
    tp, fp, fn = overlap(truth, text, lang)
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 1.0


def plain(text: str | None) -> str:
    """For exact comparison: compatibility forms, case, punctuation and white space evened out."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text or "").casefold()))


def note(scores: Scores, page: dict[str, Any], truth: str | None, reading: Reading) -> None:
    """Add one page's result to the scores; fields without truth are not scored."""
    if truth is not None:
        tp, fp, fn = overlap(truth, reading.text, page["lang"])
        if tp + fp:
            scores.precision.append(tp / (tp + fp))
        else:
            scores.empty += 1
        if tp + fn:
            scores.recall.append(tp / (tp + fn))
        if 2 * tp / max(2 * tp + fp + fn, 1) < 0.5:
            scores.bad.append(page["id"])
    if page["title"]:
        scores.titles.append(plain(page["title"]) == plain(reading.title))
    if page["date"]:
        scores.days.append(page["date"] == reading.day)
        scores.utc_days.append(page["date"] == (reading.utc_day or reading.day))
    if page["authors"]:
        want, got = {plain(name) for name in page["authors"]}, {plain(name) for name in reading.authors}
        scores.any_author.append(bool(want & got))
        scores.all_authors.append(want == got)


def ours(body: bytes, page: dict[str, Any]) -> Reading:
    from monitor.errors import ExtractError
    from monitor.extract import extract

    try:
        article = extract(body, url=page["url"])
    except ExtractError:
        return Reading("", (), "", "", "error")
    day = article.published_at.date().isoformat() if article.published_at else ""
    utc_day = article.published_at.astimezone(UTC).date().isoformat() if article.published_at else ""
    return Reading(article.title, article.authors, day, article.text, article.status.value, utc_day)


def trafilatura_default(body: bytes, page: dict[str, Any]) -> Reading:
    from trafilatura import bare_extraction
    from trafilatura.settings import Document

    found = bare_extraction(body, url=page["url"], with_metadata=True)
    if not isinstance(found, Document):
        return Reading("", (), "", "")
    authors = tuple(name.strip() for name in (found.author or "").split(";") if name.strip())
    return Reading(found.title or "", authors, found.date or "", found.text or "")


EXTRACTORS: dict[str, Callable[[bytes, dict[str, Any]], Reading]] = {
    "monitor": ours,
    "trafilatura default": trafilatura_default,
}


def load(data: Path, sample: int | None) -> list[dict[str, Any]]:
    """The manifest's pages; of a sample every run takes the same ones."""
    pages = [json.loads(line) for line in (data / "MANIFEST.jsonl").read_text("utf-8").splitlines()]
    return random.Random(1).sample(pages, sample) if sample else pages


def truth_of(data: Path, page: dict[str, Any]) -> str | None:
    path = data / page["truth"] if page.get("truth") else None
    return path.read_text("utf-8") if path and path.is_file() else None


def run(
    data: Path, pages: list[dict[str, Any]], names: list[str]
) -> tuple[dict[str, dict[str, Scores]], dict[str, Counter[str]]]:
    """Scores by extractor and language ("" is all), and counts of statuses by extractor."""
    table: dict[str, dict[str, Scores]] = {name: {"": Scores()} for name in names}
    statuses: dict[str, Counter[str]] = {name: Counter() for name in names}
    for page in pages[:_WARM_UP]:
        body = gzip.decompress((data / page["file"]).read_bytes())
        for name in names:
            EXTRACTORS[name](body, page)
    for number, page in enumerate(pages):
        body, truth = gzip.decompress((data / page["file"]).read_bytes()), truth_of(data, page)
        for name in names if number % 2 else reversed(names):
            began = time.process_time()
            reading = EXTRACTORS[name](body, page)
            seconds = time.process_time() - began
            statuses[name][reading.status] += 1
            for key in ("", page["lang"]):
                scores = table[name].setdefault(key, Scores())
                scores.seconds.append(seconds)
                note(scores, page, truth, reading)
    return table, statuses


def show(name: str, scores: Scores) -> str:
    ms = sorted(1000 * s for s in scores.seconds)
    body = f"{len(scores.recall):5} {mean(scores.precision):6.3f} {mean(scores.recall):6.3f} {scores.f1:6.3f}"
    bad = f"{len(scores.bad):4} {scores.empty:5}"
    facts = (scores.titles, scores.days, scores.utc_days, scores.any_author, scores.all_authors)
    speed = f"{len(ms) / max(sum(ms) / 1000, 1e-9):8.1f}"
    tail = f"{ms[len(ms) // 2]:6.1f} {ms[int(len(ms) * 0.99)]:7.1f} {ms[-1]:7.1f}"
    return f"{name:22} {body} {bad} {' '.join(f'{mean(fact):6.3f}' for fact in facts)} {speed} {tail}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sample", type=int, help="score only N pages, always the same")
    parser.add_argument("--compare", action="store_true", help="run trafilatura's default beside")
    parser.add_argument("--misses", action="store_true", help="name the pages under F1 .5")
    options = parser.parse_args()
    names = list(EXTRACTORS) if options.compare else ["monitor"]
    table, statuses = run(options.data, load(options.data, options.sample), names)
    print(" " * 23 + "pages      P      R     F1  <.5 empty  title   date in UTC author    all", end="")
    print("  pages/s p50 ms     p99     max")
    for name in names:
        print(show(name, table[name][""]))
    if options.compare:
        ratio = sum(table[names[1]][""].seconds) / sum(table[names[0]][""].seconds)
        print(f"\npages per CPU second, monitor / trafilatura default: {ratio:.2f}")
    print("\nby language (pages with a body)")
    for key in sorted((k for k in table["monitor"] if k), key=lambda k: -len(table["monitor"][k].recall)):
        for name in names:
            if table[name][key].recall:
                print(show(f"{key} {name}", table[name][key]))
    print("\nstatuses:", dict(statuses["monitor"]))
    if options.misses:
        print("under F1 .5:", *table["monitor"][""].bad, sep="\n  ")


if __name__ == "__main__":
    main()
