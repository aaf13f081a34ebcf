"""Analyses: flags, keywords, countries, tone, prospects and quotes of a story, written and read back; their SQL."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from monitor.model import (
    Analysis,
    Country,
    Evidence,
    Flag,
    Keyword,
    Mention,
    Prospects,
    Quote,
    Sentiment,
    TargetSentiment,
)
from monitor.store import sayings
from monitor.store.columns import from_optional, from_text, from_value, to_value

DOCUMENT = "document"  # kind and target of the row that holds the tone of the whole

_TABLES = ("flags", "keywords", "countries", "sentiments", "mentions", "prospects", "quotes")

_FLAG = """
    insert or replace into flags (story_id, topic, score, flagged, evidence, parts, rule, flip)
    values (?, ?, ?, ?, ?, ?, ?, ?)
"""
_KEYWORD = "insert into keywords (story_id, topic, term, lang, field, count) values (?, ?, ?, ?, ?, ?)"
_COUNTRY = "insert or ignore into countries (story_id, country, role) values (?, ?, ?)"
_SENTIMENT = """
    insert into sentiments (story_id, target, kind, label, score, confidence, n, p_negative, p_neutral, p_positive,
        headline, scorer)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_MENTION = """
    insert into mentions (story_id, target, kind, field, "start", "end", sentence_start, sentence_end,
        p_negative, p_neutral, p_positive, scorer)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_PROSPECTS = "insert into prospects (story_id, topic, label, score, confidence, evidence) values (?, ?, ?, ?, ?, ?)"
_QUOTE = """
    insert into quotes (story_id, kind, speaker, speaker_surface, role, country, text, "start", "end", spans,
        about_accession, stance, saying_id, meaning)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def write(conn: sqlite3.Connection, story_id: int, analysis: Analysis, said_before: Mapping[int, int]) -> None:
    """Store an analysis for a story that has none. ``said_before``: index of a quote -> saying it repeats."""
    conn.executemany(_FLAG, [_flag_row(story_id, flag) for flag in analysis.flags])
    conn.executemany(
        _KEYWORD,
        [(story_id, word.topic, from_text(word.term), word.lang, word.field, word.count) for word in analysis.keywords],
    )
    conn.executemany(_COUNTRY, [(story_id, country.country, country.role) for country in analysis.countries])
    _write_sentiment(conn, story_id, analysis.sentiment)
    if analysis.prospects is not None:
        conn.execute(_PROSPECTS, _prospects_row(story_id, analysis, analysis.prospects))
    for index, quote in enumerate(analysis.quotes):
        saying = sayings.existing(conn, said_before.get(index)) or sayings.add(conn, quote.text)
        conn.execute(_QUOTE, _quote_row(story_id, quote, saying))


def clear(conn: sqlite3.Connection, story_id: int) -> None:
    """Remove a story's analysis."""
    for table in _TABLES:
        conn.execute(f"delete from {table} where story_id = ?", (story_id,))


def flagged_topics(conn: sqlite3.Connection, story_id: int) -> tuple[str, ...]:
    """Topics that a stored story is flagged for, the strongest first."""
    rows = conn.execute("select topic from flags where story_id = ? and flagged = 1 order by score desc", (story_id,))
    return tuple(topic for (topic,) in rows)


def read(conn: sqlite3.Connection, story_id: int, lang: str | None) -> Analysis:
    """A story's analysis as it was written, each part in the order it was written in."""

    def rows(table: str) -> list[sqlite3.Row]:
        order = "rowid" if table != "countries" else "role desc, country"
        return conn.execute(f"select * from {table} where story_id = ? order by {order}", (story_id,)).fetchall()

    return Analysis(
        lang=lang,
        flags=tuple(_flag(row) for row in rows("flags")),
        keywords=tuple(Keyword(r["topic"], r["term"], r["lang"], r["field"], r["count"]) for r in rows("keywords")),
        countries=tuple(Country(row["country"], row["role"]) for row in rows("countries")),
        sentiment=_sentiment(rows("sentiments"), rows("mentions")),
        prospects=next((_prospects(row) for row in rows("prospects")), None),
        quotes=tuple(_quote(row) for row in rows("quotes")),
    )


# --- written -------------------------------------------------------------------------------------------------------


def _flag_row(story_id: int, flag: Flag) -> tuple[object, ...]:
    evidence = from_value([asdict(one) for one in flag.evidence])
    parts = from_value(dict(flag.parts))
    return (story_id, flag.topic, flag.score, int(flag.flagged), evidence, parts, flag.rule, from_text(flag.flip))


def _write_sentiment(conn: sqlite3.Connection, story_id: int, tone: Sentiment) -> None:
    rows: list[tuple[object, ...]] = []
    if tone.scorer is not None or tone.score is not None:
        rows.append((story_id, DOCUMENT, DOCUMENT, tone.label, tone.score, tone.confidence, *[None] * 5, tone.scorer))
    rows += [_target_row(story_id, target, tone.scorer) for target in tone.targets]
    conn.executemany(_SENTIMENT, rows)
    conn.executemany(
        _MENTION,
        [
            _mention_row(story_id, target, mention, tone.scorer)
            for target in tone.targets
            for mention in target.mentions
        ],
    )


def _target_row(story_id: int, target: TargetSentiment, scorer: str | None) -> tuple[object, ...]:
    probabilities = (target.p_negative, target.p_neutral, target.p_positive)
    return (
        story_id,
        from_text(target.target),
        target.kind,
        target.label,
        target.score,
        max(probabilities),
        target.n,
        *probabilities,
        target.headline,
        scorer,
    )


def _mention_row(story_id: int, target: TargetSentiment, mention: Mention, scorer: str | None) -> tuple[object, ...]:
    return (
        story_id,
        from_text(target.target),
        target.kind,
        mention.field,
        mention.start,
        mention.end,
        mention.sentence_start,
        mention.sentence_end,
        mention.p_negative,
        mention.p_neutral,
        mention.p_positive,
        scorer,
    )


def _prospects_row(story_id: int, analysis: Analysis, prospects: Prospects) -> tuple[object, ...]:
    # they are about the topic that speaks most clearly
    strongest = max(analysis.flags, key=lambda flag: (flag.flagged, flag.score), default=None)
    topic = strongest.topic if strongest else ""
    evidence = from_value([asdict(one) for one in prospects.evidence])
    return (story_id, topic, prospects.label, prospects.score, prospects.confidence, evidence)


def _quote_row(story_id: int, quote: Quote, saying: int) -> tuple[object, ...]:
    start = min((span[0] for span in quote.spans), default=0)
    end = max((span[1] for span in quote.spans), default=0)
    return (
        story_id,
        quote.kind,
        from_optional(quote.speaker),
        from_optional(quote.speaker_surface),
        from_optional(quote.role),
        quote.country,
        from_text(quote.text),
        start,
        end,
        from_value(quote.spans),
        int(quote.about_accession),
        quote.stance,
        saying,
        quote.meaning or None,
    )


# --- read back -----------------------------------------------------------------------------------------------------


def _flag(row: sqlite3.Row) -> Flag:
    return Flag(
        topic=row["topic"],
        score=row["score"],
        flagged=bool(row["flagged"]),
        evidence=_evidence(row["evidence"]),
        parts=to_value(row["parts"]),
        rule=row["rule"],
        flip=row["flip"],
    )


def _evidence(text: str) -> tuple[Evidence, ...]:
    found: list[dict[str, Any]] = to_value(text)
    return tuple(Evidence(**one) for one in found)


def _sentiment(rows: Sequence[sqlite3.Row], mention_rows: Sequence[sqlite3.Row]) -> Sentiment:
    mentions: dict[tuple[str, str], list[Mention]] = defaultdict(list)
    for row in mention_rows:
        mentions[row["kind"], row["target"]].append(_mention(row))
    whole = next((row for row in rows if row["kind"] == DOCUMENT), None)
    targets = tuple(
        _target(row, tuple(mentions[row["kind"], row["target"]])) for row in rows if row["kind"] != DOCUMENT
    )
    return Sentiment(
        label=whole["label"] if whole else None,
        score=whole["score"] if whole else None,
        confidence=whole["confidence"] if whole else None,
        targets=targets,
        scorer=whole["scorer"] if whole else None,
    )


def _mention(row: sqlite3.Row) -> Mention:
    return Mention(
        field=row["field"],
        start=row["start"],
        end=row["end"],
        sentence_start=row["sentence_start"],
        sentence_end=row["sentence_end"],
        p_negative=row["p_negative"],
        p_neutral=row["p_neutral"],
        p_positive=row["p_positive"],
    )


def _target(row: sqlite3.Row, mentions: tuple[Mention, ...]) -> TargetSentiment:
    return TargetSentiment(
        target=row["target"],
        kind=row["kind"],
        label=row["label"],
        score=row["score"],
        n=row["n"],
        p_negative=row["p_negative"],
        p_neutral=row["p_neutral"],
        p_positive=row["p_positive"],
        headline=row["headline"],
        mentions=mentions,
    )


def _prospects(row: sqlite3.Row) -> Prospects:
    return Prospects(
        label=row["label"], score=row["score"], confidence=row["confidence"], evidence=_evidence(row["evidence"])
    )


def _quote(row: sqlite3.Row) -> Quote:
    spans: list[list[int]] = to_value(row["spans"])
    return Quote(
        kind=row["kind"],
        spans=tuple((start, end) for start, end in spans),
        text=row["text"],
        speaker=row["speaker"],
        speaker_surface=row["speaker_surface"],
        role=row["role"],
        country=row["country"],
        about_accession=bool(row["about_accession"]),
        stance=row["stance"],
        meaning=row["meaning"] or b"",
    )
