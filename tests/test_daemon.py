"""The daemon: as a program that gets signals and says how it is, and its parts with time as a value."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from servers import BadServer, Request, answers, hangs

from monitor.config import Config
from monitor.daemon import FINISH_WITHIN_S, Daemon, Heartbeat, Stage
from monitor.demo.newsroom import Newsroom, open_now, serve
from monitor.demo.show import config_for
from monitor.errors import ConfigError, ScorerError, StoreError
from monitor.fetch import Fetcher
from monitor.pipeline import Monitor, Tally
from monitor.store import Store

WAIT_S = 40  # for what takes a second: this machine may be busy
STOP_S = 10  # the promise
numbers = itertools.count()


# --- the program ------------------------------------------------------------------------------------------------------


class Manager:
    """Listens as systemd does, on an abstract socket (a path under tmp_path may be too long for one).

    Reads all the time: the kernel keeps ten messages, and the sender of another would wait.
    """

    def __init__(self) -> None:
        self.name = f"monitor-test-{os.getpid()}-{next(numbers)}"
        self.heard: list[list[str]] = []  # the fields of each message
        self._next = 0
        self._closed = False
        self._more = threading.Condition()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self.name)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def environ(self) -> dict[str, str]:
        """What systemd sets. A watchdog of 1.5 s: a report each half second."""
        return {"NOTIFY_SOCKET": "@" + self.name, "WATCHDOG_USEC": "1500000"}

    def hear(self, field: str = ".*") -> list[str]:
        """Wait for the next message with this field; returns its fields."""

        def found() -> list[str] | None:
            while self._next < len(self.heard):
                self._next += 1
                if any(re.fullmatch(field, one) for one in self.heard[self._next - 1]):
                    return self.heard[self._next - 1]
            return None

        with self._more:
            message = self._more.wait_for(lambda: found() or self._closed, WAIT_S)
        assert isinstance(message, list), f"never heard {field!r}, but {self.heard}"
        return message

    def _read(self) -> None:
        while message := self._socket.recv(8192):
            with self._more:
                self.heard.append(message.decode().split("\n"))
                self._more.notify_all()

    def close(self) -> None:
        """Stop listening; whoever waits has waited in vain."""
        with self._more:
            self._closed = True
            self._more.notify_all()
        if self._socket.fileno() >= 0:
            self._socket.shutdown(socket.SHUT_RD)
            self._reader.join(5)
            self._socket.close()


class Program:
    """``python -m monitor run`` with its log."""

    def __init__(self, config: Path, environ: Mapping[str, str]) -> None:
        clean = {name: value for name, value in os.environ.items() if name not in ("NOTIFY_SOCKET", "JOURNAL_STREAM")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "run", "-c", config],
            stderr=subprocess.PIPE,
            text=True,
            env={**clean, **environ},
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            with self._more:
                self.lines.append(line)
                self._more.notify_all()

    def says(self, pattern: str, *, after: int = 0) -> str:
        """Wait for a log line with this pattern."""

        def found() -> str | None:
            return next((line for line in self.lines[after:] if re.search(pattern, line)), None)

        with self._more:
            if not self._more.wait_for(found, WAIT_S):
                raise AssertionError(f"never said {pattern!r}:\n" + "".join(self.lines))
            return found() or ""

    def ends(self, within_s: float = WAIT_S) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(within_s)
        self._reader.join(5)
        return code

    def others(self) -> list[int]:
        """Handles of the processes that it has started: the fork server, the workers, ..."""
        return others_of(self.process.pid)

    @property
    def said(self) -> str:
        return "".join(self.lines)


@contextmanager
def running(config: Path, environ: Mapping[str, str] | None = None) -> Iterator[Program]:
    """The program; whatever is left of it (its session) is killed afterwards."""
    program = Program(config, environ or {})
    try:
        yield program
    except BaseException:
        print(program.said)  # pytest shows it with the failure
        raise
    finally:
        for pid in session(program.process.pid):
            os.kill(pid, signal.SIGKILL)
        program.process.wait()


def session(leader: int) -> list[int]:
    """The live processes of a session (the program was started as the leader of one)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        state, _parent, _group, of = text.rpartition(")")[2].split()[:4]
        if int(of) == leader and state != "Z":
            found.append(int(stat.parent.name))
    return found


def others_of(leader: int) -> list[int]:
    """Handles (pidfd) of the other processes in the session, of which there are at least a fork server and a worker."""
    handles = [os.pidfd_open(pid) for pid in session(leader) if pid != leader]
    assert len(handles) >= 2
    return handles


def ended(pidfd: int) -> bool:
    """Wait for the end of a process that is no child of ours, and close the handle."""
    try:
        return bool(select.select([pidfd], [], [], WAIT_S)[0])
    finally:
        os.close(pidfd)


@pytest.fixture
def manager() -> Iterator[Manager]:
    with closing(Manager()) as manager:
        yield manager


@pytest.fixture
def room() -> Iterator[Newsroom]:
    with serve(open_now()) as room:
        yield room


def write_config(folder: Path, room: Newsroom, *servers: BadServer, **changes: Any) -> Path:
    """The demo's config as a file, with feeds that are asked each second; ``servers`` may be asked too."""
    config = config_for(room, folder)
    allowed = [room.base.removeprefix("http://"), *(server.address for server in servers)]
    settings: dict[str, Any] = {
        "store": {"path": str(config.store.path)},
        "fetch": {"allow_private": allowed, "per_host": 20, "per_host_delay": "0s"},
        "poll": {"min_interval": "1s", "max_interval": "1s"},
        "workers": 1,
        "feeds": [feed.model_dump(mode="json", exclude_none=True) for feed in config.feeds],
        "topics": [topic.model_dump(mode="json") for topic in config.topics],
        "alerts": {"mailbox": str(config.alerts.mailbox)},
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(settings | changes, ensure_ascii=False), encoding="utf-8")  # JSON is YAML
    return path


def one_entry_feed(link: str) -> bytes:
    """A feed whose only entry has nothing but a title and a page."""
    item = f"<item><title>A page</title><link>{link}</link><guid>{link}</guid></item>"
    return f'<rss version="2.0"><channel><title>One</title>{item}</channel></rss>'.encode()


def test_it_is_ready_once_it_works_feeds_the_watchdog_and_ends_on_ctrl_c(
    tmp_path: Path, room: Newsroom, manager: Manager
) -> None:
    """READY=1 after a worker has answered, then STATUS and WATCHDOG=1 again and again; Ctrl-C is no error."""
    config = write_config(tmp_path, room)
    with running(config, manager.environ) as program:
        ready = manager.hear("READY=1")
        assert manager.heard[0] == ["STATUS=starting the workers"]
        assert ready == ["READY=1", "STATUS=started"]
        assert not any("WATCHDOG=1" in message for message in manager.heard)
        program.says(r"polled .*/courier/rss\.xml")
        manager.hear("WATCHDOG=1")
        assert "WATCHDOG=1" in manager.hear(r"STATUS=[1-9]\d* polls, \d+ stories.*")

        second = subprocess.run(
            [sys.executable, "-m", "monitor", "run", "-c", config], capture_output=True, text=True, check=False
        )
        assert second.returncode == 75
        assert f"held by process {program.process.pid}" in second.stderr
        assert "Traceback" not in second.stderr

        others = program.others()
        os.killpg(program.process.pid, signal.SIGINT)  # as a terminal does: to the workers too
        assert program.ends() == 0
        manager.hear("STOPPING=1")
        assert "Traceback" not in program.said
        assert all(ended(other) for other in others)
    with Store.open(tmp_path / "monitor.db", write=False) as store:
        noted = store.status(datetime.now(UTC))["last_cycle"]
    assert noted["by"] == "monitor run"
    assert noted["feeds_polled"] >= 1


def test_a_wrong_config_is_told_with_every_problem(tmp_path: Path) -> None:
    """Exit 78 (systemd does not start it again), each problem with its line and key."""
    config = tmp_path / "config.yaml"
    config.write_text("feds: []\npoll:\n  min_interval: 5\n", encoding="utf-8")
    with running(config) as program:
        assert program.ends() == 78
    assert "feds" in program.said
    assert "min_interval" in program.said
    assert "Traceback" not in program.said


def test_sighup_takes_over_a_valid_config_refuses_an_invalid_one_and_kill_9_leaves_no_process(
    tmp_path: Path, room: Newsroom, manager: Manager
) -> None:
    """A new feed is polled without a restart; of an invalid file every problem is in the log and nothing changes.

    After kill -9 the fork server and the workers go with the main process.
    """
    with BadServer() as server:
        config = write_config(tmp_path, room, server)
        good = json.loads(config.read_text())
        with running(config, manager.environ) as program:
            manager.hear("READY=1")

            url = server.on("/new.xml", answers(200, one_entry_feed("http://192.0.2.1/")))
            config.write_text(json.dumps(good | {"feeds": [*good["feeds"], {"url": url}]}))
            program.process.send_signal(signal.SIGHUP)
            manager.hear("RELOADING=1")
            manager.hear("READY=1")
            program.says("reloaded feeds=12")
            program.says(r"polled .*/new\.xml")

            config.write_text("feds: []\npoll: {min_interval: 5}\n")
            so_far = len(program.lines)
            program.process.send_signal(signal.SIGHUP)
            manager.hear("READY=1")
            program.says("reload refused, the old config stays")
            problems = [line for line in program.lines[so_far:] if "config problem" in line]
            assert any("feds" in line for line in problems)
            assert any("min_interval" in line for line in problems)
            room.edition = 2  # the old feeds are still asked
            program.says("flagged story=", after=so_far)

            others = program.others()
            program.process.kill()
            program.ends()
            assert all(ended(other) for other in others)
            assert "Traceback" not in program.said
    Store.open(tmp_path / "monitor.db", exclusive=True).close()  # and the store is free for the next one


def test_sigterm_ends_it_in_time_while_a_page_and_the_mail_server_hang(
    tmp_path: Path, room: Newsroom, manager: Manager
) -> None:
    """What hangs is abandoned and said; it is still owed, for the next start."""
    with BadServer() as server, socket.create_server(("127.0.0.1", 0)) as silent_mail_server:
        page = server.on("/page", hangs())

        async def feed_of_its_time(request: Request, writer: asyncio.StreamWriter) -> None:
            entries = one_entry_feed(page) if room.edition == 2 else b'<rss version="2.0"><channel/></rss>'
            await answers(200, entries)(request, writer)

        feed = server.on("/feed.xml", feed_of_its_time)
        mail = {
            "host": "127.0.0.1",
            "port": silent_mail_server.getsockname()[1],
            "security": "none",
            "from": "monitor@sample.example",
            "to": ["desk@sample.example"],
        }
        config = write_config(tmp_path, room, server, alerts={"email": mail})
        settings = json.loads(config.read_text())
        config.write_text(json.dumps(settings | {"feeds": [*settings["feeds"], {"url": feed}]}))
        with running(config, manager.environ) as program:
            program.says(r"polled .*/goniec/atom\.xml")
            room.edition = 2
            silent_mail_server.settimeout(WAIT_S)
            connection, _ = silent_mail_server.accept()  # the first alert is about to be sent
            with connection:
                assert server.asked("/page")
                others = program.others()
                program.process.terminate()
                assert program.ends(STOP_S) == 0
                assert all(ended(other) for other in others)
        assert sorted(re.findall("abandoned.* stage=(read|tell)", program.said)) == ["read", "tell"]
        assert "Traceback" not in program.said
    with Store.open(tmp_path / "monitor.db", write=False) as store:
        assert store.count_pending() >= 1
        assert store.status(datetime.now(UTC))["outbox"]["owed"] >= 1


BUSY = """
import asyncio, re, sys
from monitor.workers import call, open_executor
def hang(): re.match("(a|a)*b", "a" * 60)  # holds the interpreter for years
async def main():
    executor = open_executor(1, call_timeout_s=1000)
    await call(executor, print, "busy", flush=True)
    await call(executor, hang)
if __name__ == "__main__":
    asyncio.run(main())
"""


def test_after_kill_9_a_worker_that_is_busy_ends_too(tmp_path: Path) -> None:
    """Also one in which no Python code runs any more: the kernel ends it."""
    script = tmp_path / "busy.py"
    script.write_text(BUSY)
    main = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, start_new_session=True)
    assert main.stdout
    assert main.stdout.readline() == b"busy\n"
    others = others_of(main.pid)
    main.kill()
    main.wait()
    assert all(ended(other) for other in others)


# --- its parts --------------------------------------------------------------------------------------------------------


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def a_daemon(
    folder: Path,
    clock: Clock,
    manager: Manager,
    stages: Mapping[str, Stage],
    reload: Callable[[], Config] | None = None,
    config: Config | None = None,
) -> AsyncIterator[Daemon]:
    """A running daemon over a real store, its workers threads, its ticks short; stopped at the end."""
    config = config_at_start = config or unserved_config(folder)
    with Store.open(folder / "monitor.db") as store, ThreadPoolExecutor(1) as threads:
        async with Fetcher(config.fetch) as fetcher:
            monitor = Monitor.open(config, store, fetcher, threads, lambda: datetime.now(UTC))
            daemon = Daemon(
                monitor,
                reload or (lambda: config_at_start),
                clock=clock,
                environ=manager.environ | {"WATCHDOG_USEC": "150000"},
                stages=stages,
                tick_s=0.02,
            )
            async with asyncio.timeout(WAIT_S):
                running = asyncio.create_task(daemon.run())
                ready = asyncio.create_task(hears(manager, "READY=1"))
                try:
                    done, _ = await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
                    if ready in done:
                        yield daemon
                finally:
                    monitor.stopping.set()
                    try:
                        await running
                    finally:
                        manager.close()


def unserved_config(folder: Path) -> Config:
    """The demo's config for a newsroom that nobody asks."""
    room = open_now()
    room.base = "http://127.0.0.1:9"
    return config_for(room, folder)


async def hears(manager: Manager, field: str = ".*") -> list[str]:
    """``Manager.hear`` for a daemon in this process."""
    return await asyncio.to_thread(manager.hear, field)


async def for_ever(monitor: Monitor) -> Tally:
    """A stage that never ends."""
    await asyncio.Event().wait()
    return Tally()


async def idle(monitor: Monitor) -> Tally:
    """A stage that finds nothing to do."""
    return Tally()


def test_a_stage_is_stalled_when_it_was_silent_for_longer_than_the_limit() -> None:
    """To the second; another stage that goes on does not hide it."""
    clock = Clock()
    heart = Heartbeat(clock)
    heart.beat("poll")
    heart.beat("read")
    clock.now = 300
    heart.beat("poll")
    assert heart.stalled(300) == []
    clock.now = 301
    assert heart.stalled(300) == ["read"]
    heart.beat("read")
    assert heart.stalled(300) == []


async def test_it_is_never_ready_when_it_cannot_work(tmp_path: Path, manager: Manager) -> None:
    """A scorer that cannot be loaded: the reason as an error, and no READY=1."""
    good = unserved_config(tmp_path)
    no_scorer = good.model_copy(update={"sentiment": good.sentiment.model_copy(update={"scorer": "no.such:thing"})})
    with pytest.raises(ScorerError, match=r"no\.such"):
        async with a_daemon(tmp_path, Clock(), manager, {"poll": idle}, config=no_scorer):
            pytest.fail("it was ready")


async def test_told_to_stop_it_finishes_what_takes_a_moment(
    tmp_path: Path, manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    """A pass that runs is not cancelled while it still may end in time, and none is begun."""
    begun, release, finished = 0, asyncio.Event(), 0

    async def moment(monitor: Monitor) -> Tally:
        nonlocal begun, finished
        begun += 1
        await release.wait()
        finished += 1
        return Tally()

    async with a_daemon(tmp_path, Clock(), manager, {"read": moment}) as daemon:
        await hears(manager, "WATCHDOG=1")
        daemon.monitor.stopping.set()
        await hears(manager, "STOPPING=1")
        asyncio.get_running_loop().call_later(0.1, release.set)
    assert begun == finished == 1
    assert "abandoned" not in caplog.text


async def test_told_a_second_time_it_stops_at_once(
    tmp_path: Path, manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody who presses Ctrl-C twice does not want to wait."""
    async with a_daemon(tmp_path, Clock(), manager, {"read": for_ever}):
        await hears(manager, "WATCHDOG=1")
        os.kill(os.getpid(), signal.SIGINT)
        await hears(manager, "STOPPING=1")
        told = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)
    assert time.monotonic() - told < FINISH_WITHIN_S
    assert caplog.text.count("abandoned") == 1


async def test_a_stage_that_hangs_stops_the_watchdog(tmp_path: Path, manager: Manager) -> None:
    """While one stage hangs and the others go on, WATCHDOG=1 stays away and STATUS says which; then it comes back."""
    clock, release = Clock(), asyncio.Event()

    async def hang(monitor: Monitor) -> Tally:
        await release.wait()
        return Tally()

    async with a_daemon(tmp_path, clock, manager, {"poll": idle, "read": hang}):
        await hears(manager, "WATCHDOG=1")
        clock.now += 299
        await hears(manager, "WATCHDOG=1")
        clock.now += 2
        await hears(manager, "STATUS=stalled: read")
        for _ in range(5):
            assert await hears(manager) == ["STATUS=stalled: read"]
        release.set()
        await hears(manager, "WATCHDOG=1")


async def test_progress_within_a_long_pass_keeps_the_watchdog_fed(tmp_path: Path, manager: Manager) -> None:
    """A pass may take hours, as long as one item after the other is done."""
    clock, item = Clock(), asyncio.Event()

    async def long_pass(monitor: Monitor) -> Tally:
        while not monitor.stopping.is_set():
            monitor.progress("read", 1, 1000)
            item.set()
            await asyncio.sleep(0.01)
        return Tally()

    async with a_daemon(tmp_path, clock, manager, {"read": long_pass}):
        for _ in range(5):
            clock.now += 200
            item.clear()
            await item.wait()
            assert "WATCHDOG=1" in await hears(manager, "STATUS=.*")


async def test_a_pass_that_takes_longer_than_a_tick_is_not_doubled(
    tmp_path: Path, manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    """And the scheduler does not complain about it each second."""
    inside, most = 0, 0

    async def slow(monitor: Monitor) -> Tally:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.2)
        inside -= 1
        return Tally()

    async with a_daemon(tmp_path, Clock(), manager, {"poll": slow}):
        for _ in range(10):
            await hears(manager)
    assert most == 1
    assert "maximum number of running instances" not in caplog.text


async def test_a_stage_that_fails_is_left_alone_longer_and_longer(
    tmp_path: Path, manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk gives one line, then another after 2, 4, 8 ... 60 s, not one a second; the watchdog is fed, since a
    restart would not help, and STATUS says what is wrong."""
    clock, tried_at, broken = Clock(), list[float](), True

    async def fail(monitor: Monitor) -> Tally:
        tried_at.append(clock.now)
        if broken:
            raise StoreError("the disk is full\nreally")
        return Tally(feeds_polled=1)

    caplog.set_level(logging.INFO)
    async with a_daemon(tmp_path, clock, manager, {"poll": fail}) as daemon:
        for _ in range(90):
            clock.now += 1
            await hears(manager)
        assert "WATCHDOG=1" in await hears(manager, "STATUS=poll fails: the disk is full really")
        waits = [round(after - before) for before, after in itertools.pairwise(tried_at)]
        assert waits[:6] == [1, 2, 4, 8, 16, 32]
        broken = False
        clock.now += 60
        await hears(manager, r"STATUS=[1-9]\d* polls.*")
        assert daemon.failing == {}
    assert "pass works again" in caplog.text


async def test_a_bug_in_a_stage_is_told_with_a_traceback_and_hurts_only_that_pass(
    tmp_path: Path, manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    """The other stages and the watchdog go on."""

    async def bug(monitor: Monitor) -> Tally:
        raise ZeroDivisionError("a bug")

    async with a_daemon(tmp_path, Clock(), manager, {"poll": bug, "read": idle}):
        assert "WATCHDOG=1" in await hears(manager, "STATUS=poll fails: a bug")
    assert "ZeroDivisionError" in caplog.text


async def test_a_reload_that_fails_in_any_way_leaves_the_daemon_ready(
    tmp_path: Path, manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    """systemd waits for READY=1 after RELOADING=1: a config error, a scorer that cannot be loaded, or a bug."""
    good = unserved_config(tmp_path)
    no_scorer = good.model_copy(update={"sentiment": good.sentiment.model_copy(update={"scorer": "no.such:thing"})})
    outcomes: list[Config | Exception] = [ConfigError(["one", "two"]), no_scorer, ZeroDivisionError("a bug")]

    def reload() -> Config:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async with a_daemon(tmp_path, Clock(), manager, {"poll": idle}, reload) as daemon:
        before = daemon.monitor.config
        while outcomes:
            os.kill(os.getpid(), signal.SIGHUP)
            await hears(manager, "RELOADING=1")
            await hears(manager, "READY=1")
        assert daemon.monitor.config is before
    assert caplog.text.count("reload refused, the old config stays") == 3


async def test_what_a_reload_cannot_change_is_said(
    tmp_path: Path, manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    """The store, the fetcher and the workers are those of the start; other changes count at once."""
    good = unserved_config(tmp_path)
    store = good.store.model_copy(update={"path": Path("elsewhere.db"), "keep_pages": timedelta(days=1)})
    changed = good.model_copy(update={"store": store, "workers": 7})
    async with a_daemon(tmp_path, Clock(), manager, {"poll": idle}, lambda: changed) as daemon:
        with caplog.at_level(logging.INFO):
            os.kill(os.getpid(), signal.SIGHUP)
            await hears(manager, "RELOADING=1")
            await hears(manager, "READY=1")
        assert daemon.monitor.config is changed
    (record,) = [record for record in caplog.records if record.getMessage() == "reloaded"]
    assert vars(record)["restart_needed_for"] == "store.path,workers"


async def test_the_store_hears_each_minute_that_the_daemon_lives(tmp_path: Path, manager: Manager) -> None:
    """``monitor status`` shows when that was and what was done since the start."""
    clock = Clock()

    async def work(monitor: Monitor) -> Tally:
        return Tally(feeds_polled=2, feeds_failed=["Outlet (url): why"])

    async with a_daemon(tmp_path, clock, manager, {"poll": work}) as daemon:
        await hears(manager, "STATUS=[1-9].*")
        first = daemon.monitor.store.status(datetime.now(UTC))["last_cycle"]
        await hears(manager, "WATCHDOG=1")
        assert daemon.monitor.store.status(datetime.now(UTC))["last_cycle"] == first
        clock.now += 61
        await hears(manager, "WATCHDOG=1")
        await hears(manager, "WATCHDOG=1")
        second = daemon.monitor.store.status(datetime.now(UTC))["last_cycle"]
        assert daemon.monitor.store.status(datetime.now(UTC))["healthy"]
        later = daemon.monitor.store.status(datetime.now(UTC) + timedelta(minutes=11))
    assert any("the daemon was last heard of" in problem for problem in later["problems"])
    assert second["since"] == first["since"]
    assert second["feeds_failed"] * 2 == second["feeds_polled"] > first.get("feeds_polled", 0)


async def test_old_rows_are_dropped_every_night(
    tmp_path: Path, manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    """As long as store.keep_pages and keep_text say; a night that the machine slept through is made up for once."""
    async with a_daemon(tmp_path, Clock(), manager, {"poll": idle}) as daemon:
        scheduler = daemon.schedule()
        scheduler.start(paused=True)
        job = scheduler.get_job("prune")
        assert job.coalesce
        fires = job.trigger.get_next_fire_time(None, datetime(2026, 11, 23, 12, tzinfo=UTC))
        assert fires == datetime(2026, 11, 24, 3, 40, tzinfo=UTC)
        with caplog.at_level(logging.INFO):
            await daemon.prune()
        scheduler.shutdown()
    (record,) = [record for record in caplog.records if record.getMessage() == "pruned"]
    assert vars(record)["pages"] == 0
