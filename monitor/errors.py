"""The family of errors. Every message is for the person at 3 a.m.: what, which feed or story, what happens next.

MonitorError
├── ConfigError            config.yaml cannot be used (exit 78)
├── StoreError             the SQLite store cannot be used
│   ├── StoreLocked        another instance holds it (exit 75)
│   └── StoreTooNew        a newer version of the program wrote it
├── FetchError             a request got no usable answer; says whether trying again can help
│   └── AddressRefused     the address is private or not http(s), and not allowed by the config
├── FeedError              the bytes are no feed
├── ExtractError           the bytes are no readable page
├── QueryError             a topic's query is wrong; knows line and column
├── ScorerError            a sentiment scorer cannot be used
└── DeliveryError          a message was not taken; says whether trying again can help
"""

from __future__ import annotations


class MonitorError(Exception):
    """Base of all errors that the program raises on purpose."""

    exit_code = 1


class ConfigError(MonitorError):
    """config.yaml cannot be used. ``problems`` holds one line for each thing that is wrong."""

    exit_code = 78

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StoreError(MonitorError):
    """The SQLite store cannot be used."""


class StoreLocked(StoreError):
    """Another instance holds the store; ``pid`` is its process id where it is known."""

    exit_code = 75

    def __init__(self, path: object, pid: int | None) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__(f"store {path} is held by {holder}; stop it first, or use another store")
        self.pid = pid


class StoreTooNew(StoreError):
    """A newer version of the program wrote the store."""


class FetchError(MonitorError):
    """A request got no usable answer.

    ``permanent``: asking again soon cannot help (gone, forbidden, refused address).
    ``status``: the HTTP status where there was one. ``retry_after_s``: what the server asked for, in seconds.
    """

    def __init__(
        self, message: str, *, permanent: bool = False, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.status = status
        self.retry_after_s = retry_after_s


class AddressRefused(FetchError):
    """The URL's scheme or the address it leads to is not allowed (server-side request forgery guard)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class FeedError(MonitorError):
    """The bytes are no feed of any format we read."""


class ExtractError(MonitorError):
    """The bytes are no page that text can be read from."""


class QueryError(MonitorError):
    """A topic's query is wrong. ``line`` and ``column`` count from 1."""

    def __init__(self, message: str, *, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.line = line
        self.column = column


class ScorerError(MonitorError):
    """A sentiment scorer cannot be loaded or failed; no score is stored then."""


class DeliveryError(MonitorError):
    """A message was not taken. ``permanent``: trying again cannot help; ``code``: the server's reply code, if any.

    ``stop``: the fault is the channel's, not this message's (server away, password refused, certificate wrong):
    no other message of this run would fare better, and trying on could lock the account.
    """

    def __init__(self, message: str, *, permanent: bool, code: int | None = None, stop: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.code = code
        self.stop = stop


class NoPassword(MonitorError):
    """The password of a login is nowhere, or its file cannot be read."""


class InboxError(MonitorError):
    """The mailbox that replies arrive in cannot be read now."""
