"""What a story says about a country's accession, sentence by sentence, as numbers that do not depend on the language. Weighs nothing.

A sentence *speaks of accession* as far as an accession word and the alliance stand close together in it; a sentence without the alliance's
name carries on when its neighbour speaks of it and a candidate country is named.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monitor.flag.evaluate import Hit, Scene, Test
from monitor.model import FieldName
from monitor.text import paragraphs, sentences

LEAD_WORDS = 60
_NEAR, _FAR = 4, 12  # words between accession word and alliance: same phrase, same clause
STRONG = 0.55


@dataclass(slots=True)
class Sentence:
    """One sentence with what was found in it."""

    field: FieldName
    start: int
    end: int
    first: int  # word numbers
    after: int
    paragraph: int  # 0: the title
    strength: float = 0.0
    hits: list[Hit] = field(default_factory=list)  # accession words and the alliance as linked
    cues: dict[str, int] = field(default_factory=dict)  # how many hits of each other lexicon entry
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """A story as it speaks of accession."""

    features: Mapping[str, float]
    carrying: tuple[Sentence, ...]  # the sentences that carry the score
    candidates: tuple[str, ...]  # countries whose accession is concerned


def lead_end(starts: Sequence[int], body_start: int, spans: Sequence[tuple[int, int]]) -> int:
    """The first word after the lead: the text's first sentences until LEAD_WORDS words are reached."""
    for _, end in spans:
        word = bisect_left(starts, end, body_start)
        if word - body_start >= LEAD_WORDS:
            return word
    return len(starts)


def read_story(scene: Scene, entries: Mapping[str, Test], candidates: Sequence[tuple[int, int, str]]) -> Story:
    """Everything the accession model needs to know. ``candidates``: (first word, after, country) in order."""
    parts = read_sentences(scene, entries, candidates)
    nato = entries["nato"](scene) or []
    carrying = tuple(part for part in parts if part.strength > 0)
    return Story(measure(parts, len(nato), len(scene.reading.folded)), carrying, concerned(parts))


def split(scene: Scene) -> list[Sentence]:
    """The document's sentences with their words, the title first. Sentences without a word are left out."""
    reading = scene.reading
    found: list[Sentence] = []
    if reading.body_start > 1:
        found.append(Sentence("title", 0, len(reading.title), 0, reading.body_start - 1, 0))
    starts, first, paragraph = reading.starts, reading.body_start, 0
    breaks = [start for start, _ in paragraphs(reading.text)]
    for start, end in sentences(reading.text):
        after = bisect_left(starts, end, first)
        if after > first:
            paragraph = bisect_right(breaks, start)
            found.append(Sentence("text", start, end, first, after, paragraph))
        first = after
    return found


CUES = ("process", "refusal", "statement", "background", "exercise", "enlargement", "eu", "other-union")
ENTRIES = ("nato", "alliance", "accession", "accession-verb", "accession-phrase", "member-state", *CUES)


def read_sentences(
    scene: Scene, entries: Mapping[str, Test], candidates: Sequence[tuple[int, int, str]]
) -> list[Sentence]:
    """The sentences with strength, cues and candidate countries. ``candidates``: (first word, after, country) in order."""
    parts = split(scene)
    firsts = [part.first for part in parts]

    def by_sentence(name: str) -> dict[int, list[Hit]]:
        placed: dict[int, list[Hit]] = {}
        for hit in entries[name](scene) or ():
            placed.setdefault(bisect_right(firsts, hit[0]) - 1, []).append(hit)
        return placed

    nato, alliance = by_sentence("nato"), by_sentence("alliance")
    for number in nato:
        parts[number].cues["nato"] = len(nato[number])
    nouns, verbs, phrases = by_sentence("accession"), by_sentence("accession-verb"), by_sentence("accession-phrase")
    members, unions, others = by_sentence("member-state"), by_sentence("eu"), by_sentence("other-union")
    for number in nouns.keys() | verbs.keys() | phrases.keys():
        part = parts[number]
        heads = nato.get(number, []) or [hit for hit in alliance.get(number, []) if nato]
        weight = 1.0 if number in nato else 0.8
        taken = [(hit[0], hit[1]) for hit in members.get(number, [])]
        rivals = unions.get(number, []) + others.get(number, [])
        verb_set = set(verbs.get(number, []))
        for hit in phrases.get(number, []):
            part.strength = max(part.strength, 1.0)
            part.hits.append(hit)
        for hit in nouns.get(number, []):
            if any(first <= hit[0] and hit[1] <= after for first, after in taken):
                continue
            link = _link(hit, heads, rivals, hit in verb_set)
            if link is None:
                continue
            gap, head = link
            strength = weight * (1.0 if gap <= _NEAR else 0.7 if gap <= _FAR else 0.35)
            part.strength = max(part.strength, strength)
            part.hits += [hit, head]
    for name in CUES:
        for number, hits in by_sentence(name).items():
            parts[number].cues[name] = len(hits)
    for first, _, country in candidates:
        part = parts[bisect_right(firsts, first) - 1]
        if country not in part.candidates:
            part.candidates += (country,)
    _carry_on(parts, nouns)
    for part in parts:
        part.hits = sorted(set(part.hits))
    return parts


def _link(hit: Hit, heads: list[Hit], rivals: list[Hit], verb: bool) -> tuple[int, Hit] | None:
    """The nearest naming of the alliance that the accession word may belong to, and the words between; None where a rival union is nearer."""
    best: tuple[int, Hit] | None = None
    for head in heads:
        if verb and head[0] < hit[1]:
            continue
        gap = _gap(hit, head)
        if best is None or gap < best[0]:
            best = (gap, head)
    if best is None:
        return None
    rival = min((_gap(hit, other) for other in rivals), default=math.inf)
    together = any(_gap(best[1], other) <= 2 for other in rivals)
    return None if rival < best[0] and not together else best


def _gap(one: Hit, other: Hit) -> int:
    return max(0, other[0] - one[1] if other[0] >= one[0] else one[0] - other[1])


def _carry_on(parts: list[Sentence], nouns: Mapping[int, list[Hit]]) -> None:
    """A sentence with an accession word and a candidate, without the alliance, beside one that speaks of accession."""
    for number in nouns:
        part = parts[number]
        beside = [parts[near] for near in (number - 1, number + 1) if 0 <= near < len(parts)]
        if part.strength == 0 and part.candidates and any(other.strength >= STRONG for other in beside):
            part.strength = 0.5
            part.hits += nouns[number]


def measure(parts: list[Sentence], nato_count: int, word_count: int) -> dict[str, float]:
    """The features of a story, all about 0..3."""
    body = [part for part in parts if part.field == "text"]
    title = next((part for part in parts if part.field == "title"), None)
    strong = [part for part in body if part.strength >= STRONG]
    some = [part for part in body if part.strength > 0]
    lead = [part for part in body if part.first - body[0].first < LEAD_WORDS] if body else []
    total = max(1, len(body))
    values = {
        "title_strong": title.strength if title and title.strength >= STRONG else 0.0,
        "title_alliance_and_candidate": float(bool(title and title.candidates and title.cues.get("nato"))),
        "title_candidate": float(bool(title and title.candidates)),
        "lead_strong": max((part.strength for part in lead), default=0.0),
        "early": 1 / (1 + body.index(strong[0])) if strong else 0.0,
        "strong_count": math.log1p(len(strong)),
        "some_count": math.log1p(len(some)),
        "strong_share": len(strong) / total,
        "some_share": len(some) / total,
        "run": min(5, _longest_run(body)) / 2,
        "paragraph": min(4, _fullest_paragraph(body)) / 2,
        "candidate": sum(bool(part.candidates) for part in strong) / max(1, len(strong)),
        "process": math.log1p(sum(part.cues.get("process", 0) for part in strong)),
        "refusal": math.log1p(sum(part.cues.get("refusal", 0) for part in strong)),
        "statement": math.log1p(sum(part.cues.get("statement", 0) for part in strong)),
        "background": sum("background" in part.cues for part in strong) / max(1, len(strong)),
        "enlargement": math.log1p(sum(part.cues.get("enlargement", 0) for part in strong)),
        "rival": sum("eu" in part.cues or "other-union" in part.cues for part in strong) / max(1, len(strong)),
        "exercise": math.log1p(sum(part.cues.get("exercise", 0) for part in parts)),
        "alliance_density": math.log1p(100 * nato_count / max(20, word_count)),
        "length": math.log10(max(10, word_count)),
        "single_in_long": float(len(strong) <= 1 and len(body) > 8 and not (title and title.strength)),
    }
    return values


def concerned(parts: list[Sentence]) -> tuple[str, ...]:
    """The candidate countries, most named in carrying sentences first."""
    weights: dict[str, float] = {}
    for part in parts:
        if part.strength > 0:
            for country in part.candidates:
                weights[country] = weights.get(country, 0) + part.strength * (2 if part.field == "title" else 1)
    best = max(weights.values(), default=0)
    return tuple(
        sorted(
            (country for country, weight in weights.items() if weight >= 0.34 * best),
            key=lambda country: -weights[country],
        )
    )


def _longest_run(body: list[Sentence]) -> int:
    best = run = 0
    for part in body:
        run = run + 1 if part.strength > 0 else 0
        best = max(best, run)
    return best


def _fullest_paragraph(body: list[Sentence]) -> int:
    counts: dict[int, int] = {}
    for part in body:
        if part.strength > 0:
            counts[part.paragraph] = counts.get(part.paragraph, 0) + 1
    return max(counts.values(), default=0)
