"""Scores a topic against labelled stories: precision, recall, F1 in all and by group, every miss with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from monitor.analyse import language
from monitor.contracts import document_of
from monitor.flag import compile_rules
from monitor.model import Flag
from monitor.settings import TopicSettings

FULL_ARTICLE_CHARS = 700  # shorter texts are feed items: a title with a summary


@dataclass(frozen=True, slots=True)
class Judged:
    """One labelled story and what the topic said."""

    row: dict[str, Any]
    wanted: bool
    flag: Flag | None

    @property
    def flagged(self) -> bool:
        """Did the topic flag it?"""
        return self.flag is not None and self.flag.flagged


def against_file(topic: TopicSettings, rows: Iterable[dict[str, Any]], positive: str) -> dict[str, Any]:
    """Judge labelled rows ``{id, title, text, label, lang?, ambiguous?}``; those marked ambiguous are left out.

    Returns:
        ``groups``: all, by kind and by language, each with n, wanted, flagged, precision, recall, f1;
        ``misses``: false alarms and missed stories with score and cited sentences.
    """
    rules = compile_rules([topic])
    judged: list[Judged] = []
    for row in rows:
        if row.get("ambiguous"):
            continue
        document = document_of(row, len(judged) + 1)
        lang = language.detect(f"{document.title}\n{document.text}", document.lang)
        flags = rules.judge(replace(document, lang=lang)).flags
        judged.append(Judged(row, row.get("label") == positive, flags[0] if flags else None))
    return {
        "groups": [_figures(name, members) for name, members in _groups(judged)],
        "misses": [_miss(one) for one in judged if one.flagged != one.wanted],
    }


def _groups(judged: list[Judged]) -> Iterator[tuple[str, list[Judged]]]:
    yield "all", judged
    kinds = {"full article": True, "feed item": False}
    for name, full in kinds.items():
        members = [one for one in judged if (len(str(one.row.get("text") or "")) >= FULL_ARTICLE_CHARS) is full]
        if members:
            yield name, members
    for lang in sorted({str(one.row.get("lang") or "?") for one in judged}):
        yield lang, [one for one in judged if str(one.row.get("lang") or "?") == lang]


def _figures(name: str, members: list[Judged]) -> dict[str, Any]:
    wanted, flagged = sum(one.wanted for one in members), sum(one.flagged for one in members)
    right = sum(one.wanted and one.flagged for one in members)
    precision = right / flagged if flagged else 1.0
    recall = right / wanted if wanted else 1.0
    f1 = 2 * right / (wanted + flagged) if wanted + flagged else 1.0
    return {
        "group": name,
        "n": len(members),
        "wanted": wanted,
        "flagged": flagged,
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


def _miss(one: Judged) -> dict[str, Any]:
    evidence = one.flag.evidence if one.flag else ()
    return {
        "kind": "false alarm" if one.flagged else "missed",
        "id": one.row.get("id"),
        "lang": one.row.get("lang"),
        "title": one.row.get("title"),
        "score": one.flag.score if one.flag else 0.0,
        "sentences": list(dict.fromkeys(item.sentence for item in evidence)),
    }
