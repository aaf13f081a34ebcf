"""How fast `monitor analyse` is, by its parts: python bench/analyse.py ../shared/data/relevance/dev.jsonl

One process, CPU time; loading is not counted. --scorer names the sentiment scorer; "all but tone" leaves it out.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from monitor import work
from monitor.analyse import language
from monitor.analyse.prospects import prospects
from monitor.analyse.quotes import quotes
from monitor.contracts import document_of
from monitor.model import Sentiment
from monitor.settings import DEFAULT_TOPICS, SentimentSettings

NO_TONE = Sentiment(None, None, None, (), None)


def main() -> None:
    """Measure each part over all stories."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--scorer", default="linear")
    options = parser.parse_args()
    documents = [document_of(json.loads(line), n) for n, line in enumerate(options.data.open(encoding="utf-8"), 1)]
    settings = work.AnalysisSettings(topics=DEFAULT_TOPICS, sentiment=SentimentSettings(scorer=options.scorer))
    kit = work.tools(settings.model_dump_json())
    for document in documents:
        work.analyse(document, kit)  # fills the caches
    known = [replace(d, lang=language.detect(f"{d.title}\n{d.text}", d.lang)) for d in documents]
    verdicts = [kit.rules.judge(document) for document in known]
    matched = [(document, verdict) for document, verdict in zip(known, verdicts, strict=True) if verdict.flags]
    said = [quotes(document) for document, _ in matched]
    parts: dict[str, Callable[[], object]] = {
        "language": lambda: [language.detect(f"{d.title}\n{d.text}", d.lang) for d in documents],
        "flag": lambda: [kit.rules.judge(document) for document in known],
        "quotes": lambda: [quotes(document) for document, _ in matched],
        "prospects": lambda: [
            prospects(document, verdict.flags[0], NO_TONE, quoted)
            for (document, verdict), quoted in zip(matched, said, strict=True)
        ],
        "everything": lambda: [work.analyse(document, kit) for document in documents],
    }
    spent = {name: cpu_s(part) for name, part in parts.items()}
    rest = sum(spent[name] for name in ("language", "flag", "quotes", "prospects"))
    print(f"{len(documents)} stories, {len(matched)} matched by the topic")
    for name, seconds in {**spent, "all but tone": rest}.items():
        print(f"{name:13} {seconds * 1000 / len(documents):6.2f} ms a story  {len(documents) / seconds:7.0f} stories/s")


def cpu_s(part: Callable[[], object]) -> float:
    """CPU seconds of the best of three runs."""
    found = []
    for _ in range(3):
        started = time.process_time()
        part()
        found.append(time.process_time() - started)
    return min(found)


if __name__ == "__main__":
    main()
