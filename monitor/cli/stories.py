"""Commands over stored stories: explain, query."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.common import (
    config_option,
    json_option,
    light_config,
    moment,
    open_store,
    print_json,
    print_line,
    print_table,
)
from monitor.contracts import time_json

if TYPE_CHECKING:
    from monitor.model import StoredStory


@click.command("explain")
@click.argument("story")
@config_option
@json_option
def explain_command(story: str, config_path: Path | None, as_json: bool) -> None:
    """The evidence card of a stored STORY (id or URL): why it was flagged, who said what, tone, prospects."""
    with open_store(light_config(config_path)) as store:
        stored = store.story(int(story) if story.isdigit() else story)
    if stored is None:
        raise click.ClickException(f"no story {story} in the store; `monitor query` finds stories")
    if as_json:
        print_json(story_json(stored))
        return
    from monitor.card import card

    click.echo(card(stored))


@click.command("query")
@click.argument("words", nargs=-1)
@config_option
@click.option("--topic", help="Flagged for this topic.")
@click.option("--since", help="Published since: a date (2026-11-01) or an age (24h, 7d).")
@click.option("--until", help="Published before: a date or an age.")
@click.option("--outlet")
@click.option("--lang")
@click.option("--country", help="Concerns this country (ISO code).")
@click.option(
    "--stance",
    type=click.Choice(["supports", "opposes", "conditional", "neutral"]),
    help="Holds a quotation with this stance.",
)
@click.option("--speaker", help="Quotes this person.")
@click.option("--quotes", is_flag=True, help="What was said, each saying once with its outlets, instead of stories.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@click.option(
    "--format", "format_", type=click.Choice(["table", "json", "nl", "csv"]), default="table", show_default=True
)
def query_command(
    words: tuple[str, ...],
    config_path: Path | None,
    topic: str | None,
    since: str | None,
    until: str | None,
    outlet: str | None,
    lang: str | None,
    country: str | None,
    stance: str | None,
    speaker: str | None,
    quotes: bool,
    limit: int,
    format_: str,
) -> None:
    """Search the store: WORDS in title and text ("phrases" and prefix* work), narrowed by the options.

    With --quotes the quote ledger: what --speaker (or anybody) said, with --stance, --since, --until; a speaker's line
    over time.
    """
    if quotes and (words or topic or outlet or lang or country):
        raise click.UsageError("--quotes goes with --speaker, --stance, --since, --until, --limit and --format")
    with open_store(light_config(config_path)) as store:
        if quotes:
            said = store.sayings(speaker or "", stance=stance, since=moment(since), until=moment(until), limit=limit)
            _print_rows(said, format_, _SAYING)
            return
        rows = store.search(
            " ".join(words),
            topic=topic,
            since=moment(since),
            until=moment(until),
            outlet=outlet,
            lang=lang,
            country=country,
            stance=stance,
            speaker=speaker,
            limit=limit,
        )
    _print_rows(rows, format_, _STORY)


def story_json(stored: StoredStory) -> dict[str, Any]:
    """A stored story with its analysis in the shape of ``monitor analyse``."""
    from monitor.contracts import analysis_json

    return {
        "id": stored.id,
        "url": stored.url,
        "outlet": stored.outlet,
        "country": stored.country,
        "camp": stored.camp,
        "title": stored.title,
        "authors": list(stored.authors),
        "published_at": time_json(stored.published_at),
        "first_seen_at": time_json(stored.first_seen_at),
        "source": stored.source,
        "status": stored.status,
        "quality": stored.quality,
        "word_count": stored.word_count,
        "thread_id": stored.thread_id,
        **analysis_json(stored.analysis),
    }


_STORY = ("id", "published_at", "outlet", "lang", "score", "prospects", "title", "url")
_SAYING = ("first_at", "speaker", "stance", "quote", "first_outlet", "n_outlets", "n_wordings", "last_at")


def _print_rows(rows: list[dict[str, Any]], format_: str, shown: tuple[str, ...]) -> None:
    if format_ == "json":
        print_json(rows)
    elif format_ == "nl":
        for row in rows:
            print_line(row)
    elif format_ == "csv":
        writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]) if rows else list(shown))
        writer.writeheader()
        writer.writerows(rows)
    else:
        print_table(shown, [[row.get(column) for column in shown] for row in rows])
