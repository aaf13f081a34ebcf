"""Judges stored stories again after a rule or model changed, and says what that adds and drops. Writes nothing."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime

from monitor import work
from monitor.errors import MonitorError
from monitor.extract import extract
from monitor.model import Analysis, Article, Document, Flag
from monitor.store import KeptStory, Store

log = logging.getLogger(__name__)

AHEAD = 64  # stories in work at the same time


@dataclass(frozen=True, slots=True)
class Again:
    """A story judged again; ``article``: its text, where that was read anew from the kept page."""

    kept: KeptStory
    analysis: Analysis
    article: Article | None


@dataclass(frozen=True, slots=True)
class Change:
    """What judging again changes in one story's flag on one topic."""

    story_id: int
    outlet: str
    title: str
    topic: str
    before: float | None  # score; None: the topic did not match
    after: float | None
    kind: str  # "added", "dropped", "score"


def judge_again(kept: KeptStory, settings_json: str, *, reread: bool) -> Again:
    """Runs in a worker. ``reread``: take the text from the kept page once more, where there is one and it was used."""
    article = None
    if reread and kept.page is not None and kept.source == "page":
        article = extract(
            kept.page.body,
            url=kept.url,
            headers=kept.page.headers,
            feed_title=kept.feed_title,
            feed_text=kept.feed_content,
            feed_published_at=kept.feed_published_at,
        )
        if article.status not in work.FULL_TEXT or not article.text:
            article = None  # worse than what is stored: the page does not count as an article any more
    document = Document(
        id=str(kept.story_id),
        title=article.title if article and article.title else kept.title,
        text=article.text if article else kept.text,
        url=kept.url,
        lang=kept.lang,
        published_at=kept.published_at,
        outlet=kept.outlet,
        country=kept.country,
    )
    return Again(kept, work.analyse(document, work.tools(settings_json)), article)


def stories_again(
    store: Store, executor: Executor, settings_json: str, *, since: datetime | None, reread: bool
) -> Iterator[Again]:
    """Every stored story since then, judged again, in the order of their ids. Writes nothing.

    A story that its worker could not finish stays as it is; the log says which and why.
    """
    waiting: deque[tuple[int, Future[Again]]] = deque()
    for kept in store.stories_for_reprocess(since):
        waiting.append((kept.story_id, executor.submit(judge_again, kept, settings_json, reread=reread)))
        if len(waiting) >= AHEAD:
            yield from _finished(*waiting.popleft())
    while waiting:
        yield from _finished(*waiting.popleft())


def changes(before: tuple[Flag, ...], again: Again) -> list[Change]:
    """The topics on which the judgement differs, or its score by a hundredth and more."""
    old = {flag.topic: flag for flag in before}
    new = {flag.topic: flag for flag in again.analysis.flags}
    found = []
    for topic in sorted(old.keys() | new.keys()):
        was, is_ = old.get(topic), new.get(topic)
        kind = _kind(was, is_)
        if kind:
            kept = again.kept
            found.append(
                Change(
                    kept.story_id,
                    kept.outlet,
                    kept.title,
                    topic,
                    was.score if was else None,
                    is_.score if is_ else None,
                    kind,
                )
            )
    return found


def _kind(was: Flag | None, is_: Flag | None) -> str | None:
    flagged_before, flagged_now = bool(was and was.flagged), bool(is_ and is_.flagged)
    if flagged_before != flagged_now:
        return "added" if flagged_now else "dropped"
    if abs((was.score if was else 0) - (is_.score if is_ else 0)) >= 0.01:
        return "score"
    return None


def _finished(story_id: int, future: Future[Again]) -> Iterator[Again]:
    try:
        yield future.result()
    except (MonitorError, TimeoutError, RuntimeError, MemoryError) as error:
        log.warning("not judged again, stays as it is", extra={"story": story_id, "error": str(error) or repr(error)})
