"""Replies out of a Maildir on this machine, into which a mail server delivers. Network: none.

The folder is ours alone: what was read is moved from ``new`` to ``cur`` (https://cr.yp.to/proto/maildir.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monitor.errors import InboxError
from monitor.inbox.box import MESSAGE_BYTES, Incoming


class MaildirBox:
    """A Maildir; made when it is not there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = f"maildir {path}"

    def read(self, after: Any, limit: int) -> list[Incoming]:
        """The oldest messages in ``new``. Raises InboxError."""
        with self._blamed():
            self._make()
            files = sorted((self.path / "new").iterdir(), key=lambda file: (file.stat().st_mtime_ns, file.name))
            found = []
            for file in files[:limit]:
                with file.open("rb") as stream:
                    found.append(Incoming(stream.read(MESSAGE_BYTES), file.name))
            return found

    def done(self, message: Incoming) -> None:
        """Move it to ``cur``, seen. Raises InboxError."""
        with self._blamed():
            (self.path / "new" / message.place).rename(self.path / "cur" / f"{message.place}:2,S")

    def check(self) -> str:
        """Make the folders. Raises InboxError."""
        with self._blamed():
            self._make()
        return f"{self.path} can be read"

    def _make(self) -> None:
        for folder in ("tmp", "new", "cur"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InboxError(f"{self.name}: {error.strerror or error}") from error
