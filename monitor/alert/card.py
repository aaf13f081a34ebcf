"""Makes of an owed alert the card that the templates print: words cleaned, lists cut to size. Knows no mail, no markup.

All text in a Card stands on one line, without control or direction tricks; all links are http(s) or None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from monitor.alert import wording
from monitor.alert.headers import read_address
from monitor.alert.safe import one_line, safe_link, shorten, strip_tricks
from monitor.model import Change, Country, Evidence, Flag, OwedAlert, Quote, StoredStory, TargetSentiment
from monitor.text import Span, sentences

CHANGES = 8  # shown in a mail
_VERDICTS = ("relevant", "irrelevant", "mute")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of each list a mail shows; lengths in characters."""

    sentences: int = 6
    sentence_chars: int = 480
    quotes: int = 6
    quote_chars: int = 400
    targets: int = 6
    stories: int = 24
    title_chars: int = 200
    link_chars: int = 2000
    reasons: int = 4
    outlook: int = 3  # sentences on the prospects


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a sentence; ``marked``: it is what matched."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the story as evidence; ``place``: "headline" or "text"."""

    pieces: tuple[Piece, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Tone:
    """One tone with what it rests on. ``word`` names a polarity only where it is likely enough."""

    symbol: str
    word: str
    scope: str  # "toward the talks", "for the story as a whole"; empty where there is no score
    detail: str
    sentence: Sentence | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """One quotation or statement."""

    text: str
    direct: bool
    speaker: str
    role: str
    country: str
    stance: str


@dataclass(frozen=True, slots=True)
class Report:
    """One outlet's story in the list of outlets."""

    outlet: str
    origin: str  # country and language
    title: str
    link: str | None
    published: str
    lang: str
    main: bool  # the story that caused the alert


@dataclass(frozen=True, slots=True)
class Changed:
    """What an outlet changed after publishing; empty words: there was nothing before, or is nothing now."""

    kind: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ReviewLink:
    """A way to judge the alert by mail."""

    verdict: str
    link: str


@dataclass(frozen=True, slots=True)
class Card:
    """Everything a mail says, ready to print."""

    topic: str
    alert_id: int
    story_id: int
    follow_up: str  # why there is another mail in this thread; empty for the first
    changed: tuple[Changed, ...]  # what the outlet changed after publishing, where that caused the mail
    headline: str
    link: str | None
    lang: str
    byline: str
    candidates: str
    actors: str
    happened: str
    score: str
    reasons: tuple[tuple[str, str], ...]
    flip: str
    evidence: tuple[Sentence, ...]
    evidence_left: int
    tone: Tone
    tones: tuple[Tone, ...]
    prospects: Tone | None
    prospects_evidence: tuple[Sentence, ...]
    said: tuple[Said, ...]
    said_left: int
    camps: tuple[tuple[str, tuple[Report, ...]], ...]
    outlets: int
    also: tuple[str, ...]  # outlets of the thread whose stories are not in this alert
    reports_left: int
    reading: str
    summary_only: bool
    scorer: str
    rule: str
    review: tuple[ReviewLink, ...]


def make_card(alert: OwedAlert, *, topic_title: str, review_address: str | None, limits: Limits) -> Card:
    """The card of ``alert``; ``limits`` says how much of the long lists it keeps."""
    story = alert.stories[0]
    flag = flag_of(story, alert.topic)
    evidence = _evidence(story, flag.evidence if flag else (), limits)
    said = _said(story, limits)
    names, told_here = outlets(alert), set(_outlets_of(alert.stories))
    shown = alert.stories[: limits.stories]
    return Card(
        topic=one_line(topic_title),
        alert_id=alert.id,
        story_id=story.id,
        follow_up=follow_up(alert),
        changed=tuple(_changed(change, limits) for change in alert.changes[:CHANGES]),
        headline=shorten(one_line(story.title), min(300, 2 * limits.title_chars)) or "(no headline)",
        link=_link(story.link or story.url, limits),
        lang=_lang(story.lang),
        byline=_byline(story),
        candidates=", ".join(candidates(alert)),
        actors=", ".join(_countries(story.analysis.countries, "actor")),
        happened=_happened(story, evidence),
        score=f"{flag.score:.2f}" if flag else "not scored",
        reasons=tuple(
            (shorten(one_line(words), 60), f"{value:+.2f}") for words, value in wording.reasons(flag, limits.reasons)
        )
        if flag
        else (),
        flip=shorten(one_line(flag.flip), 200) if flag else "",
        evidence=evidence[: limits.sentences],
        evidence_left=max(0, len(evidence) - limits.sentences),
        tone=main_tone(story, limits),
        tones=_tones(story, limits),
        prospects=_prospects(story),
        prospects_evidence=_evidence(story, _prospects_evidence(story), limits)[: limits.outlook],
        said=said[: limits.quotes],
        said_left=max(0, len(said) - limits.quotes),
        camps=_camps(shown, limits),
        outlets=len(names),
        also=tuple(shorten(name, 60) for name in names if name not in told_here)[: limits.stories],
        reports_left=len(alert.stories) - len(shown),
        reading=wording.how_read(story),
        summary_only=story.source == "summary",
        scorer=one_line(story.analysis.sentiment.scorer or ""),
        rule=one_line(flag.rule) if flag else "",
        review=_review(story, review_address),
    )


def _changed(change: Change, limits: Limits) -> Changed:
    words = [shorten(one_line(text or ""), limits.sentence_chars) for text in (change.before, change.after)]
    return Changed(one_line(change.kind), words[0], words[1])


def flag_of(story: StoredStory, topic: str) -> Flag | None:
    """The story's flag on ``topic``."""
    return next((flag for flag in story.analysis.flags if flag.topic == topic), None)


def follow_up(alert: OwedAlert) -> str:
    """Why this is another mail on a story already told; empty for the first mail of a thread."""
    reason = shorten(one_line(alert.reason), 80)
    return "" if reason.lower() in ("", "new story") else reason


def candidates(alert: OwedAlert) -> tuple[str, ...]:
    """Names of the candidate countries of the first story that has any."""
    found = (_countries(story.analysis.countries, "candidate") for story in alert.stories)
    return next((names for names in found if names), ())


def outlets(alert: OwedAlert) -> tuple[str, ...]:
    """Names of all outlets of the thread, each once, those of the alert's stories first."""
    named = (one_line(name) for name in alert.outlets)
    return tuple(dict.fromkeys((*_outlets_of(alert.stories), *(name for name in named if name))))


def main_tone(story: StoredStory, limits: Limits = Limits()) -> Tone:
    """The tone that a reader asks for first: toward the talks, else the accession, else of the document."""
    by_kind = {target.kind: target for target in reversed(story.analysis.sentiment.targets)}
    for kind in ("talks", "accession"):
        if kind in by_kind and _target_word(by_kind[kind]) != wording.UNCLEAR:
            return _target_tone(by_kind[kind], _clearest(story, by_kind[kind], limits))
    return _document_tone(story)


def _happened(story: StoredStory, evidence: Sequence[Sentence]) -> str:
    """The story's first sentence, unless it only repeats the headline; then the first matched sentence of the text."""
    start = story.text[:2000]
    title = one_line(story.title).casefold()
    for begin, end in sentences(start)[:3]:
        text = one_line(start[begin:end])
        if len(text) > 25 and text.casefold().strip(" .") != title.strip(" ."):
            return shorten(text, 320)
    return next((shorten("".join(p.text for p in s.pieces), 320) for s in evidence if s.place == "text"), "")


def _byline(story: StoredStory) -> str:
    origin = _origin(story)
    parts = [shorten(one_line(story.outlet), 80) + (f" ({origin})" if origin else "")]
    if story.authors:
        parts.append("by " + shorten(one_line(", ".join(story.authors)), 100))
    parts.append(_published(story))
    return " · ".join(part for part in parts if part)


def _origin(story: StoredStory) -> str:
    country = wording.country_name(one_line(story.country)) if story.country else ""
    return ", ".join(
        part for part in (country, f"in {wording.language_name(one_line(story.lang))}" if story.lang else "") if part
    )


def _published(story: StoredStory) -> str:
    if story.published_at:
        return _when(story.published_at)
    return f"undated, first seen {_when(story.first_seen_at)}"


def _when(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def _lang(lang: str | None) -> str:
    """A language tag that is safe in an attribute; "und" (BCP 47) where none is known."""
    return lang if lang and lang.isascii() and lang.replace("-", "").isalnum() else "und"


def _link(url: str, limits: Limits) -> str | None:
    link = safe_link(url)
    return link if link and len(link) <= limits.link_chars else None


def _countries(countries: Sequence[Country], role: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(wording.country_name(one_line(c.country)) for c in countries if c.role == role))


# --- evidence -------------------------------------------------------------------------------------------------------


def _evidence(story: StoredStory, evidence: Sequence[Evidence], limits: Limits) -> tuple[Sentence, ...]:
    """The sentences around the matches in reading order, headline first, each once with all its matches marked."""
    groups: dict[tuple[str, int, int, str], list[Evidence]] = {}
    for match in evidence:
        groups.setdefault((match.field, match.sentence_start, match.sentence_end, match.sentence), []).append(match)
    ordered = sorted(groups.items(), key=lambda group: (group[0][0] != "title", group[0][1]))
    return tuple(
        _sentence(sentence, "headline" if field == "title" else "text", _spans(sentence, start, matches), limits)
        for (field, start, _, sentence), matches in ordered
    )


def _spans(sentence: str, start: int, matches: Sequence[Evidence]) -> list[Span]:
    """Where the surfaces stand in the sentence; found again by their words where the offsets do not fit."""
    spans = []
    for match in matches:
        begin = match.start - start
        if begin < 0 or sentence[begin : begin + len(match.surface)] != match.surface:
            begin = sentence.find(match.surface)
        if match.surface and begin >= 0:
            spans.append((begin, begin + len(match.surface)))
    return sorted(spans)


def _sentence(sentence: str, place: str, spans: Sequence[Span], limits: Limits) -> Sentence:
    sentence, spans = _window(sentence, spans, limits.sentence_chars)
    pieces = []
    done = 0
    for begin, end in spans:
        if end <= done:
            continue
        pieces.append(Piece(_inner(sentence[done:begin])))
        pieces.append(Piece(_inner(sentence[max(begin, done) : end]), marked=True))
        done = end
    pieces.append(Piece(_inner(sentence[done:])))
    return Sentence(_trimmed([piece for piece in pieces if piece.text]), place)


def _window(sentence: str, spans: Sequence[Span], size: int) -> tuple[str, list[Span]]:
    """At most ``size`` characters of the sentence, from a little before its first match on; the spans move along."""
    if len(sentence) <= size:
        return sentence, list(spans)
    first = spans[0][0] if spans else 0
    begin = max(0, min(first - size // 4, len(sentence) - size))
    end = begin + size
    head, tail = "… " if begin else "", " …" if end < len(sentence) else ""
    moved = [
        (max(a, begin) - begin + len(head), min(b, end) - begin + len(head)) for a, b in spans if a < end and b > begin
    ]
    return head + sentence[begin:end] + tail, moved


def _inner(text: str) -> str:
    """``text`` cleaned, its white space at both ends kept as one space."""
    text = strip_tricks(text)
    middle = one_line(text)
    if not middle:
        return " " if text else ""
    return (" " if text[0].isspace() else "") + middle + (" " if text[-1].isspace() else "")


def _trimmed(pieces: list[Piece]) -> tuple[Piece, ...]:
    if pieces:
        pieces[0] = Piece(pieces[0].text.lstrip(), pieces[0].marked)
        pieces[-1] = Piece(pieces[-1].text.rstrip(), pieces[-1].marked)
    return tuple(piece for piece in pieces if piece.text)


# --- tone and prospects ---------------------------------------------------------------------------------------------


def _target_word(target: TargetSentiment) -> str:
    return wording.tone(target.label, wording.probability_of(target))


def _target_tone(target: TargetSentiment, sentence: Sentence | None = None) -> Tone:
    word = _target_word(target)
    return Tone(
        symbol=wording.symbol(word),
        word=word,
        scope="toward " + shorten(one_line(wording.target_name(target)), 80),
        detail=f"P {wording.probability_of(target):.0%}, {_count(target.n, 'mention')}",
        sentence=sentence,
    )


def _document_tone(story: StoredStory) -> Tone:
    sentiment = story.analysis.sentiment
    if sentiment.label is None and sentiment.score is None and not sentiment.targets:
        return Tone(
            wording.symbol(""), "no score for this language", "", wording.language_name(one_line(story.lang or ""))
        )
    word = wording.tone(sentiment.label, sentiment.confidence)
    detail = "" if sentiment.confidence is None else f"P {sentiment.confidence:.0%}"
    return Tone(wording.symbol(word), word, "for the story as a whole", detail)


def _tones(story: StoredStory, limits: Limits) -> tuple[Tone, ...]:
    """Document first, then the targets with most mentions, each with the sentence that speaks most clearly."""
    targets = sorted(story.analysis.sentiment.targets, key=lambda target: -target.n)[: limits.targets]
    return (_document_tone(story), *(_target_tone(target, _clearest(story, target, limits)) for target in targets))


def _clearest(story: StoredStory, target: TargetSentiment, limits: Limits) -> Sentence | None:
    """The mention that speaks most for the target's tone, in its sentence."""
    if not target.mentions:
        return None
    sign = -1 if (target.label or "") == "negative" or (not target.label and target.score < 0) else 1
    mention = max(target.mentions, key=lambda m: sign * (m.p_positive - m.p_negative))
    source = story.title if mention.field == "title" else story.text
    start, end = mention.sentence_start, mention.sentence_end
    span = (mention.start - start, mention.end - start)
    if not 0 <= start < end <= len(source) or not 0 <= span[0] < span[1] <= end - start:
        return None
    return _sentence(source[start:end], "headline" if mention.field == "title" else "text", [span], limits)


def _prospects(story: StoredStory) -> Tone | None:
    prospects = story.analysis.prospects
    if prospects is None:
        return None
    word = wording.outlook(prospects.label, prospects.confidence)
    return Tone(wording.symbol(word.removeprefix("leans ")), word, "", f"P {prospects.confidence:.0%}")


def _prospects_evidence(story: StoredStory) -> tuple[Evidence, ...]:
    return story.analysis.prospects.evidence if story.analysis.prospects else ()


# --- quotes ---------------------------------------------------------------------------------------------------------


def _said(story: StoredStory, limits: Limits) -> tuple[Said, ...]:
    """Quotations with a speaker first, those about the accession before the others, else in reading order."""
    quotes = [quote for quote in story.analysis.quotes if quote.text.strip()]
    quotes.sort(key=lambda quote: (not quote.about_accession, not quote.speaker, quote.kind != "direct"))
    return tuple(_said_one(quote, limits) for quote in quotes)


def _said_one(quote: Quote, limits: Limits) -> Said:
    return Said(
        text=shorten(one_line(quote.text).strip("\"'“”„«»‘’‚, "), limits.quote_chars),
        direct=quote.kind == "direct",
        speaker=shorten(one_line(quote.speaker or quote.speaker_surface or ""), 100) or "speaker not named",
        role=shorten(one_line(quote.role or ""), 100),
        country=wording.country_name(one_line(quote.country)) if quote.country else "",
        stance=wording.stance(quote.stance) if quote.about_accession else "",
    )


# --- outlets --------------------------------------------------------------------------------------------------------


def _outlets_of(stories: Sequence[StoredStory]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for story in stories if (name := one_line(story.outlet))))


def _camps(stories: Sequence[StoredStory], limits: Limits) -> tuple[tuple[str, tuple[Report, ...]], ...]:
    camps: dict[str, list[Report]] = {}
    for index, story in enumerate(stories):
        name = wording.camp_name(one_line(story.camp) if story.camp else None)
        camps.setdefault(shorten(name, 60), []).append(_report(story, limits, main=index == 0))
    return tuple((camp, tuple(reports)) for camp, reports in camps.items())


def _report(story: StoredStory, limits: Limits, *, main: bool) -> Report:
    return Report(
        outlet=shorten(one_line(story.outlet), 80),
        origin=_origin(story),
        title=shorten(one_line(story.title), limits.title_chars),
        link=_link(story.link or story.url, limits),
        published=_published(story),
        lang=_lang(story.lang),
        main=main,
    )


def _review(story: StoredStory, address: str | None) -> tuple[ReviewLink, ...]:
    """A mail to write for each verdict. The address's name is the token: in the subject, where no server drops it."""
    if not address:
        return ()
    reader = read_address(address)
    to = quote(reader.spec, safe="@+=-._")
    return tuple(
        ReviewLink(
            verdict, f"mailto:{to}?subject={quote(f'review story {story.id}: {verdict} {reader.name}'.rstrip())}"
        )
        for verdict in _VERDICTS
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
