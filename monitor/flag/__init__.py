"""Which topics a document is about, how sure we are, and why: the only face of this package.

A topic's query says what can match; the score says how much of the story is about it; the evidence says where. Pure: no store, no clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from monitor import lexicon
from monitor.errors import QueryError
from monitor.flag import features, generic
from monitor.flag.evaluate import Hit, Scene, Test, compile_node, hits_of
from monitor.flag.match import Matcher, Reading, Span, Terms, read
from monitor.flag.normalise import fold
from monitor.flag.query import Named, Node, Property, Reader, Term, nodes_of
from monitor.flag.sanity import problems
from monitor.flag.when import published_on
from monitor.flag.score import Model, models, score
from monitor.model import Country, Document, Evidence, Flag, Keyword
from monitor.settings import TopicSettings
from monitor.text import sentences

__all__ = ["Rules", "Verdict", "check_topic", "compile_rules"]

_NEWS_OF_JOINING = timedelta(days=30)  # for how long a country's joining is news
_FITTED = frozenset({"nato", "accession"})  # a query that names both gets the fitted model


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say about one document."""

    flags: tuple[Flag, ...]  # one per topic whose query matched
    keywords: tuple[Keyword, ...]
    countries: tuple[Country, ...]


@dataclass(frozen=True, slots=True)
class _Topic:
    name: str
    threshold: float
    test: Test
    numbers: frozenset[int]  # of its terms
    model: Model
    rule: str  # hash


class Rules:
    """Compiled topics. ``hash`` covers queries, lexicon, weights and thresholds."""

    def __init__(self, topics: Sequence[TopicSettings]) -> None:
        reader = Reader(lexicon.terms())
        self._terms = Terms()
        self._entries: dict[str, Test] = {}
        self._topics = tuple(self._topic(topic, reader.query(topic.query)) for topic in topics)
        self._fitted = {topic.name: topic.model.name != "generic" for topic in self._topics}
        for name in features.ENTRIES:
            compile_node(reader.entry(name), self._terms, self._entries)
        self._countries: dict[int, lexicon.CountryNames] = {}
        for country in lexicon.countries():
            for name in country.names:
                self._countries[self._terms.number(reader.name(name))] = country
        self._matcher = Matcher(self._terms.terms)
        self._by_term: dict[int, list[int]] = {}
        for index, topic in enumerate(self._topics):
            for number in topic.numbers:
                self._by_term.setdefault(number, []).append(index)
        self.hash = _hash(*(topic.rule for topic in self._topics))

    def judge(self, document: Document) -> Verdict:
        """Flags, keywords and countries of a document whose ``lang`` is set. Never raises, whatever the text."""
        reading = read(document.title, document.text)
        found = self._matcher.find(reading)
        touched = sorted({index for number in found.keys() & self._by_term.keys() for index in self._by_term[number]})
        if not touched:
            return Verdict((), (), self._named_countries(found, ()))
        scene = self._scene(document, reading, found)
        flags: list[Flag] = []
        keywords: list[Keyword] = []
        story: features.Story | None = None
        for topic in (self._topics[index] for index in touched):
            places = topic.test(scene)
            if not places:
                continue
            keywords += self._keywords(topic, scene)
            if topic.model.name == "generic":
                values, carrying = generic.measure(scene, hits_of(places))
            else:
                story = story or features.read_story(scene, self._entries, self._named(found, document))
                values, carrying = story.features, story.carrying
            if carrying:  # otherwise the words stand too far apart, or in page furniture: nothing speaks for the topic
                flags.append(self._flag(topic, scene, values, carrying))
        concerns_accession = any(flag.flagged and self._fitted[flag.topic] for flag in flags)
        candidates = story.candidates if story and concerns_accession else ()
        return Verdict(tuple(flags), tuple(keywords), self._named_countries(found, candidates))

    def story(self, document: Document) -> features.Story | None:
        """The features of the first topic with the fitted model, for fitting; None where its query does not match."""
        reading = read(document.title, document.text)
        found = self._matcher.find(reading)
        scene = self._scene(document, reading, found)
        topic = next(topic for topic in self._topics if topic.model.name != "generic")
        return features.read_story(scene, self._entries, self._named(found, document)) if topic.test(scene) else None

    def _scene(self, document: Document, reading: Reading, found: Mapping[int, list[Span]]) -> Scene:
        properties: dict[Property, str] = {
            "outlet": _folded(document.outlet),
            "lang": _folded(document.lang),
            "country": _folded(document.country),
        }
        lead = features.lead_end(reading.starts, reading.body_start, sentences(document.text))
        return Scene(reading, found, properties, lead, document.lang)

    def _topic(self, topic: TopicSettings, node: Node) -> _Topic:
        test = compile_node(node, self._terms, self._entries)
        names = {named.name for named in nodes_of(node) if isinstance(named, Named)}
        model = models()["accession" if names >= _FITTED else "generic"]
        numbers = frozenset(self._terms.number(term) for term in nodes_of(node) if isinstance(term, Term))
        rule = _hash(topic.query, topic.threshold, lexicon.fingerprint(), repr(model))
        return _Topic(topic.name, topic.threshold, test, numbers, model, rule)

    def _flag(
        self, topic: _Topic, scene: Scene, values: Mapping[str, float], carrying: Sequence[features.Sentence]
    ) -> Flag:
        value, parts = score(topic.model, values)
        flagged = value >= topic.threshold
        evidence = tuple(self._evidence(scene, part, hit) for part in carrying for hit in sorted(part.hits))
        return Flag(
            topic.name, value, flagged, evidence, parts, topic.rule, _flip(value, topic.threshold, parts, len(carrying))
        )

    def _evidence(self, scene: Scene, part: features.Sentence, hit: Hit) -> Evidence:
        first, after, number = hit
        reading = scene.reading
        source = reading.title if part.field == "title" else reading.text
        return Evidence(
            term=self._terms.terms[number].written,
            surface=reading.surface(first, after),
            field=part.field,
            start=reading.starts[first],
            end=reading.ends[after - 1],
            sentence=source[part.start : part.end],
            sentence_start=part.start,
            sentence_end=part.end,
        )

    def _keywords(self, topic: _Topic, scene: Scene) -> list[Keyword]:
        counts: dict[tuple[str, str], int] = {}
        for number in scene.found.keys() & topic.numbers:
            written = self._terms.terms[number].written
            for first, _ in scene.found[number]:
                key = (written, scene.reading.field_of(first))
                counts[key] = counts.get(key, 0) + 1
        return [Keyword(topic.name, term, scene.lang, place, count) for (term, place), count in sorted(counts.items())]  # type: ignore[arg-type]

    def _named(self, found: Mapping[int, list[Span]], document: Document) -> list[features.Named]:
        """Where countries are named, in order; whether each was a candidate when the document was published."""
        published = published_on(document)
        places = []
        for number in found.keys() & self._countries.keys():
            country = self._countries[number]
            candidate = country.candidate and not _joined_before(country, published)
            places += [features.Named(first, after, country.code, candidate) for first, after in found[number]]
        return sorted(places, key=lambda named: named.first)

    def _named_countries(self, found: Mapping[int, list[Span]], candidates: Sequence[str]) -> tuple[Country, ...]:
        counts: dict[str, int] = {}
        for number in found.keys() & self._countries.keys():
            code = self._countries[number].code
            counts[code] = counts.get(code, 0) + len(found[number])
        actors = sorted((code for code in counts if code not in candidates), key=lambda code: (-counts[code], code))
        return tuple(Country(code, "candidate") for code in candidates) + tuple(
            Country(code, "actor") for code in actors
        )


def compile_rules(topics: Sequence[TopicSettings]) -> Rules:
    """The topics, ready to judge documents; raises QueryError for the first query that cannot be read."""
    return Rules(topics)


def check_topic(topic: TopicSettings) -> list[str]:
    """What is wrong with a topic's query, in words with line and column; empty when it can be used."""
    try:
        node = Reader(lexicon.terms()).query(topic.query)
    except QueryError as error:
        return [str(error)]
    return problems(node)


def _joined_before(country: lexicon.CountryNames, published: date | None) -> bool:
    """Whether the country had long been a member when the story was published; False where either day is unknown."""
    return country.joined is not None and published is not None and published > country.joined + _NEWS_OF_JOINING


def _flip(value: float, threshold: float, parts: Mapping[str, float], sentences_cited: int) -> str:
    named = {name: part for name, part in parts.items() if name != "base"}
    if value >= threshold:
        strongest = max(named, key=lambda name: named[name], default="base")
        return f"not flagged without the {sentences_cited} cited sentences, or with a threshold above {value:.2f}; what speaks most for it is {strongest}"
    return f"flagged with a threshold of {value:.2f} or less"


def _folded(value: str | None) -> str:
    return " ".join(map(fold, value.split())) if value else ""


def _hash(*parts: object) -> str:
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=6).hexdigest()
