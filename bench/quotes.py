"""How well the quotes room finds quotations, their speakers, countries and stance, on labelled stories.

    python bench/quotes.py DATA [--errors] [--lang en,ru] [--kind direct]

DATA is the folder with ``quotes/dev.jsonl`` and ``relevance/dev.jsonl``. A match is one record of the same kind whose
characters overlap with the gold record's by a Jaccard index of at least 0.8; a speaker is right when the last word of
the gold name is in the answer, compared by stems. Precision is counted on the labelled stories only, the five without
any record included. Weights are fitted on the same stories: see quotes_weights.py for cross-validated figures.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.analyse.quotes import quotes
from monitor.model import Document, Quote

EMPTY = ("rel-dev-0190", "rel-dev-0261", "rel-dev-0272", "rel-dev-0311", "rel-dev-0466")
STANCES = ("supports", "opposes", "conditional", "neutral")
MATCH = 0.8


@dataclass
class Tally:
    """Counts of one group of records."""

    gold: int = 0
    found: int = 0
    matched: int = 0
    speakers: list[bool] = field(default_factory=list)
    wrong_speakers: int = 0  # answered, but somebody else
    about: list[bool] = field(default_factory=list)
    stances: list[tuple[str, str]] = field(default_factory=list)
    roles: list[bool] = field(default_factory=list)
    countries: list[bool] = field(default_factory=list)

    def f1(self) -> float:
        return 2 * self.matched / max(self.gold + self.found, 1)


def main() -> None:
    """Reads the data, runs the room, prints the tables."""
    args = _arguments()
    stories = {story["id"]: story for story in _lines(args.data / "relevance" / "dev.jsonl")}
    gold: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in _lines(args.data / "quotes" / "dev.jsonl"):
        gold[record["story_id"]].append(record)
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    forms: dict[str, list[bool]] = defaultdict(list)
    false_alarms = 0
    for story_id in sorted(set(gold) | set(EMPTY)):
        story = stories[story_id]
        if args.lang and story["lang"] not in args.lang.split(","):
            continue
        document = Document(id=story_id, title=story["title"], text=story["text"], lang=story["lang"])
        answers = list(quotes(document))
        false_alarms += len(answers) if story_id in EMPTY else 0
        _score(story, gold[story_id], answers, tallies, forms, args)
    _print(tallies, forms, false_alarms)
    _print_speed([stories[story_id] for story_id in gold])


def _score(
    story: dict[str, Any],
    gold: list[dict[str, Any]],
    answers: list[Quote],
    tallies: dict[tuple[str, str], Tally],
    forms: dict[str, list[bool]],
    args: argparse.Namespace,
) -> None:
    for kind in ("direct", "indirect"):
        groups = [tallies[kind, "all"], tallies[kind, story["lang"]]]
        ours = [answer for answer in answers if answer.kind == kind]
        theirs = [record for record in gold if record["kind"] == kind]
        for tally in groups:
            tally.gold += len(theirs)
            tally.found += len(ours)
        free = list(ours)
        for record in theirs:
            best = max(free, key=lambda one: _jaccard(one.spans, record["spans"]), default=None)
            if best is None or _jaccard(best.spans, record["spans"]) < MATCH:
                _tell(args, kind, story, "MISSED", record, None)
                continue
            free.remove(best)
            right = is_speaker_right(best.speaker, record["speaker"])
            for tally in groups:
                tally.matched += 1
                if record["speaker"]:
                    tally.speakers.append(right)
                    tally.wrong_speakers += best.speaker is not None and not right
                tally.about.append(best.about_accession == record["about_accession"])
                if record["about_accession"]:
                    tally.stances.append((record["stance"], best.stance or "none"))
                if record["role"] and right:
                    tally.roles.append(_is_role_right(best.role, record["role"]))
                if right:
                    tally.countries.append(best.country == record["country"])
            if record["speaker"]:
                if kind == "direct":
                    forms[record["speaker_form"]].append(right)
                if not right:
                    _tell(args, kind, story, "SPEAKER", record, best)
            if best.about_accession != record["about_accession"]:
                _tell(args, kind, story, "ABOUT", record, best)
            elif best.stance != record["stance"]:
                _tell(args, kind, story, "STANCE", record, best)
            if right and best.country != record["country"]:
                _tell(args, kind, story, "COUNTRY", record, best)
        for extra in free:
            _tell(args, kind, story, "EXTRA", None, extra)


def is_speaker_right(answer: str | None, gold: str | None) -> bool:
    """Whether the last word of the gold name is in the answer, by stems."""
    if not answer or not gold:
        return False
    return any(_same_stem(_words(one)[-1], word) for one in gold.split(";")[:1] for word in _words(answer))


def _is_role_right(answer: str | None, gold: str) -> bool:
    if not answer:
        return False
    return any(_same_stem(one, other) for one in _words(gold) for other in _words(answer) if len(one) > 3)


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return re.findall(r"\w+", plain) or [""]


def _same_stem(one: str, other: str) -> bool:
    if one == other:
        return True
    size = max(3, min(len(one), len(other)) - 2)
    return len(one) > 3 and len(other) > 3 and one[:size] == other[:size] and abs(len(one) - len(other)) <= 3


def _jaccard(one: Any, other: Any) -> float:
    a = {at for start, end in one for at in range(start, end)}
    b = {at for start, end in other for at in range(start, end)}
    return len(a & b) / max(len(a | b), 1)


def _print(tallies: dict[tuple[str, str], Tally], forms: dict[str, list[bool]], false_alarms: int) -> None:
    print(f"{'kind':9}{'lang':5}{'gold':>5}{'found':>6}{'match':>6}{'P':>6}{'R':>6}{'F1':>6}"
          f"{'speaker':>9}{'wrong':>6}{'about':>7}{'role':>6}{'country':>8}{'stance':>7}")  # fmt: skip
    for (kind, lang), tally in sorted(tallies.items(), key=lambda one: (one[0][0], one[0][1] != "all", one[0][1])):
        precision = tally.matched / max(tally.found, 1)
        recall = tally.matched / max(tally.gold, 1)
        accuracy = _mean([gold == ours for gold, ours in tally.stances])
        print(f"{kind:9}{lang:5}{tally.gold:5}{tally.found:6}{tally.matched:6}{precision:6.2f}{recall:6.2f}{tally.f1():6.3f}"
              f"{_mean(tally.speakers):>9}{tally.wrong_speakers:6}{_mean(tally.about):>7}{_mean(tally.roles):>6}"
              f"{_mean(tally.countries):>8}{accuracy:>7}")  # fmt: skip
    print("\nspeaker of matched direct records by form of attribution:",
          ", ".join(f"{form} {sum(right)}/{len(right)}" for form, right in sorted(forms.items())))  # fmt: skip
    print("answers in the five stories without a record:", false_alarms)
    for kinds in (("direct",), ("indirect",), ("direct", "indirect")):
        pairs = [pair for kind in kinds for pair in tallies[kind, "all"].stances]
        known = [(gold, ours) for gold, ours in pairs if ours != "none"]
        print(f"stance, matched about-accession records ({'+'.join(kinds)}, n={len(pairs)}): "
              f"macro-F1 {macro_f1(pairs):.3f}, accuracy {_mean([a == b for a, b in pairs])}; "
              f"of those that we call about accession too (n={len(known)}): "
              f"{macro_f1(known):.3f}, {_mean([a == b for a, b in known])}")  # fmt: skip
    print(
        "  confusion (gold -> ours):",
        dict(Counter(tallies["direct", "all"].stances + tallies["indirect", "all"].stances)),
    )


def macro_f1(pairs: list[tuple[str, str]]) -> float:
    """Mean F1 of the four stances."""
    scores = []
    for label in STANCES:
        both = sum(gold == ours == label for gold, ours in pairs)
        either = sum(gold == label for gold, _ in pairs) + sum(ours == label for _, ours in pairs)
        scores.append(2 * both / either if either else 0.0)
    return sum(scores) / len(scores)


def _print_speed(stories: list[dict[str, Any]]) -> None:
    documents = [Document(id=one["id"], title=one["title"], text=one["text"], lang=one["lang"]) for one in stories]
    n_words = sum(len(one.text.split()) for one in documents)
    used_ms = min(_cpu_ms(documents) for _ in range(5))
    print(f"speed: {used_ms / n_words * 500:.2f} ms CPU for 500 words ({len(documents)} stories, {n_words} words)")


def _cpu_ms(documents: list[Document]) -> float:
    started = time.process_time()
    for document in documents:
        quotes(document)
    return (time.process_time() - started) * 1000


def _mean(values: list[bool]) -> str:
    return f"{sum(values) / len(values):.2f}" if values else "-"


def _tell(
    args: argparse.Namespace, kind: str, story: dict[str, Any], what: str,
    gold: dict[str, Any] | None, ours: Quote | None,
) -> None:  # fmt: skip
    if not args.errors or (args.kind and kind != args.kind) or (args.what and what not in args.what.split(",")):
        return
    span = gold["spans"][0] if gold else ours.spans[0] if ours else (0, 0)
    print(f"{what} {kind} {story['id']} {story['lang']}")
    if gold:
        print(f"   gold: {gold['speaker']!r} ({gold['speaker_surface']!r}) {gold['country']} {gold['stance']}")
        print(f"         {gold['spans']}")
    if ours:
        print(f"   ours: {ours.speaker!r} ({ours.speaker_surface!r}) {ours.country} {ours.stance} {ours.spans}")
    end = (gold["spans"] if gold else ours.spans if ours else [(0, 0)])[-1][1]
    text = story["text"]
    print(
        "   ..."
        + text[max(0, span[0] - 110) : span[0]]
        + "[["
        + text[span[0] : end][:260]
        + "]]"
        + text[end : end + 90]
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with quotes/ and relevance/")
    parser.add_argument("--errors", action="store_true", help="show every miss")
    parser.add_argument("--lang", help="only these languages, by comma")
    parser.add_argument("--kind", choices=("direct", "indirect"), help="errors of this kind only")
    parser.add_argument("--what", help="errors of these sorts only: MISSED,EXTRA,SPEAKER,ABOUT,STANCE,COUNTRY")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
