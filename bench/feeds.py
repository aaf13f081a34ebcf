"""How right and how cheap the reading of feeds is: agreement with a corpus' known answers, and with feedparser.

    python bench/feeds.py PATH [--verbose] [--rounds 3] [--no-timing]

PATH holds feeds and a MANIFEST.jsonl (file, kind, origin, entries, first_title, http). Each file is read with the HTTP
headers that the manifest names. The first table counts the files whose number of entries and first title are as
expected; the second compares id, link, title, date and summary of every entry with feedparser's, by position; the third
gives CPU ms per feed of both, the median of the rounds. --verbose lists every difference.
"""

from __future__ import annotations

import argparse
import calendar
import html
import io
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import lxml.html

from monitor.errors import FeedError
from monitor.model import Entry, FeedDocument
from monitor.poll import parse_feed
from monitor.poll.body import unpack
from monitor.poll.charset import repair_twice_encoded
from monitor.poll.markup import tidy

FIELDS = ("id", "link", "title", "published", "summary")
URL = "http://feed.example/feed"


@dataclass
class Feed:
    """One file of the corpus, as its server would send it."""

    name: str
    kind: str
    origin: str
    body: bytes
    entries: int | None
    first_title: str | None
    content_type: str | None
    content_encoding: str | None


@dataclass
class Agreement:
    """What one comparison of all files gave."""

    right: int = 0
    asked: int = 0
    notes: list[str] = field(default_factory=list)


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--verbose", action="store_true", help="list every difference")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-timing", action="store_true")
    options = parser.parse_args()
    feeds = read_corpus(options.path)
    print_agreement(feeds, options.verbose)
    print_differences(feeds, options.verbose)
    if not options.no_timing:
        print_timing(feeds, options.rounds)


def read_corpus(path: Path) -> list[Feed]:
    """The files that the manifest names."""
    feeds = []
    for line in (path / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        http = row.get("http") or {}
        feeds.append(
            Feed(
                name=row["file"],
                kind=row["kind"],
                origin=row["origin"],
                body=(path / row["file"]).read_bytes(),
                entries=row["entries"],
                first_title=row["first_title"],
                content_type=http.get("content-type"),
                content_encoding=http.get("content-encoding"),
            )
        )
    return feeds


# --- agreement with the known answers --------------------------------------------------------------------------------


def print_agreement(feeds: list[Feed], verbose: bool) -> None:
    """Files with an expected number of entries or title, and how many we and feedparser get right."""
    groups = [("all", feeds)]
    groups += [(origin, [f for f in feeds if f.origin == origin]) for origin in sorted({f.origin for f in feeds})]
    print("Agreement with the manifest: files with the expected number of entries and first title\n")
    print(f"{'files':10} {'expected':>9} {'monitor':>16} {'fast only':>16} {'feedparser':>16}")
    for name, group in groups:
        rows = [agreement(group, reader) for reader in (ours, fast_only, theirs)]
        cells = [f"{row.right:4} ({100 * row.right / max(1, row.asked):5.1f} %)" for row in rows]
        print(f"{name:10} {rows[0].asked:9} " + " ".join(f"{cell:>16}" for cell in cells))
    readers = Counter(reader_of(feed) for feed in feeds)
    print("\nread by: " + ", ".join(f"{name} {count}" for name, count in readers.most_common()) + "\n")
    for label, reader in (("monitor", ours), ("feedparser", theirs)) if verbose else (("monitor", ours),):
        for note in agreement(feeds, reader).notes:
            print(f"  {label}: {note}")
    print()


def agreement(feeds: list[Feed], reader: Callable[[Feed], tuple[int, str | None]]) -> Agreement:
    """Compare one reader with the manifest."""
    result = Agreement()
    for feed in feeds:
        if feed.entries is None and feed.first_title is None:
            continue
        result.asked += 1
        count, title = reader(feed)
        wrong = []
        if feed.entries is not None and count != feed.entries:
            wrong.append(f"{count} entries, expected {feed.entries}")
        if feed.first_title is not None and title != feed.first_title:
            wrong.append(f"first title {short(title)}, expected {short(feed.first_title)}")
        if wrong:
            result.notes.append(f"{feed.name}: {'; '.join(wrong)}")
        result.right += not wrong
    return result


def ours(feed: Feed) -> tuple[int, str | None]:
    """Entries and first title as we read them."""
    document = parsed(feed)
    if document is None or not document.entries:
        return 0, None
    return len(document.entries), document.entries[0].title


def fast_only(feed: Feed) -> tuple[int, str | None]:
    """What the fast reader gives where it has no doubt; a doubt counts as no answer."""
    document = parsed(feed, tolerant=False)
    if document is None or not document.entries:
        return (0, None) if feed.entries == 0 else (-1, None)
    return len(document.entries), document.entries[0].title


def theirs(feed: Feed) -> tuple[int, str | None]:
    """The same from feedparser."""
    entries = by_feedparser(feed).entries
    return len(entries), plain(entries[0].get("title", "")) if entries else None


def parsed(feed: Feed, tolerant: bool | None = None) -> FeedDocument | None:
    """Our document; None for what we refuse."""
    try:
        return parse_feed(
            feed.body,
            url=URL,
            content_type=feed.content_type,
            content_encoding=feed.content_encoding,
            tolerant=tolerant,
        )
    except FeedError:
        return None


def reader_of(feed: Feed) -> str:
    """Which of our readers answered."""
    document = parsed(feed)
    return document.parser.partition(":")[0] if document else "refused"


def by_feedparser(feed: Feed, **options: Any) -> Any:
    """feedparser's result for the unpacked body, with the HTTP headers; empty where we refuse to unpack."""
    try:
        body, _ = unpack(feed.body, feed.content_encoding)
    except FeedError:
        body = b""
    headers = {"content-location": URL}
    if feed.content_type:
        headers["content-type"] = feed.content_type
    return feedparser.parse(io.BytesIO(body), response_headers=headers, **options)


# --- differences to feedparser, entry by entry -----------------------------------------------------------------------


def print_differences(feeds: list[Feed], verbose: bool) -> None:
    """Share of entries whose fields are the same, over all XML feeds in which both find the same number of entries."""
    same: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {name: Counter() for name in FIELDS}
    total = compared = 0
    notes: list[str] = []
    for feed in feeds:
        document = parsed(feed)
        if document is None or document.format in {"jsonfeed", "sitemap"} or document.truncated:
            continue
        reference = by_feedparser(feed).entries
        if len(reference) != len(document.entries):
            notes.append(f"{feed.name}: {len(document.entries)} entries, feedparser {len(reference)}")
            continue
        compared += 1
        for number, (entry, item) in enumerate(zip(document.entries, reference, strict=True)):
            total += 1
            for name, (mine, other) in fields(entry, item).items():
                same[name] += mine == other
                if mine != other:
                    reason = explanation(name, mine, other, item)
                    reasons[name][reason] += 1
                    notes.append(f"{feed.name} #{number} {name} ({reason}): {short(mine)} | feedparser {short(other)}")
    print(f"Differential test against feedparser: {compared} feeds with equal counts, {total:,} entries\n")
    print(f"{'field':10} {'equal':>9}   differences")
    for name in FIELDS:
        why = ", ".join(f"{count} {reason}" for reason, count in reasons[name].most_common())
        print(f"{name:10} {100 * same[name] / max(1, total):7.2f} %   {why or 'none'}")
    print()
    for note in notes if verbose else []:
        print(f"  {note}")
    print()


def explanation(name: str, mine: Any, other: Any, item: Any) -> str:
    """Why a difference is as it should be; "open" where no rule says so."""
    if not other:
        return "only ours has one"
    if name == "link" and mine == item.get("feedburner_origlink"):
        return "the address behind a feed proxy"
    if name == "id" and other.startswith("http") and (other.endswith(mine.lstrip("/")) or mine.startswith("/")):
        return "relative id left as it is"
    if name == "published":
        return (
            "a fraction of a second"
            if abs((mine - other).total_seconds()) < 1
            else "misread by feedparser" * (abs((mine - other).days) > 100) or "open"
        )
    if name in {"title", "summary"}:
        if squeezed(tidy(repair_twice_encoded(other))) == squeezed(mine) or _MOJIBAKE.search(other):
            return "double encoding or invisible characters"
        if html.unescape(re.sub(r"<[^>]*>", "", html.unescape(other))).split() == mine.split():
            return "escaped twice"
        if len(mine) >= 2_000 and other.startswith(mine[:2_000]):
            return "cut to our limit"
        if any(squeezed(plain(part.get("value") or "")) == other for part in item.get("media_content", [])):
            return "text of a picture in feedparser"
    return "open"


_MOJIBAKE = re.compile("[ÃÂ][\u0080-\u00bf\u2010-\u2044€šžŸœ]|â€")


def fields(entry: Entry, item: Any) -> dict[str, tuple[object, object]]:
    """Both sides of each field, made comparable: text without white space, dates as datetimes."""
    return {
        "id": (entry.guid or "", (item.get("id") or "").strip()),
        "link": (entry.link or "", item.get("link") or ""),
        "title": (entry.title, plain(item.get("title") or "")),
        "published": (entry.published_at, date_of(item)),
        "summary": (squeezed(entry.summary), squeezed(plain(item.get("summary") or ""))),
    }


def date_of(item: Any) -> datetime | None:
    """feedparser's date, with the same choice of elements as ours."""
    for name in ("published_parsed", "created_parsed", "updated_parsed"):
        if item.get(name):
            return datetime.fromtimestamp(calendar.timegm(item[name]), UTC)
    return None


def plain(markup: str) -> str:
    """Text of a fragment, by lxml's HTML parser: a second opinion on our own tag stripping."""
    if "<" in markup or "&" in markup:
        try:
            tree = lxml.html.fragment_fromstring(markup, create_parent="div")
        except (lxml.etree.LxmlError, ValueError, AssertionError):
            return " ".join(markup.split())
        for element in tree.xpath(".//script|.//style|.//comment()"):
            element.drop_tree()
        markup = tree.text_content()
    return " ".join(markup.split())


def squeezed(text: str) -> str:
    """Without white space: block elements and line breaks are no difference."""
    return "".join(text.split())


def short(value: object) -> str:
    """For the list of differences."""
    text = repr(value)
    return text if len(text) < 140 else f"{text[:90]} ... {text[-45:]}"


# --- cost ------------------------------------------------------------------------------------------------------------


def print_timing(feeds: list[Feed], rounds: int) -> None:
    """CPU ms per feed of the real XML feeds, all in one process, readers taking turns."""
    real = [feed for feed in feeds if feed.origin == "real" and feed.kind in {"rss", "atom", "rdf"}]
    readers: dict[str, Callable[[Feed], object]] = {
        "monitor": parsed,
        "monitor, fast only": lambda feed: parsed(feed, tolerant=False),
        "feedparser, not sanitised": lambda f: by_feedparser(f, sanitize_html=False, resolve_relative_uris=False),
        "feedparser": by_feedparser,
    }
    times: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name, read in readers.items():
            start = time.process_time()
            for feed in real:
                read(feed)
            times[name].append((time.process_time() - start) * 1000 / len(real))
    sizes = [len(feed.body) for feed in real]
    print(
        f"CPU ms per feed: {len(real)} real RSS, Atom and RDF feeds, median {statistics.median(sizes) / 1000:.0f} kB, ",
        end="",
    )
    print(f"mean {statistics.mean(sizes) / 1000:.0f} kB; median of {rounds} rounds\n")
    base = statistics.median(times["monitor"])
    for name, values in times.items():
        value = statistics.median(values)
        per_29kb = value * 29_000 / statistics.mean(sizes)
        print(f"{name:28} {value:8.2f} ms {per_29kb:8.2f} ms per 29 kB   x {value / base:6.1f}")


if __name__ == "__main__":
    main()
