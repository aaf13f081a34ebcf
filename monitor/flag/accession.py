"""Reads a story for what it says about a country's joining the alliance, sentence by sentence, by the lexicon's
entries. Weighs nothing.

A sentence *speaks of accession* as far as an accession word and the alliance's name stand close together in it. A
sentence with the accession word alone carries on when its neighbour or the title speaks of accession. A rival union
that stands nearer takes the word for itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from monitor.flag.evaluate import Hit, Place, Scene, Test, hits_of
from monitor.flag.layout import Extent, Layout

SPEAKS, CARRIES = 0.55, 0.45  # strengths from which a sentence speaks of accession by itself, or carries on
_SAME_PHRASE, _SAME_CLAUSE = 4, 12  # words between accession word and alliance
_ENLARGED_BY = 8  # words between "enlargement" and the alliance
_TOGETHER = 3  # words between two organisations that are joined together: "the EU and NATO"
# words by which the alliance counts as farther away where a thing of its own is named, like its summit
_THING_FARTHER = 6
_CONCERNED_SHARE = 0.34  # of the most named country's weight, for another country to be concerned too
_MOST_PLACES = (
    50  # of one entry in one sentence: places are compared in pairs, and a text without full stops is one sentence
)
_OPPONENT = "RU"  # stock demands and arguments about enlargement are told of this country

_COUNTRY_INSIDE = 0.6  # strength of "Ukraine in NATO"

CUES = (
    "envoy",
    "process",
    "refusal",
    "statement",
    "background",
    "completed",
    "exercise",
    "eu",
    "other-union",
    "nato",
    "enlargement",
)
ENTRIES = (
    "accession",
    "joining-verb",
    "accession-bare",
    "accession-phrase",
    "member-state",
    "alliance",
    "alliance-thing",
    "inside-nato",
    *CUES,
)
_SPEAKING = ("accession", "accession-phrase", "inside-nato", "enlargement")
_Table = Mapping[str, Mapping[int, list[Place]]]  # lexicon entry -> sentence number -> its places there


@dataclass(frozen=True, slots=True)
class Named:
    """A place where a country is named."""

    first: int
    after: int
    country: str
    candidate: bool  # at the time of the story: a member's accession is history


@dataclass(slots=True)
class Sentence:
    """One sentence with what was found in it."""

    extent: Extent
    strength: float = 0.0  # 0..1
    hits: set[Hit] = field(default_factory=set)  # accession words and the alliance as linked
    cues: dict[str, int] = field(
        default_factory=dict
    )  # how many places of each other lexicon entry; "year", "opponent"
    candidates: list[Named] = field(default_factory=list)  # in the sentence
    gaps: dict[str, int] = field(default_factory=dict)  # candidate -> fewest words between it and an accession word
    context: bool = False  # the sentence before or the title names a candidate

    @property
    def in_title(self) -> bool:
        """Whether this is the title."""
        return self.extent.field == "title"

    def live(self) -> float:
        """How much of news the sentence is, from 0 to 1: it names a candidate and does not merely look back."""
        if self.strength < CARRIES:
            return 0.0
        looks_back = sum(cue in self.cues for cue in ("background", "completed", "year"))
        naming = 1.0 if self.candidates else 0.8 if self.context else 0.4
        return self.strength * naming * 0.5**looks_back


def read_sentences(scene: Scene, entries: Mapping[str, Test], countries: Sequence[Named]) -> list[Sentence]:
    """The document's sentences, the title first, with how far they speak of accession. ``entries``: tests of all
    ENTRIES.
    """
    layout = scene.layout
    sentences = [Sentence(extent) for extent in layout.extents]
    table = {name: _by_sentence(entries[name](scene) or (), layout) for name in ENTRIES}
    _note_cues(sentences, table, scene)
    _note_countries(sentences, countries, layout)
    if table["nato"]:
        for number in set().union(*(table[name] for name in _SPEAKING)):
            _weigh(sentences[number], {name: places.get(number, []) for name, places in table.items()})
        _carry_on(sentences, table)
        _note_gaps(sentences)
    return sentences


def concerned(sentences: Sequence[Sentence]) -> tuple[str, ...]:
    """The countries whose accession is concerned, the most named first: by nearness to accession words, the title
    twice.

    Where no carrying sentence names one ("the country", "its neighbour"), those of the title, else those of the
    sentences before.
    """
    weights: dict[str, float] = {}
    for sentence in sentences:
        for country, gap in sentence.gaps.items():
            weight = sentence.strength * (2 if sentence.in_title else 1) / (1 + gap / 4)
            weights[country] = weights.get(country, 0) + weight
    if not weights:
        before = [one for one, two in pairwise(sentences) if two.strength > 0]
        for sentence in sentences[:1] if sentences and sentences[0].candidates else before:
            for named in sentence.candidates:
                weights[named.country] = weights.get(named.country, 0) + 1
    least = _CONCERNED_SHARE * max(weights.values(), default=0)
    return tuple(
        sorted((one for one, weight in weights.items() if weight >= least), key=lambda one: (-weights[one], one))
    )


def _by_sentence(places: Sequence[Place], layout: Layout) -> dict[int, list[Place]]:
    placed: dict[int, list[Place]] = {}
    for place in places:
        number = layout.number_of(place[0], place[1])
        if number is not None and len(there := placed.setdefault(number, [])) < _MOST_PLACES:
            there.append(place)
    return placed


def _note_cues(sentences: Sequence[Sentence], table: _Table, scene: Scene) -> None:
    for name in CUES:
        for number, places in table[name].items():
            sentences[number].cues[name] = len(places)
    for index, word in enumerate(scene.reading.folded):
        if _is_year(word) and (at := scene.layout.number_of(index, index + 1)) is not None:
            sentences[at].cues["year"] = 1


def _is_year(word: str) -> bool:
    """A sentence that names a year mostly looks back: news rarely names its own."""
    return len(word) == 4 and word[:2] in {"19", "20"} and word.isdigit()


def _note_countries(sentences: Sequence[Sentence], countries: Sequence[Named], layout: Layout) -> None:
    for named in countries:
        number = layout.number_of(named.first, named.after)
        if number is not None and named.candidate and len(sentences[number].candidates) < _MOST_PLACES:
            sentences[number].candidates.append(named)
        elif number is not None and named.country == _OPPONENT:
            sentences[number].cues["opponent"] = 1
    for before, sentence in pairwise(sentences):
        sentence.context = bool(before.candidates or sentences[0].candidates)


def _weigh(sentence: Sentence, found: Mapping[str, list[Place]]) -> None:
    """How strongly a sentence speaks of accession, and by which words. ``found``: the places in this sentence by
    lexicon entry.
    """
    # "invited to the NATO summit": that naming of the alliance belongs to the summit
    things = _words(found["alliance-thing"])
    verbs = {place[0] for place in found["joining-verb"]}
    nouns = {place[0] for place in found["accession"]} - verbs
    for place in found["accession-phrase"]:
        if things.isdisjoint(_words([place])) or place[0] in nouns:
            sentence.strength = 1.0
            sentence.hits.update(place[2])
    heads, weight = found["nato"] + found["alliance"], 1.0 if found["nato"] else 0.8
    free = [head for head in heads if things.isdisjoint(_words([head]))]
    rivals = found["eu"] + found["other-union"]
    for place in found["accession"]:
        if _inside(place, found["member-state"]):
            continue
        link = _link(place, free if place[0] in verbs else heads, rivals, things)
        if link is not None:
            gap, head = link
            strength = weight * (1.0 if gap <= _SAME_PHRASE else 0.7 if gap <= _SAME_CLAUSE else 0.35)
            sentence.strength = max(sentence.strength, strength)
            sentence.hits.update(place[2], head[2])
    for place in found["inside-nato"]:
        after_country = any(0 <= place[0] - named.after <= 1 for named in sentence.candidates)
        if after_country and things.isdisjoint(_words([place])) and not found["envoy"]:
            sentence.strength = max(sentence.strength, _COUNTRY_INSIDE)
            sentence.hits.update(place[2])
    for place in found["enlargement"]:
        link = _link(place, heads, rivals, things)
        if link is not None and link[0] <= _ENLARGED_BY:
            sentence.strength = max(sentence.strength, weight * (0.7 if sentence.candidates else 0.3))
            sentence.hits.update(place[2], link[1][2])


def _words(places: Iterable[Place]) -> set[int]:
    """The first words of all hits of the places."""
    return {hit[0] for place in places for hit in place[2]}


def _inside(place: Place, others: Sequence[Place]) -> bool:
    return any(first <= place[0] and place[1] <= after for first, after, _ in others)


def _link(place: Place, heads: list[Place], rivals: list[Place], things: set[int]) -> tuple[int, Place] | None:
    """The nearest naming of the alliance and the words between; None where there is none, or a rival union is
    nearer.
    """
    if not heads:
        return None
    gap, head = min(
        (_gap(place, head) + _THING_FARTHER * (not things.isdisjoint(_words([head]))), head) for head in heads
    )
    rival = min((_gap(place, other) for other in rivals), default=math.inf)
    if rival < gap and not any(_gap(head, other) <= _TOGETHER for other in rivals):
        return None
    return gap, head


def _gap(one: Place | Hit, other: Place | Hit) -> int:
    """Words between two places, 0 where they touch or overlap."""
    return max(0, other[0] - one[1] if other[0] >= one[0] else one[0] - other[1])


def _carry_on(sentences: Sequence[Sentence], table: _Table) -> None:
    """Sentences with an accession word, beside one that speaks of accession, under such a title, or with a candidate
    and the alliance in whatever order; and titles of such texts.
    """
    things = _words(place for places in table["alliance-thing"].values() for place in places)
    strongest = max((sentence.strength for sentence in sentences if not sentence.in_title), default=0.0)
    for number in sorted(table["accession-bare"]):
        sentence = sentences[number]
        if sentence.strength > 0 or number in table["eu"] or number in table["other-union"]:
            continue
        heads = table["nato"].get(number, [])
        free = any(things.isdisjoint(_words([head])) for head in heads)
        carried = free and bool(sentence.candidates)
        if sentence.in_title:
            carried = bool(sentence.candidates) and (free or (not heads and strongest >= SPEAKS))
        else:
            beside = (0, number - 1, number + 1)
            carried = carried or any(
                sentences[near].strength >= CARRIES for near in beside if 0 <= near < len(sentences)
            )
        if carried:
            sentence.strength = SPEAKS if sentence.in_title else CARRIES
            sentence.hits.update(hits_of(table["accession-bare"][number]))


def _note_gaps(sentences: Sequence[Sentence]) -> None:
    for sentence in sentences:
        for named in sentence.candidates if sentence.strength > 0 else ():
            gap = min(_gap(hit, (named.first, named.after, 0)) for hit in sentence.hits)
            sentence.gaps[named.country] = min(gap, sentence.gaps.get(named.country, gap))
