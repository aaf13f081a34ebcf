"""Prospects: what a story reports about the chances of an accession, apart from its tone. Pure.

The title and the sentences that speak of the accession (the flag's evidence and what follows it) are searched for the
wordings of lexicon/prospects.yaml; a small multinomial logistic regression (weights.json, fitted by bench/prospects.py)
turns what they say together, and the tone, into probabilities. Each label comes with the wordings that carry it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.analyse.prospects.cues import Cue
from monitor.analyse.prospects.features import POINTS, Points, Scene, Sentence, describe, look
from monitor.analyse.prospects.model import load_model
from monitor.model import Document, Evidence, Flag, Prospects, ProspectsLabel, Quote, Sentiment

_EVIDENCE = 3  # sentences kept
_SPEAKS_FOR: Mapping[ProspectsLabel, Points] = {
    "favourable": POINTS["good"],
    "unfavourable": POINTS["bad"],
    "mixed": {**POINTS["good"], **POINTS["bad"], **POINTS["open"]},
    "neutral": {"meet": 1.0, "seek": 0.6, "step": 0.6, "modal": 0.4},
}


def prospects(document: Document, flag: Flag, sentiment: Sentiment, quotes: Sequence[Quote]) -> Prospects:
    """The outlook that the story gives, with its confidence and the wordings it rests on.

    Args:
        document: with ``lang`` set; a language that the lexicon lacks gets a cautious answer without evidence.
        flag: its evidence says where the story speaks of the accession.
        sentiment: tone toward the talks and the accession, where a scorer is measured for the language.
        quotes: what Moscow's speakers say counts less. The stances themselves were tried and did not help.
    """
    scene = look(document, flag, quotes)
    probabilities = load_model().probabilities(describe(scene, sentiment))
    label = max(probabilities, key=lambda name: probabilities[name])
    return Prospects(
        label=label,
        score=probabilities["favourable"] - probabilities["unfavourable"],
        confidence=probabilities[label],
        evidence=_evidence(document, scene, label),
    )


def _evidence(document: Document, scene: Scene, label: ProspectsLabel) -> tuple[Evidence, ...]:
    """The strongest wording of each sentence in which most speaks for the label, in the story's order."""
    scale = _SPEAKS_FOR[label]
    ranked = sorted(scene.sentences, key=lambda sentence: -sentence.weight * sentence.points(scale))
    carrying = [sentence for sentence in ranked[:_EVIDENCE] if sentence.points(scale) > 0]
    return tuple(
        _as_evidence(
            document, sentence, max(sentence.cues, key=lambda pair: scale.get(pair[0].category, 0.0) * pair[1])[0]
        )
        for sentence in sorted(carrying, key=lambda sentence: (sentence.field != "title", sentence.start))
    )


def _as_evidence(document: Document, sentence: Sentence, cue: Cue) -> Evidence:
    text = document.title if sentence.field == "title" else document.text
    return Evidence(
        term=f"{cue.category}: {cue.entry}",
        surface=text[cue.start : cue.end],
        field=sentence.field,
        start=cue.start,
        end=cue.end,
        sentence=text[sentence.start : sentence.end],
        sentence_start=sentence.start,
        sentence_end=sentence.end,
    )
