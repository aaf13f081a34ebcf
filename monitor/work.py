"""The part of the read stage that needs only a CPU, in its order: page -> article -> analysis -> what the store keeps.

Pure functions, run in worker processes (see workers.py). They return values; only the main process writes. It only
names these functions: the rooms they call are imported where they are called, so that it stays small and starts fast.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from monitor import __version__
from monitor.errors import ExtractError, ScorerError
from monitor.model import (
    Analysis,
    Article,
    Change,
    Document,
    FeedDocument,
    PageRecord,
    PageStatus,
    PendingEntry,
    Quote,
    Response,
    Sentiment,
    StoryRecord,
    WatchedStory,
)
from monitor.packing import pack, unpack
from monitor.poll import parse_feed
from monitor.settings import Section, SentimentSettings, TopicSettings
from monitor.urls import canonical_url

if TYPE_CHECKING:
    from monitor.analyse.sentiment import Scorer
    from monitor.flag import Rules
    from monitor.flag.tuning import Tuning

log = logging.getLogger(__name__)
FULL_TEXT = (PageStatus.OK, PageStatus.LIVE)
FULL_FEED_TEXT = 1000  # characters; what is shorter in a feed is a teaser, not the article


class Learned(Section):
    """What `monitor tune` learned for a topic; flag.tuning.Tuning as it is stored."""

    factors: dict[str, float] = Field(default_factory=dict)
    threshold: float | None = None


class AnalysisSettings(Section):
    """What decides the outcome of an analysis: topics, scorer. Travels to the workers as JSON."""

    topics: tuple[TopicSettings, ...]
    sentiment: SentimentSettings = SentimentSettings()
    tunings: dict[str, Learned] = Field(default_factory=dict)  # by topic


@dataclass(frozen=True)
class Tools:
    """What an analysis needs, compiled and loaded once a process."""

    rules: Rules
    scorer: Scorer
    meaning: Callable[[Sequence[str]], list[bytes]] | None  # vectors of sentences; None: the extra is not there
    targets: tuple[str, ...]
    tunings: Mapping[str, tuple[Tuning, float]]  # with the topic's own threshold
    ruleset: str  # hash of everything that decides the outcome


@lru_cache(maxsize=4)
def tools(settings_json: str) -> Tools:
    """The compiled topics and the loaded scorer for ``AnalysisSettings`` as JSON; kept for the next call.

    Raises:
        QueryError: a topic's query is wrong.
        ScorerError: the configured scorer cannot be loaded.
    """
    from monitor import lexicon
    from monitor.analyse import multilingual
    from monitor.analyse.sentiment import load_scorer
    from monitor.flag import compile_rules
    from monitor.flag.tuning import Tuning

    settings = AnalysisSettings.model_validate_json(settings_json)
    rules = compile_rules(settings.topics)
    scorer = load_scorer(settings.sentiment)
    learned = settings.model_dump_json(include={"tunings"})
    identity = json.dumps([
        __version__, rules.hash, lexicon.digest(), scorer.name, scorer.revision, settings.sentiment.targets, learned,
    ])  # fmt: skip
    ruleset = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
    tunings = {
        topic.name: (Tuning(**settings.tunings[topic.name].model_dump()), topic.threshold)
        for topic in settings.topics
        if topic.name in settings.tunings
    }
    meaning = multilingual.vectors if scorer.name == "neural" else None
    return Tools(rules, scorer, meaning, settings.sentiment.targets, tunings, ruleset)


def analyse(document: Document, with_: Tools) -> Analysis:
    """Everything the program says about one text: language, flags, keywords, countries, quotes, tone, prospects.

    A document in which no topic matches at all gets no quotes and no tone: nobody would ask for them.
    """
    from monitor.analyse import language
    from monitor.analyse.prospects import prospects
    from monitor.analyse.quotes import quotes
    from monitor.analyse.sentiment import sentiment
    from monitor.flag.tuning import tuned

    document = replace(document, lang=language.detect(f"{document.title}\n{document.text}", document.lang))
    verdict = with_.rules.judge(document)
    flags = tuple(
        tuned(flag, *with_.tunings[flag.topic]) if flag.topic in with_.tunings else flag for flag in verdict.flags
    )
    if not flags:
        return Analysis(document.lang, (), verdict.keywords, verdict.countries, _NO_TONE, None, ())
    said = quotes(document)
    tone = sentiment(document, flags, verdict.countries, said, with_.scorer, with_.targets)
    strongest = max(flags, key=lambda flag: flag.score)
    outlook = prospects(document, strongest, tone, said) if strongest.flagged else None
    if strongest.flagged and with_.meaning:
        said = _with_meanings(said, document.lang, with_.meaning)
    return Analysis(document.lang, flags, verdict.keywords, verdict.countries, tone, outlook, said)


def _with_meanings(
    said: tuple[Quote, ...], lang: str | None, meaning: Callable[[Sequence[str]], list[bytes]]
) -> tuple[Quote, ...]:
    """The quotations about the accession with what the ledger needs to know their translations."""
    from monitor.analyse import multilingual

    if lang not in multilingual.card()["understands"]:
        return said
    chosen = [index for index, quote in enumerate(said) if quote.about_accession and quote.text]
    try:
        vectors = dict(zip(chosen, meaning([said[index].text for index in chosen]), strict=True)) if chosen else {}
    except ScorerError as error:  # no reason to hold a story back: its translations are not found, that is all
        log.warning("quotations without meaning", extra={"error": str(error)})
        return said
    return tuple(replace(quote, meaning=vectors.get(index, b"")) for index, quote in enumerate(said))


@dataclass(frozen=True)
class Page:
    """A fetched article page, or the reason why there is none."""

    response: Response | None
    fetched_at: datetime | None = None
    problem: str | None = None  # why the page could not be had; the feed's own text is judged then
    failed: bool = False  # it could not be had for now; asking again may help
    packed: bytes = b""  # the response's body for the way to a worker, and in its place

    def to_send(self) -> Page:
        """The page with its body packed: a fifth of the bytes to copy from process to process, and they are kept so."""
        if self.response is None or self.packed:
            return self
        return replace(self, response=replace(self.response, body=b""), packed=pack(self.response.body))


def read_entry(entry: PendingEntry, page: Page, settings_json: str, read_at: datetime) -> StoryRecord | None:
    """Make the story of one entry from its page, or from the feed's own text where there is no better one.

    Returns:
        The record for the store, or None when neither page nor feed has any text: nothing can be judged.

    Raises:
        ExtractError: the page's bytes cannot be read at all; it may be better the next time.
    """
    from monitor.extract import count_words
    from monitor.same_story import sketch

    article = _article_of(entry, page)
    title, text, source = _best_text(entry, article)
    if not title and not text:
        return None
    url = _address(entry, article)
    kit = tools(settings_json)
    document = Document(
        id=str(entry.id),
        title=title,
        text=text,
        url=url,
        lang=(article.lang if article else None) or entry.lang,
        published_at=entry.published_at,
        outlet=entry.outlet,
        country=entry.country,
    )
    analysis = analyse(document, kit)
    return StoryRecord(
        entry=entry,
        read_at=read_at,
        url=url,
        title=title,
        authors=(article.authors if article else ()) or entry.authors,
        published_at=_published(entry, article, read_at),
        page_published_at=article.published_at if article else None,
        text=text,
        word_count=article.word_count if article and source == "page" else count_words(text),
        source=source,
        status=article.status if article else PageStatus.SHORT,
        quality=_quality(article, page, source),
        analysis=analysis,
        ruleset=kit.ruleset,
        sketch=sketch(text).to_bytes() if any(flag.flagged for flag in analysis.flags) else b"",
        page_failed=page.failed,
    )


@dataclass(frozen=True)
class Reading:
    """What a page of a watched story says now, compared with what was read before."""

    status: PageStatus
    quality: str
    record: StoryRecord | None = None  # to be put in place of the story; None: it stays as it is
    changes: tuple[Change, ...] = ()
    first: bool = False  # the first page that gives the article: nothing to compare it with


def read_again(watched: WatchedStory, page: Page, settings_json: str, read_at: datetime) -> Reading:
    """Read the page of a stored story once more, and judge it anew if it says something else, or more.

    Old and new page are read by the same program, so that an update of ours never looks like one of the outlet's.
    A page that gives less than the article (a paywall that came down later) changes nothing.

    Raises:
        ExtractError: the page's bytes cannot be read at all; it may be better the next time.
    """
    entry = watched.entry
    from monitor.extract.versions import changes

    article = _article_of(entry, page)
    if article is None or article.status not in FULL_TEXT:
        return Reading(article.status, article.quality) if article else Reading(PageStatus.SHORT, "no page")
    reading = Reading(article.status, article.quality)
    if watched.full:
        before = _last_words(watched)
        if before is None:
            return replace(reading, first=True)
        found = changes(before, (article.title or entry.title, article.text), lang=watched.story.lang)
        if not found:
            return reading
        reading = replace(reading, changes=found)
    return replace(reading, record=read_entry(entry, page, settings_json, read_at))


def with_page(record: StoryRecord, page: Page) -> StoryRecord:
    """The record with the page it was read from. Added by whoever holds the page: a worker need not send it back."""
    if page.response is None or page.fetched_at is None:
        return record
    response = page.response
    kept = PageRecord(page.fetched_at, response.status, response.headers, response.body, page.packed)
    return replace(record, page=kept)


def feed_text(entry: PendingEntry) -> str:
    """The fullest text that the feed carries: some put the whole article into the description."""
    return max(entry.content, entry.summary, key=len)


def parse_in_worker(body: bytes, url: str, content_type: str | None) -> FeedDocument:
    """The tolerant feed parser, for feeds that the fast one has doubts about. Raises FeedError."""
    return parse_feed(body, url=url, content_type=content_type, tolerant=True)


@dataclass(frozen=True)
class Warm:
    """What a worker has loaded."""

    ruleset: str
    scorer: str  # with why it is not a better one


def warm_up(settings_json: str) -> Warm:
    """Load what the first story would need, so that it does not wait, and so that what cannot be loaded is said early.

    Raises:
        QueryError, ScorerError: as ``tools``.
    """
    kit = tools(settings_json)
    story = 'Parliament ratified Harland\'s accession to NATO. "We will join the alliance," the minister said.'
    analyse(Document(id="warm-up", title=story, text=story), kit)
    if kit.meaning:
        kit.meaning([story])
    note = f" ({kit.scorer.note})" if kit.scorer.note else ""
    return Warm(kit.ruleset, f"{kit.scorer.name}@{kit.scorer.revision}{note}")


_NO_TONE = Sentiment(label=None, score=None, confidence=None, targets=(), scorer=None)


def _article_of(entry: PendingEntry, page: Page) -> Article | None:
    from monitor.extract import extract

    if page.response is None:
        return None
    return extract(
        unpack(page.packed) if page.packed else page.response.body,
        url=page.response.final_url,
        headers=page.response.headers,
        feed_title=entry.title,
        feed_text=feed_text(entry),
        feed_published_at=entry.published_at,
    )


def _last_words(watched: WatchedStory) -> tuple[str, str] | None:
    """Title and text of the newest kept page; without one, of the story, if they came from a page."""
    from monitor.extract import extract

    kept = watched.page
    if kept is not None:
        try:
            article = extract(
                kept.body,
                url=watched.story.url,
                headers=kept.headers,
                feed_title=watched.entry.title,
                feed_text=watched.entry.content,
                feed_published_at=watched.entry.published_at,
            )
        except ExtractError:
            article = None
        if article and article.status in FULL_TEXT:
            return article.title or watched.entry.title, article.text
    return (watched.story.title, watched.story.text) if watched.story.source == "page" else None


def _address(entry: PendingEntry, article: Article | None) -> str:
    """The story's canonical URL. A dead link or consent wall may name any other page: the feed's link counts then."""
    if article and (article.status in FULL_TEXT or not entry.link):
        return article.canonical_url
    return canonical_url(entry.link or f"urn:monitor:{entry.feed_id}:{entry.key}")


def _published(entry: PendingEntry, article: Article | None, read_at: datetime) -> datetime | None:
    """The feed's date where it has one; a date in the future is a slip, and would top every list until it comes."""
    published = entry.published_at or (article.published_at if article else None)
    return min(published, read_at) if published else None


def _best_text(entry: PendingEntry, article: Article | None) -> tuple[str, str, Literal["page", "feed", "summary"]]:
    """A full article beats the feed's full text beats the feed's summary; a stub never counts as the article."""
    if article and article.status in FULL_TEXT:
        return article.title or entry.title, article.text, "page"
    title = entry.title or (article.title if article else "")
    offered = feed_text(entry)
    if len(offered) >= FULL_FEED_TEXT:
        return title, offered, "feed"
    teaser = article.text if article and article.status is PageStatus.STUB else ""
    return title, "\n".join(_without_repeats([offered, teaser])), "summary"


def _without_repeats(texts: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for text in texts:
        if text and not any(text[:80] in other for other in kept):
            kept.append(text)
    return kept


def _quality(article: Article | None, page: Page, source: str) -> str:
    if article and source == "page":
        return article.quality
    used = "the feed's full text" if source == "feed" else "the feed's title and summary"
    if article:
        return f"{article.status}: {article.quality}; judged on {used}"
    return f"{page.problem}; judged on {used}" if page.problem else used
