"""Stories: one row for each canonical URL; how it is written, found and read back. SQL of ``stories``."""

from __future__ import annotations

import sqlite3

from monitor.model import Article, StoredStory, StoryRecord
from monitor.store import analyses
from monitor.store.columns import from_text, from_time, from_value, required_time, to_time, to_value
from monitor.urls import canonical_url

_INSERT = """
    insert into stories (url, outlet, country, camp, lang, title, authors, published_at, page_published_at,
        first_seen_at, read_at, text, word_count, source, status, quality, ruleset)
    values (:url, :outlet, :country, :camp, :lang, :title, :authors, :published_at, :page_published_at,
        :first_seen_at, :read_at, :text, :word_count, :source, :status, :quality, :ruleset)
"""

# what the feed said first stays: outlet, the time it was first seen, the feed's date
_UPGRADE = """
    update stories set lang = :lang, title = :title, authors = :authors,
        published_at = coalesce(published_at, :published_at), page_published_at = :page_published_at,
        read_at = :read_at, text = :text, word_count = :word_count, source = :source, status = :status,
        quality = :quality, ruleset = :ruleset
    where id = :id
"""


def insert(conn: sqlite3.Connection, record: StoryRecord) -> int:
    """The row of a new story, without its analysis; returns its id."""
    story_id = conn.execute(_INSERT, _row(record)).lastrowid
    assert story_id is not None
    return story_id


def upgrade(conn: sqlite3.Connection, story_id: int, record: StoryRecord) -> None:
    """Put a better reading of the same story in place of a stored one."""
    conn.execute(_UPGRADE, {**_row(record), "id": story_id})


def reread(conn: sqlite3.Connection, story_id: int, article: Article) -> None:
    """Put the article as read anew from the kept page in place of the text."""
    conn.execute(
        """
        update stories set title = ?, authors = ?, page_published_at = ?, text = ?, word_count = ?, status = ?,
            quality = ?, source = 'page' where id = ?
        """,
        (
            from_text(article.title),
            from_value(article.authors),
            from_time(article.published_at),
            from_text(article.text),
            article.word_count,
            str(article.status),
            from_text(article.quality),
            story_id,
        ),
    )


def note_ruleset(conn: sqlite3.Connection, story_id: int, lang: str | None, ruleset: str) -> None:
    """Which rules and models the story's analysis was made by."""
    conn.execute("update stories set lang = ?, ruleset = ? where id = ?", (lang, ruleset, story_id))


def find(conn: sqlite3.Connection, url: str) -> int | None:
    """The story with this canonical URL."""
    row = conn.execute("select id from stories where url = ?", (from_text(url),)).fetchone()
    return row["id"] if row else None


def find_by_any(conn: sqlite3.Connection, id_or_url: int | str) -> int | None:
    """The story with this id, or at this address as somebody copied it: canonical, or a link of one of its entries."""
    if isinstance(id_or_url, int) or id_or_url.isdecimal():
        row = conn.execute("select id from stories where id = cast(? as integer)", (str(id_or_url)[:18],)).fetchone()
        return row["id"] if row else None
    canonical = canonical_url(id_or_url)
    found = find(conn, id_or_url) or find(conn, canonical)
    if found is not None:
        return found
    row = conn.execute("select story_id from story_urls where url = ?", (from_text(canonical),)).fetchone()
    return row["story_id"] if row else None


def note_address(conn: sqlite3.Connection, story_id: int, link: str | None) -> None:
    """Remember the address that led to a story, where it is not the story's own.

    For people who ask by it. It makes no other entry the same story: some addresses ("latest news") lead elsewhere
    tomorrow, and tomorrow's story counts then.
    """
    if not link:
        return
    canonical = from_text(canonical_url(link))
    if find(conn, canonical) is None:
        conn.execute("insert or replace into story_urls (url, story_id) values (?, ?)", (canonical, story_id))


def read(conn: sqlite3.Connection, story_id: int) -> StoredStory | None:
    """A story with its analysis; None when there is none."""
    row = conn.execute("select * from stories where id = ?", (story_id,)).fetchone()
    if row is None:
        return None
    return StoredStory(
        id=story_id,
        url=row["url"],
        outlet=row["outlet"],
        country=row["country"],
        camp=row["camp"],
        lang=row["lang"],
        title=row["title"],
        authors=tuple(to_value(row["authors"])),
        published_at=to_time(row["published_at"]),
        first_seen_at=required_time(row["first_seen_at"]),
        text=row["text"],
        word_count=row["word_count"],
        source=row["source"],
        status=row["status"],
        quality=row["quality"],
        thread_id=row["thread_id"],
        analysis=analyses.read(conn, story_id, row["lang"]),
        link=_link(conn, story_id),
    )


def _link(conn: sqlite3.Connection, story_id: int) -> str | None:
    """The address under which the first feed offered the story."""
    row = conn.execute("select link from entries where story_id = ? order by id limit 1", (story_id,)).fetchone()
    return row["link"] if row else None


def _row(record: StoryRecord) -> dict[str, object]:
    entry = record.entry
    return {
        "url": record.url,
        "outlet": entry.outlet,
        "country": entry.country,
        "camp": entry.camp,
        "lang": record.analysis.lang,
        "title": from_text(record.title),
        "authors": from_value(record.authors),
        "published_at": from_time(record.published_at),
        "page_published_at": from_time(record.page_published_at),
        "first_seen_at": from_time(entry.seen_at),
        "read_at": from_time(record.read_at),
        "text": from_text(record.text),
        "word_count": record.word_count,
        "source": record.source,
        "status": str(record.status),
        "quality": from_text(record.quality),
        "ruleset": record.ruleset,
    }
