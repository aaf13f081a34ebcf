"""Tone of a document toward what it speaks of: talks, accession, NATO, candidate, speakers. The package's only face.

Only languages that the scorer is measured for get a score; elsewhere there is none, which is not the same as neutral.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from monitor.analyse.language import detect, normalise
from monitor.analyse.sentiment import aggregate
from monitor.analyse.sentiment.scorers import Probabilities, Scorer, SentenceTarget, load_scorer
from monitor.analyse.sentiment.targets import Place, Target, find_targets
from monitor.errors import ScorerError
from monitor.model import Country, Document, Flag, Mention, Quote, Sentiment, TargetSentiment

__all__ = ["Scorer", "load_scorer", "score_lines", "sentiment"]

_SUBJECT = ("talks", "accession")  # the tone toward these is the document's, where it names them
_LINES_AT_ONCE = 64
_LABELS = ("negative", "neutral", "positive")
_NO_ANSWER = dict.fromkeys(("label", "score", "p_negative", "p_neutral", "p_positive"))


def sentiment(
    document: Document,
    flags: Sequence[Flag],
    countries: Sequence[Country],
    quotes: Sequence[Quote],
    scorer: Scorer,
    targets: Sequence[str],
) -> Sentiment:
    """Tone of ``document`` and toward each of its targets.

    ``targets``: kinds asked for, of targets.KINDS. The document's own tone is that of all mentions of talks and
    accession; where it names neither, of all mentions. Title and text are one sentence each time a target is named
    in it; the title is kept apart and counts only where the text does not name the target.
    No score at all (None) where the scorer is not measured for ``document.lang`` or no target is named.

    Raises:
        ScorerError: the scorer failed.
    """
    own = scorer.of_documents(document.lang)
    if own is None:
        return Sentiment(label=None, score=None, confidence=None, targets=(), scorer=None)
    found = find_targets(document, flags, countries, quotes, targets)
    answers = iter(_ask(own, [_item(document, place) for target in found for place in target.places]))
    scored = [(target, [next(answers) for _ in target.places]) for target in found]
    subject = [pair for pair in scored if pair[0].kind in _SUBJECT] or scored
    counted = [p for target, answered in subject for p in _counted(target, answered)]
    label, confidence = aggregate.call(counted) if counted else (None, None)
    return Sentiment(
        label=label,
        score=aggregate.score(counted) if counted else None,
        confidence=confidence,
        targets=tuple(_toward(target, answered) for target, answered in scored),
        scorer=f"{own.name}@{own.revision}",
    )


def score_lines(rows: Iterable[Mapping[str, Any]], scorer: Scorer) -> Iterator[dict[str, Any]]:
    """Rows ``{id, text, start, end, lang?}`` -> ``{id, label, score, p_negative, p_neutral, p_positive}``, in order.

    ``text`` is a sentence, ``text[start:end]`` its target; a language that is not given is told from the text, and is
    English where that is not clear. ``label`` is the likeliest one after the scorer's ``decision`` weights, without
    a floor: here a caller sees the probabilities and can set their own. All are None in a language that the scorer was
    not measured for.

    Raises:
        ScorerError: a row lacks a field, or its offsets do not lie in its text.
    """
    rows = iter(rows)
    while waiting := list(islice(rows, _LINES_AT_ONCE)):
        yield from _answers(waiting, scorer)


def _ask(scorer: Scorer, items: Sequence[SentenceTarget]) -> list[Probabilities]:
    """Each different item is asked once: one sentence may stand for several targets with the same words."""
    distinct = list(dict.fromkeys(items))
    answers = dict(zip(distinct, scorer.probabilities(distinct), strict=True)) if distinct else {}
    return [answers[item] for item in items]


def _item(document: Document, place: Place) -> SentenceTarget:
    text = document.title if place.field == "title" else document.text
    offset = place.sentence_start
    return text[offset : place.sentence_end], place.start - offset, place.end - offset


def _counted(target: Target, answers: Sequence[Probabilities]) -> list[Probabilities]:
    """The answers for the text; those for the title where the text does not name the target."""
    in_text = [p for place, p in zip(target.places, answers, strict=True) if place.field == "text"]
    return in_text or list(answers)


def _toward(target: Target, answers: Sequence[Probabilities]) -> TargetSentiment:
    counted = _counted(target, answers)
    label, _ = aggregate.call(counted)
    negative, neutral, positive = aggregate.mean(counted)
    headline = [p for place, p in zip(target.places, answers, strict=True) if place.field == "title"]
    return TargetSentiment(
        target=target.name,
        kind=target.kind,
        label=label,
        score=aggregate.score(counted),
        n=len(counted),
        p_negative=negative,
        p_neutral=neutral,
        p_positive=positive,
        headline=headline[0][2] - headline[0][0] if headline else None,
        mentions=tuple(_mention(place, p) for place, p in zip(target.places, answers, strict=True)),
    )


def _mention(place: Place, answer: Probabilities) -> Mention:
    return Mention(place.field, place.start, place.end, place.sentence_start, place.sentence_end, *answer)


def _answers(rows: Sequence[Mapping[str, Any]], scorer: Scorer) -> Iterator[dict[str, Any]]:
    items = [_row_item(row) for row in rows]
    langs = [_language(row, item[0]) for row, item in zip(rows, items, strict=True)]
    found: dict[int, tuple[Scorer, Probabilities]] = {}
    for lang in set(langs):
        own = scorer.in_language(lang)
        places = [place for place, one in enumerate(langs) if one == lang] if own else []
        if own and places:
            answers = own.probabilities([items[place] for place in places])
            found |= {place: (own, answer) for place, answer in zip(places, answers, strict=True)}
    for place, row in enumerate(rows):
        yield {"id": row.get("id"), **(_answer(*found[place]) if place in found else _NO_ANSWER)}


def _answer(scorer: Scorer, answer: Probabilities) -> dict[str, Any]:
    negative, neutral, positive = answer
    best = max(range(3), key=[p * weight for p, weight in zip(answer, scorer.decision, strict=True)].__getitem__)
    return {
        "label": _LABELS[best],
        "score": round(positive - negative, 4),
        "p_negative": round(negative, 4),
        "p_neutral": round(neutral, 4),
        "p_positive": round(positive, 4),
    }


def _language(row: Mapping[str, Any], sentence: str) -> str | None:
    """What the row says, else what the sentence looks like; English where that is not clear."""
    stated = row.get("lang")
    return (normalise(stated) if isinstance(stated, str) else None) or detect(sentence, "en") or "en"


def _row_item(row: Mapping[str, Any]) -> SentenceTarget:
    text, start, end = row.get("text"), row.get("start"), row.get("end")
    whole = isinstance(text, str) and isinstance(start, int) and isinstance(end, int)
    if not whole or not 0 <= start < end <= len(text):  # type: ignore[operator, arg-type]  # checked by whole
        raise ScorerError(f"row {row.get('id')!r} needs a text and a target inside it: start {start!r}, end {end!r}")
    return text, start, end  # type: ignore[return-value]  # checked above
