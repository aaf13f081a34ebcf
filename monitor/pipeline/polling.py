"""poll: ask each feed that is due once; new entries and the feed's validators commit together."""

from __future__ import annotations

import logging
from datetime import datetime

from monitor import poll, work
from monitor.errors import FeedError, FetchError
from monitor.model import (
    FeedDocument,
    FeedState,
    PollOutcome,
    PollStatus,
    Response,
)
from monitor.pipeline.monitor import Monitor, Tally, each
from monitor.workers import call

log = logging.getLogger(__name__)
ACCEPT_FEED = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
BIG_FEED_BYTES = 400_000  # parsed in a worker: more would hold up the loop for too long
POLL_AT_ONCE = 400  # feeds in work: many may wait for their host's turn, the fetcher limits the connections


async def poll_feeds(monitor: Monitor, *, all_feeds: bool = False) -> Tally:
    """Ask each due feed (or all active ones) once; new entries and the feed's validators commit together."""
    tally = Tally()
    now = monitor.clock()
    feeds = monitor.store.active_feeds() if all_feeds else monitor.store.due_feeds(now, limit=100_000)

    async def one(feed: FeedState) -> None:
        outcome = await _ask(monitor, feed)
        new = monitor.store.record_poll(outcome)
        _count_poll(tally, feed, outcome, new)

    await each(feeds, one, at_once=POLL_AT_ONCE, stage="poll", monitor=monitor)
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
