"""Page bytes -> Article. Pure: knows neither the network nor the store; every answer says how much of the page it is, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from monitor.extract import body as bodies
from monitor.extract import blocks, charset, json_ld, metadata, tree
from monitor.extract.plain import plain_text
from monitor.extract.status import judge
from monitor.model import Article

__all__ = ["extract", "plain_text"]


def extract(
    body: bytes,
    *,
    url: str,
    headers: Mapping[str, str] | None = None,
    feed_title: str = "",
    feed_text: str = "",
    feed_published_at: datetime | None = None,
) -> Article:
    """Read the article on a page."""
    content_type = next((value for name, value in (headers or {}).items() if name.lower() == "content-type"), None)
    decoded = charset.decode(body, content_type)
    page = tree.load(decoded.text)
    claims = json_ld.read(page.json_ld, url)
    layout = blocks.read(page.root)
    meta = metadata.read(page, layout, claims, url)
    text = bodies.read(page, layout, claims, meta)
    status, rule = judge(page, claims, meta, text.text)
    return Article(
        url=url,
        canonical_url=meta.canonical_url,
        title=meta.title or feed_title,
        authors=meta.authors,
        published_at=meta.published_at,
        lang=meta.lang,
        text=text.text,
        word_count=len(text.text.split()),
        status=status,
        quality=f"{rule} ({text.extractor})",
    )
