"""Commands that read lines and touch no store: each line has its answer, in order, whatever stands in it."""

from __future__ import annotations

import json

from click.testing import CliRunner

from monitor.cli import main

WORDS = "the ministers agreed in the night on the terms of the invitation and named the day when it is to be signed"


def answers(command: str, lines: list[str], *options: str) -> list[dict[str, object]]:
    """What a command answers to the lines on its standard input."""
    result = CliRunner().invoke(main, [command, "-", *options], input="\n".join(lines), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_every_sentence_has_its_answer_however_many_there_are() -> None:
    """More than are asked together; the second batch holds a line that is wrong."""
    rows = [
        json.dumps({"id": n, "text": f"A shameful betrayal, number {n}", "start": 2, "end": 10}) for n in range(100)
    ]
    rows[70] = "{"
    rows[80] = json.dumps({"id": 80, "text": "short", "start": 3, "end": 99})
    found = answers("sentiment", rows, "--scorer", "linear")
    assert [answer["id"] for answer in found] == [
        *range(70),
        71,
        *range(71, 100),
    ]  # a line without an id has its number
    assert [answer["id"] for answer in found if answer.get("status") == "error"] == [71, 80]
    assert found[0]["label"] == "negative"


def test_a_copy_joins_the_thread_of_the_earliest_story_with_its_wording() -> None:
    """Also a copy of a copy; other words open a thread of their own, and a line that is wrong stops nothing."""
    rows = [
        {"id": "a", "outlet": "Courier", "text": WORDS},
        {"id": "b", "outlet": "Ledger", "text": "Ledger staff. " + WORDS + " says the Courier"},
        {"id": "c", "text": "quite another story about the harvest in the hills and its many apples this autumn"},
        {"id": "d", "text": WORDS[10:]},
        {"id": "e"},
    ]
    found = answers("threads", [*map(json.dumps, rows), "nonsense"])
    assert [(answer.get("thread"), answer.get("reprint_of")) for answer in found] == [
        ("a", None), ("a", "a"), ("c", None), ("a", "a"), ("e", None), (None, None),
    ]  # fmt: skip
    assert found[-1]["status"] == "error"
