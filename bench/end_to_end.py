"""The read stage from page to story, beside a plain loop: python bench/end_to_end.py ../shared/data/pages [--repeat N]

Serves real pages on loopback. One program is our pipeline (fetch, extract, analyse, store, all workers); the other a
loop of urllib, trafilatura.extract with its defaults, and an SQLite insert. Prints stories per CPU second (of all
processes) and per second, how late the main loop was while it was busy, and the ratio: of the whole runs, and of each
further story (whole runs less a run over one page), since the daemon starts once. Our store is made before, as by a
first run; the loop's one table is not worth that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cost import Cost, run
from real_input import served

from monitor.store import Store

PLAIN = """
import sqlite3, sys, urllib.request
import trafilatura
db = sqlite3.connect(sys.argv[1])
db.execute("create table stories (url text primary key, text text)")
for url in open(sys.argv[2]).read().split():
    body = urllib.request.urlopen(url).read()
    with db:
        db.execute("insert into stories values (?, ?)", (url, trafilatura.extract(body, url=url)))
print(db.execute("select count(*) from stories").fetchone()[0], "stories")
"""


def main() -> None:
    """Serve, run both, print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pages", type=Path)
    parser.add_argument("--pages", dest="count", type=int, default=752)
    parser.add_argument("--repeat", type=int, default=1, help="runs; their medians are printed at the end")
    parser.add_argument("--ours", nargs=2, help=argparse.SUPPRESS)  # the process that is measured
    options = parser.parse_args()
    if options.ours:
        asyncio.run(ours(*options.ours))
        return
    with served(options.pages.parent) as base:
        ratios = [compare(base, options.pages, options.count) for _ in range(options.repeat)]
    if options.repeat > 1:
        whole, further = (statistics.median(column) for column in zip(*ratios, strict=True))
        print(f"medians of {options.repeat} runs: {whole:.2f} times the plain loop's, each further story {further:.2f}")


def compare(base: str, pages: Path, count: int) -> tuple[float, float]:
    """Run both and print what they took; how many times the loop's stories a CPU second: whole run, further story."""
    with tempfile.TemporaryDirectory(prefix="monitor-e2e-") as name:
        plain_one, mine_one = both(Path(name) / "one", base, pages, 1)
        plain, mine = both(Path(name) / "all", base, pages, count)
    show("plain loop", plain, count)
    show("monitor", mine, count)
    whole = plain.cpu_s / mine.cpu_s
    further = (plain.cpu_s - plain_one.cpu_s) / (mine.cpu_s - mine_one.cpu_s)
    print(
        f"stories per CPU second: {whole:.2f} times the plain loop's; each further story: {further:.2f} "
        f"(starting and one story: {mine_one.cpu_s:.1f} s, plain {plain_one.cpu_s:.1f} s)"
    )
    return whole, further


def both(folder: Path, base: str, pages: Path, count: int) -> tuple[Cost, Cost]:
    """What the plain loop and our pipeline take for so many pages."""
    folder.mkdir(parents=True)
    (folder / "urls").write_text("\n".join(f"{base}/page/{number}" for number in range(count)))
    (folder / "plain.py").write_text(PLAIN)
    Store.open(folder / "ours.db").close()
    plain = run([sys.executable, str(folder / "plain.py"), str(folder / "plain.db"), str(folder / "urls")])
    return plain, run([sys.executable, __file__, str(pages), "--ours", str(folder), str(folder / "urls")])


def show(name: str, cost: Cost, count: int) -> None:
    """One row."""
    print(
        f"{name:11} {count / cost.cpu_s:6.1f} stories/CPU s  {count / cost.wall_s:6.1f} stories/s  "
        f"{cost.peak_mb:5.0f} MB  {cost.said.strip().splitlines()[-1]}"
    )


async def ours(folder: str, urls: str) -> None:
    """Our read stage over the pages, with a clock that says how late the loop is."""
    from monitor import logs
    from monitor.cli.common import open_monitor
    from monitor.config import Config
    from monitor.model import Entry, PollOutcome, PollPlan, PollStatus
    from monitor.pipeline import read_all
    from monitor.settings import DEFAULT_TOPICS, AlertSettings, FeedSettings, FetchSettings, StoreSettings

    logs.set_up({"LOG_LEVEL": "ERROR"})
    links = Path(urls).read_text().split()
    host = links[0].split("/")[2]
    config = Config(
        store=StoreSettings(path=Path(folder) / "ours.db"),
        fetch=FetchSettings(allow_private=(host,), per_host=50, per_host_delay=timedelta(0), obey_robots=False),
        feeds=(FeedSettings(url=f"http://{host}/feed", outlet="pages"),),
        topics=DEFAULT_TOPICS,
        alerts=AlertSettings(mailbox=Path(folder) / "mail"),
        path=Path(folder) / "config.yaml",
    )
    async with open_monitor(config) as monitor:
        now = datetime.now(UTC)
        (feed,) = monitor.store.active_feeds()
        entries = tuple(
            Entry(guid=link, link=link, title=f"Page {n}", summary="", key=link, published_at=now)
            for n, link in enumerate(links)
        )
        plan = PollPlan(now + timedelta(hours=1), "bench", 3600)
        monitor.store.record_poll(PollOutcome(feed.id, now, PollStatus.OK, plan, entries=entries))
        late: list[float] = []
        ticker = asyncio.create_task(tick(late))
        tally = await read_all(monitor)
        ticker.cancel()
    late.sort()
    facts = {
        "stories": tally.stories_stored,
        "loop_late_p50_ms": late[len(late) // 2],
        "p99_ms": late[int(len(late) * 0.99)],
    }
    print(json.dumps({name: round(value, 1) for name, value in facts.items()}))


async def tick(late: list[float]) -> None:
    """How many milliseconds later than asked the loop came round, fifty times a second."""
    while True:
        asked = time.monotonic() + 0.02
        await asyncio.sleep(0.02)
        late.append((time.monotonic() - asked) * 1000)


if __name__ == "__main__":
    main()
