"""Which alert a reply is about, signed: nobody can review an alert without having had its mail. Pure.

The token stands in the address that replies go to (``monitor+TOKEN@example.org``, RFC 5233's subaddress), in that
address's name, and in the subject of the review links: servers and mail programs drop one or the other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from email.utils import parseaddr

_TOKEN = re.compile(r"\br(\d{1,15})-([a-z2-7]{16})\b", re.IGNORECASE)


def review_address(address: str, alert_id: int, key: bytes, *, subaddress: bool) -> str:
    """``TOKEN <monitor+TOKEN@example.org>`` for replies to an alert; without ``subaddress``, the bare address.

    ``address``: where replies arrive, with or without a name.
    """
    token = sign(alert_id, key)
    user, _, domain = parseaddr(address)[1].rpartition("@")
    return f"{token} <{user}+{token}@{domain}>" if subaddress else f"{token} <{user}@{domain}>"


def sign(alert_id: int, key: bytes) -> str:
    """The token of an alert: its id, and 80 bits of HMAC-SHA-256 (RFC 2104) in base 32."""
    mac = hmac.new(key, f"review alert {alert_id}".encode(), hashlib.sha256).digest()[:10]
    return f"r{alert_id}-{base64.b32encode(mac).decode('ascii').lower()}"


def alerts_named(text: str, key: bytes) -> Iterator[int | None]:
    """The alerts whose tokens stand in ``text``, in order; None for a token that is not ours."""
    for match in _TOKEN.finditer(text):
        alert_id = int(match[1])
        yield alert_id if hmac.compare_digest(sign(alert_id, key), match[0].lower()) else None
