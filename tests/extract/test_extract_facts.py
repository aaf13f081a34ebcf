"""Titles, dates, authors and JSON-LD: which of several claims is believed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from monitor.extract import authors, blocks, dates, json_ld, titles, tree
from monitor.extract.json_ld import Claims

# --- titles -------------------------------------------------------------------------------------------------------

OUTLET = ("The Daily Example", "daily-example.com")
TITLE = "Ministers argue over one paragraph"


@pytest.mark.parametrize(
    ("claims", "document", "headings", "chosen"),
    [
        ([TITLE], f"{TITLE} | The Daily Example", [TITLE], TITLE),
        ([], f"{TITLE} | The Daily Example", [], TITLE),
        ([f"{TITLE} - The Daily Example"], "", [], TITLE),
        ([f"The Daily Example: {TITLE}"], "", [f"{TITLE}"], TITLE),
        ([TITLE], "", ["The Daily Example", TITLE], TITLE),
        ([TITLE], "", [f"Politics | {TITLE}"], TITLE),
        (["Ministers argue over one para..."], "", [TITLE], TITLE),
        (["A search engine's title"], "Another one", [TITLE], TITLE),
        ([TITLE], "", ["Subscribe to our newsletter"], TITLE),
        ([], "", [TITLE], TITLE),
        ([], f"World - Ministers argue - in two halves - {OUTLET[1]}", [], "World - Ministers argue - in two halves"),
        ([], "", [], ""),
    ],
)
def test_headline(claims: list[str], document: str, headings: list[str], chosen: str) -> None:
    """An h1 that agrees with a claim wins; outlets' names and rubrics are cut off, dashes of the headline stay."""
    assert titles.choose(claims, document, headings, [], OUTLET) == chosen


def test_part_of_the_document_title_that_stands_on_the_page() -> None:
    """Without h1, the part of <title> that is a line of the page is the headline."""
    line = "Ministers argue – and then agree"
    assert titles.choose([], f"World :: {line} :: Some unknown name", [], ["Weather", line, "More"], ()) == line


@given(st.lists(st.text(max_size=60), max_size=3), st.text(max_size=80), st.lists(st.text(max_size=60), max_size=3))
def test_titles_never_raise(claims: list[str], document: str, headings: list[str]) -> None:
    """Any strings give a string."""
    assert isinstance(titles.choose(claims, document, headings, headings, claims), str)


# --- dates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2024-05-11T21:30:00-04:00", "2024-05-11T21:30:00-04:00"),
        ("2024-05-11T21:30:00.123Z", "2024-05-11T21:30:00+00:00"),
        ("2024-05-11T21:30Z", "2024-05-11T21:30:00+00:00"),
        ("2024-05-11 21:30:00 UTC", "2024-05-11T21:30:00+00:00"),
        ("2024-05-11T21:30:00+0300", "2024-05-11T21:30:00+03:00"),
        ("2024-05-11", "2024-05-11T00:00:00+00:00"),
        ("Sat, 11 May 2024 21:30:00 +0200", "2024-05-11T21:30:00+02:00"),
        ("05/11/2024 21:30:50", "2024-05-11T21:30:50+00:00"),
        ("Published: May 11, 2024", "2024-05-11T00:00:00+00:00"),
        ("11 May 2024", "2024-05-11T00:00:00+00:00"),
        ("1715463000000", "2024-05-11T21:30:00+00:00"),
        ("20240511", "2024-05-11T00:00:00+00:00"),
    ],
)
def test_times_as_pages_write_them(text: str, iso: str) -> None:
    """The offset is kept; without one it is UTC."""
    moment = dates.parse(text)
    assert moment is not None
    assert moment.isoformat() == iso


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2024-13-40", "0001-01-01", "99999", "12:30", "May", "3024-01-01T00:00:00Z"]
)
def test_what_is_no_time(text: str) -> None:
    """Half a date, or one of another age, is none."""
    assert dates.parse(text) is None


@given(st.text(max_size=40))
def test_parse_never_raises(text: str) -> None:
    """Any string is a time or None."""
    moment = dates.parse(text)
    assert moment is None or moment.tzinfo is not None


def _published(
    html: str, *, stated: str = "", metas: dict[str, list[str]] | None = None, url: str = "https://example.com/a"
) -> str | None:
    root = etree.HTML(f"<html><body>{html}</body></html>")
    moment = dates.published(root, stated, metas or {}, list(root.itertext()), url, html)
    return moment.isoformat() if moment else None


def test_the_offset_comes_from_the_pages_own_clock() -> None:
    """JSON-LD in UTC and a <time> with the same instant by the local clock: the local day is kept."""
    html = '<h1>x</h1><time datetime="2024-05-11T21:30:05-05:00">9:30 pm</time>'
    assert _published(html, stated="2024-05-12T02:30:05Z") == "2024-05-11T21:30:05-05:00"


def test_a_clock_without_offset_gives_the_offset() -> None:
    """The same minutes and seconds some hours away can only be the local clock."""
    metas = {"sailthru.date": ["2024-05-11 21:30:05"]}
    assert _published("<p>x</p>", stated="2024-05-12T02:30:05Z", metas=metas) == "2024-05-11T21:30:05-05:00"


def test_most_statements_win() -> None:
    """A JSON-LD that was never updated is outvoted by the meta tags and the date shown."""
    metas = {"article:published_time": ["2024-05-11T08:00:00Z"], "date": ["2024-05-11"]}
    assert _published("<p>x</p>", stated="2019-01-02T08:00:00Z", metas=metas) == "2024-05-11T08:00:00+00:00"


@pytest.mark.parametrize(
    "path",
    [
        "world/2024/05/11/story.html",
        "2024/5/11/story",
        "a/20240511/b",
        "a/2024-05-11-story",
        "2024/may/11/story",
        "n/2024/0511/c1-2.htm",
    ],
)
def test_day_of_the_address(path: str) -> None:
    """Where the page says nothing, its address may."""
    assert _published("<p>x</p>", url=f"https://example.com/{path}") == "2024-05-11T00:00:00+00:00"


@pytest.mark.parametrize("path", ["releases/2024/12/241211112457.htm", "a/20241", "2024/story", "story-2024123456789"])
def test_numbers_of_an_address_that_are_no_day(path: str) -> None:
    """Ids and months alone are no day."""
    assert _published("<p>x</p>", url=f"https://example.com/{path}") is None


def test_dateline() -> None:
    """A short line with a date is a dateline; a date in running text is not."""
    assert _published("<h1>x</h1><p>Kyiv, 11 May 2024</p>") == "2024-05-11T00:00:00+00:00"
    assert _published("<h1>x</h1><p>11.05.2024, 14:30</p>") == "2024-05-11T00:00:00+00:00"


# --- authors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("By Jane Roe", ["Jane Roe"]),
        ("Von Hanna Beispiel und Karl Muster", ["Hanna Beispiel", "Karl Muster"]),
        ("Jane Roe, Juan Poe and Ann Doe", ["Jane Roe", "Juan Poe", "Ann Doe"]),
        ("Jane Roe, The Daily Gazette", ["Jane Roe"]),
        ("Jane Roe | jane.roe@example.com", ["Jane Roe"]),
        ("Dr. Jane Roe (jro)", ["Jane Roe"]),
        ("Jane van der Roe", ["Jane van der Roe"]),
        ("Jean-Luc d’Exemple et Anne Modèle", ["Jean-Luc d’Exemple", "Anne Modèle"]),
        ("Автор: Олена Приклад", ["Олена Приклад"]),
        ("홍길동 기자", ["홍길동"]),
        ("Jane Roe, Senior Correspondent", ["Jane Roe"]),
        ("Reuters", ["Reuters"]),
    ],
)
def test_names_in_a_by_line(text: str, names: list[str]) -> None:
    """Roles, outlets, addresses and initials go; people stay."""
    assert authors.split(text) == names


def _authors(html: str, *, claims: Claims | None = None, metas: dict[str, list[str]] | None = None) -> tuple[str, ...]:
    root = etree.HTML(f"<html><body>{html}</body></html>")
    lines = [line.strip() for line in root.itertext() if line.strip()]
    return authors.read(root, metas or {}, claims or Claims(), lines, OUTLET)


def test_the_outlet_is_no_author() -> None:
    """Where JSON-LD names the outlet, the by-line is read."""
    html = '<h1>Title</h1><div class="byline">By <a rel="author" href="/author/jane">Jane Roe</a></div>'
    assert _authors(html, claims=Claims(organisations=("The Daily Example",))) == ("Jane Roe",)


def test_by_line_without_mark_up() -> None:
    """A line "By ..." at the headline is a by-line."""
    assert _authors("<h1>Title</h1><p>By Jane Roe</p><p>Some text.</p>") == ("Jane Roe",)


def test_authors_of_related_stories_are_not_ours() -> None:
    """A by-line in a box of other stories is not the page's."""
    assert _authors('<h1>Title</h1><div class="related"><span class="author">Ann Other</span></div>') == ()


def test_agency_signs_where_nobody_does() -> None:
    """An agency is better than nobody; the outlet itself is not."""
    assert _authors("<h1>T</h1>", claims=Claims(authors=("Associated Press",))) == ("Associated Press",)
    assert _authors("<h1>T</h1>", claims=Claims(authors=("The Daily Example",))) == ()


# --- JSON-LD ------------------------------------------------------------------------------------------------------


def test_article_among_many_nodes() -> None:
    """The node that names the page's own address is the article, not the first of a list of others."""
    graph = {
        "@graph": [
            {"@type": "WebSite", "name": "The Daily Example"},
            {
                "@type": "NewsArticle",
                "headline": "Another",
                "url": "https://example.com/other",
                "datePublished": "2020-01-01",
            },
            {"@type": "NewsArticle", "headline": "Ours", "url": "https://example.com/ours", "author": {"@id": "#jane"}},
            {"@type": "Person", "@id": "#jane", "name": "Jane Roe"},
        ]
    }
    claims = json_ld.read([json.dumps(graph)], "https://example.com/ours?ref=x")
    assert (claims.headline, claims.authors) == ("Ours", ("Jane Roe",))


@pytest.mark.parametrize(
    "script",
    [
        '{"@type":"NewsArticle","headline":"Ours",}',
        '<!-- {"@type":"NewsArticle","headline":"Ours"} -->',
        '//<![CDATA[\n{"@type":"NewsArticle","headline":"Ours"}\n//]]>',
        '{"@type":"NewsArticle","headline":"Ours"};',
        '{"@type":["NewsArticle","Article"],"headline":"Ours","description":"two\nlines"}',
        '{"@type":"https://schema.org/NewsArticle","headline":"Ours"} {"@type":"Thing"}',
    ],
)
def test_json_that_is_nearly_json(script: str) -> None:
    """Trailing commas, comments, line breaks in strings and rubbish at the end are mended."""
    assert json_ld.read([script], "").headline == "Ours"


@pytest.mark.parametrize(
    "script", ["[" * 100_000, "{", '{"@type":"Article","author":' + "[" * 500 + "]" * 500 + "}", "null", "3", '"x"']
)
def test_json_that_is_none(script: str) -> None:
    """What cannot be mended says nothing."""
    assert json_ld.read([script], "").headline == ""


# --- tree ---------------------------------------------------------------------------------------------------------


def test_scripts_are_taken_out_and_kept_apart() -> None:
    """JSON-LD, other scripts and mark-up are told apart; a script in a string of another opens nothing."""
    markup, ld, scripts = tree.strip(  # noqa: B005
        '<p>a</p><script type="application/ld+json">{}</script><script>x = "<script src=\\"y\\"><\\/script>";</script><svg><path/></svg><!-- c --><p>b</p>'
    )
    assert markup.split() == ["<p>a</p>", "<p>b</p>"]
    assert ld == ("{}",)
    assert len(scripts) == 1


def test_unclosed_element_loses_its_tag_only() -> None:
    """A noscript, iframe or comment that is never closed does not swallow the page."""
    for tag in ("<noscript>", "<iframe>", "<!--", "<svg>", "<select>"):
        assert "text" in tree.strip(f"<p>a</p>{tag}<p>text</p>")[0]


def test_flattening_keeps_the_order_of_the_text() -> None:
    """Tags beyond the parser's depth go, the text stays where it was."""
    flat = tree.flatten("".join(f"<div>{i} " for i in range(300)) + "</div>" * 300)
    assert "".join(etree.HTML(flat).itertext()).split() == [str(i) for i in range(300)]


def test_layout_of_a_tree_deeper_than_python_can_go() -> None:
    """A parser that nests without limit must not exhaust the walker: what lies deeper is one block."""
    parser = etree.HTMLParser(huge_tree=True)
    root = etree.fromstring(f"<body>{'<div>' * 1500}<p>one</p><p>two</p>{'</div>' * 1500}</body>", parser)
    assert " ".join(block.text for block in blocks.read(root).blocks) == "one two"
