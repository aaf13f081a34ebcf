"""Real feeds of real outlets, against the answers that two other parsers agree on."""

from __future__ import annotations

import json
from pathlib import Path

from monitor.errors import FeedError
from monitor.poll import body_hash, parse_feed


def test_nearly_all_feeds_of_the_corpus_are_read_as_expected(data_dir: Path) -> None:
    """Number of entries and first title for at least 97 % of the files with an expected answer; no other error than FeedError."""
    folder = data_dir / "feeds"
    wrong, asked = [], 0
    for line in (folder / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        http = row.get("http") or {}
        count, title = 0, None
        try:
            document = parse_feed(
                (folder / row["file"]).read_bytes(),
                content_type=http.get("content-type"),
                content_encoding=http.get("content-encoding"),
            )
            count, title = len(document.entries), document.entries[0].title if document.entries else None
            assert all(entry.key for entry in document.entries)
        except FeedError as error:
            assert str(error)
        if row["entries"] is None and row["first_title"] is None:
            continue
        asked += 1
        if row["entries"] not in {None, count} or row["first_title"] not in {None, title}:
            wrong.append(row["file"])
    assert len(wrong) <= 0.03 * asked, wrong


def test_equal_bodies_have_equal_hashes() -> None:
    """And others have not."""
    assert body_hash(b"a") == body_hash(b"a") != body_hash(b"b")
