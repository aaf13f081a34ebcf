"""The house keeps its shape: who may import whom, who may speak SQL, who may touch the network, who may ask for the time."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "monitor"
STAGES = (
    "poll",
    "fetch",
    "extract",
    "analyse",
    "flag",
    "same_story",
    "same_quote",
    "watch",
    "alert",
    "digest",
    "channels",
    "inbox",
)
SHARED = ("model", "settings", "errors", "text", "urls", "people", "packing", "passwords", "lexicon")


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports(tree: ast.Module, *, only_at_start: bool = False) -> set[str]:
    """Dotted names that a module imports; ``only_at_start`` leaves out what is imported inside functions or for types."""
    nodes = tree.body if only_at_start else list(ast.walk(tree))
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def room(name: str) -> str:
    """``monitor.poll.fast`` -> ``poll``."""
    return name.split(".")[1] if "." in name else ""


MODULES = modules()


def test_imports_at_module_level_form_no_circle() -> None:
    """Reading a module never needs a module that needs it."""
    graph = {
        name: {other for other in imports(tree, only_at_start=True) if other in MODULES and other != name}
        for name, tree in MODULES.items()
    }
    for name, needs in graph.items():
        # a package's face re-exports from its own rooms, and they may name the package itself only through its parts
        needs -= {other for other in needs if name.startswith(other + ".")}
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("name", [name for name in MODULES if room(name) in STAGES])
def test_a_stage_knows_no_other_stage_and_nothing_above_it(name: str) -> None:
    """Stages are handed values; they import only their own room and what all share."""
    others = {other for other in imports(MODULES[name]) if other.startswith("monitor.")}
    allowed = {room(name), *SHARED}
    assert {other for other in others if room(other) not in allowed} <= {"monitor.__version__"}


@pytest.mark.parametrize("name", [name for name in MODULES if room(name) != "store"])
def test_sql_is_only_in_the_store(name: str) -> None:
    """No other room imports a database library."""
    assert not imports(MODULES[name]) & {"sqlite3", "sqlite_utils"}


@pytest.mark.parametrize("name", [name for name in MODULES if room(name) not in ("fetch", "channels", "inbox")])
def test_the_network_is_only_in_fetch_channels_and_inbox(name: str) -> None:
    """No other room imports a network library; notify speaks to systemd over a local socket, demo and ui are servers."""
    libraries = {"httpx", "aiohttp", "smtplib", "imaplib", "requests", "urllib.request", "http.client", "socket"}
    libraries |= {"uvicorn"}
    allowed = {"monitor.notify": {"socket"}, "monitor.ui.app": {"uvicorn"}}.get(name, set())
    assert imports(MODULES[name]) & libraries <= allowed


def test_the_ui_shows_the_store_and_nothing_stands_on_it() -> None:
    """It knows no stage but the wording of alerts, and only its command knows it; so Datasette stays an extra."""
    needs = {other for name, tree in MODULES.items() if room(name) == "ui" for other in imports(tree)}
    assert {room(other) for other in needs if other.startswith("monitor.")} <= {"ui", "store", "alert", *SHARED}
    users = {
        name for name, tree in MODULES.items() if any(room(other) == "ui" for other in imports(tree) & set(MODULES))
    }
    assert {name for name in users if room(name) != "ui"} == {"monitor.cli.ui"}


@pytest.mark.parametrize("name", list(MODULES))
def test_time_comes_in_as_a_value(name: str) -> None:
    """Only the commands and the demo ask for the time of day."""
    calls = {
        ast.unparse(node.func)
        for node in ast.walk(MODULES[name])
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"datetime.now", "datetime.utcnow", "time.time"}
    }
    assert not calls or name in {"monitor.cli.common", "monitor.demo.newsroom"}


@pytest.mark.parametrize("name", list(MODULES))
def test_every_module_says_what_it_is_for(name: str) -> None:
    """A module opens with a docstring."""
    assert ast.get_docstring(MODULES[name])
