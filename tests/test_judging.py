"""Trying rules, judging again, reviewing, tuning: over a store of real stories, through the commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import main
from monitor.demo import show
from monitor.demo.newsroom import open_now, serve
from monitor.store import Store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the sample newsroom's stories."""
    folder = tmp_path_factory.mktemp("judging")
    with serve(open_now()) as room:
        show.write_config(show.play(room, folder).config, folder)
    return folder


def run(folder: Path, *arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(main, [*arguments, "-c", str(folder / "config.yaml")], catch_exceptions=False)
    assert result.exit_code == exit_code, result.output
    return result.output


def with_query(folder: Path, query: str) -> Path:
    """The same store under a config whose topic asks something else."""
    text = (folder / "config.yaml").read_text()
    topics = json.dumps([{"name": "nato-accession", "query": query, "threshold": 0.5}])
    lines = [f"topics: {topics}" if line.startswith("topics:") else line for line in text.splitlines()]
    other = folder / "other.yaml"
    other.write_text("\n".join(lines) + "\n")
    return other


def test_a_changed_rule_shows_what_it_drops_before_it_is_applied(folder: Path) -> None:
    """--diff writes nothing; --apply does; the old rule brings everything back."""
    narrow = with_query(folder, '"fast-track application" OR @accession-phrase AND lang:xx')
    diff = CliRunner().invoke(main, ["reprocess", "-c", str(narrow), "--json"], catch_exceptions=False)
    dropped = [change for change in json.loads(diff.output) if change["kind"] == "dropped"]
    assert len(dropped) >= 8
    assert "0 flags added, 0 dropped" in run(folder, "reprocess")
    applied = CliRunner().invoke(main, ["reprocess", "--apply", "-c", str(narrow)], catch_exceptions=False)
    assert f"{len(dropped)} dropped" in applied.output
    back = run(folder, "reprocess", "--apply")
    assert f"{len(dropped)} flags added, 0 dropped" in back
    assert "0 flags added, 0 dropped, 0 scores moved" in run(folder, "reprocess")


def test_reprocessing_owes_no_mail(folder: Path) -> None:
    """What is flagged later by a new rule is not news."""
    before = run(folder, "alerts", "list", "--json")
    run(folder, "reprocess", "--apply", "--reread")
    assert run(folder, "alerts", "list", "--json") == before


def test_a_labelled_file_gives_precision_recall_and_each_miss(folder: Path, tmp_path: Path) -> None:
    """By kind and language; ambiguous stories are left out."""
    rows = [
        {"id": 1, "lang": "en", "label": "accession", "title": "Harland applies to join NATO", "text": "Harland applied for NATO membership on Friday."},
        {"id": 2, "lang": "en", "label": "none", "title": "Harvest begins", "text": "Farmers bring in the wheat."},
        {"id": 3, "lang": "de", "label": "accession", "title": "Wetter am Wochenende", "text": "Es bleibt trocken und kalt."},
        {"id": 4, "lang": "en", "label": "passing", "ambiguous": True, "title": "NATO bid of Harland", "text": ""},
    ]  # fmt: skip
    labelled = tmp_path / "labelled.jsonl"
    labelled.write_text("\n".join(json.dumps(row) for row in rows))
    result = json.loads(run(folder, "test-topic", "nato-accession", "--against", str(labelled), "--json"))
    groups = {group["group"]: group for group in result["groups"]}
    assert (groups["all"]["n"], groups["all"]["precision"], groups["all"]["recall"]) == (3, 1.0, 0.5)
    assert groups["de"]["recall"] == 0.0
    assert [(miss["kind"], miss["id"]) for miss in result["misses"]] == [("missed", 3)]
    assert "missed: 3 de" in run(folder, "test-topic", "nato-accession", "--against", str(labelled))


def test_an_unknown_topic_names_the_nearest(folder: Path) -> None:
    """Said as in the config's own errors."""
    assert "did you mean nato-accession?" in run(folder, "test-topic", "nato-acession", exit_code=1)


def test_reviews_are_learned_from_and_unlearned(folder: Path) -> None:
    """tune shows first, applies on demand, and takes it back."""
    with Store.open(folder / "monitor.db", write=False) as store:
        flagged = [row["id"] for row in store.search("", topic="nato-accession", limit=50)]
    assert "both kinds are needed" in run(folder, "tune", exit_code=1)
    for number, story in enumerate(flagged):
        run(folder, "review", str(story), "irrelevant" if number % 3 == 0 else "relevant", "--by", "test")
    shown = run(folder, "tune")
    assert "Nothing written" in shown
    assert "did not see" in shown
    assert "In use from now on" in run(folder, "tune", "--apply")
    with Store.open(folder / "monitor.db", write=False) as store:
        assert store.setting("tuning.nato-accession")["factors"]
    assert " 0 scores moved" not in run(folder, "reprocess")
    assert "back to the shipped weights" in run(folder, "tune", "--undo")
    assert "0 flags added, 0 dropped, 0 scores moved" in run(folder, "reprocess")


def test_one_bad_line_does_not_end_analyse(folder: Path, tmp_path: Path) -> None:
    """Each line has its answer, in order: a judgement or the reason why there is none."""
    lines = [
        '{"id": 1, "title": "Ukraine will join NATO, minister says", "text": "Ukraine applied for NATO membership."}',
        "{broken",
        "[1, 2]",
        '{"id": 4, "title": "\\ud83d"}',
        "null",
    ]
    file = tmp_path / "lines.jsonl"
    file.write_text("\n".join(lines))
    answers = [json.loads(line) for line in run(folder, "analyse", str(file)).splitlines() if line.startswith("{")]
    assert [answer.get("status") for answer in answers] == [None, "error", "error", None, "error"]
    assert answers[0]["flags"][0]["flagged"] is True
    assert "line 2: no JSON" in answers[1]["error"]
    assert answers[3]["prospects"] == {"label": None, "score": None, "confidence": None, "evidence": []}


def test_one_bad_page_does_not_end_extract(folder: Path, tmp_path: Path) -> None:
    """A damaged archive, a name that is no name, an address that is none: each answers with its reason."""
    (tmp_path / "good.html").write_text(
        "<title>A day</title><article><p>" + "Words of a story. " * 60 + "</p></article>"
    )
    (tmp_path / "bad.html.gz").write_bytes(b"\x1f\x8b\x08\x00broken")
    rows = [
        {"id": "a", "url": "https://news.example/a", "file": "good.html"},
        {"id": "b", "url": "https://news.example/b", "file": "bad.html.gz"},
        {"id": "c", "url": "http://[x/", "file": "good.html"},
        {"id": "d", "url": "", "file": "a\0b"},
        {"id": "e", "url": "", "file": "missing.html"},
    ]
    file = tmp_path / "pages.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    lines = [line for line in run(folder, "extract", "--jsonl", str(file)).splitlines() if line.startswith("{")]
    answers = {answer["id"]: answer for answer in map(json.loads, lines)}
    assert list(answers) == ["a", "b", "c", "d", "e"]
    assert answers["a"]["status"] == "ok"
    assert {answers[key]["status"] for key in "bde"} == {"error"}


def test_the_rule_hash_is_the_same_in_every_process() -> None:
    """Hash seeds differ from process to process; rules do not."""
    program = (
        "from monitor.flag import compile_rules; from monitor.settings import DEFAULT_TOPICS; "
        "print(compile_rules(DEFAULT_TOPICS).hash)"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(hashes) == 1
