"""What the model of the prospects looks at: the wordings in the sentences about the accession, by where they stand. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.analyse.prospects.cues import CATEGORIES, counts
from monitor.model import Document, FieldName, Flag, Quote, Sentiment
from monitor.text import sentences

TITLE_WEIGHT, LEAD_WEIGHT, FOLLOWING_WEIGHT = 2.0, 1.5, 0.5
LEAD_SENTENCES = 3
AT_MOST = 40  # sentences


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that speaks of the accession, or follows one that does."""

    text: str
    field: FieldName
    start: int
    end: int
    weight: float
    counts: Mapping[str, float]  # category of lexicon/prospects.yaml -> how often


@dataclass(frozen=True, slots=True)
class Scene:
    """The sentences of a story that bear on the prospects."""

    sentences: tuple[Sentence, ...]


def look(document: Document, flag: Flag) -> Scene:
    """The sentences of the flag's evidence, and with less weight those that directly follow one."""
    about = {(e.field, e.sentence_start) for e in flag.evidence}
    found = []
    if document.title.strip():
        weight = TITLE_WEIGHT if any(field == "title" for field, _ in about) else LEAD_WEIGHT
        found.append(_sentence(document.title, "title", 0, len(document.title), weight, document.lang))
    follows = False
    for number, (start, end) in enumerate(sentences(document.text)):
        cited = ("text", start) in about or any(
            field == "text" and start <= at < end for field, at in about
        )
        if cited or follows:
            weight = (LEAD_WEIGHT if number < LEAD_SENTENCES else 1.0) * (1.0 if cited else FOLLOWING_WEIGHT)
            found.append(_sentence(document.text[start:end], "text", start, end, weight, document.lang))
        follows = cited
        if len(found) >= AT_MOST:
            break
    return Scene(tuple(found))


def describe(scene: Scene, sentiment: Sentiment, quotes: Sequence[Quote]) -> dict[str, float]:
    """Named features of a story, each of the order of 1."""
    features = {"bias": 1.0}
    total = sum(sentence.weight for sentence in scene.sentences) or 1.0
    for name in CATEGORIES:
        hits = [(min(s.counts[name], 2.0), s.weight, s.field) for s in scene.sentences]
        features[f"{name}:share"] = sum(min(n, 1.0) * weight for n, weight, _ in hits) / total
        features[f"{name}:title"] = max((min(n, 1.0) for n, _, field in hits if field == "title"), default=0.0)
        features[f"{name}:lead"] = max((min(n, 1.0) for n, weight, _ in hits if weight >= LEAD_WEIGHT), default=0.0)
    good = features["done:share"] + features["promise:share"]
    bad = features["refuse:share"] + features["threat:share"]
    features["balance"] = good - bad
    features["both"] = min(good, bad)
    features["length"] = min(len(scene.sentences), 12) / 12
    return features | _tone(sentiment) | _stances(quotes)


def _tone(sentiment: Sentiment) -> dict[str, float]:
    """Tone toward the talks and the accession; absent (0) where the language has no scorer."""
    scores = [target.score for target in sentiment.targets if target.kind in ("talks", "accession")]
    return {"tone": sum(scores) / len(scores) if scores else 0.0}


def _stances(quotes: Sequence[Quote]) -> dict[str, float]:
    """Share of each stance among what is said about the accession."""
    said = [quote.stance for quote in quotes if quote.stance]
    return {
        f"stance:{stance}": said.count(stance) / len(said) if said else 0.0
        for stance in ("supports", "opposes", "conditional")
    }


def _sentence(text: str, field: FieldName, start: int, end: int, weight: float, lang: str | None) -> Sentence:
    return Sentence(text, field, start, end, weight, counts(text, lang))
