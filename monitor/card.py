"""The evidence card of ``monitor explain``: why a story was flagged, who said what, tone, prospects; for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

import click

from monitor.alert import wording
from monitor.alert.safe import one_line
from monitor.contracts import time_json
from monitor.model import Evidence, Flag, Mention, Prospects, Quote, StoredStory, TargetSentiment

WIDTH = 100


def card(story: StoredStory) -> str:
    """The whole card; marked words are bold where the output is a terminal."""
    return "\n".join(_lines(story)) + "\n"


def _lines(story: StoredStory) -> Iterator[str]:
    yield click.style(one_line(story.title) or "(no headline)", bold=True)
    yield story.link or story.url
    camp = wording.camp_name(story.camp)
    yield f"{story.outlet} ({camp}), {wording.language_name(story.lang)}, published {time_json(story.published_at)}"
    yield f"story {story.id}, thread {story.thread_id or '-'}; {wording.how_read(story)}"
    if not story.analysis.flags:
        yield ""
        yield "No topic matched anything in it."
    for flag in story.analysis.flags:
        yield from _flag(flag)
    if countries := story.analysis.countries:
        yield ""
        yield "Countries    " + ", ".join(f"{wording.country_name(c.country)} ({c.role})" for c in countries)
    yield from _tone(story)
    if story.analysis.prospects:
        yield from _prospects(story.analysis.prospects)
    yield from _quotes(story.analysis.quotes)


def _flag(flag: Flag) -> Iterator[str]:
    yield ""
    verdict = click.style("FLAGGED", bold=True) if flag.flagged else "not flagged"
    yield f"{flag.topic}: {verdict}, score {flag.score:.3f} (rule {flag.rule})"
    for words, value in wording.reasons(flag, limit=12):
        yield f"  {value:+6.2f}  {words}"
    if flag.flip:
        yield from _wrapped(flag.flip, "  ")
    sentences: dict[tuple[str, int], list[Evidence]] = {}
    for evidence in flag.evidence:
        sentences.setdefault((evidence.field, evidence.sentence_start), []).append(evidence)
    if sentences:
        yield "  Sentences that carry it:"
    for (field, start), found in sentences.items():
        place = "headline" if field == "title" else f"characters {start}-{found[0].sentence_end}"
        yield from _wrapped(_marked(found[0].sentence, start, found), "    ", "  - ")
        yield f"      {place}; matched {', '.join(dict.fromkeys(evidence.term for evidence in found))}"


def _tone(story: StoredStory) -> Iterator[str]:
    tone = story.analysis.sentiment
    if not story.analysis.flags:
        return
    yield ""
    if tone.scorer is None or tone.score is None:
        yield f"Tone         no score for this language ({wording.language_name(story.lang)})"
        return
    yield f"Tone         {tone.label or 'mixed or unclear'} ({tone.score:+.2f}), by {tone.scorer}"
    for target in tone.targets:
        label = target.label or "mixed or unclear"
        yield f"  {target.score:+.2f}  {wording.target_name(target)}: {label}, n = {target.n}"
        if strongest := _strongest(target):
            source = story.title if strongest.field == "title" else story.text
            yield from _wrapped(source[strongest.sentence_start : strongest.sentence_end], "           ")


def _prospects(prospects: Prospects) -> Iterator[str]:
    yield ""
    yield f"Prospects    {prospects.label}, P {prospects.confidence:.0%}, score {prospects.score:+.2f}"
    for evidence in prospects.evidence:
        yield from _wrapped(_marked(evidence.sentence, evidence.sentence_start, [evidence]), "    ", "  - ")


def _quotes(quotes: Iterable[Quote]) -> Iterator[str]:
    for number, quote in enumerate(quotes):
        if number == 0:
            yield ""
            yield "Who said what"
        who = quote.speaker or "speaker not named"
        of = ", ".join(part for part in (quote.role, quote.country and wording.country_name(quote.country)) if part)
        words = f'"{one_line(quote.text)}"' if quote.kind == "direct" else f"{one_line(quote.text)} (as reported)"
        stance = f" [{quote.stance} the accession]" if quote.stance else ""
        yield from _wrapped(f"{who}{f' ({of})' if of else ''}: {words}{stance}", "    ", "  - ")


def _strongest(target: TargetSentiment) -> Mention | None:
    """The mention whose sentence speaks loudest."""
    return max(target.mentions, key=lambda m: abs(m.p_positive - m.p_negative), default=None)


def _marked(sentence: str, start: int, found: Iterable[Evidence]) -> str:
    """The sentence with what matched in bold, in brackets for a reader without colours."""
    for evidence in sorted(found, key=lambda one: -one.start):
        a, b = evidence.start - start, evidence.end - start
        if 0 <= a < b <= len(sentence) and b - a < len(sentence):
            sentence = f"{sentence[:a]}[{sentence[a:b]}]{sentence[b:]}"
    return sentence


def _wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    return textwrap.wrap(
        one_line(text), WIDTH, initial_indent=indent if first is None else first, subsequent_indent=indent
    )
