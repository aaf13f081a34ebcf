"""Log lines: one event a line, the same keys in both forms."""

from __future__ import annotations

import json
import logging

from monitor.logs import JsonLines, PlainLines


def record(**keys: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "monitor.pipeline", "levelno": logging.WARNING, "levelname": "WARNING"})
    made.msg = "poll failed"
    made.created = 1_795_000_000.0
    vars(made).update(keys)
    return made


def test_a_plain_line_quotes_only_what_needs_it() -> None:
    """Keys can be found with grep; values with blanks are JSON strings."""
    line = PlainLines().format(record(feed="http://127.0.0.1/rss", error="no feed: a web page", story=None))
    assert line.endswith('warning poll failed feed=http://127.0.0.1/rss error="no feed: a web page"')


def test_a_line_break_in_a_value_cannot_forge_a_line() -> None:
    """Untrusted text stays inside its quotes."""
    assert "\n" not in PlainLines().format(record(error="bad\nerror fake=1"))


def test_the_journal_gets_a_priority_instead_of_a_time() -> None:
    """sd-daemon(3): <4> is a warning."""
    assert PlainLines(journal=True).format(record(feed="x")) == "<4>warning poll failed feed=x"


def test_json_lines_carry_the_same_keys() -> None:
    """LOG_FORMAT=json."""
    entry = json.loads(JsonLines().format(record(feed="x", retry_at="later")))
    assert entry["event"] == "poll failed"
    assert entry["level"] == "warning"
    assert (entry["feed"], entry["retry_at"]) == ("x", "later")
