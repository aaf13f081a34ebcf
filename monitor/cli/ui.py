"""The command ``ui``: Datasette over the store, for the extra [ui]."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.common import config_option, light_config, now
from monitor.errors import MonitorError


@click.command("ui")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where to listen. Nobody logs in: keep to loopback."
)
@click.option("--port", default=8001, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--open", "browse", is_flag=True, help="Open it in the browser.")
@config_option
def ui_command(host: str, port: int, browse: bool, config_path: Path | None) -> None:
    """Views, charts, search and reviews in the browser, until Ctrl-C. Runs beside the daemon; its SQL only reads."""
    config = light_config(config_path)
    try:
        from monitor.ui.app import LOOPBACK, listen
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("datasette", "uvicorn"):
            raise
        raise MonitorError("`monitor ui` needs the extra [ui]: pip install 'accession-monitor[ui]'") from error
    served = listen(config.store.path, now, host=host, port=port)
    if host not in LOOPBACK:
        click.echo(f"Whoever reaches {host} can read the store and review: nobody logs in.", err=True)
    click.echo(f"{served.url}  (Ctrl-C stops it)")
    served.run(browse=browse)
