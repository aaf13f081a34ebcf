"""``monitor demo``: the real pipeline over the sample newsroom, and what came of it."""

from __future__ import annotations

import asyncio
import json
import mailbox
import shutil
import sys
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click

from monitor.cli.common import open_monitor, open_store, print_table
from monitor.cli.running import print_summary
from monitor.config import Config
from monitor.demo.newsroom import Newsroom, open_now, serve
from monitor.pipeline import Tally, cycle
from monitor.settings import DEFAULT_TOPICS, AlertSettings, FetchSettings, StoreSettings


@dataclass(frozen=True)
class Shown:
    """What the demo left behind."""

    config: Config
    backlog: Tally
    news: Tally


def run(keep: Path | None) -> None:
    """Do the whole job in ``keep`` (emptied first), or in a temporary folder that is left for a look."""
    folder = keep or Path(tempfile.mkdtemp(prefix="monitor-demo-"))
    clear(folder)
    click.echo("A sample newsroom opens on loopback: 11 feeds in 6 languages, two of them broken, one dead.")
    with serve(open_now()) as room:
        shown = play(room, folder)
    click.echo("\nFirst look: the backlog is stored, and nothing is mailed.")
    print_summary(shown.backlog)
    click.echo("\nThen news comes in.")
    print_summary(shown.news)
    _print_stories(shown.config)
    _print_whereabouts(shown.config, folder)


def play(room: Newsroom, folder: Path) -> Shown:
    """Two cycles of the real pipeline over a served newsroom: the backlog first, then the news."""
    config = config_for(room, folder)

    async def both() -> tuple[Tally, Tally]:
        async with open_monitor(config) as monitor:
            room.edition = 1
            backlog = await cycle(monitor, all_feeds=True)
            room.edition = 2
            return backlog, await cycle(monitor, all_feeds=True)

    backlog, news = asyncio.run(both())
    return Shown(config, backlog, news)


def config_for(room: Newsroom, folder: Path) -> Config:
    """The config that watches the newsroom and keeps everything in ``folder``."""
    host = room.base.removeprefix("http://")
    return Config(
        store=StoreSettings(path=folder / "monitor.db"),
        fetch=FetchSettings(allow_private=(host,), per_host=20, per_host_delay=timedelta(0)),
        feeds=room.feeds(),
        topics=DEFAULT_TOPICS,
        alerts=AlertSettings(mailbox=folder / "mail"),
        path=folder / "config.yaml",
    )


def write_config(config: Config, folder: Path) -> Path:
    """A config file that opens the demo's store, for the commands to try next."""
    file = folder / "config.yaml"
    file.write_text(
        f"# written by `monitor demo`, for a look at its store\n"
        f"store: {{path: {json.dumps(str(config.store.path.resolve()))}}}\n"
        f"alerts: {{mailbox: {json.dumps(str(config.alerts.mailbox.resolve()))}}}\n"
        f"topics: {json.dumps([topic.model_dump() for topic in config.topics])}\n"
        f"feeds: {json.dumps([feed.model_dump() for feed in config.feeds], ensure_ascii=False)}\n",
        encoding="utf-8",
    )
    return file


def clear(folder: Path) -> None:
    """Take away what an earlier demo left in ``folder``, and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("monitor.db*"):
        old.unlink()
    shutil.rmtree(folder / "mail", ignore_errors=True)


def _print_stories(config: Config) -> None:
    with open_store(config) as store:
        rows = [story for row in store.search("", limit=100) if (story := store.story(row["id"]))]
    table = []
    for story in sorted(rows, key=lambda story: -max([flag.score for flag in story.analysis.flags], default=0)):
        flag = max(story.analysis.flags, key=lambda flag: flag.score, default=None)
        why = flag.evidence[0].sentence if flag and flag.flagged and flag.evidence else ""
        verdict = "FLAGGED" if flag and flag.flagged else ""
        table.append((story.id, f"{flag.score:.2f}" if flag else "", verdict, story.outlet, story.title, _cut(why)))
    print_table(["id", "score", "", "outlet", "title", "because"], table, title="\nStories, and why they were flagged")


def _cut(sentence: str, limit: int = 110) -> str:
    return sentence if len(sentence) <= limit else sentence[: limit - 1] + "…"


def _print_whereabouts(config: Config, folder: Path) -> None:
    mails = len(mailbox.Maildir(config.alerts.mailbox, create=False)) if config.alerts.mailbox.exists() else 0
    settings = write_config(config, folder)
    click.echo(f"store  {config.store.path} (SQLite)\nmails  {config.alerts.mailbox} (Maildir, {mails} mails)\n")
    program = sys.argv[0] if sys.argv[0].endswith("monitor") else "monitor"
    with open_store(config) as store:
        story = next((row["id"] for row in store.search("toxic", outlet="Harbour Courier")), 1)
        alert = next((row["id"] for row in store.list_alerts() if "toxic" in row["title"]), 1)
    click.echo("Try next:")
    for command in (f"explain {story}", f"alerts show {alert}", "query toxic", "alerts list"):
        click.echo(f"  {program} {command} -c {settings}")
    click.echo(f"  sqlite3 {config.store.path} 'select * from v_flagged'   (if sqlite3 is installed)")
