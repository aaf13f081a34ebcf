"""sd_notify: what systemd hears."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from monitor.notify import notify, reloading, watchdog_s


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[socket.socket, dict[str, str]]:
    address = str(tmp_path / "notify") if request.param == "path" else f"\0monitor-test-{os.getpid()}"
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(address)
    return sock, {"NOTIFY_SOCKET": address.replace("\0", "@")}


def test_fields_arrive_in_one_datagram(manager: tuple[socket.socket, dict[str, str]]) -> None:
    """READY and STATUS together, over a path or the abstract namespace."""
    sock, environ = manager
    assert notify("READY=1", "STATUS=started", environ=environ)
    assert sock.recv(1000) == b"READY=1\nSTATUS=started"
    sock.close()


def test_a_reload_names_its_time(manager: tuple[socket.socket, dict[str, str]]) -> None:
    """systemd asks for MONOTONIC_USEC with RELOADING=1."""
    sock, environ = manager
    assert reloading(environ)
    assert sock.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    sock.close()


def test_without_a_manager_nothing_is_sent() -> None:
    """Outside systemd the program runs the same."""
    assert not notify("READY=1", environ={})


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_the_watchdog_counts_only_for_this_process(environ: dict[str, str], seconds: float | None) -> None:
    """sd_watchdog_enabled(3)."""
    assert watchdog_s(environ) == seconds
