"""What handing a page to a worker costs: python bench/executors.py [dask://host:port]

Sends a call with a page of 100 kB back and forth 500 times, 16 at a time, through the local pool and, where an address
is given, through a Dask cluster; prints wall and CPU milliseconds of the coordinator for each call.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from concurrent.futures import Executor, Future

from monitor.workers import open_executor

CALLS, AT_ONCE = 500, 16
PAGE = b"x" * 100_000


def length(page: bytes) -> int:
    """The work: next to nothing."""
    return len(page)


def measure(name: str, executor: Executor) -> None:
    """Print one row."""
    executor.submit(length, PAGE).result()
    wall, cpu = time.monotonic(), time.process_time()
    waiting: deque[Future[int]] = deque()
    for _ in range(CALLS):
        waiting.append(executor.submit(length, PAGE))
        if len(waiting) >= AT_ONCE:
            waiting.popleft().result()
    while waiting:
        waiting.popleft().result()
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    print(f"{name:28} {wall / CALLS * 1000:8.2f} {cpu / CALLS * 1000:8.2f}")
    executor.shutdown(cancel_futures=True)


if __name__ == "__main__":
    print(f"{'executor':28} {'wall ms':>8} {'CPU ms':>8}")
    for workers in ("local", *sys.argv[1:]):
        measure(workers, open_executor(workers, call_timeout_s=30))
