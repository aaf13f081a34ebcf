"""What polling costs, beside the peers, in one run: python bench/polling.py [--feeds 1000] [--peers VENV]

Serves synthetic feeds (20-50 entries, about 33 kB, validators) from a process of its own on loopback, then lets each
program poll them cold (all new) and warm (all unchanged), and prints CPU seconds of all its processes, peak memory and
wall time. "idle" is our command when nothing is due: what starting costs, which the daemon pays once.
Peers are measured when VENV/bin has them: `python -m venv VENV; VENV/bin/pip install reader rss2email sgmllib3k`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

from cost import run

from monitor.settings import DEFAULT_TOPICS

WORDS = ["council", "minister", "harbour", "accession", "winter", "vote", "border", "alliance", "letter", "summit"]

READER = """
import sys
from reader import make_reader
reader = make_reader(sys.argv[1])
for url in open(sys.argv[2]).read().split():
    reader.add_feed(url, exist_ok=True)
reader.update_feeds(workers=10, scheduled=False)
print(sum(1 for _ in reader.get_entries()), "entries")
"""


def main() -> None:
    """Serve, measure, print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--peers", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="monitor-polling-"))
    rows = []
    with served(options.feeds) as base:
        urls = [f"{base}/feed/{number}.xml" for number in range(options.feeds)]
        for name, command in programs(folder, urls, options.peers):
            for temperature in ("cold", "warm", "idle") if name == "monitor" else ("cold", "warm"):
                cost = run([part for part in command if temperature != "idle" or part != "--all"])
                rows.append((name, temperature, cost))
                print(f"{name:12} {temperature:5} {(cost.said + cost.errors).strip().splitlines()[-1:]}")
    shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{options.feeds} feeds, one run\nprogram       run    CPU s  CPU s/1000   wall s  peak MB")
    for name, temperature, cost in rows:
        each = cost.cpu_s / options.feeds * 1000
        print(f"{name:12}  {temperature:5} {cost.cpu_s:6.2f}  {each:10.2f}  {cost.wall_s:7.1f}  {cost.peak_mb:7.0f}")


def programs(folder: Path, urls: list[str], peers: Path | None) -> Iterator[tuple[str, list[str]]]:
    """Name and command of each program; the same command is run twice."""
    host = urls[0].split("/")[2]
    config = folder / "config.yaml"
    config.write_text(
        f"store: {{path: {folder}/monitor.db}}\nalerts: {{mailbox: {folder}/mail}}\n"
        f"fetch: {{allow_private: ['{host}'], per_host: 50, per_host_delay: 0s}}\n"
        f"topics: {json.dumps([topic.model_dump() for topic in DEFAULT_TOPICS])}\n"
        "feeds:\n" + "".join(f"  - {{url: '{url}', outlet: o}}\n" for url in urls),
        encoding="utf-8",
    )
    yield "monitor", [sys.executable, "-m", "monitor", "poll", "--all", "-c", str(config)]
    if peers is None:
        return
    (folder / "urls").write_text("\n".join(urls))
    (folder / "read_feeds.py").write_text(READER)
    yield (
        "reader",
        [str(peers / "bin/python"), str(folder / "read_feeds.py"), str(folder / "reader.db"), str(folder / "urls")],
    )
    r2e = [str(peers / "bin/r2e"), "-c", str(folder / "r2e.cfg"), "-d", str(folder / "r2e.json")]
    opml = folder / "feeds.opml"
    outlines = "".join(f'<outline type="rss" text="f{n}" xmlUrl="{url}"/>' for n, url in enumerate(urls))
    opml.write_text(f'<?xml version="1.0"?><opml version="2.0"><head/><body>{outlines}</body></opml>')
    subprocess.run([*r2e, "new", "nobody@localhost"], check=True, capture_output=True)
    settings = folder / "r2e.cfg"  # by default it waits between two requests to one server, and here all are one
    settings.write_text(
        re.sub(r"(?m)^same-server-fetch-interval = .*$", "same-server-fetch-interval = 0", settings.read_text())
    )
    subprocess.run([*r2e, "opmlimport", str(opml)], check=True, capture_output=True)
    yield "rss2email", [*r2e, "run", "--no-send"]


@contextmanager
def served(count: int) -> Iterator[str]:
    """The feeds on a free port, from a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=serve, args=(count, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()


def serve(count: int, pipe: Connection) -> None:
    """Runs in the server's process: each feed is made once, from its number."""
    bodies = {f"/feed/{number}.xml": feed(number) for number in range(count)}
    etags = {path: f'"{hashlib.sha256(body).hexdigest()[:16]}"' for path, body in bodies.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body, etag = bodies.get(self.path), etags.get(self.path)
            if body is None:
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            unchanged = self.headers.get("If-None-Match") == etag
            self.send_response(304 if unchanged else 200)
            self.send_header("ETag", str(etag))
            self.send_header("Content-Type", "application/rss+xml")
            self.send_header("Content-Length", "0" if unchanged else str(len(body)))
            self.end_headers()
            if not unchanged:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 512

    server = Server(("127.0.0.1", 0), Handler)
    pipe.send(f"http://127.0.0.1:{server.server_address[1]}")
    server.serve_forever()


def feed(number: int) -> bytes:
    """An RSS feed of 20 to 50 entries with summaries of about 700 characters."""
    chance = random.Random(number)
    items = "".join(
        f"<item><title>{' '.join(chance.choices(WORDS, k=8))}</title><link>http://news.example/{number}/{n}</link>"
        f"<guid isPermaLink='false'>{number}-{n}</guid><pubDate>Fri, 20 Nov 2026 {n % 24:02}:10:00 +0000</pubDate>"
        f"<description>{' '.join(chance.choices(WORDS, k=95))}</description></item>"
        for n in range(chance.randint(20, 50))
    )
    return (
        f"<?xml version='1.0'?><rss version='2.0'><channel><title>Feed {number}</title>{items}</channel></rss>".encode()
    )


if __name__ == "__main__":
    main()
