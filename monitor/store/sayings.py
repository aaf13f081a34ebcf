"""The quote ledger: what somebody said once, in however many stories. SQL of ``sayings`` and the view ``v_quotes``.

Which quotations are the same saying is decided elsewhere; here it is kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from monitor.model import KnownQuote, Quote
from monitor.store.columns import from_text, from_time, required_time

_RECENT = """
    select q.saying_id, q.speaker, s.lang, q.text, coalesce(s.published_at, s.first_seen_at) as at, q.meaning,
        q.stance
    from stories s join quotes q on q.story_id = s.id
    where coalesce(s.published_at, s.first_seen_at) >= :since
    order by coalesce(s.published_at, s.first_seen_at), q.id
"""


def add(conn: sqlite3.Connection, text: str) -> int:
    """A saying that nobody quoted before; returns its id."""
    saying_id = conn.execute("insert into sayings (text) values (?)", (from_text(text),)).lastrowid
    assert saying_id is not None
    return saying_id


def existing(conn: sqlite3.Connection, saying_id: int | None) -> int | None:
    """The same id, if there is such a saying."""
    row = conn.execute("select id from sayings where id = ?", (saying_id,)).fetchone()
    return row["id"] if row else None


def recent(conn: sqlite3.Connection, since: datetime) -> list[KnownQuote]:
    """Quotations of stories published (or first seen) at or after ``since``, in time order."""
    return [
        KnownQuote(
            saying_id=row["saying_id"],
            speaker=row["speaker"],
            lang=row["lang"],
            text=row["text"],
            at=required_time(row["at"]),
            meaning=row["meaning"] or b"",
            stance=row["stance"],
        )
        for row in conn.execute(_RECENT, {"since": from_time(since)})
    ]


def kept(conn: sqlite3.Connection, story_id: int, quotes: Sequence[Quote]) -> Mapping[int, int]:
    """For a story that is analysed again: index of each quote whose words it had before -> their saying."""
    rows = conn.execute("select text, saying_id from quotes where story_id = ?", (story_id,))
    before: dict[str, int] = {row["text"]: row["saying_id"] for row in rows}
    found = {index: before.get(from_text(quote.text)) for index, quote in enumerate(quotes)}
    return {index: saying for index, saying in found.items() if saying is not None}


def ledger(
    conn: sqlite3.Connection,
    speaker: str,
    stance: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Rows of ``v_quotes`` in time order, the newest ``limit`` of them. ``speaker``: a name or part of one, as spelt
    anywhere.
    """
    rows = conn.execute(
        """
        select * from v_quotes
        where is_person(speaker, :speaker) and (:stance is null or stance = :stance)
            and (:since is null or first_at >= :since) and (:until is null or first_at < :until)
        order by first_at desc, saying_id desc limit :limit
        """,
        {
            "speaker": from_text(speaker),
            "stance": stance,
            "since": from_time(since),
            "until": from_time(until),
            "limit": limit,
        },
    )
    return [dict(row) for row in rows][::-1]
