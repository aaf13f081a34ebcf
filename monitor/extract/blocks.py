"""Parsed page -> its text in blocks, in reading order, and the elements they stand in with the roles their names tell. Judges nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from lxml import etree

# what ends a run of inline text
_BLOCK_TAGS = frozenset(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 "
    "header hr html li main ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
_SKIPPED = frozenset(
    "head nav script style noscript svg iframe button select option input textarea template object embed datalist dialog".split()
)
_STRONG = frozenset(("b", "strong"))
_NAMING = ("class", "id", "role", "itemprop", "data-testid", "data-component")

# words in class, id, role ... that tell what an element is for; "-" stands between the words of a compound
_ROLES = {
    "body": r"article-*(?:body|text|content|main|copy)|(?:story|post|entry|news|text|content|detail|single|blog)-*(?:body|content|text|copy)|"
    r"body-*(?:text|copy|content)|wysiwyg|rich-*text|paragraphs?\b|fulltext|mw-parser",
    "article": r"article|story|\bpost\b|entry|\bnews\b|artikel|articulo|statya",
    "main": r"\bmain\b|content",
    "comment": r"comment|disqus|respond|replies|\breply|kommentar|discussion|forum",
    "related": r"relat|recommend|recirc|similar|more-*(?:from|on|news|stories|articles)|read-*(?:more|also|next)|see-*also|also-*read|further|"
    r"up-*next|next-*(?:article|story|post)|most-*(?:read|popular|viewed)|popular|trending|latest|teaser|promo|outbrain|taboola|\bcard|\btile|"
    r"carousel|slider|swiper|\bfeed\b|ranking|top-*(?:stories|news)|suggest|widget|inline-*link|siehe|mehr",
    "nav": r"\bnav|navi|menu|breadcrumb|\bcrumb|pagination|pager|\btabs?\b|toolbar|topbar|skip-*link|masthead|sitemap|dropdown",
    "footer": r"foot|copyright|legal|bottom|imprint|impressum",
    "side": r"side-*bar|\baside|\brail\b|right-*col|\bright\b|\bside\b|column-*(?:2|3|right)|secondary|complementary",
    "share": r"share|sharing|social|facebook|twitter|follow|addthis|like-*button|tools?\b|\bprint\b|actions?\b",
    "subscribe": r"newsletter|subscri|sign-*up|signin|login|regist|paywall|\bpiano|offer|upsell|membership|premium|donat|support-*us|abo\b|\bcta\b",
    "ad": r"\bads?\b|\badv|advert|sponsor|banner|dfp|gpt|reklam|anzeige|publicidad|affiliate|commerce|shop|product",
    "author": r"author|byline|\bbio\b|contributor|writer|credits?\b|autor",
    "meta": r"meta|date|time|stamp|publish|info\b|kicker|eyebrow|label|categor|section-*(?:name|title)|rubri|source\b",
    "tags": r"\btags?\b|tag-*(?:list|cloud)|topics?\b|keyword|hashtag",
    "caption": r"caption|figure|\bfig\b|image|img|photo|gallery|media|video|player|picture|credit|embed|slideshow|foto|bild",
    "title": r"title|headline|\bheading",
    "lead": r"lead|summary|standfirst|dek\b|\bdeck|intro|excerpt|sub-*(?:title|head)|abstract|teaser-*text|chapo|lede|perex|description|vorspann|anons",
    "box": r"\bbox|fact-*box|infobox|pull-*quote|quote|highlight|callout|key-*(?:points|facts)|poll|quiz|chart|table|graphic|interactive",
    "consent": r"cookie|consent|gdpr|cmp\b|onetrust|didomi|privacy",
    "popup": r"collapse|modal|pop-*up|overlay|tooltip|lightbox|hidden|\bhide\b|offscreen",
    "end": r"\bend\b|after-*(?:content|article|post)|below|post-*(?:footer|nav|bottom)|article-*(?:footer|bottom|end)",
    "hidden": r"(?!)",  # set from attributes and whole class names, see _hidden
}
ROLE_NAMES = tuple(_ROLES)
BIT = {name: 1 << i for i, name in enumerate(ROLE_NAMES)}
_ROLE_PATTERNS = tuple((BIT[name], re.compile(pattern)) for name, pattern in _ROLES.items())
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
    "hidden hide is-hidden d-none display-none u-hidden visually-hidden visuallyhidden sr-only screen-reader-text screen-reader-only".split()
)
# readers' comments are never article text, whatever they look like
_COMMENTS = re.compile(
    r"(?:^|\s)(?:comments|comment-?list|comments-?(?:area|list|section|wrapper|container|wrap|block|content)|post-comments|article-comments|"
    r"disqus_thread|disqus(?:-comments)?|dsq-comments|reader-comments|fb-comments|respond|kommentare|commentarea)(?:\s|$)"
)


@dataclass(slots=True)
class Box:
    """A block-level element."""

    tag: str
    parent: int  # index of the box around it, -1 for the outermost
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
    walker.box(body if body is not None else root, -1)
    return walker.layout


@lru_cache(maxsize=20_000)
def roles(names: str) -> int:
    """The roles that the words of a class, id and so on name, as bits of ``BIT``."""
    words = _NAME.findall(_CAMEL.sub(" ", names).lower())
    found = 0
    for pair in zip(words, words[1:], strict=False) if len(words) > 1 else [(*words, "")]:
        found |= _pair_roles("-".join(pair))
    return found


@lru_cache(maxsize=50_000)
def _pair_roles(words: str) -> int:
    found = 0
    for bit, pattern in _ROLE_PATTERNS:
        if pattern.search(words):
            found |= bit
    return found


class _Walker:
    """Collects the blocks of a tree in one pass; recursion is bounded by the parser's own depth limit (256)."""

    def __init__(self) -> None:
        self.layout = Layout()
        self.parts: list[str] = []
        self.link_chars = self.links = self.strong_chars = 0
        self.broken = False

    def box(self, element: etree._Element, parent: int) -> None:
        tag = element.tag
        get = element.get
        kind = get("class") or ""
        names = " ".join(value for name in _NAMING if (value := get(name)))
        own = (roles(names) if names else 0) | _TAG_ROLES.get(tag, 0)
        if _hidden(element, kind):
            own |= BIT["hidden"]
        index = len(self.layout.boxes)
        self.layout.boxes.append(Box(tag, parent, own, f"{tag} {kind}"))
        self.flush(max(parent, 0))
        self.content(element, index, False, False)
        self.flush(index)

    def content(self, element: etree._Element, box: int, link: bool, strong: bool) -> None:
        if element.text:
            self.add(element.text, link, strong)
        for child in element:
            tag = child.tag
            if tag in _BLOCK_TAGS:
                if _holds_comments(child):
                    self.flush(box)
                else:
                    self.box(child, box)
            elif tag == "br":
                self.flush(box, by_break=True)
            elif tag not in _SKIPPED:
                if tag == "a":
                    self.links += 1
                self.content(child, box, link or tag == "a", strong or tag in _STRONG)
            if child.tail:
                self.add(child.tail, link, strong)

    def add(self, text: str, link: bool, strong: bool) -> None:
        self.parts.append(text)
        if link or strong:
            length = len(text.strip())
            self.link_chars += length if link else 0
            self.strong_chars += length if strong else 0

    def flush(self, box: int, *, by_break: bool = False) -> None:
        if self.parts:
            text = " ".join("".join(self.parts).split())
            if text:
                block = Block(box, text, self.link_chars, self.links, self.strong_chars, by_break or self.broken)
                self.layout.blocks.append(block)
            self.parts = []
        self.broken = by_break
        self.link_chars = self.links = self.strong_chars = 0


def _hidden(element: etree._Element, kind: str) -> bool:
    style = element.get("style")
    return (
        (style is not None and _HIDDEN_STYLE.search(style) is not None)
        or element.get("hidden") is not None
        or element.get("aria-hidden") == "true"
        or (bool(kind) and not _HIDDEN_NAMES.isdisjoint(kind.split()))
    )


def _holds_comments(element: etree._Element) -> bool:
    for name in ("class", "id"):
        value = element.get(name)
        if value and ("omment" in value or "isqus" in value or "respond" in value) and _COMMENTS.search(value.lower()):
            return element.tag != "body" and element.find(".//h1") is None
    return False
