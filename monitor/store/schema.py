"""The tables, as an ordered list of steps. New steps go to the end; a step that was released is never edited.

Column names are a public interface: analysts query this file with their own SQL. What was published stands in
``entries`` and ``stories``; what we did about it stands in the other tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from monitor.errors import StoreError, StoreTooNew
from monitor.store import views
from monitor.store.connection import transaction

if TYPE_CHECKING:
    from sqlite_utils import Database

APPLICATION_ID = 0x4D4F4E49  # "MONI", so that file(1) and we can tell our stores from other SQLite files

_FEEDS = """
create table feeds (
    id integer primary key,
    url text not null unique,           -- where it is asked; follows permanent moves
    config_url text not null unique,    -- as in config.yaml or as added by command; stays when the feed moves
    origin text not null,               -- 'config' or 'command': feeds added by command do not leave with the config
    outlet text not null,
    country text,                       -- of the outlet, ISO 3166-1 alpha-2
    camp text,
    lang text,
    tags text not null default '[]',    -- JSON list
    state text not null default 'active' check (state in ('active', 'paused', 'gone', 'removed')),
    added_at text not null,
    etag text,                          -- validators, sent back byte for byte
    last_modified text,
    body_hash text,
    next_poll_at text,                  -- NULL: at once
    next_poll_reason text,
    interval_s integer,
    failures integer not null default 0,  -- in a row
    error text,                         -- of the last poll, NULL when it worked
    polled_at text,
    succeeded_at text,
    unconditional_at text,
    moved_to text,
    moved_count integer not null default 0,
    moved_since text,
    entry_times text not null default '[]'  -- JSON: Unix times of its newest 30 entries; so due_feeds needs no join
);
-- NULL sorts as '' here, so that a feed that was never asked is found by the same range as one that is due
create index feeds_due on feeds (state, coalesce(next_poll_at, ''));
"""

_POLLS = """
create table polls (
    id integer primary key,
    feed_id integer not null references feeds (id) on delete cascade,
    started_at text not null,
    status text not null,               -- ok, unchanged, failed, gone
    http_status integer,
    bytes integer not null default 0,
    ms integer not null default 0,
    entries integer not null default 0, -- offered by the feed
    new integer not null default 0,
    parser text,                        -- which parser, and why
    error text,
    next_poll_at text not null,
    reason text not null                -- why then
);
create index polls_feed on polls (feed_id, started_at);
"""

_STORIES = """
create table threads (
    id integer primary key,
    topic text,                         -- for which it was opened; NULL: none of its stories is flagged
    title text not null,                -- of its first story
    first_at text not null,
    last_at text not null,
    n_stories integer not null default 0,
    n_outlets integer not null default 0,
    n_independent integer not null default 0,  -- outlets with words of their own: reprints left out
    muted_at text,                      -- an analyst wants no more mail about it
    merged_into integer references threads (id) on delete set null
);

create table stories (
    id integer primary key,
    url text not null unique,           -- canonical
    outlet text not null,
    country text,                       -- of the outlet
    camp text,
    lang text,
    title text not null,
    authors text not null default '[]', -- JSON list
    published_at text,                  -- by the feed, where it says so
    page_published_at text,             -- by the page
    first_seen_at text not null,        -- in any feed
    read_at text not null,
    text text not null,
    word_count integer not null,
    source text not null,               -- page, feed, summary
    status text not null,               -- ok, stub, consent, short, js, media, gone, live
    quality text not null,              -- the rule behind the status
    thread_id integer references threads (id) on delete set null,
    reprint_of integer references stories (id) on delete set null,
    ruleset text not null               -- hash of the rules and models behind flags, tone, prospects and quotes
);
create index stories_at on stories (coalesce(published_at, first_seen_at));
create index stories_thread on stories (thread_id) where thread_id is not null;
create index stories_reprint on stories (reprint_of) where reprint_of is not null;
create index threads_merged on threads (merged_into) where merged_into is not null;

-- other addresses that led to a story: links of its entries that are not its canonical URL
create table story_urls (
    url text primary key,
    story_id integer not null references stories (id) on delete cascade
) without rowid;
create index story_urls_story on story_urls (story_id);

create virtual table stories_fts using fts5 (
    title, text, content='stories', content_rowid='id', tokenize="unicode61 remove_diacritics 2"
);
create trigger stories_fts_insert after insert on stories begin
    insert into stories_fts (rowid, title, text) values (new.id, new.title, new.text);
end;
create trigger stories_fts_delete after delete on stories begin
    insert into stories_fts (stories_fts, rowid, title, text) values ('delete', old.id, old.title, old.text);
end;
create trigger stories_fts_update after update of title, text on stories begin
    insert into stories_fts (stories_fts, rowid, title, text) values ('delete', old.id, old.title, old.text);
    insert into stories_fts (rowid, title, text) values (new.id, new.title, new.text);
end;

create table pages (
    story_id integer not null references stories (id) on delete cascade,
    version integer not null,           -- 1, 2, ...: how the page changed
    fetched_at text not null,
    status integer not null,            -- of HTTP
    headers text not null,              -- JSON object
    body blob,                          -- zstd; NULL: pruned
    primary key (story_id, version)
);
-- for prune: a version's body is dropped when it is old
create index pages_kept on pages (fetched_at) where body is not null;

create table sketches (
    story_id integer not null references stories (id) on delete cascade,
    kind text not null,                 -- which algorithm made it
    data blob not null,
    primary key (story_id, kind)
);
"""

_ENTRIES = """
create table entries (
    id integer primary key,
    feed_id integer not null references feeds (id) on delete cascade,
    key text not null,                  -- what identifies it in its feed: guid, else link, else a hash
    guid text,
    link text,
    title text not null,
    summary text not null,
    content text not null default '',   -- full text, where the feed carries it
    authors text not null default '[]', -- JSON list
    published_at text,
    seen_at text not null,
    first_poll integer not null,        -- 1: came with the feed's first successful poll; never mailed
    state text not null default 'pending' check (state in ('pending', 'done', 'skipped')),
    attempts integer not null default 0,
    retry_at text not null,
    error text,                         -- of the last attempt, or why it was skipped
    settled_at text,
    story_id integer references stories (id) on delete set null,
    unique (feed_id, key)
);
create index entries_pending on entries (state, coalesce(published_at, seen_at), retry_at) where state = 'pending';
create index entries_date on entries (feed_id, published_at);  -- finds an article again under a new guid
create index entries_story on entries (story_id) where story_id is not null;
"""

_ANALYSIS = """
create table flags (
    story_id integer not null references stories (id) on delete cascade,
    topic text not null,
    score real not null,                -- 0..1
    flagged integer not null,           -- 1: the score reached the topic's threshold
    evidence text not null,             -- JSON list of {term, surface, field, start, end, sentence, ...}
    parts text not null,                -- JSON object: what each feature adds to the score
    rule text not null,                 -- hash of query, lexicon, weights and threshold
    flip text not null default '',      -- what would turn the judgement, in words
    primary key (story_id, topic)
);
create index flags_topic on flags (topic, story_id) where flagged = 1;

create table keywords (
    story_id integer not null references stories (id) on delete cascade,
    topic text not null,
    term text not null,
    lang text,
    field text not null,                -- title or text
    count integer not null
);
create index keywords_story on keywords (story_id);

create table countries (
    story_id integer not null references stories (id) on delete cascade,
    country text not null,              -- ISO 3166-1 alpha-2
    role text not null,                 -- candidate, actor
    primary key (story_id, country, role)
) without rowid;
create index countries_country on countries (country, story_id);

create table sentiments (
    story_id integer not null references stories (id) on delete cascade,
    target text not null,               -- 'document' or what the tone is about
    kind text not null,                 -- document, talks, accession, nato, country, speaker
    label text,                         -- negative, neutral, positive; NULL: mixed or unclear, or no scorer
    score real,                         -- -1..1; NULL where no scorer is measured for the language, never 0
    confidence real,
    n integer,                          -- mentions
    p_negative real,
    p_neutral real,
    p_positive real,
    headline real,                      -- the score of the title alone
    scorer text                         -- name and revision of what made the numbers
);
create index sentiments_story on sentiments (story_id, kind);

create table mentions (
    story_id integer not null references stories (id) on delete cascade,
    target text not null,
    kind text not null,
    field text not null,
    "start" integer not null,           -- of the target's mention
    "end" integer not null,
    sentence_start integer not null,
    sentence_end integer not null,
    p_negative real not null,
    p_neutral real not null,
    p_positive real not null,
    scorer text
);
create index mentions_story on mentions (story_id);

create table prospects (
    story_id integer not null references stories (id) on delete cascade,
    topic text not null,
    label text not null,                -- favourable, unfavourable, mixed, neutral
    score real not null,                -- -1..1
    confidence real not null,
    evidence text not null,             -- JSON, as in flags
    primary key (story_id, topic)
);

-- the ledger: one row for what somebody said once, however many stories quote it, shortened or reworded
create table sayings (
    id integer primary key,
    text text not null                  -- in the words that were stored first
);

create table quotes (
    id integer primary key,
    story_id integer not null references stories (id) on delete cascade,
    kind text not null,                 -- direct, indirect
    speaker text,                       -- as fully as the story names them
    speaker_surface text,               -- the words at the attribution
    role text,
    country text,                       -- of whom they speak for: ISO code, NATO, EU
    text text not null,
    "start" integer not null,           -- of the first span
    "end" integer not null,             -- of the last span
    spans text not null,                -- JSON list of [start, end]
    about_accession integer not null,
    stance text,                        -- supports, opposes, conditional, neutral; NULL: not about accession
    saying_id integer not null references sayings (id)
);
create index quotes_story on quotes (story_id);
create index quotes_saying on quotes (saying_id);
create index quotes_speaker on quotes (speaker) where speaker is not null;
"""

_ALERTS = """
create table alerts (
    id integer primary key,
    thread_id integer not null references threads (id),
    topic text not null,
    reason text not null,               -- 'new story', ...
    message_id text not null unique,    -- made when the alert is owed, the same on every retry
    created_at text not null
);
create index alerts_thread on alerts (thread_id, topic);

create table alert_stories (
    alert_id integer not null references alerts (id) on delete cascade,
    story_id integer not null references stories (id) on delete cascade,
    position integer not null,          -- 0: the story that caused it
    added_at text not null,
    primary key (alert_id, story_id)
) without rowid;
create index alert_stories_story on alert_stories (story_id);

create table deliveries (
    id integer primary key,
    alert_id integer not null references alerts (id) on delete cascade,
    channel text not null,              -- email, maildir
    recipient text not null,
    state text not null default 'owed' check (state in ('owed', 'sent', 'failed')),
    attempts integer not null default 0,
    retry_at text not null,
    error text,
    reply text,                         -- what the server said when it took it
    sent_at text,
    message blob,                       -- as composed before the first attempt
    unique (alert_id, channel, recipient)
);
create index deliveries_owed on deliveries (state, retry_at) where state = 'owed';
create index deliveries_failed on deliveries (alert_id) where state = 'failed';

create table reviews (
    id integer primary key,
    story_id integer not null references stories (id) on delete cascade,
    topic text,
    verdict text not null,              -- relevant, irrelevant, mute
    note text not null default '',
    "by" text not null default '',
    via text not null,                  -- command, reply, ui
    at text not null
);
create index reviews_story on reviews (story_id, topic);

create table settings (
    key text primary key,
    value text not null                 -- JSON
) without rowid;
"""

_WATCH = """
create table watches (
    story_id integer primary key references stories (id) on delete cascade,
    since text not null,                -- first reading of the story
    next_at text,                       -- when it is fetched again; NULL: not any more
    looks integer not null default 0,
    looked_at text,
    outcome text,                       -- of the last look: unchanged, changed, full article, offline, failed, ...
    error text,                         -- of the last look
    failures integer not null default 0,  -- in a row
    offline integer not null default 0, -- looks in a row that found no such page
    etag text,                          -- validators, sent back byte for byte
    last_modified text
);
create index watches_due on watches (next_at) where next_at is not null;

create table changes (
    id integer primary key,
    story_id integer not null references stories (id) on delete cascade,
    version integer,                    -- of the page that has it; NULL: no page was kept
    at text not null,                   -- when we saw it
    kind text not null,                 -- headline, quotation, negation, number, paragraph added, taken offline, ...
    "before" text,                      -- the words as they stood; NULL: there were none
    "after" text
);
create index changes_story on changes (story_id);
create index changes_at on changes (at);
"""

_MEANING = """
alter table quotes add column meaning blob;  -- of words about the accession: 8-bit vector, near that of a translation
"""

_REPLIES = """
create table replies (
    id integer primary key,
    message_id text not null unique,    -- of the reply: a message that is read again is no second one
    at text not null,                   -- when we read it
    "by" text not null,                 -- its From, which proves nothing
    subject text not null,
    alert_id integer references alerts (id) on delete set null,
    review_id integer references reviews (id) on delete set null,
    outcome text not null,              -- review, automatic, no alert, not understood, unreadable
    problem text                        -- why it is no review
);
create index replies_alert on replies (alert_id) where alert_id is not null;
create index replies_review on replies (review_id) where review_id is not null;
"""


def _sql(script: str) -> Callable[[Database], None]:
    # executescript() would commit the open transaction first
    def run(db: Database) -> None:
        for statement in statements(script):
            db.conn.execute(statement)

    return run


STEPS: tuple[tuple[str, Callable[[Database], None]], ...] = (
    ("feeds", _sql(_FEEDS)),
    ("polls", _sql(_POLLS)),
    ("stories", _sql(_STORIES)),
    ("entries", _sql(_ENTRIES)),
    ("analysis", _sql(_ANALYSIS)),
    ("alerts", _sql(_ALERTS)),
    ("watch", _sql(_WATCH)),
    ("meaning of quotations", _sql(_MEANING)),
    ("replies", _sql(_REPLIES)),
)


def statements(script: str) -> list[str]:
    """The single statements of an SQL script; knows comments, strings and triggers, because SQLite does."""
    found, rest = [], ""
    for line in script.splitlines(keepends=True):
        rest += line
        if sqlite3.complete_statement(rest):
            found.append(rest.strip())
            rest = ""
    return [*found, rest.strip()] if rest.strip() else found


def check(conn: sqlite3.Connection, path: object) -> bool:
    """Is the file a store that this version can use as it is?

    Returns:
        True when all steps are applied; False when it is empty or older.

    Raises:
        StoreTooNew: a newer version wrote it.
        StoreError: it belongs to another program.
    """
    applied = _applied(conn)
    if applied is None:
        if conn.execute("select count(*) from sqlite_master").fetchone()[0]:
            raise StoreError(f"{path} is an SQLite database of another program; name another file in store.path")
        return False
    known = [name for name, _ in STEPS]
    unknown = [name for name in applied if name not in known]
    version = conn.execute("pragma user_version").fetchone()[0]
    if unknown or version > len(STEPS):
        what = f"step {unknown[0]!r}" if unknown else f"schema version {version}, this program knows {len(STEPS)}"
        raise StoreTooNew(
            f"store {path} was written by a newer version of the monitor ({what}); install that version, "
            "or restore a backup that was made before the upgrade"
        )
    return len(applied) == len(known)


def migrate(conn: sqlite3.Connection, path: object) -> None:
    """Apply the steps that are missing and renew the views; all of it or nothing. Raises like ``check``."""
    from sqlite_utils import Database, Migrations  # slow to import, and only a new or old store needs it

    migrations = Migrations("monitor")
    for name, step in STEPS:
        migrations(name=name)(step)
    with transaction(conn):  # another process may be at it: whoever comes second finds nothing left to do
        if check(conn, path) and views.up_to_date(conn):
            return
        views.drop(conn)  # a step may change what they stand on
        migrations.apply(Database(conn, execute_plugins=False))
        views.create(conn)
        conn.execute(f"pragma user_version = {len(STEPS)}")
        conn.execute(f"pragma application_id = {APPLICATION_ID}")


def _applied(conn: sqlite3.Connection) -> list[str] | None:
    """Names of the applied steps, in order; None when the file is no store of ours."""
    if not conn.execute("select 1 from sqlite_master where name = '_sqlite_migrations'").fetchone():
        return None
    rows = conn.execute("select name from _sqlite_migrations where migration_set = 'monitor' order by id")
    return [name for (name,) in rows] or None
