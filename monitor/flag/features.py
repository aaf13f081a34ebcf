"""A story about accession as numbers that do not depend on its language, each about 0..3. Weighs nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from monitor.flag.accession import CARRIES, SPEAKS, Sentence

_WINDOW = 3  # sentences of a passage


def measure(sentences: Sequence[Sentence], lead_end: int, alliance_count: int, word_count: int) -> dict[str, float]:
    """The features of a story by its sentences. ``lead_end``: first word after the lead."""
    title = next((sentence for sentence in sentences if sentence.in_title), None)
    body = [sentence for sentence in sentences if not sentence.in_title]
    speaking = [sentence for sentence in sentences if sentence.strength >= SPEAKS]
    strong = [index for index, sentence in enumerate(body) if sentence.strength >= SPEAKS]
    carried = sum(0 < sentence.strength < SPEAKS for sentence in body)
    nearness = [1 / (1 + index / 4) for index in range(len(body))]
    live = [sentence.live() for sentence in body]
    live_title = title.live() if title else 0.0

    def share(*cues: str) -> float:
        """Of the speaking sentences, with any of the cues."""
        return sum(any(cue in sentence.cues for cue in cues) for sentence in speaking) / max(1, len(speaking))

    def amount(cue: str, among: Sequence[Sentence]) -> float:
        return math.log1p(sum(sentence.cues.get(cue, 0) for sentence in among))

    return {
        # the title
        "title": title.strength if title else 0.0,
        "title_live": live_title,
        "title_candidate": float(bool(title and title.candidates)),
        "title_alliance_and_candidate": float(bool(title and title.candidates and "nato" in title.cues)),
        # where in the text
        "first": 1 / (1 + strong[0]) if strong else 0.0,
        "late": strong[0] / len(body) if strong else 0.0,
        "lead_live": max(
            (one for one, part in zip(live, body, strict=True) if part.extent.first < lead_end), default=0.0
        ),
        # how much of the text
        "count": math.log1p(len(strong)),
        "single": float(len(speaking) == 1),
        "share": len(strong) / max(1, len(body)),
        "mass": sum(part.strength * near for part, near in zip(body, nearness, strict=True)) / max(1.0, sum(nearness)),
        "carried": math.log1p(carried),
        "passage": float(_longest_run(body) >= 2),
        "window": max((sum(live[start : start + _WINDOW]) for start in range(len(live))), default=0.0),
        "live": math.log1p(live_title + sum(live[index] for index in strong)),
        "live_share": (live_title + sum(live[index] for index in strong)) / max(1, len(sentences)),
        "alliance_density": math.log1p(100 * alliance_count / max(20, word_count)),
        # of whom
        "candidate": sum(bool(sentence.gaps) for sentence in speaking) / max(1, len(speaking)),
        "no_candidate": float(bool(speaking) and not any(sentence.gaps for sentence in speaking)),
        # what the sentences are about
        "process": amount("process", speaking),
        "refusal": amount("refusal", speaking),
        "statement": amount("statement", speaking),
        "background": share("background"),
        "rival_union": share("eu", "other-union"),
        "opponent": share("opponent"),
        "exercise": amount("exercise", sentences),
    }


def _longest_run(body: Sequence[Sentence]) -> int:
    best = run = 0
    for sentence in body:
        run = run + 1 if sentence.strength >= CARRIES else 0
        best = max(best, run)
    return best
