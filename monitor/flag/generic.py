"""How much of a story any topic takes: where its matches stand and how dense they are. Knows no subject."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from monitor.flag.evaluate import Hit, Scene


def by_sentence(scene: Scene, hits: Sequence[Hit]) -> dict[int, list[Hit]]:
    """Hits by the number of their sentence, those in page furniture left out."""
    layout = scene.layout
    placed: dict[int, list[Hit]] = {}
    for hit in hits:
        number = layout.number_of(hit[0], hit[0] + 1)
        if number is not None:
            placed.setdefault(number, []).append(hit)
    return placed


def measure(scene: Scene, placed: Mapping[int, Sequence[Hit]]) -> dict[str, float]:
    """The features of the generic model, from hits by sentence number."""
    extents = scene.layout.extents
    has_title = bool(extents) and extents[0].field == "title"
    in_title = has_title and 0 in placed
    sentences = len(placed) - in_title
    return {
        "title": float(in_title),
        "lead": float(
            any(extents[number].first < scene.layout.lead_end for number in placed if number or not has_title)
        ),
        "sentences": math.log1p(sentences),
        "share": sentences / max(1, len(extents) - has_title),
        "density": math.log1p(100 * sum(map(len, placed.values())) / max(20, len(scene.reading.folded))),
    }
