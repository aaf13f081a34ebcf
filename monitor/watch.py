"""Decides when a story is fetched again, and which of its changes an analyst must hear of. Pure: knows no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from monitor.model import Analysis, Change, PageStatus, StoryRecord, Watch, WatchedStory
from monitor.settings import WatchSettings

# after failed looks, where the schedule's next step is further away; then the schedule alone
RETRY_AFTER = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=4))
OFFLINE_LOOKS = 2  # a page must be missed so often in a row: content systems lose pages for minutes
TOLD_FROM = 0.5  # probability from which prospects are told: below it they turn with a comma
_TELLING = frozenset({"headline", "quotation", "negation"})  # kinds that bear on the verdict, where about accession
_OVERLAP_MIN = 12  # characters: shorter words stand in any sentence


def first_look(record: StoryRecord, settings: WatchSettings) -> datetime | None:
    """When a story that was just read is to be fetched again; None: never.

    Flagged stories and live blogs are; so is what was not judged on the full article, if the topic matched at all or
    the page could not be had for now.
    """
    if not record.url.startswith(("http://", "https://")):
        return None
    flagged = any(flag.flagged for flag in record.analysis.flags)
    lasting = flagged or record.status is PageStatus.LIVE
    full = record.source != "summary"
    if not lasting and (full or not (record.analysis.flags or record.page_failed)):
        return None
    return _next_step(record.read_at, record.read_at, settings, lasting=lasting)


def next_look(watch: Watch, watched: WatchedStory, settings: WatchSettings, now: datetime) -> datetime | None:
    """When the story is looked at again after a look that worked; None: its watch is over."""
    flagged = any(flag.flagged for flag in watched.story.analysis.flags)
    lasting = flagged or watched.story.status == PageStatus.LIVE
    if watched.full and not lasting:
        return None
    return _next_step(watch.since, now, settings, lasting=lasting)


def look_after_failure(
    watch: Watch,
    watched: WatchedStory,
    settings: WatchSettings,
    now: datetime,
    *,
    retry_after_s: float | None = None,
    permanent: bool = False,
) -> datetime | None:
    """When to try again after a look that failed: soon at first, and not before the server allows it.

    ``permanent``: an early try cannot help; the schedule's next step may.
    """
    step = next_look(watch, watched, settings, now)
    early = now + RETRY_AFTER[watch.failures] if watch.failures < len(RETRY_AFTER) and not permanent else None
    planned = min((at for at in (step, early) if at is not None), default=None)
    return max(planned, now + timedelta(seconds=retry_after_s or 0)) if planned else None


def told(changes: Sequence[Change], watched: WatchedStory, after: Analysis) -> Mapping[str, str]:
    """Which topics owe a follow-up for these changes, and the reason as it stands in the mail.

    A change of headline, quotation or negation that is about the accession, and prospects that turned. A topic that
    the change brings up is not meant: that is a new alert. What another outlet of the thread changed in the same way
    (the correction of an agency) was told by its change.
    """
    before = watched.story.analysis
    fresh = [change for change in changes if change not in watched.told_in_thread]
    live = watched.story.status == PageStatus.LIVE
    was = {flag.topic for flag in before.flags if flag.flagged}
    reasons: dict[str, str] = {}
    for topic in sorted(was):
        kinds = [change.kind for change in fresh if _bears(change, topic, before, after, live=live)]
        found = [f"{kind} changed" for kind in dict.fromkeys(kinds)]
        if fresh and (turned := _turned(before, after)):
            found.append(turned)
        if found:
            reasons[topic] = ", ".join(found)
    return reasons


def _next_step(since: datetime, now: datetime, settings: WatchSettings, *, lasting: bool) -> datetime | None:
    steps = sorted(step for step in settings.after if lasting or step <= settings.retry_for)
    return next((since + step for step in steps if since + step > now), None)


def _bears(change: Change, topic: str, before: Analysis, after: Analysis, *, live: bool) -> bool:
    """Is the change about the accession?

    The headline of a flagged story is, but for a live blog's, which changes with every event. A quotation or a
    negation is where its words meet a sentence that matched, one that speaks of the prospects, or a quotation about
    the accession.
    """
    if change.kind not in _TELLING:
        return False
    if change.kind == "headline" and not live:
        return True
    words = [_plain(text) for text in (change.before, change.after) if text]
    return any(_meet(one, other) for one in words for other in _sentences(topic, before) + _sentences(topic, after))


def _sentences(topic: str, analysis: Analysis) -> list[str]:
    """What of a story is about the accession, in its words."""
    found = [one.sentence for flag in analysis.flags if flag.topic == topic for one in flag.evidence]
    found += [one.sentence for one in (analysis.prospects.evidence if analysis.prospects else ())]
    found += [quote.text for quote in analysis.quotes if quote.about_accession]
    return [_plain(text) for text in found]


def _meet(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return shorter in longer and (len(shorter) >= _OVERLAP_MIN or shorter == longer)


def _turned(before: Analysis, after: Analysis) -> str:
    """How the prospects turned, in words; empty: they did not, or too unclearly to be told."""
    old, new = before.prospects, after.prospects
    if old is None or new is None or old.label == new.label or new.confidence < TOLD_FROM:
        return ""
    return f"prospects {old.label} → {new.label}"


def _plain(text: str) -> str:
    """Without white space and marks at the ends, so that a sentence is found in its quotation and the other way."""
    return " ".join(text.split()).strip(" \t“”„«»\"'‘’‚‹›.,;:!?…").casefold()
