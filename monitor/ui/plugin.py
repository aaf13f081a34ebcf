"""What we add to Datasette: pages for the start, charts and a story, links between them, a guard at the door."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from secrets import compare_digest
from typing import Any
from urllib.parse import urlencode

from datasette.utils.asgi import Forbidden, NotFound, Response
from datasette.views.base import DatasetteError
from jinja2 import ChoiceLoader, Environment, PackageLoader
from markupsafe import Markup
from pluggy import HookimplMarker

from monitor.alert.safe import one_line
from monitor.errors import StoreError
from monitor.model import StoredStory
from monitor.store import Store
from monitor.store.questions import QUESTIONS
from monitor.store.reviews import VERDICTS
from monitor.store.views import VIEWS
from monitor.ui import charts, guard, story

DATABASE = "monitor"  # in addresses: /monitor/v_flagged
SHOWN_AT_START = 8
CHARTED = timedelta(days=90)
NOTE_CHARS, NAME_CHARS = 2000, 100
WHO = "monitor_by"  # the cookie that remembers who reviewed last

hookimpl = HookimplMarker("datasette")


@dataclass(frozen=True)
class Desk:
    """What our pages work with, beside Datasette's own database."""

    path: Path
    clock: Callable[[], datetime]
    hosts: frozenset[str] | None  # names this server may be asked by; None: any

    def story(self, story_id: int) -> tuple[StoredStory, list[dict[str, Any]]] | None:
        """A story and its reviews; None when there is none."""
        with Store.open(self.path, write=False) as store:
            found = store.story(story_id)
            return None if found is None else (found, store.reviews_of(story_id))

    def status(self) -> dict[str, Any]:
        """What ``monitor status`` says."""
        with Store.open(self.path, write=False) as store:
            return store.status(self.clock())

    def review(self, story_id: int, form: dict[str, str]) -> None:
        """Keep a verdict, beside the running daemon. Raises StoreError."""
        with Store.open(self.path) as store:
            store.add_review(
                story_id,
                form.get("topic") or None,
                form.get("verdict", ""),
                note=form.get("note", "").strip()[:NOTE_CHARS],
                by=form.get("by", "").strip()[:NAME_CHARS],
                via="ui",
                now=self.clock(),
            )


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Awaitable[Any]]]]:
    """Our own pages."""
    return [(r"^/story/(?P<id>\d{1,18})$", story_page), (r"^/charts$", charts_page)]


@hookimpl
def prepare_jinja2_environment(env: Environment) -> None:
    """Our templates use the macros of the mails' templates."""
    assert env.loader is not None
    env.loader = ChoiceLoader([env.loader, PackageLoader("monitor", "templates")])


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:
    """The guard stands before everything."""
    return lambda app: guard.guarded(app, lambda: datasette.desk.hosts)


@hookimpl
def menu_links(datasette: Any) -> list[dict[str, str]]:
    """The menu at the top of every page."""
    links = {
        "/": "Start",
        f"/{DATABASE}/v_review_queue": "To review",
        f"/{DATABASE}/v_flagged": "Flagged stories",
        f"/{DATABASE}/search": "Search the texts",
        "/charts": "Charts",
        f"/{DATABASE}": "All tables, own SQL",
    }
    return [{"href": datasette.urls.path(path), "label": label} for path, label in links.items()]


@hookimpl
def render_cell(row: Any, value: Any, column: str, table: str | None, datasette: Any) -> Markup | None:
    """Stories and threads are links, wherever they stand."""
    if column not in ("story_id", "thread_id", "title"):
        return None
    owner = "story_id" if "story_id" in row.keys() else "id" if table == "stories" else ""  # noqa: SIM118 - no dict
    number = _plain(value if column == "thread_id" else owner and row[owner])
    if not isinstance(number, int) or value is None:
        return None
    path = f"/{DATABASE}/v_flagged?thread_id={number}" if column == "thread_id" else f"/story/{number}"
    words = value["label"] if isinstance(value, dict) else value
    return Markup('<a href="{}">{}</a>').format(datasette.urls.path(path), one_line(str(words)) or "(no headline)")


def _plain(value: Any) -> Any:
    """A cell's value, where Datasette put the label of what it points at beside it."""
    return value["value"] if isinstance(value, dict) else value


@hookimpl
def extra_template_vars(view_name: str, datasette: Any) -> Callable[[], Awaitable[dict[str, Any]]] | None:
    """What the start page shows."""
    if view_name != "index":
        return None

    async def in_time(view: str) -> list[dict[str, Any]] | None:
        """The first rows; None when a large store takes too long: the rest of the page shall come all the same."""
        try:
            return await rows(datasette, f"{view}.json?_size={SHOWN_AT_START}&_nocount=1&_nofacet=1")
        except DatasetteError:
            return None

    async def start() -> dict[str, Any]:
        titles = datasette.metadata("databases")[DATABASE]["tables"]
        return {
            "status": await asyncio.to_thread(datasette.desk.status),
            "queue": await in_time("v_review_queue"),
            "flagged": await in_time("v_flagged"),
            "views": [(view.name, titles[view.name]["title"], view.about) for view in VIEWS],
            "questions": QUESTIONS,
            "database": DATABASE,
        }

    return start


async def charts_page(datasette: Any, request: Any) -> Any:
    """Numbers a day as pictures: for one candidate or all, since a day."""
    country = request.args.get("country", "")
    since = request.args.get("since") or (datasette.desk.clock() - CHARTED).date().isoformat()
    asked = urlencode({"country": country, "since": since})
    drawn = [
        (charts.draw(kind, await rows(datasette, f"{question.name}.json?{asked}")), question)
        for question in QUESTIONS
        if (kind := charts.KINDS.get(question.name))
    ]
    values = {
        "charts": drawn,
        "area": charts,
        "asked": asked,
        "country": country,
        "since": since,
        "countries": [row["country"] for row in await rows(datasette, "candidates.json?")],
        "database": DATABASE,
    }
    return Response.html(await datasette.render_template("charts.html", values, request=request))


async def story_page(datasette: Any, request: Any) -> Any:
    """A story's evidence card and reviews; POST keeps a review and comes back."""
    story_id = int(request.url_vars["id"])
    desk: Desk = datasette.desk
    if request.method == "POST":
        return await _review(datasette, request, story_id)
    try:
        found = await asyncio.to_thread(desk.story, story_id)
    except StoreError as error:
        raise DatasetteError(str(error), status=503) from error
    if found is None:
        raise NotFound(f"there is no story {story_id} in the store")
    values = {
        "story": story.shown(found[0]),
        "reviews": found[1],
        "verdicts": VERDICTS,
        "by": request.cookies.get(WHO, ""),
        "database": DATABASE,
    }
    return Response.html(await datasette.render_template("story.html", values, request=request))


async def _review(datasette: Any, request: Any, story_id: int) -> Any:
    form = await request.post_vars()
    # asgi-csrf lets a request without any cookie pass, for programs. Nobody logs in here: being able to reach the
    # port is all the right there is, so a page on the web must not be able to borrow it from an analyst's browser.
    cookie = request.cookies.get("ds_csrftoken", "")
    if not cookie or not compare_digest(cookie.encode(), form.get("csrftoken", "").encode()):
        raise Forbidden("this form is not from the story's page; open that and try again")
    path = datasette.urls.path(f"/story/{story_id}")
    response = Response.redirect(path, status=303)
    try:
        await asyncio.to_thread(datasette.desk.review, story_id, form)
    except StoreError as error:
        datasette.add_message(request, f"Not kept: {error}", datasette.ERROR)
    else:
        datasette.add_message(request, f"Kept: {form['verdict']}")
        response.set_cookie(WHO, form.get("by", "").strip()[:NAME_CHARS], max_age=365 * 86400, httponly=True)
    return response


async def rows(datasette: Any, page: str) -> list[dict[str, Any]]:
    """The rows of one of Datasette's own pages. Raises DatasetteError when it takes too long, or is asked wrongly."""
    answer = await datasette.client.get(f"/{DATABASE}/{page}&_shape=array")
    if answer.status_code != 200:
        raise DatasetteError(answer.json().get("error") or "no answer", status=answer.status_code)
    found: list[dict[str, Any]] = answer.json()
    return found
