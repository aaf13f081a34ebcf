"""Delivers into a Maildir on this machine, which any mail program opens. Network: none.

The file's name is made from the Message-ID: a message that comes a second time (crash between delivering and noting)
is found in ``new`` or ``cur`` and not stored again.
"""

from __future__ import annotations

import hashlib
import os
from email import policy
from email.parser import BytesHeaderParser
from pathlib import Path

from monitor.errors import DeliveryError
from monitor.settings import AlertSettings

_FOLDERS = ("tmp", "new", "cur")


def recipients(settings: AlertSettings) -> tuple[str, ...]:
    """The Maildir's path while no mail server is configured, else nobody."""
    return () if settings.email else (str(settings.mailbox),)


def open_channel(settings: AlertSettings) -> Maildir:
    """The Maildir of ``alerts.mailbox``."""
    return Maildir(settings.mailbox)


class Maildir:
    """A folder with ``tmp``, ``new`` and ``cur`` (https://cr.yp.to/proto/maildir.html), made on the first delivery."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def send(self, message: bytes, recipient: str = "") -> str:
        """Store ``message`` once; says under which name. The Maildir is the one configured now, whoever is named.

        Raises DeliveryError (never permanent: a full or read-only disk is put right by the operator).
        """
        name = _name(message)
        try:
            self._make()
            if self._holds(name):
                return f"already stored as {name}"
            self._store(name, message.replace(b"\r\n", b"\n"))
        except OSError as error:
            raise self._refused(error) from error
        return f"stored as {name}"

    def check(self) -> str:
        """Make the folders and see that they can be written to. Raises DeliveryError."""
        try:
            self._make()
        except OSError as error:
            raise self._refused(error) from error
        shut = next((folder for folder in _FOLDERS if not os.access(self.path / folder, os.W_OK)), None)
        if shut:
            raise DeliveryError(f"{self.path / shut} cannot be written to", permanent=False, stop=True)
        return f"{self.path} can be written to"

    def close(self) -> None:
        """Nothing is held open."""

    def _make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in _FOLDERS:
            (self.path / folder).mkdir(mode=0o700, exist_ok=True)

    def _holds(self, name: str) -> bool:
        """A mail program moves what was seen from ``new`` to ``cur`` and adds ``:2,`` with flags."""
        return (self.path / "new" / name).exists() or any((self.path / "cur").glob(f"{name}*"))

    def _store(self, name: str, message: bytes) -> None:
        """Write to ``tmp``, then rename: a mail program sees the whole message or none. On disk before we say so."""
        draft = self.path / "tmp" / name  # one that a crash left behind is overwritten
        with draft.open("wb") as file:
            file.write(message)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self.path / "new" / name)
        folder = os.open(self.path / "new", os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _refused(self, error: OSError) -> DeliveryError:
        return DeliveryError(f"Maildir {self.path}: {error.strerror or error}", permanent=False, stop=True)


def _name(message: bytes) -> str:
    """A file name that is the same for the same Message-ID; without one, for the same bytes."""
    headers = BytesHeaderParser(policy=policy.compat32).parsebytes(message)
    key = str(headers.get("Message-ID", "")).strip().encode("utf-8", "surrogateescape") or message
    return hashlib.blake2b(key, digest_size=16).hexdigest() + ".accession-monitor"
