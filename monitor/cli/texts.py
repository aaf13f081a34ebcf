"""Commands that read files and touch no store: parse, extract, analyse, sentiment. Their JSON is a contract."""

from __future__ import annotations

import asyncio
import gzip
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.common import config_option, load_config, print_line, read_lines
from monitor.errors import ConfigError, MonitorError
from monitor.settings import FetchSettings, ReadSettings, SentimentSettings

if TYPE_CHECKING:
    from monitor.model import Article, Response
    from monitor.work import AnalysisSettings


FILE_ENTRIES = 50_000  # a file is read whole, where a feed from the network is cut much earlier


@click.command("parse")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--content-type", help="The HTTP header that came with the file.")
@click.option("--content-encoding", help="The HTTP header that came with the file; the file is the encoded body then.")
@click.option("--url", default="", help="Where the file came from: links are made absolute with it.")
def parse_command(file: Path, content_type: str | None, content_encoding: str | None, url: str) -> None:
    """Feed bytes -> JSON lines, one an entry, in feed order."""
    from monitor.contracts import entry_json
    from monitor.poll import parse_feed

    document = parse_feed(
        _read(file), url=url, content_type=content_type, content_encoding=content_encoding, max_entries=FILE_ENTRIES
    )
    if document.truncated:
        click.echo(f"monitor: {file}: {document.truncated}", err=True)
    for entry in document.entries:
        print_line(entry_json(entry))


@click.command("extract")
@click.argument("source", required=False)
@click.option("--url", default="", help="Where the page came from.")
@click.option(
    "--jsonl", type=click.Path(dir_okay=False, allow_dash=True), help="Lines of {id, url, file} (- for stdin)."
)
@config_option
def extract_command(source: str | None, url: str, jsonl: str | None, config_path: Path | None) -> None:
    """One page (FILE or URL) -> article JSON; with --jsonl many pages, using all workers."""
    if bool(source) == bool(jsonl):
        raise click.UsageError("give one FILE or URL, or --jsonl LINES")
    if jsonl:
        for answer in _extract_many(read_lines(jsonl), Path(jsonl).parent):
            print_line(answer)
        return
    assert source is not None
    if source.startswith(("http://", "https://")):
        response = asyncio.run(_fetch(source, config_path))
        print_line(_extract_one(response.body, response.final_url, dict(response.headers)))
    else:
        print_line(_extract_one(_read(Path(source)), url, {}))


@click.command("analyse")
@click.argument("file", default="-")
@config_option
def analyse_command(file: str, config_path: Path | None) -> None:
    """JSON lines of {id?, url?, title, text, lang?, published_at?} -> everything the pipeline would store."""
    from monitor import work
    from monitor.contracts import analysis_json, document_of

    kit = work.tools(_analysis_settings(config_path).model_dump_json())
    for number, row in enumerate(read_lines(file), 1):
        document = document_of(row, number)
        print_line({"id": row.get("id", number), **analysis_json(work.analyse(document, kit))})


@click.command("sentiment")
@click.argument("file", default="-")
@click.option("--scorer", default="auto", show_default=True, help="auto, linear, neural, or package.module:function.")
def sentiment_command(file: str, scorer: str) -> None:
    """JSON lines of {id, text, start, end}: a sentence and its target -> label, score and probabilities."""
    from monitor.analyse.sentiment import load_scorer, score_lines

    for answer in score_lines(read_lines(file), load_scorer(SentimentSettings(scorer=scorer))):
        print_line(answer)


def _read(file: Path) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise click.ClickException(f"cannot read {file}: {error.strerror}") from error
    return data


async def _fetch(url: str, config_path: Path | None) -> Response:
    from monitor.fetch import Fetcher
    from monitor.pipeline import ACCEPT_PAGE

    try:
        settings = load_config(config_path).fetch
    except ConfigError:
        if config_path is not None:
            raise
        settings = FetchSettings()
    fetcher = Fetcher(settings)
    try:
        return await fetcher.get(url, accept=ACCEPT_PAGE)
    finally:
        await fetcher.aclose()


def _extract_one(body: bytes, url: str, headers: dict[str, str]) -> dict[str, Any]:
    from monitor.contracts import article_json
    from monitor.extract import extract

    return article_json(extract(body, url=url, headers=headers))


def _extract_many(rows: Iterable[dict[str, Any]], folder: Path) -> Iterator[dict[str, Any]]:
    """Answers in the rows' order; a page that cannot be read answers with status "error" and the reason."""
    from monitor.workers import open_executor

    limit_s = ReadSettings().page_timeout.total_seconds()
    executor = open_executor("local", call_timeout_s=limit_s, preload=("monitor.extract",))
    waiting: deque[tuple[dict[str, Any], Future[Article]]] = deque()
    try:
        for row in rows:
            waiting.append((row, _submit(executor, row, folder)))
            if len(waiting) >= 32:
                yield _answer(*waiting.popleft())
        while waiting:
            yield _answer(*waiting.popleft())
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _submit(executor: Executor, row: dict[str, Any], folder: Path) -> Future[Article]:
    return executor.submit(extract_file, str(row.get("file", "")), str(folder), str(row.get("url") or ""))


def extract_file(file: str, folder: str, url: str) -> Article:
    """Runs in a worker: read ``file`` (from ``folder`` when it is relative and not here; .gz unpacked) and extract."""
    from monitor.extract import extract

    path = Path(file)
    if not path.exists() and not path.is_absolute():
        path = Path(folder) / file
    body = path.read_bytes()
    if path.suffix == ".gz":
        body = gzip.decompress(body)
    return extract(body, url=url)


def _answer(row: dict[str, Any], future: Future[Article]) -> dict[str, Any]:
    from monitor.contracts import article_json

    answer = {"id": row.get("id"), "url": row.get("url")}
    try:
        return {**answer, **article_json(future.result())}
    except (MonitorError, OSError, EOFError, RuntimeError, TimeoutError, MemoryError) as error:
        reason = (
            "took too long, the worker was killed" if isinstance(error, TimeoutError) else str(error) or repr(error)
        )
        return {**answer, "status": "error", "error": reason}


def _analysis_settings(config_path: Path | None) -> AnalysisSettings:
    """Topics and scorer of the config; without any config file the built-in topic."""
    from monitor.settings import DEFAULT_TOPICS
    from monitor.work import AnalysisSettings

    try:
        config = load_config(config_path)
    except ConfigError:
        if config_path is not None or any(path.exists() for path in _default_paths()):
            raise
        return AnalysisSettings(topics=DEFAULT_TOPICS)
    return AnalysisSettings(topics=config.topics, sentiment=config.sentiment)


def _default_paths() -> tuple[Path, ...]:
    from monitor.config import DEFAULT_PATHS

    return DEFAULT_PATHS
