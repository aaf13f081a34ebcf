"""Bodies within limits: decoded from their Content-Encoding piece by piece, and given up when they grow too large.

Memory stays near the limit whatever is sent: 50 MB of text, or a few kilobytes that unpack to a gigabyte.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

RATIO_MAX = 200  # unpacked : packed; real feeds and pages stay under 50, a bomb is near gzip's bound of 1,032
RATIO_FROM_BYTES = 1024**2  # below, no ratio is suspicious
_PIECE = 256 * 1024
_PLAIN_NAMES = frozenset(
    {"", "identity", "none", "utf-8", "utf8", "binary", "8bit"}
)  # what servers write for "as it is"
_CODINGS_MAX = 3


class BodyRefused(Exception):
    """The body cannot be had. ``permanent``: it will not be better soon."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class BodyTooLarge(BodyRefused):
    """More than the limit."""


class Decoder(Protocol):
    """Undoes one content coding."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What follows from ``data``, in pieces of bounded size. Raises ValueError for broken data."""

    def is_complete(self) -> bool:
        """Whether the data ended where it should."""


async def read_body(chunks: AsyncIterator[bytes], content_encoding: str, max_bytes: int, *, cut: bool = False) -> bytes:
    """The body out of ``chunks``, without its content coding, of ``max_bytes`` at most.

    ``cut``: keep the beginning of a longer body instead of refusing it.
    A body that is not coded as its header says is taken as it is. Raises BodyRefused for one that is too large
    (permanent: it will not shrink soon), packed like a bomb, broken, or cut short.
    """
    reader = BodyReader(content_encoding, max_bytes)
    try:
        async for chunk in chunks:
            reader.add(chunk)
        return reader.finish()
    except BodyTooLarge:
        if cut:
            return reader.beginning()
        raise


class BodyReader:
    """Collects one body; see ``read_body``."""

    def __init__(self, content_encoding: str, max_bytes: int) -> None:
        self._codings = _codings(content_encoding)
        self._decoders: list[Decoder] | None = None if self._codings else []  # None: not chosen yet
        self._head = b""
        self._max_bytes = max_bytes
        self._packed = 0
        self._size = 0
        self._pieces: list[bytes] = []

    def add(self, chunk: bytes) -> None:
        """Take the next bytes as sent."""
        self._packed += len(chunk)
        if self._decoders is None:
            self._head += chunk
            if len(self._head) < 4:  # too short to tell how it is packed
                return
            chunk, self._head = self._head, b""
            self._decoders = _choose(self._codings, chunk)
        self._decode(chunk, 0)

    def finish(self) -> bytes:
        """The whole body."""
        if self._head:
            self._decoders = _choose(self._codings, self._head)
            self._decode(self._head, 0)
        if not all(decoder.is_complete() for decoder in self._decoders or ()):
            raise BodyRefused("the packed body ends too early")
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def beginning(self) -> bytes:
        """What was collected so far, of at most the limit."""
        return b"".join(self._pieces)[: self._max_bytes]

    def _decode(self, data: bytes, stage: int) -> None:
        assert self._decoders is not None
        if stage == len(self._decoders):
            self._keep(data)
            return
        try:
            for piece in self._decoders[stage].decode(data):
                self._decode(piece, stage + 1)
        except ValueError as error:
            raise BodyRefused(f"the packed body is broken: {error}") from error

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._max_bytes:
            self._pieces.append(piece)
            raise BodyTooLarge(f"larger than {self._max_bytes} bytes (fetch.max_bytes); given up", permanent=True)
        if self._decoders and self._size > max(RATIO_FROM_BYTES, RATIO_MAX * self._packed):
            raise BodyRefused(
                f"{self._packed} bytes unpack to more than {RATIO_MAX} times as many, like a bomb; given up",
                permanent=True,
            )
        self._pieces.append(piece)


class Inflate:
    """gzip (members one after the other, too), zlib and raw deflate: by ``wbits`` of zlib.decompressobj."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._stream = zlib.decompressobj(wbits)
        self._ended = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        """See Decoder."""
        while not self._ended:
            try:
                piece = self._stream.decompress(data, _PIECE)
            except zlib.error as error:
                raise ValueError(str(error)) from error
            if piece:
                yield piece
            data = self._stream.unconsumed_tail
            if self._stream.eof:
                data = self._stream.unused_data
                self._ended = not (self._wbits == 31 and data.startswith(b"\x1f\x8b"))  # else: padding, ignored
                if not self._ended:
                    self._stream = zlib.decompressobj(self._wbits)
            elif not data and len(piece) < _PIECE:
                return

    def is_complete(self) -> bool:
        """See Decoder."""
        return self._stream.eof


class Zstandard:
    """zstd (RFC 8878), with the window of 8 MiB that it grants to HTTP."""

    _SLICE = 128  # bytes in: at most 32 blocks, each of which unpacks to 128 KiB at most, so 4 MiB out

    def __init__(self) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=8 * 1024**2)
        self._stream = self._decompressor.decompressobj()

    def decode(self, data: bytes) -> Iterator[bytes]:
        """See Decoder."""
        for start in range(0, len(data), self._SLICE):
            yield from self._decode_slice(data[start : start + self._SLICE])

    def is_complete(self) -> bool:
        """See Decoder."""
        return self._stream.eof

    def _decode_slice(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream.eof:  # another frame
                self._stream = self._decompressor.decompressobj()
            try:
                piece = self._stream.decompress(data)
            except self._error as error:
                raise ValueError(str(error)) from error
            if piece:
                yield piece
            data = self._stream.unused_data if self._stream.eof else b""


def _codings(content_encoding: str) -> list[str]:
    """The codings in the order in which to undo them."""
    names = [name.strip().lower().removeprefix("x-") for name in content_encoding.split(",")]
    codings = [name for name in reversed(names) if name not in _PLAIN_NAMES]
    if len(codings) > _CODINGS_MAX:
        raise BodyRefused(f"packed {len(codings)} times over; given up", permanent=True)
    return codings


def _choose(codings: list[str], head: bytes) -> list[Decoder]:
    """Decoders for ``codings``; none when the body does not begin like the first of them: its header is wrong."""
    decoders: list[Decoder] = []
    for coding in codings:
        decoder = _decoder(coding, head if not decoders else None)
        if decoder is None:
            return decoders
        decoders.append(decoder)
    return decoders


def _decoder(coding: str, head: bytes | None) -> Decoder | None:
    """A decoder for ``coding``; None when ``head``, the first bytes where they are known, is not coded so."""
    if coding == "gzip":
        return Inflate(31) if head is None or head.startswith(b"\x1f\x8b") else None
    if coding == "deflate":
        wbits = 15 if head is None else _deflate_wbits(head)
        return Inflate(wbits) if wbits else None
    if coding == "zstd":
        return Zstandard() if head is None or head.startswith(b"\x28\xb5\x2f\xfd") else None
    if head is None or not _is_markup(head):
        raise BodyRefused(f"packed with {coding!r}, which was not asked for and cannot be read")
    return None


def _deflate_wbits(head: bytes) -> int | None:
    """HTTP's "deflate" is zlib by the book, raw deflate from some servers, and now and then gzip or plain text."""
    if head.startswith(b"\x1f\x8b"):
        return 31
    if head[0] & 0x0F == 8 and int.from_bytes(head[:2], "big") % 31 == 0:
        return 15
    if _is_markup(head):
        return None
    try:
        zlib.decompressobj(-15).decompress(head, 1)
    except zlib.error:
        return None
    return -15


def _is_markup(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] in {b"<", b"{", b"["}
