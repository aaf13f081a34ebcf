"""Feed bytes as served -> plain bytes: undoes gzip, deflate and zstd within limits of size and ratio.

Believes the bytes before the headers: a body is often packed without saying so, or no longer packed as they say.
"""

from __future__ import annotations

import zlib

from monitor.errors import FeedError

MAX_BYTES = 10 * 1024**2  # of an unpacked feed; the largest real one of 136 has 1.6 MB
MAX_RATIO = 200  # unpacked to packed; feeds of repeated boilerplate reach 90, deflate's limit is 1,032
RATIO_FLOOR = 1024**2  # a small body may have any ratio
MAX_LAYERS = 3  # gzip in gzip happens where a cache packs again; more is an attack

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


def unpack(body: bytes, content_encoding: str | None) -> tuple[bytes, bool]:
    """The feed's own bytes, and whether they were cut at ``MAX_BYTES``.

    Raises:
        FeedError: the stream is cut short, damaged, packed in a way that we do not undo, or beyond ``MAX_RATIO``.
    """
    coding = (content_encoding or "").lower()
    for _ in range(MAX_LAYERS):
        if body.startswith(_GZIP):
            unpacked = _inflate(body, zlib.MAX_WBITS | 16, "gzip")
        elif body.startswith(_ZSTD):
            unpacked = _unzstd(body)
        elif "deflate" in coding and not _looks_like_text(body):
            unpacked = _inflate(body, zlib.MAX_WBITS if _has_zlib_header(body) else -zlib.MAX_WBITS, "deflate")
            coding = ""
        else:
            break
        body = unpacked
    else:
        raise FeedError(f"packed more than {MAX_LAYERS} times over: not unpacked")
    if "br" in coding.replace(" ", "").split(",") and not _looks_like_text(body):
        raise FeedError("packed with brotli, which is not unpacked here: ask the server for gzip")
    return body[:MAX_BYTES], len(body) > MAX_BYTES


def _inflate(body: bytes, wbits: int, name: str) -> bytes:
    """One byte more than ``MAX_BYTES`` at most, so that the caller can tell that there was more."""
    pieces: list[bytes] = []
    size = 0
    rest = body
    while rest and size <= MAX_BYTES:
        stream = zlib.decompressobj(wbits)
        try:
            piece = stream.decompress(rest, MAX_BYTES + 1 - size)
        except zlib.error as error:
            raise FeedError(f"the {name} stream is damaged: {error}") from error
        pieces.append(piece)
        size += len(piece)
        _refuse_bomb(len(body) - len(stream.unconsumed_tail) - len(stream.unused_data), size)
        if not stream.eof and size <= MAX_BYTES:
            raise FeedError(f"the {name} stream is cut short after {size:,} bytes of text")
        rest = (
            stream.unused_data if stream.unused_data.startswith(_GZIP) else b""
        )  # gzip members may follow one another
    return b"".join(pieces)


def _unzstd(body: bytes) -> bytes:
    import zstandard

    stream = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
    pieces: list[bytes] = []
    size = 0
    try:
        for start in range(0, len(body), 256):  # a block of 4 bytes can say 128 KiB
            piece = stream.decompress(body[start : start + 256])
            pieces.append(piece)
            size += len(piece)
            _refuse_bomb(min(start + 256, len(body)), size)
            if size > MAX_BYTES or stream.eof:
                break
    except zstandard.ZstdError as error:
        raise FeedError(f"the zstd stream is damaged: {error}") from error
    if not stream.eof and size <= MAX_BYTES:
        raise FeedError(f"the zstd stream is cut short after {size:,} bytes of text")
    return b"".join(pieces)[: MAX_BYTES + 1]


def _refuse_bomb(packed: int, unpacked: int) -> None:
    if unpacked > RATIO_FLOOR and unpacked > packed * MAX_RATIO:
        raise FeedError(
            f"{packed:,} bytes unpack to more than {unpacked:,}: beyond the ratio of {MAX_RATIO}, taken for an attack"
        )


def _has_zlib_header(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0  # RFC 1950, 2.2


def _looks_like_text(body: bytes) -> bool:
    return body[:512].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1] in {b"<", b"{", b"["}
