"""Prospects: what a story reports about the chances of an accession, apart from its tone. Pure.

The sentences that speak of the accession (the flag's evidence and what follows it) are searched for the wordings of
lexicon/prospects.yaml; a small multinomial logistic regression (weights.json, fitted by bench/prospects.py) turns them, the
tone toward the talks and the speakers' stances into probabilities. Each label comes with the sentences that carry it.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.analyse.prospects.features import Scene, describe, look
from monitor.analyse.prospects.model import load_model
from monitor.model import Document, Evidence, Flag, Prospects, Quote, Sentiment

_EVIDENCE = 3  # sentences kept


def prospects(document: Document, flag: Flag, sentiment: Sentiment, quotes: Sequence[Quote]) -> Prospects:
    """The outlook that the story gives, with its confidence and the sentences it rests on.

    Args:
        document: with ``lang`` set.
        flag: its evidence says which sentences speak of the accession.
        sentiment: tone toward the talks and the accession, where a scorer is measured for the language.
        quotes: stances of the speakers.
    """
    scene = look(document, flag)
    model = load_model()
    features = describe(scene, sentiment, quotes)
    probabilities = model.probabilities(features)
    label = max(probabilities, key=lambda name: probabilities[name])
    return Prospects(
        label=label,
        score=probabilities["favourable"] - probabilities["unfavourable"],
        confidence=probabilities[label],
        evidence=_evidence(scene, label),
    )


_SPEAKS_FOR = {
    "favourable": ("done", "promise", "push"),
    "unfavourable": ("refuse", "threat", "delay"),
    "mixed": ("condition", "delay", "refuse", "promise"),
    "neutral": ("modal", "push"),
}


def _evidence(scene: Scene, label: str) -> tuple[Evidence, ...]:
    """The sentences in which most speaks for the label, in the story's order."""
    weighted = [
        (sum(sentence.counts[name] for name in _SPEAKS_FOR[label]) * sentence.weight, sentence)
        for sentence in scene.sentences
    ]
    best = sorted((pair for pair in weighted if pair[0] > 0), key=lambda pair: -pair[0])[:_EVIDENCE]
    kept = sorted((sentence for _, sentence in best), key=lambda s: (s.field != "title", s.start))
    return tuple(
        Evidence(
            term=", ".join(name for name in _SPEAKS_FOR[label] if sentence.counts[name]),
            surface=sentence.text,
            field=sentence.field,
            start=sentence.start,
            end=sentence.end,
            sentence=sentence.text,
            sentence_start=sentence.start,
            sentence_end=sentence.end,
        )
        for sentence in kept
    )
