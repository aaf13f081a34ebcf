"""Replies out of a Maildir."""

from __future__ import annotations

import mailbox
from pathlib import Path

import pytest

from monitor.errors import InboxError
from monitor.inbox import open_box
from monitor.settings import ReviewSettings


def test_each_message_is_read_until_it_is_done(tmp_path: Path) -> None:
    """Oldest first; what is done lies in cur, seen, as any mail program shows it."""
    box = open_box(ReviewSettings(maildir=tmp_path / "replies"))
    assert box is not None
    assert box.read(None, 10) == []
    folder = mailbox.Maildir(tmp_path / "replies")
    for number in range(3):
        folder.add(f"Subject: {number}\n\nno")
    first = box.read(None, 2)
    assert len(first) == 2
    assert [one.raw for one in box.read(None, 2)] == [one.raw for one in first]
    for message in first:
        box.done(message)
    (last,) = box.read(first[-1].place, 10)
    assert {last.raw, *(one.raw for one in first)} == {f"Subject: {n}\n\nno".encode() for n in range(3)}
    assert sorted(message.get_flags() for message in folder) == ["", "S", "S"]


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """With its name."""
    (tmp_path / "file").write_text("")
    box = open_box(ReviewSettings(maildir=tmp_path / "file"))
    assert box is not None
    with pytest.raises(InboxError, match=r"maildir .*file: "):
        box.read(None, 10)
