"""Odd feeds: each file in odd_feeds/ with its expected answer beside it. A new odd feed is two files and no code."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import FeedError
from monitor.model import Entry
from monitor.poll import parse_feed

FOLDER = Path(__file__).parent / "odd_feeds"
NAMES = sorted(path.name for path in FOLDER.iterdir() if not path.name.endswith(".expected.json"))


def as_values(entry: Entry, fields: dict[str, Any]) -> dict[str, Any]:
    """Those fields of ``entry`` that the expectation names, as JSON has them."""
    values = {name: getattr(entry, name) for name in fields}
    return {
        name: value.isoformat() if isinstance(value, datetime) else list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_odd_feed_is_read_as_expected(name: str) -> None:
    """What the file beside the feed says; its ``why`` tells what is odd."""
    body = (FOLDER / name).read_bytes()
    expected = json.loads((FOLDER / f"{name}.expected.json").read_text(encoding="utf-8"))
    if "error" in expected:
        with pytest.raises(FeedError) as caught:
            parse_feed(body)
        assert expected["error"] in str(caught.value)
        return
    document = parse_feed(body)
    found = [as_values(entry, wanted) for entry, wanted in zip(document.entries, expected["entries"], strict=True)]
    assert found == expected["entries"], expected["why"]
    for field in ("format", "title", "ttl_s"):
        if field in expected:
            assert getattr(document, field) == expected[field]
    assert document.parser.startswith(expected.get("parser", ""))
    assert (document.truncated is None) == ("truncated" not in expected)
    assert expected.get("truncated", "") in (document.truncated or "")


@pytest.mark.parametrize("name", NAMES)
def test_feedparser_alone_never_fails_where_the_fast_reader_has_an_answer(name: str) -> None:
    """Given to a worker with tolerant=True, every readable odd feed keeps its number of entries."""
    body = (FOLDER / name).read_bytes()
    expected = json.loads((FOLDER / f"{name}.expected.json").read_text(encoding="utf-8"))
    if "error" not in expected:
        assert len(parse_feed(body, tolerant=True).entries) == len(expected["entries"])
