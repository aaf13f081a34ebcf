"""The main job on real documents: `monitor once` against real feeds and pages served on loopback.

    python bench/real_input.py ../shared/data [--keep DIR] [--files N]

Serves shared/data/feeds with the headers of its manifest; the links of the entries lead to pages of shared/data/pages.
Runs the real command in a process of its own, then says what was polled, read, stored and flagged, what failed and why,
what it cost, and whether any entry was lost (entries offered = stories + pending + skipped with a reason).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

from cost import run

from monitor.settings import DEFAULT_TOPICS

LINK = re.compile(
    rb"(<link>\s*(?:<!\[CDATA\[)?\s*|<link[^>]*?href=[\"']|\"url\"\s*:\s*\"|<loc>\s*)(https?://[^<\]\s\"']+)"
)


def main() -> None:
    """Serve, run, report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--files", type=int, default=10_000, help="at most so many feeds")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="monitor-real-"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    files = [row["file"] for row in manifest(options.data / "feeds")][: options.files]
    with served(options.data) as base:
        config = folder / "config.yaml"
        config.write_text(config_text(base, files, folder), encoding="utf-8")
        check_call([sys.executable, "-m", "monitor", "check-config", "-c", str(config)])
        cost = run([sys.executable, "-m", "monitor", "once", "--all", "-c", str(config)])
    print(cost.said)
    facts = f"CPU {cost.cpu_s:.1f} s, at most {cost.peak_mb:.0f} MB"
    print(f"exit {cost.exit_code}; wall {cost.wall_s:.1f} s; all processes: {facts}")
    print(f"tracebacks: {cost.errors.count('Traceback')}")
    print(cost.errors[-3000:])
    report(folder / "monitor.db")


def report(store: Path) -> None:
    """What the store holds afterwards, and the balance of the entries."""
    db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    print("polls:", dict(db.execute("select status, count(*) from polls group by 1").fetchall()))
    print("entries by state:", dict(db.execute("select state, count(*) from entries group by 1").fetchall()))
    print(
        "stories:",
        db.execute("select count(*) from stories").fetchone()[0],
        dict(db.execute("select source || '/' || status, count(*) from stories group by 1").fetchall()),
    )
    print("flagged:", dict(db.execute("select topic, count(*) from flags where flagged group by 1").fetchall()))
    reasons = Counter(
        re.sub(r"https?://\S+|\d+", "…", row[0]) for row in db.execute("select error from polls where error > ''")
    )
    for reason, count in reasons.most_common(20):
        print(f"  {count} x poll: {reason[:150]}")
    reasons = Counter(
        re.sub(r"https?://\S+|\d+", "…", row[0]) for row in db.execute("select error from entries where error > ''")
    )
    for reason, count in reasons.most_common(20):
        print(f"  {count} x entry: {reason[:150]}")
    offered = db.execute("select coalesce(sum(new), 0) from polls").fetchone()[0]
    kept = db.execute("select count(*) from entries").fetchone()[0]
    settled = db.execute(
        "select count(*) from entries "
        "where story_id is not null or state = 'pending' or (state = 'skipped' and error > '')"
    ).fetchone()[0]
    verdict = "nothing lost" if offered == kept == settled else "LOST"
    print(f"balance: {offered} new in polls, {kept} in the inbox, {settled} as story, pending or skipped: {verdict}")


def config_text(base: str, files: list[str], folder: Path) -> str:
    """A config with one feed a file."""
    feeds = "\n".join(f"  - {{url: '{base}/feeds/{name}', outlet: '{name}'}}" for name in files)
    host = base.removeprefix("http://")
    return (
        f"store: {{path: {folder}/monitor.db}}\nalerts: {{mailbox: {folder}/mail}}\n"
        f"fetch: {{allow_private: ['{host}'], per_host: 50, per_host_delay: 0s, obey_robots: false}}\n"
        f"topics: {json.dumps([topic.model_dump() for topic in DEFAULT_TOPICS])}\n"
        f"feeds:\n{feeds}\n"
    )


def manifest(folder: Path) -> list[dict]:
    """The rows of MANIFEST.jsonl."""
    return [json.loads(line) for line in (folder / "MANIFEST.jsonl").open(encoding="utf-8")]


@contextmanager
def served(data: Path) -> Iterator[str]:
    """The documents on a free port, from a process of its own so that its cost is not counted as ours."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=serve, args=(data, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()


def serve(data: Path, pipe: Connection) -> None:
    """Runs in the server's process."""
    feeds = {row["file"]: row for row in manifest(data / "feeds")}
    pages = [data / "pages" / row["file"] for row in manifest(data / "pages")]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.startswith("/feeds/"):
                self.feed(feeds[self.path.removeprefix("/feeds/")])
            elif self.path.startswith("/page/"):
                number = int(hashlib.sha256(self.path.encode()).hexdigest()[:8], 16) % len(pages)
                self.reply(200, {"Content-Type": "text/html"}, gzip.decompress(pages[number].read_bytes()))
            else:
                self.reply(404, {}, b"")

        def feed(self, row: dict) -> None:
            body = (data / "feeds" / row["file"]).read_bytes()
            http = dict(row.get("http") or {})
            status = int(http.pop("status", 200))
            if "content-encoding" not in http:
                body = LINK.sub(self.local, body)
            self.reply(status, http, body)

        def local(self, match: re.Match[bytes]) -> bytes:
            digest = hashlib.sha256(match[2]).hexdigest()[:16]
            return match[1] + f"http://{self.headers['Host']}/page/{digest}".encode()

        def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up on a document that is too large is what we are here to see."""

    server = Server(("127.0.0.1", 0), Handler)
    pipe.send(f"http://127.0.0.1:{server.server_address[1]}")
    server.serve_forever()


def check_call(command: list[str]) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, check=True, env=os.environ, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
