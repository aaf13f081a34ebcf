"""Measures the network of many languages by language: macro-F1, opposite signs, how right it is where it is sure.

usage: python bench/sentiment/evaluate_languages.py DATA [--model FOLDER] [--translated FOLDER]
  DATA        shared/data
  --model     another network than the shipped one
  --translated  a folder with NN.tsv for each language NN (number, tab, sentence with the [[target]]) and labels.json
                  (label by number)

Test rows of RuSentNE and GerNTSA (many_languages.py keeps them out of training) and NewsMTSC's mt file carry
published labels; the own labels are
those of many_languages.own_rows that no training saw. Ranges are those of 90 % of 300 draws with replacement.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path

from many_languages import own_rows, read, split
from news_targets import Row, macro_f1
from news_targets import read as read_newsmtsc

from monitor.analyse import multilingual
from monitor.analyse.multilingual import Multilingual
from monitor.analyse.sentiment.aggregate import SURE
from monitor.analyse.sentiment.neural import BothScorer, EnglishScorer, LanguageScorer
from monitor.analyse.sentiment.scorers import Scorer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path, default=Path(multilingual.__file__).with_name(multilingual.FOLDER))
    parser.add_argument("--translated", type=Path)
    args = parser.parse_args()
    network = Multilingual(args.model)
    multilingual.shipped = lambda: network  # type: ignore[assignment]  # the network under test
    calibrations = json.loads((args.model / "model.json").read_text())["languages"]
    print("set              lang     n   macro-F1  (neg  neu  pos)   opposite   sure of a polarity: share, right")
    for name, lang, rows in sets(args.data, args.translated):
        show(name, lang, rows, LanguageScorer(lang, calibrations, ""))
        if lang == "en":
            show(f"{name}, neural", lang, rows, EnglishScorer())
            show(f"{name}, both", lang, rows, BothScorer(EnglishScorer(), LanguageScorer(lang, calibrations, "")))


def sets(data: Path, translated: Path | None) -> list[tuple[str, str, list[Row]]]:
    """Name, language and rows of each set."""
    found = [("newsmtsc mt", "en", read_newsmtsc(data / "sentiment/newsmtsc_devtest_mt.jsonl"))]
    found += [("test rows", lang, split(read(data / "sentiment", lang), lang)[2]) for lang in ("ru", "de")]
    found += [("own labels", lang, rows) for lang, (_, rows) in own_rows(data).items() if rows]
    if translated:
        labels = json.loads((translated / "labels.json").read_text())
        for path in sorted(translated.glob("??.tsv")):
            found.append(("translated mt", path.stem, translated_rows(path, labels)))
    return found


def translated_rows(path: Path, labels: Sequence[int]) -> list[Row]:
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        number, marked = line.split("\t")
        start, end = marked.index("[["), marked.index("]]") - 2
        text = marked.replace("[[", "").replace("]]", "")
        rows.append(Row(number, number, text, start, end, (), labels[int(number)]))
    return rows


def show(name: str, lang: str, rows: Sequence[Row], scorer: Scorer) -> None:
    """One line of the table."""
    answers = scorer.probabilities([(row.text, row.start, row.end) for row in rows])
    truth = [row.label for row in rows]
    guess = [
        max(range(3), key=[p * w for p, w in zip(answer, scorer.decision, strict=True)].__getitem__)
        for answer in answers
    ]
    f1, each = macro_f1(truth, guess)
    chance = random.Random(1)
    draws = [[chance.randrange(len(rows)) for _ in rows] for _ in range(300)]
    drawn = sorted(macro_f1([truth[i] for i in draw], [guess[i] for i in draw])[0] for draw in draws)
    opposite = sum(abs(t - g) == 2 for t, g in zip(truth, guess, strict=True))
    sure = [
        (answer.index(max(answer)), t)
        for answer, t in zip(answers, truth, strict=True)
        if max(answer[0], answer[2]) >= SURE
    ]
    right = sum(a == t for a, t in sure)
    wrong_sign = sum(abs(a - t) == 2 for a, t in sure)
    by_label = "  ".join(f"{100 * value:.0f}" for value in each)
    between = f"{100 * drawn[15]:.0f}-{100 * drawn[-16]:.0f}"
    print(
        f"{name:16} {lang}  {len(rows):5}  {100 * f1:5.1f} ({between})  ({by_label})   {opposite:3}       "
        f"{len(sure):4} of {len(rows)}, {right} right, {wrong_sign} opposite"
    )


if __name__ == "__main__":
    main()
