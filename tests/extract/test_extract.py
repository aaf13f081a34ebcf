"""Page bytes -> Article: what is kept, what is left out, and the status with the rule that set it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from page_makers import ARTICLE, HEADLINE, SENTENCES, page, paragraphs

from monitor.errors import ExtractError
from monitor.extract import extract
from monitor.model import PageStatus

URL = "https://daily-example.com/world/2024/05/11/one-paragraph.html"
ALL_PARAGRAPHS = paragraphs(10)


def test_article_is_kept_whole_and_in_order() -> None:
    """Every paragraph is there, in the order of the page, one a line."""
    lines = extract(page(), url=URL).text.split("\n")
    assert [line for line in lines if line in ALL_PARAGRAPHS] == ALL_PARAGRAPHS


@pytest.mark.parametrize("noise", ["Sport", "different story", "nonsense", "All rights reserved"])
def test_what_stands_around_is_left_out(noise: str) -> None:
    """Menu, related links, readers' comments and footer are no article text."""
    assert noise not in extract(page(), url=URL).text


def test_ok_names_rule_and_extractor() -> None:
    """A full article is ok, and its quality says by which rule and extractor."""
    article = extract(page(), url=URL)
    assert article.status is PageStatus.OK
    assert article.quality.startswith("ok: ")
    assert "likely blocks" in article.quality
    assert article.word_count == len(article.text.split())


def test_metadata_of_json_ld() -> None:
    """Title, people, time and address come from the page's JSON-LD and head."""
    body = page(
        head='<link rel="canonical" href="/world/2024/05/11/one-paragraph.html?utm_source=x">',
        json_ld={
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "headline": HEADLINE,
            "datePublished": "2024-05-11T21:30:00-04:00",
            "author": [
                {"@type": "Person", "name": "By Jane Roe"},
                {"@type": "Person", "name": "Juan Poe, Daily Example"},
            ],
        },
    )
    article = extract(body, url=URL + "?ref=feed")
    assert article.title == HEADLINE
    assert article.authors == ("Jane Roe", "Juan Poe")
    assert article.published_at == datetime(2024, 5, 12, 1, 30, tzinfo=UTC)
    assert article.published_at.date().isoformat() == "2024-05-11", "the day readers saw"
    assert article.canonical_url == URL
    assert article.lang == "en"


def test_canonical_of_another_site_is_not_believed() -> None:
    """A page cannot give itself another site's address."""
    body = page(head='<link rel="canonical" href="https://elsewhere.example.org/story">')
    assert extract(body, url=URL).canonical_url == URL


# --- statuses -----------------------------------------------------------------------------------------------------


def test_stub_that_is_not_free() -> None:
    """isAccessibleForFree false and a short text is a paywall stub, whatever the page looks like."""
    teaser = "".join(f"<p>{text}</p>" for text in paragraphs(2))
    body = page(
        f"<h1>{HEADLINE}</h1>{teaser}",
        json_ld={"@type": "NewsArticle", "headline": HEADLINE, "isAccessibleForFree": "False"},
    )
    article = extract(body, url=URL)
    assert article.status is PageStatus.STUB
    assert "not free" in article.quality
    assert SENTENCES[0] in article.text, "the stub keeps the page's own text"


def test_full_article_that_is_not_free_is_ok() -> None:
    """Some outlets mark all as paid and show all."""
    body = page(json_ld={"@type": "NewsArticle", "headline": HEADLINE, "isAccessibleForFree": False})
    assert extract(body, url=URL).status is PageStatus.OK


def test_stub_that_ends_in_an_offer() -> None:
    """A short text that ends in an offer to subscribe is a stub."""
    body = page(
        f"<h1>{HEADLINE}</h1><p>{SENTENCES[0]} {SENTENCES[1]}</p><p>{SENTENCES[2]}</p><p>To continue reading this story, subscribe now and get the first month free.</p>"
    )
    article = extract(body, url=URL)
    assert article.status is PageStatus.STUB
    assert "to continue reading" in article.quality.lower() or "subscribe" in article.quality.lower()


def test_stub_of_which_the_feed_has_more() -> None:
    """A page that shows the beginning of what the feed carries whole is a stub, and the better text is named."""
    feed_text = "\n".join(ALL_PARAGRAPHS)
    article = extract(
        page(f"<h1>{HEADLINE}</h1><p>{ALL_PARAGRAPHS[0]}</p><p>{ALL_PARAGRAPHS[1]}</p>"), url=URL, feed_text=feed_text
    )
    assert article.status is PageStatus.STUB
    assert "the feed's text is better" in article.quality


def test_stub_by_the_pages_own_word_count() -> None:
    """A page that claims 1,200 words and shows 60 is a stub."""
    body = page(
        f"<h1>{HEADLINE}</h1><p>{ALL_PARAGRAPHS[0]}</p><p>{ALL_PARAGRAPHS[1]}</p>",
        json_ld={"@type": "NewsArticle", "headline": HEADLINE, "wordCount": 1200},
    )
    article = extract(body, url=URL)
    assert article.status is PageStatus.STUB
    assert "1200" in article.quality


def test_consent_wall_by_its_words() -> None:
    """A cookie wall in the article's place is told by its words, none of which is the title's."""
    wall = (
        "<div><h1>Your choices</h1><p>We and our partners store cookies on your device with your consent to show you advertising.</p>"
        "<p>Click accept all to agree, or manage options to change your privacy settings at any time.</p></div>"
    )
    article = extract(page(wall, title="Before you continue"), url=URL, feed_title=HEADLINE)
    assert article.status is PageStatus.CONSENT
    assert "consent" in article.quality


def test_consent_wall_by_its_address() -> None:
    """A redirect to a consent host is a consent wall even if we cannot read its words."""
    assert extract(page(), url="https://consent.daily-example.com/v2/collect?next=story").status is PageStatus.CONSENT


def test_story_about_cookies_is_no_consent_wall() -> None:
    """An article about consent and cookies has the words of its own title."""
    text = "".join(f"<p>The court ruled on cookies and consent again: {sentence}</p>" for sentence in SENTENCES[:4])
    article = extract(
        page(f"<h1>Court rules on cookies and consent</h1>{text}", title="Court rules on cookies and consent"), url=URL
    )
    assert article.status is PageStatus.OK


def test_short() -> None:
    """A page with a sentence or two is short."""
    article = extract(page(f"<h1>{HEADLINE}</h1><p>{SENTENCES[0]}</p>"), url=URL)
    assert article.status is PageStatus.SHORT


def test_page_that_scripts_would_fill() -> None:
    """Much source, hardly any text: the page is made by scripts."""
    scripts = "<script>" + "var state = window.render(1, 2, 3);\n" * 1500 + "</script>"
    article = extract(
        f"<html><head><title>{HEADLINE}</title>{scripts}</head><body><div id='root'></div></body></html>".encode(),
        url=URL,
    )
    assert article.status is PageStatus.JS


def test_page_that_wants_javascript() -> None:
    """A page that asks for JavaScript says so itself."""
    body = f"<html><title>{HEADLINE}</title><body><p>Please enable JavaScript to view this page, then try again.</p></body></html>"
    assert extract(body.encode(), url=URL).status is PageStatus.JS


def test_text_that_stands_in_a_script() -> None:
    """A page without text of its own gives the article that its scripts would show."""
    inner = ARTICLE.replace("“", "\\u201c").replace("”", "\\u201d").replace("<", "\\u003c").replace(">", "\\u003e")
    body = f'<html><head><title>{HEADLINE}</title></head><body><div id="app"></div><script>self.push({{"story":{{"html":"{inner}"}}}})</script></body></html>'
    article = extract(body.encode(), url=URL)
    assert article.status is PageStatus.OK
    assert ALL_PARAGRAPHS[4] in article.text
    assert "text in scripts" in article.quality


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"%PDF-1.7 ...", ""), (b"ID3 sound", ""), (b"anything", "video/mp4"), (b"x", "application/pdf; v=1")],
)
def test_media(body: bytes, content_type: str) -> None:
    """PDF, audio and video are no failure: the status says media, and the caller has the feed's words."""
    article = extract(body, url=URL, headers={"Content-Type": content_type}, feed_title=HEADLINE)
    assert (article.status, article.title, article.text) == (PageStatus.MEDIA, HEADLINE, "")


def test_video_page() -> None:
    """A page whose subject is a video, with a line of text, is media."""
    article = extract(
        page(
            f"<h1>{HEADLINE}</h1><p>{SENTENCES[0]} {SENTENCES[3]} {SENTENCES[4]}</p>",
            head='<meta property="og:type" content="video.other">',
        ),
        url=URL,
    )
    assert article.status is PageStatus.MEDIA


def test_soft_404_by_title() -> None:
    """A page that says it does not exist, with status 200, is gone."""
    article = extract(
        page(
            "<h1>Page not found</h1><p>Perhaps you were looking for one of these stories.</p>", title="Page not found"
        ),
        url=URL,
        feed_title=HEADLINE,
    )
    assert article.status is PageStatus.GONE


def test_soft_404_that_is_the_front_page() -> None:
    """A dead link answered with the front page is gone, however much text that has."""
    article = extract(
        page(
            title="The Daily Example – news from everywhere",
            content=f"<h1>The Daily Example</h1>{ARTICLE}",
            head='<link rel="canonical" href="https://daily-example.com/">',
        ),
        url=URL,
        feed_title="Zebra escapes from zoo in Brno",
    )
    assert article.status is PageStatus.GONE
    assert article.canonical_url == URL, "the front page's address must not become the story's"


def test_live_blog_with_its_updates() -> None:
    """A live blog is live, and keeps each update after a line with its time."""
    updates = [
        {
            "@type": "BlogPosting",
            "headline": f"Update {i}",
            "articleBody": text,
            "datePublished": f"2024-05-11T1{i}:05:00Z",
        }
        for i, text in enumerate(ALL_PARAGRAPHS)
    ]
    article = extract(
        page(
            f"<h1>{HEADLINE}</h1><p>{SENTENCES[0]}</p>",
            json_ld={"@type": "LiveBlogPosting", "headline": HEADLINE, "liveBlogUpdate": updates},
        ),
        url=URL,
    )
    assert article.status is PageStatus.LIVE
    assert "2024-05-11 13:05\nUpdate 3\n" + ALL_PARAGRAPHS[3] in article.text


def test_live_blog_by_address_and_clocks() -> None:
    """Without JSON-LD a live blog is known by its address together with lines that begin with a time."""
    entries = "".join(f"<h3>1{i}:2{i} Uhr: Lage am Abend</h3><p>{text}</p>" for i, text in enumerate(ALL_PARAGRAPHS))
    article = extract(
        page(f"<h1>{HEADLINE}</h1>{entries}"), url="https://daily-example.com/liveticker/summit-12345.html"
    )
    assert article.status is PageStatus.LIVE


# --- the better text, the odd page ----------------------------------------------------------------------------------


def test_body_that_only_json_ld_states() -> None:
    """Where the page shows little and its JSON-LD has the article, the article is taken."""
    body = page(
        f"<h1>{HEADLINE}</h1><p>{SENTENCES[0]}</p>",
        json_ld={"@type": "NewsArticle", "headline": HEADLINE, "articleBody": "\n\n".join(ALL_PARAGRAPHS)},
    )
    article = extract(body, url=URL)
    assert article.text.split("\n") == ALL_PARAGRAPHS
    assert "json-ld articleBody" in article.quality


@pytest.mark.parametrize("depth", [300, 1_000, 100_000])
def test_deep_nesting_loses_no_text(depth: int) -> None:
    """lxml alone gives 9 characters for 1,000 nested div."""
    article = extract(
        f"<html><body><h1>{HEADLINE}</h1>{'<div>' * depth}{ARTICLE}{'</div>' * depth}</body></html>".encode(), url=URL
    )
    assert all(text in article.text for text in ALL_PARAGRAPHS)
    assert "nested too deeply" in article.quality


@pytest.mark.parametrize(
    "page",
    [
        "<title>{title}</title><article>{text}</article>",
        "<title>{title}</title><article>{text}</article><div>More</div>",
        "<title>{title}</title><header>Site</header><main>{text}</main><footer>Imprint</footer><div></div>",
        "<title>{title}</title><main>{text}</main><script>1</script><p>End</p>",
        "<title>{title}</title><svg></svg><main>{text}</main><noscript>On</noscript><p>End</p>",
    ],
)
def test_a_page_without_head_and_body_tags_loses_no_text(page: str) -> None:
    """libxml2 leaves what HTML5 added and follows the <title> in the head, where nobody looks for text."""
    article = extract(page.format(title=HEADLINE, text=ARTICLE).encode(), url=URL)
    assert all(text in article.text for text in ALL_PARAGRAPHS)
    assert article.status == "ok"


def test_a_head_alone_has_no_text() -> None:
    """A page that was cut off, or is filled by scripts: its title is no article."""
    article = extract(f"<html><head><title>{HEADLINE} | Courier</title><meta charset=utf-8>".encode(), url=URL)
    assert (article.text, article.title) == ("", HEADLINE)


def test_unclosed_elements_lose_no_text() -> None:
    """20,000 unclosed div, each with a sentence of its own."""
    body = "".join(
        f"<div>Sentence number {i} stands alone in an element that nobody ever closed." for i in range(20_000)
    )
    article = extract(f"<html><body><h1>{HEADLINE}</h1>{body}</body></html>".encode(), url=URL)
    assert "Sentence number 3 " in article.text
    assert "Sentence number 19999 " in article.text


def test_huge_page_is_cut_and_says_so() -> None:
    """A page of 5 MB gives its first 3 million characters of mark-up."""
    body = "".join(f"<p>{SENTENCES[i % 12]} This is paragraph {i}.</p>" for i in range(40_000))
    article = extract(f"<html><body><h1>{HEADLINE}</h1>{body}</body></html>".encode(), url=URL)
    assert len(article.text) > 1_000_000
    assert "cut at" in article.quality


def test_page_date_against_feed_date_is_said() -> None:
    """Both dates are kept: the page's in the article, the difference in its quality."""
    body = page(json_ld={"@type": "NewsArticle", "headline": HEADLINE, "datePublished": "2019-05-11T08:00:00Z"})
    at = datetime(2024, 5, 11, 8, tzinfo=UTC)
    article = extract(body, url=URL, feed_published_at=at)
    assert article.published_at is not None and at - article.published_at > timedelta(days=365)
    assert "2019-05-11 by the page, 2024-05-11 by the feed" in article.quality


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n ",
        b"PK\x03\x04zip",
        b"\x1f\x8bgz",
        bytes(range(256)) * 20,
        b'<?xml version="1.0"?><rss><channel></channel></rss>',
    ],
)
def test_what_is_no_page(body: bytes) -> None:
    """Nothing, archives, noise and feeds are refused with the URL in the message."""
    with pytest.raises(ExtractError, match="daily-example"):
        extract(body, url=URL)


MARKUP = st.lists(
    st.sampled_from(
        ["<div>", "</div>", "<p>", "</p>", "<script>", "</script>", "<!--", "-->", "<a href='", "\"", "'", ">", "<", "&amp;", "&#0;", "&#x110000;", "<br>", "<table><tr><td>",
         "<h1>", "</h1>", '<script type="application/ld+json">', '{"@type":"NewsArticle","author":[[[', "]]]}", "<meta charset=utf-16>", '<meta name="date" content="0000-99-99">',
         '<time datetime="9999-12-31T99:99">', "text, and more of it. ", "\x00", "\ufeff", "\ud7ff", "<svg/>", "<title>", '<link rel=canonical href="http://[">', "<svg"]
    ),
    max_size=60,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.one_of(st.binary(max_size=300), MARKUP.map(str.encode), MARKUP.map(lambda text: text.encode("utf-16"))))
def test_never_raises_anything_but_extract_error(body: bytes) -> None:
    """Whatever the bytes, the answer is an article or an ExtractError."""
    try:
        article = extract(body, url=URL)
    except ExtractError:
        return
    assert "\x00" not in article.text
    assert article.quality


@settings(deadline=None, max_examples=60)
@given(url=st.text(max_size=40), kind=st.text(max_size=20))
def test_never_raises_on_odd_addresses(url: str, kind: str) -> None:
    """Neither an odd URL nor an odd header is a reason to fail."""
    assert extract(page(), url=url, headers={"content-type": kind if "/" not in kind else "text/html"}).text
