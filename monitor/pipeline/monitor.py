"""What the stages share: the monitor with its store, network, workers and clock; the tally of a pass."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from monitor import work
from monitor.channels import recipients, sender
from monitor.config import Config
from monitor.fetch import Fetcher
from monitor.model import AlertPolicy
from monitor.same_story import Recent
from monitor.store import Store

COPY_SKETCH = "shingles"
COPIES_AFTER = timedelta(days=7)  # a text that returns later than that is a new story
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
    _policy: tuple[Config, AlertPolicy] | None = None
    hear_at: datetime | None = None  # when the mailbox of replies is looked into again; None: now
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

    def alert_policy(self, now: datetime) -> AlertPolicy:
        """Which stories are mailed now, and to whom."""
        alerts = self.config.alerts
        if self._policy is None or self._policy[0] is not self.config:
            made = AlertPolicy(now, recipients(alerts), domain_of(sender(alerts)), topic_titles(self.config))
            self._policy = (self.config, made)
        return replace(self._policy[1], mail_after=now - alerts.max_age)


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
    replies_read: int = 0
    reviews_added: int = 0

    def in_short(self) -> dict[str, int]:
        """The numbers that `monitor status` shows."""
        return {
            "feeds_polled": self.feeds_polled,
            "feeds_failed": len(self.feeds_failed),
            "stories_stored": self.stories_stored,
            "stories_flagged": self.stories_flagged,
            "alerts_sent": self.alerts_sent,
        }

    def add(self, other: Tally) -> None:
        """Add another pass to this one."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def topic_titles(config: Config) -> dict[str, str]:
    """Topic -> what stands in the subject."""
    return {topic.name: topic.title or topic.name for topic in config.topics}


def domain_of(address: str) -> str:
    """The domain of a mail address, with or without a name before it."""
    return address.rpartition("@")[2].rstrip("> ")


async def each(
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


async def in_thread(function: Callable[[], T]) -> T:
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
