"""What a story says about a country's accession, sentence by sentence, as numbers that do not depend on the language. Weighs nothing.

A sentence *speaks of accession* as far as an accession word and the alliance stand close together in it. A sentence that names only one of
the two carries on when its neighbour speaks of accession.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monitor.flag.evaluate import Hit, Place, Scene, Test, hits_of
from monitor.flag.furniture import furniture
from monitor.model import FieldName
from monitor.text import paragraphs, sentences

LEAD_WORDS = 60
_SAME_PHRASE, _SAME_CLAUSE = 4, 12  # words between accession word and alliance
_THING_FARTHER = 6  # words by which the alliance counts as farther away where a thing of its own is named, like its summit
_ENLARGED_BY = 8  # words between "enlargement" and the alliance
_TOGETHER = 3  # words between two organisations that are joined together: "the EU and NATO"
STRONG = 0.55
CARRIED = 0.45
_CONCERNED_SHARE = 0.34  # of the most named country's weight, for another to be concerned too

CUES = ("process", "refusal", "statement", "background", "completed", "exercise", "other-union")
ENTRIES = ("nato", "alliance", "accession", "accession-bare", "accession-phrase", "member-state", "alliance-thing", "enlargement", "eu", *CUES)


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
    hits: set[Hit] = field(default_factory=set)  # accession words and the alliance as linked
    cues: dict[str, int] = field(default_factory=dict)  # how many places of each other lexicon entry
    context: bool = False  # the sentence before or the title names a candidate
    candidates: dict[str, int] = field(default_factory=dict)  # country -> fewest words to an accession word
    named: set[str] = field(default_factory=set)  # candidates anywhere in the sentence


@dataclass(frozen=True, slots=True)
class Story:
    """A story as it speaks of accession."""

    features: Mapping[str, float]
    carrying: tuple[Sentence, ...]  # the sentences that carry the score
    candidates: tuple[str, ...]  # countries whose accession is concerned


@dataclass(frozen=True, slots=True)
class Named:
    """A place where a country is named."""

    first: int
    after: int
    country: str
    candidate: bool  # at the time of the story: a member's accession is history


def lead_end(starts: Sequence[int], body_start: int, spans: Sequence[tuple[int, int]]) -> int:
    """The first word after the lead: the text's first sentences until LEAD_WORDS words are reached."""
    for _, end in spans:
        word = bisect_left(starts, end, body_start)
        if word - body_start >= LEAD_WORDS:
            return word
    return len(starts)


def read_story(scene: Scene, entries: Mapping[str, Test], countries: Sequence[Named]) -> Story:
    """Everything the accession model needs to know. ``countries``: in the order of their places."""
    parts = split(scene)
    if not parts:
        return Story({}, (), ())
    firsts = [part.first for part in parts]
    found = {name: _by_sentence(entries[name](scene) or (), parts, firsts) for name in ENTRIES}
    rivals = _merged(found["eu"], found["other-union"])
    for named in countries:
        part = sentence_of(named.first, parts, firsts)
        if part is None:
            continue
        if named.candidate:
            part.named.add(named.country)
        elif named.country == "RU":
            part.cues["russia"] = 1
    for number, part in enumerate(parts):
        if any(_is_year(word) for word in scene.reading.folded[part.first : part.after]):
            part.cues["year"] = 1
        part.cues |= {name: len(found[name][number]) for name in (*CUES, "eu", "nato", "enlargement") if number in found[name]}
        part.context = number > 0 and bool(parts[number - 1].named or parts[0].named)
    if found["nato"]:
        for number in found["accession"].keys() | found["accession-phrase"].keys() | found["enlargement"].keys():
            _weigh(parts[number], *(table.get(number, []) for table in (*(found[name] for name in _WEIGHED), rivals)))
        _carry_on(parts, found)
    _place_candidates(parts, firsts, countries)
    carrying = tuple(part for part in parts if part.strength > 0)
    nato_count = sum(len(places) for places in found["nato"].values())
    return Story(measure(parts, nato_count, len(scene.reading.folded)), carrying, concerned(parts))


def split(scene: Scene) -> list[Sentence]:
    """The document's sentences with their words, the title first. Page furniture and sentences without a word are left out."""
    reading = scene.reading
    junk = furniture(reading.text, reading.title)
    found: list[Sentence] = []
    if reading.body_start > 1:
        found.append(Sentence("title", 0, len(reading.title), 0, reading.body_start - 1, 0))
    starts, first = reading.starts, reading.body_start
    breaks = [start for start, _ in paragraphs(reading.text)]
    for start, end in sentences(reading.text):
        after = bisect_left(starts, end, first)
        while junk and junk[0][1] <= start:
            junk.pop(0)
        if after > first and not (junk and junk[0][0] <= start):
            found.append(Sentence("text", start, end, first, after, bisect_right(breaks, start)))
        first = after
    return found


def sentence_of(word: int, parts: Sequence[Sentence], firsts: Sequence[int]) -> Sentence | None:
    """The sentence that a word stands in; None in page furniture. ``firsts``: the first words of ``parts``."""
    number = bisect_right(firsts, word) - 1
    return parts[number] if number >= 0 and word < parts[number].after else None


def _by_sentence(places: Sequence[Place], parts: Sequence[Sentence], firsts: Sequence[int]) -> dict[int, list[Place]]:
    """Places by the number of their sentence; those in page furniture or over a sentence's end are left out."""
    placed: dict[int, list[Place]] = {}
    for place in places:
        number = bisect_right(firsts, place[0]) - 1
        if number >= 0 and place[1] <= parts[number].after:
            placed.setdefault(number, []).append(place)
    return placed


def _merged(one: dict[int, list[Place]], other: dict[int, list[Place]]) -> dict[int, list[Place]]:
    return {number: one.get(number, []) + other.get(number, []) for number in one.keys() | other.keys()}


_WEIGHED = ("accession-phrase", "accession", "enlargement", "nato", "alliance", "member-state", "alliance-thing")


def _weigh(
    part: Sentence,
    phrases: list[Place],
    words: list[Place],
    enlargement: list[Place],
    nato: list[Place],
    alliance: list[Place],
    members: list[Place],
    things: list[Place],
    rivals: list[Place],
) -> None:
    """How strongly a sentence speaks of accession, and by which words."""
    # "invited to the NATO summit": that naming of the alliance belongs to the summit
    taken = {hit for thing in things for hit in thing[2]}
    for place in phrases:
        if place[2][-1] in taken and not any(first[0] == place[0] for first in words):
            continue
        part.strength = 1.0
        part.hits.update(place[2])
    heads, weight = (nato, 1.0) if nato else (alliance, 0.8)
    for place in words:
        if any(first <= place[0] and place[1] <= after for first, after, _ in members):
            continue
        link = _link(place, heads, rivals, taken)
        if link is not None:
            gap, head = link
            strength = weight * (1.0 if gap <= _SAME_PHRASE else 0.7 if gap <= _SAME_CLAUSE else 0.35)
            part.strength = max(part.strength, strength)
            part.hits.update(place[2], head[2])
    for place in enlargement:
        link = _link(place, heads, rivals, taken)
        if link is not None and link[0] <= _ENLARGED_BY:
            part.strength = max(part.strength, weight * (0.7 if part.named else 0.3))
            part.hits.update(place[2], link[1][2])


def _link(place: Place, heads: list[Place], rivals: list[Place], taken: set[Hit]) -> tuple[int, Place] | None:
    """The nearest naming of the alliance and the words between; None where a rival union is nearer."""
    if not heads:
        return None
    gap, head = min((_gap(place, head) + _THING_FARTHER * (head[2][-1] in taken), head) for head in heads)
    rival = min((_gap(place, other) for other in rivals), default=math.inf)
    if rival < gap and not any(_gap(head, other) <= _TOGETHER for other in rivals):
        return None
    return gap, head


def _is_year(word: str) -> bool:
    return len(word) == 4 and word.isdigit() and word[:2] in {"19", "20"}


def _gap(one: Place | Hit, other: Place | Hit) -> int:
    return max(0, other[0] - one[1] if other[0] >= one[0] else one[0] - other[1])


def _carry_on(parts: list[Sentence], found: Mapping[str, dict[int, list[Place]]]) -> None:
    """Sentences with an accession word but without the alliance: after one that speaks of accession, or the title of such a text."""
    bare, rivals = found["accession-bare"], (found["eu"], found["other-union"])
    strongest = max((part.strength for part in parts if part.field == "text"), default=0.0)
    for number in sorted(bare):
        part = parts[number]
        if part.strength > 0 or any(number in table for table in rivals):
            continue
        if part.field == "title":
            carried = strongest >= STRONG or (number in found["nato"] and bool(part.named))
        else:
            beside = (0, number - 1, number + 1)
            carried = any(parts[near].strength >= CARRIED for near in beside if near < len(parts))
        if carried and (part.named or part.field == "text"):
            part.strength = CARRIED if part.field == "text" else STRONG
            part.hits.update(hits_of(bare[number]))


def _place_candidates(parts: list[Sentence], firsts: Sequence[int], countries: Sequence[Named]) -> None:
    """Which candidates stand how near to the accession words of their sentence."""
    for named in countries:
        part = sentence_of(named.first, parts, firsts)
        if part is not None and part.strength > 0 and named.candidate:
            gap = min(_gap(hit, (named.first, named.after, 0)) for hit in part.hits)
            part.candidates[named.country] = min(gap, part.candidates.get(named.country, gap))


def measure(parts: list[Sentence], nato_count: int, word_count: int) -> dict[str, float]:
    """The features of a story, all about 0..3."""
    body = [part for part in parts if part.field == "text"]
    title = next((part for part in parts if part.field == "title"), None)
    strong = [part for part in body if part.strength >= STRONG]
    some = [part for part in body if part.strength > 0]
    speaking = [part for part in parts if part.strength >= STRONG]
    lead = [part for part in body if part.first - body[0].first < LEAD_WORDS]
    total = max(1, len(body))
    decay = [1 / (1 + index / 4) for index in range(len(body))]
    mass = sum(part.strength * weight for part, weight in zip(body, decay, strict=True))

    def of_speaking(name: str) -> float:
        return sum(name in part.cues for part in speaking) / max(1, len(speaking))

    return {
        "title": title.strength if title else 0.0,
        "title_alliance_and_candidate": float(bool(title and title.named and title.cues.get("nato"))),
        "title_candidate": float(bool(title and title.named)),
        "first": 1 / (1 + body.index(strong[0])) if strong else 0.0,
        "count": math.log1p(len(strong)),
        "share": len(strong) / total,
        "mass": mass / max(1, sum(decay)),
        "passage": float(_longest_run(body) >= 2),
        "carried": math.log1p(len(some) - len(strong)),
        "candidate": sum(bool(part.candidates) for part in speaking) / max(1, len(speaking)),
        "no_candidate": float(bool(speaking) and not any(part.candidates for part in speaking)),
        "process": math.log1p(sum(part.cues.get("process", 0) for part in speaking)),
        "refusal": math.log1p(sum(part.cues.get("refusal", 0) for part in speaking)),
        "statement": math.log1p(sum(part.cues.get("statement", 0) for part in speaking)),
        "background": of_speaking("background"),
        "rival": sum("eu" in part.cues or "other-union" in part.cues for part in speaking) / max(1, len(speaking)),
        "exercise": math.log1p(sum(part.cues.get("exercise", 0) for part in parts)),
        "alliance_density": math.log1p(100 * nato_count / max(20, word_count)),
        "single": float(len(speaking) == 1),
        "russia": of_speaking("russia"),
        "late": body.index(strong[0]) / total if strong else 0.0,
        "live_title": _live(title) if title else 0.0,
        "live_lead": max((_live(part) for part in lead), default=0.0),
        "window": _best_window([_live(part) for part in body]),
        "live": math.log1p(sum(_live(part) for part in speaking)),
        "live_share": sum(_live(part) for part in speaking) / len(parts),
    }


def _live(part: Sentence) -> float:
    """How much a sentence reports, from 0 to 1: it names a candidate and does not merely look back."""
    if part.strength < CARRIED:
        return 0.0
    looks_back = sum(cue in part.cues for cue in ("background", "completed", "year"))
    named = 1.0 if part.named else 0.8 if part.context else 0.4
    return part.strength * named * 0.5**looks_back


def concerned(parts: list[Sentence]) -> tuple[str, ...]:
    """The countries whose accession is concerned, the most named first: by nearness to accession words, the title twice.

    Where no carrying sentence names one ("the country", "Kyiv's neighbour"), those of the title, else those of the sentences before.
    """
    weights: dict[str, float] = {}
    for part in parts:
        for country, gap in part.candidates.items():
            weights[country] = weights.get(country, 0) + part.strength * (2 if part.field == "title" else 1) / (1 + gap / 4)
    if not weights:
        before = [one for one, part in zip(parts, parts[1:], strict=False) if part.strength > 0]
        for part in parts[:1] if parts[0].named else before:
            for country in part.named:
                weights[country] = weights.get(country, 0) + 1
    least = _CONCERNED_SHARE * max(weights.values(), default=0)
    return tuple(sorted((country for country, weight in weights.items() if weight >= least), key=lambda one: (-weights[one], one)))


def _best_window(live: list[float], width: int = 3) -> float:
    """The most that ``width`` sentences in a row report."""
    return max((sum(live[start : start + width]) for start in range(len(live))), default=0.0)


def _longest_run(body: list[Sentence]) -> int:
    best = run = 0
    for part in body:
        run = run + 1 if part.strength >= CARRIED else 0
        best = max(best, run)
    return best
