"""``monitor ui``: what an analyst sees in the browser, what she can do there, and what nobody can."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from monitor.cli import main
from monitor.demo.show import Shown
from monitor.errors import StoreError
from monitor.model import StoredStory
from monitor.store import Store
from monitor.store.questions import QUESTIONS
from monitor.store.views import VIEWS
from monitor.ui import charts
from monitor.ui.app import make_app, pages

CHROMIUM = Path("/usr/bin/chromium")
DEADLINE_S = 60
# what it would do is computed, so that the words themselves, shown as text, do not look like it
SCRIPT = "document.body.dataset.owned = 6 * 7"
OWNED = 'data-owned="42"'
HOSTILE = f"</title><script>{SCRIPT}</script><img src=x onerror='{SCRIPT}'>\u202eNATO"


def now() -> datetime:
    """The time of day, as the command hands it in."""
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def played(shown: Shown) -> Path:
    """The folder of a demo: a real store and its config."""
    return shown.config.store.path.parent


@pytest.fixture
def path(played: Path, tmp_path: Path) -> Path:
    """A copy of that store, for this test alone."""
    return Path(shutil.copy(played / "monitor.db", tmp_path / "monitor.db"))


@pytest.fixture
def ui(path: Path) -> Any:
    """The Datasette over it."""
    return make_app(path, now)


@pytest.fixture
def toxic(path: Path) -> StoredStory:
    """The story that the demo's newsroom leads with."""
    with Store.open(path, write=False) as store:
        (row, *_) = store.search("toxic", outlet="Harbour Courier")
        story = store.story(row["id"])
    assert story is not None
    return story


def a_story_is_hostile(path: Path, story_id: int) -> None:
    """Everything that came from outside becomes HTML, script and a link that is one."""
    with sqlite3.connect(path) as db:
        db.execute("update entries set link = 'javascript:alert(1)' where story_id = ?", (story_id,))
        db.execute(
            "update stories set title = :x, outlet = :x, text = :x || char(10) || text, url = 'javascript:alert(1)' "
            "where id = :id",
            {"x": HOSTILE, "id": story_id},
        )
        db.execute("update quotes set text = :x, speaker = :x where story_id = :id", {"x": HOSTILE, "id": story_id})
        db.execute(
            "update flags set evidence = replace(evidence, 'NATO', '<b>NATO</b>') where story_id = ?", (story_id,)
        )
    db.close()


async def page(ui: Any, path: str) -> str:
    """A page that answers, as HTML."""
    answer = await ui.client.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:2000]}"
    return str(answer.text)


async def rows(ui: Any, name: str, **asked: Any) -> list[dict[str, Any]]:
    """The rows of a view or a question; ``asked``: its filters or parameters."""
    answer = await ui.client.get(f"/monitor/{name}.json", params={"_shape": "array", **asked})
    found: list[dict[str, Any]] = answer.json()
    return found


async def analyst_reviews(ui: Any, story_id: int, **form: str) -> httpx.Response:
    """She opens the story's page and sends its form."""
    opened = await ui.client.get(f"/story/{story_id}")
    token = opened.cookies["ds_csrftoken"]
    sent: httpx.Response = await ui.client.post(
        f"/story/{story_id}", data={"csrftoken": token, **form}, cookies={"ds_csrftoken": token}
    )
    return sent


def reviews_of(path: Path, story_id: int) -> list[dict[str, Any]]:
    with Store.open(path, write=False) as store:
        return store.reviews_of(story_id)


# --- looking -------------------------------------------------------------------------------------------------------


async def test_the_start_page_leads_to_what_waits_and_to_every_view_and_question(ui: Any, toxic: StoredStory) -> None:
    """The queue and the latest stories stand there; the rest is a link with a title for people."""
    html = await page(ui, "/")
    assert html.count(f'href="/story/{toxic.id}"') == 2
    assert "Healthy: 11 feeds" in html and "2 feeds fail" in html
    for name in [view.name for view in VIEWS] + [question.name for question in QUESTIONS]:
        assert f'href="/monitor/{name}"' in html


async def test_every_view_opens_with_its_title_sorted_and_filterable(ui: Any) -> None:
    """pages.yaml names each view, and only columns that it has."""
    described = pages()["views"]
    assert described.keys() == {view.name for view in VIEWS}
    for view in VIEWS:
        html = unescape(await page(ui, f"/monitor/{view.name}"))
        assert described[view.name]["title"] in html and view.about in html
        (columns,) = [
            {
                row[0]
                for row in (
                    await ui.get_database("monitor").execute(f"select name from pragma_table_info('{view.name}')")
                )
            }
        ]
        said = described[view.name]
        assert {said["sort_desc"], *said["facets"], *said.get("columns", ()), *said.get("units", ())} <= columns


async def test_tables_of_the_machinery_are_hidden(ui: Any, path: Path) -> None:
    """The list of tables has those that an analyst can use, and all of those."""
    html = await page(ui, "/monitor")
    listed = set(re.findall(r'<h3><a href="/monitor/(\w+)">', html))
    assert listed == set(pages()["tables"])


async def test_words_are_found_whatever_is_typed(ui: Any, toxic: StoredStory) -> None:
    """Phrases and begin* work, and nothing is a syntax error."""
    assert toxic.id in {row["story_id"] for row in await rows(ui, "search", words='"very toxic" minist*')}
    for odd in ("", "don't", '"', "a OR (", "NEAR/3 *", "\u2014"):
        assert isinstance(await rows(ui, "search", words=odd), list)


async def test_a_speakers_sayings_are_found_in_another_alphabet(ui: Any) -> None:
    """As by `monitor query --quotes --speaker`."""
    latin = await rows(ui, "speaker", speaker="Tykhyi")
    assert latin
    assert await rows(ui, "speaker", speaker="Тихий") == latin


async def test_stories_and_threads_are_links_wherever_they_stand(ui: Any, toxic: StoredStory) -> None:
    """In views, tables, and the analyst's own SQL."""
    own = f"/monitor?sql=select+id+as+story_id,title,thread_id+from+stories+where+id={toxic.id}"
    for where in ("/monitor/v_review_queue", "/monitor/stories", "/monitor/flags", own):
        assert f'<a href="/story/{toxic.id}">Kyiv' in await page(ui, where)
    for where in ("/monitor/v_review_queue", "/monitor/stories", "/monitor/v_threads", own):
        assert f'<a href="/monitor/v_flagged?thread_id={toxic.thread_id}">' in await page(ui, where)


async def test_charts_are_drawn_here_and_told_in_words_and_numbers(ui: Any) -> None:
    """SVG with title and description, and the table for who sees no picture; no script draws them."""
    html = await page(ui, "/charts?country=UA")
    assert html.count('720 220" role="img"') == html.count("<desc ") == len(charts.KINDS)
    assert "Tone a day: UA" in html and "days with stories from" in html
    assert "<option selected>UA</option>" in html
    assert not re.search(r"<script[^>]+src", html)
    (day, *_) = await rows(ui, "tone_by_day", country="UA")
    assert f'<td class="number">{day["value"]}</td>' in html
    assert "No stories in these days." in await page(ui, "/charts?country=XX")


def test_a_chart_puts_days_in_their_places() -> None:
    """A day without stories leaves its room empty; a line stands between -1 and 1 whatever its values."""
    week = [{"day": "2026-11-01", "value": 2}, {"day": "2026-11-02", "value": 4}, {"day": "2026-11-07", "value": 1}]
    bars = charts.draw("bars", week)
    first, second, last = bars.marks
    assert last.x - first.x == pytest.approx(6 * (second.x - first.x), abs=1)
    assert second.y == charts.TOP and bars.base == charts.HEIGHT - charts.BOTTOM
    assert (
        bars.summary
        == "3 days with stories from 2026-11-01 to 2026-11-07; lowest 1 on 2026-11-07, highest 4 on 2026-11-02."
    )
    line = charts.draw("line", [{"day": "2026-11-01", "value": -1.0}])
    assert line.marks[0].y == charts.HEIGHT - charts.BOTTOM
    assert line.base == (charts.TOP + charts.HEIGHT - charts.BOTTOM) / 2


async def test_a_storys_page_says_what_explain_says(ui: Any, played: Path, toxic: StoredStory) -> None:
    """Verdict, parts of the score, marked sentences, tone, prospects, quotations, countries."""
    html = unescape(await page(ui, f"/story/{toxic.id}"))
    card = CliRunner().invoke(main, ["explain", str(toxic.id), "-c", str(played / "config.yaml")]).output
    score = re.search(r"FLAGGED, (score \d\.\d{3})", card)
    assert score and f"nato-accession: flagged, {score[1]}" in html and "<mark>NATO</mark>" in html
    for line in re.findall(r"^  [+-]\d\.\d\d  (.+)$", card.split("Sentences that carry it")[0], re.M):
        assert line[:40] in html
    for quote in toxic.analysis.quotes:
        assert quote.text.rstrip(",") in html and (quote.speaker or "") in html
    assert "Ukraine (candidate)" in html and "unfavourable" in html
    assert f'<a href="{toxic.link}"' in html
    assert (await ui.client.get("/story/999999")).status_code == 404


async def test_what_the_daemon_writes_meanwhile_is_seen(ui: Any, path: Path, toxic: StoredStory) -> None:
    """The store is opened to read, never as a file that does not change."""
    before = len(await rows(ui, "v_review_queue"))
    with Store.open(path, exclusive=True) as daemon:
        daemon.add_review(toxic.id, None, "relevant", via="command", now=now())
        assert len(await rows(ui, "v_review_queue")) == before - 1


# --- reviewing -----------------------------------------------------------------------------------------------------


async def test_a_review_is_kept_and_leaves_the_queue(ui: Any, path: Path, toxic: StoredStory) -> None:
    """While the daemon has the store; the page says so, and knows her the next time."""
    assert toxic.id in {row["story_id"] for row in await rows(ui, "v_review_queue")}
    with Store.open(path, exclusive=True):
        sent = await analyst_reviews(ui, toxic.id, verdict="relevant", note=" who <b>says</b> ", by="Ann")
    assert (sent.status_code, sent.headers["location"]) == (303, f"/story/{toxic.id}")
    (review,) = reviews_of(path, toxic.id)
    assert (review["verdict"], review["note"], review["by"], review["via"]) == (
        "relevant",
        "who <b>says</b>",
        "Ann",
        "ui",
    )
    assert toxic.id not in {row["story_id"] for row in await rows(ui, "v_review_queue")}
    html = (await ui.client.get(f"/story/{toxic.id}", cookies=dict(sent.cookies))).text
    assert "Kept: relevant" in html and 'value="Ann"' in html
    assert "who &lt;b&gt;says&lt;/b&gt;" in html


async def test_a_muted_thread_leaves_the_queue_too(ui: Any, path: Path, toxic: StoredStory) -> None:
    """As `monitor review ID mute` does."""
    await analyst_reviews(ui, toxic.id, verdict="mute")
    assert (await rows(ui, "v_threads", thread_id=toxic.thread_id))[0]["muted_at"]


async def test_what_is_no_verdict_is_not_kept_and_the_page_says_why(ui: Any, path: Path, toxic: StoredStory) -> None:
    """The store's own words, no error page."""
    sent = await analyst_reviews(ui, toxic.id, verdict="splendid")
    assert reviews_of(path, toxic.id) == []
    html = (await ui.client.get(f"/story/{toxic.id}", cookies=dict(sent.cookies))).text
    assert "Not kept: &#39;splendid&#39; is no verdict" in html


async def test_another_site_cannot_review_through_her_browser(ui: Any, path: Path, toxic: StoredStory) -> None:
    """Neither without our cookie (which such a request does not carry), nor with it and a wrong token."""
    opened = await ui.client.get(f"/story/{toxic.id}")
    token = opened.cookies["ds_csrftoken"]
    for cookies, form, headers in (
        ({}, {}, {}),
        ({}, {"csrftoken": token}, {}),
        ({"ds_csrftoken": token}, {}, {}),
        ({"ds_csrftoken": token}, {"csrftoken": "guess"}, {}),
        ({"ds_csrftoken": token}, {}, {"authorization": "Bearer x"}),
    ):
        sent = await ui.client.post(
            f"/story/{toxic.id}", data={"verdict": "mute", **form}, cookies=cookies, headers=headers
        )
        assert sent.status_code == 403
    assert reviews_of(path, toxic.id) == []


# --- what nobody can -----------------------------------------------------------------------------------------------


async def test_sql_only_reads(ui: Any, path: Path) -> None:
    """Her own questions are welcome; nothing that writes gets through."""
    own = {"sql": "select count(*) as n from flags where flagged = 1", "_shape": "array"}
    assert (await ui.client.get("/monitor.json", params=own)).json() == [{"n": 11}]
    for sql in (
        "delete from reviews",
        "with x as (select 1) delete from stories",
        "pragma query_only = 0",
        "attach 'other.db' as o",
        "insert into settings values ('a', '1')",
    ):
        assert (await ui.client.get("/monitor.json", params={"sql": sql})).status_code == 400
    assert (await ui.client.get("/monitor.db")).status_code == 403
    with Store.open(path, write=False) as store:
        assert store.check() == []


async def test_a_question_without_end_is_cut_off(ui: Any) -> None:
    """Ten seconds in earnest; here at once."""
    ui.sql_time_limit_ms = 20
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
    answer = await ui.client.get("/monitor.json", params={"sql": endless})
    assert answer.status_code == 400 and "interrupted" in answer.text.lower()


async def test_a_hostile_story_is_only_text(ui: Any, path: Path, toxic: StoredStory) -> None:
    """HTML and scripts in headline, outlet, text, quotation and evidence are shown as they are; only http(s) links."""
    a_story_is_hostile(path, toxic.id)
    search = "/monitor/search?words=toxic"
    for where in (
        "/",
        f"/story/{toxic.id}",
        "/monitor/v_flagged",
        "/monitor/v_quotes",
        "/monitor/stories",
        search,
        "/charts",
    ):
        html = await page(ui, where)
        assert f"<script>{SCRIPT}" not in html and "<img src=x" not in html and "<b>NATO" not in html
        assert 'href="javascript:' not in html
    assert f"&lt;script&gt;{SCRIPT}" in await page(ui, f"/story/{toxic.id}")


async def test_who_asks_by_a_foreign_name_gets_nothing(ui: Any, path: Path) -> None:
    """A web site that makes its own name lead here reads no store; our pages load nothing from elsewhere."""
    refused = await ui.client.get("/", headers={"host": "rebound.example"})
    assert refused.status_code == 421
    for host in ("127.0.0.1:8001", "localhost:9000", "[::1]:8001"):
        answer = await ui.client.get("/", headers={"host": host})
        assert answer.status_code == 200
        assert "default-src 'self'" in answer.headers["content-security-policy"]
    anywhere = make_app(path, now, host="0.0.0.0")  # who listens there has chosen to
    assert (await anywhere.client.get("/", headers={"host": "monitor.example"})).status_code == 200


# --- the command ---------------------------------------------------------------------------------------------------


def test_without_a_store_it_says_so(tmp_path: Path) -> None:
    """And makes none."""
    with pytest.raises(StoreError, match="there is no store"):
        make_app(tmp_path / "none.db", now)
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_it_says_how_to_get_it(played: Path) -> None:
    """Exit 1 and one line."""
    code = "import sys; sys.modules['datasette'] = None; from monitor.cli import main; main(sys.argv[1:])"
    ran = subprocess.run(
        [sys.executable, "-c", code, "ui", "-c", played / "config.yaml"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert ran.stderr == "monitor: `monitor ui` needs the extra [ui]: pip install 'accession-monitor[ui]'\n"


@pytest.fixture(scope="module")
def served(played: Path) -> Iterator[tuple[str, subprocess.Popen[str], int]]:
    """The real command over a hostile story, on a free port: its address, the process, the story."""
    folder = played / "served"
    folder.mkdir()
    store = Path(shutil.copy(played / "monitor.db", folder))
    with sqlite3.connect(store) as db:
        (story_id,) = db.execute("select story_id from v_flagged where outlet = 'Harbour Courier'").fetchone()
    db.close()
    a_story_is_hostile(store, story_id)
    config = (played / "config.yaml").read_text(encoding="utf-8")
    (folder / "config.yaml").write_text(config.replace(str(played / "monitor.db"), str(store)), encoding="utf-8")
    command = [sys.executable, "-m", "monitor", "ui", "--port", "0", "-c", folder / "config.yaml"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().partition("  (")[0]  # printed when the port is bound
        yield url, process, story_id
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 0
        assert "Traceback" not in process.communicate()[1]


def test_the_command_serves_until_it_is_stopped(played: Path, served: tuple[str, Any, int]) -> None:
    """On loopback, at the address it printed; a second one on the same port says what is wrong."""
    url, process, story_id = served
    assert url.startswith("http://127.0.0.1:"), process.stderr.read()
    answer = httpx.get(f"{url}story/{story_id}", timeout=DEADLINE_S)
    assert answer.status_code == 200 and "nato-accession: flagged" in answer.text
    port = url.rstrip("/").rpartition(":")[2]
    again = CliRunner().invoke(main, ["ui", "--port", port, "-c", str(played / "config.yaml")])
    assert again.exit_code == 1 and f"cannot listen on 127.0.0.1, port {port}" in again.output


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")
def test_a_real_browser_runs_our_scripts_and_not_the_storys(served: tuple[str, Any, int], tmp_path: Path) -> None:
    """Datasette's editor works under our rules; what the hostile story brings stays text."""
    url, _, story_id = served

    def seen(path: str) -> str:
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--dump-dom")
        ran = subprocess.run(
            [CHROMIUM, *options, f"--user-data-dir={tmp_path / 'profile'}", url + path],
            env={**os.environ, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=True,
        )
        return ran.stdout

    assert 'class="CodeMirror' in seen("monitor")
    dom = seen(f"story/{story_id}")
    assert SCRIPT in dom and "<mark>" in dom
    assert OWNED not in dom
