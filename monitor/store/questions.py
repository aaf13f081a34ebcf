"""Questions that analysts ask again and again: SQL with parameters, for the UI. None of them writes.

An empty parameter means "any". ``match_words`` and ``is_person`` are ours: the sqlite3 shell does not know them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One question: what it answers, and its SQL; ``:name`` is a parameter."""

    name: str
    title: str
    about: str  # one line, what to put in and what comes out
    sql: str


# flagged stories on a candidate's accession since a day
_CONCERNS = """f.flagged = 1 and coalesce(s.published_at, s.first_seen_at) >= :since
        and (:country = '' or exists (select 1 from countries where story_id = s.id
            and role = 'candidate' and country = upper(:country)))"""


def _mean_by_day(scores: str) -> str:
    """Each flagged story's score counts once; ``scores``: the join that brings them as ``x.score``."""
    return f"""
        select day, round(avg(score), 3) as value, count(*) as n_stories from (
            select distinct s.id, substr(coalesce(s.published_at, s.first_seen_at), 1, 10) as day, x.score
            from flags f join stories s on s.id = f.story_id
            {scores}
            where {_CONCERNS}
        ) group by day order by day
        """


QUESTIONS: tuple[Question, ...] = (
    Question(
        "search",
        "Search the texts",
        'Words in title or text, "phrases" and begin*; the best hundred stories, the matched words in brackets',
        """
        select s.id as story_id, coalesce(s.published_at, s.first_seen_at) as published_at, s.outlet, s.lang, s.title,
            snippet(stories_fts, -1, '[', ']', ' … ', 24) as words, s.url
        from stories_fts join stories s on s.id = stories_fts.rowid
        where stories_fts match coalesce(match_words(:words), '""')
        order by bm25(stories_fts, 4.0, 1.0), s.id desc limit 100
        """,
    ),
    Question(
        "speaker",
        "What a speaker said",
        "A name or a part of it, in any spelling and alphabet: each saying once, in time order. Stance: supports, "
        "opposes, conditional, neutral",
        """
        select first_at, speaker, role, stance, quote, outlets, n_wordings, last_wording, story_id, url from v_quotes
        where is_person(speaker, :speaker) and (:stance = '' or stance = lower(:stance))
        order by first_at, saying_id
        """,
    ),
    Question(
        "outlets",
        "Outlets compared",
        "On one candidate (UA, GE, ...; empty: any) since a day (2026-11-01): how much each outlet wrote, in which "
        "tone (-1 to 1), and how it saw the prospects",
        f"""
        select s.outlet, s.camp, count(*) as n_stories, sum(s.reprint_of is not null) as n_reprints,
            round(avg(d.score), 3) as tone_score, round(min(d.score), 3) as lowest, round(max(d.score), 3) as highest,
            round(avg((select avg(score) from prospects where story_id = s.id)), 3) as prospects_score,
            max(coalesce(s.published_at, s.first_seen_at)) as last_at
        from flags f join stories s on s.id = f.story_id
        left join sentiments d on d.story_id = s.id and d.kind = 'document'
        where {_CONCERNS}
        group by s.outlet, s.camp order by n_stories desc, s.outlet
        """,
    ),
    Question(
        "stories_by_day",
        "Flagged stories a day",
        "How many stories were flagged, by the day they were published (UTC), and in how many outlets",
        f"""
        select substr(coalesce(s.published_at, s.first_seen_at), 1, 10) as day, count(distinct s.id) as value,
            count(distinct s.outlet) as n_outlets
        from flags f join stories s on s.id = f.story_id
        where {_CONCERNS}
        group by day order by day
        """,
    ),
    Question(
        "tone_by_day",
        "Tone a day",
        "Mean tone of the flagged stories, -1 negative to 1 positive; stories without a scored language left out",
        _mean_by_day("join sentiments x on x.story_id = s.id and x.kind = 'document' and x.score is not null"),
    ),
    Question(
        "prospects_by_day",
        "Prospects a day",
        "Mean prospects that the flagged stories report, -1 unfavourable to 1 favourable",
        _mean_by_day("join prospects x on x.story_id = s.id and x.topic = f.topic"),
    ),
    Question(
        "candidates",
        "Candidates in the news",
        "Countries whose accession was written about: flagged stories, first and last",
        """
        select c.country, count(distinct s.id) as n_stories, min(coalesce(s.published_at, s.first_seen_at)) as first_at,
            max(coalesce(s.published_at, s.first_seen_at)) as last_at
        from countries c join stories s on s.id = c.story_id
        where c.role = 'candidate' and exists (select 1 from flags where story_id = s.id and flagged = 1)
        group by c.country order by n_stories desc, c.country
        """,
    ),
)
