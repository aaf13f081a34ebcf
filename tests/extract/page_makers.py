"""Pages in our own words for the extraction tests: an article, and what stands around or in place of it."""

from __future__ import annotations

import json
from typing import Any

SENTENCES = (
    "The foreign ministers of the alliance spent Tuesday afternoon on the wording of a single paragraph.",
    "Nobody in the room had expected that the letter from the eastern capital would arrive before lunch.",
    "“We have come to listen, and then we shall decide,” the host said when the doors were opened again.",
    "Two delegations asked for a pause, because their parliaments had not yet seen the annex with the figures.",
    "According to a diplomat who took part, the annex names a sum of 4.2 billion and a date in late autumn.",
    "The mood, she added, was better than in spring, although the old disagreements had not gone away.",
    "A vote is planned for Thursday; until then the text will be kept in a locked room on the third floor.",
    "Outside the building some forty people held up flags and sang, watched by a handful of police officers.",
    "The candidate country called the meeting a step, and not a small one, on a road that began long ago.",
    "Whether the step will be followed by another depends, as so often, on the smallest of the members.",
    "Its prime minister has left open how he will vote, and his coalition is known to be divided over it.",
    "Analysts in the capital recall that a similar draft failed in March because one comma was in dispute.",
)
HEADLINE = "Ministers argue over one paragraph of the accession letter"


def paragraphs(count: int = len(SENTENCES), start: int = 0) -> list[str]:
    """Different paragraphs of two sentences each."""
    chosen = [SENTENCES[(start + i) % len(SENTENCES)] for i in range(count + 1)]
    return [f"{chosen[i]} {chosen[i + 1]}" for i in range(count)]


ARTICLE = "".join(f"<p>{text}</p>" for text in paragraphs(10))
MENU = (
    "<nav><ul>"
    + "".join(f'<li><a href="/{word}">{word.title()}</a></li>' for word in ("news", "world", "sport"))
    + "</ul></nav>"
)
RELATED = (
    '<div class="related"><h3>Read also</h3>'
    + "".join(
        f'<div class="card"><a href="/x{i}">A different story number {i} that has nothing to do with it</a></div>'
        for i in range(5)
    )
    + "</div>"
)
COMMENTS = (
    '<div id="comments">'
    + "".join(f"<p>Reader {i} thinks that all of this is nonsense, and says so at length.</p>" for i in range(6))
    + "</div>"
)
FOOTER = "<footer><p>© 2024 The Daily Example. All rights reserved. Write to us about cookies and privacy.</p></footer>"


def page(
    content: str = f"<h1>{HEADLINE}</h1>{ARTICLE}",
    *,
    title: str = f"{HEADLINE} | The Daily Example",
    head: str = "",
    json_ld: dict[str, Any] | None = None,
) -> bytes:
    """A whole page with menu, the content as its article, related links, readers' comments and a footer."""
    script = f'<script type="application/ld+json">{json.dumps(json_ld)}</script>' if json_ld is not None else ""
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{head}{script}</head><body>{MENU}'
        f"<main><article>{content}</article>{RELATED}{COMMENTS}</main>{FOOTER}</body></html>"
    ).encode()
