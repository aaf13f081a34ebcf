"""Reads the JSON-LD of a page (schema.org): which node is the article, and what it says. Tolerates broken JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any

Node = dict[str, Any]

_ARTICLE = re.compile(r"Article|BlogPosting|LiveBlogPosting|^Report$|SocialMediaPosting|^Review$")
_PAGE = re.compile(r"WebPage|VideoObject|AudioObject|PodcastEpisode|CreativeWork|Event$")
_NESTED = (
    "@graph",
    "mainEntity",
    "mainEntityOfPage",
    "@list",
)  # where the page's own article may hide; not in lists of others
_TRAILING_COMMA = re.compile(r",\s*([}\]])")
_WRAPPING = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[|/\*.*?\*/)+|(?:-->|//\s*\]\]>|\]\]>|;)+\s*$", re.DOTALL
)
_MAX_NODES = 500
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Claims:
    """What the page's article node says; empty where it does not."""

    types: tuple[str, ...] = ()  # of all top nodes
    headline: str = ""
    authors: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()  # named as author, but no person
    published: str = ""
    modified: str = ""
    url: str = ""
    language: str = ""
    free: bool | None = None  # isAccessibleForFree
    body: str = ""  # articleBody
    words: int = 0  # wordCount
    description: str = ""
    publisher: str = ""
    updates: tuple[tuple[str, str, str], ...] = field(default=())  # of a live blog: (time, headline, text)


def read(scripts: Sequence[str], url: str) -> Claims:
    """The claims of the node that is the article at ``url``; where there is none, of a page or video node."""
    nodes = [node for script in scripts for node in _nodes(_loads(script))][:_MAX_NODES]
    by_id = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
    articles = [node for node in nodes if any(_ARTICLE.search(kind) for kind in _types(node))]
    pages = [node for node in nodes if any(_PAGE.search(kind) for kind in _types(node))]
    types = tuple(dict.fromkeys(kind for node in nodes for kind in _types(node)))
    node = _main(articles, url) or _main(pages, url)
    if node is None:
        return Claims(types=types)
    people, organisations = _authors(node.get("author") or node.get("creator"), by_id)
    return Claims(
        types=types,
        headline=_text(node.get("headline") or node.get("name")),
        authors=tuple(people),
        organisations=tuple(organisations),
        published=_text(node.get("datePublished")) or _text(node.get("uploadDate")) or _text(node.get("dateCreated")),
        modified=_text(node.get("dateModified")),
        url=_url(node.get("url")) or _url(node.get("mainEntityOfPage")),
        language=_text(node.get("inLanguage")),
        free=_free(node),
        body=_raw(node.get("articleBody")) or _raw(node.get("text")),
        words=_count(node.get("wordCount")),
        description=_text(node.get("description")),
        publisher=_text(node.get("publisher")),
        updates=tuple(_updates(node)),
    )


def _loads(script: str) -> Any:
    """The script's JSON, mended where it is nearly JSON; None where it is not."""
    for text in _readings(script):
        try:
            return json.loads(text, strict=False)
        except (ValueError, RecursionError):
            continue
    try:  # two objects in one script, or rubbish after the first
        return json.JSONDecoder(strict=False).raw_decode(_unwrapped(script))[0]
    except (ValueError, RecursionError):
        return None


def _readings(script: str) -> Iterator[str]:
    """The script as it is, out of its wrapping, mended: each is made only where the one before is no JSON."""
    yield script.strip()
    yield _unwrapped(script)
    yield _TRAILING_COMMA.sub(r"\1", _unwrapped(script).replace("\\'", "'"))


def _unwrapped(script: str) -> str:
    return _WRAPPING.sub("", script).strip()


def _nodes(value: Any, depth: int = 0) -> Iterator[Node]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value[:_MAX_NODES]:
            yield from _nodes(item, depth + 1)
    elif isinstance(value, dict):
        yield value
        for key in _NESTED:
            if isinstance(value.get(key), dict | list):
                yield from _nodes(value[key], depth + 1)


def _types(node: Node) -> list[str]:
    kinds = node.get("@type")
    return [
        kind.rsplit("/", 1)[-1] for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)
    ]


def _main(nodes: list[Node], url: str) -> Node | None:
    """The node that names the page's own address, else the first that has a headline."""
    path = _path(url)
    for node in nodes:
        if (
            len(path) > 1
            and path in {_path(_url(node.get(key))) for key in ("url", "mainEntityOfPage", "@id")}
            and len(node) > 3
        ):
            return node
    named = [node for node in nodes if node.get("headline") or node.get("datePublished") or node.get("articleBody")]
    return next(iter(named or nodes), None)


def _path(url: str) -> str:
    return re.sub(r"^https?://[^/]*|[?#].*$", "", url).rstrip("/")


def _text(value: Any) -> str:
    """A string value as one line; of an object its name or @value, of a list the first."""
    return " ".join(unescape(_raw(value)).split())


def _raw(value: Any, depth: int = 0) -> str:
    if isinstance(value, str):
        return value
    if depth > _MAX_DEPTH:
        return ""
    if isinstance(value, dict):
        return _raw(value.get("name") or value.get("@value") or value.get("alternateName"), depth + 1)
    if isinstance(value, list):
        return next((text for item in value[:_MAX_NODES] if (text := _raw(item, depth + 1))), "")
    return ""


def _url(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("@id") or value.get("url")
    if isinstance(value, list):
        value = value[0] if value else ""
    return value.strip() if isinstance(value, str) else ""


def _count(value: Any) -> int:
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _free(node: Node) -> bool | None:
    value = node.get("isAccessibleForFree")
    if isinstance(value, str):
        return {"true": True, "false": False, "1": True, "0": False}.get(value.strip().lower().rsplit("/", 1)[-1])
    return bool(value) if isinstance(value, bool | int) else None


def _authors(value: Any, by_id: dict[str, Node]) -> tuple[list[str], list[str]]:
    """(people, organisations) named as authors, in order; references to other nodes are followed."""
    people: list[str] = []
    organisations: list[str] = []
    for item in _flat(value):
        node = item if isinstance(item, dict) else {"name": item}
        if not node.get("name") and isinstance(node.get("@id"), str):
            node = by_id.get(node["@id"], node)
        named = organisations if any("Organization" in kind for kind in _types(node)) else people
        named += [text for name in _flat(node.get("name")) if (text := _text(name))]
    return people, organisations


def _flat(value: Any, depth: int = 0) -> Iterator[Any]:
    if isinstance(value, list) and depth < _MAX_DEPTH:
        for item in value[:_MAX_NODES]:
            yield from _flat(item, depth + 1)
    else:
        yield value


def _updates(node: Node) -> Iterator[tuple[str, str, str]]:
    updates = node.get("liveBlogUpdate")
    for item in updates if isinstance(updates, list) else [updates]:
        if isinstance(item, dict):
            text = _raw(item.get("articleBody")) or _raw(item.get("text")) or _raw(item.get("description"))
            headline = _text(item.get("headline"))
            if text or headline:
                yield _text(item.get("datePublished")), headline, text
