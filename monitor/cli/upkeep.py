"""Commands for the operator: status, backup, prune, check-store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from monitor.cli.common import config_option, json_option, light_config, now, open_store, print_json

FEEDS_SHOWN = 10


@click.command("status")
@config_option
@json_option
def status_command(config_path: Path | None, as_json: bool) -> None:
    """How the monitor is: feeds, queue, outbox, last cycle. Exit 1 when something needs a person."""
    with open_store(light_config(config_path)) as store:
        status = store.status(now())
    if as_json:
        print_json(status)
    else:
        _print_status(status)
    if not status["healthy"]:
        raise SystemExit(1)


@click.command("backup")
@config_option
@click.argument("dest", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--overwrite", is_flag=True)
def backup_command(config_path: Path | None, dest: Path, overwrite: bool) -> None:
    """Copy the store to DEST while it is in use."""
    with open_store(light_config(config_path)) as store:
        store.backup(dest, overwrite=overwrite)
    click.echo(f"{dest}: {dest.stat().st_size / 1e6:.1f} MB")


@click.command("prune")
@config_option
def prune_command(config_path: Path | None) -> None:
    """Drop what store.keep_pages and store.keep_text no longer want, as the daemon does each night; beside it, too."""
    config = light_config(config_path)
    with open_store(config):
        pass  # it is there, and of this version; opening it to write would make or change it
    with open_store(config, write=True) as store:
        dropped = store.prune(now(), keep_pages=config.store.keep_pages, keep_text=config.store.keep_text)
    click.echo(", ".join(f"{what} {count}" for what, count in dropped.items()))


@click.command("check-store")
@config_option
def check_store_command(config_path: Path | None) -> None:
    """Read the whole store: is the file sound, do its references and its full-text index hold? Exit 1 where not."""
    config = light_config(config_path)
    with open_store(config):
        pass  # as for prune
    with open_store(config, write=True) as store:
        problems = store.check()
    for problem in problems:
        click.echo(problem)
    if problems:
        click.echo(f"{len(problems)} problems; restore a backup (docs/operating.md)", err=True)
        raise SystemExit(1)
    click.echo(f"{config.store.path}: sound")


def _print_status(status: dict[str, Any]) -> None:
    for section in ("feeds", "queue", "outbox", "replies", "last_cycle", "store"):
        values = status[section]
        if isinstance(values, dict):
            line = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in values.items() if value is not None)
        else:
            line = str(values or "none yet")
        click.echo(f"{section.replace('_', ' '):11} {line}")
    blind = [f"blind       {_named(feed)} since {feed['since']}: {feed['error']}" for feed in status["blind"]]
    silent = [f"silent      {_named(feed)}: nothing new since {feed['newest_entry_at']}" for feed in status["silent"]]
    for lines in (blind, silent):
        for line in lines[:FEEDS_SHOWN]:
            click.echo(line)
        if len(lines) > FEEDS_SHOWN:
            click.echo(f"            and {len(lines) - FEEDS_SHOWN} more; `monitor status --json` names them")
    for problem in status["problems"]:
        click.echo(f"problem     {problem}")
    if status["healthy"]:
        click.echo("healthy")


def _named(feed: dict[str, Any]) -> str:
    """Outlet and address; the address once, where the feed's error says it too."""
    return str(feed["outlet"]) if feed["url"] in (feed.get("error") or "") else f"{feed['outlet']} ({feed['url']})"
