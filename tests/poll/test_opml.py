"""Lists of feeds in and out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import FeedError
from monitor.poll.opml import read_opml, write_opml
from monitor.settings import FeedSettings


def opml(body: str, prolog: str = "") -> bytes:
    """An OPML file."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{prolog}<opml version="2.0"><head/><body>{body}</body></opml>'.encode()
    )


def test_nested_folders_become_tags() -> None:
    """Outermost first; a feed's name is its outlet."""
    body = (
        '<outline text="Europe"><outline text="Baltic"><outline type="rss" text="Pier" xmlUrl="https://pier.example/rss"/></outline>'
        '<outline title="Quay" xmlUrl="https://quay.example/rss" htmlUrl="https://quay.example/"/></outline>'
        '<outline text="Buoy" xmlUrl="https://buoy.example/rss"/>'
    )
    feeds = read_opml(opml(body))
    assert [(feed.url, feed.outlet, feed.tags) for feed in feeds] == [
        ("https://pier.example/rss", "Pier", ("Europe", "Baltic")),
        ("https://quay.example/rss", "Quay", ("Europe",)),
        ("https://buoy.example/rss", "Buoy", ()),
    ]


def test_our_own_attributes_are_read_and_the_standard_ones_too() -> None:
    """Names of attributes in any case."""
    body = (
        '<outline text="x" xmlurl="https://a.example/f" outlet="A" country="UA" camp="ukrainian" lang="uk" category="/news/war,ukraine"/>'
        '<outline text="B" XMLURL="feed://b.example/f" language="de-AT"/>'
    )
    assert read_opml(opml(body)) == [
        FeedSettings(
            url="https://a.example/f", outlet="A", country="UA", camp="ukrainian", lang="uk", tags=("war", "ukraine")
        ),
        FeedSettings(url="http://b.example/f", outlet="B", lang="de"),
    ]


def test_a_feed_in_two_folders_is_one_feed_with_both_tags() -> None:
    """Readers export it twice."""
    outline = '<outline text="A" xmlUrl="https://a.example/f"/>'
    feeds = read_opml(opml(f'<outline text="one">{outline}</outline><outline text="two">{outline}</outline>'))
    assert [feed.tags for feed in feeds] == [("one", "two")]


def test_outlines_without_an_http_address_are_no_feeds() -> None:
    """Notes, local files, nonsense."""
    body = '<outline text="n"/><outline xmlUrl="file:///etc/passwd"/><outline xmlUrl=""/><outline xmlUrl="https://a.example/"/>'
    assert [feed.url for feed in read_opml(opml(body))] == ["https://a.example/"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no OPML file"),
        (b"<rss/>", "no OPML file; it begins with '<rss/>'"),
        (b"{}", "no OPML file"),
        (opml(""), "without feeds"),
        (opml('<outline text="only notes"/>'), "without feeds"),
    ],
)
def test_what_is_no_list_of_feeds_is_refused_in_words(data: bytes, message: str) -> None:
    """The operator reads what it is instead."""
    with pytest.raises(FeedError, match=message):
        read_opml(data)


def test_hostile_xml_is_inert() -> None:
    """No entity is expanded, no file read; deep folders end no stack."""
    prolog = (
        '<!DOCTYPE opml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/hostname">]>'
    )
    feeds = read_opml(opml('<outline text="&f;&b;" xmlUrl="https://a.example/"/>', prolog))
    assert feeds[0].url == "https://a.example/"
    assert "aaa" not in feeds[0].outlet
    deep = read_opml(
        opml('<outline xmlUrl="https://a.example/"/>' + '<outline text="x">' * 5_000 + "</outline>" * 5_000)
    )
    assert [feed.url for feed in deep] == ["https://a.example/"]


def test_broken_markup_is_read_as_far_as_it_goes() -> None:
    """A bare ampersand in a name must not lose the list."""
    feeds = read_opml(
        opml(
            '<outline text="Fish & Chips" xmlUrl="https://a.example/?x=1&y=2"/><outline text="B" xmlUrl="https://b.example/"/>'
        )
    )
    assert "https://b.example/" in [feed.url for feed in feeds]
    assert read_opml(opml('<outline xmlUrl="https://a.example/"/><:/>'))[0].url == "https://a.example/"


TEXT = st.text(
    alphabet=st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp"), exclude_characters=",/\ufffe\uffff"),
    min_size=1,
    max_size=12,
)


@given(
    st.lists(
        st.builds(
            FeedSettings,
            url=st.from_regex(r"https://[a-z]{1,9}\.example/[a-z0-9?&=;<]{0,9}", fullmatch=True),
            outlet=TEXT,
            country=st.none() | st.sampled_from(["UA", "PL"]),
            camp=st.none() | TEXT,
            lang=st.none() | st.sampled_from(["uk", "pl"]),
            tags=st.lists(TEXT, max_size=3, unique=True).map(tuple),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda feed: feed.url,
    )
)
def test_what_is_written_is_read_again(feeds: list[FeedSettings]) -> None:
    """Every field survives; feeds of one folder may stand together."""
    again = read_opml(write_opml(feeds))
    assert sorted(again, key=lambda feed: feed.url) == sorted(feeds, key=lambda feed: feed.url)


@given(st.binary())
def test_any_bytes_give_feeds_or_a_feed_error(data: bytes) -> None:
    """Nothing else is raised."""
    for body in (data, b"<opml><body>" + data):
        try:
            read_opml(body)
        except FeedError as error:
            assert str(error)
