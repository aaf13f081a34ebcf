"""When things run: jobs, signals, systemd's notifications, watchdog. Knows no news; what is run is the pipeline's."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor import pipeline, work
from monitor.config import Config
from monitor.errors import ConfigError, MonitorError
from monitor.notify import notify, reloading, watchdog_s
from monitor.pipeline import Monitor, Tally
from monitor.workers import WorkerFailed, call

log = logging.getLogger(__name__)

TICK_S = 1  # how often each stage looks for work: one indexed query
FINISH_WITHIN_S = 5  # work that is not finished by then is abandoned; its rows are still pending
ABANDON_WITHIN_S = 1  # for what is abandoned to close its sockets
REPORT_S = 20  # to the service manager, without a watchdog; with one, three times in its span
NOTE_S = 60  # how often the store learns that we live
STALLED_AFTER_S = 300  # a stage that was silent for so long hangs: no single item takes that long (see _patience)
FAILING_WAIT_MAX_S = 60  # between the passes of a stage that fails as a whole (disk full)
WARM_UP_TRIES = 3  # on a machine that has just booted, the first worker may be killed for being slow

Stage = Callable[[Monitor], Awaitable[Tally]]
STAGES: Mapping[str, Stage] = {
    "poll": pipeline.poll_feeds,
    "read": pipeline.read_pending,
    "tell": pipeline.tell_owed,
    "watch": pipeline.watch_stories,
    "digest": pipeline.tell_digest,
    "hear": pipeline.hear_replies,
}


@dataclass
class Heartbeat:
    """When each stage last did something. The watchdog is fed from here: a hanging stage is seen from outside."""

    clock: Callable[[], float] = time.monotonic  # seconds
    beats: dict[str, float] = field(default_factory=dict)

    def beat(self, stage: str) -> None:
        """The stage has just begun, done one item, or found nothing to do."""
        self.beats[stage] = self.clock()

    def stalled(self, limit_s: float) -> list[str]:
        """Stages that have been silent for longer than ``limit_s`` seconds."""
        now = self.clock()
        return [stage for stage, beat in self.beats.items() if now - beat > limit_s]


class Daemon:
    """Runs the stages until it is told to stop.

    Args:
        monitor: what the stages share.
        reload_config: reads and checks the config file anew, on SIGHUP. Raises ConfigError.
        clock: monotonic seconds, for the heartbeat.
        environ: where the service manager says how to reach it.
        stages: what is run, by name.
        tick_s: how often each stage looks for work.
    """

    def __init__(
        self,
        monitor: Monitor,
        reload_config: Callable[[], Config],
        *,
        clock: Callable[[], float] = time.monotonic,
        environ: Mapping[str, str] = os.environ,
        stages: Mapping[str, Stage] = STAGES,
        tick_s: float = TICK_S,
    ) -> None:
        self.monitor = monitor
        self.reload_config = reload_config
        self.environ = environ
        self.stages = stages
        self.tick_s = tick_s
        self.heartbeat = Heartbeat(clock)
        self.done: Counter[str] = Counter()  # since the start
        self.running: set[asyncio.Task[None]] = set()
        self.failing: dict[str, _Failing] = {}
        self._noted = clock() - NOTE_S
        self._started_at = monitor.clock()
        self._reload_wanted = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self) -> None:
        """Begin, say READY, and return after SIGTERM or SIGINT once the work is finished or abandoned.

        Raises:
            MonitorError: it cannot work: the store or the scorer cannot be used, or no worker answers.
        """
        self._listen()
        self._tell("STATUS=starting the workers")
        if not await self._unless_stopped(self._warm_up(self.monitor.config)):
            return
        self.monitor.progress = lambda stage, _done, _total: self.heartbeat.beat(stage)
        reloads = asyncio.create_task(self._reloads())
        scheduler = self.schedule()
        scheduler.start()
        self._tell("READY=1", "STATUS=started")
        log.info("started", extra={"store": self.monitor.store.path, "feeds": len(self.monitor.config.feeds)})
        await self.monitor.stopping.wait()
        self._tell("STOPPING=1", "STATUS=finishing what is begun")
        scheduler.pause()  # not shutdown(): that cancels the passes at once
        reloads.cancel()
        await self._finish()
        scheduler.shutdown(wait=False)
        self.note()
        log.info("stopped", extra=dict(self.done))

    def schedule(self) -> AsyncIOScheduler:
        """The jobs, not started: each stage, the report, and at night what the store needs."""
        # it warns on each tick that a long pass makes it skip, which is what max_instances is for
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        # coalesce + max_instances=1: a pass that takes long is not doubled and not made up for
        options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        scheduler = AsyncIOScheduler(timezone="UTC", job_defaults=options)
        for stage in self.stages:
            self.heartbeat.beat(stage)
            scheduler.add_job(self._pass, "interval", args=[stage], seconds=self.tick_s, id=stage)
        watchdog = watchdog_s(self.environ)
        every_s = watchdog / 3 if watchdog else REPORT_S
        # coroutines, all of them: a plain function would be run in a thread, where a hanging loop is not felt
        scheduler.add_job(self.report, "interval", seconds=every_s, id="report")
        scheduler.add_job(self.prune, "cron", hour=3, minute=40, id="prune")
        return scheduler

    async def report(self) -> None:
        """Feed the watchdog when every stage is alive; tell systemd and the log otherwise.

        This runs in the loop that does the work, so that a hanging loop is silent too.
        """
        if stalled := self.heartbeat.stalled(_patience(self.monitor.config)):
            self._tell(f"STATUS=stalled: {', '.join(stalled)}")
            log.error("stalled", extra={"stages": ",".join(stalled)})
            return
        self._tell("WATCHDOG=1", f"STATUS={self._status()}")
        if self.heartbeat.clock() - self._noted >= NOTE_S:
            self.note()

    def note(self) -> None:
        """Tell the store that we live, and what was done since the start: ``monitor status`` shows it."""
        self._noted = self.heartbeat.clock()
        since = self._started_at.isoformat(timespec="seconds")
        try:
            self.monitor.store.note_cycle({"by": "monitor run", "since": since, **self.done}, self.monitor.clock())
        except MonitorError as error:
            log.error("note not kept", extra={"error": str(error)})

    async def prune(self) -> None:
        """Drop what the config does not keep any longer."""
        keep = self.monitor.config.store
        try:
            dropped = self.monitor.store.prune(
                self.monitor.clock(), keep_pages=keep.keep_pages, keep_text=keep.keep_text
            )
        except MonitorError as error:
            log.error("prune failed, tried again tomorrow", extra={"error": str(error)})
        else:
            log.info("pruned", extra=dropped)

    # --- jobs ------------------------------------------------------------------------------------------------------

    async def _pass(self, stage: str) -> None:
        """One pass of one stage, as a task that the end of the program can wait for."""
        self.heartbeat.beat(stage)
        if self.monitor.stopping.is_set() or self._is_waiting(stage):
            return
        task = asyncio.current_task()
        assert task is not None
        self.running.add(task)
        try:
            self.done.update(_counts(await self.stages[stage](self.monitor)))
        except asyncio.CancelledError:
            if not self.monitor.stopping.is_set():
                raise
            log.warning("abandoned, done again after the next start", extra={"stage": stage})
        except MonitorError as error:
            log.error("pass failed", extra={"stage": stage, "error": str(error), **self._failed(stage, error)})
        except Exception as error:
            log.exception("pass crashed", extra={"stage": stage, **self._failed(stage, error)})
        else:
            if self.failing.pop(stage, None):
                log.info("pass works again", extra={"stage": stage})
        finally:
            self.running.discard(task)
            self.heartbeat.beat(stage)

    def _is_waiting(self, stage: str) -> bool:
        return stage in self.failing and self.heartbeat.clock() < self.failing[stage].until

    def _failed(self, stage: str, error: Exception) -> dict[str, object]:
        """Leave a stage that fails as a whole alone for a while; how long, for the log."""
        wait_s = min(2 * self.failing[stage].wait_s, FAILING_WAIT_MAX_S) if stage in self.failing else TICK_S
        self.failing[stage] = _Failing(str(error) or repr(error), wait_s, self.heartbeat.clock() + wait_s)
        return {"wait_s": wait_s}

    def _status(self) -> str:
        if self.failing:
            return "; ".join(f"{stage} fails: {failing.error}" for stage, failing in self.failing.items())
        did = self.done
        try:
            waiting = self.monitor.store.count_pending()
        except MonitorError as error:
            return f"the store cannot be read: {error}"
        return (
            f"{did['feeds_polled']} polls, {did['stories_stored']} stories, {did['stories_flagged']} flagged, "
            f"{did['alerts_sent']} alerts sent; {waiting} entries waiting"
        )

    # --- start and reload ------------------------------------------------------------------------------------------

    async def _warm_up(self, config: Config) -> None:
        """A worker compiles the topics and loads the scorer, as it will for the first story. Raises MonitorError."""
        settings = work.AnalysisSettings(topics=config.topics, sentiment=config.sentiment).model_dump_json()
        for left in reversed(range(WARM_UP_TRIES)):
            try:
                await call(self.monitor.executor, work.warm_up, settings)
                return
            except WorkerFailed as error:
                if not left:
                    raise
                log.warning("warm-up tried again", extra={"error": str(error)})

    async def _reloads(self) -> None:
        while True:
            await self._reload_wanted.wait()
            self._reload_wanted.clear()
            await self._reload()

    async def _reload(self) -> None:
        """Take over a valid config; keep the old one on an invalid one, and say so with every problem."""
        reloading(self.environ)
        try:
            config = self.reload_config()
            await self._warm_up(config)
            self._take_over(config)
        except ConfigError as error:
            for problem in error.problems:
                log.error("config problem", extra={"problem": problem})
            log.error("reload refused, the old config stays", extra={"problems": len(error.problems)})
        except Exception as error:
            trace = None if isinstance(error, MonitorError) else error
            log.error("reload refused, the old config stays", extra={"error": str(error)}, exc_info=trace)
        finally:
            self._tell("READY=1", f"STATUS={self._status()}")  # systemd waits for it, however the reload went

    def _take_over(self, config: Config) -> None:
        old = self.monitor.config
        fixed = [name for name in ("store.path", "fetch", "workers") if _part(config, name) != _part(old, name)]
        self.monitor.store.sync_feeds(config.feeds, self.monitor.clock())
        self.monitor.config = config
        log.info("reloaded", extra={"feeds": len(config.feeds), "restart_needed_for": ",".join(fixed) or None})

    # --- signals and the end ---------------------------------------------------------------------------------------

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload_wanted.set)

    def _stop(self) -> None:
        """Finish what is begun; told a second time, do not even that."""
        if self.monitor.stopping.is_set():
            self._hurry.set()
        self.monitor.stopping.set()

    async def _unless_stopped(self, work: Awaitable[None]) -> bool:
        """Do it; False when the program was told to stop first."""
        task, stop = asyncio.ensure_future(work), asyncio.ensure_future(self.monitor.stopping.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not task.done():
            task.cancel()
            return False
        await task
        return True

    async def _finish(self) -> None:
        """Wait for the passes that run, then abandon them: whatever is not committed is done again next time."""
        hurry = asyncio.create_task(self._hurry.wait())
        left = set(self.running)
        deadline = time.monotonic() + FINISH_WITHIN_S
        while left and not hurry.done() and (wait_s := deadline - time.monotonic()) > 0:
            await asyncio.wait({*left, hurry}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            left = {task for task in left if not task.done()}
        hurry.cancel()
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=ABANDON_WITHIN_S)

    def _tell(self, *fields: str) -> None:
        notify(*fields, environ=self.environ)


@dataclass(frozen=True)
class _Failing:
    """A stage that fails as a whole: why, and when it is tried again."""

    error: str
    wait_s: float
    until: float


def _patience(config: Config) -> float:
    """Seconds that one item of a stage may take at most, with a wide margin."""
    mail_s = config.alerts.email.timeout.total_seconds() if config.alerts.email else 0
    imap_s = config.reviews.imap.timeout.total_seconds() if config.reviews.imap else 0
    longest_s = max(config.fetch.timeout.total_seconds(), config.read.page_timeout.total_seconds(), mail_s, imap_s)
    return max(STALLED_AFTER_S, 5 * longest_s)


def _counts(tally: Tally) -> dict[str, int]:
    """The pass in numbers; the failed feeds' reasons are in the log and in the store."""
    numbers = {name: len(value) if isinstance(value, list) else value for name, value in vars(tally).items()}
    return {name: number for name, number in numbers.items() if number}


def _part(config: Config, name: str) -> object:
    part: object = config
    for key in name.split("."):
        part = getattr(part, key)
    return part
