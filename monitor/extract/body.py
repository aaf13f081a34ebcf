"""Parsed page -> the text of its article."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.extract.json_ld import Claims
from monitor.extract.tree import Page


@dataclass(frozen=True, slots=True)
class Body:
    """A text and the extractor it came from."""

    text: str
    extractor: str


def read(page: Page, claims: Claims) -> Body:
    """The text of the page's article, paragraphs by newline; empty where there is none."""
    from lxml.html import HTMLParser, document_fromstring
    from trafilatura import bare_extraction

    from monitor.extract.plain import plain_text, tidy

    document = bare_extraction(document_fromstring(page.markup.encode(), HTMLParser(encoding="utf-8")), favor_precision=True, include_comments=False)
    text = tidy(document.text or "") if document else ""
    articles = plain_text(claims.body)
    if len(articles) > len(text):
        return Body(articles, "json-ld articleBody")
    return Body(text, "trafilatura precision")
