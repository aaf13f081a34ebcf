"""What every reader of feeds hands over, and how it becomes entries: plain text, absolute links, dates, a key each."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from monitor.errors import FeedError
from monitor.model import Entry
from monitor.poll.dates import parse_date
from monitor.poll.markup import fragment_text, plain_or_fragment_text, title_text
from monitor.urls import absolute_url, canonical_url

MAX_KEY = 300  # characters; a longer guid is replaced by its hash
MAX_TITLE = 2_000  # characters; the longest real headline has 300
MAX_TEXT = 500_000  # characters of a summary or content


class NeedsTolerantParser(FeedError):
    """The fast reader is in doubt; the message says why. Give the same bytes to ``parse_feed(..., tolerant=True)``."""


@dataclass(slots=True)
class RawEntry:
    """One item as it stands in the feed, before texts are made plain."""

    guid: str = ""
    link: str = ""
    guid_is_link: bool = False  # RSS: isPermaLink is not false; Atom and JSON Feed: the id may be an address
    title: str = ""
    summary: str = ""
    content: str = ""
    title_is_plain: bool = False  # the feed says so; markup is undone only where it looks like markup
    summary_is_plain: bool = False
    content_is_plain: bool = False
    authors: list[str] = field(default_factory=list)
    published: str = ""  # the date as written
    base: str = ""  # xml:base, where there is one


@dataclass(slots=True)
class Reading:
    """A feed as one reader saw it."""

    format: str
    title: str = ""
    link: str = ""  # of the site
    entries: list[RawEntry] = field(default_factory=list)
    ttl_s: int | None = None
    permanent_url: str | None = None
    doubts: list[str] = field(default_factory=list)  # why another reader should look, first reason first
    cut: str = ""  # what was left out


def entries_of(reading: Reading, url: str) -> tuple[Entry, ...]:
    """The entries of ``reading`` with their keys. ``url``: where the feed was fetched.

    Links are resolved against xml:base, else the site's link, else ``url``; in Atom, whose links are relative to the
    document, against ``url`` before the site's link (RFC 4287, 2).
    """
    site = absolute_url(url, reading.link) or ""
    base = (url or site) if reading.format == "atom" else (site or url)
    entries = [_entry(raw, base) for raw in reading.entries]
    return tuple(_with_keys(entries))


def unread_date(reading: Reading) -> str:
    """The first date text that no rule of ours can read; empty where there is none."""
    for raw in reading.entries:
        if raw.published and raw.published.strip() and parse_date(raw.published) is None:
            return raw.published.strip()
    return ""


def _entry(raw: RawEntry, base: str) -> Entry:
    guid = raw.guid.strip() or None
    link = _link(raw, base)
    title = title_text(raw.title) if not raw.title_is_plain else _line(plain_or_fragment_text(raw.title))
    content = _text(raw.content, is_plain=raw.content_is_plain)
    # a feed with full text only: the text is its own summary, as feedparser has it
    summary = _text(raw.summary, is_plain=raw.summary_is_plain) or content
    return Entry(
        guid=guid,
        link=link,
        title=title[:MAX_TITLE],
        summary=summary,
        content=content,
        authors=tuple(dict.fromkeys(author for name in raw.authors if (author := _author(name)))),
        published_at=parse_date(raw.published) if raw.published else None,
    )


def _link(raw: RawEntry, base: str) -> str | None:
    # "&" that was escaped twice; no address has "&amp;" in it on purpose
    link = absolute_url(raw.base or base, raw.link.replace("&amp;", "&")) if raw.link else None
    guid = raw.guid.strip()
    if link is None and raw.guid_is_link and (guid[:4].lower() == "http" or guid[:1] == "/"):
        link = absolute_url(raw.base or base, guid)
    return link


def _text(markup: str, *, is_plain: bool) -> str:
    if not markup:
        return ""
    return (plain_or_fragment_text if is_plain else fragment_text)(markup[:MAX_TEXT])


def _line(text: str) -> str:
    return " ".join(text.split())


def _author(name: str) -> str:
    """``desk@example.org (Jane Roe)`` -> ``Jane Roe``; an address alone is nobody's name."""
    name = title_text(name)
    if "@" in name:
        if "(" in name and name.endswith(")"):
            name = name[name.index("(") + 1 : -1]
        elif "<" in name:
            name = name.partition("<")[0]
        else:
            name = " ".join(word for word in name.split() if "@" not in word)
    return name.strip(" ,;")[:200]


# --- identity --------------------------------------------------------------------------------------------------------


def _with_keys(entries: Sequence[Entry]) -> list[Entry]:
    """Key of each entry: its guid, else its canonical link, else a hash of title, date and summary.

    A guid that stands at entries with different links or titles is no identity: all of them get the link and, where
    that is the same too, the title added. All, not all but the first: which one is first changes from poll to poll.
    """
    keys = [_plain_key(entry) for entry in entries]
    for more in (_link_key, _title_key):
        keys = _told_apart(entries, keys, more)
    return [_keyed(entry, key) for entry, key in zip(entries, keys, strict=True)]


def _told_apart(entries: Sequence[Entry], keys: list[str], more: Callable[[Entry], str]) -> list[str]:
    repeated = {key for key, count in Counter(keys).items() if count > 1}
    if not repeated:
        return keys
    differing: dict[str, set[str]] = {}
    for entry, key in zip(entries, keys, strict=True):
        if key in repeated:
            differing.setdefault(key, set()).add(more(entry))
    return [
        f"{key} {more(entry)}" if len(differing.get(key, ())) > 1 else key
        for entry, key in zip(entries, keys, strict=True)
    ]


def _plain_key(entry: Entry) -> str:
    if entry.guid:
        return entry.guid
    if entry.link:
        return canonical_url(entry.link)
    return _hash(entry.title, entry.published_at.isoformat() if entry.published_at else "", entry.summary)


def _link_key(entry: Entry) -> str:
    return canonical_url(entry.link) if entry.link else ""


def _title_key(entry: Entry) -> str:
    return _hash(entry.title)


def _keyed(entry: Entry, key: str) -> Entry:
    key = key if len(key) <= MAX_KEY else _hash(key)
    return Entry(
        entry.guid, entry.link, entry.title, entry.summary, entry.content, entry.authors, entry.published_at, key
    )


def _hash(*parts: str) -> str:
    return "blake2:" + hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
