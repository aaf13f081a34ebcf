"""feeds: list, add, remove, pause, resume, discover, import, export."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import (
    config_option,
    json_option,
    light_config,
    now,
    open_store,
    print_json,
    print_table,
)
from monitor.contracts import time_json
from monitor.errors import FeedError, FetchError

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.model import FeedState
    from monitor.settings import FeedSettings


@click.group("feeds")
def feeds_command() -> None:
    """The feeds: which there are, how they do, when they are asked next and why."""


@feeds_command.command("list")
@config_option
@json_option
@click.option("--all", "everything", is_flag=True, help="Also the feeds that were removed.")
def list_feeds(config_path: Path | None, as_json: bool, everything: bool) -> None:
    """Every feed with its state, its failures in a row, and its next poll with the reason for that time."""
    config = light_config(config_path)
    with open_store(config, write=True) as store:
        store.sync_feeds(config.feeds, now())
        feeds = [feed for feed in store.all_feeds() if everything or feed.state != "removed"]
    if as_json:
        print_json([_feed_json(feed) for feed in feeds])
        return
    print_table(
        ["outlet", "country", "lang", "state", "failures", "next poll", "because", "url"],
        [(f.outlet, f.country, f.lang, f.state, f.failures or "", _short(f), f.next_poll_reason, f.url) for f in feeds],
    )


@feeds_command.command("add")
@config_option
@click.argument("url")
@click.option("--outlet", default="", help="Name of the outlet.")
@click.option("--country", help="ISO 3166 code of the outlet's country.")
@click.option("--camp", help="Whose voice it is, as in config.yaml.")
@click.option("--lang", help="ISO 639-1 code.")
@click.option("--tag", "tags", multiple=True)
def add_feed(
    config_path: Path | None,
    url: str,
    outlet: str,
    country: str | None,
    camp: str | None,
    lang: str | None,
    tags: tuple[str, ...],
) -> None:
    """Add a feed; URL may be the outlet's home page, whose feed is then found."""
    from monitor.settings import FeedSettings
    from monitor.urls import host_of

    config = light_config(config_path)
    found = asyncio.run(_find_feeds(config, url))
    feed = FeedSettings(
        url=found[0], outlet=outlet or host_of(found[0]), country=country, camp=camp, lang=lang, tags=tags
    )
    with open_store(config, write=True) as store:
        store.sync_feeds(config.feeds, now())
        store.add_feed(feed, now())
    click.echo(f"added {feed.url}")
    for other in found[1:]:
        click.echo(f"the page also names {other}")


@feeds_command.command("discover")
@config_option
@click.argument("url")
def discover(config_path: Path | None, url: str) -> None:
    """The feeds that a page names, best first; adds nothing."""
    for found in asyncio.run(_find_feeds(light_config(config_path), url)):
        click.echo(found)


@feeds_command.command("remove")
@config_option
@click.argument("url")
def remove_feed(config_path: Path | None, url: str) -> None:
    """Stop asking a feed for good; its stories stay. A feed that stands in config.yaml must be taken out there."""
    config = light_config(config_path)
    if url in {feed.url for feed in config.feeds}:
        raise click.ClickException(f"{url} stands in {config.path}; take it out there, or use `monitor feeds pause`")
    _change(config, url, "removed")


@feeds_command.command("pause")
@config_option
@click.argument("url")
def pause_feed(config_path: Path | None, url: str) -> None:
    """Stop asking a feed until `monitor feeds resume`."""
    _change(light_config(config_path), url, "paused")


@feeds_command.command("resume")
@config_option
@click.argument("url")
def resume_feed(config_path: Path | None, url: str) -> None:
    """Ask a paused or gone feed again, at once."""
    _change(light_config(config_path), url, "active")


@feeds_command.command("import")
@config_option
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def import_feeds(config_path: Path | None, file: Path) -> None:
    """Add the feeds of an OPML file; its folders become tags. Feeds that are there already stay as they are."""
    from monitor.poll.opml import read_opml

    config = light_config(config_path)
    feeds = read_opml(file.read_bytes())
    with open_store(config, write=True) as store:
        store.sync_feeds(config.feeds, now())
        known = {feed.url for feed in store.all_feeds() if feed.state != "removed"}
        added = [feed for feed in feeds if feed.url not in known]
        for feed in added:
            store.add_feed(feed, now())
    click.echo(f"{len(added)} feeds added, {len(feeds) - len(added)} known already")


@feeds_command.command("export")
@config_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
def export_feeds(config_path: Path | None, file: Path | None) -> None:
    """Write the feeds as OPML to FILE, or to standard output."""
    from monitor.poll.opml import write_opml

    config = light_config(config_path)
    with open_store(config, write=True) as store:
        store.sync_feeds(config.feeds, now())
        opml = write_opml([_settings_of(feed) for feed in store.all_feeds() if feed.state != "removed"])
    if file:
        try:
            file.write_bytes(opml)
        except OSError as error:
            raise click.ClickException(f"cannot write {file}: {error.strerror}") from error
    else:
        click.echo(opml.decode(), nl=False)


def _change(config: Config, url: str, state: str) -> None:
    with open_store(config, write=True) as store:
        store.sync_feeds(config.feeds, now())
        if not store.set_feed_state(url, state):
            raise click.ClickException(f"no feed {url} in the store; `monitor feeds list` names them")
    click.echo(f"{url}: {state}")


async def _find_feeds(config: Config, url: str) -> list[str]:
    """``url`` when it is a feed; else the feeds that the page there names, those first that can be read."""
    from monitor.fetch import Fetcher
    from monitor.pipeline import ACCEPT_FEED
    from monitor.poll import discover_feeds, parse_feed

    fetcher = Fetcher(config.fetch)
    try:
        response = await fetcher.get(url, accept=ACCEPT_FEED)
        try:
            parse_feed(response.body, url=response.final_url, content_type=response.headers.get("content-type"))
            return [url]
        except FeedError as error:
            named = discover_feeds(response.body, response.final_url)
            if not named:
                raise click.ClickException(f"{url}: {error}, and it names no feed either") from error
            return named
    except FetchError as error:
        raise click.ClickException(str(error)) from error
    finally:
        await fetcher.aclose()


def _settings_of(feed: FeedState) -> FeedSettings:
    from monitor.settings import FeedSettings

    return FeedSettings(
        url=feed.url, outlet=feed.outlet, country=feed.country, camp=feed.camp, lang=feed.lang, tags=feed.tags
    )


def _feed_json(feed: FeedState) -> dict[str, object]:
    return {
        "url": feed.url,
        "outlet": feed.outlet,
        "country": feed.country,
        "camp": feed.camp,
        "lang": feed.lang,
        "tags": list(feed.tags),
        "state": feed.state,
        "failures": feed.failures,
        "polled_at": time_json(feed.polled_at),
        "succeeded_at": time_json(feed.succeeded_at),
        "next_poll_at": time_json(feed.next_poll_at),
        "next_poll_reason": feed.next_poll_reason,
    }


def _short(feed: FeedState) -> str:
    if feed.state != "active":
        return ""
    return feed.next_poll_at.strftime("%m-%d %H:%M") if feed.next_poll_at else "at once"
