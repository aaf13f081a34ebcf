"""Serves the sample newsroom (newsroom.yaml) on loopback: feeds in four formats, article pages, and some faults."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cached_property
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any

from ruamel.yaml import YAML

from monitor.settings import FeedSettings

Row = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What the newsroom answers to one request."""

    status: int
    content_type: str
    body: bytes
    etag: str | None = None


class Newsroom:
    """The sample outlets and their stories. ``edition`` says how much has been published so far."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.edition = 1
        self.base = ""  # http://127.0.0.1:port, known once it is served

    @cached_property
    def content(self) -> Row:
        """newsroom.yaml."""
        text = resources.files("monitor.demo").joinpath("newsroom.yaml").read_text(encoding="utf-8")
        content: Row = YAML(typ="safe").load(text)
        return content

    def feeds(self) -> tuple[FeedSettings, ...]:
        """The feeds as config.yaml would list them."""
        keys = ("outlet", "country", "camp", "lang")
        return tuple(
            FeedSettings(url=self.base + feed["path"], **{key: feed[key] for key in keys})
            for feed in self.content["feeds"]
        )

    def answer(self, path: str, if_none_match: str | None) -> Reply:
        """The answer to GET ``path``."""
        for feed in self.content["feeds"]:
            if path == feed["path"]:
                return self._feed(feed, if_none_match)
        for story in self.content["stories"]:
            if path == f"/story/{story['slug']}":
                return self._page(story)
        return Reply(404, "text/html", b"<title>404 Not Found</title>")

    def _feed(self, feed: Row, if_none_match: str | None) -> Reply:
        stories = [s for s in self.content["stories"] if s["feed"] == feed["path"] and s["edition"] <= self.edition]
        etag = f'"{feed["path"]}-{len(stories)}"'
        if feed["format"] == "dead":
            return Reply(503, "text/plain", b"upstream is down")
        if if_none_match == etag:
            return Reply(304, "text/plain", b"", etag)
        content_type, body = FORMATS[feed["format"]](self, feed, stories)
        return Reply(200, content_type, body.encode(), etag)

    def _page(self, story: Row) -> Reply:
        kind = story.get("kind", "article")
        if kind == "missing":
            return Reply(404, "text/html", b"<title>Not found</title><p>The page is gone.")
        return Reply(200, "text/html; charset=utf-8", self._html(story, free=kind != "stub").encode())

    def _html(self, story: Row, *, free: bool) -> str:
        feed = next(f for f in self.content["feeds"] if f["path"] == story["feed"])
        data = {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "headline": story["title"],
            "datePublished": self.published(story).isoformat(),
            "author": [{"@type": "Person", "name": name} for name in story.get("authors", [])],
            "isAccessibleForFree": free,
        }
        body = "\n".join(f"<p>{escape(p, quote=False)}</p>" for p in story["text"])
        related = "".join(f"<li><a href='/story/x'>{escape(title)}</a></li>" for title in story.get("related", []))
        return f"""<!doctype html>
<html lang="{feed["lang"]}"><head><meta charset="utf-8">
<title>{escape(story["title"])} - {escape(feed["outlet"])}</title>
<link rel="canonical" href="{self.link(story)}">
<script type="application/ld+json">{json.dumps(data, ensure_ascii=False)}</script></head>
<body><header><nav><a href="/">{escape(feed["outlet"])}</a> <a href="/world">World</a></nav></header>
<main><article><h1>{escape(story["title"])}</h1>
{body}
</article></main>
<aside><h2>Read also</h2><ul>{related}</ul></aside>
<footer>About us. Contact. Terms of use.</footer></body></html>"""

    def link(self, story: Row) -> str:
        """The story's address."""
        return f"{self.base}/story/{story['slug']}"

    def published(self, story: Row) -> datetime:
        """When the story came out."""
        return (self.now - timedelta(hours=story["hours_ago"])).replace(microsecond=0)


def _rss(room: Newsroom, feed: Row, stories: list[Row]) -> tuple[str, str]:
    items = "".join(
        f"<item><title>{escape(s['title'])}</title><link>{room.link(s)}</link><guid>{s['slug']}</guid>"
        f"<pubDate>{format_datetime(room.published(s))}</pubDate><description>{escape(s['summary'])}</description></item>\n"
        for s in stories
    )
    return "application/rss+xml", (
        f'<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel><title>{escape(feed["outlet"])}</title>'
        f"<link>{room.base}</link><description>News</description><ttl>15</ttl>\n{items}</channel></rss>"
    )


def _torn_rss(room: Newsroom, feed: Row, stories: list[Row]) -> tuple[str, str]:
    """RSS as broken software writes it: a bare ampersand, an HTML entity, and the end cut off."""
    _, whole = _rss(room, feed, stories)
    return "application/rss+xml", whole.replace("&amp;", "&").replace("News<", "News &nbsp;<").removesuffix(
        "</channel></rss>"
    )


def _rdf(room: Newsroom, feed: Row, stories: list[Row]) -> tuple[str, str]:
    items = "".join(
        f'<item rdf:about="{room.link(s)}"><title>{escape(s["title"])}</title><link>{room.link(s)}</link>'
        f"<description>{escape(s['summary'])}</description><dc:date>{room.published(s).isoformat()}</dc:date></item>\n"
        for s in stories
    )
    return "application/rdf+xml", (
        '<?xml version="1.0" encoding="utf-8"?>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<channel rdf:about="{room.base}"><title>{escape(feed["outlet"])}</title><link>{room.base}</link></channel>\n'
        f"{items}</rdf:RDF>"
    )


def _atom(room: Newsroom, feed: Row, stories: list[Row]) -> tuple[str, str]:
    entries = "".join(
        f"<entry><title>{escape(s['title'])}</title><id>tag:sample,2026:{s['slug']}</id>"
        f'<link rel="alternate" href="{room.link(s)}"/><published>{room.published(s).isoformat()}</published>'
        f"<updated>{room.published(s).isoformat()}</updated><summary>{escape(s['summary'])}</summary>"
        + "".join(f"<author><name>{escape(name)}</name></author>" for name in s.get("authors", []))
        + "</entry>\n"
        for s in stories
    )
    return "application/atom+xml", (
        f'<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom"><title>{escape(feed["outlet"])}'
        f"</title><id>{room.base}{feed['path']}</id><updated>{room.now.isoformat()}</updated>\n{entries}</feed>"
    )


def _json_feed(room: Newsroom, feed: Row, stories: list[Row]) -> tuple[str, str]:
    items = [
        {
            "id": s["slug"],
            "url": room.link(s),
            "title": s["title"],
            "summary": s["summary"],
            "date_published": room.published(s).isoformat(),
            "authors": [{"name": name} for name in s.get("authors", [])],
            **({"content_html": "".join(f"<p>{escape(p)}</p>" for p in s["text"])} if s.get("full_text") else {}),
        }
        for s in stories
    ]
    feed_json = {"version": "https://jsonfeed.org/version/1.1", "title": feed["outlet"], "items": items}
    return "application/feed+json", json.dumps(feed_json, ensure_ascii=False)


def _html(room: Newsroom, feed: Row, stories: list[Row]) -> tuple[str, str]:
    return (
        "text/html",
        f"<!doctype html><title>{escape(feed['outlet'])}</title><p>Our feed has moved. Please see our pages.",
    )


FORMATS = {
    "rss": _rss,
    "torn-rss": _torn_rss,
    "rdf": _rdf,
    "atom": _atom,
    "jsonfeed": _json_feed,
    "html": _html,
}


@contextmanager
def serve(room: Newsroom) -> Iterator[Newsroom]:
    """Serve the newsroom on a free port of 127.0.0.1 while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            reply = room.answer(self.path.partition("?")[0], self.headers.get("If-None-Match"))
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            if reply.etag:
                self.send_header("ETag", reply.etag)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:
            """The show prints for itself."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is its own business."""

    server = Server(("127.0.0.1", 0), Handler)
    room.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, name="newsroom", daemon=True)
    thread.start()
    try:
        yield room
    finally:
        server.shutdown()
        server.server_close()


def open_now() -> Newsroom:
    """The newsroom as of now."""
    return Newsroom(datetime.now(UTC))
