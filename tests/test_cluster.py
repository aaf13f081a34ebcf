"""`workers: dask://`: the read stage on a real Dask cluster on loopback, one of whose workers is killed in mid-run."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.config import Config
from monitor.demo.newsroom import Newsroom, serve
from monitor.demo.show import config_for
from monitor.errors import ConfigError
from monitor.fetch import Fetcher
from monitor.pipeline import Monitor, poll_feeds, read_all
from monitor.store import Store
from monitor.workers import open_executor

pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class Cluster:
    address: str  # host:port of the scheduler
    workers: list[subprocess.Popen[bytes]]


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """A dask command of our environment, silent, in a session of its own so that all of it can be ended."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True,
    )  # fmt: skip


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A scheduler and two workers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    options = ("--no-dashboard",)
    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", str(port), *options)
    workers = [
        start("worker", f"tcp://{address}", "--nthreads", "1", "--no-nanny", "--host", "127.0.0.1", *options)
        for _ in range(2)
    ]
    try:
        yield Cluster(address, workers)
    finally:
        for process in [*workers, scheduler]:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def test_nothing_is_lost_or_doubled_when_a_worker_dies(cluster: Cluster, tmp_path: Path) -> None:
    """All stories of the newsroom are stored once, those of the dead worker by the other one."""
    room = Newsroom(NOW)
    room.edition = 2
    with serve(room):
        config: Config = config_for(room, tmp_path)
        executor = await asyncio.to_thread(connect, cluster.address)
        try:
            with Store.open(config.store.path, exclusive=True) as store:
                async with Fetcher(config.fetch) as fetcher:
                    monitor = Monitor.open(config, store, fetcher, executor, lambda: NOW + timedelta(minutes=1))
                    done: list[int] = []
                    monitor.progress = lambda stage, count, _total: kill_one(cluster, done) if stage == "read" else None
                    await poll_feeds(monitor, all_feeds=True)
                    tally = await read_all(monitor)
                    rows = store.search("", limit=100)
                    pending = store.count_pending()
        finally:
            await asyncio.to_thread(executor.shutdown, cancel_futures=True)
    assert cluster.workers[0].poll() is not None, "the worker was killed"
    assert tally.stories_stored == len(rows) == len({row["url"] for row in rows}) == len(room.content["stories"])
    assert pending == 0


def connect(address: str):  # type: ignore[no-untyped-def]
    """The executor, once both workers have joined."""
    executor = open_executor(f"dask://{address}", call_timeout_s=20)
    executor._client.wait_for_workers(2, timeout=60)  # type: ignore[attr-defined]
    return executor


def kill_one(cluster: Cluster, done: list[int]) -> None:
    """After the third story: the first worker is gone at once."""
    done.append(1)
    if len(done) == 3:
        os.killpg(cluster.workers[0].pid, signal.SIGKILL)
        cluster.workers[0].wait()


def test_a_scheduler_that_is_not_there_is_a_config_error() -> None:
    """With the address, within seconds."""
    started = time.monotonic()
    with pytest.raises(ConfigError, match=re.escape("no Dask scheduler answers at 127.0.0.1:1")):
        open_executor("dask://127.0.0.1:1", call_timeout_s=1)
    assert time.monotonic() - started < 30
