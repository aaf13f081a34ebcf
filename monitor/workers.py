"""Runs pure functions in other processes, behind the standard ``concurrent.futures.Executor`` interface.

The local pool kills a worker that takes too long or needs too much memory, so that a poison page can hang or crash
only its worker. Knows no news: what is run is the caller's business.
"""

from __future__ import annotations

import asyncio
import fcntl
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any, ParamSpec, TypeVar

import pebble

from monitor.errors import ConfigError, MonitorError

P = ParamSpec("P")
T = TypeVar("T")

MEMORY_LIMIT = 3 * 1024**3  # bytes of address space a worker may take; a normal one needs a fifth of it at most
QUEUE_FACTOR = 20  # a cluster's deadline for a call, in call time limits: it counts the wait for a free worker too
TASKS_PER_WORKER = 2000  # then it is replaced: parsers and caches grow


class WorkerFailed(MonitorError):
    """A worker hung, crashed or ran out of memory; the message says which. The work can be tried again."""


class KillablePool(Executor):
    """A pool of worker processes in which every call has a time limit that kills its worker.

    A killed or crashed worker fails only the call it worked on, with ``WorkerFailed``; the pool replaces it.
    """

    def __init__(self, workers: int, *, call_timeout_s: float, preload: tuple[str, ...] = ()) -> None:
        # forkserver: workers start from a small process without our threads and sockets, the heavy imports done once
        context: Any = multiprocessing.get_context("forkserver")
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's threads only get into the way of one another
        context.set_forkserver_preload([*preload])
        self._timeout_s = call_timeout_s
        self._starting = asyncio.Lock()
        self._started = False
        self._pool = pebble.ProcessPool(
            max_workers=workers, max_tasks=TASKS_PER_WORKER, context=context, initializer=_limit_worker
        )

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run ``fn`` in a worker. The future fails with ``TimeoutError`` or ``pebble.ProcessExpired``."""
        future: Future[T] = self._pool.schedule(fn, args=args, kwargs=kwargs, timeout=self._timeout_s)
        return future

    async def start(self) -> None:
        """Start the workers, if they are not, beside the loop: the fork server loads for a second what they need."""
        async with self._starting:
            if not self._started:
                await asyncio.to_thread(lambda: self._pool.active)  # pebble starts its processes when first asked
                self._started = True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Stop the workers: after the work that is queued, or at once with ``cancel_futures``."""
        if cancel_futures:
            self._pool.stop()
        else:
            self._pool.close()
        if wait or cancel_futures:
            self._pool.join()


def open_executor(workers: str | int, *, call_timeout_s: float, preload: tuple[str, ...] = ()) -> Executor:
    """The executor that ``workers:`` in config.yaml names.

    Args:
        workers: ``"local"`` (one worker a core), a number of workers, or ``dask://host:port`` (extra ``[cluster]``).
        call_timeout_s: seconds after which a call is given up.
        preload: modules that a local worker should have imported when it starts.

    Raises:
        ConfigError: the value means nothing, or the extra is not installed.
    """
    if isinstance(workers, str) and workers.startswith("dask://"):
        return _cluster(workers.removeprefix("dask://"), call_timeout_s)
    if isinstance(workers, int) or workers == "local" or workers.isdigit():
        count = int(workers) if workers != "local" else len(os.sched_getaffinity(0))
        return KillablePool(max(1, count), call_timeout_s=call_timeout_s, preload=preload)
    raise ConfigError([f"workers: {workers!r} is neither local, a number, nor dask://host:port"])


async def call(executor: Executor, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``fn`` on ``executor`` and wait for it without blocking the loop.

    Raises:
        WorkerFailed: the worker hung, crashed, or ran out of memory.
        Exception: whatever ``fn`` raised.
    """
    try:
        if isinstance(executor, KillablePool):
            await executor.start()
        async with asyncio.timeout(getattr(executor, "deadline_s", None)):
            return await asyncio.wrap_future(executor.submit(fn, *args, **kwargs))
    except TimeoutError as error:  # concurrent.futures.TimeoutError is the same class since Python 3.11
        raise WorkerFailed("the worker took too long and was killed") from error
    except BrokenExecutor as error:
        raise WorkerFailed(f"no worker can be started ({error or 'the fork server died'})") from error
    except pebble.ProcessExpired as error:
        raise WorkerFailed(f"the worker died (exit code {error.exitcode})") from error
    except MemoryError as error:
        raise WorkerFailed("the worker ran out of memory") from error
    except Exception as error:
        if type(error).__module__.startswith("distributed"):  # KilledWorker, CommClosedError, ...
            raise WorkerFailed(f"the cluster lost the work: {error}") from error
        raise


def _limit_worker() -> None:
    """Runs in each new worker: a memory cap; the terminal's Ctrl-C is the main process's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_the_main_process()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY_LIMIT if hard == resource.RLIM_INFINITY else min(MEMORY_LIMIT, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _end_with_the_main_process() -> None:
    """Let the kernel end this worker when the main process is gone, even by kill -9, and even in the midst of a page.

    multiprocessing's sentinel is a pipe whose other end only the main process holds; SIGIO, which comes when that
    closes, ends a process by default. (A thread that waits for it would not run beside a regular expression that
    hangs; PR_SET_PDEATHSIG would tell of the fork server, which lives as long as its workers.)
    """
    main = multiprocessing.parent_process()
    if main is None:
        return
    fcntl.fcntl(main.sentinel, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(main.sentinel, fcntl.F_SETFL, fcntl.fcntl(main.sentinel, fcntl.F_GETFL) | os.O_ASYNC)
    if not main.is_alive():  # it went before we listened
        os._exit(1)


class Cluster(Executor):
    """A Dask cluster behind the Executor interface. It moves work of a lost worker to another one by itself.

    It cannot kill a call that hangs; ``call`` gives such a call up after ``deadline_s``, queueing included.
    """

    def __init__(self, address: str, *, deadline_s: float) -> None:
        from distributed import Client

        self.deadline_s = deadline_s
        self._client: Any = Client(f"tcp://{address}", set_as_default=False, timeout=10)
        self._executor: Executor = self._client.get_executor(pure=False)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run ``fn`` somewhere in the cluster."""
        return self._executor.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster; what runs there is forgotten."""
        self._executor.shutdown(wait=wait and not cancel_futures)
        self._client.close()


def _cluster(address: str, call_timeout_s: float) -> Executor:
    try:
        return Cluster(address, deadline_s=QUEUE_FACTOR * call_timeout_s)
    except ImportError as error:
        raise ConfigError(["workers: dask:// needs the extra: pip install 'accession-monitor[cluster]'"]) from error
    except OSError as error:
        raise ConfigError([f"workers: no Dask scheduler answers at {address} ({error})"]) from error
