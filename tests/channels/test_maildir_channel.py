"""The Maildir channel, and the table of channels."""

from __future__ import annotations

import mailbox
import os
from email import policy
from email.parser import BytesParser
from pathlib import Path

import alerts
import pytest

from monitor.alert import compose
from monitor.channels import CHANNELS, open_channels, recipients
from monitor.channels.maildir import Maildir
from monitor.errors import DeliveryError
from monitor.settings import AlertSettings


def message(message_id: str = "<alert-7.5f0c@monitor.example>") -> bytes:
    """An alert mail."""
    return compose(
        alerts.alert(message_id=message_id),
        sender="monitor@monitor.localhost",
        recipient="./var/mail",
        topic_title="NATO accession",
        now=alerts.NOW,
    )


def read(path: Path) -> mailbox.Maildir:
    """The folder as any mail program sees it."""
    return mailbox.Maildir(path, factory=BytesParser(policy=policy.default).parse, create=False)


def test_a_delivered_mail_is_read_by_any_mail_program(tmp_path: Path) -> None:
    """The folder is made when it is first needed; the mail is new, whole, and not for everybody's eyes."""
    box = tmp_path / "var" / "mail"
    assert Maildir(box).send(message(), "./var/mail").startswith("stored as ")
    [mail] = read(box)
    assert mail["Subject"].startswith("[NATO accession] Ukraine")
    assert "very toxic" in mail.get_body(("plain",)).get_content()
    assert [len(list((box / folder).iterdir())) for folder in ("tmp", "new", "cur")] == [0, 1, 0]
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in (box, box / "new", box / "cur"))


def test_the_same_message_id_is_stored_once(tmp_path: Path) -> None:
    """A crash between delivering and noting leads to a second delivery, which makes no second file."""
    box = Maildir(tmp_path)
    first = box.send(message())
    second = box.send(message())
    assert second == first.replace("stored", "already stored")
    assert len(read(tmp_path)) == 1


def test_a_mail_that_was_read_meanwhile_is_not_stored_again(tmp_path: Path) -> None:
    """The mail program moved it to cur and marked it as seen."""
    box = Maildir(tmp_path)
    box.send(message())
    [new] = (tmp_path / "new").iterdir()
    new.rename(tmp_path / "cur" / f"{new.name}:2,S")
    assert box.send(message()).startswith("already")
    assert len(read(tmp_path)) == 1


def test_what_a_crash_left_in_tmp_is_overwritten(tmp_path: Path) -> None:
    """Half a message in tmp is seen by nobody and does not pile up."""
    box = Maildir(tmp_path)
    box.send(message("<other@monitor.example>"))
    [stored] = (tmp_path / "new").iterdir()
    stored.rename(tmp_path / "tmp" / stored.name)
    (tmp_path / "tmp" / stored.name).write_bytes(b"Subject: ha")
    box.send(message("<other@monitor.example>"))
    [mail] = read(tmp_path)
    assert mail["Message-ID"] == "<other@monitor.example>"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_different_mails_are_different_files(tmp_path: Path) -> None:
    """Also those without a Message-ID, by their bytes; a hostile id cannot leave the folder."""
    box = Maildir(tmp_path)
    for mail in (
        message(),
        message("<8@monitor.example>"),
        b"Subject: a\n\n",
        b"Subject: b\n\n",
        b"Message-ID: ../../x\n\n",
    ):
        box.send(mail)
    assert len(read(tmp_path)) == 5
    assert len(list((tmp_path / "new").iterdir())) == 5


def test_line_ends_are_those_of_the_machine(tmp_path: Path) -> None:
    """A message with CRLF is stored with LF, as mail programs expect in a Maildir."""
    Maildir(tmp_path).send(b"Message-ID: <1@x>\r\nSubject: a\r\n\r\nb\r\n")
    [file] = (tmp_path / "new").iterdir()
    assert file.read_bytes() == b"Message-ID: <1@x>\nSubject: a\n\nb\n"


def test_a_place_that_cannot_be_written_keeps_the_mail_owed(tmp_path: Path) -> None:
    """The path is a file: said with the path, nothing given up, no other mail tried."""
    (tmp_path / "mail").write_text("in the way")
    for attempt in (lambda: Maildir(tmp_path / "mail").send(message()), Maildir(tmp_path / "mail").check):
        with pytest.raises(DeliveryError, match=str(tmp_path / "mail")) as caught:
            attempt()
        assert caught.value.stop and not caught.value.permanent


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_found_by_check(tmp_path: Path) -> None:
    """check-config --probe says so before the first alert."""
    Maildir(tmp_path).check()
    (tmp_path / "new").chmod(0o500)
    with pytest.raises(DeliveryError, match="new"):
        Maildir(tmp_path).check()


def test_the_mailbox_is_used_while_no_server_is_configured(tmp_path: Path) -> None:
    """Exactly one of the two channels is on, and opening it touches nothing."""
    box = AlertSettings(mailbox=tmp_path / "mail")
    assert recipients(box) == (("maildir", str(tmp_path / "mail")),)
    assert list(open_channels(box)) == ["maildir"]
    assert not (tmp_path / "mail").exists()
    server = AlertSettings.model_validate(
        {"email": {"host": "mx.example", "from": "m@monitor.example", "to": ["a@x.example", "b@x.example"]}}
    )
    assert recipients(server) == (("email", "a@x.example"), ("email", "b@x.example"))
    assert list(open_channels(server)) == ["email"]


def test_every_channel_has_the_same_face(tmp_path: Path) -> None:
    """send, check and close, whatever the channel."""
    server = AlertSettings.model_validate(
        {"email": {"host": "mx.example", "from": "m@x.example", "to": ["a@x.example"]}}
    )
    for name, way in CHANNELS.items():
        opened = way.open(server)
        assert all(callable(getattr(opened, method)) for method in ("send", "check", "close")), name
        opened.close()
