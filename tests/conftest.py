"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitor.demo import show
from monitor.demo.newsroom import open_now, serve
from monitor.demo.show import Shown


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real evaluation data, which is not part of the project; tests that need it skip without it."""
    default = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    path = Path(os.environ.get("MONITOR_DATA", default))
    if not path.is_dir():
        pytest.skip(f"no evaluation data at {path}; set MONITOR_DATA")
    return path


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """One demo for all tests of a file."""
    folder = tmp_path_factory.mktemp("demo")
    with serve(open_now()) as room:
        played = show.play(room, folder)
    show.write_config(played.config, folder)
    return played
