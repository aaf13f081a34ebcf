"""Topics compiled together: one automaton, one pass over a document, one judgement per topic that matches."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

from monitor import lexicon
from monitor.flag import accession, features, generic
from monitor.flag.evaluate import Hit, Scene, Test, compile_node, hits_of, needed
from monitor.flag.match import Matcher, Terms, read
from monitor.flag.normalise import fold
from monitor.flag.query import Named, Node, Property, Reader, Term, nodes_of
from monitor.flag.score import Model, flip, models, score
from monitor.flag.when import published_on
from monitor.model import Country, Document, Evidence, FieldName, Flag, Keyword
from monitor.settings import TopicSettings

_NEWS_OF_JOINING = timedelta(days=30)  # for how long a country's joining is news
_FITTED = frozenset({"nato", "accession"})  # a query that names both lexicon entries gets the fitted model


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say about one document."""

    flags: tuple[Flag, ...]  # one per topic whose query matched outside page furniture
    keywords: tuple[Keyword, ...]
    countries: tuple[Country, ...]


@dataclass(frozen=True, slots=True)
class _Topic:
    name: str
    threshold: float
    test: Test
    needed: tuple[frozenset[int], ...]  # groups of term numbers, of each of which one must be found
    model: Model
    rule: str  # hash

    @property
    def on_accession(self) -> bool:
        return self.model.name == "accession"


@dataclass(frozen=True, slots=True)
class _Reasons:
    """What speaks for a topic in one document."""

    values: Mapping[str, float]  # features
    hits: Mapping[int, Sequence[Hit]]  # by sentence number
    candidates: tuple[str, ...] = field(default=())


class Rules:
    """Compiled topics. ``hash`` covers queries, lexicon, weights and thresholds."""

    def __init__(self, topics: Sequence[TopicSettings]) -> None:
        reader = shipped_reader()
        self._terms = Terms()
        self._entries: dict[str, Test] = {}
        self._topics = tuple(self._compile(topic, reader.query(topic.query)) for topic in topics)
        if any(topic.on_accession for topic in self._topics):
            for name in accession.ENTRIES:
                compile_node(reader.entry(name), self._terms, self._entries)
        self._connectors = frozenset(self._terms.number(term) for term in _connectors())
        self._countries = {self._terms.number(name): country for name, country in _country_names()}
        self._matcher = Matcher(self._terms.terms)
        # term number -> (topic, bit of the group that it stands for)
        self._by_term: dict[int, list[tuple[int, int]]] = {}
        for index, topic in enumerate(self._topics):
            for bit, group in enumerate(topic.needed):
                for number in group:
                    self._by_term.setdefault(number, []).append((index, 1 << bit))
        self.hash = _hash(*(f"{topic.name} {topic.rule}" for topic in self._topics))

    def judge(self, document: Document) -> Verdict:
        """Flags, keywords and countries of a document whose ``lang`` is set. Never raises, whatever the text."""
        scene = self._scene(document)
        flags: list[Flag] = []
        keywords: list[Keyword] = []
        candidates: dict[str, None] = {}
        on_accession: _Reasons | None = None  # the same for every topic with the fitted model
        for topic in self._touched(scene):
            places = topic.test(scene)
            if not places:
                continue
            hits = self._telling(hits_of(places), topic)
            keywords += self._keywords(topic, scene, hits)
            if topic.on_accession:
                reasons = on_accession = on_accession or self._accession(scene, document)
            else:
                placed = generic.by_sentence(scene, hits)
                reasons = _Reasons(generic.measure(scene, placed), placed)
            if not reasons.hits:  # the words stand too far apart, or in page furniture: nothing speaks for the topic
                continue
            flags.append(self._flag(topic, scene, reasons))
            if flags[-1].flagged:
                candidates |= dict.fromkeys(reasons.candidates)
        return Verdict(tuple(flags), tuple(keywords), self._named_countries(scene, tuple(candidates)))

    def features(self, document: Document) -> Mapping[str, float] | None:
        """What the fitted model would weigh, for fitting; None where no topic with that model would raise a flag."""
        scene = self._scene(document)
        if not any(topic.on_accession and topic.test(scene) for topic in self._touched(scene)):
            return None
        reasons = self._accession(scene, document)
        return reasons.values if reasons.hits else None

    def _compile(self, topic: TopicSettings, node: Node) -> _Topic:
        test = compile_node(node, self._terms, self._entries)
        names = {named.name for named in nodes_of(node) if isinstance(named, Named)}
        model = models()["accession" if names >= _FITTED else "generic"]
        groups = tuple(needed(node, self._terms))
        rule = _hash(topic.query, topic.threshold, lexicon.fingerprint(), model)
        return _Topic(topic.name, topic.threshold, test, groups, model, rule)

    def _scene(self, document: Document) -> Scene:
        reading = read(document.title, document.text)
        lang = document.lang.lower().partition("-")[0] if document.lang else None
        properties: dict[Property, str] = {
            "outlet": _folded(document.outlet),
            "lang": _folded(lang),
            "country": _folded(document.country),
        }
        return Scene(reading, self._matcher.find(reading), properties, lang)

    def _touched(self, scene: Scene) -> list[_Topic]:
        """The topics of which all that is needed was found; the others cannot match."""
        found: dict[int, int] = {}
        for number in scene.found.keys() & self._by_term.keys():
            for index, bit in self._by_term[number]:
                found[index] = found.get(index, 0) | bit
        return [
            topic
            for index in sorted(found)
            for topic in (self._topics[index],)
            if found[index] == (1 << len(topic.needed)) - 1
        ]

    def _accession(self, scene: Scene, document: Document) -> _Reasons:
        sentences = accession.read_sentences(scene, self._entries, self._candidates(scene, document))
        alliance = len(self._entries["nato"](scene) or ())
        values = features.measure(sentences, scene.layout.lead_end, alliance, len(scene.reading.folded))
        hits = {number: self._telling(sorted(one.hits)) for number, one in enumerate(sentences) if one.strength > 0}
        return _Reasons(values, hits, accession.concerned(sentences))

    def _telling(self, hits: Sequence[Hit], topic: _Topic | None = None) -> list[Hit]:
        """One hit for each run of words, as several entries may name the same word; for the fitted model without the
        prepositions that its entries ask for ("accession *to* NATO"), which tell a reader nothing.
        """
        if topic is None or topic.on_accession:
            hits = [hit for hit in hits if hit[2] not in self._connectors] or hits
        return list({(first, after): (first, after, number) for first, after, number in reversed(hits)}.values())[::-1]

    def _flag(self, topic: _Topic, scene: Scene, reasons: _Reasons) -> Flag:
        value, parts = score(topic.model, reasons.values)
        return Flag(
            topic=topic.name,
            score=value,
            flagged=value >= topic.threshold,
            evidence=tuple(
                self._evidence(scene, number, hit) for number in sorted(reasons.hits) for hit in reasons.hits[number]
            ),
            parts=parts,
            rule=topic.rule,
            flip=flip(topic.model, value, topic.threshold, parts, len(reasons.hits)),
        )

    def _evidence(self, scene: Scene, sentence: int, hit: Hit) -> Evidence:
        first, after, number = hit
        reading, extent = scene.reading, scene.layout.extents[sentence]
        source = reading.title if extent.field == "title" else reading.text
        return Evidence(
            term=self._terms.terms[number].written,
            surface=reading.surface(first, after),
            field=extent.field,
            start=reading.starts[first],
            end=reading.ends[after - 1],
            sentence=source[extent.start : extent.end],
            sentence_start=extent.start,
            sentence_end=extent.end,
        )

    def _keywords(self, topic: _Topic, scene: Scene, hits: Sequence[Hit]) -> list[Keyword]:
        counts: dict[tuple[str, FieldName], int] = {}
        for first, _, number in hits:
            key = (self._terms.terms[number].written, scene.reading.field_of(first))
            counts[key] = counts.get(key, 0) + 1
        return [Keyword(topic.name, term, scene.lang, place, count) for (term, place), count in sorted(counts.items())]

    def _candidates(self, scene: Scene, document: Document) -> list[accession.Named]:
        """Where countries are named, in order, and whether each was a candidate when the document was published."""
        published = published_on(document)
        found = [
            accession.Named(first, after, country.code, country.candidate and not _joined_before(country, published))
            for number in scene.found.keys() & self._countries.keys()
            for country in (self._countries[number],)
            for first, after in scene.found[number]
        ]
        return sorted(found, key=lambda named: (named.first, named.country))

    def _named_countries(self, scene: Scene, candidates: tuple[str, ...]) -> tuple[Country, ...]:
        """The candidates, then every other country that is named, most often first."""
        counts: dict[str, int] = {}
        for number in scene.found.keys() & self._countries.keys():
            code = self._countries[number].code
            counts[code] = counts.get(code, 0) + len(scene.found[number])
        actors = sorted(counts.keys() - set(candidates), key=lambda code: (-counts[code], code))
        return (*(Country(code, "candidate") for code in candidates), *(Country(code, "actor") for code in actors))


@cache
def shipped_reader() -> Reader:
    """Reads queries with the shipped lexicon; its entries are read once."""
    return Reader(lexicon.terms())


@cache
def _country_names() -> tuple[tuple[Term, lexicon.CountryNames], ...]:
    return tuple((shipped_reader().name(name), country) for country in lexicon.countries() for name in country.names)


@cache
def _connectors() -> tuple[Term, ...]:
    """The words that only lead to the alliance's name: those of "@into-nato" and "@inside-nato" that name nothing."""
    entries = [shipped_reader().entry(name) for name in ("into-nato", "inside-nato")]
    names = {one for name in ("nato", "alliance") for one in nodes_of(shipped_reader().entry(name))}
    found = {one for entry in entries for one in nodes_of(entry, passing_over=("nato", "alliance"))}
    return tuple(sorted((one for one in found - names if isinstance(one, Term)), key=lambda term: term.written))


def _joined_before(country: lexicon.CountryNames, published: date | None) -> bool:
    """Whether the country had long been a member when the story was published; False where either day is unknown."""
    return country.joined is not None and published is not None and published > country.joined + _NEWS_OF_JOINING


def _folded(value: str | None) -> str:
    return " ".join(map(fold, value.split())) if value else ""


def _hash(*parts: object) -> str:
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=6).hexdigest()
