"""Replies out of an IMAP mailbox (RFC 3501). Opened read-only: nothing in it is changed, and others may read it too.

What was read is known by UID: the place after a message is its UID and the mailbox's UIDVALIDITY. A mailbox that was
made anew is read from its beginning; the store knows each message by its Message-ID.
"""

from __future__ import annotations

import imaplib
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from monitor.errors import InboxError, NoPassword
from monitor.inbox.box import MESSAGE_BYTES, Incoming
from monitor.passwords import read_password
from monitor.settings import ImapSettings

PASSWORD_VARIABLE = "MONITOR_IMAP_PASSWORD"
CREDENTIAL = "imap_password"


class ImapBox:
    """A mailbox on an IMAP server. One connection a reading: replies are rare."""

    def __init__(self, settings: ImapSettings, *, environment: Mapping[str, str] = os.environ) -> None:
        self.settings = settings
        self.name = f"imap {settings.username}@{settings.host}/{settings.folder}"
        self._environment = environment

    def read(self, after: Any, limit: int) -> list[Incoming]:
        """The messages after that place. Raises InboxError."""
        with self._opened() as (server, validity):
            last = after["uid"] if after and after["validity"] == validity else 0
            found = []
            # "n:*" names the last message even where its UID is smaller
            for uid in sorted(uid for uid in self._uids(server, last + 1) if uid > last)[:limit]:
                raw = self._message(server, uid)
                if raw is not None:  # deleted meanwhile
                    found.append(Incoming(raw, {"validity": validity, "uid": uid}))
            return found

    def done(self, message: Incoming) -> None:
        """Nothing to do: the place is in the store."""

    def check(self) -> str:
        """Log in and open the folder. Raises InboxError."""
        with self._opened():
            return f"logged in, {self.settings.folder} opened"

    @contextmanager
    def _opened(self) -> Iterator[tuple[imaplib.IMAP4, str]]:
        """The server with the folder open, and its UIDVALIDITY."""
        server: imaplib.IMAP4 | None = None
        try:
            password = self._password()
            server = self._connected()
            self._log_in(server, password)
            self._expect(server.select(_quoted(self.settings.folder), readonly=True), "open the folder")
            yield server, str(server.response("UIDVALIDITY")[1][0] or b"", "ascii")
        except (imaplib.IMAP4.error, OSError, NoPassword, UnicodeError) as error:
            raise InboxError(f"{self.name}: {_reason(error)}") from error
        finally:
            if server is not None:
                with suppress(imaplib.IMAP4.error, OSError):
                    server.logout()

    def _connected(self) -> imaplib.IMAP4:
        settings = self.settings
        context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        timeout = settings.timeout.total_seconds()
        if settings.security == "tls":
            return imaplib.IMAP4_SSL(settings.host, settings.port, ssl_context=context, timeout=timeout)
        server = imaplib.IMAP4(settings.host, settings.port, timeout=timeout)
        if settings.security == "starttls":
            self._expect(server.starttls(context), "start TLS")
        elif not settings.allow_plain_login:
            server.shutdown()
            raise NoPassword("refusing to send the password without encryption; set security: tls or starttls")
        return server

    def _log_in(self, server: imaplib.IMAP4, password: str) -> None:
        """By PLAIN where it is offered, since it carries UTF-8 (RFC 4616)."""
        login = f"\0{self.settings.username}\0{password}".encode()
        if "AUTH=PLAIN" in server.capabilities:
            self._expect(server.authenticate("PLAIN", lambda _: login), "log in")
        else:
            self._expect(server.login(self.settings.username, password), "log in")

    def _uids(self, server: imaplib.IMAP4, first: int) -> list[int]:
        numbers = self._expect(server.uid("SEARCH", "UID", f"{first}:*"), "search")
        return [int(number) for line in numbers for number in (line or b"").split()]

    def _message(self, server: imaplib.IMAP4, uid: int) -> bytes | None:
        parts = self._expect(server.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{MESSAGE_BYTES}>)"), "fetch a message")
        return next((bytes(part[1]) for part in parts if isinstance(part, tuple)), None)

    def _expect(self, answer: tuple[str, Any], what: str) -> Any:
        status, data = answer
        if status != "OK":
            raise imaplib.IMAP4.error(f"cannot {what}: {_words(data[0] if data else b'')}")
        return data

    def _password(self) -> str:
        return read_password(
            self.settings.username,
            self.settings.password_file,
            variable=PASSWORD_VARIABLE,
            credential=CREDENTIAL,
            environment=self._environment,
        )


def _quoted(folder: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", folder) + '"'


def _words(reply: Any) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
    return " ".join(text.split())[:300]


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return _words(error.args[0] if error.args else error) or type(error).__name__
