"""What several commands share: the config option, opening things in the right order, printing."""

from __future__ import annotations

import json
import os
import queue
import re
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

from monitor.errors import DeliveryError

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.pipeline import Monitor
    from monitor.settings import AlertSettings
    from monitor.store import Store

IDLE_S = 0.2  # without a new line on standard input: what is there is answered
# what a worker needs sooner or later, imported once by the process that workers are forked from
PRELOAD = ("monitor.preload",)

F = TypeVar("F", bound=Callable[..., Any])


def config_option(command: F) -> F:
    """The ``-c/--config`` option that every command takes."""
    return click.option(
        "-c",
        "--config",
        "config_path",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="MONITOR_CONFIG",
        help="The config file.  [default: ./config.yaml, then /etc/monitor/config.yaml]",
    )(command)


def json_option(command: F) -> F:
    """``--json``: the same as one JSON document."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def now() -> datetime:
    """The time, in UTC. Only commands ask for it; everything below them is handed it."""
    return datetime.now(UTC)


def load_config(path: Path | None) -> Config:
    """The checked config, topic queries included. Raises ConfigError."""
    from monitor.config import load
    from monitor.flag import check_topic

    return load(path, check_topic)


def light_config(path: Path | None) -> Config:
    """The config without compiling the topics: enough for commands that only read the store, and faster."""
    from monitor.config import load

    return load(path, None, secrets=False)


@contextmanager
def open_store(config: Config, *, write: bool = False) -> Iterator[Store]:
    """The store, closed at the end. ``write`` is for small changes beside a running daemon."""
    from monitor.store import Store

    with Store.open(config.store.path, write=write) as store:
        yield store


@asynccontextmanager
async def open_monitor(config: Config) -> AsyncIterator[Monitor]:
    """Everything the stages need, the store held exclusively and its feeds as in the config; closed in reverse order.

    Raises:
        StoreLocked: another instance holds the store.
    """
    from monitor import pipeline, workers
    from monitor.fetch import Fetcher
    from monitor.store import Store

    with Store.open(config.store.path, exclusive=True) as store:
        executor = workers.open_executor(
            config.workers, call_timeout_s=config.read.page_timeout.total_seconds(), preload=PRELOAD
        )
        fetcher = Fetcher(config.fetch)
        try:
            yield pipeline.Monitor.open(config, store, fetcher, executor, now)
        finally:
            await fetcher.aclose()
            executor.shutdown(wait=False, cancel_futures=True)


def moment(text: str | None) -> datetime | None:
    """``2026-11-01``, an ISO time, or an age like ``24h`` -> the moment, in UTC."""
    if text is None:
        return None
    from monitor.settings import parse_duration

    if re.fullmatch(r"(\d+(\.\d+)?\s*[smhdw]\s*)+", text):
        age: timedelta = parse_duration(text)
        return now() - age
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is neither a date like 2026-11-01 nor an age like 24h or 7d") from error
    return moment.replace(tzinfo=now().tzinfo) if moment.tzinfo is None else moment


@dataclass(frozen=True)
class Row:
    """One line of a JSON-lines file."""

    number: int  # from 1
    value: dict[str, Any]
    problem: str | None = None  # why the line is no JSON object

    @property
    def id(self) -> Any:
        """The row's own id, else the number of its line."""
        return self.value.get("id", self.number)


def read_rows(source: str) -> Iterator[Row]:
    """The lines of a JSON-lines file (``-``: standard input); one that is no JSON object comes with its problem."""
    with _opened(source) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield Row(number, {}, f"line {number}: no JSON ({error})")
                continue
            if isinstance(value, dict):
                yield Row(number, value)
            else:
                yield Row(number, {}, f"line {number}: not a JSON object")


def in_groups(rows: Iterable[Row], most: int) -> Iterator[list[Row]]:
    """The rows in groups of ``most``; of fewer when they come no faster than that.

    A program that writes a line and waits for its answer before the next one gets it after IDLE_S.
    """
    coming: queue.Queue[Row | BaseException | None] = queue.Queue(maxsize=4 * most)
    threading.Thread(target=_read_ahead, args=(rows, coming), daemon=True).start()
    group: list[Row] = []
    while True:
        try:
            row = coming.get(timeout=IDLE_S if group else None)
        except queue.Empty:
            yield group
            group = []
            continue
        if isinstance(row, BaseException):
            raise row
        if row is not None:
            group.append(row)
        if group and (row is None or len(group) == most):
            yield group
            group = []
        if row is None:
            return


def _read_ahead(rows: Iterable[Row], coming: queue.Queue[Row | BaseException | None]) -> None:
    try:
        for row in rows:
            coming.put(row)
    except BaseException as error:  # noqa: BLE001 - raised again by whoever takes it
        coming.put(error)
    else:
        coming.put(None)


def read_lines(source: str) -> Iterator[dict[str, Any]]:
    """The objects of a JSON-lines file, every one of which is needed.

    Raises:
        click.ClickException: a line is no JSON object; says which.
    """
    for row in read_rows(source):
        if row.problem:
            raise click.ClickException(f"{source}, {row.problem}")
        yield row.value


def send_to_all(settings: AlertSettings, compose: Callable[[str], bytes]) -> None:
    """Send a message to each recipient, now; ``compose`` makes it for a recipient. Exit 1 when one was not reached."""
    from monitor.channels import open_channels, recipients

    failed = 0
    channels = open_channels(settings)
    try:
        for name, recipient in recipients(settings):
            try:
                click.echo(f"{recipient}: {channels[name].send(compose(recipient), recipient)}")
            except DeliveryError as error:
                failed += 1
                click.echo(f"{recipient}: failed: {error}", err=True)
    finally:
        for channel in channels.values():
            channel.close()
    if failed:
        raise SystemExit(1)


def print_line(value: Mapping[str, Any]) -> None:
    """One JSON object on a line of standard output, at once: somebody may wait for it before writing the next question.

    What is no character (a lone surrogate) becomes "?".
    """
    line = json.dumps(value, ensure_ascii=False, default=str)
    sys.stdout.write(line.encode("utf-8", "replace").decode("utf-8") + "\n")
    sys.stdout.flush()


def print_json(value: Any) -> None:
    """One JSON document, for reading."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
    """A table on standard output; as wide as it needs to be when that is no terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "160")))
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            *[value if isinstance(value, Text) else Text("" if value is None else str(value)) for value in row]
        )
    console.print(table)


@contextmanager
def _opened(source: str) -> Iterator[IO[str]]:
    if source == "-":
        yield sys.stdin
        return
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(Path(source).open(encoding="utf-8", errors="replace"))
        except OSError as error:
            raise click.ClickException(f"cannot read {source}: {error.strerror}") from error
        yield stream
