"""poll -> read -> tell, and watch: the way of a story. The only module that knows the order, and catches errors.

    feeds --poll--> entries --read--> stories --tell--> mails
           fetch             fetch             compose
           parse             extract           deliver
                             analyse, flag
                                              ^ watch: fetch again, compare

Every hand-over is a committed row, and what says "done" is written last: an entry is settled in the transaction that
stores its story, an alert is noted as sent after the server took it. A crash anywhere means "again", never "lost".
A failure becomes a row (poll, entry or delivery with its error and the time of the next try) and a log line.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from monitor import alert as alerts
from monitor import poll, watch, work
from monitor.alert.digest import compose_digest
from monitor.alert.pacing import digest_at, held_until, is_overnight, released_at
from monitor.alert.several import HELD_AT_ONCE, compose_held
from monitor.channels import Channel, open_channels, recipients, sender
from monitor.config import Config
from monitor.errors import DeliveryError, FeedError, FetchError, MonitorError
from monitor.fetch import Fetcher
from monitor.model import (
    AlertPolicy,
    Change,
    Delivery,
    FeedDocument,
    FeedState,
    Look,
    News,
    OwedAlert,
    PageRecord,
    PageStatus,
    PendingEntry,
    PollOutcome,
    PollStatus,
    Response,
    SavedStory,
    StoryRecord,
    ThreadPlace,
    Watch,
    WatchedStory,
)
from monitor.same_quote import said_before
from monitor.same_story import Recent, Sketch
from monitor.store import Store
from monitor.urls import canonical_url
from monitor.workers import call

log = logging.getLogger(__name__)

ACCEPT_FEED = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
ACCEPT_PAGE = "text/html, application/xhtml+xml;q=0.9, */*;q=0.5"
BIG_FEED_BYTES = 400_000  # parsed in a worker: more would hold up the loop for too long
POLL_AT_ONCE = 400  # feeds in work: many may wait for their host's turn, the fetcher limits the connections
READ_AT_ONCE = 64  # entries in work at the same time; each host and each worker has its own, lower limit
READ_RETRY_S = (60, 180, 600, 1800)  # between the attempts to read an entry: minutes, since an alert may wait for it
TELL_RETRY_MAX_S = 3600
DIGEST_DONE = "digest.done"  # the hour of the last digest that everybody got
DIGEST_SENDING = "digest.sending"  # one that not everybody got yet: who did, and when the others are tried again
DIGEST_LAG = timedelta(minutes=2)  # a story read just before the digest's hour is stored by then
DIGEST_LONGEST = timedelta(days=7)  # after a long pause, what is older is no news
WATCH_AT_ONCE = 2
WATCH_BATCH = 20  # looks of one pass: short passes, so that each one sees whether news has come
WATCH_PATIENCE = timedelta(minutes=15)  # so long a look waits while there are entries to read, then goes alone
COPY_SKETCH = "shingles"
COPIES_AFTER = timedelta(days=7)  # a text that returns later than that is a new story
SAID_AFTER = timedelta(days=10)  # the same words later than that are said anew
# answers that will not change within minutes: the entry is judged on its feed's text at once, an alert must not wait
PAGE_REFUSED = frozenset({401, 402, 403, 404, 405, 406, 410, 451})
PAGE_GONE = frozenset({404, 410})

T = TypeVar("T")
Progress = Callable[[str, int, int], None]  # stage, done, total


@dataclass
class Monitor:
    """What the stages share: the config, the store, the network, the workers, the clock."""

    config: Config
    store: Store
    fetcher: Fetcher
    executor: Executor
    clock: Callable[[], datetime]
    progress: Progress = lambda _stage, _done, _total: None
    recent: Recent = field(default_factory=Recent)  # flagged stories of the last days, to know their copies
    _analysis: tuple[Config, str] | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)  # set: finish what is begun, begin nothing new

    @classmethod
    def open(
        cls, config: Config, store: Store, fetcher: Fetcher, executor: Executor, clock: Callable[[], datetime]
    ) -> Monitor:
        """With what the store remembers: feeds as in the config, and the flagged stories of the last days."""
        store.sync_feeds(config.feeds, clock())
        sketches = store.recent_sketches(clock() - COPIES_AFTER, COPY_SKETCH)
        return cls(config, store, fetcher, executor, clock, recent=Recent.of((s.story_id, s.data) for s in sketches))

    @property
    def analysis(self) -> str:
        """The settings that decide an analysis, as the workers get them."""
        if self._analysis is None or self._analysis[0] is not self.config:  # a reload brings another config
            self._analysis = (self.config, analysis_settings(self.config, self.store))
        return self._analysis[1]


def analysis_settings(config: Config, store: Store) -> str:
    """Topics, scorer and what `monitor tune` learned, as JSON for the workers."""
    learned = {topic.name: store.setting(f"tuning.{topic.name}") for topic in config.topics}
    settings = work.AnalysisSettings(
        topics=config.topics,
        sentiment=config.sentiment,
        tunings={name: found for name, found in learned.items() if found},
    )
    return settings.model_dump_json()


@dataclass
class Tally:
    """What one pass did; the sum of passes is the summary of ``monitor once``."""

    feeds_polled: int = 0
    feeds_unchanged: int = 0
    feeds_failed: list[str] = field(default_factory=list)  # "outlet: url: reason"
    entries_new: int = 0
    entries_read: int = 0
    entries_put_off: int = 0
    entries_skipped: int = 0
    stories_stored: int = 0
    stories_flagged: int = 0
    stories_watched: int = 0
    stories_changed: int = 0
    watches_failed: int = 0
    alerts_owed: int = 0
    alerts_sent: int = 0
    alerts_put_off: int = 0
    alerts_held: int = 0
    digests_sent: int = 0
    alerts_failed: int = 0

    def add(self, other: Tally) -> None:
        """Add another pass to this one."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


async def cycle(monitor: Monitor, *, all_feeds: bool = False) -> Tally:
    """One full cycle: tell what is owed from before, poll what is due, read until nothing is due, tell; then watch."""
    tally = await tell_owed(monitor)
    tally.add(await poll_feeds(monitor, all_feeds=all_feeds))
    tally.add(await read_all(monitor))
    tally.add(await tell_owed(monitor))
    tally.add(await watch_all(monitor))
    tally.add(await tell_owed(monitor))
    tally.add(await tell_digest(monitor))
    return tally


# --- poll ---------------------------------------------------------------------------------------------------------


async def poll_feeds(monitor: Monitor, *, all_feeds: bool = False) -> Tally:
    """Ask each due feed (or all active ones) once; new entries and the feed's validators commit together."""
    tally = Tally()
    now = monitor.clock()
    feeds = monitor.store.active_feeds() if all_feeds else monitor.store.due_feeds(now, limit=100_000)

    async def one(feed: FeedState) -> None:
        outcome = await _ask(monitor, feed)
        new = monitor.store.record_poll(outcome)
        _count_poll(tally, feed, outcome, new)

    await _each(feeds, one, at_once=POLL_AT_ONCE, stage="poll", monitor=monitor)
    return tally


async def _ask(monitor: Monitor, feed: FeedState) -> PollOutcome:
    """One request to one feed, and everything it leaves behind. Never raises but for cancellation."""
    now = monitor.clock()
    unconditional = poll.must_poll_unconditionally(feed, now)
    response: Response | None = None
    try:
        response = await monitor.fetcher.get(
            feed.url,
            etag=None if unconditional else feed.etag,
            last_modified=None if unconditional else feed.last_modified,
            accept=ACCEPT_FEED,
        )
        return await _heard(monitor, feed, response, now, unconditional=unconditional)
    except (FetchError, FeedError) as error:
        return _failed(monitor, feed, error, now, response)
    except Exception as error:  # a bug must not stop the other feeds: it becomes a row, a traceback in the log, a retry
        log.exception("poll crashed", extra={"feed": feed.url})
        return _failed(monitor, feed, FeedError(f"internal error: {error!r}"), now, response)


async def _heard(
    monitor: Monitor, feed: FeedState, response: Response, now: datetime, *, unconditional: bool
) -> PollOutcome:
    digest = None if response.status == 304 else poll.body_hash(response.body)
    unchanged = digest is None or digest == feed.body_hash
    document = None if unchanged else await _parse(monitor, response)
    move = poll.follow_moves(feed, response, now)
    if document and document.truncated:
        # the server must offer it again: nothing that says "known" is kept of a body that was not read to its end
        log.warning("feed cut", extra={"feed": feed.url, "what": document.truncated})
    whole = not (document and document.truncated)
    return PollOutcome(
        feed_id=feed.id,
        started_at=now,
        status=PollStatus.UNCHANGED if document is None else PollStatus.OK,
        plan=poll.plan_after_success(feed, document, response.headers, monitor.config.poll, now),
        http_status=response.status,
        bytes=len(response.body),
        elapsed_ms=response.elapsed_ms,
        entries=document.entries if document else (),
        parser=document.parser if document else None,
        etag=response.headers.get("etag") if whole else None,
        last_modified=response.headers.get("last-modified") if whole else None,
        body_hash=digest if whole else None,
        unconditional=unconditional,
        new_url=move.new_url,
        moved_to=move.moved_to,
        moved_count=move.moved_count,
        moved_since=move.moved_since,
    )


async def _parse(monitor: Monitor, response: Response) -> FeedDocument:
    content_type = response.headers.get("content-type")
    if len(response.body) <= BIG_FEED_BYTES:
        try:
            return poll.parse_feed(response.body, url=response.final_url, content_type=content_type, tolerant=False)
        except poll.NeedsTolerantParser as doubt:
            log.debug("tolerant parser", extra={"feed": response.url, "why": str(doubt)})
    return await call(monitor.executor, work.parse_in_worker, response.body, response.final_url, content_type)


def _failed(
    monitor: Monitor, feed: FeedState, error: FetchError | FeedError, now: datetime, response: Response | None
) -> PollOutcome:
    gone = isinstance(error, FetchError) and error.status == 410
    return PollOutcome(
        feed_id=feed.id,
        started_at=now,
        status=PollStatus.GONE if gone else PollStatus.FAILED,
        plan=poll.plan_after_failure(feed, error, monitor.config.poll, now),
        http_status=response.status if response else getattr(error, "status", None),
        bytes=len(response.body) if response else 0,
        elapsed_ms=response.elapsed_ms if response else 0,
        error=str(error),
        moved_to=feed.moved_to,
        moved_count=feed.moved_count,
        moved_since=feed.moved_since,
    )


def _count_poll(tally: Tally, feed: FeedState, outcome: PollOutcome, new: int) -> None:
    tally.feeds_polled += 1
    tally.entries_new += new
    facts = {"feed": feed.url, "status": outcome.status, "new": new, "next": outcome.plan.reason}
    if outcome.error:
        address = "" if feed.url in outcome.error else f"{feed.url}: "
        tally.feeds_failed.append(f"{feed.outlet}: {address}{outcome.error}")
        log.warning("poll failed", extra={**facts, "error": outcome.error})
        return
    tally.feeds_unchanged += outcome.status is PollStatus.UNCHANGED
    if outcome.new_url:
        log.warning("feed moved for good", extra={"feed": feed.url, "to": outcome.new_url})
    log.info("polled", extra=facts)


# --- read ---------------------------------------------------------------------------------------------------------


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


async def read_pending(monitor: Monitor, *, due: datetime | None = None, limit: int = 500) -> Tally:
    """Read the entries that are due (at ``due``, else now), newest first.

    Each one ends as a story, put off with a reason and a time, or skipped with a reason.
    """
    tally = Tally()
    entries = monitor.store.pending_entries(due or monitor.clock(), limit)

    async def one(entry: PendingEntry) -> None:
        await _read_one(monitor, entry, tally)

    await _each(entries, one, at_once=READ_AT_ONCE, stage="read", monitor=monitor)
    return tally


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
    policy = _alert_policy(monitor.config, now)
    watch_at = watch.first_look(record, monitor.config.watch)
    if not record.sketch:
        return monitor.store.save_story(record, policy, watch_at=watch_at)
    said = _said(monitor, record, now)
    sketch = Sketch.from_bytes(record.sketch)
    copy = monitor.recent.find_copy(sketch)
    place = ThreadPlace(thread_id=None, reprint_of=copy.story_id) if copy else None
    saved = monitor.store.save_story(record, policy, place, {COPY_SKETCH: record.sketch}, said, watch_at)
    if saved.new:
        monitor.recent.add(saved.story_id, sketch)
    return saved


def _said(monitor: Monitor, record: StoryRecord, now: datetime) -> Mapping[int, int]:
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
        record = await call(monitor.executor, work.read_entry, entry, page, monitor.analysis, monitor.clock())
        return record and work.with_page(record, page)
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


def _alert_policy(config: Config, now: datetime) -> AlertPolicy:
    return AlertPolicy(
        mail_after=now - config.alerts.max_age,
        recipients=recipients(config.alerts),
        domain=_domain(sender(config.alerts)),
        titles=_titles(config),
    )


# --- watch --------------------------------------------------------------------------------------------------------


async def watch_all(monitor: Monitor) -> Tally:
    """Look at all stories that are due now to be fetched again; news is not waited for."""
    tally = Tally()
    due = monitor.clock()
    while not monitor.stopping.is_set() and (watches := monitor.store.due_watches(due, WATCH_BATCH)):
        one_pass = await _look_at(monitor, watches)
        tally.add(one_pass)
        if not one_pass.stories_watched:  # a look that cannot even be noted: the next cycle tries it again
            break
    return tally


async def watch_stories(monitor: Monitor) -> Tally:
    """Fetch again the stories that are due: what was changed or completed since is stored, and told if it matters.

    News goes first: while entries wait to be read, only the one look that has waited too long is done.
    """
    now = monitor.clock()
    if monitor.store.is_entry_due(now):
        return await _look_at(monitor, monitor.store.due_watches(now - WATCH_PATIENCE, 1))
    return await _look_at(monitor, monitor.store.due_watches(now, WATCH_BATCH), yielding=True)


async def _look_at(monitor: Monitor, watches: Sequence[Watch], *, yielding: bool = False) -> Tally:
    tally = Tally()

    async def one(watch_: Watch) -> None:
        if yielding and monitor.store.is_entry_due(monitor.clock()):
            return  # it stays due
        await _look_one(monitor, watch_, tally)

    await _each(watches, one, at_once=WATCH_AT_ONCE, stage="watch", monitor=monitor)
    return tally


async def _look_one(monitor: Monitor, watch_: Watch, tally: Tally) -> None:
    """One look at one story: whatever comes of it leaves a note and the time of the next look."""
    watched = monitor.store.watched_story(watch_.story_id)
    if watched is None or not _is_watched(monitor, watch_, watched):
        monitor.store.note_look(Look(watch_.story_id, monitor.clock(), "over", None))
        return
    tally.stories_watched += 1
    try:
        await _look(monitor, watch_, watched, tally)
    except FetchError as error:
        if error.status in PAGE_GONE:
            _note_offline(monitor, watch_, watched, str(error), tally)
        else:
            _put_off_look(monitor, watch_, watched, error, tally)
    except MonitorError as error:
        _put_off_look(monitor, watch_, watched, error, tally)
    except Exception as error:
        log.exception("watch crashed", extra={"story": watch_.story_id, "url": watched.story.url})
        _put_off_look(monitor, watch_, watched, error, tally)


def _is_watched(monitor: Monitor, watch_: Watch, watched: WatchedStory) -> bool:
    """Is there still a reason to look? A story may have been completed by another entry, or lost its flag."""
    return watch.next_look(watch_, watched, monitor.config.watch, watch_.since) is not None


async def _look(monitor: Monitor, watch_: Watch, watched: WatchedStory, tally: Tally) -> None:
    response = await monitor.fetcher.get(
        watched.entry.link or watched.story.url,
        etag=watch_.etag,
        last_modified=watch_.last_modified,
        accept=ACCEPT_PAGE,
        obey_robots=monitor.config.fetch.obey_robots,
    )
    now = monitor.clock()
    changes = [Change("back online", None, watched.story.title)] if watch_.offline >= watch.OFFLINE_LOOKS else []
    if response.status == 304 or (watched.page is not None and response.body == watched.page.body):
        _note_look(monitor, watch_, watched, "unchanged", response, changes)
        return
    page = work.Page(response, fetched_at=now)
    reading = await call(monitor.executor, work.read_again, watched, page, monitor.analysis, now)
    if reading.status is PageStatus.GONE:
        _note_offline(monitor, watch_, watched, reading.quality, tally)
    elif reading.record is not None:
        _replace(monitor, watch_, watched, work.with_page(reading.record, page), [*changes, *reading.changes], tally)
    elif reading.first:
        kept = PageRecord(now, response.status, response.headers, response.body)
        _note_look(monitor, watch_, watched, "first page", response, changes, kept)
    elif reading.status in work.FULL_TEXT:
        _note_look(monitor, watch_, watched, "unchanged", response, changes)
    else:  # its validators would stand for a page that is not the article: the next look asks for it whole
        _note_look(monitor, watch_, watched, f"less than the article: {reading.quality}", None, changes)


def _replace(
    monitor: Monitor,
    watch_: Watch,
    watched: WatchedStory,
    record: StoryRecord,
    changes: Sequence[Change],
    tally: Tally,
) -> None:
    """The new reading in place of the old one, what changed, and the alerts owed: one transaction."""
    now = monitor.clock()
    sketches, place = {}, None
    if record.sketch:
        sketches = {COPY_SKETCH: record.sketch}
        copy = monitor.recent.find_copy(Sketch.from_bytes(record.sketch))
        if copy is not None and copy.story_id != watch_.story_id:
            place = ThreadPlace(thread_id=None, reprint_of=copy.story_id)
    saved = monitor.store.save_again(
        _look_of(monitor, watch_, watched, "changed" if watched.full else "full article", record),
        record,
        _alert_policy(monitor.config, now),
        place,
        sketches,
        _said(monitor, record, now),
        changes=changes,
        follow_ups=watch.told(changes, watched, record.analysis) if watched.full else {},
    )
    if record.sketch and watch_.story_id not in monitor.recent.sketches:
        monitor.recent.add(watch_.story_id, Sketch.from_bytes(record.sketch))
    tally.stories_changed += 1
    tally.alerts_owed += saved.alerts
    log.info(
        "changed" if watched.full else "completed",
        extra={
            "story": watch_.story_id,
            "url": watched.story.url,
            "changes": ", ".join(dict.fromkeys(change.kind for change in changes)) or None,
            "topics": ",".join(saved.flagged) or None,
            "alerts": saved.alerts or None,
        },
    )


def _look_of(monitor: Monitor, watch_: Watch, watched: WatchedStory, outcome: str, record: StoryRecord) -> Look:
    """The look that ``record`` came of; what it makes of the story decides about the next one."""
    now = monitor.clock()
    story = replace(watched.story, status=str(record.status), analysis=record.analysis)
    after = replace(watched, story=story, full=True)
    next_at = watch.next_look(watch_, after, monitor.config.watch, now)
    return Look(watch_.story_id, now, outcome, next_at, validators=_validators(record.page))


def _note_look(
    monitor: Monitor,
    watch_: Watch,
    watched: WatchedStory,
    outcome: str,
    response: Response | None,
    changes: Sequence[Change] = (),
    page: PageRecord | None = None,
) -> None:
    """The story stays as it is. ``response``: whose validators are sent the next time."""
    now = monitor.clock()
    next_at = watch.next_look(watch_, watched, monitor.config.watch, now)
    look = Look(watch_.story_id, now, outcome, next_at, validators=_validators(response))
    monitor.store.note_look(look, changes, page)
    log.debug("looked", extra={"story": watch_.story_id, "outcome": outcome, "next": next_at})


def _validators(answer: Response | PageRecord | None) -> tuple[str | None, str | None] | None:
    """etag and last-modified of an answer; None when it has neither and need not: 304 may leave them out."""
    if answer is None:
        return None
    found = answer.headers.get("etag"), answer.headers.get("last-modified")
    bare = isinstance(answer, Response) and answer.status == 304 and found == (None, None)
    return None if bare else found


def _note_offline(monitor: Monitor, watch_: Watch, watched: WatchedStory, error: str, tally: Tally) -> None:
    """The page is gone. Seen so twice it is a change, if we ever had it; the story stays as it was published."""
    now = monitor.clock()
    looks = watch_.offline + 1
    tell = looks == watch.OFFLINE_LOOKS and watched.page is not None
    next_at = watch.look_after_failure(watch_, watched, monitor.config.watch, now, permanent=looks > 1)
    look = Look(watch_.story_id, now, "offline", next_at, watch_.failures + 1, looks, error)
    monitor.store.note_look(look, [Change("taken offline", watched.story.title, None)] if tell else [])
    tally.stories_changed += tell
    log.info(
        "taken offline" if tell else "page not found",
        extra={"story": watch_.story_id, "url": watched.story.url, "error": error, "next": next_at},
    )


def _put_off_look(monitor: Monitor, watch_: Watch, watched: WatchedStory, error: Exception, tally: Tally) -> None:
    now = monitor.clock()
    known = error if isinstance(error, FetchError) else None
    next_at = watch.look_after_failure(
        watch_,
        watched,
        monitor.config.watch,
        now,
        retry_after_s=known.retry_after_s if known else None,
        permanent=bool(known and known.permanent),
    )
    reason = str(error) if isinstance(error, MonitorError) else f"internal error: {error!r}"
    look = Look(watch_.story_id, now, "failed", next_at, watch_.failures + 1, watch_.offline, reason)
    monitor.store.note_look(look)
    tally.watches_failed += 1
    log.warning(
        "look failed",
        extra={"story": watch_.story_id, "url": watched.story.url, "error": reason, "next": next_at},
    )


# --- tell ---------------------------------------------------------------------------------------------------------


async def tell_owed(monitor: Monitor) -> Tally:
    """Compose and send the alerts that are due; each is noted as sent only after it was taken.

    In quiet hours they are held; what was held goes out as one mail to each recipient.
    """
    tally = Tally()
    now = monitor.clock()
    deliveries = monitor.store.owed_deliveries(now, limit=1000)
    if not deliveries:
        return tally
    if until := held_until(now, monitor.config.alerts.quiet_hours):
        why = f"quiet hours: held until {until.isoformat(timespec='minutes')}"
        tally.alerts_held = monitor.store.hold_deliveries(until, why, now)
        log.info("alerts held", extra={"deliveries": tally.alerts_held, "until": until})
        return tally
    channels = open_channels(monitor.config.alerts)
    stopped: dict[str, str] = {}  # channel -> why it is left alone for the rest of this pass

    async def one(mail: Sequence[Delivery]) -> None:
        try:
            await _tell_one(monitor, mail, channels, stopped, tally)
        except _NotTogetherError:
            log.exception("held alerts go out one by one", extra=_facts(mail))
            for delivery in mail:
                await one([delivery])
        except Exception as error:
            log.exception("tell crashed", extra=_facts(mail))
            _put_off_mail(monitor, mail, f"internal error: {error!r}", tally)

    try:
        # one after the other: servers dislike many connections, and the order of a thread's mails is kept
        await _each(_mails(monitor, deliveries, now), one, at_once=1, stage="tell", monitor=monitor)
    finally:
        for channel in channels.values():
            channel.close()
    return tally


class _NotTogetherError(Exception):
    """Several alerts could not be composed as one mail."""


def _mails(monitor: Monitor, deliveries: Sequence[Delivery], now: datetime) -> list[Sequence[Delivery]]:
    """The deliveries, those together that are one mail: the same bytes already, or held by the last quiet hours."""
    released = released_at(now, monitor.config.alerts.quiet_hours)
    mails: dict[object, list[Delivery]] = {}
    for delivery in deliveries:
        key: object = delivery.id
        if delivery.message is not None:
            key = (delivery.channel, delivery.recipient, delivery.message)
        elif released and monitor.store.owed_alert(delivery.alert_id).created_at < released:
            key = (delivery.channel, delivery.recipient)
        mails.setdefault(key, []).append(delivery)
    return [mail[at : at + HELD_AT_ONCE] for mail in mails.values() for at in range(0, len(mail), HELD_AT_ONCE)]


async def _tell_one(
    monitor: Monitor, mail: Sequence[Delivery], channels: Mapping[str, Channel], stopped: dict[str, str], tally: Tally
) -> None:
    """Send one mail; ``mail``: the deliveries that it settles, of one recipient."""
    name, recipient = mail[0].channel, mail[0].recipient
    channel = channels.get(name)
    problem = stopped.get(name) or (None if channel else f"no {name} is configured any more")
    if problem or channel is None:
        _put_off_mail(monitor, mail, problem or "no channel", tally)
        return
    message = mail[0].message or _compose(monitor, mail)
    try:
        reply = await _in_thread(lambda: channel.send(message, recipient))
    except DeliveryError as error:
        if error.stop:
            stopped[name] = str(error)
        if error.permanent:
            with monitor.store.transaction():
                for delivery in mail:
                    monitor.store.fail_delivery(delivery.id, str(error), monitor.clock())
            tally.alerts_failed += len(mail)
            log.error("alert refused", extra={**_facts(mail), "error": str(error)})
        else:
            _put_off_mail(monitor, mail, str(error), tally)
        return
    with monitor.store.transaction():
        for delivery in mail:
            monitor.store.note_sent(delivery.id, reply, monitor.clock())
    tally.alerts_sent += len(mail)
    log.info("alert sent", extra={**_facts(mail), "reply": reply})


def _compose(monitor: Monitor, mail: Sequence[Delivery]) -> bytes:
    """The message's bytes, kept with each delivery before the first attempt so that every retry sends the same."""
    owed = [monitor.store.owed_alert(delivery.alert_id) for delivery in mail]
    message = _held_message(monitor, owed, mail[0]) if len(owed) > 1 else _message(monitor, owed[0], mail[0])
    with monitor.store.transaction():
        for delivery in mail:
            monitor.store.keep_message(delivery.id, message)
    return message


def _message(monitor: Monitor, owed: OwedAlert, delivery: Delivery) -> bytes:
    return alerts.compose(
        owed,
        sender=sender(monitor.config.alerts),
        recipient=delivery.recipient,
        topic_title=_titles(monitor.config).get(owed.topic, owed.topic),
        now=monitor.clock(),
    )


def _held_message(monitor: Monitor, owed: Sequence[OwedAlert], delivery: Delivery) -> bytes:
    """Raises _NotTogetherError: one bad story must not keep the others back."""
    quiet = monitor.config.alerts.quiet_hours
    try:
        return compose_held(
            owed,
            sender=sender(monitor.config.alerts),
            recipient=delivery.recipient,
            titles=_titles(monitor.config),
            overnight=quiet is not None and is_overnight(quiet),
            now=monitor.clock(),
        )
    except Exception as error:
        raise _NotTogetherError from error


def _titles(config: Config) -> dict[str, str]:
    return {topic.name: topic.title or topic.name for topic in config.topics}


def _put_off_mail(monitor: Monitor, mail: Sequence[Delivery], error: str, tally: Tally) -> None:
    now = monitor.clock()
    retry_at = now + timedelta(seconds=min(30 * 2 ** min(mail[0].attempts, 10), TELL_RETRY_MAX_S))
    with monitor.store.transaction():
        for delivery in mail:
            monitor.store.retry_delivery(delivery.id, error, retry_at, now)
    tally.alerts_put_off += len(mail)
    log.warning("alert put off", extra={**_facts(mail), "error": error, "retry_at": retry_at})


def _facts(mail: Sequence[Delivery]) -> dict[str, object]:
    ids = ",".join(str(delivery.alert_id) for delivery in mail)
    return {"alert": ids if len(mail) > 1 else mail[0].alert_id, "channel": mail[0].channel, "to": mail[0].recipient}


async def tell_digest(monitor: Monitor) -> Tally:
    """Send the daily digest when its hour has come: once a day to each recipient, over restarts and failures.

    It reaches from the last one's hour to this one's, so its contents and its Message-ID are the same on every retry.
    The first hour after the digest was turned on only sets the beginning.
    """
    tally = Tally()
    settings, now = monitor.config.alerts.digest, monitor.clock()
    quiet = held_until(now, monitor.config.alerts.quiet_hours)
    if settings is None or quiet or monitor.stopping.is_set():
        return tally
    at = digest_at(now, settings)
    done = _moment(monitor.store.setting(DIGEST_DONE))
    if done is None:
        monitor.store.set_setting(DIGEST_DONE, at.isoformat())
        return tally
    if at.astimezone(settings.timezone).date() <= done.astimezone(settings.timezone).date():
        return tally
    sending = monitor.store.setting(DIGEST_SENDING) or {}
    if sending.get("at") != at.isoformat():
        sending = {"at": at.isoformat(), "told": [], "attempts": 0, "retry_at": None}
    retry_at = _moment(sending["retry_at"])
    if retry_at and now < retry_at:
        return tally
    news = digest_news(monitor, max(done, at - DIGEST_LONGEST) - DIGEST_LAG, at - DIGEST_LAG)
    problem = await _send_digest(monitor, news, at, sending["told"], tally)
    if problem is None:
        monitor.store.set_setting(DIGEST_DONE, at.isoformat())
        return tally
    wait_s = min(30 * 2 ** min(sending["attempts"], 10), TELL_RETRY_MAX_S)
    later = {"attempts": sending["attempts"] + 1, "retry_at": (now + timedelta(seconds=wait_s)).isoformat()}
    monitor.store.set_setting(DIGEST_SENDING, sending | later)
    log.warning("digest put off", extra={"error": problem, "wait_s": wait_s})
    return tally


def digest_news(monitor: Monitor, since: datetime, until: datetime) -> News:
    """What a digest of these hours tells; the backlog of a new feed is no news, as for alerts."""
    return monitor.store.news(since, until, since - monitor.config.alerts.max_age)


async def _send_digest(monitor: Monitor, news: News, at: datetime, told: list[str], tally: Tally) -> str | None:
    """Send to everybody who was not told yet, and note it; what kept us from telling the rest, None when all are."""
    problem = None
    author = sender(monitor.config.alerts)
    channels = open_channels(monitor.config.alerts)
    try:
        for name, recipient in recipients(monitor.config.alerts):
            if f"{name} {recipient}" in told:
                continue
            message = compose_digest(
                news,
                sender=author,
                recipient=recipient,
                titles=_titles(monitor.config),
                message_id=f"digest.{at:%Y%m%dT%H%M}.{news.since:%Y%m%dT%H%M}@{_domain(author)}",
                now=at,
            )
            facts = {"digest": at, "channel": name, "to": recipient}
            try:
                reply = await _in_thread(partial(channels[name].send, message, recipient))
            except DeliveryError as error:
                if not error.permanent:
                    problem = str(error)
                    continue
                tally.alerts_failed += 1
                log.error("digest refused", extra={**facts, "error": str(error)})
            else:
                tally.digests_sent += 1
                log.info("digest sent", extra={**facts, "reply": reply})
            told.append(f"{name} {recipient}")
            monitor.store.set_setting(
                DIGEST_SENDING, {"at": at.isoformat(), "told": told, "attempts": 0, "retry_at": None}
            )
    finally:
        for channel in channels.values():
            channel.close()
    return problem


def _domain(address: str) -> str:
    return address.rpartition("@")[2].rstrip("> ")


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


async def _in_thread(function: Callable[[], T]) -> T:
    """Like asyncio.to_thread, in a daemon thread: a mail server that hangs must not keep the program from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = function()
        except Exception as error:  # noqa: BLE001 - handed to the caller
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="deliver", daemon=True).start()
    return await future


# --- all stages ---------------------------------------------------------------------------------------------------


async def _each(
    items: Sequence[T], do: Callable[[T], Awaitable[None]], *, at_once: int, stage: str, monitor: Monitor
) -> None:
    """Do every item, ``at_once`` at the same time; begin no new one once the monitor is stopping."""
    todo = iter(items)
    done = 0

    async def worker(todo: Iterable[T]) -> None:
        nonlocal done
        for item in todo:
            if monitor.stopping.is_set():
                return
            await do(item)
            done += 1
            monitor.progress(stage, done, len(items))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(items))):
            group.create_task(worker(todo))
