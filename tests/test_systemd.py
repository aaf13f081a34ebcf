"""deploy/monitor.service under a real systemd: in a box (tests/systemd/box.sh), from the first start to a wrong config."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "tests" / "systemd"
BOX = HERE / "box.sh"
UNIT = ROOT / "deploy" / "monitor.service"
STORIES = 16  # of the sample newsroom
EXPOSURE_AT_MOST = 1.5
WAIT_S = 60
STOP_S = 10  # the promise

# ProtectHome hides a project's .venv and its Python: the box has the machine's own Python over the same packages
PROGRAM = """#!/bin/sh
PYTHONPATH=/opt/monitor/source:/opt/monitor/packages exec /usr/bin/python3 -B -m monitor "$@"
"""
# the unit as it is, but quicker to act
DROP_IN = """
[Service]
RestartSec=100ms
WatchdogSec=6s
TimeoutAbortSec=1s
"""


class Box:
    """A booted box with the unit installed and the newsroom on its loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = Path("/")

    def boot(self) -> None:
        """Raises CalledProcessError with the reason on stderr."""
        subprocess.run([BOX, "up", self.folder], check=True, timeout=90)
        self.root = Path(f"/proc/{(self.folder / 'pid').read_text().strip()}/root")

    def down(self) -> None:
        """Take it away."""
        subprocess.run([BOX, "down", self.folder], check=True, timeout=60)

    def run(self, *command: str, check: bool = True) -> str:
        """A command as root inside; its standard output."""
        ran = subprocess.run(
            [BOX, "run", self.folder, *command], capture_output=True, text=True, timeout=WAIT_S, check=False
        )
        if check and ran.returncode:
            raise AssertionError(
                f"{' '.join(command)}: exit {ran.returncode}\n{ran.stdout}{ran.stderr}{self.journal()}"
            )
        return ran.stdout.strip()

    def show(self, name: str) -> str:
        """A property of the service."""
        return self.run("systemctl", "show", "-P", name, "monitor")

    def journal(self, *options: str) -> str:
        """What the service and systemd said about it."""
        return self.run("journalctl", "--unit=monitor", "--no-pager", "--output=cat", *options, check=False)

    def eventually(self, what: str, holds: Callable[[], object]) -> None:
        """Wait until it holds; AssertionError with the journal otherwise."""
        deadline = time.monotonic() + WAIT_S
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"never: {what}\n{self.journal()}")
            time.sleep(0.2)

    def mails(self) -> list[str]:
        """The alert mails in the Maildir, by their Message-IDs."""
        found = (self.root / "var/lib/monitor/mail/new").glob("*")
        return sorted(re.search(r"^Message-ID: (.*)$", mail.read_text(), re.MULTILINE)[1] for mail in found)  # type: ignore[index]

    def status(self) -> dict[str, dict[str, int]]:
        """``monitor status --json`` as the service's user."""
        program = "/opt/monitor/venv/bin/monitor"
        text = self.run("runuser", "-u", "monitor", "--", program, "status", "--json", "-c", "/etc/monitor/config.yaml")
        status: dict[str, dict[str, int]] = json.loads(text)
        return status


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with everything in place, the service not yet started."""
    needed = subprocess.run([BOX, "can"], capture_output=True, text=True, check=False)
    if needed.returncode:
        pytest.skip(f"no box with a systemd can be made here: {needed.stdout.strip()}")
    if version("/usr/bin/python3") != sys.version_info[:2]:
        pytest.skip(f"/usr/bin/python3 is no Python {sys.version_info.major}.{sys.version_info.minor} as this one is")
    folder = tmp_path_factory.mktemp("box")
    files = folder / "files"
    put(files / "etc/systemd/system/monitor.service", UNIT.read_text())
    put(files / "etc/systemd/system/monitor.service.d/test.conf", DROP_IN)
    put(files / "etc/sysusers.d/monitor.conf", (ROOT / "deploy/monitor.sysusers").read_text())
    put(files / "etc/tmpfiles.d/monitor.conf", (ROOT / "deploy/monitor.tmpfiles").read_text())
    put(files / "etc/monitor/smtp_password", "correct horse\n", mode=0o600)
    put(files / "etc/monitor/imap_password", "", mode=0o600)
    put(files / "opt/monitor/venv/bin/monitor", PROGRAM, mode=0o755)
    (folder / "binds").write_text(
        f"{ROOT / 'monitor'} /opt/monitor/source/monitor\n"
        f"{sysconfig.get_path('purelib')} /opt/monitor/packages\n"
        f"{HERE} /opt/monitor/tests\n"
    )
    box = Box(folder)
    try:
        box.boot()
        yield box
    finally:
        box.down()


def put(path: Path, text: str, mode: int = 0o644) -> None:
    """A file in the box; its folders may be entered by everybody."""
    for folder in reversed(path.parents):
        if not folder.exists():
            folder.mkdir(mode=0o755)
    path.write_text(text)
    path.chmod(mode)


def version(python: str) -> tuple[int, ...]:
    """Major and minor version of an interpreter; () when there is none."""
    if not shutil.which(python):
        return ()
    code = "import sys; print(*sys.version_info[:2])"
    return tuple(int(part) for part in subprocess.check_output([python, "-c", code], text=True).split())


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_the_unit_is_hardened() -> None:
    """The exposure as systemd counts it: 9.6 for a bare unit, 1.1 is what a program that fetches can reach."""
    said = subprocess.check_output(["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT], text=True)
    exposure = re.search(r"Overall exposure level for monitor.service: ([0-9.]+)", said)
    assert exposure, said
    assert float(exposure[1]) <= EXPOSURE_AT_MOST


def test_the_service_starts_works_reloads_recovers_and_stops(box: Box) -> None:
    """Ready when it works; stories and mails; reload; kill -9 and a hang are recovered from with nothing doubled; stop."""
    assert box.run("systemd-analyze", "verify", "--man=no", "/etc/systemd/system/monitor.service") == ""
    notify_as_main = ["--property=Type=notify", "--setenv=PYTHONPATH=/opt/monitor/source:/opt/monitor/packages"]
    newsroom = ["/usr/bin/python3", "-B", "/opt/monitor/tests/newsroom.py", "/etc/monitor/config.yaml"]
    box.run("systemd-run", "--quiet", "--unit=newsroom", *notify_as_main, *newsroom, "/var/lib/monitor")

    # --- start: returns when the service says that it is ready
    box.run("systemctl", "start", "monitor")
    assert box.show("ActiveState") == "active"
    assert "started store=/var/lib/monitor/monitor.db feeds=11" in box.journal()
    assert box.show("StatusText")
    assert box.run("stat", "--format=%U:%G %a", "/var/lib/monitor") == "monitor:monitor 750"
    assert box.run("stat", "--format=%U %a", "/var/lib/monitor/monitor.db") == "monitor 640"
    assert box.run("ps", "-o", "user=", "-p", box.show("MainPID")) == "monitor"

    # --- work: the backlog is stored, the news is mailed, and its user can ask how it is
    box.eventually("the first stories are stored", lambda: "read story=" in box.journal())
    assert box.mails() == []
    box.run("systemctl", "kill", "--signal=USR1", "newsroom")
    box.eventually("all stories are read", lambda: len(read_stories(box.journal())) == STORIES)
    box.eventually("alerts are sent", lambda: "alert sent" in box.journal())
    box.eventually("all alerts are sent", lambda: box.status()["outbox"]["owed"] == 0)
    assert box.status()["store"]["stories"] == STORIES
    mails = box.mails()
    assert len(mails) == len(set(mails)) > 5

    # --- reload: a config whose password is the credential that only root can read; the service itself checks that
    config = box.root / "etc/monitor/config.yaml"
    first = json.loads(config.read_text())
    mail_server = {
        "host": "127.0.0.1",
        "username": "monitor",
        "password_file": "${CREDENTIALS_DIRECTORY}/smtp_password",
        "from": "monitor@sample.example",
        "to": ["desk@sample.example"],
    }
    config.write_text(json.dumps(first | {"alerts": {"email": mail_server}}))
    box.run("systemctl", "reload", "monitor")
    box.eventually("it is reloaded", lambda: "reloaded feeds=11" in box.journal())
    mail_server["password_file"] = "${CREDENTIALS_DIRECTORY}/another"
    config.write_text(json.dumps(first | {"alerts": {"email": mail_server}}))
    box.run("systemctl", "reload", "monitor")
    box.eventually("the wrong one is refused", lambda: "the old config stays" in box.journal("--priority=err"))
    config.write_text(json.dumps(first))

    # --- kill -9: started again, and what it did before is not done again
    killed = box.show("MainPID")
    box.run("kill", "-9", killed)
    box.eventually("it runs again", lambda: running_as_another(box, killed))
    assert box.show("NRestarts") == "1"

    # --- a hang: the watchdog ends it, and it is started again
    stopped = box.show("MainPID")
    box.run("kill", "-STOP", stopped)
    box.eventually("the hanging one is replaced", lambda: running_as_another(box, stopped))
    assert "Watchdog timeout" in box.journal()
    assert box.show("NRestarts") == "2"
    box.eventually("it polls again", lambda: "polled" in box.journal().rpartition("started store=")[2])
    assert (box.status()["store"]["stories"], box.mails()) == (STORIES, mails)

    # --- stop: in time, clean, and nothing of it is left
    began = time.monotonic()
    box.run("systemctl", "stop", "monitor")
    assert time.monotonic() - began < STOP_S
    assert (box.show("ActiveState"), box.show("Result")) == ("inactive", "success")
    assert box.run("pgrep", "-u", "monitor", check=False) == ""

    # --- a wrong config: told with its problems, and not tried again and again
    config.write_text("feds: []\n")
    box.run("systemctl", "start", "monitor", check=False)
    assert (box.show("ActiveState"), box.show("ExecMainStatus")) == ("failed", "78")
    assert "feds" in box.journal()


def read_stories(journal: str) -> set[str]:
    """The ids of the stories that it says it has read."""
    return set(re.findall(r"(?:read|flagged) story=(\d+)", journal))


def running_as_another(box: Box, before: str) -> bool:
    """The service is active with another main process."""
    return box.show("ActiveState") == "active" and box.show("MainPID") not in ("0", before)
