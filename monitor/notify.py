"""Tells systemd how the service is doing: the sd_notify(3) protocol, one datagram to $NOTIFY_SOCKET."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

log = logging.getLogger(__name__)

SEND_WITHIN_S = 2  # a manager that does not read must not hold up the work


def notify(*fields: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send fields like ``READY=1`` or ``STATUS=reading 12 entries``. False when no service manager listens.

    A line break within a field would begin another one, and becomes a space.
    Source: sd_notify(3); a leading ``@`` in $NOTIFY_SOCKET stands for the abstract namespace.
    """
    path = environ.get("NOTIFY_SOCKET")
    if not path:
        return False
    message = "\n".join(" ".join(field.splitlines()) for field in fields).encode()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.settimeout(SEND_WITHIN_S)
            sock.connect("\0" + path[1:] if path.startswith("@") else path)
            sock.sendall(message)
    except OSError as error:
        log.warning("service manager not reached", extra={"socket": path, "error": str(error)})
        return False
    return True


def reloading(environ: Mapping[str, str] = os.environ) -> bool:
    """Say that a reload begins; READY=1 must follow. systemd wants the monotonic time in microseconds with it."""
    return notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", environ=environ)


def watchdog_s(environ: Mapping[str, str] = os.environ) -> float | None:
    """Seconds within which systemd wants to hear from us (WatchdogSec), or None without a watchdog.

    Source: sd_watchdog_enabled(3): $WATCHDOG_USEC counts only for the process in $WATCHDOG_PID.
    """
    usec, pid = environ.get("WATCHDOG_USEC"), environ.get("WATCHDOG_PID")
    if not usec or (pid and int(pid) != os.getpid()):
        return None
    return int(usec) / 1_000_000
