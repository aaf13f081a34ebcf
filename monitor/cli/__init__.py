"""The commands: load the config, open the store, call one function, print. Anything worth testing lives below them."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from monitor import __version__
from monitor.errors import MonitorError

# command -> module of this package that holds it; loaded only when it is called, so that `monitor status` starts fast
COMMANDS = {
    "demo": "running",
    "run": "running",
    "once": "running",
    "poll": "running",
    "check-config": "checking",
    "feeds": "feeds",
    "parse": "texts",
    "extract": "texts",
    "analyse": "texts",
    "sentiment": "texts",
    "threads": "texts",
    "explain": "stories",
    "query": "stories",
    "test-topic": "judging",
    "reprocess": "judging",
    "review": "judging",
    "tune": "judging",
    "ui": "ui",
    "status": "upkeep",
    "digest": "digest",
    "alerts": "alerts",
    "backup": "upkeep",
    "prune": "upkeep",
    "check-store": "upkeep",
}


class Program(click.Group):
    """The ``monitor`` command: finds its commands by name, and turns our errors into a message and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command's module and take the command out of it."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        attribute = f"{cmd_name.replace('-', '_')}_command"
        command: click.Command = getattr(importlib.import_module(f"monitor.cli.{module}"), attribute)
        return command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command. Exit codes: 0 ok, 1 failed, 2 usage, 75 another instance, 78 config error."""
        try:
            return super().main(*args, **kwargs)
        except MonitorError as error:
            click.echo(f"monitor: {error}", err=True)
            sys.exit(error.exit_code)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="monitor")
def main() -> None:
    """Watches news feeds for stories on NATO accession talks, says why it flagged them, and mails them once."""
