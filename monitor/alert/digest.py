"""Composes the digest: what was flagged in some hours, by country, and at its foot when we were blind. Sends nothing.

"No alerts" has two meanings, nothing happened and we did not see: a digest tells which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.alert.card import Card, Limits, make_card
from monitor.alert.headers import read_address, text_line
from monitor.alert.mime import content, envelope, html_part, list_label, needs_utf8, recipient_address, text_part
from monitor.alert.safe import one_line, shorten
from monitor.alert.several import fitting
from monitor.model import BlindWindow, News, OwedAlert, ThreadNews

THREADS_SHOWN = 30
_BLIND_FROM = timedelta(hours=1)  # a feed that missed a poll or two has nothing to be named for
_BLIND_SHOWN = 15
_NO_COUNTRY = "No candidate country named"


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything a digest says, ready to print."""

    title: str
    topic: str
    hours: str  # "23 Nov, 07:30 to 24 Nov, 07:30 UTC"
    summary: str
    countries: tuple[tuple[str, tuple[Card, ...]], ...]
    left: int  # threads that are not shown
    blind: tuple[str, ...]  # a line a window


def compose_digest(
    news: News, *, sender: str, recipient: str, titles: Mapping[str, str], message_id: str, now: datetime
) -> bytes:
    """The digest as a mail; ``titles``: topic -> title, in the config's order. Raises ValueError for a bad sender."""
    author, to = read_address(sender), recipient_address(recipient)
    names = [one_line(title) for title in titles.values()] or ["Accession monitor"]
    tag = shorten(names[0], 30) + (f" +{len(names) - 1}" if len(names) > 1 else "")
    label = list_label(next(iter(titles), "digest"))
    utf8 = needs_utf8(author, to)
    head = [
        envelope(author, to, f"[{tag}] {_title(news)}", message_id, now),
        text_line("List-Id", f"{names[0]} alerts <{label}.{author.domain}>", utf8=utf8),
        text_line("X-Monitor-Digest", f"{news.since.isoformat()} {news.until.isoformat()}", utf8=utf8),
    ]

    def bodies(limits: Limits) -> tuple[str, str]:
        digest = make_digest(news, titles, limits)
        return text_part("digest.txt.j2", digest=digest), html_part("digest.html.j2", digest=digest)

    return "".join(head).encode() + content(*fitting(bodies), message_id)


def digest_text(news: News, titles: Mapping[str, str]) -> str:
    """The digest as text, for a terminal."""
    limits = Limits(sentence_chars=320, quotes=2, quote_chars=280)
    return text_part("digest.txt.j2", digest=make_digest(news, titles, limits))


def make_digest(news: News, titles: Mapping[str, str], limits: Limits) -> Digest:
    """What the templates print; ``limits`` says how much of each story."""
    shown = news.threads[:THREADS_SHOWN]
    return Digest(
        title=_title(news),
        topic=", ".join(one_line(title) for title in titles.values()),
        hours=f"{_when(news.since)} to {_when(news.until)} UTC",
        summary=_summary(news),
        countries=_countries(shown, titles, limits),
        left=len(news.threads) - len(shown),
        blind=_blind_lines(news),
    )


def _title(news: News) -> str:
    if news.threads:
        return f"Digest: {_count(len(news.threads), 'story', 'stories')}"
    return "Digest: nothing flagged" + (", not everything seen" if _blind_lines(news) else "")


def _summary(news: News) -> str:
    seen = f"{_count(news.read, 'story', 'stories')} from {_count(news.feeds, 'feed', 'feeds')} read"
    flagged = f"{len(news.threads)} flagged" if news.threads else "nothing flagged"
    if _blind_lines(news):
        return f"{seen}, {flagged}. We did not see everything: what we missed stands at the end."
    return f"{seen}, {flagged}. No feed was out of sight for an hour or longer."


def _countries(
    found: Sequence[ThreadNews], titles: Mapping[str, str], limits: Limits
) -> tuple[tuple[str, tuple[Card, ...]], ...]:
    """Cards by their first candidate country, the country with most stories first, those without one at the end."""
    sections: dict[str, list[Card]] = {}
    for thread in found:
        card = make_card(
            _as_alert(thread), topic_title=titles.get(thread.topic, thread.topic), review_address=None, limits=limits
        )
        sections.setdefault(card.candidates.partition(", ")[0] or _NO_COUNTRY, []).append(card)
    ordered = sorted(sections.items(), key=lambda section: (section[0] == _NO_COUNTRY, -len(section[1]), section[0]))
    return tuple((country, tuple(cards)) for country, cards in ordered)


def _as_alert(thread: ThreadNews) -> OwedAlert:
    """A thread as cards are made from; the fields about mailing are empty."""
    return OwedAlert(
        id=0,
        topic=thread.topic,
        thread_id=thread.thread_id,
        reason="",
        created_at=thread.stories[0].first_seen_at,
        message_id="",
        references=(),
        stories=thread.stories,
        outlets=thread.outlets,
    )


def _blind_lines(news: News) -> tuple[str, ...]:
    """What was not seen for an hour or longer in these hours, the longest first."""
    gaps = [f"No feed was asked from {_when(a)} to {_when(b)} ({_hours(b - a)})." for a, b in news.unasked]
    windows = sorted((w for w in news.blind if _missed(w, news) >= _BLIND_FROM), key=lambda w: -_missed(w, news))
    lines = [_blind_line(window, news) for window in windows[:_BLIND_SHOWN]]
    more = len(windows) - len(lines)
    return (*gaps, *lines, *([f"And {more} more: v_blind_windows in the store."] if more else ()))


def _blind_line(window: BlindWindow, news: News) -> str:
    name = shorten(one_line(window.outlet or window.url), 80)
    to = f"to {_when(window.to_at)}" if window.to_at else "on, still"
    why = f": {shorten(one_line(window.error), 160)}" if window.error else ""
    return f"{name}, from {_when(window.from_at)} {to} ({_hours(_missed(window, news))}){why}"


def _missed(window: BlindWindow, news: News) -> timedelta:
    """How much of the hours it covers."""
    return min(window.to_at or news.until, news.until) - max(window.from_at, news.since)


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.1f} h"


def _when(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b, %H:%M}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
