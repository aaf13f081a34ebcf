"""Page bytes -> text: what a page declares is believed only when its bytes agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.extract.charset import decode

UKRAINIAN = "<p>Міністри їхали до столиці, щоб підписати угоду про вступ.</p>" * 3
POLISH = "<p>Ministrowie długo się spierali, lecz podpiszą ważną umowę jesienią.</p>" * 3
GERMAN = "<p>Die Minister führten Gespräche über größere Änderungen.</p>" * 3
CHINESE = "<p>部长们星期二讨论了加入条约的一段文字。</p>" * 3


@pytest.mark.parametrize(
    ("text", "charset", "header", "meta"),
    [
        (UKRAINIAN, "utf-8", "", ""),
        (UKRAINIAN, "utf-8", "text/html; charset=windows-1251", ""),
        (UKRAINIAN, "utf-8", "", "iso-8859-1"),
        (UKRAINIAN, "cp1251", "text/html; charset=windows-1251", ""),
        (UKRAINIAN, "cp1251", "", "windows-1251"),
        (UKRAINIAN, "cp1251", "text/html; charset=utf-8", "windows-1251"),
        (UKRAINIAN, "cp1251", "text/html; charset=utf-8", ""),
        (UKRAINIAN, "koi8-u", "", ""),
        (POLISH, "iso8859-2", "text/html;charset=ISO-8859-2", ""),
        (POLISH, "cp1250", "", ""),
        (GERMAN, "cp1252", "text/html; charset=iso-8859-1", ""),
        (GERMAN, "cp1252", "", ""),
        (CHINESE, "gb18030", "", "gb2312"),
        (CHINESE, "big5", "text/html; charset=big5", ""),
        (UKRAINIAN, "utf-16", "", ""),
    ],
)
def test_right_charset_whoever_declares_it(text: str, charset: str, header: str, meta: str) -> None:
    """Header, meta tag or neither, true or false: the text comes out right."""
    if charset == "big5":
        text = "<p>部長們星期二討論了一段文字。</p>"
    source = f'<meta charset="{meta}">{text}' if meta else text
    decoded = decode(source.encode(charset), header or None)
    assert decoded.text == source
    assert decoded.replaced == 0


def test_byte_order_mark_is_no_text() -> None:
    """The mark decides and is not part of the text."""
    decoded = decode(b"\xef\xbb\xbf<p>a</p>", "text/html; charset=cp1251")
    assert (decoded.text, decoded.basis) == ("<p>a</p>", "bom")


def test_some_broken_bytes_do_not_spoil_utf8() -> None:
    """A page cut inside a character, or with a stray byte of an advert, stays UTF-8, and the loss is counted."""
    decoded = decode(UKRAINIAN.encode() + b"\xd0", "text/html; charset=windows-1251")
    # the header's charset can read any byte, but the page is UTF-8 but for its last one
    assert decoded.charset == "utf-8"
    assert decoded.text.startswith(UKRAINIAN)
    assert 0 < decoded.replaced < 0.01


def test_replacement_characters_of_the_publisher_are_not_ours() -> None:
    """U+FFFD that stands in the page's own UTF-8 is no failure to decode."""
    assert decode("<p>Ministers\ufffd agree</p>".encode()).replaced == 0


def test_unknown_charset_names_are_passed_over() -> None:
    """A declared charset that nobody knows, or that is no charset of text, is as none."""
    assert decode(GERMAN.encode("cp1252"), "text/html; charset=klingon-7").text == GERMAN
    assert decode(b"<p>abc</p>", "text/html; charset=zlib").text == "<p>abc</p>"


@given(
    body=st.binary(max_size=200),
    declared=st.sampled_from(["utf-7", "utf-16", "idna", "hz", "big5", "punycode", "rot13", "x"]),
)
def test_never_raises(body: bytes, declared: str) -> None:
    """Any bytes under any name give some text."""
    assert 0 <= decode(body, f"text/html; charset={declared}").replaced <= 1
