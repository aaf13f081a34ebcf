"""Search: stories by words and by what the analysis found. SQL over ``stories_fts`` and the analysis tables.

The user's words never become FTS5 syntax: only "phrases" and a trailing * mean something.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.people import same_person
from monitor.store.columns import from_text, from_time

# weights of bm25: a word in the title says more
_RANKED = """
    select s.id, bm25(stories_fts, 4.0, 1.0) as rank
    from stories_fts join stories s on s.id = stories_fts.rowid
    where stories_fts match :match{filters}
    order by rank, s.id desc limit :limit
"""

_NEWEST = """
    select s.id from stories s
    where 1{filters}
    order by coalesce(s.published_at, s.first_seen_at) desc limit :limit
"""

_SNIPPETS = """
    select rowid, snippet(stories_fts, -1, '[', ']', ' … ', 24) as snippet from stories_fts
    where stories_fts match :match and rowid in (select value from json_each(:ids))
"""

# the flag that is asked for, else the strongest
_ROW = """
    select s.id, coalesce(s.published_at, s.first_seen_at) as published_at, s.outlet, s.country as outlet_country,
        s.camp, s.lang, s.title, s.url, s.thread_id, s.reprint_of, s.source, s.status, s.word_count,
        f.topic, f.score, f.flagged, json_extract(f.evidence, '$[0].sentence') as sentence,
        tone.label as sentiment, tone.score as sentiment_score,
        (select label from prospects where story_id = s.id limit 1) as prospects,
        (select score from prospects where story_id = s.id limit 1) as prospects_score,
        substr(s.text, 1, 200) as beginning
    from stories s
    left join flags f on f.story_id = s.id and f.topic = coalesce(:topic,
        (select topic from flags where story_id = s.id order by flagged desc, score desc limit 1))
    left join sentiments tone on tone.story_id = s.id and tone.kind = 'document'
    where s.id = :id
"""

_TOKEN = re.compile(r'"([^"]*)"?|(\S+)')


@dataclass(frozen=True)
class Filters:
    """What a story must have besides the words. None: anything."""

    topic: str | None = None  # flagged for it
    since: datetime | None = None  # published (or first seen) at or after
    until: datetime | None = None  # before
    outlet: str | None = None  # part of its name; case and accents do not matter
    lang: str | None = None
    country: str | None = None  # that the story is about, ISO code
    stance: str | None = None  # of a quoted speaker toward the accession
    speaker: str | None = None  # name of a quoted speaker, or a part of it, in any spelling; with ``stance``, the same


def search(conn: sqlite3.Connection, words: str, filters: Filters, limit: int) -> list[dict[str, Any]]:
    """Stories with all of the words, best first; without words, newest first. Any text is a valid query."""
    match = match_expression(words)
    if match is None and words.strip():
        return []  # only punctuation: no text has it as a word
    where, values = _conditions(filters)
    values |= {"limit": limit}
    if match is None:
        found = conn.execute(_NEWEST.format(filters=where), values).fetchall()
        snippets: dict[int, str] = {}
    else:
        found = conn.execute(_RANKED.format(filters=where), {**values, "match": match}).fetchall()
        snippets = _snippets(conn, match, [row["id"] for row in found])
    return [_result(conn, row["id"], filters.topic, snippets.get(row["id"])) for row in found]


def match_expression(words: str) -> str | None:
    """The user's words as an FTS5 query that cannot be malformed: all words, "phrases in quotes", wild*.

    None when there is nothing that a tokenizer would call a word.
    """
    terms = []
    for phrase, word in _TOKEN.findall(from_text(words).replace("\ufffd", " ")):
        text = phrase or word.rstrip("*").replace('"', " ")
        if any(char.isalnum() for char in text):
            terms.append(f'"{text}"' + ("*" if word.endswith("*") else ""))
    return " ".join(terms) or None


def add_functions(conn: sqlite3.Connection) -> None:
    """Let the connection's SQL use ``fold``, ``is_person`` and ``match_words``."""
    conn.create_function("fold", 1, fold, deterministic=True)
    conn.create_function("is_person", 2, is_person, deterministic=True)
    conn.create_function("match_words", 1, lambda words: match_expression(words or ""), deterministic=True)


def fold(text: str | None) -> str:
    """A name without case and accents, so that Orban finds Orbán."""
    decomposed = unicodedata.normalize("NFKD", (text or "").casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def is_person(name: str | None, asked: str | None) -> bool:
    """For SQL: is ``asked`` a part of the name, or another spelling of it, in any alphabet?"""
    return name is not None and asked is not None and (fold(asked) in fold(name) or same_person(name, asked))


def _conditions(filters: Filters) -> tuple[str, dict[str, object]]:
    sql = ""
    if filters.topic is not None:
        sql += " and exists (select 1 from flags where story_id = s.id and topic = :topic and flagged = 1)"
    if filters.since is not None:
        sql += " and coalesce(s.published_at, s.first_seen_at) >= :since"
    if filters.until is not None:
        sql += " and coalesce(s.published_at, s.first_seen_at) < :until"
    if filters.outlet is not None:
        sql += " and instr(fold(s.outlet), :outlet)"
    if filters.lang is not None:
        sql += " and s.lang = :lang"
    if filters.country is not None:
        sql += " and exists (select 1 from countries where story_id = s.id and country = :country)"
    if filters.stance is not None or filters.speaker is not None:
        # by way of the ledger: a story that quotes her as "the minister" is found by her name too
        sql += (
            " and s.id in (select here.story_id from quotes q join quotes here on here.saying_id = q.saying_id where 1"
        )
        sql += _quote_conditions(filters) + ")"
    values: dict[str, object] = {
        "topic": filters.topic and from_text(filters.topic),
        "since": from_time(filters.since),
        "until": from_time(filters.until),
        "outlet": from_text(fold(filters.outlet)),
        "lang": filters.lang and from_text(filters.lang).lower(),
        "country": filters.country and from_text(filters.country).upper(),
        "stance": filters.stance and from_text(filters.stance),
        "speaker": filters.speaker and from_text(filters.speaker),
    }
    return sql, values


def _quote_conditions(filters: Filters) -> str:
    sql = " and q.stance = :stance" if filters.stance is not None else ""
    return sql + (" and is_person(q.speaker, :speaker)" if filters.speaker is not None else "")


def _snippets(conn: sqlite3.Connection, match: str, ids: Sequence[int]) -> dict[int, str]:
    rows = conn.execute(_SNIPPETS, {"match": match, "ids": str(list(ids))})
    return {row["rowid"]: row["snippet"] for row in rows}


def _result(conn: sqlite3.Connection, story_id: int, topic: str | None, snippet: str | None) -> dict[str, Any]:
    row = dict(conn.execute(_ROW, {"id": story_id, "topic": topic}).fetchone())
    beginning = row.pop("beginning")
    speakers = conn.execute(
        "select speaker from quotes where story_id = ? and speaker is not null group by speaker order by min(id)",
        (story_id,),
    )
    countries = conn.execute(
        "select country from countries where story_id = ? order by role desc, country", (story_id,)
    )
    return {
        **row,
        "flagged": bool(row["flagged"]),
        "speakers": [name for (name,) in speakers],
        "countries": list(dict.fromkeys(code for (code,) in countries)),
        "snippet": snippet or row["sentence"] or beginning,
    }
