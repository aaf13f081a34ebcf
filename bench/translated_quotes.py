"""Is a translated quotation known again? python bench/translated_quotes.py [--model FOLDER]

quotes_translated.jsonl: 70 sayings of 14 invented speakers on their country's accession, each in English and three
more of nine
languages, as newsrooms would translate them; two or more of a speaker's five sayings are near one another on purpose.
Prints, over
all pairs of one speaker in different languages, how many translations are found and how many other sayings are taken
for one; and
the same at other thresholds.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from itertools import combinations
from pathlib import Path

from monitor import same_quote
from monitor.analyse import multilingual
from monitor.model import KnownQuote, Quote
from monitor.people import same_person

SAYINGS = Path(__file__).with_name("quotes_translated.jsonl")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    args = parser.parse_args()
    if args.model:
        network = multilingual.Multilingual(args.model)
        multilingual.shipped = lambda: network  # type: ignore[assignment]  # the network under test
    rows = [json.loads(line) for line in SAYINGS.read_text(encoding="utf-8").splitlines()]
    for row, meaning in zip(rows, multilingual.vectors([row["text"] for row in rows]), strict=True):
        row["meaning"] = meaning
    names: Counter[tuple[bool, bool]] = Counter()
    pairs = []
    for one, other in combinations(rows, 2):
        one_speaker = (one["saying"] - 1) // 5 == (other["saying"] - 1) // 5
        if one["lang"] != other["lang"]:
            names[one_speaker, same_person(one["speaker"], other["speaker"], loosely=True)] += 1
            pairs.append((one["saying"] == other["saying"], one_speaker, found(one, other)))
    known, apart = names[True, True] + names[True, False], names[False, True] + names[False, False]
    print(f"speakers: {names[True, True]} of {known} pairs of one person known as such, ", end="")
    print(f"{names[False, True]} of {apart} pairs of two taken for one")
    for threshold in sorted({0.3, 0.34, 0.38, 0.42, 0.46, 0.5, 0.54, same_quote.TRANSLATED}):
        hits = [cosine >= threshold for same, _, cosine in pairs if same]
        near = [cosine >= threshold for same, one_speaker, cosine in pairs if one_speaker and not same]
        far = [cosine >= threshold for same, one_speaker, cosine in pairs if not one_speaker]
        mark = "*" if threshold == same_quote.TRANSLATED else " "
        print(
            f"{mark} {threshold:.2f}  {share('translations', hits)}   {share('others of the speaker', near)}", end="   "
        )
        print(share("of others", far))


def share(name: str, taken: list[bool]) -> str:
    """How many of the pairs are taken for one saying."""
    return f"{name} {sum(taken)} of {len(taken)} ({sum(taken) / len(taken):.4f})"


def found(one: dict, other: dict) -> float:  # type: ignore[type-arg]  # JSON
    """How like the two are as translations, whatever the threshold; 0 where something else speaks against it."""
    quote = Quote("direct", (), one["text"], one["speaker"], None, None, None, True, None, one["meaning"])
    known = KnownQuote(0, other["speaker"], other["lang"], other["text"], None, other["meaning"])  # type: ignore[arg-type]
    if not same_quote._may_translate(quote, known):
        return 0.0
    return max((c for c, *_ in same_quote.likeness_of_meanings([quote.meaning], [known.meaning])), default=0.0)


if __name__ == "__main__":
    main()
