"""Parsed page -> the text of its article: likely blocks; in doubt trafilatura, the JSON-LD, or the scripts.

Takes no decision about what the text is worth; see status.py.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from monitor.extract import features, scripted
from monitor.extract.blocks import Layout
from monitor.extract.json_ld import Claims
from monitor.extract.likelihood import Net, shipped
from monitor.extract.metadata import Metadata
from monitor.extract.plain import INVISIBLE, plain_text, tidy
from monitor.extract.tree import Page

# Chosen by cross-validation by publisher: a flat optimum, .5-.6 and .4-.8 give the same F1 within .001
_LIKELY = 0.55
_DOUBTFUL = 0.5
_TOO_SHORT = 250  # characters under which a second opinion is asked
# no page of 649 keeps less than .24 of what stands outside menus and asides: less is a page unlike any of them
_LOST, _LOST_DOUBT = 0.12, 0.5
_EMPTY = 400  # characters under which the text may stand in the page's scripts
_LARGE = 1_500_000  # characters of mark-up, and
_MANY = 8_000  # blocks, over which no second opinion is asked: trafilatura takes 2 s a megabyte
_REPEATED = 30  # characters from which a line that stands twice is kept once


@dataclass(frozen=True, slots=True)
class Body:
    """A text and the extractor it came from."""

    text: str  # paragraphs by newline
    extractor: str
    doubt: float  # 0 sure .. 1: mean chance of error over the kept text


@dataclass(frozen=True, slots=True)
class Draft:
    """A page laid out, before it is judged."""

    page: Page
    layout: Layout
    features: features.Matrix
    stated: str  # articleBody of the JSON-LD as plain text


def read(page: Page, layout: Layout, claims: Claims, meta: Metadata) -> Body:
    """The text of the page's article; empty where there is none."""
    body = finish(draft(page, layout, claims, meta), shipped())
    if claims.updates:
        body = _with_updates(body, claims)
    if len(body.text) < _EMPTY and claims.free is not False:
        text = scripted.read(page.scripts, f"{meta.title} {meta.description}")
        if len(text) > max(_TOO_SHORT, 2 * len(body.text)):
            body = Body(text, "text in scripts", body.doubt)
    return body


def draft(page: Page, layout: Layout, claims: Claims, meta: Metadata) -> Draft:
    """Measure the page's blocks."""
    stated = plain_text(claims.body)
    return Draft(page, layout, features.matrix(layout, meta.title, meta.description, stated), stated)


def finish(draft: Draft, net: Net) -> Body:
    """Choose the text. ``net``: the shipped one, or one under test."""
    body = _likely(draft, net.probabilities(draft.features))
    small = len(draft.page.markup) < _LARGE and len(draft.layout.blocks) < _MANY
    if small and (body.doubt > _DOUBTFUL or len(body.text) < _TOO_SHORT or draft.page.notes):
        body = _second_opinion(draft.page, body)
    if len(draft.stated) > 2 * len(body.text):
        body = Body(draft.stated, "json-ld articleBody", body.doubt)
    if body.doubt > _LOST_DOUBT or draft.page.notes or not body.text:
        everything = features.unlinked(draft.layout)
        if len(body.text) < _LOST * len(everything):
            body = Body(tidy(everything), "all text outside of menus", body.doubt)
    return body


def _with_updates(body: Body, claims: Claims) -> Body:
    """The updates of a live blog, each after a line with its time, where they are more than the page shows."""
    updates = ((at[:16].replace("T", " "), headline, plain_text(text)) for at, headline, text in claims.updates)
    text = tidy("\n".join("\n".join(update) for update in updates))
    return Body(text, "json-ld liveBlogUpdate", body.doubt) if len(text) > 1.2 * len(body.text) else body


def _likely(draft: Draft, likelihood: features.Matrix) -> Body:
    texts: dict[str, None] = {}
    lines: list[str] = []
    for index in np.nonzero(likelihood >= _LIKELY)[0].tolist():
        line = draft.layout.blocks[index].text
        if len(line) <= _REPEATED or line not in texts:
            texts[line] = None
            lines.append(line)
    sizes = np.array([min(features.chars(block.text), 2000) for block in draft.layout.blocks], np.float32)
    doubt = float((np.minimum(likelihood, 1 - likelihood) * sizes).sum() / max(1.0, float((likelihood * sizes).sum())))
    text = "\n".join(lines)  # blocks are tidy but for invisible signs
    return Body(tidy(text) if INVISIBLE.search(text) else text, "likely blocks", min(1.0, doubt))


def _second_opinion(page: Page, first: Body) -> Body:
    """trafilatura's, the best single extractor measured; slow, so asked only in doubt (about one page in 90)."""
    # its own fallbacks take twice the time and 20 MB of stop words: only for pages that had to be flattened
    text = _by_trafilatura(page.markup, fast=not page.notes)
    if len(text) >= 200 or not first.text:
        return Body(text, "trafilatura precision", first.doubt)
    return first


def _by_trafilatura(markup: str, *, fast: bool) -> str:
    from lxml.html import HTMLParser, document_fromstring
    from trafilatura import bare_extraction
    from trafilatura.settings import Document

    # it reports every page it gives up on as an error; that is our normal case, and said in the result
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    parsed = document_fromstring(markup.encode("utf-8", "replace"), HTMLParser(encoding="utf-8"))
    document = bare_extraction(parsed, favor_precision=True, include_comments=False, fast=fast)
    return tidy(document.text or "") if isinstance(document, Document) else ""
