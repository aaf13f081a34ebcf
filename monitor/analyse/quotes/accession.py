"""Whether a statement is about a country's joining the alliance, and what its speaker wants: counted words, weights.

The words stand in ``lexicon/quotes/accession.yaml``, the weights in ``weights.json`` beside this module (made by
``bench/quotes_weights.py`` from labelled statements).
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from typing import Any, cast

from monitor import lexicon
from monitor.analyse.quotes.indirect import Reported
from monitor.analyse.quotes.story import Speaker, Story
from monitor.analyse.quotes.words import VERB, Tag, country_of
from monitor.model import StanceLabel
from monitor.text import Span

Features = dict[str, float]

_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_CUES = (
    "support", "support_weak", "refusal", "oppose", "oppose_weak", "conditional", "conditional_weak", "report",
    "negation", "neutral", "join", "weak",
)  # fmt: skip
_GROUPS = ("nato", *_CUES)
_FRAGMENT = 60  # characters below which a statement is read together with its sentence
_SHARED = 0.5  # weight of what the same speaker says elsewhere in the story
_STANCES: tuple[StanceLabel, ...] = ("supports", "opposes", "conditional", "neutral")
_NEAR = 1  # sentences before a statement that may say what it is about


def topic_features(
    story: Story, title: str, spans: Sequence[Span], before: Sequence[Span] | None, speaker: Speaker | None
) -> Features:
    """What tells whether a statement is about an accession: words of it, of its sentence, of what stands before.

    ``before`` are the spans of the same speaker's statement right before this one.
    """
    inside = _counts_of(story, spans)
    around = _counts_of(story, _sentences_around(story, spans))
    earlier = _counts_of(story, _sentence_before(story, spans, speaker))
    previous = _counts_of(story, before or ())
    headline = _counts(title)
    features: Features = {"bias": 1.0}
    for prefix, counts in (("q", inside), ("s", around), ("p", earlier), ("b", previous)):
        join, nato = counts["join"] > 0, counts["nato"] > 0
        features[f"{prefix}_join"] = float(join)
        features[f"{prefix}_nato"] = float(nato)
        features[f"{prefix}_both"] = float(join and nato)
        features[f"{prefix}_weak"] = float(counts["weak"] > 0)
        features[f"{prefix}_weak_nato"] = float(counts["weak"] > 0 and nato)
        features[f"{prefix}_neutral"] = float(counts["neutral"] > 0)
        features[f"{prefix}_candidate"] = float(counts["candidate"] > 0)
    features["title_both"] = float(headline["join"] + headline["weak"] > 0 and headline["nato"] > 0)
    features["q_long"] = float(sum(end - start for start, end in spans) > 200)
    features["q_join_context"] = float(inside["join"] > 0 and around["nato"] + earlier["nato"] > 0)
    features["s_join_context"] = float(around["join"] > 0 and around["nato"] + earlier["nato"] > 0)
    features["q_refusal"] = float(inside["refusal"] > 0 and around["nato"] + around["join"] > 0)
    features["follows"] = float(before is not None)
    return features


def report_features(story: Story, title: str, reported: Reported) -> Features:
    """What tells whether a reported clause is a statement about an accession worth a record."""
    features = topic_features(story, title, [reported.span], None, None)
    start, end = reported.span
    tokens = [token for token in reported.sentence.tokens if token.end <= start or token.start >= end]
    features["is_act"] = float(reported.is_act)
    features["act_q_both"] = features["is_act"] * features["q_both"]
    features["act_q_join"] = features["is_act"] * features["q_join"]
    features["according"] = float(any(token.tag & (Tag.ACCORDING | Tag.ZUFOLGE) for token in tokens))
    features["says"] = float(any(token.tag & VERB for token in tokens))
    figure = reported.speaker.figure
    features["person"] = float(figure is not None)
    features["unnamed"] = float(figure is None and reported.speaker.role is not None)
    features["short"] = float(end - start < 40)
    features["very_long"] = float(end - start > 220)
    quoted = sum(max(0, min(one.end, end) - max(one.start, start)) for one in reported.sentence.quotes)
    features["mostly_quoted"] = float(quoted > 0.8 * (end - start))
    features["sentence_start"] = float(start == reported.sentence.start)
    return features


def stance_features(story: Story, spans: Sequence[Span], speaker: Speaker | None, *, indirect: bool) -> Features:
    """What tells a statement's stance: its cue words, those of its sentence, and whom its speaker speaks for."""
    around = _counts_of(story, _sentences_around(story, spans))
    # a fragment says little without its sentence
    inside = around if sum(end - start for start, end in spans) < _FRAGMENT else _counts_of(story, spans)
    country = speaker.country if speaker else None
    features: Features = {"bias": 1.0, "indirect": float(indirect)}
    for group in _CUES:
        features[f"q_{group}"] = min(inside[group], 3) / 3
        features[f"q_{group}_any"] = float(inside[group] > 0)
        features[f"s_{group}_any"] = float(around[group] - inside[group] > 0)
    sides = {
        "RU": country in ("RU", "BY"),
        "TR_HU": country in ("TR", "HU", "HR", "SK", "GR"),
        "NATO": country == "NATO",
        "US": country == "US",
        "candidate": country in _candidate_codes() and country not in ("RU", "BY"),
        "nobody": country is None,
    }
    sides["other"] = not any(sides.values())
    for side, is_theirs in sides.items():
        features[f"from_{side}"] = float(is_theirs)
    features["own_bid"] = float(country in _candidate_codes() and inside[f"country_{country}"] > 0)
    features["negated"] = features["q_negation_any"] * features["q_join_any"]
    features["conditional_support"] = features["q_conditional_any"] * features["q_support_any"]
    features["oppose_RU"] = features["q_oppose_any"] * features["from_RU"]
    return features


def is_about(features: Mapping[str, float]) -> bool:
    """Whether a direct quotation with these features is about an accession."""
    return probability("about", features) >= float(_weights()["thresholds"]["about"])


def is_report(features: Mapping[str, float]) -> bool:
    """Whether a reported clause with these features is a statement about an accession."""
    return probability("report", features) >= float(_weights()["thresholds"]["report"])


def probability(model: str, features: Mapping[str, float]) -> float:
    """Logistic regression: the probability of yes."""
    weights = _weights()[model]
    total = sum(value * weights.get(name, 0.0) for name, value in features.items() if value)
    return 1.0 / (1.0 + math.exp(-max(min(total, 30.0), -30.0)))


def stances_of(statements: Sequence[tuple[str | None, Features]]) -> list[StanceLabel]:
    """The stance of each (speaker, features) of one story.

    Multinomial logistic regression; what a speaker says elsewhere in the story counts half,
    for few change sides within one.
    """
    scores = [stance_scores(features, _weights()["stance"]) for _, features in statements]
    return [max(_STANCES, key=lambda label: shared[label]) for shared in shared_scores(statements, scores)]


def stance_scores(
    features: Mapping[str, float], weights: Mapping[str, Mapping[str, float]]
) -> dict[StanceLabel, float]:
    """Log-probability of each stance."""
    raw = {
        label: sum(value * weights[label].get(name, 0.0) for name, value in features.items() if value)
        for label in _STANCES
    }
    top = max(raw.values())
    total = top + math.log(sum(math.exp(value - top) for value in raw.values()))
    return {label: value - total for label, value in raw.items()}


def shared_scores(
    statements: Sequence[tuple[str | None, Features]], scores: Sequence[dict[StanceLabel, float]]
) -> list[dict[StanceLabel, float]]:
    """Scores with the mean of the same speaker's other statements added."""
    found = []
    for number, (speaker, _) in enumerate(statements):
        others = [
            scores[other] for other, (name, _) in enumerate(statements) if other != number and name and name == speaker
        ]
        found.append({
            label: own + _SHARED * (sum(other[label] for other in others) / len(others) if others else 0.0)
            for label, own in scores[number].items()
        })  # fmt: skip
    return found


@cache
def _weights() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("weights.json").read_text(encoding="utf-8")
    return cast("dict[str, Any]", json.loads(text))


@cache
def _candidate_codes() -> frozenset[str]:
    return frozenset(one.code for one in lexicon.countries() if one.candidate)


def _sentences_around(story: Story, spans: Sequence[Span]) -> list[Span]:
    found: list[Span] = []
    for start, end in spans:
        for at in (start, end - 1):
            sentence = story.sentence_at(at)
            if sentence is not None and (sentence.start, sentence.end) not in found:
                found.append((sentence.start, sentence.end))
    return found


def _sentence_before(story: Story, spans: Sequence[Span], speaker: Speaker | None) -> list[Span]:
    """What stands right before, unless somebody else says it."""
    sentence = story.sentence_at(spans[0][0])
    if sentence is None:
        return []
    first = max(sentence.number - _NEAR, 0)
    return [
        (one.start, one.end)
        for one in story.sentences[first : sentence.number]
        if one.speaker is None or speaker is None or one.speaker.name == speaker.name
    ]


def _counts_of(story: Story, spans: Sequence[Span]) -> Counter[str]:
    total: Counter[str] = Counter()
    for start, end in spans:
        total.update(_counts(story.text[start:end]))
    return total


@lru_cache(maxsize=256)
def _counts(text: str) -> Counter[str]:
    total: Counter[str] = Counter()
    words = [word.casefold().replace("’", "'") for word in _WORD.findall(text)]
    phrases = _phrases()
    for index, word in enumerate(words):
        for group in _groups_of(word):
            total[group] += 1
        for phrase, groups in phrases.get(word, ()):
            if words[index : index + len(phrase)] == phrase:
                total.update(groups)
    return total


@lru_cache(maxsize=50000)
def _groups_of(word: str) -> tuple[str, ...]:
    exact, prefixes = _table()
    groups = set(exact.get(word, ()))
    for size in range(3, len(word) + 1):
        groups.update(prefixes.get(word[:size], ()))
    if "n't" in word:
        groups.add("negation")
    if "-" in word:
        for part in word.split("-"):
            groups.update(_groups_of(part))
    code = country_of(word)
    if code in _candidate_codes():
        groups.update(("candidate", f"country_{code}"))
    return tuple(sorted(groups))


@cache
def _phrases() -> dict[str, list[tuple[list[str], tuple[str, ...]]]]:
    """Entries of several words by their first word."""
    found: dict[str, list[tuple[list[str], tuple[str, ...]]]] = {}
    data = lexicon.load("quotes/accession")
    for group in _GROUPS:
        for entry in data[group].split():
            phrase = entry.casefold().split("_")
            if len(phrase) > 1:
                found.setdefault(phrase[0], []).append((phrase, (group,)))
    return found


@cache
def _table() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    exact: dict[str, tuple[str, ...]] = {}
    prefixes: dict[str, tuple[str, ...]] = {}
    data = lexicon.load("quotes/accession")
    for group in _GROUPS:
        for entry in data[group].split():
            if "_" in entry:
                continue
            table = prefixes if entry.endswith("*") else exact
            stem = entry.rstrip("*").casefold()
            table[stem] = (*table.get(stem, ()), group)
    return exact, prefixes
