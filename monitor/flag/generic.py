"""How much of a story any topic takes: where its matches stand and how dense they are. Knows no subject."""

from __future__ import annotations

import math

from monitor.flag.evaluate import Hit, Scene
from monitor.flag.features import Sentence, sentence_of, split


def measure(scene: Scene, hits: list[Hit]) -> tuple[dict[str, float], list[Sentence]]:
    """The features of the generic model, and the sentences with matches."""
    parts = split(scene)
    firsts = [part.first for part in parts]
    for hit in hits:
        part = sentence_of(hit[0], parts, firsts)
        if part is not None:
            part.hits.add(hit)
    carrying = [part for part in parts if part.hits]
    body = [part for part in carrying if part.field == "text"]
    total = max(1, sum(part.field == "text" for part in parts))
    values = {
        "title": float(any(part.field == "title" for part in carrying)),
        "lead": float(any(part.first < scene.lead_end for part in body)),
        "sentences": math.log1p(len(body)),
        "share": len(body) / total,
        "density": math.log1p(100 * len(hits) / max(20, len(scene.reading.folded))),
    }
    return values, carrying
