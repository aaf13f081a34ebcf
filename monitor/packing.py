"""Pages as they travel to a worker and lie in the store: compressed by zstd. Pure."""

from __future__ import annotations

import zstandard

_LEVEL = 3  # 6 saves 4 % more of a news page for twice the time


def pack(body: bytes) -> bytes:
    """The bytes, compressed; about a fifth of a news page."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(body)


def unpack(packed: bytes) -> bytes:
    """The inverse of ``pack``."""
    return zstandard.ZstdDecompressor().decompressobj().decompress(packed)
