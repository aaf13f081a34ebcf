"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real evaluation data, which is not part of the project; tests that need it skip without it."""
    default = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    path = Path(os.environ.get("MONITOR_DATA", default))
    if not path.is_dir():
        pytest.skip(f"no evaluation data at {path}; set MONITOR_DATA")
    return path
