"""Which entry is which: the key that tells a new entry from a known one, from poll to poll."""

from __future__ import annotations

from monitor.poll import parse_feed


def keys(*items: str) -> list[str]:
    """Keys of a feed with these items."""
    feed = f"<rss><channel><link>https://harbour.example/</link>{''.join(f'<item>{item}</item>' for item in items)}</channel></rss>"
    return [entry.key for entry in parse_feed(feed.encode()).entries]


def test_the_guid_comes_first() -> None:
    """Whatever the link says."""
    assert keys("<guid>g-1</guid><link>https://harbour.example/a</link>") == ["g-1"]


def test_without_guid_the_canonical_link_is_the_key() -> None:
    """Tracking parameters make no new entry."""
    one, other = "<link>https://harbour.example/a?utm_source=x</link>", "<link>http://www.harbour.example/a/</link>"
    assert keys(one) == keys(other) == ["https://harbour.example/a"]


def test_without_guid_and_link_the_words_are_the_key() -> None:
    """Same words and date, same key; another date is another entry."""
    words = "<title>Storm</title><description>At night.</description>"
    dated = words + "<pubDate>Tue, 03 Nov 2026 08:00:00 GMT</pubDate>"
    assert keys(words) == keys(words)
    assert len({*keys(words), *keys(dated), *keys("<title>Storm</title>")}) == 3


def test_a_guid_that_several_entries_share_is_no_identity() -> None:
    """All get their link, so that the key does not depend on which comes first today."""
    a = "<guid isPermaLink='false'>same</guid><link>https://harbour.example/a</link><title>A</title>"
    b = "<guid isPermaLink='false'>same</guid><link>https://harbour.example/b</link><title>B</title>"
    assert keys(a, b) == ["same https://harbour.example/a", "same https://harbour.example/b"]
    assert keys(b, a) == list(reversed(keys(a, b)))


def test_the_same_guid_and_link_with_other_titles_are_told_apart() -> None:
    """A live page that every entry points to."""
    entries = [
        f"<guid>same</guid><link>https://harbour.example/live</link><title>{title}</title>" for title in ("A", "B")
    ]
    assert len(set(keys(*entries))) == 2


def test_an_entry_that_stands_twice_has_one_key() -> None:
    """A true duplicate is stored once."""
    entry = "<guid>g</guid><link>https://harbour.example/a</link><title>A</title>"
    assert len(set(keys(entry, entry))) == 1


def test_a_link_that_several_entries_share_is_no_identity() -> None:
    """Entries without guid whose link is the home page."""
    entries = [f"<link>https://harbour.example/</link><title>{title}</title>" for title in ("A", "B")]
    assert len(set(keys(*entries))) == 2


def test_very_long_guids_become_short_keys() -> None:
    """Nine thousand characters are no key for an index; two long ones stay two."""
    long = ["<guid>" + "x" * 9_000 + end + "</guid>" for end in "ab"]
    found = keys(*long)
    assert len(set(found)) == 2
    assert all(len(key) < 60 for key in found)
