"""The fetcher against a real server: what a good answer becomes, and what becomes of bad ones."""

from __future__ import annotations

import asyncio
import gc
import gzip
import shutil
import socket
import ssl
import subprocess
import warnings
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from servers import (
    PIECE,
    BadServer,
    answers,
    breaks_off,
    drips,
    gzip_bomb,
    hangs,
    head,
    in_turn,
    pours,
    redirects,
    sends,
)

from monitor.errors import AddressRefused, FetchError
from monitor.fetch import Fetcher
from monitor.settings import FetchSettings

FEED = b"<rss version='2.0'><channel><title>Talks</title></channel></rss>"


async def test_an_answer_comes_back_whole(bad_server, fetcher_for):
    """Body, status, headers in lower case with repeated ones joined, and the URL it came from."""
    url = bad_server.on(
        "/feed", answers(200, FEED, [("X-One", "a"), ("Link", "<a>"), ("Link", "<b>"), ("ETag", '"v1"')])
    )
    async with fetcher_for() as fetcher:
        response = await fetcher.get(url, accept="application/rss+xml")
    assert response.body == FEED
    assert (response.status, response.url, response.final_url, response.redirects) == (200, url, url, ())
    assert response.headers["link"] == "<a>, <b>"
    assert response.headers["etag"] == '"v1"'
    assert bad_server.requests[0].headers["accept"] == "application/rss+xml"
    assert bad_server.requests[0].headers["user-agent"].startswith("accession-monitor/")


async def test_the_url_is_sent_as_it_stands(bad_server, fetcher_for):
    """Percent-encoding is not changed: a signed URL would become another one."""
    bad_server.on("/a%2Cb%3A", answers(200, FEED))
    async with fetcher_for() as fetcher:
        await fetcher.get(bad_server.url("/a%2Cb%3A?sig=%2B%2f=&list[]=1&sp=a+b#part"))
    assert bad_server.requests[0].path == "/a%2Cb%3A?sig=%2B%2f=&list[]=1&sp=a+b"


@pytest.mark.parametrize("etag", ['"simple"', 'W/"weak-1"', "unquoted", '"two, words"', '"ü"', "'odd\\"])
async def test_validators_go_back_byte_for_byte(bad_server, fetcher_for, etag):
    """What the server sent as ETag and Last-Modified is what it gets; 304 is an answer without a body."""
    date = "Mon, 3 Nov 2026 9:00:00 +0200"  # no proper HTTP date, but the server's own
    known = answers(200, FEED, {"ETag": etag, "Last-Modified": date})
    url = bad_server.on("/feed", in_turn(known, answers(304, headers={"ETag": etag})))
    async with fetcher_for() as fetcher:
        first = await fetcher.get(url)
        second = await fetcher.get(url, etag=first.headers["etag"], last_modified=first.headers["last-modified"])
    assert f"If-None-Match: {etag}\r\n".encode().lower() in bad_server.requests[1].raw.lower()
    assert bad_server.requests[1].headers["if-modified-since"] == date
    assert (second.status, second.body, second.headers["etag"]) == (304, b"", etag)


async def test_a_304_that_nobody_asked_for_is_an_error(bad_server, fetcher_for):
    """Without validators there is nothing that could be unmodified, and the feed would look silent for ever."""
    url = bad_server.on("/feed", answers(304))
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError, match="304"):
            await fetcher.get(url)


async def test_a_stored_validator_cannot_inject_headers(bad_server, fetcher_for):
    """A line break in a validator (a store edited by hand) is an error, not a second header."""
    url = bad_server.on("/feed", answers(200, FEED))
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError):
            await fetcher.get(url, etag='"x"\r\nX-Evil: 1')
    assert not bad_server.requests


async def test_cookies_are_not_kept(bad_server, fetcher_for):
    """Neither for the next request nor across a redirect."""
    cookie = {"Set-Cookie": "session=1; Path=/"}
    bad_server.on("/start", answers(302, b"", {**cookie, "Location": "/end"}))
    bad_server.on("/end", answers(200, FEED, cookie))
    async with fetcher_for() as fetcher:
        await fetcher.get(bad_server.url("/start"))
        await fetcher.get(bad_server.url("/end"))
    assert len(bad_server.requests) == 3
    assert not any("cookie" in request.headers for request in bad_server.requests)


# --- statuses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, False), (401, False), (403, False), (404, False), (410, True), (451, False), (500, False)],
)
async def test_an_error_status_says_whether_it_is_for_good(bad_server, fetcher_for, status, permanent):
    """Only 410 is: feeds answer 404 and come back."""
    url = bad_server.on("/feed", answers(status, b"<html>sorry</html>"))
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.get(url)
    assert (caught.value.status, caught.value.permanent) == (status, permanent)
    assert url in str(caught.value)
    assert str(status) in str(caught.value)


# --- time ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "handler",
    [
        hangs(),
        hangs(head(200)),
        hangs(head(200, length=100) + b"half"),
        hangs(b"HTTP/1.1 200 OK\r\nX-"),
        drips(head(200)),
    ],
    ids=["silent", "no body", "half a body", "half a header", "drip"],
)
async def test_the_deadline_is_for_the_whole_answer(bad_server, fetcher_for, handler):
    """A server that is silent, or that sends a byte now and then for ever, is given up at fetch.timeout."""
    url = bad_server.on("/slow", handler)
    async with fetcher_for(timeout="0.2s") as fetcher:
        with pytest.raises(FetchError, match=r"no complete answer within 0\.2 s") as caught:
            await fetcher.get(url)
    assert not caught.value.permanent


async def test_redirects_share_one_deadline(bad_server, fetcher_for):
    """Ten slow redirects do not get ten times the time."""

    async def slow(request, writer):
        await asyncio.sleep(0.15)
        await redirects(f"/step{len(bad_server.requests)}")(request, writer)

    for step in range(11):
        bad_server.on(f"/step{step}", slow)
    async with fetcher_for(timeout="0.4s") as fetcher:
        with pytest.raises(FetchError, match="no complete answer"):
            await fetcher.get(bad_server.url("/step0"))
    assert len(bad_server.requests) <= 4


async def test_cancelling_passes_through(bad_server, fetcher_for):
    """A cancelled request is cancelled, not failed, and gives its turn back."""
    url = bad_server.on("/hang", hangs())
    good = bad_server.on("/good", answers(200, FEED))
    async with fetcher_for(per_host=1, connections=1) as fetcher:
        task = asyncio.create_task(fetcher.get(url))
        while not bad_server.requests:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await fetcher.get(good)).status == 200


# --- size ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("say_length", [True, False])
async def test_a_page_of_50_mb_stops_early(bad_server, fetcher_for, say_length):
    """It is given up at fetch.max_bytes, and asking again soon is no use."""
    url = bad_server.on("/huge", pours(50_000_000, say_length=say_length))
    async with fetcher_for(max_bytes="1MiB") as fetcher:
        with pytest.raises(FetchError, match=r"fetch\.max_bytes") as caught:
            await fetcher.get(url)
    assert caught.value.permanent
    assert bad_server.sent_bytes < 10_000_000  # the rest stays with the server: the connection is closed


async def test_a_gzip_bomb_is_inert(bad_server, fetcher_for):
    """20 kB that unpack to 20 MB are given up by their ratio, long before the size limit."""
    bomb = gzip_bomb(20 * 1024**2)
    url = bad_server.on("/bomb", answers(200, bomb, {"Content-Encoding": "gzip"}))
    async with fetcher_for(max_bytes="30MiB") as fetcher:
        with pytest.raises(FetchError, match="unpack to more than 200 times"):
            await fetcher.get(url)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(PIECE)),
        ("x-gzip", gzip.compress(PIECE)),
        ("gzip", gzip.compress(PIECE[:1000]) + gzip.compress(PIECE[1000:])),
        ("deflate", zlib.compress(PIECE)),
        ("deflate", zlib.compress(PIECE, wbits=-15)),
        ("deflate", gzip.compress(PIECE)),
        ("gzip", gzip.compress(PIECE) + bytes(16)),
        ("zstd", zstandard.compress(PIECE)),
        ("gzip, gzip", gzip.compress(gzip.compress(PIECE))),
        ("gzip", PIECE),
        ("deflate", PIECE),
        ("zstd", PIECE),
        ("br", PIECE),
        ("utf-8", PIECE),
        ("", PIECE),
    ],
)
async def test_content_encodings(bad_server, fetcher_for, encoding, body):
    """Packed bodies are unpacked; a header that says "packed" over a plain body does not lose the body."""
    url = bad_server.on("/page", answers(200, body, {"Content-Encoding": encoding}))
    async with fetcher_for() as fetcher:
        assert (await fetcher.get(url)).body == PIECE


async def test_a_packed_body_that_was_cut_is_an_error(bad_server, fetcher_for):
    """Else the entries behind the cut would be lost together with the new validators."""
    url = bad_server.on("/cut", answers(200, gzip.compress(PIECE)[:-20], {"Content-Encoding": "gzip"}))
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError, match="ends too early"):
            await fetcher.get(url)


# --- broken HTTP --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (breaks_off(b"only this", 1000), "broke off"),
        (sends(head(200, {"Transfer-Encoding": "chunked"}) + b"5\r\nhello\r\n", close=True), "broke off"),
        (sends(head(200, {"Transfer-Encoding": "chunked"}) + b"zz\r\nhello\r\n0\r\n\r\n"), "broke off|no valid HTTP"),
        (sends(close=True), "without an answer"),
        (sends(b"SSH-2.0-OpenSSH_9.6\r\n", close=True), "no valid HTTP"),
        (sends(head(200, {"X-Bomb": "x" * 200_000}, 0)), "no valid HTTP"),
        (sends(head(200, [(f"X-{n}", "x") for n in range(5000)], 0)), "no valid HTTP"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello"), "no valid HTTP|broke off"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello", close=True), "no valid HTTP"),
    ],
    ids=[
        "cut",
        "cut chunks",
        "bad chunk",
        "no answer",
        "no HTTP",
        "long header",
        "many headers",
        "lengths",
        "negative",
    ],
)
async def test_broken_answers_are_errors_in_words(bad_server, fetcher_for, handler, message):
    """Never half a body, never a library's exception."""
    url = bad_server.on("/broken", handler)
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError, match=message) as caught:
            await fetcher.get(url)
    assert str(caught.value).startswith(url)
    assert not caught.value.permanent


async def test_more_than_was_promised_is_left_out(bad_server, fetcher_for):
    """What follows a body of the stated length is no part of it, nor of the next answer (it may fail the first)."""
    long = sends(head(200, length=5) + b"hello, and more")
    url = bad_server.on("/long", long)
    good = bad_server.on("/good", answers(200, FEED))
    async with fetcher_for() as fetcher:
        try:
            body = (await fetcher.get(url)).body
        except FetchError as error:
            assert "no valid HTTP" in str(error) or "broke off" in str(error)
        else:
            assert body == b"hello"
        assert (await fetcher.get(good)).body == FEED


async def test_nobody_listens(bad_server, fetcher_for):
    """A refused connection is an error in words."""
    async with fetcher_for(allow_private=True) as fetcher:
        with pytest.raises(FetchError, match="no connection: refused"):
            await fetcher.get("http://127.0.0.1:9/feed")


async def test_nobody_answers_the_connection(fetcher_for):
    """A host that lets a connection hang costs no more than half of the time."""
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for filler in (first, second):  # the queue of a listener that accepts nothing is full after these
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        async with fetcher_for(allow_private=True, timeout="0.4s") as fetcher:
            with pytest.raises(FetchError, match="no connection in time"):
                await fetcher.get(f"http://127.0.0.1:{deaf.getsockname()[1]}/feed")


async def test_a_certificate_that_nobody_vouches_for(tmp_path, fetcher_for):
    """A self-signed certificate is refused, and the message says that it is the certificate."""
    made = shutil.which("openssl") and subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", "/CN=localhost", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"),
        ],
        capture_output=True,
        check=False,
    )
    if not made or made.returncode:
        pytest.skip("no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0, ssl=context)
    async with server, fetcher_for(allow_private=True) as fetcher:
        with pytest.raises(FetchError, match=r"TLS certificate is not accepted: self.signed certificate"):
            await fetcher.get(f"https://localhost:{server.sockets[0].getsockname()[1]}/feed")


async def test_a_name_that_does_not_exist(bad_server, fetcher_for):
    """So is a name without an address."""
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError, match="host name is not known") as caught:
            await fetcher.get("http://no-such-host.invalid/feed")
    assert not caught.value.permanent


async def test_no_tls_where_tls_was_asked_for(bad_server, fetcher_for):
    """A plain server behind https:// is named as such."""
    url = bad_server.url("/").replace("http:", "https:")
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError, match="no TLS connection"):
            await fetcher.get(url)


# --- redirects ----------------------------------------------------------------------------------------------------


async def test_redirects_are_followed_and_recorded(bad_server, fetcher_for):
    """Relative ones, too; each with its status and where it led."""
    bad_server.on("/a", redirects("b?x=1", 301))
    bad_server.on("/b", redirects(bad_server.url("/c"), 308))
    bad_server.on("/c", answers(200, FEED))
    async with fetcher_for() as fetcher:
        response = await fetcher.get(bad_server.url("/a"), etag='"v"')
    assert response.redirects == ((301, bad_server.url("/b?x=1")), (308, bad_server.url("/c")))
    assert response.final_url == bad_server.url("/c")
    assert bad_server.requests[-1].headers["if-none-match"] == '"v"'
    assert "referer" not in bad_server.requests[-1].headers


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (redirects("/start"), "in a circle"),
        (answers(302), "without a Location"),
        (redirects("mailto:editor@example.org"), "URL"),
        (redirects("http://[bad/"), "URL"),
        (redirects("https://"), "URL"),
        (answers(300, b"choose"), "HTTP 300"),
    ],
)
async def test_redirects_that_lead_nowhere(bad_server, fetcher_for, handler, message):
    """A circle, no target, or a target that is no URL: an error that names the URL."""
    url = bad_server.on("/start", handler)
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError, match=message) as caught:
            await fetcher.get(url)
    assert url in str(caught.value)


async def test_ten_redirects_are_enough(bad_server, fetcher_for):
    """An endless walk ends after ten steps."""
    for step in range(20):
        bad_server.on(f"/{step}", redirects(f"/{step + 1}"))
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError, match="more than 10 redirects"):
            await fetcher.get(bad_server.url("/0"))
    assert len(bad_server.requests) == 11


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/x", "gopher://127.0.0.1/x"])
async def test_a_redirect_leaves_http_never(bad_server, fetcher_for, target):
    """Other schemes are refused, from a redirect as from the start."""
    url = bad_server.on("/start", redirects(target))
    async with fetcher_for() as fetcher:
        for start in (url, target):
            with pytest.raises(AddressRefused, match="only http and https"):
                await fetcher.get(start)


async def test_credentials_stay_with_their_origin(bad_server, fetcher_for):
    """User and password of a feed's URL go to its own server, not where that redirects to, and into no message."""
    bad_server.on("/feed", redirects("/moved"))
    bad_server.on("/moved", redirects(f"http://user:x@localhost:{bad_server.port}/elsewhere"))
    bad_server.on("/elsewhere", answers(403))
    url = bad_server.url("/feed").replace("http://", "http://ana:s%40fe@")
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.get(url)
    sent = [request.headers.get("authorization") for request in bad_server.requests]
    assert sent == ["Basic YW5hOnNAZmU=", "Basic YW5hOnNAZmU=", None]
    assert "s%40fe" not in str(caught.value)


@pytest.mark.parametrize("rest", ["/circle", ":bad/", "[/"])
async def test_no_error_tells_a_password(bad_server, fetcher_for, rest):
    """Messages go into the store and the log."""
    bad_server.on("/circle", redirects("/circle"))
    async with fetcher_for() as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.get(f"http://ana:secret@{bad_server.address}{rest}")
    assert "secret" not in str(caught.value)


async def nobody(host: str) -> list[str]:
    """A name server that knows no name."""
    return []


@hypothesis_settings(deadline=None)
@given(st.text(max_size=60) | st.text("htps:/.@%[]?#\\ \n\r\t0a:é", max_size=30).map(lambda rest: f"http://{rest}"))
def test_any_text_as_a_url_gives_an_error_in_words(url):
    """Never another exception than FetchError, never a request to nowhere."""

    async def ask() -> None:
        async with Fetcher(FetchSettings(), lookup=nobody) as fetcher:
            await fetcher.get(url)

    with pytest.raises(FetchError):
        asyncio.run(ask())


@hypothesis_settings(max_examples=30, deadline=None)
@given(st.text(max_size=30).filter(lambda text: "\r" not in text and "\n" not in text))
def test_any_text_as_a_location_gives_an_error_in_words(location):
    """Whatever a server redirects to."""
    with BadServer() as server:
        url = server.on("/start", redirects(location))

        async def ask() -> None:
            settings = FetchSettings(allow_private=(server.address,), per_host_delay="0s")
            async with Fetcher(settings, lookup=nobody) as fetcher:
                await fetcher.get(url)

        with pytest.raises(FetchError):
            asyncio.run(ask())


# --- the client as a whole ----------------------------------------------------------------------------------------


async def test_closing_leaves_nothing_open(bad_server, fetcher_for):
    """No unclosed session, connection or socket is reported when everything is collected."""
    url = bad_server.on("/feed", answers(200, FEED))
    half = bad_server.on("/half", breaks_off(b"x", 100))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with fetcher_for() as fetcher:
            await asyncio.gather(*(fetcher.get(url) for _ in range(5)))
            with pytest.raises(FetchError):
                await fetcher.get(half)
        await asyncio.sleep(0)
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


async def test_connections_are_used_again_while_others_wait(bad_server, fetcher_for):
    """Twenty requests to one host need two connections, not twenty."""
    url = bad_server.on("/feed", answers(200, FEED))
    async with fetcher_for(per_host=2, per_host_delay="0s") as fetcher:
        await asyncio.gather(*(fetcher.get(url) for _ in range(20)))
    assert bad_server.connections <= 4


async def test_the_environments_proxy_is_not_used(bad_server, fetcher_for, monkeypatch):
    """A proxy would connect on our behalf, past the guard."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    url = bad_server.on("/feed", answers(200, FEED))
    async with fetcher_for() as fetcher:
        assert (await fetcher.get(url)).status == 200


async def test_the_user_agent_is_the_operators_choice(bad_server):
    """fetch.user_agent goes out as it is written."""
    url = bad_server.on("/feed", answers(200, FEED))
    settings = FetchSettings(user_agent="desk-monitor/1 (+https://example.org/bot)", allow_private=True)
    async with Fetcher(settings) as fetcher:
        await fetcher.get(url)
    assert bad_server.requests[0].headers["user-agent"] == "desk-monitor/1 (+https://example.org/bot)"
