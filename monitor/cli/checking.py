"""check-config: every problem of the config at once; with --probe each feed and the mail servers are asked too."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import config_option, load_config, print_table
from monitor.errors import DeliveryError, FeedError, FetchError, InboxError

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.fetch import Fetcher
    from monitor.settings import FeedSettings


@click.command("check-config")
@config_option
@click.option("--probe", is_flag=True, help="Also ask each feed and the mail servers.")
def check_config_command(config_path: Path | None, probe: bool) -> None:
    """Every problem of the config at once, with line and key. Exit 78 when there is one."""
    config = load_config(config_path)
    channel = "e-mail" if config.alerts.email else f"the mailbox {config.alerts.mailbox}"
    click.echo(f"{config.path}: ok. {len(config.feeds)} feeds, {len(config.topics)} topics, alerts go to {channel}.")
    if probe and not _probe(config):
        raise SystemExit(1)


def _probe(config: Config) -> bool:
    """Ask everything that the config names; print what answered. True when all did."""
    rows = asyncio.run(_ask_feeds(config))
    print_table(["feed", "answer"], rows)
    mail = _ask_mail_server(config)
    if mail:
        click.echo(f"mail server: {mail}")
    replies = _ask_mailbox(config)
    if replies:
        click.echo(f"mailbox of replies: {replies}")
    answered = sum(row[1].startswith("ok") for row in rows)
    click.echo(f"{answered} of {len(rows)} feeds answer.")
    return answered == len(rows) and all(answer is None or answer.startswith("ok") for answer in (mail, replies))


async def _ask_feeds(config: Config) -> list[tuple[str, str]]:
    from monitor.fetch import Fetcher

    fetcher = Fetcher(config.fetch)
    try:
        answers = await asyncio.gather(*(_ask_feed(fetcher, feed) for feed in config.feeds))
    finally:
        await fetcher.aclose()
    return [(f"{feed.outlet} {feed.url}", answer) for feed, answer in zip(config.feeds, answers, strict=True)]


async def _ask_feed(fetcher: Fetcher, feed: FeedSettings) -> str:
    from monitor.pipeline import ACCEPT_FEED
    from monitor.poll import parse_feed

    try:
        response = await fetcher.get(feed.url, accept=ACCEPT_FEED)
        document = parse_feed(response.body, url=response.final_url, content_type=response.headers.get("content-type"))
    except (FetchError, FeedError) as error:
        return f"failed: {error}"
    moved = f", moved to {response.final_url}" if response.final_url != feed.url else ""
    return f"ok: {document.format}, {len(document.entries)} entries{moved}"


def _ask_mail_server(config: Config) -> str | None:
    from monitor.channels.email import Email

    if config.alerts.email is None:
        return None
    channel = Email(config.alerts.email)
    try:
        channel.check()
    except DeliveryError as error:
        return f"failed: {error}"
    finally:
        channel.close()
    return "ok: connected and logged in"


def _ask_mailbox(config: Config) -> str | None:
    from monitor.inbox import open_box

    box = open_box(config.reviews)
    if box is None:
        return None
    try:
        return f"ok: {box.check()}"
    except InboxError as error:
        return f"failed: {error}"
