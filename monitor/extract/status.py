"""How much of the article a page gave, and the rule that says so. Changes no text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from monitor.extract.blocks import Layout
from monitor.extract.features import chars
from monitor.extract.json_ld import Claims
from monitor.extract.metadata import Metadata
from monitor.extract.tree import Page
from monitor.extract.words import pattern
from monitor.model import PageStatus

# characters (a sign of a script without spaces counts as three); extraction.md section 3 counted where they come from
_SHORT = 200
_STUB = 1500
_CONSENT = 2500
_SHOWN = 200  # blocks looked at for words of walls
_SCRIPTED_PAGE = 20_000  # of source, for hardly any text

_CONSENT_PLACE = re.compile(
    r"^consent\.|^cmp\.|/consent(?:/|$|\?)|privacy-?wall|cookie-?wall|/collectconsent", re.IGNORECASE
)
_PATH_WORD = r"(?:^|[/_-]){}(?:[/_.-]|$)"
_CLOCK_LINE = re.compile(
    r"^\W*(?:[A-Za-z0-9.,äöü ]{0,24}\s)?\d{1,2}[:.h]\d{2}(?:\s?(?:uhr|[ap]\.?m\.?|utc|gmt|[a-z]{3,4}))?\W*"
    r"(?=$|\s[-–—:|]|:|\s[A-ZА-ЯÄÖÜ])",
    re.IGNORECASE | re.MULTILINE,
)
_CUT_OFF = re.compile(r"(?:\.\.\.|…)\s*[\])]?$")
_WORD = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A status and the rule that set it, in words."""

    status: PageStatus
    rule: str


def judge(
    page: Page, layout: Layout, claims: Claims, meta: Metadata, text: str, url: str, feed_title: str, feed_text: str
) -> Verdict:
    """The status of what was read: the first rule that holds, the surest and worst first."""
    size = chars(text)
    # what a page shows tells only where the text is short
    shown = "\n".join(block.text for block in layout.blocks[:_SHOWN]) if size < _STUB else ""
    for rule in (
        _gone(meta, size, url, feed_title),
        _consent(shown, size, url, feed_title or meta.title),
        _live(claims, url, text),
        _media(claims, meta, size),
        _stub(claims, meta, text, size, feed_text),
        _scripted(page, shown, size),
    ):
        if rule is not None:
            return rule
    if size < _SHORT:
        return Verdict(PageStatus.SHORT, f"short: {size} characters")
    return Verdict(PageStatus.OK, f"ok: {size:,} characters".replace(",", " "))


def _on_topic(title: str, text: str) -> bool:
    """Whether the text has at least one longer word of the title, or there is nothing to compare."""
    words = {word[:5] for word in _WORD.findall(title.lower())}
    return not words or not words.isdisjoint(word[:5] for word in _WORD.findall(text.lower()))


def _gone(meta: Metadata, size: int, url: str, feed_title: str) -> Verdict | None:
    if pattern("gone").search(meta.title) and not (feed_title and pattern("gone").search(feed_title)) and size < _STUB:
        return Verdict(PageStatus.GONE, f"gone: the title says so ({meta.title[:60]!r})")
    strange = bool(feed_title) and not _on_topic(feed_title, meta.title)
    if meta.home_page and (size < 500 or strange):
        return Verdict(PageStatus.GONE, "gone: the page gives the front page as its address")
    if feed_title and strange and re.fullmatch(r"/?(?:index\.\w+)?", urlsplit(url).path) and not urlsplit(url).query:
        return Verdict(PageStatus.GONE, "gone: led to the front page")
    return None


def _consent(shown: str, size: int, url: str, title: str) -> Verdict | None:
    parts = urlsplit(url)
    if _CONSENT_PLACE.search(parts.hostname or "") or _CONSENT_PLACE.search(parts.path):
        return Verdict(PageStatus.CONSENT, "consent: the address is that of a consent wall")
    if size < _STUB and len(shown) < _CONSENT and not _on_topic(title, shown):
        found = len(pattern("consent").findall(shown))
        if found >= 3:
            rule = f"consent: {found} words of a consent wall in {len(shown)} characters, none of the title"
            return Verdict(PageStatus.CONSENT, rule)
    return None


def _live(claims: Claims, url: str, text: str) -> Verdict | None:
    if "LiveBlogPosting" in claims.types:
        return Verdict(PageStatus.LIVE, "live: LiveBlogPosting in its JSON-LD")
    if pattern("live", _PATH_WORD).search(urlsplit(url).path) and (clocks := len(_CLOCK_LINE.findall(text))) >= 5:
        return Verdict(PageStatus.LIVE, f"live: so its address says, and {clocks} lines begin with a time")
    return None


def _media(claims: Claims, meta: Metadata, size: int) -> Verdict | None:
    video = meta.kind.startswith("video") or (
        bool({"VideoObject", "AudioObject", "PodcastEpisode"} & set(claims.types))
        and not any("Article" in kind for kind in claims.types)
    )
    if video and size < 500:
        return Verdict(PageStatus.MEDIA, f"media: a video or audio page with {size} characters")
    return None


def _stub(claims: Claims, meta: Metadata, text: str, size: int, feed_text: str) -> Verdict | None:
    if meta.free is False and size < _STUB:
        return Verdict(PageStatus.STUB, f"stub: not free and {size} characters")
    # some pages count characters as words: believed only for a short text, or where the page says that it is not free
    believed = claims.words > 100 and (size < _STUB or meta.free is False)
    if believed and (words := len(text.split())) < 0.5 * claims.words:
        return Verdict(PageStatus.STUB, f"stub: {words} words of the {claims.words} that the page claims")
    if size < _STUB and (wall := pattern("paywall").search(text[-600:])):
        return Verdict(PageStatus.STUB, f"stub: {wall[0][:40]!r} at the end of {size} characters")
    if 0 < size < 600 and _CUT_OFF.search(text):
        return Verdict(PageStatus.STUB, f"stub: breaks off after {size} characters")
    if 0 < size < _STUB and contains(feed_text, text) and len(feed_text) > 1.5 * len(text):
        return Verdict(PageStatus.STUB, f"stub: {size} characters, and the feed has more")
    return None


def contains(longer: str, shorter: str) -> bool:
    """Whether the one text holds the other, white space and marks apart (tried at its start, middle and end)."""
    whole, part = (re.sub(r"\W+", "", text).lower() for text in (longer, shorter))
    if len(part) > len(whole) or not part:
        return False
    middle = len(part) // 2
    return sum(piece in whole for piece in (part[:40], part[middle : middle + 40], part[-40:])) >= 2


def _scripted(page: Page, shown: str, size: int) -> Verdict | None:
    if size < 500 and len(shown) < _CONSENT and (wanted := pattern("script").search(shown)):
        return Verdict(PageStatus.JS, f"js: {wanted[0][:40]!r} in {size} characters")
    if size < _SHORT and page.chars > _SCRIPTED_PAGE and sum(map(len, page.scripts)) > 0.3 * page.chars:
        return Verdict(
            PageStatus.JS,
            f"js: {size} characters of text in {page.chars:,} of source, most of it scripts".replace(",", " "),
        )
    return None
