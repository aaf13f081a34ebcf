"""Where a document speaks of what tone is measured toward: talks, accession, NATO, candidates, speakers.

Finds places only; what is said there is the scorer's to judge.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from monitor import lexicon
from monitor.model import Country, Document, Evidence, FieldName, Flag, Quote
from monitor.text import Span, phrase_pattern, sentences

PHRASE_KINDS = ("talks", "accession", "nato")  # in order of precedence where their phrases overlap
KINDS = (*PHRASE_KINDS, "country", "speaker")
PLACES_PER_TARGET = 40  # the first ones; a live blog names its subject hundreds of times
SPEAKERS = 8  # those quoted most
_NAMES = {"nato": "NATO"}  # how a kind is called in the results where not by its own name


@dataclass(frozen=True, slots=True)
class Place:
    """The first mention of a target in one sentence; all offsets count in the field."""

    field: FieldName
    start: int
    end: int
    sentence_start: int
    sentence_end: int


@dataclass(frozen=True, slots=True)
class Target:
    """Something that tone is measured toward, and the sentences that name it, in reading order, headline first."""

    name: str  # "talks", "accession", "NATO", an ISO country code, a speaker's name
    kind: str
    places: tuple[Place, ...]


def find_targets(
    document: Document,
    flags: Sequence[Flag],
    countries: Sequence[Country],
    quotes: Sequence[Quote],
    kinds: Sequence[str],
) -> tuple[Target, ...]:
    """The targets of the asked ``kinds`` that the document names, each with at most PLACES_PER_TARGET sentences.

    ``flags`` add their evidence to the accession's phrases, so that a topic of the reader's own has a target too.
    """
    fields = (
        _Field("title", document.title, ((0, len(document.title)),)),
        _Field("text", document.text, tuple(sentences(document.text))),
    )
    found: list[Target] = []
    taken: dict[FieldName, list[Span]] = {"title": [], "text": []}
    for kind in PHRASE_KINDS:
        spans = {
            field.name: _free(_phrase_spans(kind, document.lang, field.text), taken[field.name]) for field in fields
        }
        if kind == "accession":
            for field in fields:
                evidence = _evidence_spans(flags, field, document.lang)
                spans[field.name] = sorted(spans[field.name] + _free(evidence, taken[field.name] + spans[field.name]))
        for name, own in spans.items():
            taken[name] += own
        if kind in kinds:
            found.append(Target(_NAMES.get(kind, kind), kind, _places(fields, spans)))
    if "country" in kinds:
        found += [_named(fields, c.country, "country", _country_pattern(c.country)) for c in _candidates(countries)]
    if "speaker" in kinds:
        found += [_named(fields, name, "speaker", _speaker_pattern(name)) for name in _speakers(quotes)]
    return tuple(target for target in found if target.places)


@dataclass(frozen=True, slots=True)
class _Field:
    name: FieldName
    text: str
    sentences: tuple[Span, ...]


def _phrase_spans(kind: str, lang: str | None, text: str) -> list[Span]:
    pattern = _phrase_pattern(kind, lang or "")
    return [match.span() for match in pattern.finditer(text)] if pattern else []


def _evidence_spans(flags: Iterable[Flag], field: _Field, lang: str | None) -> list[Span]:
    """Evidence of flagged topics, less what merely names NATO."""
    nato = _phrase_pattern("nato", lang or "")

    def counts(one: Evidence) -> bool:
        inside = one.field == field.name and one.start < one.end <= len(field.text)
        return inside and not (nato and nato.fullmatch(field.text, one.start, one.end))

    return [(one.start, one.end) for flag in flags if flag.flagged for one in flag.evidence if counts(one)]


def _free(spans: Iterable[Span], taken: Sequence[Span]) -> list[Span]:
    """Those of ``spans`` that overlap none of ``taken``, nor one another."""
    kept: list[Span] = []
    for start, end in sorted(set(spans)):
        if not any(start < other_end and end > other_start for other_start, other_end in (*taken, *kept[-1:])):
            kept.append((start, end))
    return kept


def _named(fields: Sequence[_Field], name: str, kind: str, pattern: re.Pattern[str] | None) -> Target:
    if pattern is None:
        return Target(name, kind, ())
    spans = {field.name: [match.span() for match in pattern.finditer(field.text)] for field in fields}
    return Target(name, kind, _places(fields, spans))


def _places(fields: Sequence[_Field], spans: dict[FieldName, list[Span]]) -> tuple[Place, ...]:
    return tuple(place for field in fields for place in _places_of(field, spans[field.name]))[:PLACES_PER_TARGET]


def _places_of(field: _Field, spans: Sequence[Span]) -> Iterator[Place]:
    starts = [start for start, _ in field.sentences]
    before = -1
    for start, end in spans:
        number = bisect_right(starts, start) - 1
        if number > before and end <= field.sentences[number][1]:
            yield Place(field.name, start, end, *field.sentences[number])
            before = number


def _candidates(countries: Iterable[Country]) -> list[Country]:
    return [country for country in countries if country.role == "candidate"]


def _speakers(quotes: Iterable[Quote]) -> list[str]:
    """Names of who is quoted, the most quoted first; a speaker of the accession comes before all others."""
    count: dict[str, float] = {}
    for quote in quotes:
        if quote.speaker:
            count[quote.speaker] = count.get(quote.speaker, 0) + (1000 if quote.about_accession else 1)
    return sorted(count, key=lambda name: -count[name])[:SPEAKERS]


def _speaker_pattern(name: str) -> re.Pattern[str] | None:
    """The full name or the surname alone, as whole words."""
    words = name.split()
    if not words or len(words[-1]) < 3:
        return None
    forms = {re.escape(name), re.escape(words[-1])}
    return re.compile(rf"(?<!\w)(?:{'|'.join(sorted(forms, key=len, reverse=True))})(?!\w)")


@cache
def _country_pattern(code: str) -> re.Pattern[str] | None:
    """The country's names, demonyms and capital in all languages: they are told apart by their letters."""
    names = next((country.names for country in lexicon.countries() if country.code == code), ())
    return phrase_pattern(["=" + name.lstrip("=") for name in names]) if names else None


@cache
def _phrase_pattern(kind: str, lang: str) -> re.Pattern[str] | None:
    blocks = lexicon.load("targets")[kind].items()
    phrases = [phrase for langs, block in blocks if lang in langs.split() for phrase in block.split("\n")]
    return phrase_pattern(phrases) if phrases else None
