"""Parsed page -> its text in blocks, in reading order, and the elements they stand in. Judges nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from lxml import etree

from monitor.extract import words

# what ends a run of inline text
_BLOCK_TAGS = frozenset(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 "  # noqa: SIM905
    "h4 h5 h6 header hr html li main ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
# left out; an img cannot hold anything, and is named to save a look into it
_SKIPPED = frozenset(
    "head nav script style noscript svg iframe button select option input textarea template object embed datalist "  # noqa: SIM905
    "dialog img".split()
)
_MAX_DEPTH = 300  # nested elements; libxml2 stops at 256, but its newer versions may not, and Python at 1,000 calls
_MAX_NAMES = 300  # characters of class, id and so on: they are kept for the next page
_STRONG = frozenset(("b", "strong"))
_NAMING = frozenset(("class", "id", "role", "itemprop", "data-testid", "data-component"))

_Attributes = Sequence[tuple[str, str]]

# What an element is for, as its class, id and so on tell (words in lexicon/pages.yaml), or its attributes ("hidden").
# The order is that of the features, so a new role means new weights.
ROLE_NAMES = (
    *("body", "article", "main", "comment", "related", "nav", "footer", "side", "share", "subscribe", "ad", "author"),
    *("meta", "tags", "caption", "title", "lead", "box", "consent", "popup", "end", "hidden"),
)
BIT = {name: 1 << number for number, name in enumerate(ROLE_NAMES)}
_OPENER = 1 << len(ROLE_NAMES)  # no role: the first word of a name of two
_TAG_ROLES = {
    "article": BIT["article"],
    "main": BIT["main"],
    "footer": BIT["footer"],
    "aside": BIT["side"],
    "figure": BIT["caption"],
    "figcaption": BIT["caption"],
    "form": BIT["subscribe"],
}
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NAME = re.compile(r"[a-z]+|\d+")

_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_HIDDEN_NAMES = frozenset(
    "hidden hide is-hidden d-none display-none u-hidden visually-hidden visuallyhidden sr-only screen-reader-text "  # noqa: SIM905
    "screen-reader-only".split()
)
# readers' comments are never article text, whatever they look like
_COMMENTS = re.compile(
    r"(?:^|\s)(?:comments|comment-?list|comments-?(?:area|list|section|wrapper|container|wrap|block|content)|"
    r"post-comments|article-comments|disqus_thread|disqus(?:-comments)?|dsq-comments|reader-comments|fb-comments|"
    r"respond|kommentare|commentarea)(?:\s|$)"
)


@dataclass(slots=True)
class Box:
    """A block-level element."""

    tag: str
    parent: int  # index of the box around it, -1 for the outermost
    end: int  # index after the last box in it
    roles: int  # named on itself, as bits
    signature: str  # tag and class, to tell likes


@dataclass(slots=True)
class Block:
    """A run of text without a block boundary in it."""

    box: int  # index of the block-level element it stands in
    text: str  # one line
    link_chars: int
    links: int
    strong_chars: int
    breaks: bool  # a <br>, not a block, ends it or the one before it


@dataclass(slots=True)
class Layout:
    """All blocks of a page and the boxes they stand in, each in reading order; a box comes after the box around it."""

    boxes: list[Box] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


def read(root: etree._Element) -> Layout:
    """The page's text in blocks. Menus, buttons, form fields and readers' comments are left out."""
    walker = _Walker()
    body = root.find("body") if root.tag == "html" else root
    outermost = body if body is not None else root
    walker.box(outermost, outermost.items(), -1)
    return walker.layout


@lru_cache(maxsize=20_000)
def _roles(names: str, css: str) -> int:
    """What a class, id and so on name, as bits of ``BIT``: each word by itself or with the next.

    ``css``: the class alone, which may hide the element.
    """
    found = 0 if _HIDDEN_NAMES.isdisjoint(css.split()) else BIT["hidden"]
    parts = _NAME.findall(names if names.islower() else _CAMEL.sub(" ", names).lower())
    for part in parts:
        found |= _word_roles(part)
    if found & _OPENER:
        for first, second in pairwise(parts):
            if _word_roles(first) & _OPENER:
                found |= _word_roles(f"{first}-{second}")
    return found & ~_OPENER


@lru_cache(maxsize=20_000)
def _word_roles(word: str) -> int:
    """The roles that a word names, or two joined by a hyphen; and whether the word may be the first of such two."""
    found = _OPENER if words.openers().search(word) else 0
    for role, pattern in words.roles().items():
        if pattern.search(word):
            found |= BIT[role]
    return found


class _Walker:
    """Collects the blocks of a tree in one pass."""

    def __init__(self) -> None:
        self.layout = Layout()
        self.parts: list[str] = []
        self.link_chars = self.links = self.strong_chars = 0
        self.broken = False
        self.depth = 0

    def box(self, element: etree._Element, attributes: _Attributes, parent: int) -> None:
        tag = element.tag
        own = _TAG_ROLES.get(tag, 0)
        signature = tag
        if attributes:
            named, css = _named(attributes)
            own |= named
            signature = f"{tag} {css}"
        boxes = self.layout.boxes
        index = len(boxes)
        box = Box(tag, parent, index, own, signature)
        boxes.append(box)
        self.flush(max(parent, 0))
        self.content(element, index, False, False)
        self.flush(index)
        box.end = len(boxes)

    def content(self, element: etree._Element, box: int, link: bool, strong: bool) -> None:
        if self.depth >= _MAX_DEPTH:
            self.add(" ".join(element.itertext()), link, strong)
            return
        if text := element.text:
            self.add(text, link, strong)
        self.depth += 1
        for child in element:
            tag = child.tag
            if tag in _BLOCK_TAGS:
                attributes = child.items()
                if attributes and _holds_comments(child, attributes):
                    self.flush(box)
                else:
                    self.box(child, attributes, box)
            elif tag == "br":
                self.flush(box, by_break=True)
            elif tag == "a":
                self.links += 1
                self.content(child, box, True, strong)
            elif tag not in _SKIPPED:
                self.content(child, box, link, strong or tag in _STRONG)
            if text := child.tail:
                self.add(text, link, strong)
        self.depth -= 1

    def add(self, text: str, link: bool, strong: bool) -> None:
        if not self.parts and (not text or text.isspace()):
            return  # what stands between most tags, and would be dropped from the block's start
        self.parts.append(text)
        if link or strong:
            length = len(text.strip())
            self.link_chars += length if link else 0
            self.strong_chars += length if strong else 0

    def flush(self, box: int, *, by_break: bool = False) -> None:
        if self.parts:
            text = " ".join("".join(self.parts).split())
            by_breaks = by_break or self.broken
            self.layout.blocks.append(Block(box, text, self.link_chars, self.links, self.strong_chars, by_breaks))
            self.parts = []
        self.broken = by_break
        self.link_chars = self.links = self.strong_chars = 0


def _named(attributes: _Attributes) -> tuple[int, str]:
    """(the roles that an element's attributes name, its class)."""
    named = []
    css = ""
    hidden = 0
    for name, value in attributes:
        if name in _NAMING:
            named.append(value)
            if name == "class":
                css = value
        elif name == "style":
            hidden = hidden or (BIT["hidden"] if _HIDDEN_STYLE.search(value) else 0)
        elif name == "hidden" or (name == "aria-hidden" and value == "true"):
            hidden = BIT["hidden"]
    if not named:
        return hidden, css
    hiding = css if len(css) <= _MAX_NAMES else " ".join(_HIDDEN_NAMES.intersection(css.split()))
    return hidden | _roles(" ".join(named)[:_MAX_NAMES], hiding), css


def _holds_comments(element: etree._Element, attributes: _Attributes) -> bool:
    for name, value in attributes:
        if (
            ("omment" in value or "isqus" in value or "respond" in value)
            and name in ("class", "id")
            and _COMMENTS.search(value.lower())
        ):
            return element.tag != "body" and element.find(".//h1") is None
    return False
