"""What every worker needs, loaded once: the fork server imports this module, and its workers are copies of it.

Holds nothing. Reading a made-up page that speaks of an accession fills the caches of ``work`` and of all that it
calls: word lists, patterns, the language model, the net that finds a page's text. Memory that is filled before the copy
is shared.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from datetime import UTC, datetime


def load() -> None:
    """The way of a story through a worker, once."""
    import htmldate  # noqa: F401  # asked for the date of pages that do not state one
    import lxml.html  # noqa: F401
    import trafilatura  # noqa: F401  # asked for a second opinion on a page's text

    from monitor import work
    from monitor.analyse.sentiment import neural
    from monitor.errors import ScorerError
    from monitor.model import PendingEntry, Response
    from monitor.settings import DEFAULT_TOPICS, SentimentSettings

    story = "Parliament ratified Harland's accession to NATO on Monday. “We will join the alliance,” the minister said."
    body = f"<html lang='en'><title>{story}</title><article><h1>{story}</h1>{f'<p>{story}</p>' * 9}</article></html>"
    now = datetime(2026, 1, 1, tzinfo=UTC)
    entry = PendingEntry(
        id=0, feed_id=0, key="", link="https://preload.invalid/story", title=story, summary="", content="",
        authors=(), published_at=now, seen_at=now, attempts=0, first_poll=False, outlet="", country=None, camp=None,
        lang=None,
    )  # fmt: skip
    page = work.Page(Response("", "https://preload.invalid/story", 200, {}, body.encode(), 0), now)
    # of the networks only the checksums, and the linear scorer: they start threads, which a fork would lose
    with suppress(ScorerError):
        neural.check()
    settings = work.AnalysisSettings(topics=DEFAULT_TOPICS, sentiment=SentimentSettings(scorer="linear"))
    work.read_entry(entry, page, settings.model_dump_json(), now)


# what fails here fails again in a worker, with a story, and is reported there; Ctrl-C is the main process's business
with suppress(Exception, KeyboardInterrupt):
    load()
gc.freeze()  # what is here stays: the workers' collector need not look at it, which would copy its memory
