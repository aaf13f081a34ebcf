"""Feeds that a web page names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.poll import discover_feeds

HOME = "https://harbour.example/"


def page(head: str = "", body: str = "") -> bytes:
    """An HTML page."""
    return f"<!DOCTYPE html><html><head><title>Harbour</title>{head}</head><body>{body}</body></html>".encode()


def test_link_elements_are_feeds_in_the_order_of_the_page() -> None:
    """RSS, Atom and JSON Feed, relative addresses made absolute."""
    head = (
        '<link rel="alternate" type="application/rss+xml" href="/rss.xml">'
        '<link rel="alternate" type="application/atom+xml; charset=utf-8" href="https://feeds.example/atom">'
        '<link rel="ALTERNATE" type="application/feed+json" href="feed.json">'
        '<link rel="stylesheet" type="text/css" href="/s.css"><link rel="alternate" hreflang="uk" href="/uk/">'
    )
    assert discover_feeds(page(head), HOME) == [HOME + "rss.xml", "https://feeds.example/atom", HOME + "feed.json"]


def test_comment_feeds_come_last() -> None:
    """A blog's comments are not its news."""
    head = (
        '<link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed/">'
        '<link rel="alternate" type="application/rss+xml" href="/feed/">'
    )
    assert discover_feeds(page(head), HOME) == [HOME + "feed/", HOME + "comments/feed/"]


def test_the_feed_of_one_article_comes_after_the_outlet_s() -> None:
    """What lies under an article's own address is its comments."""
    article = HOME + "2026/ferry/talks/"
    head = "".join(
        f'<link rel="alternate" type="application/rss+xml" href="{href}">' for href in (article + "feed/", "/feed/")
    )
    assert discover_feeds(page(head), article) == [HOME + "feed/", article + "feed/"]


def test_anchors_that_are_plainly_feeds_are_found_too() -> None:
    """After the link elements; other anchors, share buttons and pictures are not."""
    body = (
        '<a href="/rss/world.xml">World</a><a href="/news/">News</a><a href="/feed.png">x</a>'
        '<a href="https://www.facebook.com/dialog/feed/?app_id=1">share</a><a href="/?feed=rss2">All</a>'
    )
    head = '<link rel="alternate" type="application/atom+xml" href="/atom">'
    assert discover_feeds(page(head, body), HOME) == [HOME + "atom", HOME + "rss/world.xml", HOME + "?feed=rss2"]


def test_a_base_element_is_heeded_and_each_feed_named_once() -> None:
    """Same feed by link and anchor, http and https."""
    head = '<base href="https://cdn.harbour.example/x/"><link rel="alternate" type="application/rss+xml" href="feed">'
    body = '<a type="application/rss+xml" href="http://cdn.harbour.example/x/feed">RSS</a>'
    assert discover_feeds(page(head, body), HOME) == ["https://cdn.harbour.example/x/feed"]


def test_addresses_of_other_schemes_are_left_out() -> None:
    """Only http and https are ever asked."""
    head = "".join(
        f'<link rel="alternate" type="application/rss+xml" href="{href}">'
        for href in ("javascript:x()", "file:///etc/passwd", "feed://x", "http://[bad", "")
    )
    assert discover_feeds(page(head), "https://harbour.example/") in ([], [HOME])


def test_xhtml_pages_with_a_declaration_are_read() -> None:
    """lxml would refuse text that declares its own encoding."""
    html = '<?xml version="1.0" encoding="windows-1251"?><html><head><link rel="alternate" type="application/rss+xml" href="/стрічка"/></head></html>'
    assert discover_feeds(html.encode("cp1251"), HOME) == [HOME + "стрічка"]


@given(st.binary(), st.text())
def test_any_page_gives_a_list(body: bytes, url: str) -> None:
    """Unreadable pages name no feeds."""
    assert isinstance(discover_feeds(body, url), list)
