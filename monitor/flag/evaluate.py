"""Turns a query's tree into a function of a document's matches, and says which matches make the query true. Decides nothing about relevance."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from monitor.flag.match import Reading, Span, Terms
from monitor.flag.query import And, Has, Named, Near, Node, Not, Or, Place, Property, Term, Within

Hit = tuple[int, int, int]  # word numbers [first, after last), term number
# None: false; a list: true, by these hits (none for NOT and for properties of the document)
Outcome = list[Hit] | None
Test = Callable[["Scene"], Outcome]


@dataclass(slots=True)
class Scene:
    """One document under evaluation: its words, the terms found in it, and what is known about it."""

    reading: Reading
    found: Mapping[int, list[Span]]
    properties: Mapping[Property, str]  # folded
    lead_end: int  # first word after the lead
    lang: str | None
    memo: dict[str, list[Hit]] = field(default_factory=dict)  # hits of lexicon entries


def compile_node(node: Node, terms: Terms, entries: dict[str, Test]) -> Test:
    """The test for a tree. ``terms`` takes up its terms; ``entries`` keeps the tests of lexicon entries, which topics share."""
    match node:
        case Term():
            return _term(terms.number(node))
        case Named():
            if node.name not in entries:
                entries[node.name] = _named(node, terms, entries)
            return entries[node.name]
        case Or():
            return _or(node, terms, entries)
        case And():
            return _and([compile_node(child, terms, entries) for child in node.children])
        case Not():
            return _not(compile_node(node.child, terms, entries))
        case Near():
            return _near(
                compile_node(node.left, terms, entries),
                compile_node(node.right, terms, entries),
                node.distance,
                node.ordered,
            )
        case Within():
            return _within(compile_node(node.child, terms, entries), node.place)
        case Has():
            return _has(node)


def _term(number: int) -> Test:
    def test(scene: Scene) -> Outcome:
        spans = scene.found.get(number)
        return [(first, after, number) for first, after in spans] if spans else None

    return test


def _or(node: Or, terms: Terms, entries: dict[str, Test]) -> Test:
    # lexicon entries are lists of hundreds of words: look at what was found, not at what was asked
    numbers = frozenset(terms.number(child) for child in node.children if isinstance(child, Term))
    others = [compile_node(child, terms, entries) for child in node.children if not isinstance(child, Term)]

    def test(scene: Scene) -> Outcome:
        hits = {
            (first, after, number) for number in scene.found.keys() & numbers for first, after in scene.found[number]
        }
        true = bool(hits)
        for other in others:
            outcome = other(scene)
            if outcome is not None:
                true = True
                hits.update(outcome)
        return sorted(hits) if true else None

    return test


def _named(node: Named, terms: Terms, entries: dict[str, Test]) -> Test:
    blocks = [(languages, compile_node(child, terms, entries)) for languages, child in node.blocks]
    known = frozenset(language for languages, _ in blocks for language in languages)

    def test(scene: Scene) -> Outcome:
        hits = scene.memo.get(node.name)
        if hits is None:
            collected: set[Hit] = set()
            for languages, block in blocks:
                if not languages or scene.lang in languages or scene.lang not in known:
                    collected.update(block(scene) or ())
            hits = scene.memo[node.name] = sorted(collected)
        return hits or None

    return test


def _and(tests: list[Test]) -> Test:
    def test(scene: Scene) -> Outcome:
        hits: set[Hit] = set()
        for part in tests:
            outcome = part(scene)
            if outcome is None:
                return None
            hits.update(outcome)
        return sorted(hits)

    return test


def _not(part: Test) -> Test:
    return lambda scene: [] if part(scene) is None else None


def _near(left: Test, right: Test, distance: int, ordered: bool) -> Test:
    def test(scene: Scene) -> Outcome:
        ones = left(scene)
        others = right(scene) if ones else None
        if not ones or not others:
            return None
        return near(ones, others, distance, ordered, scene.reading.body_start) or None

    return test


def near(ones: list[Hit], others: list[Hit], distance: int, ordered: bool, body_start: int) -> list[Hit]:
    """The hits of both sorted lists that stand at most ``distance`` words from one of the other list, in the same field, not overlapping."""
    hits: set[Hit] = set()
    reach = max(after - first for first, after, _ in others)
    for one in ones:
        first, after, _ = one
        low = after if ordered else first - distance - reach
        for index in range(bisect_left(others, (low,)), len(others)):  # type: ignore[arg-type]
            other = others[index]
            if other[0] > after + distance:
                break
            gap = other[0] - after if other[0] >= after else first - other[1]
            if 0 <= gap <= distance and (first < body_start) == (other[0] < body_start):
                hits.add(one)
                hits.add(other)
    return sorted(hits)


def _within(part: Test, place: Place) -> Test:
    def test(scene: Scene) -> Outcome:
        start = scene.reading.body_start
        low, high = {
            "title": (0, start - 1),
            "lead": (start, scene.lead_end),
            "body": (start, len(scene.reading.folded)),
        }[place]
        return [hit for hit in part(scene) or () if low <= hit[0] and hit[1] <= high] or None

    return test


def _has(node: Has) -> Test:
    return lambda scene: [] if scene.properties.get(node.name) == node.value else None
