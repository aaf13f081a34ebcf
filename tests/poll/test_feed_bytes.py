"""From bytes to text: packing, character sets, limits, and everything hostile."""

from __future__ import annotations

import gzip
import json
import time
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import FeedError
from monitor.poll import NeedsTolerantParser, parse_feed

UKRAINIAN = "Переговори про вступ до Альянсу тривають"
POLISH = "Szczyt w Łodzi: żółć, gęś i dąb"


def rss(title: str = "One", *, declared: str = "", more: str = "", prolog: str = "") -> str:
    """A small feed."""
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    return (
        f'{declaration}{prolog}<rss version="2.0"><channel><title>Desk</title><link>https://harbour.example/</link>'
        f"<item><title>{title}</title><link>https://harbour.example/1</link>{more}</item></channel></rss>"
    )


def first_title(body: bytes, **headers: str) -> str:
    """What the reader sees first."""
    return parse_feed(body, **headers).entries[0].title  # type: ignore[arg-type]


# --- packing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(rss().encode()), "gzip"),
        (gzip.compress(rss().encode()), None),
        (gzip.compress(gzip.compress(rss().encode())), "gzip, gzip"),
        (gzip.compress(rss()[:50].encode()) + gzip.compress(rss()[50:].encode()), "gzip"),
        (zlib.compress(rss().encode()), "deflate"),
        (zlib.compress(rss().encode())[2:-4], "deflate"),
        (zstandard.compress(rss().encode()), "zstd"),
        (rss().encode(), "gzip"),
        (rss().encode(), "br"),
    ],
    ids=[
        "gzip",
        "gzip unsaid",
        "gzip twice",
        "two members",
        "zlib",
        "raw deflate",
        "zstd",
        "not packed",
        "unpacked before",
    ],
)
def test_packed_feeds_are_unpacked(body: bytes, encoding: str | None) -> None:
    """The bytes are believed before the header."""
    assert parse_feed(body, content_encoding=encoding).entries[0].title == "One"


@pytest.mark.parametrize(
    ("body", "encoding", "message"),
    [
        (gzip.compress(rss().encode())[:-30], "gzip", "cut short"),
        (gzip.compress(rss().encode())[:40] + b"\xff" * 200, "gzip", "damaged"),
        (gzip.compress(b" " * 30_000_000), "gzip", "taken for an attack"),
        (zstandard.compress(b"a" * 100_000_000), "zstd", "taken for an attack"),
        (b"\x0b\x02\x80brotli", "br", "brotli"),
    ],
    ids=["cut", "damaged", "gzip bomb", "zstd bomb", "brotli"],
)
def test_damaged_or_swelling_streams_are_refused_with_a_reason(body: bytes, encoding: str, message: str) -> None:
    """An error that says so, not a traceback, and no hundred megabytes in memory."""
    with pytest.raises(FeedError, match=message):
        parse_feed(body, content_encoding=encoding)


def test_gzip_in_gzip_in_gzip_is_no_way_around_the_limits() -> None:
    """Layers are counted."""
    body = rss().encode()
    for _ in range(4):
        body = gzip.compress(body)
    with pytest.raises(FeedError, match="more than 3 times over"):
        parse_feed(body)


# --- character sets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "charset", "declared", "content_type"),
    [
        (UKRAINIAN, "utf-8", "", None),
        (UKRAINIAN, "utf-8-sig", "windows-1251", None),
        (UKRAINIAN, "utf-8", "iso-8859-1", "text/xml; charset=iso-8859-1"),
        (UKRAINIAN, "utf-16", "utf-16", None),
        (UKRAINIAN, "utf-16-be", "utf-16", None),
        (UKRAINIAN, "utf-32", "utf-32", None),
        (UKRAINIAN, "cp1251", "windows-1251", None),
        (UKRAINIAN, "cp1251", "UTF-8", "text/xml; charset=windows-1251"),
        (UKRAINIAN, "cp1251", "windows-1251", "application/rss+xml; charset=utf-8"),
        (UKRAINIAN, "cp1251", "UTF-8", None),
        (UKRAINIAN, "cp1251", "iso-8859-1", None),
        (UKRAINIAN, "koi8-u", "koi8-u", None),
        (UKRAINIAN, "koi8-u", "", None),
        (POLISH, "iso8859-2", "iso-8859-2", None),
        (POLISH, "cp1250", "", None),
        ("Été à la une : « ça ira »", "cp1252", "", None),
        ("Die „Größe“ zählt", "cp1252", "iso-8859-1", None),
        ("首脳会談が始まった", "shift_jis", "", None),
        ("首脳会談が始まった", "euc_jp", "euc-jp", None),
        ("首脳会談が始まった", "iso2022_jp", "iso-2022-jp", None),
        ("北约峰会今天开幕", "gb18030", "gb2312", None),
        ("Κορυφή της συμμαχίας", "iso8859-7", "iso-8859-7", None),
    ],
)
def test_character_sets(title: str, charset: str, declared: str, content_type: str | None) -> None:
    """Right labels, wrong labels, none at all."""
    body = rss(title, declared=declared, more=f"<description>{title}. {title}.</description>").encode(charset)
    assert parse_feed(body, content_type=content_type).entries[0].title == title


def test_a_stray_byte_does_not_spoil_a_utf8_feed() -> None:
    """A teaser cut in mid-character, a paste from elsewhere: the rest stays as it is."""
    body = (
        rss(UKRAINIAN, more="<description>ends in the middle of ї~</description>")
        .encode()
        .replace("ї~".encode(), b"\xd1~")
    )
    assert first_title(body) == UKRAINIAN


def test_the_label_of_a_strange_codec_is_ignored() -> None:
    """Python knows codecs that are no character sets."""
    for label in ("utf-7", "rot13", "unicode_escape", "idna", "zip", "no-such-set", "undefined"):
        assert first_title(rss("One", declared=label).encode()) == "One"


# --- limits --------------------------------------------------------------------------------------------------------


def many(count: int) -> str:
    """A feed of ``count`` entries."""
    items = "".join(f"<item><title>Story {number}</title><guid>{number}</guid></item>" for number in range(count))
    return f"<rss><channel><title>x</title>{items}</channel></rss>"


def test_too_many_entries_are_cut_and_the_document_says_so() -> None:
    """The first ones count: feeds are newest first."""
    document = parse_feed(many(2_500).encode())
    assert len(document.entries) == 2_000
    assert document.truncated == "the first 2,000 of 2,500 entries"
    assert document.parser == "fast"


def test_the_cap_on_entries_is_a_parameter() -> None:
    """For the command line, which reads one file."""
    assert len(parse_feed(many(2_500).encode(), max_entries=10_000).entries) == 2_500


def test_too_many_entries_of_a_json_feed_are_cut_too() -> None:
    """The same cap for all formats."""
    items = [{"id": str(number)} for number in range(30)]
    document = parse_feed(
        json.dumps({"version": "https://jsonfeed.org/version/1", "items": items}).encode(), max_entries=20
    )
    assert (len(document.entries), document.truncated) == (20, "the first 20 of 30 entries")


def test_of_a_long_sitemap_the_newest_entries_are_kept() -> None:
    """Sitemaps often stand oldest first."""
    urls = "".join(
        f"<url><loc>https://tide.example/{n}</loc><lastmod>2026-10-{n // 100 + 1:02}</lastmod></url>"
        for n in range(2_500)
    )
    document = parse_feed(f"<urlset>{urls}</urlset>".encode())
    assert len(document.entries) == 2_000
    assert document.entries[0].link == "https://tide.example/2400"
    assert document.truncated == "the newest 2,000 of 2,500 entries"


def test_a_feed_beyond_the_size_limit_is_read_up_to_it() -> None:
    """The whole entries before the limit, and a word that there was more."""
    filler = "x" * 50_000
    items = "".join(
        f"<item><title>{n}</title><guid>{n}</guid><description>{filler}</description></item>" for n in range(300)
    )
    document = parse_feed(f"<rss><channel>{items}</channel></rss>".encode())
    assert 200 < len(document.entries) < 220
    assert document.truncated is not None and document.truncated.startswith("longer than we read")


def test_deep_nesting_keeps_what_stands_before_it() -> None:
    """libxml2 stops at depth 256; what it had read is kept."""
    body = rss("One", more="<description>" + "<x>" * 60_000 + "</x>" * 60_000 + "</description>")
    document = parse_feed(body.encode())
    assert document.entries[0].title == "One"
    assert "nested too deep" in (document.truncated or "")


def test_deeply_nested_json_is_refused() -> None:
    """Not a RecursionError."""
    with pytest.raises(FeedError, match="nested too deep"):
        parse_feed(b"[" * 200_000)


# --- hostile documents -----------------------------------------------------------------------------------------------


def test_entities_are_inert() -> None:
    """Billions of laughs, external files and addresses: declared in vain."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    prolog = (
        f'<!DOCTYPE rss [<!ENTITY l0 "lol">{laughs}<!ENTITY file SYSTEM "file:///etc/hostname">'
        '<!ENTITY % remote SYSTEM "http://127.0.0.1:9/x.dtd"> %remote;]>'
    )
    start = time.process_time()
    document = parse_feed(rss("&l11; and &file;", prolog=prolog, declared="utf-8").encode())
    assert time.process_time() - start < 2
    assert len(document.entries) == 1
    assert "lol" not in document.entries[0].title
    assert len(document.entries[0].title) < 50


@pytest.mark.parametrize(
    "body",
    [
        "<" * 3_000_000,
        "<!--" * 500_000,
        "<!DOCTYPE x [" + "<!ENTITY a 'b'>" * 100_000,
        "<rss><channel>" + "<![CDATA[" * 200_000,
        "<rss><channel>" + "<item>" * 300_000,
        "<rss><channel><item><title>x</title><description><![CDATA[" + "<script>" * 200_000,
        "<rss><channel><item><title>x</title><description><![CDATA["
        + '<a "' * 300_000
        + "]]></description></item></channel></rss>",
        "<rss><channel><item><title>x</title><description>"
        + "&lt;a b='" * 200_000
        + "</description></item></channel></rss>",
        "<rss><channel><item>" + "".join(f"<a{n}/>" for n in range(100_000)) + "</item></channel></rss>",
        "<rss " + " ".join(f'a{n}=""' for n in range(100_000)) + "><item/></rss>",
    ],
    ids=["lt", "comments", "entities", "cdata", "items", "scripts", "quotes", "escaped quotes", "names", "attributes"],
)
def test_no_document_takes_more_than_its_length_in_time(body: str) -> None:
    """Linear time in the fast reader, whatever the bytes; a second is 50 times what they take."""
    start = time.process_time()
    try:
        parse_feed(body.encode(), tolerant=False)
    except FeedError as error:
        assert str(error)
    assert time.process_time() - start < 2


def test_markup_in_a_feed_comes_out_as_text_only() -> None:
    """No script, no handler, no link survives: the fields are plain."""
    html = '<p onclick="x()">Hello <script>alert(1)</script><a href="javascript:x()">there</a><style>p{}</style><!-- c --></p>'
    entry = parse_feed(
        rss("<![CDATA[<b>One</b>]]>", more=f"<description><![CDATA[{html}]]></description>").encode()
    ).entries[0]
    assert (entry.title, entry.summary) == ("One", "Hello there")


# --- anything at all -----------------------------------------------------------------------------------------------


@given(st.binary())
def test_any_bytes_give_a_document_or_a_feed_error(body: bytes) -> None:
    """Nothing else is ever raised."""
    read(body)


PIECES = st.sampled_from(
    [
        "<rss>", "</rss>", "<channel>", "</channel>", "<item>", "</item>", "<entry>", "</entry>", "<feed", " xmlns='http://www.w3.org/2005/Atom'>",
        "<title>", "</title>", "<link>", "</link>", "<link href='/a'/>", "<guid>", "</guid>", "<pubDate>", "Mon, 23 Nov 2026 10:00:00 GMT", "</pubDate>",
        "<![CDATA[", "]]>", "<!--", "-->", "&amp;", "&nbsp;", "&x;", "&", "<", ">", "\x00", "é", "Ã©", "\ud83d\ude00", "x", " ", "<?xml version='1.0'?>",
        "<!DOCTYPE a [", "]>", "<urlset>", "<url>", "<loc>", "http://[", "<rdf:RDF>", "<p>", "<html>", "{", '"items":[', "]}", "xml:base='http://['",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40), st.sampled_from(["utf-8", "utf-16", "cp1251"]))
def test_any_heap_of_markup_gives_a_document_or_a_feed_error(pieces: list[str], charset: str) -> None:
    """Neither reader raises anything else, alone or together."""
    read("".join(pieces).encode(charset, "replace"))


def read(body: bytes) -> None:
    """All three ways to call the parser."""
    for tolerant in (None, False, True):
        try:
            document = parse_feed(body, url="https://harbour.example/feed", tolerant=tolerant)
        except NeedsTolerantParser:
            assert tolerant is False
        except FeedError as error:
            assert str(error)
        else:
            assert all(entry.key for entry in document.entries)


def test_the_fast_reader_alone_says_why_it_doubts() -> None:
    """So that the caller can give the bytes to a worker that it may kill."""
    with pytest.raises(NeedsTolerantParser, match="undeclared entity"):
        parse_feed(rss("Caf&eacute;").encode(), tolerant=False)
    assert first_title(rss("Caf&eacute;").encode(), tolerant=True) == "Café"  # type: ignore[arg-type]
