"""HTML fragments of feeds -> plain text. Works on strings alone: no tree is built, so it is fast and cannot fail."""

from __future__ import annotations

import re
from html import unescape

_DROPPED = re.compile(
    r"<(script|style|svg|noscript|template|iframe|object|select)\b(?:(?!</\1\b).)*+(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<!\[CDATA\[|\]\]>",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTES = r"""(?:[^<>"']|"[^"<]*"|'[^'<]*'|["'])*+"""
_BLOCK = re.compile(
    r"</?(?:address|article|aside|blockquote|body|br|caption|center|dd|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|"
    rf"header|hr|html|li|main|nav|ol|p|pre|section|summary|table|tbody|tfoot|thead|title|tr|ul)\b{_ATTRIBUTES}>",
    re.IGNORECASE,
)
_CELL = re.compile(rf"</?t[dh]\b{_ATTRIBUTES}>", re.IGNORECASE)
_TAG = re.compile(rf"<[/!?]?[a-zA-Z]{_ATTRIBUTES}>")
INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u200b\u2060\ufeff]")


def plain_text(html: str) -> str:
    """The text of an HTML fragment, paragraphs by newline.

    Tags are removed, block tags and ``<br>`` end a line, scripts and comments are dropped, entities decoded, white
    space collapsed. Line breaks of the source count only where no block tag structures it, so plain text comes back as
    it is (but for its white space).
    """
    if "<" in html:
        html = _DROPPED.sub(" ", html)
        if _BLOCK.search(html):
            html = _BLOCK.sub("\n", html.replace("\r", " ").replace("\n", " "))
        html = _TAG.sub("", _CELL.sub(" ", html))
    if "&" in html:
        html = unescape(html)
    return tidy(html)


def tidy(text: str) -> str:
    """``text`` without invisible characters, runs of white space as one space, no blank lines."""
    text = INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
