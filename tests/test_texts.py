"""Commands that read lines and touch no store: each line has its answer, in order, whatever stands in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
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


@pytest.mark.parametrize(
    ("command", "question"),
    [
        (["sentiment", "-", "--scorer", "linear"], {"id": 1, "text": "A shameful betrayal", "start": 2, "end": 10}),
        (["analyse", "-"], {"id": 1, "title": "Harvest", "text": WORDS}),
        (["threads", "-"], {"id": 1, "text": WORDS}),
        (["extract", "--jsonl", "-"], {"id": 1, "url": "https://courier.example/a", "file": "page.html"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_who_waits_for_each_answer_gets_it(command: list[str], question: dict[str, object], tmp_path: Path) -> None:
    """A program that holds the pipe open and asks one question after the other."""
    (tmp_path / "page.html").write_text(f"<title>Invitation</title><body><p>{WORDS}</p></body>")
    with subprocess.Popen(
        [sys.executable, "-m", "monitor", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    ) as program:
        assert program.stdin and program.stdout
        for number in (1, 2):
            program.stdin.write(json.dumps({**question, "id": number}) + "\n")
            program.stdin.flush()
            assert json.loads(program.stdout.readline())["id"] == number
        program.stdin.close()
        assert program.stdout.read() == ""
    assert program.returncode == 0
