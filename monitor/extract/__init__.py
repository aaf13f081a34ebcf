"""Page bytes -> Article. Pure: knows neither network nor store; each answer says how much of the article it is.

The way of a page: charset.py decodes it, tree.py parses it, blocks.py lays it out, json_ld.py and metadata.py read what
it says about itself, body.py chooses the text, status.py judges how much of the article that is. versions.py compares
two readings of one story.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.errors import ExtractError
from monitor.extract import blocks, charset, json_ld, metadata, status, tree
from monitor.extract import body as bodies
from monitor.extract.plain import plain_text, tidy
from monitor.extract.status import Verdict
from monitor.model import Article, PageStatus
from monitor.urls import canonical_url

__all__ = ["count_words", "extract", "plain_text"]

_MEDIA_TYPES = re.compile(
    r"application/(?:pdf|epub|ogg|vnd\.ms-|vnd\.openxml|msword|x-shockwave)|audio/|video/|image/", re.IGNORECASE
)
_MEDIA_BYTES = re.compile(
    rb"%PDF-|ID3|OggS|RIFF....(?:WAVE|AVI |WEBP)|....ftyp|\x89PNG|\xff\xd8\xff|GIF8|\xd0\xcf\x11\xe0", re.DOTALL
)
_BINARY_BYTES = re.compile(rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!|\x7fELF|MZ\x90|BZh|\x28\xb5\x2f\xfd")
_DATES_APART = timedelta(days=2)
_FEED_BYTES = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*+(?:<!--(?:(?!-->).)*+-->\s*+|<\?[^>]*+>\s*+)*+<(?:rss|feed|rdf:RDF|urlset|sitemapindex)\b",
    re.DOTALL,
)
_CONTROL = bytes((*range(0x09), *range(0x0E, 0x1B), *range(0x1C, 0x20)))
_WIDE = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
_WIDE_WORD = re.compile("[\u3040-\u30ff\u3400-\u9fff]{2}|[\u0e00-\u0e7f]{5}")
_SAMPLE = 20_000  # characters looked at for control characters
_UNREADABLE = 0.03  # share of characters from which bytes are no text; chance alone gives a tenth


def extract(
    body: bytes,
    *,
    url: str,
    headers: Mapping[str, str] | None = None,
    feed_title: str = "",
    feed_text: str = "",
    feed_published_at: datetime | None = None,
) -> Article:
    """Read the article on a page.

    ``url``: where the bytes came from, after redirects. ``headers``: of the response; only content-type is read. What
    the feed says (title, full text, time) helps to judge the page and is never put in its place: an article that is not
    ``ok`` or ``live`` keeps what the page itself gave, and the caller decides. Where the feed gives the time, a page
    that does not state its own is not searched for one.

    ``Article.published_at`` keeps the offset of the page's own clock, so that its date is the one readers saw.

    Raises:
        ExtractError: no page: empty, an archive or program, or bytes that are no text in any charset.
    """
    content_type = next((value for name, value in (headers or {}).items() if name.lower() == "content-type"), "")
    if not body or body.isspace():
        raise ExtractError(f"{url}: the body is empty")
    if _MEDIA_TYPES.match(content_type.strip()) or _MEDIA_BYTES.match(body):
        return _media(url, content_type, feed_title)
    if wrong := _no_page(body, content_type):
        raise ExtractError(f"{url}: {wrong}")
    decoded = charset.decode(body, content_type)
    if (unreadable := _unreadable(decoded)) > _UNREADABLE:
        raise ExtractError(f"{url}: no text; {unreadable:.0%} of it is unreadable as {decoded.charset}")
    try:
        article = _read(decoded, url, feed_title, feed_text, guess_date=feed_published_at is None)
    except ExtractError as error:
        raise ExtractError(f"{url}: {error}") from error
    return replace(article, quality="; ".join([article.quality, *_remarks(article, feed_text, feed_published_at)]))


def _no_page(body: bytes, content_type: str) -> str | None:
    """What the bytes are instead of a page."""
    if _BINARY_BYTES.match(body):
        return f"an archive or program, no page ({content_type or 'no content type'})"
    if _FEED_BYTES.match(body):
        return "a feed, no page"
    if "json" in content_type.lower() and body.lstrip()[:1] in b"{[":
        return f"data, no page ({content_type})"
    return None


def _unreadable(decoded: charset.Decoded) -> float:
    """The share of characters that no charset explains or that no page holds."""
    sample = decoded.text[:_SAMPLE]
    coded = sample.encode("utf-8", "replace")  # where no other sign has a byte below 0x80
    controls = len(coded) - len(coded.translate(None, _CONTROL))
    return max(decoded.replaced, controls / max(1, len(sample)))


def _media(url: str, content_type: str, feed_title: str) -> Article:
    kind = content_type.partition(";")[0].strip()
    return Article(
        url=url,
        canonical_url=canonical_url(url),
        title=feed_title,
        authors=(),
        published_at=None,
        lang=None,
        text="",
        word_count=0,
        status=PageStatus.MEDIA,
        quality=f"media: {kind if _MEDIA_TYPES.match(kind) else 'by its first bytes'}",
    )


def _read(decoded: charset.Decoded, url: str, feed_title: str, feed_text: str, *, guess_date: bool) -> Article:
    page = tree.load(decoded.text)
    claims = json_ld.read(page.json_ld, url)
    layout = blocks.read(page.root)
    meta = metadata.read(page, layout, claims, url, guess_date=guess_date)
    page.root.clear()  # read to its end: freeing it now, while it is in the processor's cache, takes half the time
    text = bodies.read(page, layout, claims, meta)
    verdict = status.judge(page, layout, claims, meta, text.text, url, feed_title, feed_text)
    return Article(
        url=url,
        canonical_url=meta.canonical_url,
        title=tidy(meta.title).replace("\n", " ") or feed_title,
        authors=meta.authors,
        published_at=meta.published_at,
        lang=_primary(meta.lang),
        text=text.text,
        word_count=count_words(text.text),
        status=verdict.status,
        quality=_quality(verdict, text, page, decoded),
    )


def _quality(verdict: Verdict, text: bodies.Body, page: tree.Page, decoded: charset.Decoded) -> str:
    """The rule, the extractor, and whatever was odd about the page, as words for a person."""
    parts = [f"{verdict.rule} ({text.extractor})", *page.notes]
    if text.doubt > 0.2:
        parts.append(f"doubt {text.doubt:.2f}")
    if decoded.replaced > 0.001:
        parts.append(f"{decoded.replaced:.1%} of the characters unreadable as {decoded.charset}")
    return "; ".join(parts)


def _remarks(article: Article, feed_text: str, feed_published_at: datetime | None) -> list[str]:
    """What the feed says otherwise."""
    remarks = []
    if len(feed_text) > 1.2 * len(article.text) and (not article.text or status.contains(feed_text, article.text)):
        remarks.append(
            f"the feed's text is better: {len(feed_text)} characters against {len(article.text)}, which it contains"
        )
    if feed_published_at and article.published_at and abs(article.published_at - feed_published_at) > _DATES_APART:
        remarks.append(f"dated {article.published_at:%Y-%m-%d} by the page, {feed_published_at:%Y-%m-%d} by the feed")
    return remarks


def _primary(lang: str | None) -> str | None:
    """``"en-GB"`` -> ``"en"``; None for what is no language code."""
    match = re.match(r"\s*([a-zA-Z]{2,3})(?:[-_]|\s*$)", lang or "")
    return match[1].lower() if match else None


def count_words(text: str) -> int:
    """Words; in scripts without spaces two signs count as one."""
    return len(text.split()) + (len(_WIDE_WORD.findall(text)) if _WIDE.search(text) else 0)
