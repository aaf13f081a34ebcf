"""digest: what was flagged in the last hours, by country, and when we were blind."""

from __future__ import annotations

from email.utils import make_msgid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import config_option, light_config, load_config, moment, now, open_store, send_to_all

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.model import News


@click.command("digest")
@config_option
@click.option("--since", default="24h", show_default=True, help="A date, or an age like 24h or 7d.")
@click.option("--send", is_flag=True, help="Mail it to every recipient of alerts instead of printing it.")
def digest_command(config_path: Path | None, since: str, send: bool) -> None:
    """Stories flagged since then, by country, with outlets, tone, prospects, quotes; at the end what we did not see."""
    from monitor.alert.digest import digest_text
    from monitor.pipeline.monitor import topic_titles

    config = load_config(config_path) if send else light_config(config_path)
    at = now()
    begin = moment(since) or at
    with open_store(config) as store:
        news = store.news(begin, at, begin - config.alerts.max_age)
    if send:
        _send(config, news)
        return
    click.echo(digest_text(news, topic_titles(config)), nl=False)


def _send(config: Config, news: News) -> None:
    """Once to each recipient, now. Exit code 1 when somebody could not be reached."""
    from monitor.alert.digest import compose_digest
    from monitor.channels import sender
    from monitor.pipeline.monitor import domain_of, topic_titles

    author, titles = sender(config.alerts), topic_titles(config)
    message_id = make_msgid("digest", domain_of(author))

    def message(recipient: str) -> bytes:
        return compose_digest(
            news, sender=author, recipient=recipient, titles=titles, message_id=message_id, now=news.until
        )

    send_to_all(config.alerts, message)
