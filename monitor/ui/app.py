"""The Datasette of one store: what it shows under which title, within which limits; and how it is served."""

from __future__ import annotations

import asyncio
import webbrowser
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import uvicorn
from datasette.app import Datasette
from datasette.database import Database
from datasette.plugins import pm
from ruamel.yaml import YAML

from monitor.errors import MonitorError
from monitor.store import Store, reader
from monitor.store.questions import QUESTIONS
from monitor.store.views import VIEWS
from monitor.ui import plugin

NAME = plugin.DATABASE
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SETTINGS = {
    "sql_time_limit_ms": 10_000,  # a few people ask, and a view over a year of quotations takes a while
    "facet_time_limit_ms": 500,
    "suggest_facets": False,  # our pages name theirs
    "default_page_size": 50,
    "max_returned_rows": 5000,
    "truncate_cells_html": 400,
    "default_cache_ttl": 0,  # the daemon writes meanwhile
    "allow_download": False,  # `monitor backup` makes a copy that is whole
}


class LiveStore(Database):  # type: ignore[misc]
    """The store as Datasette's database: opened to read only, while the daemon writes."""

    def connect(self, write: bool = False) -> Any:
        """A connection for one of Datasette's threads; there is none to write."""
        if write:
            raise MonitorError("the UI's SQL only reads")
        return reader(Path(self.path))


def make_app(path: Path, clock: Callable[[], datetime], host: str = "127.0.0.1") -> Any:
    """A Datasette over the store at ``path``; ``host``: where it will listen.

    Raises:
        StoreError: there is no store of this version.
    """
    with Store.open(path, write=False) as store:
        tables = store.tables()
    LiveStore(None, str(path)).connect().close()  # who may not write beside a stopped daemon's store hears it now
    # with rich in reach it would print each wrong address and each wrong SQL with all local variables
    pm.get_plugin("datasette.handle_exception").rich = None
    if not pm.is_registered(plugin):
        pm.register(plugin, "monitor-ui")
    here = resources.files(__package__)
    app = Datasette(
        [],
        metadata=metadata(tables),
        settings=SETTINGS,
        template_dir=str(here / "templates"),
        static_mounts=[("look", str(here / "static"))],
    )
    app.remove_database("_memory")
    app.add_database(LiveStore(app, str(path)), name=NAME)
    app.desk = plugin.Desk(path, clock, LOOPBACK | {host} if host in LOOPBACK else None)
    return app


@cache
def pages() -> Any:
    """pages.yaml."""
    return YAML(typ="safe").load(resources.files(__package__).joinpath("pages.yaml").read_text(encoding="utf-8"))


def metadata(tables: Iterable[str]) -> dict[str, Any]:
    """Titles, descriptions, order and filters of what is shown, in Datasette's words; which ``tables`` are not."""
    shown = {view.name: {"description": view.about, **pages()["views"][view.name]} for view in VIEWS}
    hidden = {name: {"hidden": True} for name in tables if name not in pages()["tables"]}
    asked = {q.name: {"title": q.title, "description": q.about, "sql": q.sql, "hide_sql": True} for q in QUESTIONS}
    return {
        "title": "Accession monitor",
        "extra_css_urls": ["/look/look.css"],
        "databases": {NAME: {"title": "The store", "tables": {**hidden, **shown}, "queries": asked}},
    }


@dataclass(frozen=True)
class Served:
    """A UI that listens, and is not yet answering."""

    url: str
    server: uvicorn.Server
    socket: Any  # bound already, so that the address is known and a taken port is said at once

    def run(self, *, browse: bool = False) -> None:
        """Answer until Ctrl-C; ``browse`` opens the address in the browser."""
        if browse:
            webbrowser.open(self.url)
        with suppress(KeyboardInterrupt):  # raised again when the server has closed everything
            asyncio.run(self.server.serve(sockets=[self.socket]))


def listen(path: Path, clock: Callable[[], datetime], *, host: str, port: int) -> Served:
    """Bind the address (port 0: any free one) for the UI of a store.

    Raises:
        StoreError: there is no store of this version.
        MonitorError: the address is taken or not of this machine.
    """
    config = uvicorn.Config(
        make_app(path, clock, host).app(), host=host, port=port, log_level="warning", lifespan="on", access_log=False
    )
    try:
        sock = config.bind_socket()
    except SystemExit as error:
        raise MonitorError(f"cannot listen on {host}, port {port}; --port names another one") from error
    sock.listen()
    at = f"[{host}]" if ":" in host else host
    return Served(f"http://{at}:{sock.getsockname()[1]}/", uvicorn.Server(config), sock)
