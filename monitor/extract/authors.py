"""Who wrote a page: the names that JSON-LD, meta tags and the by-line give, cleaned of roles, outlets and addresses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import unescape
from itertools import islice

from lxml import etree

from monitor.extract.json_ld import Claims
from monitor.extract.words import pattern

_KEYS = (
    *("author", "sailthru.author", "parsely-author", "cxenseparse:author", "dc.creator", "dcterms.creator"),
    *("dc.contributor", "article:author", "article:author_name", "article.author", "og:author", "byl", "byline"),
    *("authors", "creator", "dcsext.author"),
)
_BY = r"^\s*{}(?:\s*[:：|]\s*|\s+)"
_ADDRESS = re.compile(r"\S+@\S+|@\w+|https?://\S+|www\.\S+")
_BRACKETS = re.compile(r"\s*[(\[（【][^)\]）】]*[)\]）】]")
_BETWEEN = re.compile(r"\s*[,;/、，]\s*|\s+(?:and|und|et|og|och|ja|ve|и|та|и́|with|mit|και)\s+|\s*&\s*", re.IGNORECASE)
_BETWEEN_SHORT = re.compile(r"\s+(?:y|e|i|a|en|&)\s+")  # also letters of names: only between two full names
_CUT = re.compile(
    r"\s*(?:\||•|·|—|–|\s-\s|\b(?:the )?associated press$|\bfor the\b|\bfor mail\b|\bof the\b|\bin [A-Z]|\sat \w|"
    r",? updated|,? published|\bPublished\b|\bUpdated\b).*$",
    re.DOTALL,
)
_TITLES = re.compile(r"^(?:dr|prof|mr|mrs|ms|sir)\.?\s+(?=\w+\s+\w)", re.IGNORECASE)
_SUFFIXES = re.compile(
    r"^(?:jr|sr|ii|iii|iv|phd|ph\.d|md|m\.d|rd|rdn|ms|ma|mba|ld|cfp|cepf|cfa|esq|mph|pharmd|dds|dvm|do|np|rn)\.?[®™]?$",
    re.IGNORECASE,
)
_NO_PERSON = r"\b{}\b|\.(?:com|de|ru|org|net|ua|co)\b"
_PARTICLES = frozenset(
    "de da do dos das del della di du la le van von der den ten ter bin ibn al el y e zu af av na".split()  # noqa: SIM905
)
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,12}")
_WIDE_ROLE = re.compile(r"\s*(?:기자|記者|记者|编辑|編輯|특파원).*$")
_BYLINE_NAMES = re.compile(r"author|byline|autor|writer|redakteur|journalist|contributor|by-name", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"comment|related|recommend|sidebar|footer|teaser|card|promo|widget|popular|caption|credit|photo", re.IGNORECASE
)
_MANY = 12


def read(
    root: etree._Element,
    metas: Mapping[str, Sequence[str]],
    claims: Claims,
    lines: Sequence[str],
    outlets: Sequence[str],
) -> tuple[str, ...]:
    """The people who wrote the page, in order.

    ``lines``: the page's lines around its headline; ``outlets``: names of the outlet, which are not people. Where no
    person is named, the agency or desk that signs (never the outlet itself).
    """
    own = {_plain(name) for name in outlets if name} - {""}
    meta = [
        text
        for key in _KEYS
        for text in metas.get(key, ())
        if not text.startswith(("http", "/", "@")) and not text.isdigit()
    ]
    sources: tuple[Callable[[], Iterable[str]], ...] = (
        lambda: claims.authors,
        lambda: claims.organisations,
        lambda: meta,
        lambda: _bylines(root),
        lambda: _by_lines(lines),
    )
    desk: tuple[str, ...] = ()
    for source in sources:
        names = list(dict.fromkeys(name for text in source() for name in split(text)))
        names = [name for name in names if _plain(name) not in own and not _is_part(name, own)]
        people = [name for name in names if is_person(name)]
        if people:
            return tuple(people[:_MANY])
        desk = desk or tuple(names[:3])
    return desk


def split(text: str) -> list[str]:
    """The names in one statement: ``"By Jane Roe and Juan Poe, Daily News"`` -> Jane Roe, Juan Poe."""
    text = _BRACKETS.sub("", _ADDRESS.sub(" ", unescape(text)))
    text = pattern("by_line", _BY).sub("", " ".join(text.split()))
    parts = [part for part in _BETWEEN.split(_WIDE_ROLE.sub("", text)) if part]
    parts = [piece for part in parts for piece in _between_full_names(part)]
    names = [name for part in parts if (name := _tidied(part))]
    people = [name for name in names if is_person(name)]
    return people if people else names[:1]


def is_person(name: str) -> bool:
    """Two to five words with capitals and no word of an outlet or role, or a short name in a script without spaces."""
    if _WIDE.fullmatch(name.replace(" ", "").replace("・", "")):
        return len(name) <= 8
    words = name.split()
    if not 2 <= len(words) <= 5 or pattern("no_person", _NO_PERSON).search(name) or any(ch.isdigit() for ch in name):
        return False
    return words[0][0].isupper() and all(map(_fits_name, words))


def _fits_name(word: str) -> bool:
    return word[0].isupper() or word[0] in "'’\"“«" or word.lower() in _PARTICLES or word[:2] in ("d'", "d’", "al")


def _between_full_names(part: str) -> list[str]:
    pieces = _BETWEEN_SHORT.split(part)
    return pieces if len(pieces) > 1 and all(len(piece.split()) >= 2 for piece in pieces) else [part]


def _tidied(part: str) -> str:
    part = _TITLES.sub("", _CUT.sub("", pattern("by_line", _BY).sub("", part))).strip(" .,:;-–—|()[]\"'“”*•·\u200b")
    while part.count(" ") > 1 and _SUFFIXES.match(part.rsplit(" ", 1)[1]):
        part = part.rsplit(" ", 1)[0].rstrip(" ,")
    if not part or _SUFFIXES.match(part) or len(part) > 60:
        return ""
    words = part.split()
    if len(words) >= 2 and part == part.lower() and part.isascii():
        return part.title()
    return part


def _plain(name: str) -> str:
    return re.sub(r"\W+", "", unicodedata.normalize("NFKC", name).casefold())


def _is_part(name: str, own: set[str]) -> bool:
    """A longer form of the outlet's name: "BBC News" of "BBC", "n-tv NACHRICHTEN" of "n-tv"."""
    plain = _plain(name)
    return any(len(outlet) >= 4 and (plain.startswith(outlet) or outlet.startswith(plain)) for outlet in own)


def _bylines(root: etree._Element) -> list[str]:
    """Texts of elements marked as author: by rel and itemprop, else by class; after the headline, else before it."""
    marked: list[str] = []
    after: list[str] = []
    before: list[str] = []
    headed = False
    known: dict[str, bool] = {}  # most names stand on many elements of a page
    for element in root.iter("h1", "a", "span", "div", "p", "address", "li", "em", "strong", "b", "h3", "h4", "h5"):
        if element.tag == "h1":
            headed = True
            continue
        get = element.get
        exact = get("rel") == "author" or get("itemprop") == "author" or "/author/" in (get("href") or "")
        names = f"{get('class') or ''} {get('id') or ''} {get('data-testid') or ''}"
        if names not in known:
            known[names] = _BYLINE_NAMES.search(names) is not None
        if not exact and not known[names]:
            continue
        text = " ".join(", ".join(piece.strip() for piece in element.itertext() if piece.strip()).split())
        if 3 < len(text) < 150 and not _stands_elsewhere(element):
            (marked if exact and headed else after if headed else before).append(text)
    for texts, most in ((marked, 3), (after, 1), (before, 1)):
        if named := list(islice((text for text in texts if any(map(is_person, split(text)))), most)):
            return named
    return []


def _stands_elsewhere(element: etree._Element) -> bool:
    node: etree._Element | None = element
    for _ in range(8):
        if node is None:
            return False
        names = f"{node.get('class') or ''} {node.get('id') or ''}"
        if node.tag in ("aside", "footer", "figure") or _ELSEWHERE.search(names):
            return True
        node = node.getparent()
    return False


def _by_lines(lines: Sequence[str]) -> list[str]:
    signed = [line for line in lines if len(line) < 90 and pattern("by_line", _BY).match(line)]
    return [line for line in signed if any(map(is_person, split(line)))][:1]
