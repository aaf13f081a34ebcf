"""Hands messages to an SMTP server: STARTTLS, TLS or none, with or without login. Retries nothing, composes nothing.

Failures come in two kinds. Those of the channel (server away, certificate wrong, password refused) have ``stop`` set
and are never permanent: the mails wait in the outbox until the operator has put it right. Those of one message follow
the server's reply to MAIL, RCPT or DATA (RFC 5321 section 4.2.1): 4xx may be tried again, 5xx may not.
"""

from __future__ import annotations

import base64
import os
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email.utils import parseaddr

from monitor.errors import DeliveryError, NoPassword
from monitor.passwords import read_password
from monitor.settings import AlertSettings, EmailSettings

PASSWORD_VARIABLE = "MONITOR_SMTP_PASSWORD"
CREDENTIAL = "smtp_password"  # file name under ${CREDENTIALS_DIRECTORY} (systemd LoadCredential=)

_LOGIN_REFUSED = frozenset({454, 530, 534, 535, 538})  # RFC 4954 section 6; 454 is a temporary failure of the server
_GOODBYE_S = 2.0  # how long a QUIT may take: nothing depends on it
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LINE_END = re.compile(rb"\r\n|\r|\n")


def recipients(settings: AlertSettings) -> tuple[str, ...]:
    """The addresses under ``alerts.email.to``; nobody without a mail server."""
    return settings.email.to if settings.email else ()


def open_channel(settings: AlertSettings) -> Email:
    """The mail server of ``alerts.email``; raises ValueError when there is none."""
    if settings.email is None:
        raise ValueError("alerts.email is not configured")
    return Email(settings.email)


class Email:
    """An SMTP server. The connection is kept between messages while it is healthy.

    Safe for several threads: messages go one after the other. ``environment`` is where the password may come from.
    """

    def __init__(self, settings: EmailSettings, *, environment: Mapping[str, str] = os.environ) -> None:
        self.settings = settings
        self._environment = environment
        self._lock = threading.Lock()
        self._server: smtplib.SMTP | None = None

    def send(self, message: bytes, recipient: str) -> str:
        """Send ``message`` to one address; the server's reply to it, like "250 2.0.0 queued as 4F2A".

        The envelope's sender is the address in ``from``, so that bounces go there. Raises DeliveryError.
        """
        try:
            sender = _envelope_address(self.settings.from_)
        except ValueError as error:
            raise self._stop(f"alerts.email.from: {error}") from error
        try:
            to = _envelope_address(recipient)
        except ValueError as error:
            raise DeliveryError(str(error), permanent=True) from error
        data = _LINE_END.sub(b"\r\n", message)
        with self._lock, self._blamed_on_message(to):
            server = self._connected()
            options = _mail_options(server, data, sender, to)
            _expect(server.mail(sender, options), "sender", sender)
            _expect(server.rcpt(to), "recipient", to)
            return _expect(server.data(data), "message for", to)

    def check(self) -> str:
        """Connect and log in, send nothing. Raises DeliveryError."""
        with self._lock:
            server = self._connected()
            tls = server.sock.version() if isinstance(server.sock, ssl.SSLSocket) else "no encryption"
            who = f", logged in as {self.settings.username}" if self.settings.username else ""
            return f"{self._name} answers ({tls}{who})"

    def close(self) -> None:
        """Say goodbye to the server, unless another thread is sending right now."""
        if self._lock.acquire(blocking=False):
            try:
                self._hang_up()
            finally:
                self._lock.release()

    @property
    def _name(self) -> str:
        return f"mail server {self.settings.host}:{self.settings.port}"

    # --- connection -------------------------------------------------------------------------------------------------

    def _connected(self) -> smtplib.SMTP:
        """The open connection if it still answers, else a new one, logged in."""
        if self._server and not _healthy(self._server):
            self._hang_up()
        if self._server is None:
            with self._blamed_on_channel():
                self._connect()
        assert self._server is not None
        return self._server

    def _connect(self) -> None:
        settings = self.settings
        login = (settings.username, self._password(settings.username)) if settings.username else None
        if login and settings.security == "none" and not settings.allow_plain_login:
            raise self._stop(
                "refusing to send the password without encryption; set security: starttls or tls, "
                "or allow_plain_login: true for a server on this machine"
            )
        self._server = self._open()
        _expect_greeting(self._server.ehlo())
        if settings.security == "starttls":
            self._encrypt(self._server)
        if login:
            _login(self._server, *login)

    def _open(self) -> smtplib.SMTP:
        settings = self.settings
        timeout = settings.timeout.total_seconds()
        name = _own_name()
        if settings.security == "tls":
            return smtplib.SMTP_SSL(settings.host, settings.port, name, timeout=timeout, context=self._tls())
        return smtplib.SMTP(settings.host, settings.port, name, timeout=timeout)

    def _encrypt(self, server: smtplib.SMTP) -> None:
        """STARTTLS or nothing: a server (or somebody in between) that does not offer it gets neither login nor mail."""
        if not server.has_extn("starttls"):
            raise self._stop("the server offers no STARTTLS; if it speaks TLS from the start, set security: tls")
        server.starttls(context=self._tls())
        _expect_greeting(server.ehlo())

    def _tls(self) -> ssl.SSLContext:
        ca_file = self.settings.ca_file
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)

    def _password(self, username: str) -> str:
        try:
            return read_password(
                username,
                self.settings.password_file,
                variable=PASSWORD_VARIABLE,
                credential=CREDENTIAL,
                environment=self._environment,
            )
        except NoPassword as error:
            raise self._stop(str(error)) from error

    def _hang_up(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        with suppress(smtplib.SMTPException, OSError):  # it is over either way
            if server.sock:
                server.sock.settimeout(_GOODBYE_S)
                server.quit()
        server.close()

    # --- whose fault it is ------------------------------------------------------------------------------------------

    @contextmanager
    def _blamed_on_channel(self) -> Iterator[None]:
        """Whatever goes wrong before the first message is the channel's fault: stop, and keep the mails."""
        try:
            yield
        except DeliveryError:
            self._hang_up()
            raise
        except smtplib.SMTPAuthenticationError as error:
            self._hang_up()
            raise self._stop(
                f"login as {self.settings.username} refused: {_words(error.smtp_code, error.smtp_error)}",
                error.smtp_code,
            ) from error
        except smtplib.SMTPResponseException as error:
            self._hang_up()
            raise self._stop(_words(error.smtp_code, error.smtp_error), error.smtp_code) from error
        except ssl.SSLCertVerificationError as error:
            self._hang_up()
            hint = "; for an own authority set ca_file" if not self.settings.ca_file else ""
            raise self._stop(f"its certificate cannot be trusted: {error.verify_message}{hint}") from error
        except (smtplib.SMTPException, OSError, ValueError) as error:  # ValueError: a host name that cannot be encoded
            self._hang_up()
            raise self._stop(f"cannot be used: {_reason(error)}") from error

    @contextmanager
    def _blamed_on_message(self, to: str) -> Iterator[None]:
        """Replies to MAIL, RCPT and DATA are about this message; a lost connection may be the server's."""
        try:
            yield
        except _Refused as error:
            raise self._refusal(error) from error
        except smtplib.SMTPDataError as error:  # DATA itself was answered with no
            refused = _Refused("message for", to, error.smtp_code, _bytes(error.smtp_error))
            raise self._refusal(refused) from error
        except (smtplib.SMTPException, OSError) as error:
            self._hang_up()
            # after DATA nobody knows whether it was taken: the retry carries the same Message-ID
            raise DeliveryError(
                f"{self._name}: connection lost while sending to {to}: {_reason(error)}", permanent=False
            ) from error

    def _refusal(self, error: _Refused) -> DeliveryError:
        login_wanted = error.code in _LOGIN_REFUSED and error.step == "sender"
        closing = error.code == 421  # RFC 5321: the server closes the connection
        if closing or login_wanted or not self._reset():
            self._hang_up()
        return DeliveryError(
            f"{self._name}: {error.step} {error.address} refused: {_words(error.code, error.reply)}",
            permanent=error.code >= 500 and not login_wanted,
            code=error.code,
            stop=closing or login_wanted,
        )

    def _reset(self) -> bool:
        """Clear the refused message, so that the next can use the connection; False if the server does not answer."""
        try:
            return self._server is not None and self._server.rset()[0] == 250
        except (smtplib.SMTPException, OSError):
            return False

    def _stop(self, problem: str, code: int | None = None) -> DeliveryError:
        return DeliveryError(f"{self._name}: {problem}", permanent=False, code=code, stop=True)


class _Refused(Exception):
    """The server's reply to one step was no."""

    def __init__(self, step: str, address: str, code: int, reply: bytes) -> None:
        super().__init__(step, address, code, reply)
        self.step, self.address, self.code, self.reply = step, address, code, reply


def _mail_options(server: smtplib.SMTP, data: bytes, sender: str, to: str) -> list[str]:
    """Parameters of MAIL. Raises _Refused for what the server cannot take (SIZE, RFC 1870; SMTPUTF8, RFC 6531)."""
    options = []
    if server.has_extn("size"):
        limit = server.esmtp_features["size"]
        if limit.isdigit() and 0 < int(limit) < len(data):
            raise _Refused("message for", to, 552, f"it has {len(data)} bytes, the server takes {limit}".encode())
        options.append(f"size={len(data)}")
    headers = data.partition(b"\r\n\r\n")[0]
    if not (sender.isascii() and to.isascii() and headers.isascii()):
        if not server.has_extn("smtputf8"):
            raise _Refused("recipient", to, 553, b"the server takes no addresses beyond ASCII (SMTPUTF8)")
        options += ["SMTPUTF8", "BODY=8BITMIME"]
    return options


def _expect(answer: tuple[int, bytes], step: str, address: str) -> str:
    """The reply in words if it is 2xx; raises _Refused."""
    code, reply = answer
    if not 200 <= code < 300:
        raise _Refused(step, address, code, reply)
    return _words(code, reply)


def _expect_greeting(answer: tuple[int, bytes]) -> None:
    code, reply = answer
    if not 200 <= code < 300:
        raise smtplib.SMTPHeloError(code, reply)


def _healthy(server: smtplib.SMTP) -> bool:
    try:
        return server.noop()[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


def _login(server: smtplib.SMTP, username: str, password: str) -> None:
    """Log in by one mechanism, once. ``smtplib.login`` would try a wrong password with each: servers lock accounts.

    PLAIN first: over TLS the password is safe, any server can check it, and it carries UTF-8 (RFC 4616).
    """
    server.user, server.password = username, password
    offered = server.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in offered:
        token = base64.b64encode(f"\0{username}\0{password}".encode()).decode("ascii")
        code, reply = server.docmd("AUTH", f"PLAIN {token}")
        if code != 235:
            raise smtplib.SMTPAuthenticationError(code, reply)
    elif "LOGIN" in offered:
        server.auth("LOGIN", server.auth_login)
    elif "CRAM-MD5" in offered:
        server.auth("CRAM-MD5", server.auth_cram_md5)
    else:
        raise smtplib.SMTPNotSupportedError(f"it offers no login that we know ({' '.join(offered) or 'none at all'})")


def _envelope_address(text: str) -> str:
    """The bare address of ``Name <a@b>``, its domain as an A-label. Raises ValueError for what is none."""
    address = parseaddr(text)[1]
    user, at, domain = address.rpartition("@")
    if not (user and at and domain) or re.search(r"[\s<>\x00-\x1f\x7f]", address) or re.search(r"[\r\n]", text):
        raise ValueError(f"{text!r} is no mail address; write name@example.org or Name <name@example.org>")
    try:
        return f"{user}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError as error:
        raise ValueError(f"{text!r} is no mail address: {error}") from error


def _own_name() -> str:
    """What we call ourselves in EHLO. Not socket.getfqdn(): that asks the DNS and may hang for minutes without one."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _words(code: int, reply: bytes | str) -> str:
    """A reply on one line, control characters removed."""
    text = _bytes(reply).decode("utf-8", "replace")
    return f"{code} {' '.join(_CONTROLS.sub(' ', text).split())[:300]}"


def _bytes(reply: bytes | str) -> bytes:
    return reply if isinstance(reply, bytes) else reply.encode("utf-8", "replace")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):  # smtplib hides it in another
        return "no answer in time"
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)) or type(error).__name__
