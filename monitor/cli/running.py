"""Commands that do the main job: run, once, poll, demo."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import config_option, load_config, open_monitor

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.pipeline import Progress, Tally


@click.command("run")
@config_option
def run_command(config_path: Path | None) -> None:
    """The daemon: polls, reads and tells until it is stopped. SIGHUP reloads the config."""
    from monitor import logs, work, workers
    from monitor.daemon import Daemon

    logs.set_up()
    config = load_config(config_path)

    async def main() -> None:
        async with open_monitor(config) as monitor:
            # what cannot be loaded is said now, not at the first story
            warm = await workers.call(monitor.executor, work.warm_up, monitor.analysis)
            logging.getLogger(__name__).info("warm", extra={"ruleset": warm.ruleset, "scorer": warm.scorer})
            await Daemon(monitor, reload_config=lambda: load_config(config_path)).run()

    asyncio.run(main())


@click.command("once")
@config_option
@click.option("--all", "all_feeds", is_flag=True, help="Ask all feeds, not only those that are due.")
def once_command(config_path: Path | None, all_feeds: bool) -> None:
    """One full cycle, then a summary; for cron. Failed feeds are named and do not fail the cycle."""
    from monitor import logs, pipeline

    logs.set_up(level="ERROR")
    tally = _with_monitor(load_config(config_path), lambda m: pipeline.cycle(m, all_feeds=all_feeds))
    print_summary(tally)


@click.command("poll")
@config_option
@click.option("--all", "all_feeds", is_flag=True, help="Ask all feeds, not only those that are due.")
def poll_command(config_path: Path | None, all_feeds: bool) -> None:
    """Only the poll: due feeds asked once, new entries stored as pending."""
    from monitor import logs, pipeline

    logs.set_up(level="ERROR")
    tally = _with_monitor(load_config(config_path), lambda m: pipeline.poll_feeds(m, all_feeds=all_feeds))
    print_summary(tally, poll_only=True)


@click.command("demo")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep store and mails in this folder.")
def demo_command(keep: Path | None) -> None:
    """The whole job on a built-in sample newsroom on loopback: needs no network and no config."""
    from monitor import logs
    from monitor.demo import show

    logs.set_up(level="CRITICAL")
    show.run(keep)


def print_summary(tally: Tally, *, poll_only: bool = False) -> None:
    """What a cycle did, in lines for a person; each failed feed by name."""
    failed = tally.feeds_failed
    click.echo(f"feeds    {tally.feeds_polled} polled, {tally.feeds_unchanged} unchanged, {len(failed)} failed")
    for line in failed:
        click.echo(f"         failed: {line}")
    click.echo(f"entries  {tally.entries_new} new")
    if poll_only:
        return
    for number, what in [
        (tally.entries_put_off, "put off, tried again later"),
        (tally.entries_skipped, "without text"),
    ]:
        if number:
            click.echo(f"         {number} {what}")
    click.echo(f"stories  {tally.stories_stored} stored, {tally.stories_flagged} flagged")
    if tally.stories_watched:
        click.echo(f"         {tally.stories_watched} looked at again, {tally.stories_changed} changed")
    if tally.replies_read:
        click.echo(f"replies  {tally.replies_read} read, {tally.reviews_added} of them reviews")
    click.echo(f"alerts   {tally.alerts_sent} sent")
    for number, what in [
        (tally.digests_sent, "digests sent"),
        (tally.alerts_held, "held, sent after the quiet hours"),
        (tally.alerts_put_off, "put off, sent later"),
        (tally.alerts_failed, "refused by the server"),
    ]:
        if number:
            click.echo(f"         {number} {what}")


def _with_monitor(config: Config, do) -> Tally:  # type: ignore[no-untyped-def]
    async def main() -> Tally:
        async with open_monitor(config) as monitor:
            with progress_bar() as progress:
                monitor.progress = progress
                result: Tally = await do(monitor)
                return result

    return asyncio.run(main())


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar a stage on standard error while that is a terminal; nothing otherwise."""
    if not sys.stderr.isatty():
        yield lambda _stage, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:5}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage)
            bars.update(tasks[stage], completed=done, total=total)

        yield show
