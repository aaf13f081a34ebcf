"""What went wrong, in words: every error of httpx, aiohttp and the system becomes a FetchError here, and only here."""

from __future__ import annotations

import http
import os
import socket
import ssl
from collections.abc import Iterator

import aiohttp
import httpx

from monitor.errors import AddressRefused, FetchError
from monitor.fetch.guard import Refused
from monitor.fetch.limits import BodyRefused
from monitor.fetch.politeness import HostHeld

# gone for good. Not 404: feeds answer it and come back (mediacloud/rss-fetcher saw it often); not 401, 403, 451 either
_PERMANENT = frozenset({410})


def of_status(url: str, status: int, retry_after_s: float | None) -> FetchError:
    """The error for an answer that is neither 2xx, 304 nor a redirect."""
    try:
        phrase = f" {http.HTTPStatus(status).phrase}"
    except ValueError:
        phrase = ""
    later = f", not to be asked again for {retry_after_s:.0f} s" if retry_after_s else ""
    return FetchError(
        f"{url}: HTTP {status}{phrase}{later}",
        permanent=status in _PERMANENT,
        status=status,
        retry_after_s=retry_after_s,
    )


def of_exception(url: str, error: Exception, timeout_s: float) -> FetchError:
    """The error for what a library raised while ``url`` was asked for within ``timeout_s`` seconds."""
    causes = list(_causes(error))
    for cause in causes:
        match cause:
            case Refused():
                return AddressRefused(f"{url}: {cause}")
            case BodyRefused():
                return FetchError(f"{url}: {cause}", permanent=cause.permanent)
            case aiohttp.ConnectionTimeoutError():
                return FetchError(f"{url}: no connection in time")
            case HostHeld():
                return FetchError(f"{url}: {cause}", status=cause.status, retry_after_s=cause.remaining_s)
    for cause in causes:
        words = _words(cause, timeout_s)
        if words:
            return FetchError(f"{url}: {words}")
    return FetchError(f"{url}: {type(error).__name__}: {error}")


def _words(error: BaseException, timeout_s: float) -> str | None:
    match error:
        case TimeoutError():
            return f"no complete answer within {timeout_s:g} s"
        case socket.gaierror():
            return f"the host name is not known ({error.strerror or error})"
        case ssl.SSLCertVerificationError():
            return f"the server's TLS certificate is not accepted: {error.verify_message or error.reason}"
        case ssl.SSLError():
            return f"no TLS connection: {error.reason or error}"
        case aiohttp.ServerDisconnectedError():
            return "the server closed the connection without an answer"
        case aiohttp.ClientPayloadError():
            return f"the answer broke off: {_plain(error)}"
        case aiohttp.ClientResponseError():
            return f"no valid HTTP answer: {_plain(error)}"
        case aiohttp.InvalidURL() | httpx.InvalidURL():
            return f"no valid URL: {error}"
        case ConnectionRefusedError():
            return "no connection: refused, nothing listens there"
        case ConnectionError():
            return f"the connection broke: {_of_system(error)}"
        case aiohttp.ClientConnectorError():
            return f"no connection: {_of_system(error.os_error)}"
    return None


def _of_system(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)


def _plain(error: BaseException) -> str:
    message = getattr(error, "message", "") or str(error)
    return " ".join(message.split())[:200]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, innermost first, since the libraries' wrappers say less than what they wrap."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        inner = getattr(current, "os_error", None)
        current = inner if isinstance(inner, BaseException) else current.__cause__
    return reversed(chain)
