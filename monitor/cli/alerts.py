"""alerts: the outbox. list, show, retry, send-test."""

from __future__ import annotations

import email
import email.policy
from email.utils import make_msgid
from pathlib import Path
from typing import Any

import click

from monitor.cli.common import (
    config_option,
    json_option,
    light_config,
    now,
    open_store,
    print_json,
    print_table,
    send_to_all,
)


@click.group("alerts")
def alerts_command() -> None:
    """The outbox: what was sent, what is owed, what was refused."""


@alerts_command.command("list")
@config_option
@json_option
@click.option("--state", type=click.Choice(["owed", "sent", "failed"]))
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1))
def list_alerts(config_path: Path | None, as_json: bool, state: str | None, limit: int) -> None:
    """The newest alerts, with their state and the server's last answer to each recipient."""
    with open_store(light_config(config_path)) as store:
        rows = [row for row in store.list_alerts(limit) if state in (None, row["state"])]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["id", "created", "topic", "title", "stories", "state", "recipients"],
        [
            (r["id"], r["created_at"], r["topic"], r["title"], r["n_stories"], r["state"], _recipients(r["deliveries"]))
            for r in rows
        ],
    )


@alerts_command.command("show")
@config_option
@click.argument("alert_id", type=int)
@click.option("--raw", is_flag=True, help="The whole message as sent.")
def show_alert(config_path: Path | None, alert_id: int, raw: bool) -> None:
    """The mail of an alert: its text part, or with --raw the message as it was sent."""
    with open_store(light_config(config_path)) as store:
        alert = store.show_alert(alert_id)
    if alert is None:
        raise click.ClickException(f"there is no alert {alert_id}; `monitor alerts list` names them")
    message = alert["message"]
    if message is None:
        raise click.ClickException(f"alert {alert_id} is owed and not composed yet; `monitor once` sends it")
    if raw:
        click.echo(message.decode(errors="replace"), nl=False)
        return
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    for name in ("Date", "From", "To", "Subject"):
        click.echo(f"{name}: {parsed[name]}")
    body = parsed.get_body(("plain",))
    click.echo("\n" + (body.get_content() if body else ""))


@alerts_command.command("retry")
@config_option
@click.argument("alert_ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that were refused or put off.")
def retry_alerts(config_path: Path | None, alert_ids: tuple[int, ...], everything: bool) -> None:
    """Send alerts again that were refused, or now instead of later those that wait."""
    if not alert_ids and not everything:
        raise click.UsageError("name alerts by id, or give --all")
    with open_store(light_config(config_path), write=True) as store:
        ids = [None] if everything else list(alert_ids)
        count = sum(store.retry_alerts(now(), alert_id) for alert_id in ids)
    if not count:
        raise click.ClickException(
            "nothing there to send again: no such alert, or it was sent; see `monitor alerts list`"
        )
    click.echo(f"{count} deliveries are due now; the daemon or `monitor once` sends them")


@alerts_command.command("send-test")
@config_option
def send_test(config_path: Path | None) -> None:
    """Send a test mail over the configured channel to every recipient."""
    from monitor.alert import compose_note
    from monitor.channels import sender
    from monitor.pipeline.monitor import domain_of

    settings = light_config(config_path).alerts
    author = sender(settings)

    def message(recipient: str) -> bytes:
        return compose_note(
            "Test of the accession monitor",
            ["This mail was asked for with `monitor alerts send-test`. Alerts will come the same way."],
            sender=author,
            recipient=recipient,
            message_id=make_msgid("monitor-test", domain_of(author)),
            now=now(),
        )

    send_to_all(settings, message)


def _recipients(deliveries: list[dict[str, Any]]) -> str:
    return ", ".join(f"{d['recipient']} ({d['error'] or d['reply'] or d['state']})" for d in deliveries)
