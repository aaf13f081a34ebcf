"""A real SMTP server on loopback for tests: STARTTLS, TLS, AUTH, and faults on command. Needs no root and no fixed port."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USERNAME, PASSWORD = "monitor", "correct horse"

DROP = "drop"  # close the connection without a word


@dataclass
class Mail:
    """One message that the server took."""

    sender: str
    recipients: list[str]
    content: bytes
    options: list[str]


@dataclass
class MailServer:
    """What a running server saw, and how it is told to misbehave.

    ``faults`` maps an address to what RCPT answers, attempt by attempt ("451 ...", "550 ...", DROP; then it accepts);
    ``after_data`` is the same for the end of DATA: the message is taken all the same.
    """

    port: int = 0
    box: list[Mail] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=dict)
    after_data: list[str] = field(default_factory=list)
    refuse_data: list[str] = field(default_factory=list)
    hang: threading.Event | None = None  # RCPT waits for it
    connections: int = 0
    logins: list[tuple[str, str]] = field(default_factory=list)
    _smtp: list[SMTP] = field(default_factory=list)

    def hang_up_on_everybody(self) -> None:
        """Close all open connections, as a server does that restarts."""
        for smtp in self._smtp:
            if smtp.transport is not None:
                smtp.loop.call_soon_threadsafe(smtp.transport.abort)

    # aiosmtpd calls these ------------------------------------------------------------------------------------------

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        """Accept a recipient, unless a fault is planned for it."""
        if self.hang:
            await asyncio.get_running_loop().run_in_executor(None, self.hang.wait)
        planned = self.faults.get(address)
        if planned:
            fault = planned.pop(0)
            if fault == DROP:
                server.transport.abort()
            return fault
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 recipient ok"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        """Take the message, then answer as planned."""
        if self.refuse_data:
            return self.refuse_data.pop(0)
        self.box.append(
            Mail(envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content, list(envelope.mail_options))
        )
        if self.after_data:
            fault = self.after_data.pop(0)
            if fault == DROP:
                server.transport.abort()
            return fault
        return f"250 2.0.0 queued as {len(self.box)}"

    def authenticate(self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        """Check the one password we know."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password.decode() in (PASSWORD, "пароль"), handled=False)


@contextmanager
def mail_server(
    *,
    tls: ssl.SSLContext | None = None,
    starttls: bool = False,
    auth: bool = False,
    auth_needs_tls: bool = True,
    utf8: bool = True,
    size_limit: int | None = 1_000_000,
) -> Iterator[MailServer]:
    """A server on a free port of 127.0.0.1. ``tls`` alone: TLS from the start; with ``starttls``: offered, and demanded."""
    server = MailServer()

    def connection() -> SMTP:
        server.connections += 1
        smtp = SMTP(
            server,
            hostname="mx.test.example",
            data_size_limit=size_limit,
            enable_SMTPUTF8=utf8,
            tls_context=tls if starttls else None,
            require_starttls=starttls,
            authenticator=server.authenticate if auth else None,
            auth_required=auth,
            auth_require_tls=auth_needs_tls,
            loop=loop,
        )
        server._smtp.append(smtp)
        return smtp

    loop = asyncio.new_event_loop()
    listener = loop.run_until_complete(
        loop.create_server(connection, "127.0.0.1", 0, ssl=tls if tls and not starttls else None)
    )
    server.port = listener.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        if server.hang:
            server.hang.set()
        asyncio.run_coroutine_threadsafe(_end(listener), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _end(listener: asyncio.Server) -> None:
    """Close the server and cancel what its connections still do."""
    listener.close()
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()


@dataclass(frozen=True)
class Authority:
    """A throw-away certificate for one host name, which is its own authority."""

    ca_file: Path
    context: ssl.SSLContext  # for the server


def make_authority(folder: Path, host: str = "localhost") -> Authority:
    """Make a certificate with the openssl command; skips the test where there is none."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl command to make a certificate with")
    key, cert = folder / f"{host}.key", folder / f"{host}.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            "-keyout",
            key,
            "-out",
            cert,
            "-subj",
            f"/CN={host}",
            "-addext",
            f"subjectAltName=DNS:{host}",
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return Authority(cert, context)
