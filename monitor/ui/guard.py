"""The guard at the door: who asks by a foreign name is sent away, and no page may load anything from elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = (
    # Datasette's own pages have scripts and styles in them
    (b"content-security-policy", b"default-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
     b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
    (b"referrer-policy", b"same-origin"),  # outlets need not know what the analyst was looking at
    (b"x-content-type-options", b"nosniff"),
)  # fmt: skip


def guarded(app: App, hosts: Callable[[], frozenset[str] | None]) -> App:
    """``app`` behind the guard; ``hosts``: the names it may be asked by, None for any.

    A site that makes its own name lead to 127.0.0.1 (DNS rebinding) is asked for by that name.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        allowed = hosts()
        if allowed is not None and _host(scope) not in allowed:
            await send({"type": "http.response.start", "status": 421, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"This address is not mine; ask for localhost.\n"})
            return
        await app(scope, receive, send_with_headers)

    return answer


def _host(scope: Scope) -> str:
    """The Host header without its port."""
    value = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
    return value[1:].partition("]")[0] if value.startswith("[") else value.partition(":")[0]
