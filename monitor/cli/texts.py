"""Commands that read files and touch no store: parse, extract, analyse, sentiment, threads. Their JSON is fixed."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.common import Row, config_option, in_groups, load_config, print_line, read_rows
from monitor.errors import ConfigError, ExtractError, ScorerError
from monitor.settings import FetchSettings, ReadSettings, SentimentSettings

if TYPE_CHECKING:
    from monitor.analyse.sentiment import Scorer
    from monitor.model import Article, Response
    from monitor.work import AnalysisSettings


TEXT_LIMIT = 300_000  # characters that `analyse` judges of one text; no article is as long
FILE_BYTES = 20 * 1024**2  # of one unpacked page
ROWS_AT_ONCE = 64  # sentences that a scorer is asked together
PAGES_AT_ONCE = 32  # of `extract --jsonl`, in work at the same time
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
        _answer_all(_extract_many(read_rows(jsonl), Path(jsonl).parent))
        return
    assert source is not None
    if source.startswith(("http://", "https://")):
        response = asyncio.run(_fetch(source, config_path))
        print_line(_extract_one(response.body, response.final_url, dict(response.headers)))
    else:
        print_line(_extract_one(_unpacked(Path(source)), url, {}))


@click.command("analyse")
@click.argument("file", default="-")
@config_option
def analyse_command(file: str, config_path: Path | None) -> None:
    """JSON lines of {id?, url?, title, text, lang?, published_at?} -> everything the pipeline would store."""
    from monitor import work
    from monitor.contracts import analysis_json, document_of

    kit = work.tools(_analysis_settings(config_path).model_dump_json())

    def answer(row: Row) -> dict[str, Any]:
        document = document_of(row.value, row.number)
        cut = {"cut": TEXT_LIMIT} if len(document.text) > TEXT_LIMIT else {}
        return {
            "id": row.id,
            **analysis_json(work.analyse(replace(document, text=document.text[:TEXT_LIMIT]), kit)),
            **cut,
        }

    _answer_all(_one_by_one(read_rows(file), answer))


@click.command("sentiment")
@click.argument("file", default="-")
@click.option("--scorer", default="auto", show_default=True, help="auto, linear, neural, or package.module:function.")
def sentiment_command(file: str, scorer: str) -> None:
    """JSON lines of {id, text, start, end, lang?}: a sentence and its target -> label, score and probabilities."""
    from monitor.analyse.sentiment import load_scorer

    _answer_all(_scored(read_rows(file), load_scorer(SentimentSettings(scorer=scorer))))


@click.command("threads")
@click.argument("file", default="-")
def threads_command(file: str) -> None:
    """JSON lines of stories in time order, {id, text, ...} -> {id, thread, reprint_of}: who tells whose words again."""
    from monitor.same_story import Recent, sketch

    recent = Recent()
    ids: list[Any] = []  # of the stories so far; a story's number is its place
    threads: list[Any] = []

    def answer(row: Row) -> dict[str, Any]:
        made = sketch(str(row.value.get("text") or ""))
        copy = recent.find_copy(made)
        recent.add(len(ids), made)
        ids.append(row.id)
        threads.append(threads[copy.story_id] if copy else row.id)
        return {"id": row.id, "thread": threads[-1], "reprint_of": ids[copy.story_id] if copy else None}

    _answer_all(_one_by_one(read_rows(file), answer))


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


def _one_by_one(rows: Iterable[Row], answer: Callable[[Row], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """An answer for each row, in order; a row that cannot be answered says why, and the next one is read."""
    for row in rows:
        if row.problem:
            yield _refused(row, row.problem)
            continue
        try:
            yield answer(row)
        except Exception as error:  # noqa: BLE001 - becomes the row's answer
            yield _refused(row, str(error) or repr(error))


def _scored(rows: Iterable[Row], scorer: Scorer) -> Iterator[dict[str, Any]]:
    """Rows with their tone, in order: many at once, and where one of them cannot be answered, one by one."""
    from monitor.analyse.sentiment import score_lines

    for together in in_groups(rows, ROWS_AT_ONCE):
        try:
            if any(row.problem for row in together):
                raise ScorerError("a line that is no JSON object")
            yield from list(score_lines([{**row.value, "id": row.id} for row in together], scorer))
        except Exception:  # noqa: BLE001 - one by one it becomes the answer of the row that is to blame
            yield from _one_by_one(together, lambda row: next(iter(score_lines([{**row.value, "id": row.id}], scorer))))


def _extract_many(rows: Iterable[Row], folder: Path) -> Iterator[dict[str, Any]]:
    """The same over all workers: answers in the rows' order."""
    from monitor.workers import open_executor

    limit_s = ReadSettings().page_timeout.total_seconds()
    executor = open_executor("local", call_timeout_s=limit_s, preload=("monitor.extract",))
    waiting: deque[tuple[Row, Future[Article] | None]] = deque()
    try:
        for group in in_groups(rows, PAGES_AT_ONCE):
            waiting += ((row, None if row.problem else _submit(executor, row.value, folder)) for row in group)
            while len(waiting) >= (PAGES_AT_ONCE if len(group) == PAGES_AT_ONCE else 1):
                yield _extracted(*waiting.popleft())
        while waiting:
            yield _extracted(*waiting.popleft())
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
    return extract(_unpacked(path), url=url)


def _extracted(row: Row, future: Future[Article] | None) -> dict[str, Any]:
    from monitor.contracts import article_json

    if future is None:
        return _refused(row, row.problem or "")
    try:
        return {"id": row.id, "url": row.value.get("url"), **article_json(future.result())}
    except TimeoutError:
        return _refused(row, "took too long, the worker was killed")
    except Exception as error:  # noqa: BLE001 - becomes the row's answer
        return _refused(row, str(error) or repr(error))


def _refused(row: Row, error: str) -> dict[str, Any]:
    return {"id": row.id, "url": row.value.get("url"), "status": "error", "error": error}


def _answer_all(answers: Iterable[dict[str, Any]]) -> None:
    """Print every answer; how many of them are errors is said at the end."""
    failed = 0
    for answer in answers:
        failed += answer.get("status") == "error"
        print_line(answer)
    if failed:
        click.echo(f"monitor: {failed} lines could not be answered; they say why", err=True)


def _unpacked(path: Path) -> bytes:
    """The file's bytes, .gz unpacked up to FILE_BYTES. Raises ClickException or ExtractError."""
    if path.suffix != ".gz":
        return _read(path)
    try:
        with gzip.open(path) as stream:
            body = stream.read(FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ExtractError(f"cannot unpack {path}: {error}") from error
    if len(body) > FILE_BYTES:
        raise ExtractError(f"{path} unpacks to more than {FILE_BYTES} bytes")
    return body


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
