"""HTML fragment -> plain text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.extract import plain_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One <b>bold</b> word.</p><p>Two.</p>", "One bold word.\nTwo."),
        ("One<br>two<br/>three", "One\ntwo\nthree"),
        ("<ul><li>one<li>two</ul>", "one\ntwo"),
        ("<p>line\nbreaks of\nthe source</p>", "line breaks of the source"),
        ("a &amp; b &lt; c&nbsp;d &#8211; e", "a & b < c d – e"),
        ("<script>var a = '<p>no</p>';</script><style>p{}</style>yes", "yes"),
        ("yes<!-- <p>no</p> -->", "yes"),
        ("<![CDATA[<p>in</p>]]>", "in"),
        ('<a href="x" title="a > b">link</a> text', "link text"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("4 < 5 and 6 > 5", "4 < 5 and 6 > 5"),
        ("first\n\n  second  line \n", "first\nsecond line"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
        ("", ""),
    ],
)
def test_fragments(html: str, text: str) -> None:
    """Block tags end lines, inline tags vanish, entities are decoded, white space collapses."""
    assert plain_text(html) == text


@given(st.text(alphabet=st.characters(blacklist_characters="<&", blacklist_categories=["Cs"]), max_size=200))
def test_plain_text_stays_as_it_is(text: str) -> None:
    """A second pass over plain text changes nothing."""
    once = plain_text(text)
    assert plain_text(once) == once


@given(st.text(max_size=300))
def test_never_raises(html: str) -> None:
    """No string is too broken."""
    assert "\n\n" not in plain_text(html)


@pytest.mark.parametrize("hostile", ["<", "<a ", '<a "', "<!--", "<script ", "&", "</p", "<p>" * 3, "<a \"'"])
def test_time_is_linear(hostile: str) -> None:
    """A million characters of unclosed mark-up take less than a second."""
    began = time.process_time()
    plain_text(hostile * (1_000_000 // len(hostile)))
    assert time.process_time() - began < 1.5
