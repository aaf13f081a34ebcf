"""Bodies within limits: any bytes, cut anywhere, under any header."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from servers import gzip_bomb

from monitor.fetch.limits import BodyReader, BodyRefused, BodyTooLarge, read_body

PACKERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
    "zstd, gzip": lambda body: gzip.compress(zstandard.compress(body)),
}


def cut_up(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(edge, len(data)) for edge in at), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.binary(max_size=5000), st.sampled_from(sorted(PACKERS)), st.lists(st.integers(0, 5000), max_size=8))
def test_packed_and_cut_anywhere_it_is_the_same_body(body, encoding, edges):
    """The pieces in which a packed body arrives do not matter."""
    reader = BodyReader(encoding, 10_000)
    for piece in cut_up(PACKERS[encoding](body), edges):
        reader.add(piece)
    assert reader.finish() == body


@given(st.binary(max_size=300), st.text(max_size=20) | st.sampled_from(["gzip", "deflate", "zstd", "br"]))
def test_any_bytes_give_a_body_or_a_refusal(data, encoding):
    """Never another exception, never more than the limit."""
    reader = BodyReader("", 10_000)
    try:
        reader = BodyReader(encoding, 10_000)
        reader.add(data)
        assert len(reader.finish()) <= 10_000
    except BodyRefused as error:
        assert str(error)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_costs_little_memory(encoding):
    """64 MiB of zeros are given up after a few megabytes, whichever way it is packed."""
    zeros = 64 * 1024**2
    bomb = gzip_bomb(zeros) if encoding == "gzip" else zstandard.compress(bytes(zeros), 19)
    tracemalloc.start()
    reader = BodyReader(encoding, 10 * 1024**2)
    with pytest.raises(BodyRefused):
        reader.add(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * 1024**2


def test_a_repetitive_feed_is_no_bomb():
    """Real bodies pack up to some fifty times, small ones may pack more."""
    body = b"<item><title>Ratification</title></item>\n" * 20_000
    reader = BodyReader("gzip", 10 * 1024**2)
    reader.add(gzip.compress(body, 1))
    assert reader.finish() == body


async def test_a_body_may_be_cut_instead_of_refused():
    """For robots.txt: its first half megabyte counts."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 100

    assert await read_body(chunks(), "", 250, cut=True) == b"x" * 250
    with pytest.raises(BodyTooLarge):
        await read_body(chunks(), "", 250)
