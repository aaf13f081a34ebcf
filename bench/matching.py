"""Measures what matching costs as topics grow: CPU time per 800-word story for 1 to 1,000 topics of 20 terms each.

    python bench/matching.py STORIES.jsonl [--topics 1000] [--terms 20]

The terms are real words of the stories, taken at all frequencies (every fifth one a stem with a wildcard, every tenth
a phrase), so many of them do match; a story is 800 words of the rows' texts. The time is of the whole judgement:
words, automaton, queries, scores and evidence.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections import Counter
from pathlib import Path

from monitor import flag
from monitor.flag.normalise import words
from monitor.model import Document
from monitor.settings import TopicSettings

STORY_WORDS = 800
STORIES = 60


def main() -> None:
    """Prints one line per number of topics."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--topics", type=int, default=1000)
    parser.add_argument("--terms", type=int, default=20)
    parser.add_argument("--profile", action="store_true", help="profile the largest case")
    options = parser.parse_args()
    chance = random.Random(1)
    rows = [json.loads(line) for line in options.data.read_text(encoding="utf-8").splitlines()]
    stories = list(make_stories(rows, chance))
    vocabulary = Counter(word for row in rows for word in words(row["text"]).folded if len(word) > 3 and word.isalpha())
    print(f"{len(stories)} stories of {STORY_WORDS} words; {len(vocabulary)} different words to make terms of\n")
    print(f"{'topics':>7}{'terms':>8}{'compile s':>11}{'ms/story':>10}{'median':>8}{'flags/story':>13}")
    for number in sorted({1, 10, 100, options.topics}):
        topics = [make_topic(index, options.terms, list(vocabulary), chance) for index in range(number)]
        began = time.process_time()
        rules = flag.compile_rules(topics)
        compiled = time.process_time() - began
        times, flags = measure(rules, stories)
        print(
            f"{number:7}{number * options.terms:8}{compiled:11.2f}{1000 * statistics.mean(times):10.2f}"
            f"{1000 * statistics.median(times):8.2f}{flags:13.1f}"
        )
    if options.profile:
        profile(rules, stories)


def make_stories(rows: list[dict[str, str]], chance: random.Random) -> list[Document]:
    """Stories of the same length, each of one language."""
    by_language: dict[str, list[str]] = {}
    for row in rows:
        by_language.setdefault(row["lang"], []).extend(row["text"].split())
    stories = []
    for index in range(STORIES):
        lang = chance.choice([lang for lang, tokens in by_language.items() if len(tokens) > STORY_WORDS])
        start = chance.randrange(len(by_language[lang]) - STORY_WORDS)
        tokens = by_language[lang][start : start + STORY_WORDS]
        text = "\n".join(" ".join(tokens[at : at + 80]) for at in range(0, STORY_WORDS, 80))
        stories.append(Document(str(index), " ".join(tokens[:10]), text, lang=lang))
    return stories


def make_topic(index: int, terms: int, vocabulary: list[str], chance: random.Random) -> TopicSettings:
    """A topic of one of three shapes: a list of alternatives; two lists that must both be found; two that must
    stand close together.
    """
    written = []
    for place in range(terms):
        word = chance.choice(vocabulary)
        if place % 5 == 4 and len(word) > 5:
            word = word[:-2] + "*"
        elif place % 10 == 3:
            word = f'"{word} {chance.choice(vocabulary)}"'
        written.append(word)
    half = terms // 2
    one, two = " OR ".join(written[:half]), " OR ".join(written[half:])
    operator = ("OR", "AND", "NEAR/12")[index % 3]
    return TopicSettings(name=f"topic-{index}", query=f"({one}) {operator} ({two})")


def measure(rules: flag.Rules, stories: list[Document]) -> tuple[list[float], float]:
    """CPU seconds for each story (the best of seven, for a machine that others use too), and flags per story."""
    times, flags = [], 0
    for story in stories:
        best = float("inf")
        for _ in range(7):
            began = time.process_time()
            verdict = rules.judge(story)
            best = min(best, time.process_time() - began)
        times.append(best)
        flags += len(verdict.flags)
    return times, flags / len(stories)


def profile(rules: flag.Rules, stories: list[Document]) -> None:
    """Where the time goes."""
    import cProfile
    import pstats

    with cProfile.Profile() as profiler:
        for story in stories:
            rules.judge(story)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(18)


if __name__ == "__main__":
    main()
