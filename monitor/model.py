"""The nouns that pass between stages: small, immutable, one a hand-over. No behaviour beyond what the fields imply.

All times are aware datetimes in UTC. Offsets are Python string offsets, ``text[start:end]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

FieldName = Literal["title", "text"]  # which string of a document an offset counts in
SentimentLabel = Literal["negative", "neutral", "positive"]
ProspectsLabel = Literal["favourable", "unfavourable", "mixed", "neutral"]
StanceLabel = Literal["supports", "opposes", "conditional", "neutral"]
CountryRole = Literal["candidate", "actor"]


# --- poll: feed bytes -> entries -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered, body decoded from its Content-Encoding and within the size limit."""

    url: str  # as asked
    final_url: str  # after redirects
    status: int  # 200, 304, ...; statuses >= 400 never get here, they are FetchErrors
    headers: Mapping[str, str]  # names in lower case; repeated headers joined by ", "
    body: bytes
    elapsed_ms: int
    redirects: tuple[tuple[int, str], ...] = ()  # (status, url it led to), in order


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a feed, as published. Text fields are plain: tags removed, entities decoded."""

    guid: str | None
    link: str | None  # absolute where the feed allows to know it
    title: str
    summary: str
    content: str = ""  # full text, paragraphs by newline, where the feed carries it
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None

    # one of these identifies the entry inside its feed: see Entry.key
    key: str = ""  # guid, else link, else hash of title + date + summary; disambiguated when a feed repeats a guid


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A parsed feed."""

    format: str  # "rss", "rdf", "atom", "jsonfeed", "sitemap"
    title: str
    entries: tuple[Entry, ...]
    parser: str  # "fast" or "feedparser", and why: "feedparser: undeclared entity"
    ttl_s: int | None = None  # <ttl>, sy:updatePeriod/Frequency, whichever is larger, in seconds
    permanent_url: str | None = None  # reserved: itunes:new-feed-url and the like
    truncated: str | None = None  # what a limit or a cut body left out, in words


@dataclass(frozen=True, slots=True)
class FeedState:
    """A feed as the store knows it: what it is, and what is needed to ask it again."""

    id: int
    url: str
    outlet: str
    country: str | None
    camp: str | None
    lang: str | None
    tags: tuple[str, ...]
    state: str  # "active", "paused", "gone" (410), "removed"
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None  # BLAKE2b of the last body
    next_poll_at: datetime | None = None
    next_poll_reason: str | None = None
    interval_s: int | None = None  # the last interval chosen
    failures: int = 0  # in a row
    polled_at: datetime | None = None  # last poll of any outcome
    succeeded_at: datetime | None = None
    unconditional_at: datetime | None = None  # last poll without validators
    moved_to: str | None = None  # target of the permanent redirects being counted
    moved_count: int = 0
    moved_since: datetime | None = None
    entry_times: tuple[datetime, ...] = ()  # when its newest entries were first seen or published, newest first


@dataclass(frozen=True, slots=True)
class PollPlan:
    """When to ask a feed again, and the reason, shown in ``monitor feeds list``."""

    next_poll_at: datetime
    reason: str
    interval_s: int


class PollStatus(StrEnum):
    OK = "ok"  # new body, parsed
    UNCHANGED = "unchanged"  # 304, or the same body again
    FAILED = "failed"
    GONE = "gone"  # 410


@dataclass(frozen=True, slots=True)
class PollOutcome:
    """Everything one poll of one feed leaves in the store, in one transaction."""

    feed_id: int
    started_at: datetime
    status: PollStatus
    plan: PollPlan
    http_status: int | None = None
    bytes: int = 0
    elapsed_ms: int = 0
    entries: tuple[Entry, ...] = ()
    parser: str | None = None
    error: str | None = None
    # None leaves the stored value as it is
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    unconditional: bool = False
    new_url: str | None = None  # the stored URL is rewritten to this (five equal permanent redirects over three days)
    moved_to: str | None = None
    moved_count: int = 0
    moved_since: datetime | None = None


# --- read: entry -> article -> analysis ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry of the inbox that is still to be read, with what its feed says about the outlet."""

    id: int
    feed_id: int
    key: str
    link: str | None
    title: str
    summary: str
    content: str
    authors: tuple[str, ...]
    published_at: datetime | None
    seen_at: datetime
    attempts: int
    first_poll: bool  # came with the feed's first poll: stored, never mailed
    outlet: str
    country: str | None
    camp: str | None
    lang: str | None


class PageStatus(StrEnum):
    """How much of the article the page gave. Everything but OK and LIVE is never scored as a full article."""

    OK = "ok"
    STUB = "stub"  # paywall teaser
    CONSENT = "consent"  # cookie wall instead of the article
    SHORT = "short"
    JS = "js"  # filled by scripts
    MEDIA = "media"  # PDF, audio, video
    GONE = "gone"  # soft 404, home page instead of the article
    LIVE = "live"  # live blog


@dataclass(frozen=True, slots=True)
class Article:
    """What was read from a page."""

    url: str
    canonical_url: str
    title: str
    authors: tuple[str, ...]
    published_at: datetime | None  # in the offset of the page's own clock: its date is the one readers saw
    lang: str | None
    text: str  # paragraphs by newline
    word_count: int
    status: PageStatus
    quality: str  # the rule that set the status, and which extractor gave the text: "trafilatura precision"


@dataclass(frozen=True, slots=True)
class Document:
    """A text to be analysed: what ``monitor analyse`` reads, and what the pipeline makes of an article."""

    id: str
    title: str
    text: str
    url: str | None = None
    lang: str | None = None  # given, not detected
    published_at: datetime | None = None
    outlet: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One match that speaks for a flag. ``sentence`` is the whole sentence around it."""

    term: str  # the rule's or lexicon's entry that matched
    surface: str  # as it stands in the text
    field: FieldName
    start: int
    end: int
    sentence: str
    sentence_start: int
    sentence_end: int


@dataclass(frozen=True, slots=True)
class Flag:
    """The judgement on one topic, with its reasons."""

    topic: str
    score: float  # 0..1, calibrated
    flagged: bool  # score >= the topic's threshold
    evidence: tuple[Evidence, ...]
    parts: Mapping[str, float]  # contribution of each feature to the score
    rule: str  # hash of query, lexicon, weights and threshold
    flip: str = ""  # what would flip the judgement, in words


@dataclass(frozen=True, slots=True)
class Keyword:
    """How often a term of a topic stands in one field."""

    topic: str
    term: str
    lang: str | None
    field: FieldName
    count: int


@dataclass(frozen=True, slots=True)
class Country:
    """A country that the story is about, by ISO 3166-1 alpha-2 code."""

    country: str
    role: CountryRole


@dataclass(frozen=True, slots=True)
class Mention:
    """One sentence's tone toward one target."""

    field: FieldName
    start: int  # of the target's mention
    end: int
    sentence_start: int
    sentence_end: int
    p_negative: float
    p_neutral: float
    p_positive: float


@dataclass(frozen=True, slots=True)
class TargetSentiment:
    """Tone toward one target: mean of P(positive) - P(negative) over its mentions, shrunk by n/(n+3)."""

    target: str  # "talks", "accession", "NATO", an ISO country code, a speaker's name
    kind: str  # "talks", "accession", "nato", "country", "speaker"
    label: SentimentLabel | None  # None: mixed or unclear
    score: float
    n: int
    p_negative: float
    p_neutral: float
    p_positive: float
    headline: float | None = None  # the same for the title alone
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True, slots=True)
class Sentiment:
    """Tone of a document. ``label`` and ``score`` are None where no scorer is measured for the language."""

    label: SentimentLabel | None
    score: float | None
    confidence: float | None
    targets: tuple[TargetSentiment, ...]
    scorer: str | None  # name and revision of what made the numbers, e.g. "linear@3f2a9c"


@dataclass(frozen=True, slots=True)
class Prospects:
    """What the story reports about the chances of the accession, apart from its tone."""

    label: ProspectsLabel
    score: float  # -1 unfavourable .. +1 favourable
    confidence: float  # probability of the label
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """Words that somebody said, directly or as reported. Spans count in the document's text."""

    kind: Literal["direct", "indirect"]
    spans: tuple[tuple[int, int], ...]
    text: str  # the spans' words joined by " "
    speaker: str | None  # as fully as the story names them
    speaker_surface: str | None  # the words at the attribution
    role: str | None
    country: str | None  # of whom they speak for: ISO code, "NATO", "EU"
    about_accession: bool
    stance: StanceLabel | None  # toward the accession; None when not about it
    meaning: bytes = b""  # of words about the accession: mark of the network, 8-bit vector; empty: none was made


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything the pipeline stores about a document beyond its text."""

    lang: str | None
    flags: tuple[Flag, ...]
    keywords: tuple[Keyword, ...]
    countries: tuple[Country, ...]
    sentiment: Sentiment
    prospects: Prospects | None  # None when no topic about accession is flagged
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class StoryRecord:
    """What the read stage hands to the store for one entry: saved in one transaction that also settles the entry."""

    entry: PendingEntry
    read_at: datetime
    url: str  # canonical
    title: str
    authors: tuple[str, ...]
    published_at: datetime | None  # the feed's date where it has one
    page_published_at: datetime | None
    text: str
    word_count: int
    source: Literal["page", "feed", "summary"]
    status: PageStatus
    quality: str
    analysis: Analysis
    ruleset: str  # hash of all rules and models that made the analysis
    page: PageRecord | None = None
    sketch: bytes = b""  # same_story.Sketch of a flagged story's text
    page_failed: bool = False  # the page could not be had for now; asking again may help


@dataclass(frozen=True, slots=True)
class PageRecord:
    """The raw page as fetched, for later reprocessing."""

    fetched_at: datetime
    http_status: int
    headers: Mapping[str, str]
    body: bytes  # not compressed; empty where it is ``packed``
    packed: bytes = b""  # the body as packing.pack makes it, where that was done already


@dataclass(frozen=True, slots=True)
class ThreadPlace:
    """Where a story belongs among the stories that were stored before it."""

    thread_id: int | None  # None: no thread yet; the store opens one
    reprint_of: int | None  # the earliest story whose wording it reuses


@dataclass(frozen=True, slots=True)
class KnownQuote:
    """A quotation that is stored already, for finding the same words again."""

    saying_id: int  # what was said; shared by all quotations of it
    speaker: str | None
    lang: str | None  # of the story
    text: str
    at: datetime  # its story was published, else first seen
    meaning: bytes = b""  # as in Quote
    stance: StanceLabel | None = None


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """Which new flagged stories are mailed, and to whom."""

    mail_after: datetime  # stories published (or, undated, first seen) before this are stored but not mailed
    recipients: tuple[tuple[str, str], ...]  # (channel, recipient)
    domain: str  # right-hand side of the Message-IDs
    titles: Mapping[str, str]  # topic -> what stands in the subject


@dataclass(frozen=True, slots=True)
class SavedStory:
    """What saving a record did."""

    story_id: int
    new: bool  # False: the canonical URL was stored before, and the entry now points at that story
    flagged: tuple[str, ...]  # topics it is flagged for
    alerts: int  # alerts that it owes


# --- watch: stories that are fetched again ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One change in what a published story says. White space, related links and clocks are no change."""

    kind: str  # headline, quotation, negation, number, paragraph added / removed; taken offline, back online
    before: str | None  # the words as they stood; None: there were none
    after: str | None


@dataclass(frozen=True, slots=True)
class Watch:
    """A story that is fetched again from time to time, and what the last look left to go on with."""

    story_id: int
    since: datetime  # its first reading: the schedule counts from then
    failures: int = 0  # in a row
    offline: int = 0  # looks in a row that found no such page
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class WatchedStory:
    """What a new reading of a story is compared with."""

    story: StoredStory
    entry: PendingEntry  # that brought it, as it was read first
    full: bool  # judged on the full article
    page: PageRecord | None  # its newest version that is kept
    told_in_thread: frozenset[Change] = frozenset()  # changes of the thread's other stories: told by them


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a watched story leaves behind, whatever it found."""

    story_id: int
    at: datetime
    outcome: str  # unchanged, changed, full article, first page, less than the article, offline, failed, over
    next_at: datetime | None  # None: the watch is over
    failures: int = 0
    offline: int = 0
    error: str | None = None
    validators: tuple[str | None, str | None] | None = None  # etag, last_modified for the next look; None: as before


# --- tell: owed alert -> message ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredStory:
    """A story as the store gives it back, with its analysis."""

    id: int
    url: str
    outlet: str
    country: str | None
    camp: str | None
    lang: str | None
    title: str
    authors: tuple[str, ...]
    published_at: datetime | None
    first_seen_at: datetime
    text: str
    word_count: int
    source: str
    status: str
    quality: str
    thread_id: int | None
    analysis: Analysis
    link: str | None = None  # as the feed gave it: opens in a browser, where ``url`` is the story's identity


@dataclass(frozen=True, slots=True)
class OwedAlert:
    """An alert that is to be told: which topic, which stories, in which mail thread, and why now."""

    id: int
    topic: str
    thread_id: int
    reason: str  # "new story", "new speaker: ...", "correction", ...
    created_at: datetime
    message_id: str  # stable over retries
    references: tuple[str, ...]  # Message-IDs of the thread's earlier alerts that were sent, oldest first
    stories: tuple[StoredStory, ...]  # the first is the one that caused the alert
    outlets: tuple[str, ...] = field(default_factory=tuple)  # all outlets of the thread
    changes: tuple[Change, ...] = ()  # in the first story, where they caused the alert


@dataclass(frozen=True, slots=True)
class Delivery:
    """One alert's way to one recipient."""

    id: int
    alert_id: int
    channel: str  # "email", "maildir"
    recipient: str  # mail address, or the Maildir's path
    attempts: int
    message: bytes | None  # as composed for the first attempt; the same bytes on every retry


@dataclass(frozen=True, slots=True)
class ThreadNews:
    """What a story thread brought in some hours, for one topic."""

    thread_id: int
    topic: str
    stories: tuple[StoredStory, ...]  # of these hours: originals before reprints, the highest score first
    outlets: tuple[str, ...]  # all outlets of the thread


@dataclass(frozen=True, slots=True)
class BlindWindow:
    """When a feed was not seen: from its last success (or first failure) to the next success."""

    outlet: str
    url: str
    from_at: datetime
    to_at: datetime | None  # None: still blind at the end of the hours looked at
    error: str | None  # of the last failure


@dataclass(frozen=True, slots=True)
class News:
    """What was read, flagged and missed in some hours: what a digest is composed from."""

    since: datetime
    until: datetime
    threads: tuple[ThreadNews, ...]
    read: int  # stories, flagged or not
    feeds: int  # active ones
    blind: tuple[BlindWindow, ...]
    unasked: tuple[tuple[datetime, datetime], ...]  # hours in which no feed at all was asked


Outcome = Literal["review", "automatic", "no alert", "not understood", "unreadable"]  # of a message to the monitor


@dataclass(frozen=True, slots=True)
class Reply:
    """What a message to the monitor says about an alert."""

    message_id: str
    by: str  # address in From; not proven
    subject: str
    alert_id: int | None  # proven by a token
    verdict: str | None
    note: str
    outcome: Outcome
    problem: str | None  # why it is no review
