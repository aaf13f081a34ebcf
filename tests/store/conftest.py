"""A store in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store may be made."""
    return tmp_path / "var" / "monitor.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An empty store, opened as the daemon does."""
    with Store.open(path, exclusive=True) as opened:
        yield opened
