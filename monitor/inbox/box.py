"""What a mailbox is, whatever stands behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

MESSAGE_BYTES = 256 * 1024  # of a message that are read: a reply is short, and what it quotes comes last


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it arrived."""

    raw: bytes
    place: Any  # JSON: where reading goes on after it


class Box(Protocol):
    """A mailbox."""

    name: str  # the same at every start: what was read is kept under it

    def read(self, after: Any, limit: int) -> list[Incoming]:
        """The next messages after that place (None: from the beginning), oldest first. Raises InboxError."""

    def done(self, message: Incoming) -> None:
        """What the message said is in the store. Raises InboxError."""

    def check(self) -> str:
        """Go as far as one can without reading; what was found, in words. Raises InboxError."""
