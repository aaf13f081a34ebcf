"""When things run: jobs, signals, systemd's notifications and watchdog. Knows no news; what is run is pipeline.py's."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor import pipeline
from monitor.config import Config
from monitor.errors import MonitorError
from monitor.notify import notify, reloading, watchdog_s
from monitor.pipeline import Monitor, Tally

log = logging.getLogger(__name__)

TICK_S = 1  # how often each stage looks for work: one indexed query
STOP_WITHIN_S = 8  # work that is not finished by then is abandoned; its rows are still pending
STALLED_AFTER_S = 600  # without a watchdog from systemd: a stage silent for so long is reported in the log


@dataclass
class Heartbeat:
    """When each stage last did something. The watchdog is fed from here: a hanging stage is seen from outside."""

    beats: dict[str, float] = field(default_factory=dict)

    def beat(self, stage: str) -> None:
        """The stage has just begun, done one item, or found nothing to do."""
        self.beats[stage] = time.monotonic()

    def stalled(self, limit_s: float) -> list[str]:
        """Stages that have been silent for longer than ``limit_s`` seconds."""
        now = time.monotonic()
        return [stage for stage, beat in self.beats.items() if now - beat > limit_s]


class Daemon:
    """Runs the stages until it is told to stop."""

    def __init__(self, monitor: Monitor, reload_config: Callable[[], Config]) -> None:
        self.monitor = monitor
        self.reload_config = reload_config
        self.heartbeat = Heartbeat()
        self.total = Tally()
        self.running: set[asyncio.Task[None]] = set()
        self.stages: dict[str, Callable[[Monitor], Awaitable[Tally]]] = {
            "poll": pipeline.poll_feeds,
            "read": pipeline.read_pending,
            "tell": pipeline.tell_owed,
        }

    async def run(self) -> None:
        """Schedule the stages, say READY, and return after SIGTERM or SIGINT once the work is finished or abandoned."""
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self.monitor.stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        self.monitor.progress = lambda stage, _done, _total: self.heartbeat.beat(stage)
        scheduler = self._schedule()
        scheduler.start()
        notify("READY=1", "STATUS=started")
        log.info("started", extra={"store": self.monitor.store.path, "feeds": len(self.monitor.config.feeds)})
        await self.monitor.stopping.wait()
        notify("STOPPING=1", "STATUS=finishing what is begun")
        scheduler.shutdown(wait=False)
        await self._finish()

    def _schedule(self) -> AsyncIOScheduler:
        # coalesce + max_instances=1: a pass that takes long is not doubled and not made up for
        scheduler = AsyncIOScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})
        for stage in self.stages:
            self.heartbeat.beat(stage)
            scheduler.add_job(self._pass, "interval", args=[stage], seconds=TICK_S, misfire_grace_time=None, id=stage)
        every = (watchdog_s() or 60) / 3
        scheduler.add_job(self._report, "interval", seconds=every, misfire_grace_time=None, id="report")
        return scheduler

    async def _pass(self, stage: str) -> None:
        """One pass of one stage, as a task that the end of the program can wait for."""
        if self.monitor.stopping.is_set():
            return
        task = asyncio.current_task()
        assert task is not None
        self.running.add(task)
        try:
            self.heartbeat.beat(stage)
            self.total.add(await self.stages[stage](self.monitor))
            self.heartbeat.beat(stage)
        except MonitorError as error:
            log.error("pass failed", extra={"stage": stage, "error": str(error)})
        except Exception:
            log.exception("pass crashed", extra={"stage": stage})
        finally:
            self.running.discard(task)

    def _report(self) -> None:
        """Feed the watchdog when every stage is alive; tell systemd and the log otherwise."""
        stalled = self.heartbeat.stalled(watchdog_s() or STALLED_AFTER_S)
        if stalled:
            notify(f"STATUS=stalled: {', '.join(stalled)}")
            log.error("stalled", extra={"stages": ",".join(stalled)})
            return
        done = self.total
        notify(
            "WATCHDOG=1",
            f"STATUS={done.feeds_polled} polls, {done.stories_stored} stories, {done.stories_flagged} flagged, "
            f"{done.alerts_sent} alerts sent; {self.monitor.store.count_pending()} entries waiting",
        )

    def _reload(self) -> None:
        """SIGHUP: take over a valid config; keep the old one on an invalid one, and say so."""
        reloading()
        try:
            config = self.reload_config()
        except MonitorError as error:
            log.error("reload refused, the old config stays", extra={"problems": str(error).replace("\n", "; ")})
        else:
            fixed = [name for name in ("store", "fetch", "workers") if getattr(config, name) != self._config(name)]
            self.monitor.config = config
            self.monitor.store.sync_feeds(config.feeds, self.monitor.clock())
            log.info("reloaded", extra={"feeds": len(config.feeds), "restart_needed_for": ",".join(fixed) or None})
        notify("READY=1")

    def _config(self, name: str) -> object:
        return getattr(self.monitor.config, name)

    async def _finish(self) -> None:
        """Wait for the passes that run, then abandon them: whatever is not committed is done again next time."""
        if not self.running:
            return
        _, late = await asyncio.wait(self.running, timeout=STOP_WITHIN_S)
        for task in late:
            task.cancel()
        if late:
            log.warning("abandoned", extra={"passes": len(late)})
            await asyncio.wait(late, timeout=1)
