"""Views for analysts: what to ask the store without knowing its tables. None of them carries the text of a story.

Views hold no data, so they are no migration steps: a store whose views differ from these is given these.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """One view: what a row of it is, and its SQL."""

    name: str
    about: str  # one line, for the documentation and the UI
    sql: str


_FLAGGED = View(
    "v_flagged",
    "One row a story and topic it is flagged for: score, first evidence sentence, tone, prospects, thread, review",
    """
    select s.id as story_id, f.topic, coalesce(s.published_at, s.first_seen_at) as published_at,
        s.outlet, s.country, s.camp, s.lang, s.title, round(f.score, 3) as score,
        json_extract(f.evidence, '$[0].sentence') as sentence, json_array_length(f.evidence) as n_evidence,
        tone.label as tone, round(tone.score, 3) as tone_score,
        talks.label as talks_tone, round(talks.score, 3) as talks_score,
        p.label as prospects, round(p.score, 3) as prospects_score,
        (select group_concat(country, ' ') from countries where story_id = s.id and role = 'candidate') as candidates,
        (select group_concat(speaker, '; ')
            from (select distinct speaker from quotes where story_id = s.id and speaker is not null)) as speakers,
        s.thread_id, t.n_outlets, t.n_independent, s.reprint_of,
        (select verdict from reviews where story_id = s.id and coalesce(topic, f.topic) = f.topic
            order by id desc limit 1) as review,
        s.source, s.status, s.url
    from flags f
    join stories s on s.id = f.story_id
    left join sentiments tone on tone.story_id = s.id and tone.kind = 'document'
    left join sentiments talks on talks.story_id = s.id and talks.kind = 'talks'
        and talks.rowid = (select min(rowid) from sentiments where story_id = s.id and kind = 'talks')
    left join prospects p on p.story_id = s.id
        and p.rowid = (select min(rowid) from prospects where story_id = s.id)
    left join threads t on t.id = s.thread_id
    where f.flagged = 1
    """,
)

_REVIEW_QUEUE = View(
    "v_review_queue",
    "Judgements nobody has reviewed: flagged stories, and near misses with a score of 0.35 or more; no reprints",
    """
    select s.id as story_id, f.topic, f.flagged, round(f.score, 3) as score,
        coalesce(s.published_at, s.first_seen_at) as published_at, s.outlet, s.lang, s.title,
        json_extract(f.evidence, '$[0].sentence') as sentence, f.flip, s.thread_id, s.url
    from flags f
    join stories s on s.id = f.story_id
    left join threads t on t.id = s.thread_id
    where (f.flagged = 1 or f.score >= 0.35) and s.reprint_of is null and t.muted_at is null
        and not exists (select 1 from reviews r where r.story_id = s.id and coalesce(r.topic, f.topic) = f.topic)
    """,
)

_THREADS = View(
    "v_threads",
    "One row a story thread: when it ran, how many stories, outlets and independent outlets, tone, alerts",
    """
    select t.id as thread_id, t.topic, t.title, t.first_at, t.last_at, t.n_stories, t.n_outlets, t.n_independent,
        (select group_concat(outlet, '; ')
            from (select distinct outlet from stories where thread_id = t.id)) as outlets,
        (select group_concat(camp, '; ')
            from (select distinct camp from stories where thread_id = t.id and camp is not null)) as camps,
        (select outlet from stories where thread_id = t.id
            order by coalesce(published_at, first_seen_at), id limit 1) as first_outlet,
        (select round(avg(d.score), 3) from sentiments d join stories s on s.id = d.story_id
            where s.thread_id = t.id and d.kind = 'document') as tone_score,
        (select round(avg(p.score), 3) from prospects p join stories s on s.id = p.story_id
            where s.thread_id = t.id) as prospects_score,
        (select count(*) from alerts a where a.thread_id = t.id) as n_alerts,
        t.muted_at
    from threads t
    where t.merged_into is null
    """,
)

_QUOTES = View(
    "v_quotes",
    "The quote ledger, a row for what was said once: speaker, stance, first outlet and wording, all outlets, drift",
    # only one min() or max() may stand in the outer select: SQLite then takes the other columns from that row
    """
    select q.saying_id, min(coalesce(s.published_at, s.first_seen_at)) as first_at,
        (select speaker from quotes where saying_id = q.saying_id
            order by length(speaker) desc, id limit 1) as speaker,
        (select role from quotes where saying_id = q.saying_id and role is not null order by id limit 1) as role,
        (select country from quotes where saying_id = q.saying_id and country is not null
            order by id limit 1) as country,
        (select stance from quotes where saying_id = q.saying_id and stance is not null
            group by stance order by count(*) desc limit 1) as stance,
        (select max(about_accession) from quotes where saying_id = q.saying_id) as about_accession,
        q.kind, q.text as quote, s.outlet as first_outlet, s.camp as first_camp, s.lang as first_lang,
        count(distinct s.id) as n_stories, count(distinct s.outlet) as n_outlets,
        (select group_concat(outlet, '; ') from (select distinct outlet from stories
            where id in (select story_id from quotes where saying_id = q.saying_id))) as outlets,
        count(distinct q.text) as n_wordings,
        (select max(coalesce(published_at, first_seen_at)) from stories
            where id in (select story_id from quotes where saying_id = q.saying_id)) as last_at,
        (select l.text from quotes l join stories t on t.id = l.story_id where l.saying_id = q.saying_id
            order by coalesce(t.published_at, t.first_seen_at) desc, l.id desc limit 1) as last_wording,
        s.title, s.id as story_id, s.thread_id, s.url
    from quotes q
    join stories s on s.id = q.story_id
    group by q.saying_id
    """,
)

_SENTIMENT_DAILY = View(
    "v_sentiment_daily",
    "Tone by day, topic and target over flagged stories: how many, mean score, how many of each label",
    """
    select substr(coalesce(s.published_at, s.first_seen_at), 1, 10) as day, f.topic, d.kind, d.target,
        count(*) as n_stories, round(avg(d.score), 3) as score, round(min(d.score), 3) as lowest,
        round(max(d.score), 3) as highest, sum(d.label is 'negative') as n_negative,
        sum(d.label is 'neutral') as n_neutral, sum(d.label is 'positive') as n_positive,
        sum(d.label is null) as n_unclear
    from flags f
    join stories s on s.id = f.story_id
    join sentiments d on d.story_id = s.id
    where f.flagged = 1 and d.score is not null
    group by 1, 2, 3, 4
    """,
)

_OUTLET_TONE = View(
    "v_outlet_tone",
    "How each outlet writes about a topic: stories, mean tone of the whole and of the talks, mean prospects",
    """
    select s.outlet, s.camp, s.country, f.topic, count(*) as n_stories, round(avg(f.score), 3) as relevance,
        round(avg((select score from sentiments where story_id = s.id and kind = 'document')), 3) as tone_score,
        round(avg((select avg(score) from sentiments where story_id = s.id and kind = 'talks')), 3) as talks_score,
        round(avg((select avg(score) from prospects where story_id = s.id)), 3) as prospects_score,
        sum(s.reprint_of is not null) as n_reprints,
        min(coalesce(s.published_at, s.first_seen_at)) as first_at,
        max(coalesce(s.published_at, s.first_seen_at)) as last_at
    from flags f
    join stories s on s.id = f.story_id
    where f.flagged = 1
    group by s.outlet, s.camp, s.country, f.topic
    """,
)

_FEED_HEALTH = View(
    "v_feed_health",
    "One row for each feed: does it answer, when is it asked next and why, what did it bring",
    """
    select f.id as feed_id, f.outlet, f.country, f.camp, f.lang,
        case when f.state = 'active' and f.failures > 0 then 'failing'
            when f.state = 'active' and f.polled_at is null then 'new' else f.state end as health,
        f.failures, f.error, f.polled_at, f.succeeded_at, f.next_poll_at, f.next_poll_reason,
        (select count(*) from entries where feed_id = f.id) as n_entries,
        case when f.entry_times = '[]' then null
            else strftime('%Y-%m-%dT%H:%M:%SZ', json_extract(f.entry_times, '$[0]'), 'unixepoch')
            end as newest_entry_at,
        p.n_polls, p.n_failed, p.n_unchanged, p.ms as mean_ms, p.bytes as mean_bytes, f.url
    from feeds f
    left join (
        select feed_id, count(*) as n_polls, sum(status in ('failed', 'gone')) as n_failed,
            sum(status = 'unchanged') as n_unchanged, cast(avg(ms) as integer) as ms,
            cast(avg(bytes) as integer) as bytes
        from polls group by feed_id
    ) p on p.feed_id = f.id
    """,
)

_BLIND_WINDOWS = View(
    "v_blind_windows",
    "When a feed was not seen: from its last success to the next, and the failures between; to_at NULL: still blind",
    """
    with marked as (
        select id, feed_id, started_at, error, status in ('ok', 'unchanged') as seen,
            sum(status in ('ok', 'unchanged'))
                over (partition by feed_id order by started_at, id rows unbounded preceding) as run
        from polls
    ),
    runs as (
        select feed_id, run, max(case when seen then started_at end) as from_at,
            sum(not seen) as n_failures, min(case when not seen then started_at end) as first_failure_at,
            max(case when not seen then id end) as last_failure,
            lead(min(started_at)) over (partition by feed_id order by run) as to_at
        from marked group by feed_id, run
    )
    select f.id as feed_id, f.outlet, r.from_at, r.to_at, r.first_failure_at, r.n_failures,
        round((julianday(coalesce(r.to_at, 'now')) - julianday(coalesce(r.from_at, r.first_failure_at))) * 24, 2)
            as hours,
        (select error from polls where id = r.last_failure) as error, f.url
    from runs r
    join feeds f on f.id = r.feed_id
    where r.n_failures > 0
    """,
)

_CHANGES = View(
    "v_changes",
    "What outlets changed after publishing, a row a change: words before and after, when seen, in which page version",
    """
    select c.id as change_id, c.at, c.kind, c."before", c."after", s.outlet, s.country, s.camp, s.lang, s.title,
        coalesce(s.published_at, s.first_seen_at) as published_at,
        (select group_concat(topic, ' ') from flags where story_id = s.id and flagged = 1) as topics,
        (select label from prospects where story_id = s.id order by rowid limit 1) as prospects,
        c.version, s.id as story_id, s.thread_id, s.url
    from changes c
    join stories s on s.id = c.story_id
    """,
)

VIEWS: tuple[View, ...] = (
    _FLAGGED,
    _REVIEW_QUEUE,
    _THREADS,
    _QUOTES,
    _SENTIMENT_DAILY,
    _OUTLET_TONE,
    _FEED_HEALTH,
    _BLIND_WINDOWS,
    _CHANGES,
)

_HASH = hashlib.blake2b(repr(VIEWS).encode(), digest_size=8).hexdigest()


def create(conn: sqlite3.Connection) -> None:
    """Put these views in place of whatever views of ours the store has. The caller opens the transaction."""
    drop(conn)
    for view in VIEWS:
        conn.execute(f"create view {view.name} as {view.sql}")
    conn.execute(
        "insert into settings (key, value) values ('views', ?) on conflict (key) do update set value = excluded.value",
        (f'"{_HASH}"',),
    )


def drop(conn: sqlite3.Connection) -> None:
    """Remove our views; those that somebody else made are left alone as long as they are not called v_...."""
    names = conn.execute("select name from sqlite_master where type = 'view' and name like 'v\\_%' escape '\\'")
    for (name,) in names.fetchall():
        conn.execute(f'drop view "{name}"')


def up_to_date(conn: sqlite3.Connection) -> bool:
    """Are the store's views these?"""
    row = conn.execute("select value from settings where key = 'views'").fetchone()
    return row is not None and row[0] == f'"{_HASH}"'
