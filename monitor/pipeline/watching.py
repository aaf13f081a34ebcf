"""watch: fetch stories again, less and less often; what an outlet changed is kept, and told where it matters."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from monitor import watch, work
from monitor.errors import FetchError, MonitorError
from monitor.model import (
    Change,
    Look,
    PageRecord,
    PageStatus,
    Response,
    StoryRecord,
    ThreadPlace,
    Watch,
    WatchedStory,
)
from monitor.pipeline.monitor import COPY_SKETCH, Monitor, Tally, each
from monitor.pipeline.reading import ACCEPT_PAGE, said_earlier
from monitor.same_story import Sketch
from monitor.workers import call

log = logging.getLogger(__name__)
WATCH_AT_ONCE = 2
WATCH_BATCH = 20  # looks of one pass: short passes, so that each one sees whether news has come
WATCH_PATIENCE = timedelta(minutes=15)  # so long a look waits while there are entries to read, then goes alone
PAGE_GONE = frozenset({404, 410})


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

    await each(watches, one, at_once=WATCH_AT_ONCE, stage="watch", monitor=monitor)
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
        monitor.alert_policy(now),
        place,
        sketches,
        said_earlier(monitor, record, now),
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
