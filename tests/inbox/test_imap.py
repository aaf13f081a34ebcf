"""Replies out of an IMAP mailbox: a real Dovecot on loopback, with TLS."""

from __future__ import annotations

import imaplib
import os
import select
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mail_servers import make_authority

from monitor.errors import InboxError
from monitor.inbox.imap import ImapBox
from monitor.settings import ImapSettings

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("dovecot"), reason="needs root and dovecot (package dovecot-imapd)"
)
PASSWORD = "pässwörd"

CONFIG = """
base_dir = {folder}/run
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/localhost.pem
ssl_key = <{folder}/localhost.key
disable_plaintext_auth = yes
mail_location = maildir:{folder}/mail/%n/Maildir
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%n allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
"""


@dataclass
class Dovecot:
    """A running server and how to reach it."""

    folder: Path
    port: int
    tls_port: int

    def settings(self, **changes: Any) -> ImapSettings:
        """For the mailbox of our monitor."""
        usual: dict[str, Any] = {
            "host": "localhost", "port": self.tls_port, "username": "monitor", "ca_file": self.folder / "localhost.pem",
        }  # fmt: skip
        return ImapSettings(**{**usual, **changes})

    def box(self, **changes: Any) -> ImapBox:
        """The mailbox as the program opens it."""
        return ImapBox(self.settings(**changes), environment={"MONITOR_IMAP_PASSWORD": PASSWORD})

    def arrives(self, text: str) -> None:
        """A message comes into the mailbox."""
        with self.login() as server:
            server.append("INBOX", "", "", f"Subject: {text}\r\n\r\n{text}".encode())

    def login(self) -> imaplib.IMAP4_SSL:
        """As any mail program does it."""
        context = ssl.create_default_context(cafile=str(self.folder / "localhost.pem"))
        server = imaplib.IMAP4_SSL("localhost", self.tls_port, ssl_context=context)
        server.authenticate("PLAIN", lambda _: f"\0monitor\0{PASSWORD}".encode())
        server.select("INBOX")
        return server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    """A server of our own, in a folder of its own."""
    version = subprocess.run(["dovecot", "--version"], check=True, capture_output=True, text=True).stdout
    if not version.startswith("2.3."):
        pytest.skip(f"written for the configuration of dovecot 2.3, here is {version.strip()}")
    folder = tmp_path_factory.mktemp("dovecot")
    for path in (folder, *folder.parents):  # pytest's folders are for root alone; the mailbox belongs to nobody
        if path.stat().st_mode & 0o001 == 0:
            path.chmod(0o755)
    make_authority(folder)
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", "nobody", "nogroup")
    nobody = (folder / "mail").stat()
    config = folder / "dovecot.conf"
    config.write_text(
        CONFIG.format(
            folder=folder, password=PASSWORD, uid=nobody.st_uid, gid=nobody.st_gid, port=ports[0], tls_port=ports[1]
        )
    )
    program = subprocess.Popen(["dovecot", "-F", "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(ports[0], program)
        yield Dovecot(folder, *ports)
    finally:
        program.terminate()
        program.wait(10)


def _wait_for(port: int, program: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while program.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        select.select([], [], [], 0.05)
    raise AssertionError(f"dovecot does not answer (exit code {program.poll()})")


@pytest.fixture
def dovecot(running: Dovecot) -> Dovecot:
    """With an empty mailbox."""
    shutil.rmtree(running.folder / "mail/monitor", ignore_errors=True)
    return running


def test_each_message_is_read_once_and_left_as_it_is(dovecot: Dovecot) -> None:
    """By its UID; nobody sees that we have read it."""
    dovecot.arrives("one")
    dovecot.arrives("two")
    box = dovecot.box()
    first, second = box.read(None, 10)
    assert [first.raw, second.raw] == [f"Subject: {text}\r\n\r\n{text}".encode() for text in ("one", "two")]
    assert box.read(None, 1) == [first]
    assert box.read(first.place, 10) == [second]
    assert box.read(second.place, 10) == []
    dovecot.arrives("three")
    (third,) = box.read(second.place, 10)
    assert third.raw.endswith(b"three")
    with dovecot.login() as server:
        assert server.search(None, "UNSEEN")[1] == [b"1 2 3"]


def test_a_mailbox_that_was_made_anew_is_read_from_its_beginning(dovecot: Dovecot) -> None:
    """Its numbers mean other messages then (RFC 3501, UIDVALIDITY)."""
    dovecot.arrives("one")
    (message,) = dovecot.box().read(None, 10)
    before = {**message.place, "validity": "1"}
    assert dovecot.box().read(before, 10) == [message]


def test_starttls_will_do(dovecot: Dovecot) -> None:
    """On the other port."""
    box = dovecot.box(port=dovecot.port, security="starttls")
    assert box.check() == "logged in, INBOX opened"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"folder": "No such folder"}, "cannot open the folder"),
        ({"ca_file": None}, "certificate"),
        ({"security": "none"}, "refusing to send the password"),
        ({"port": 1}, "refused"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], problem: str, dovecot: Dovecot) -> None:
    """With the mailbox's name."""
    if "security" in changes:
        changes = {**changes, "port": dovecot.port}
    with pytest.raises(InboxError, match=rf"^imap monitor@localhost/.*{problem}"):
        dovecot.box(**changes).check()


def test_a_wrong_password_is_said(dovecot: Dovecot) -> None:
    """As the server says it; no password at all, as we do."""
    box = ImapBox(dovecot.settings(), environment={"MONITOR_IMAP_PASSWORD": "wrong"})
    with pytest.raises(InboxError, match=r"(?i)authentication failed"):
        box.check()
    with pytest.raises(InboxError, match="set password_file, MONITOR_IMAP_PASSWORD"):
        ImapBox(dovecot.settings(), environment={}).check()


def test_a_large_message_is_cut(dovecot: Dovecot) -> None:
    """A reply is short, and what it quotes comes last."""
    with dovecot.login() as server:
        server.append("INBOX", "", "", b"Subject: long\r\n\r\nno\r\n" + b"x" * 2_000_000)
    (message,) = dovecot.box().read(None, 10)
    assert len(message.raw) == 256 * 1024
