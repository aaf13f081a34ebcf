"""What the model of the prospects looks at: the wordings near the words about the accession. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from monitor.analyse.prospects.cues import BAD, GOOD, Cue, find
from monitor.model import Document, FieldName, Flag, Quote, Sentiment
from monitor.text import sentences

Points = Mapping[str, float]

# How much a wording of each category says for "it gets closer", "it gets farther" and "it hangs on something". Set by
# hand after the labelling guide, then nudged by cross-validation: one weight a category, the same in every language.
POINTS: Mapping[str, Points] = {
    "good": {"done": 1.2, "promise": 0.8, "support": 0.7, "step": 0.4, "seek": 0.3},
    "bad": {"refuse": 1.0, "doubt": 0.8, "threat": 0.4, "kremlin": 0.3, "delay": 0.3},
    "open": {"condition": 1.0, "unclear": 1.0, "delay": 0.7, "contrast": 0.5, "modal": 0.5, "seek": 0.2, "meet": 0.2},
}
FAINT = ("modal", "seek", "step", "meet")  # a story with nothing but these says nothing about the prospects

TITLE_WEIGHT, FIRST_WEIGHT, LEAST_WEIGHT = 2.0, 1.5, 0.2
DECAY = 0.85  # of a sentence's weight with each sentence about the accession before it
FOLLOWING = 0.5  # of its weight, for a sentence that only follows one about the accession
HALF_DISTANCE = 60  # characters from the words about the accession at which a wording counts half
OTHER_CLAUSE = 0.3  # for each ; or | in between: the next item of a digest
STRANGE_TITLE = 0.3  # nearness of the wordings of a title that does not speak of the accession
SATURATION = 1.5
SILENCE = 0.3  # points below which a story counts as partly silent
OUTSIDER = 0.5  # nearness of what Moscow's speakers promise or refuse: joining is not theirs to grant
AT_MOST = 24  # sentences


@dataclass(frozen=True, slots=True)
class Sentence:
    """The title, a sentence that speaks of the accession, or one that follows such a sentence."""

    field: FieldName
    start: int
    end: int
    weight: float
    cues: tuple[
        tuple[Cue, float], ...
    ]  # offsets in the field; with their nearness to the words about the accession, 0..1

    def strength(self, category: str) -> float:
        """Nearness of the category's nearest cue; 0 where it has none."""
        return max((near for cue, near in self.cues if cue.category == category), default=0.0)

    def points(self, scale: Points) -> float:
        """The sentence's points on one scale; a category counts once, however often it stands there."""
        return sum(value * self.strength(category) for category, value in scale.items())


@dataclass(frozen=True, slots=True)
class Scene:
    """The sentences of a story that bear on the prospects, title first."""

    sentences: tuple[Sentence, ...]


def look(document: Document, flag: Flag, quotes: Sequence[Quote]) -> Scene:
    """The title, the sentences of the flag's evidence, and with less weight those that directly follow one."""
    outside = [span for quote in quotes if quote.country == "RU" for span in quote.spans]
    in_title = [(e.start, e.end) for e in flag.evidence if e.field == "title"]
    in_text = sorted((e.start, e.end) for e in flag.evidence if e.field == "text")
    starts = [start for start, _ in in_text]
    found = []
    if document.title.strip():
        found.append(_read(document, "title", (0, len(document.title)), TITLE_WEIGHT, in_title, ()))
    weight, follows = FIRST_WEIGHT, False
    for start, end in sentences(document.text):
        anchors = in_text[bisect_left(starts, start) : bisect_left(starts, end)]
        if anchors or follows:
            share = 1.0 if anchors else FOLLOWING
            found.append(_read(document, "text", (start, end), max(weight, LEAST_WEIGHT) * share, anchors, outside))
        if len(found) >= AT_MOST:
            break
        weight *= DECAY if anchors else 1.0
        follows = bool(anchors)
    return Scene(tuple(found))


def describe(scene: Scene, sentiment: Sentiment) -> dict[str, float]:
    """Named features of a story, each between -1 and 1.

    ``story:GB`` and the like say how far a story (or its title) is good and bad but not open: of G(ood), B(ad) and
    O(pen) those are named that it is, and the eight of a place add up to 1. So "good, but" need not be good plus "but".
    """
    half = sum(sentence.weight for sentence in scene.sentences) / 2 or 1.0
    title = [sentence for sentence in scene.sentences if sentence.field == "title"]
    whole = {
        outlook: sum(sentence.weight * sentence.points(scale) for sentence in scene.sentences) / half
        for outlook, scale in POINTS.items()
    }
    features = {"bias": 1.0}
    features |= _cells("story", whole.values())
    features |= _cells("title", (sum(sentence.points(scale) for sentence in title) for scale in POINTS.values()))
    features["silent"] = _silence(scene, half)
    return features | _tone(sentiment)


def _cells(place: str, points: Iterable[float]) -> dict[str, float]:
    shares = [1 - math.exp(-SATURATION * value) for value in points]
    cells = {}
    for held in product((True, False), repeat=len(shares)):
        name = "".join(letter for letter, is_held in zip("GBO", held, strict=True) if is_held)
        cells[f"{place}:{name or '-'}"] = math.prod(
            share if is_held else 1 - share for share, is_held in zip(shares, held, strict=True)
        )
    return cells


def _silence(scene: Scene, half: float) -> float:
    """1 where nothing is said either way and somebody meets or discusses; 0 from SILENCE points on."""
    loud = [{name: value for name, value in scale.items() if name not in FAINT} for scale in POINTS.values()]
    points = sum(sentence.weight * sentence.points(scale) for sentence in scene.sentences for scale in loud) / half
    meets = max((sentence.strength("meet") for sentence in scene.sentences[:2]), default=0.0)
    return max(0.0, 1 - points / SILENCE) * (0.5 + 0.5 * meets)


def _tone(sentiment: Sentiment) -> dict[str, float]:
    """Tone toward the talks and the accession; absent (0) where the language has no scorer.

    That of the network of many languages alone is left out: it is shyer than the English ones, and helps
    less than it harms.
    """
    english = not (sentiment.scorer or "").startswith("multilingual")
    scores = [target.score for target in sentiment.targets if english and target.kind in ("talks", "accession")]
    return {"tone": sum(scores) / len(scores) if scores else 0.0}


def _read(
    document: Document,
    field: FieldName,
    span: tuple[int, int],
    weight: float,
    anchors: Sequence[tuple[int, int]],
    outside: Sequence[tuple[int, int]],
) -> Sentence:
    text = document.title if field == "title" else document.text
    unanchored = STRANGE_TITLE if field == "title" else 1.0
    cues = []
    for found in find(text[span[0] : span[1]], document.lang):
        cue = found.moved(span[0])
        near = _nearness(text, cue, anchors) if anchors else unanchored
        if cue.category in (*GOOD, *BAD) and any(start <= cue.start < end for start, end in outside):
            near *= OUTSIDER
        cues.append((cue, near))
    return Sentence(field, *span, weight, tuple(cues))


def _nearness(text: str, cue: Cue, anchors: Sequence[tuple[int, int]]) -> float:
    """1 beside the words about the accession, half at HALF_DISTANCE, less in another clause."""
    distance, start, end = min((max(a - cue.end, cue.start - b, 0), a, b) for a, b in anchors)
    between = text[min(cue.end, end) : max(cue.start, start)] if distance else ""
    return float(0.5 ** (distance / HALF_DISTANCE) * OTHER_CLAUSE ** (between.count(";") + between.count("|")))
