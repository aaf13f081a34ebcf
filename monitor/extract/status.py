"""How much of the article a page gave, and the rule that says so."""

from __future__ import annotations

from monitor.extract.json_ld import Claims
from monitor.extract.metadata import Metadata
from monitor.extract.tree import Page
from monitor.model import PageStatus


def judge(page: Page, claims: Claims, meta: Metadata, text: str) -> tuple[PageStatus, str]:
    """The status of a page's text and the rule that set it, in words."""
    if claims.free is False and len(text) < 1500:
        return PageStatus.STUB, f"stub: not free and {len(text)} characters"
    if len(text) < 200:
        return PageStatus.SHORT, f"short: {len(text)} characters"
    return PageStatus.OK, f"ok: {len(text)} characters"
