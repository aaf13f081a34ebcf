"""read: make a story of each pending entry. It ends as a story, put off with a reason and a time, or skipped."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from monitor import watch, work
from monitor.errors import FetchError, MonitorError
from monitor.model import PendingEntry, SavedStory, StoryRecord, ThreadPlace
from monitor.pipeline.monitor import COPY_SKETCH, Monitor, Tally
from monitor.same_quote import said_before
from monitor.same_story import Sketch
from monitor.urls import canonical_url
from monitor.workers import call

log = logging.getLogger(__name__)
ACCEPT_PAGE = "text/html, application/xhtml+xml;q=0.9, */*;q=0.5"
READ_AT_ONCE = 64  # entries in work at the same time; each host and each worker has its own, lower limit
READ_PER_TURN = 4  # of one host's, for each request that it gets at once: the others wait for their turns elsewhere
ENTRIES_AT_ONCE = 500  # that are looked at together
PASS_ENTRIES = 2000  # after so many a pass ends, and the next one begins
LOOK_AGAIN_S = 1.0  # for what has come in
READ_RETRY_S = (60, 180, 600, 1800)  # between the attempts to read an entry: minutes, since an alert may wait for it
SAID_AFTER = timedelta(days=10)  # the same words later than that are said anew
# answers that will not change within minutes: the entry is judged on its feed's text at once, an alert must not wait
PAGE_REFUSED = frozenset({401, 402, 403, 404, 405, 406, 410, 451})


async def read_all(monitor: Monitor) -> Tally:
    """Read all entries that are due now; one that has to be put off waits for the next cycle."""
    tally = Tally()
    due = monitor.clock()
    while not monitor.stopping.is_set():
        one_pass = await read_pending(monitor, due=due)
        tally.add(one_pass)
        if not one_pass.entries_read + one_pass.entries_put_off + one_pass.entries_skipped:
            break
    return tally


async def read_pending(monitor: Monitor, *, due: datetime | None = None) -> Tally:
    """Read the entries that are due (at ``due``, else now), newest first, and what comes in while that lasts.

    Each one ends as a story, put off with a reason and a time, or skipped with a reason. What is slow (a host that is
    asked once a second, a page that hangs) holds only its own host up.
    """
    tally = Tally()
    inbox = _Inbox(monitor, due)
    freed = asyncio.Event()

    async def one(entry: PendingEntry) -> None:
        try:
            await _read_one(monitor, entry, tally)
        finally:
            inbox.done(entry)
            freed.set()
        monitor.progress("read", inbox.taken - inbox.running, inbox.taken + len(inbox.waiting))

    async with asyncio.TaskGroup() as group:
        while True:
            for entry in inbox.next():
                group.create_task(one(entry))
            if not inbox.running:
                return tally
            freed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await freed.wait()


class _Inbox:
    """The entries that wait, as one pass takes them: each once, and of one host no more than it gets turns for."""

    def __init__(self, monitor: Monitor, due: datetime | None) -> None:
        self.waiting: list[tuple[str, PendingEntry]] = []  # with the host
        self.running = 0
        self._monitor = monitor
        self._due = due
        self._known: set[int] = set()  # taken in this pass
        self._busy: Counter[str] = Counter()
        self._looked_at = -LOOK_AGAIN_S

    @property
    def taken(self) -> int:
        """How many were taken in this pass."""
        return len(self._known)

    def next(self) -> list[PendingEntry]:
        """Those to begin with now; none once the monitor is stopping, or a pass has been long."""
        if self._monitor.stopping.is_set() or self.taken >= PASS_ENTRIES:
            self.waiting = []
            return []
        self._look()
        most = self._monitor.config.fetch.per_host * READ_PER_TURN
        chosen: list[PendingEntry] = []
        passed: list[tuple[str, PendingEntry]] = []
        seen = 0
        for host, entry in self.waiting:
            if self.running >= READ_AT_ONCE:
                break
            seen += 1
            if host and self._busy[host] >= most:
                passed.append((host, entry))
                continue
            self.running += 1
            self._busy[host] += 1
            self._known.add(entry.id)
            chosen.append(entry)
        self.waiting = passed + self.waiting[seen:]
        return chosen

    def done(self, entry: PendingEntry) -> None:
        """It makes room for another one."""
        self.running -= 1
        self._busy[_host(entry)] -= 1

    def _look(self) -> None:
        """Ask the store, when nothing is left to do or it was some time ago."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at < (LOOK_AGAIN_S if self.waiting or self.running else 0):
            return
        self._looked_at = now
        newest = self._monitor.store.pending_entries(self._due or self._monitor.clock(), ENTRIES_AT_ONCE)
        # the newest come first, but among them the oldest: the original before its copies
        by_age = sorted(newest, key=lambda entry: entry.published_at or entry.seen_at)
        self.waiting = [(_host(entry), entry) for entry in by_age if entry.id not in self._known]


def _host(entry: PendingEntry) -> str:
    try:
        return urlsplit(entry.link or "").hostname or ""
    except ValueError:
        return ""


async def _read_one(monitor: Monitor, entry: PendingEntry, tally: Tally) -> None:
    last_try = entry.attempts + 1 >= monitor.config.read.attempts
    try:
        known = monitor.store.find_story(canonical_url(entry.link), full=True) if entry.link else None
        if known is not None:
            monitor.store.link_entry(entry.id, known, monitor.clock())
            tally.entries_read += 1
            return
        page = await _page_of(monitor, entry, last_try=last_try)
        record = await _record_of(monitor, entry, page, last_try=last_try)
        if record is None:
            monitor.store.skip_entry(entry.id, "neither the page nor the feed has any text", monitor.clock())
            tally.entries_skipped += 1
            return
        saved = _save(monitor, record)
    except MonitorError as error:
        _put_off_entry(monitor, entry, str(error), tally)
    except Exception as error:
        log.exception("read crashed", extra={"entry": entry.id, "url": entry.link})
        _put_off_entry(monitor, entry, f"internal error: {error!r}", tally)
    else:
        tally.entries_read += 1
        tally.stories_stored += saved.new
        tally.stories_flagged += saved.new and bool(saved.flagged)
        tally.alerts_owed += saved.alerts
        log.info(
            "flagged" if saved.flagged else "read",
            extra={
                "story": saved.story_id,
                "entry": entry.id,
                "url": record.url,
                "source": record.source,
                "topics": ",".join(saved.flagged) or None,
                "alerts": saved.alerts or None,
            },
        )


def _save(monitor: Monitor, record: StoryRecord) -> SavedStory:
    """Store the story; a copy of an earlier one joins its thread and owes no mail of its own."""
    now = monitor.clock()
    policy = monitor.alert_policy(now)
    watch_at = watch.first_look(record, monitor.config.watch)
    if not record.sketch:
        return monitor.store.save_story(record, policy, watch_at=watch_at)
    said = said_earlier(monitor, record, now)
    sketch = Sketch.from_bytes(record.sketch)
    copy = monitor.recent.find_copy(sketch)
    place = ThreadPlace(thread_id=None, reprint_of=copy.story_id) if copy else None
    saved = monitor.store.save_story(record, policy, place, {COPY_SKETCH: record.sketch}, said, watch_at)
    if saved.new:
        monitor.recent.add(saved.story_id, sketch)
    return saved


def said_earlier(monitor: Monitor, record: StoryRecord, now: datetime) -> Mapping[int, int]:
    """Which of the story's quotations repeat words that were stored before."""
    quotes = record.analysis.quotes
    if not quotes:
        return {}
    return said_before(quotes, record.analysis.lang, monitor.store.recent_quotes(now - SAID_AFTER))


async def _page_of(monitor: Monitor, entry: PendingEntry, *, last_try: bool) -> work.Page:
    """The article's page, or why there is none. Raises FetchError when another try can help."""
    if not entry.link or len(work.feed_text(entry)) >= monitor.config.read.feed_text_min:
        return work.Page(None)
    try:
        response = await monitor.fetcher.get(
            entry.link, accept=ACCEPT_PAGE, obey_robots=monitor.config.fetch.obey_robots
        )
    except FetchError as error:
        refused = error.permanent or error.status in PAGE_REFUSED
        if last_try or refused:
            return work.Page(None, problem=str(error), failed=not refused)
        raise
    return work.Page(response, fetched_at=monitor.clock())


async def _record_of(monitor: Monitor, entry: PendingEntry, page: work.Page, *, last_try: bool) -> StoryRecord | None:
    """The story as a worker makes it. On the last try a page that hurts is left out and the feed's own text judged."""
    try:
        sent = page.to_send()
        record = await call(monitor.executor, work.read_entry, entry, sent, monitor.analysis, monitor.clock())
        return record and work.with_page(record, sent)
    except MonitorError as error:
        if not last_try or page.response is None:
            raise
        without = work.Page(None, problem=f"the page cannot be read: {error}")
        return await call(monitor.executor, work.read_entry, entry, without, monitor.analysis, monitor.clock())


def _put_off_entry(monitor: Monitor, entry: PendingEntry, error: str, tally: Tally) -> None:
    now = monitor.clock()
    retry_at = now + timedelta(seconds=READ_RETRY_S[min(entry.attempts, len(READ_RETRY_S) - 1)])
    monitor.store.retry_entry(entry.id, error, retry_at, now)
    tally.entries_put_off += 1
    log.warning(
        "read put off",
        extra={
            "entry": entry.id,
            "url": entry.link,
            "error": error,
            "attempt": entry.attempts + 1,
            "retry_at": retry_at,
        },
    )
