"""Kills the monitor at random moments of a run over the sample newsroom, restarts it, and says what is left.

Usage: python crash_lab.py FOLDER KILLS SEED -> one JSON object on standard output. A program of its own, since it forks:
everything is imported once, and each run is a forked child that can be killed and started again at no cost.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from monitor import logs, work
from monitor.config import Config
from monitor.demo.newsroom import Newsroom, open_now, serve
from monitor.demo.show import config_for
from monitor.fetch import Fetcher
from monitor.pipeline import Monitor, cycle
from monitor.store import Store


def main(folder: Path, kills: int, seed: int) -> None:
    """Rounds over copies of one prepared store until ``kills`` runs have been killed; then the report."""
    chance = random.Random(seed)
    logs.set_up({"LOG_LEVEL": "CRITICAL"})
    room, server = open_newsroom()
    try:
        report = experiment(folder, kills, chance, room, lambda: os.kill(server, signal.SIGUSR1))
    finally:
        os.kill(server, signal.SIGKILL)
    print(json.dumps(report))


def experiment(
    folder: Path, kills: int, chance: random.Random, room: Newsroom, publish: Callable[[], None]
) -> dict[str, object]:
    """Prepare a store, measure a quiet run, then kill and restart."""
    config = config_for(room, folder / "start")
    work.warm_up(work.AnalysisSettings(topics=config.topics).model_dump_json())
    complete(config)  # the first look, which mails nothing
    publish()
    rounds, killed = [], 0
    reference = config_for(room, folder / "reference")
    copy_store(config, reference)
    took_s = complete(reference)
    while killed < kills:
        here = config_for(room, folder / f"round-{len(rounds)}")
        copy_store(config, here)
        while killed < kills and kill_after(here, chance.uniform(0, took_s)):
            killed += 1
        complete(here)
        rounds.append(result(here))
    return {"killed": killed, "took_s": took_s, "reference": result(reference), "rounds": rounds}


def open_newsroom() -> tuple[Newsroom, int]:
    """A newsroom served by a process of its own, and that process; SIGUSR1 makes it publish its second edition."""
    reader, writer = os.pipe()
    server = os.fork()
    if server == 0:
        room = open_now()
        signal.signal(signal.SIGUSR1, lambda *_: setattr(room, "edition", 2))
        with serve(room):
            os.write(writer, room.base.encode() + b"\n")
            threading.Event().wait()
    os.close(writer)
    room = open_now()
    room.base = os.fdopen(reader).readline().strip()
    return room, server


def complete(config: Config) -> float:
    """One run to its end; how long it took, in seconds."""
    started = time.monotonic()
    child = start(config)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(f"a run that nobody killed ended with status {status}")
    return time.monotonic() - started


def kill_after(config: Config, seconds: float) -> bool:
    """Start a run and kill it after ``seconds``. False when it was done before."""
    child = start(config)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def start(config: Config) -> int:
    """A child that runs one full cycle; its process id."""
    child = os.fork()
    if child:
        return child
    try:
        asyncio.run(one_cycle(config))
    except BaseException as error:  # noqa: BLE001 - said, and the child ends here whatever it was
        print(repr(error), file=sys.stderr)
        os._exit(1)
    os._exit(0)


async def one_cycle(config: Config) -> None:
    """What ``monitor once --all`` does, with threads in place of worker processes."""
    config.store.path.parent.mkdir(parents=True, exist_ok=True)
    with Store.open(config.store.path, exclusive=True) as store, ThreadPoolExecutor(2) as executor:
        async with Fetcher(config.fetch) as fetcher:
            await cycle(Monitor.open(config, store, fetcher, executor, lambda: datetime.now(UTC)), all_feeds=True)


def copy_store(source: Config, target: Config) -> None:
    """The prepared store for another round; its last writer has ended, so the files are whole."""
    target.store.path.parent.mkdir(parents=True)
    for path in source.store.path.parent.glob("monitor.db*"):
        shutil.copy(path, target.store.path.parent / path.name)


def result(config: Config) -> dict[str, object]:
    """What is in the store and in the mailbox."""
    with Store.open(config.store.path, write=False) as store:
        stories = [row["url"].rpartition("/")[2] for row in store.search("", limit=1000)]
        deliveries = [delivery for alert in store.list_alerts(1000) for delivery in alert["deliveries"]]
        pending = store.count_pending()
    mails = sorted(path for path in (config.alerts.mailbox / "new").glob("*"))
    ids = [
        line
        for mail in mails
        for line in mail.read_text(errors="replace").splitlines()
        if line.startswith("Message-ID")
    ]
    return {
        "stories": sorted(stories),
        "pending": pending,
        "states": sorted(row["state"] for row in deliveries),
        "mails": len(mails),
        "message_ids": len(set(ids)),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
