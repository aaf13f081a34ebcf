"""Feed bytes -> FeedDocument: unpack, decode, sniff, read fast, and again with feedparser where there is any doubt."""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.errors import FeedError
from monitor.model import FeedDocument
from monitor.poll.body import unpack
from monitor.poll.charset import decode
from monitor.poll.dates import parse_date
from monitor.poll.fast import read_fast
from monitor.poll.jsonfeed import read_json_feed
from monitor.poll.markup import title_text
from monitor.poll.reading import NeedsTolerantParser, Reading, entries_of, unread_date
from monitor.poll.sniff import MAX_ENTRIES, Source, sniff
from monitor.poll.tolerant import read_tolerant


def parse_feed(
    body: bytes,
    *,
    url: str = "",
    content_type: str | None = None,
    content_encoding: str | None = None,
    tolerant: bool | None = None,
    max_entries: int = MAX_ENTRIES,
) -> FeedDocument:
    """The entries of a feed in feed order; a feed without entries is no error.

    Args:
        body: as served, or already unpacked.
        url: where it was fetched; relative links are resolved against it.
        content_type: the HTTP header, for its charset.
        content_encoding: the HTTP header; the bytes are believed before it.
        tolerant: None: both readers, as needed, here and now. False: the fast reader only. True: feedparser has its say
            (slow: up to a second per MB, so run it where it can be killed).
        max_entries: entries beyond are left out, and ``truncated`` says so.

    Raises:
        NeedsTolerantParser: ``tolerant`` is False and the fast reader is in doubt.
        FeedError: the bytes are no feed, damaged, or beyond a limit; the message says which.
    """
    unpacked, was_cut = unpack(body, content_encoding)
    source = sniff(decode(unpacked, content_type), was_cut=was_cut, max_entries=max_entries)
    if source.kind == "json":
        if was_cut:
            raise FeedError(f"JSON of more than {len(unpacked):,} bytes: not read")
        return _document(read_json_feed(source.text, max_entries=max_entries), "fast", source, url)
    fast = read_fast(source, url)
    if len(fast.entries) > max_entries:
        _keep_newest(fast, max_entries)
        return _document(fast, "fast", source, url)
    if fast.cut:  # a limit stopped it; feedparser would only take longer to get no further
        if not fast.entries:
            raise FeedError(f"no entries before a limit was met: {fast.cut}")
        return _document(fast, "fast", source, url)
    unread = unread_date(fast)
    if not fast.doubts and not unread and not tolerant:
        return _document(fast, "fast", source, url)
    doubt = fast.doubts[0] if fast.doubts else f"unread date {unread[:40]!r}" if unread else "asked for"
    if tolerant is False:
        raise NeedsTolerantParser(doubt)
    return _second_opinion(fast, doubt, source, url)


def _keep_newest(sitemap: Reading, count: int) -> None:
    """Sitemaps have no order of their own: the newest entries are kept, those without a date last."""
    sitemap.cut = f"the newest {count:,} of {len(sitemap.entries):,} entries"
    undated = datetime.min.replace(tzinfo=UTC)
    sitemap.entries.sort(key=lambda raw: parse_date(raw.published) or undated, reverse=True)
    del sitemap.entries[count:]


def _second_opinion(fast: Reading, doubt: str, source: Source, url: str) -> FeedDocument:
    """feedparser's reading, unless it fails or loses entries that the fast reader has.

    Where dates were the only doubt, only its dates are taken.
    """
    try:
        tolerant = read_tolerant(source, url)
    except Exception as error:
        if not fast.entries:
            raise FeedError(f"unreadable: {doubt}; feedparser: {error!r}") from error
        return _document(fast, f"fast: {doubt}, and feedparser failed with {type(error).__name__}", source, url)
    if len(tolerant.entries) < len(fast.entries):
        counts = f"{len(tolerant.entries)} of {len(fast.entries)}"
        return _document(fast, f"fast: {doubt}, but feedparser found only {counts} entries", source, url)
    if not fast.doubts and len(tolerant.entries) == len(fast.entries) and doubt != "asked for":
        for mine, other in zip(fast.entries, tolerant.entries, strict=True):
            if parse_date(mine.published) is None:
                mine.published = other.published
        return _document(fast, f"feedparser for dates: {doubt}", source, url)
    return _document(tolerant, f"feedparser: {doubt}", source, url)


def _document(reading: Reading, parser: str, source: Source, url: str) -> FeedDocument:
    cut = "; ".join(part for part in (source.cut, reading.cut) if part)
    return FeedDocument(
        format=reading.format,
        title=title_text(reading.title),
        entries=entries_of(reading, url),
        parser=parser,
        ttl_s=reading.ttl_s,
        permanent_url=reading.permanent_url,
        truncated=cut or None,
    )
