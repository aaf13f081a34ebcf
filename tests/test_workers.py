"""Workers: a call that hangs, crashes or eats memory fails alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from monitor.errors import ConfigError
from monitor.workers import KillablePool, WorkerFailed, call, open_executor


def double(number: int) -> int:
    return 2 * number


def hang() -> None:
    time.sleep(600)


def crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def eat() -> int:
    return len(bytearray(8 * 1024**3))


def refuse() -> None:
    raise ValueError("no such page")


@pytest.fixture(scope="module")
def pool() -> Iterator[KillablePool]:
    pool = KillablePool(1, call_timeout_s=0.5)
    yield pool
    pool.shutdown(cancel_futures=True)


async def test_a_call_returns_its_value(pool: KillablePool) -> None:
    """The Executor interface, awaited."""
    assert await call(pool, double, 21) == 42


async def test_what_the_function_raises_reaches_the_caller(pool: KillablePool) -> None:
    """An error of the work is not an error of the worker."""
    with pytest.raises(ValueError, match="no such page"):
        await call(pool, refuse)


@pytest.mark.parametrize(
    ("poison", "said"),
    [(hang, "took too long"), (crash, "died"), (eat, "out of memory")],
    ids=["hangs", "crashes", "eats memory"],
)
async def test_a_poison_call_hurts_only_itself(pool: KillablePool, poison, said: str) -> None:  # type: ignore[no-untyped-def]
    """The worker is killed or dies, the reason is said, and the next call works."""
    with pytest.raises(WorkerFailed, match=said):
        await call(pool, poison)
    assert await call(pool, double, 4) == 8


def test_a_wrong_workers_value_is_a_config_error() -> None:
    """The message names the three forms."""
    with pytest.raises(ConfigError, match="neither local, a number, nor dask"):
        open_executor("many", call_timeout_s=1)


def test_what_workers_are_copies_of_has_one_thread_and_everything_loaded() -> None:
    """A thread would be lost in the copy, with whatever lock it holds; a story needs nothing more from disk."""
    script = (
        "import os, monitor.preload, monitor.analyse.language as language, monitor.extract.likelihood as net\n"
        "print(len(os.listdir('/proc/self/task')), language._identifier.cache_info().currsize, net.shipped.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1", "1"]
