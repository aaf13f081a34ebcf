"""The store: all SQL of the monitor, behind one face. One SQLite file, one writing process, any number of readers.

Every method is one transaction or one read; ``transaction`` joins several. Whatever SQLite complains about comes out as
``StoreError`` with the store's path. Knows no network, no config and no clock: times come in as ``now``.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from monitor.errors import StoreError
from monitor.model import (
    AlertPolicy,
    Analysis,
    Article,
    Change,
    Delivery,
    FeedState,
    KnownQuote,
    Look,
    News,
    OwedAlert,
    PageRecord,
    PendingEntry,
    PollOutcome,
    Reply,
    SavedStory,
    StoredStory,
    StoryRecord,
    ThreadPlace,
    Watch,
    WatchedStory,
)
from monitor.settings import FeedSettings
from monitor.store import (
    alerts,
    analyses,
    deliveries,
    entries,
    feeds,
    news,
    notes,
    pages,
    polls,
    replies,
    retention,
    reviews,
    saving,
    sayings,
    schema,
    search,
    sketches,
    stories,
    threads,
    views,
    watch,
)
from monitor.store import backup as copies
from monitor.store import status as health
from monitor.store.connection import InstanceLock, closing_on_error, connect, store_error, transaction
from monitor.store.pages import KeptStory
from monitor.store.sketches import StoredSketch

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["KeptStory", "Store", "StoredSketch", "reader"]

_NO_SKETCHES: Mapping[str, bytes] = {}
_NOTHING_SAID: Mapping[int, int] = {}
_NO_FOLLOW_UPS: Mapping[str, str] = {}


class Store:
    """An open store. May be used from several threads; one of them is served at a time."""

    def __init__(self, path: Path, conn: sqlite3.Connection, lock: InstanceLock | None) -> None:
        """Use ``Store.open``."""
        self.path = path
        self._conn = conn
        self._instance_lock = lock
        self._turn = threading.RLock()

    @classmethod
    def open(
        cls, path: Path | str, *, write: bool = True, exclusive: bool = False, busy_timeout_s: float = 10.0
    ) -> Store:
        """Open the store at ``path``. To write: it is created, or brought up to this version, where needed.

        Args:
            write: False reads only, also while another process writes.
            exclusive: be the one daemon of this store, until it is closed or the process ends.
            busy_timeout_s: how long to wait for another process's transaction.

        Raises:
            StoreLocked: ``exclusive``, and another process is that.
            StoreTooNew: a newer version of the program wrote it.
            StoreError: it is not there (reading), no SQLite database, another program's, or may not be opened.
        """
        path = Path(path)
        lock = InstanceLock(path) if exclusive else None
        try:
            conn = connect(path, write=write, busy_timeout_s=busy_timeout_s)
            with closing_on_error(conn):
                _prepare(conn, path, write=write)
            return cls(path, conn, lock)
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    def close(self) -> None:
        """Close the file and let another instance have it. A second time does nothing."""
        with self._turn:
            self._conn.close()
        if self._instance_lock is not None:
            self._instance_lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @cached_property
    def db(self) -> Database:
        """The store as a sqlite-utils database on the same connection, for questions that no method answers."""
        from sqlite_utils import Database  # slow to import, and most commands do without

        return Database(self._conn, execute_plugins=False)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block's writes or none; methods called inside take part. No network call belongs in here."""
        with self._reading(), transaction(self._conn):
            yield

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """One thread at a time, and sqlite3's errors as ours."""
        with self._turn:
            try:
                yield
            except sqlite3.Error as error:
                raise store_error(self.path, error) from error

    # --- feeds ---------------------------------------------------------------------------------------------------

    def sync_feeds(self, feeds_of_config: Sequence[FeedSettings], now: datetime) -> None:
        """Make the store's feeds those of the config. Those that left it become "removed" and keep their history.

        Feeds added by command stay; paused and gone ones stay so.
        """
        with self.transaction():
            feeds.sync(self._conn, feeds_of_config, now)

    def add_feed(self, feed: FeedSettings, now: datetime) -> int:
        """Add a feed by command; one that is known (also: removed) is described anew. Returns its id."""
        with self.transaction():
            return feeds.add(self._conn, feed, now)

    def set_feed_state(self, url: str, state: str) -> bool:
        """Make a feed active (asked at once), paused, gone or removed. False: no feed has this address."""
        with self.transaction():
            return feeds.set_state(self._conn, url, state)

    def remove_feed(self, url: str) -> bool:
        """Stop asking a feed for good; its entries and stories stay. False: no feed has this address."""
        return self.set_feed_state(url, "removed")

    def due_feeds(self, now: datetime, limit: int) -> list[FeedState]:
        """Active feeds whose time has come: those never asked first, then the longest overdue."""
        with self._reading():
            return feeds.due(self._conn, now, limit)

    def active_feeds(self) -> list[FeedState]:
        """All active feeds, due or not."""
        with self._reading():
            return feeds.active(self._conn)

    def all_feeds(self) -> list[FeedState]:
        """All feeds in all states."""
        with self._reading():
            return feeds.everything(self._conn)

    # --- polls and entries ---------------------------------------------------------------------------------------

    def record_poll(self, outcome: PollOutcome) -> int:
        """What one poll leaves behind: new entries, the poll's row, validators, the next poll. Returns new entries.

        Raises:
            StoreError: the feed is not in the store.
        """
        with self.transaction():
            return polls.record(self._conn, outcome)

    def pending_entries(self, now: datetime, limit: int) -> list[PendingEntry]:
        """Entries to be read now, newest published first."""
        with self._reading():
            return entries.pending(self._conn, now, limit)

    def count_pending(self) -> int:
        """How many entries are still to be read, now or later."""
        with self._reading():
            return entries.count_pending(self._conn)

    def is_entry_due(self, now: datetime) -> bool:
        """Does any entry wait to be read now?"""
        with self._reading():
            return entries.is_any_due(self._conn, now)

    def retry_entry(self, entry_id: int, error: str, retry_at: datetime, now: datetime) -> None:
        """An attempt to read the entry failed; the next one is at ``retry_at``."""
        with self.transaction():
            entries.retry(self._conn, entry_id, error, retry_at)

    def skip_entry(self, entry_id: int, reason: str, now: datetime) -> None:
        """Settle an entry without a story; the reason is kept."""
        with self.transaction():
            entries.skip(self._conn, entry_id, reason, now)

    def link_entry(self, entry_id: int, story_id: int, now: datetime) -> None:
        """Settle an entry whose story is stored already."""
        with self.transaction():
            entries.settle(self._conn, entry_id, story_id, now)

    # --- stories -------------------------------------------------------------------------------------------------

    def save_story(
        self,
        record: StoryRecord,
        policy: AlertPolicy,
        place: ThreadPlace | None = None,
        kept_sketches: Mapping[str, bytes] = _NO_SKETCHES,
        said_before: Mapping[int, int] = _NOTHING_SAID,
        watch_at: datetime | None = None,
    ) -> SavedStory:
        """Save a read entry as a story with page, analysis, thread and the alerts it owes, and settle the entry.

        A canonical URL that is stored already gives no second story and no second alert: see ``saving.save``.
        ``place``: where it belongs (None: a thread of its own if it is flagged). ``kept_sketches``: kind -> bytes.
        ``said_before``: index of a quote -> id of the saying that it repeats (see ``recent_quotes``).
        ``watch_at``: when the story is to be fetched again; None: never.
        """
        packed = pages.packed(record.page) if record.page else None
        with self.transaction():
            return saving.save(self._conn, record, packed, policy, place, kept_sketches, said_before, watch_at)

    def find_story(self, url: str, *, full: bool = False) -> int | None:
        """The story with this canonical URL; ``full``: only if it was judged on the full article, not on a teaser."""
        with self._reading():
            found = stories.find(self._conn, url)
            return found if found is None or not full or saving.is_full(self._conn, found) else None

    def story(self, id_or_url: int | str) -> StoredStory | None:
        """A story by its id or by any address it was found under; None when there is none."""
        with self._reading():
            story_id = stories.find_by_any(self._conn, id_or_url)
            return None if story_id is None else stories.read(self._conn, story_id)

    def search(
        self,
        words: str = "",
        *,
        topic: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        outlet: str | None = None,
        lang: str | None = None,
        country: str | None = None,
        stance: str | None = None,
        speaker: str | None = None,
        limit: int = 20,
    ) -> list[dict[str, Any]]:
        """Stories with all the words, best first, or without words the newest first. No words are a wrong query.

        ``words``: words, "phrases", begin*. ``topic``: flagged for it. ``since`` <= published < ``until``.
        ``outlet``: part of its name, case and accents do not matter; ``speaker``: the name, or a part of it, in any
        spelling and alphabet. ``country``: the story is about it.
        """
        filters = search.Filters(topic, since, until, outlet, lang, country, stance, speaker)
        with self._reading():
            return search.search(self._conn, words, filters, limit)

    def pages_of(self, story_id: int) -> list[PageRecord]:
        """The kept versions of a story's page, oldest first."""
        with self._reading():
            return pages.of_story(self._conn, story_id)

    def stories_for_reprocess(self, since: datetime | None = None) -> Iterator[KeptStory]:
        """Every story since then with its kept page and its feed's words, by id; stories may be saved meanwhile."""
        after = 0
        while True:
            with self._reading():
                batch = pages.to_reprocess(self._conn, since, after)
            if not batch:
                return
            yield from batch
            after = batch[-1].story_id

    def replace_analysis(self, story_id: int, analysis: Analysis, ruleset: str, article: Article | None = None) -> None:
        """Put a new analysis in place of a story's old one; owes no alert.

        ``article``: the text read anew from the kept page, where the analysis was made of that.
        """
        with self.transaction():
            if article is not None:
                stories.reread(self._conn, story_id, article)
            said_before = sayings.kept(self._conn, story_id, analysis.quotes)
            analyses.clear(self._conn, story_id)
            analyses.write(self._conn, story_id, analysis, said_before)
            stories.note_ruleset(self._conn, story_id, analysis.lang, ruleset)

    # --- watch ---------------------------------------------------------------------------------------------------

    def due_watches(self, now: datetime, limit: int) -> list[Watch]:
        """Stories to be fetched again now, the longest due first."""
        with self._reading():
            return watch.due(self._conn, now, limit)

    def watched_story(self, story_id: int) -> WatchedStory | None:
        """What a new reading of a story is compared with; None when the story or its feed is gone."""
        with self._reading():
            return watch.read(self._conn, story_id, full=saving.is_full(self._conn, story_id))

    def note_look(self, look: Look, changes: Sequence[Change] = (), page: PageRecord | None = None) -> None:
        """A look that leaves the story's text as it is; ``page``: kept to compare the next one with."""
        packed = pages.packed(page) if page else None
        with self.transaction():
            if page is not None and packed is not None:
                pages.add(self._conn, look.story_id, page, packed)
            watch.add_changes(self._conn, look.story_id, changes, look.at)
            watch.note(self._conn, look)

    def save_again(
        self,
        look: Look,
        record: StoryRecord,
        policy: AlertPolicy,
        place: ThreadPlace | None = None,
        kept_sketches: Mapping[str, bytes] = _NO_SKETCHES,
        said_before: Mapping[int, int] = _NOTHING_SAID,
        *,
        changes: Sequence[Change] = (),
        follow_ups: Mapping[str, str] = _NO_FOLLOW_UPS,
    ) -> SavedStory:
        """Put a new reading of a watched story in place of the old one; its page is a new version.

        ``changes``: what differs. ``follow_ups``: topic -> why those who were told are told again.
        The other arguments are those of ``save_story``.
        """
        packed = pages.packed(record.page) if record.page else None
        with self.transaction():
            return saving.save_again(
                self._conn, look, record, packed, policy, place, kept_sketches, said_before, changes, follow_ups
            )

    # --- threads and reviews ---------------------------------------------------------------------------------------

    def recent_sketches(self, since: datetime, kind: str | None = None) -> list[StoredSketch]:
        """Sketches of the stories published (or first seen) since then, in time order."""
        with self._reading():
            return sketches.recent(self._conn, since, kind)

    def save_sketch(self, story_id: int, kind: str, data: bytes) -> None:
        """Keep a story's sketch of one kind, in place of an earlier one."""
        with self.transaction():
            sketches.save(self._conn, story_id, kind, data)

    def recent_quotes(self, since: datetime) -> list[KnownQuote]:
        """Quotations of the stories published (or first seen) since then, in time order."""
        with self._reading():
            return sayings.recent(self._conn, since)

    def sayings(
        self,
        speaker: str = "",
        *,
        stance: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """What a speaker said over time: rows of ``v_quotes``, the newest ``limit``, oldest first.

        ``speaker``: the name or a part of it, in any spelling and alphabet; empty: any named speaker.
        """
        with self._reading():
            return sayings.ledger(self._conn, speaker, stance, since, until, limit)

    def merge_threads(self, into: int, other: int) -> None:
        """Make two threads one. Raises StoreError for threads that are not there."""
        with self.transaction():
            threads.merge(self._conn, into, other)

    def split_story(self, story_id: int) -> int:
        """Give a story a thread of its own; returns that. Raises StoreError when it is in no thread."""
        with self.transaction():
            return threads.split(self._conn, story_id)

    def add_review(
        self, story_id: int, topic: str | None, verdict: str, *, note: str = "", by: str = "", via: str, now: datetime
    ) -> int:
        """Keep a verdict: relevant, irrelevant, or mute (the story's thread). Returns the review's id.

        Raises:
            StoreError: no such story or verdict.
        """
        with self.transaction():
            return reviews.add(self._conn, story_id, topic, verdict, note, by, via, now)

    def keep_reply(self, reply: Reply, box: str, place: Any, now: datetime) -> Reply | None:
        """Keep what a message says, and that the mailbox was read so far. A verdict becomes a review.

        Returns the reply as it was kept; None when it was kept before.
        """
        with self.transaction():
            notes.keep(self._conn, f"inbox.{box}", place)
            return replies.keep(self._conn, reply, now)

    def inbox_place(self, box: str) -> Any:
        """Where reading of a mailbox goes on; None at its beginning."""
        return self.setting(f"inbox.{box}")

    def reviews_of(self, story_id: int) -> list[dict[str, Any]]:
        """All reviews of a story, oldest first."""
        with self._reading():
            return reviews.of_story(self._conn, story_id)

    def judged_stories(self, topic: str) -> list[tuple[int, str]]:
        """(story, latest verdict) of the stories that analysts judged for a topic or as a whole."""
        with self._reading():
            return reviews.judged(self._conn, topic)

    # --- alerts ----------------------------------------------------------------------------------------------------

    def owed_deliveries(self, now: datetime, limit: int) -> list[Delivery]:
        """Deliveries that are due, the longest due first."""
        with self._reading():
            return deliveries.owed(self._conn, now, limit)

    def owed_alert(self, alert_id: int) -> OwedAlert:
        """Everything that the alert's message is composed from. Raises StoreError when there is no such alert."""
        with self._reading():
            return alerts.owed_alert(self._conn, alert_id)

    def hold_deliveries(self, until: datetime, why: str, now: datetime) -> int:
        """Let all deliveries that are due wait until then, which is no failed attempt. Returns how many."""
        with self.transaction():
            return deliveries.hold(self._conn, until, why, now)

    def keep_message(self, delivery_id: int, message: bytes) -> None:
        """The message is composed and about to be sent; every retry sends these bytes."""
        with self.transaction():
            deliveries.keep_message(self._conn, delivery_id, message)

    def note_sent(self, delivery_id: int, reply: str, now: datetime) -> None:
        """The server took the message."""
        with self.transaction():
            deliveries.note_sent(self._conn, delivery_id, reply, now)

    def retry_delivery(self, delivery_id: int, error: str, retry_at: datetime, now: datetime) -> None:
        """An attempt to send failed; the next one is at ``retry_at``."""
        with self.transaction():
            deliveries.retry(self._conn, delivery_id, error, retry_at)

    def fail_delivery(self, delivery_id: int, error: str, now: datetime) -> None:
        """The message was refused for good."""
        with self.transaction():
            deliveries.fail(self._conn, delivery_id, error)

    def retry_alerts(self, now: datetime, alert_id: int | None = None) -> int:
        """Owe failed and put-off deliveries again, at once: of one alert or of all. Returns how many."""
        with self.transaction():
            return deliveries.revive(self._conn, alert_id, now)

    def list_alerts(self, limit: int = 50) -> list[dict[str, Any]]:
        """The newest alerts, each with title, state and deliveries."""
        with self._reading():
            return alerts.listed(self._conn, limit)

    def show_alert(self, alert_id: int) -> dict[str, Any] | None:
        """One alert as ``list_alerts`` has it, and its ``message`` (bytes) once composed."""
        with self._reading():
            return alerts.shown(self._conn, alert_id)

    def news(self, since: datetime, until: datetime, published_after: datetime) -> News:
        """Flagged threads with stories read in these hours, and when feeds were not seen; backlog left out."""
        with self._reading():
            return news.news(self._conn, since, until, published_after)

    # --- health ------------------------------------------------------------------------------------------------------

    def status(self, now: datetime) -> dict[str, Any]:
        """Numbers on feeds, queue, outbox, last cycle and store; ``problems`` in words; ``healthy``."""
        with self._reading():
            return health.status(self._conn, self.path, now)

    def note_cycle(self, summary: Mapping[str, Any], now: datetime) -> None:
        """A cycle ended; ``status`` shows its time and summary (JSON values)."""
        with self.transaction():
            notes.keep(self._conn, health.LAST_CYCLE, health.cycle_note(summary, now))

    def setting(self, key: str) -> Any:
        """A JSON value kept by ``set_setting``; None when there is none."""
        with self._reading():
            return notes.read(self._conn, key)

    def set_setting(self, key: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        with self.transaction():
            notes.keep(self._conn, key, value)

    def view(self, name: str, *, limit: int = 1000) -> list[dict[str, Any]]:
        """Rows of one of the views for analysts (``views.VIEWS``). Raises StoreError when there is no such view."""
        if name not in {known.name for known in views.VIEWS}:
            raise StoreError(f"there is no view {name}; the views are {', '.join(known.name for known in views.VIEWS)}")
        with self._reading():
            return [dict(row) for row in self._conn.execute(f"select * from {name} limit ?", (limit,))]

    def tables(self) -> list[str]:
        """Names of all tables, those of the full-text index included."""
        with self._reading():
            return [name for (name,) in self._conn.execute("select name from sqlite_master where type = 'table'")]

    def backup(self, dest: Path, *, overwrite: bool = False) -> None:
        """Copy the store while it is in use; ``dest`` is there whole or not at all.

        Raises:
            StoreError: ``dest`` exists (without ``overwrite``), is the store itself, or cannot be written.
        """
        # a connection of its own: copying takes a while, and the daemon goes on meanwhile
        source = connect(self.path, write=False, busy_timeout_s=10.0)
        try:
            copies.backup(source, self.path, Path(dest), overwrite=overwrite)
        finally:
            source.close()

    def check(self) -> list[str]:
        """What is wrong with the file, its references and its full-text index; empty: nothing."""
        with self._reading():
            return copies.check(self._conn)

    def prune(
        self,
        now: datetime,
        *,
        keep_pages: timedelta | None,
        keep_text: timedelta | None = None,
        keep_polls: timedelta | None = timedelta(days=90),
    ) -> dict[str, int]:
        """Drop raw pages, texts and polls older than each limit (None: never); rows stay, so nothing comes again.

        Texts: of stories that are not flagged, and what their feeds said. Many short transactions, so that the daemon
        can write meanwhile. Returns how many rows of each kind gave up their bytes.
        """
        done = dict.fromkeys(("pages", "texts", "entries", "polls"), 0)
        for what, before in retention.limits(now, keep_pages, keep_text, keep_polls).items():
            ids = [0]
            while ids:
                with self.transaction():
                    ids = retention.prune_some(self._conn, what, before, ids[-1])
                done[what] += len(ids)
        return done


def reader(path: Path) -> sqlite3.Connection:
    """A bare connection that only reads, knows our SQL functions and may stay open beside the daemon: for the UI.

    Raises:
        StoreError: it cannot be opened so. Whether it is a store of this version, ``Store.open`` says.
    """
    conn = connect(path, write=False, busy_timeout_s=10.0, stays=True)
    search.add_functions(conn)
    return conn


def _prepare(conn: sqlite3.Connection, path: Path, *, write: bool) -> None:
    """Bring the file up to this version where we may; refuse what we cannot use."""
    search.add_functions(conn)
    try:
        ready = schema.check(conn, path)
        if write and not (ready and views.up_to_date(conn)):
            schema.migrate(conn, path)
        elif not ready:
            raise StoreError(
                f"store {path} was written by an older version; `monitor run` or `monitor once` updates it"
            )
    except sqlite3.Error as error:
        raise store_error(path, error) from error
