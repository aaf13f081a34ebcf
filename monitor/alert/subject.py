"""Writes the line that stands in a list of mails: topic, country, why again, headline, outlets and tone."""

from __future__ import annotations

from monitor.alert.card import candidates, follow_up, main_tone, outlets
from monitor.alert.safe import one_line, shorten
from monitor.alert.wording import NAME_AT, named
from monitor.model import OwedAlert

LENGTH = 78  # characters as read, before encoding: RFC 5322 section 2.1.1 asks for lines of that length
_SHORTEST_HEADLINE = 24  # rather a long subject than a headline of two words


def subject(alert: OwedAlert, topic_title: str) -> str:
    """``[NATO accession] Ukraine: Kyiv calls talks "very toxic" (3 outlets, negative)``.

    A follow-up says why after the country: ``Ukraine (new speaker: Mark Rutte): ...``. The headline is shortened to
    keep the line at 78 characters where it can be.
    """
    start = f"[{shorten(one_line(topic_title), 30)}] {_country(alert)}"
    end = _ending(alert)
    room = max(LENGTH - len(start) - len(end), _SHORTEST_HEADLINE)
    return start + shorten(_headline(alert), room) + end


def _country(alert: OwedAlert) -> str:
    names = candidates(alert)
    country = ", ".join(names[:2]) + (f" +{len(names) - 2}" if len(names) > 2 else "")
    why = shorten(follow_up(alert), 40)
    if country and why:
        return f"{country} ({why}): "
    return f"{country or why[:1].upper() + why[1:]}: " if country or why else ""


def _headline(alert: OwedAlert) -> str:
    headline = one_line(alert.stories[0].title) or "(no headline)"
    names = candidates(alert)
    prefix = f"{names[0]}: " if len(names) == 1 else ""
    return headline[len(prefix) :] if prefix and headline.startswith(prefix) else headline


def _ending(alert: OwedAlert) -> str:
    number = len(outlets(alert))
    said = ([f"{number} outlets"] if number > 1 else []) + ([word] if (word := _judgement(alert)) else [])
    return f" ({', '.join(said)})" if said else ""


def _judgement(alert: OwedAlert) -> str:
    """The tone where it is clearly one-sided, else clear prospects, else nothing."""
    story = alert.stories[0]
    tone = main_tone(story).word
    if tone in ("negative", "positive"):
        return tone
    prospects = story.analysis.prospects
    if prospects and prospects.confidence >= NAME_AT and prospects.label in ("favourable", "unfavourable"):
        return f"prospects {prospects.label}"
    return named(tone)
