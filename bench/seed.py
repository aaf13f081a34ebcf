"""The article that the project started from: python bench/seed.py ../shared/data/seed

Prints a row for each thing that an analyst must be told of it, with what the program says; exit code 1 if one is wrong.
tests/test_seed_story.py checks the same on a retelling.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from monitor import work
from monitor.model import Document
from monitor.settings import DEFAULT_TOPICS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    (file,) = parser.parse_args().folder.glob("*.txt")
    title, _, text = file.read_text(encoding="utf-8").strip().partition("\n")
    kit = work.tools(work.AnalysisSettings(topics=DEFAULT_TOPICS).model_dump_json())
    analysis = work.analyse(Document(id="seed", title=title, text=text.strip()), kit)
    talks = next((target for target in analysis.sentiment.targets if target.kind == "talks"), None)
    said = {
        words: sorted({f"{q.speaker} ({q.country}) {q.stance}" for q in analysis.quotes if words in q.text})
        for words in ("goes in circles", "very toxic", "can forget about", "red line")
    }
    by_tikhy = [q.text for q in analysis.quotes if q.speaker and "Tikhy" in q.speaker]
    candidates = [country.country for country in analysis.countries if country.role == "candidate"]
    outlook = analysis.prospects
    rows = (
        ("flagged", ", ".join(f"{f.topic} {f.score:.3f}" for f in analysis.flags if f.flagged), bool(analysis.flags)),
        ("candidate", ", ".join(candidates), candidates == ["UA"]),
        (
            "tone toward the talks",
            f"{talks and talks.label} {talks and talks.score:.2f} ({analysis.sentiment.scorer})",
            bool(talks and talks.score is not None and talks.score < -0.2 and talks.label in ("negative", None)),
        ),
        (
            "prospects",
            f"{outlook and outlook.label} {outlook and outlook.confidence:.2f}",
            bool(outlook and outlook.label == "unfavourable"),
        ),
        *(
            (f'"{words}"', "; ".join(found), len(found) == 1 and whose in found[0])
            for (words, found), whose in zip(
                said.items(), ("Tikhy (UA)", "Tikhy (UA)", "Trump (US) opposes", "(RU) opposes"), strict=True
            )
        ),
        (
            "nothing else is Tikhy's",
            str(len(by_tikhy)),
            all("circles" in words or "toxic" in words for words in by_tikhy),
        ),
    )
    for name, value, right in rows:
        print(f"{'ok   ' if right else 'WRONG'} {name:24} {value}")
    raise SystemExit(not all(right for *_, right in rows))


if __name__ == "__main__":
    main()
