"""Turns a query's tree into a function of a document's matches, and says which matches make the query true.
Decides nothing about relevance.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from monitor.flag.layout import Layout, lay_out
from monitor.flag.match import Reading, Span, Terms
from monitor.flag.query import And, Field, Has, Named, Near, Node, Not, Or, Property, Term, Within, nodes_of

Hit = tuple[int, int, int]  # word numbers [first, after last), term number
Place = tuple[int, int, tuple[Hit, ...]]  # words [first, after last) that make an operand true, and the hits in them
# None: false; a list: true, at these places (none for NOT and for properties of the document)
Outcome = list[Place] | None
Test = Callable[["Scene"], Outcome]
_MOST_PLACES = 512  # of one NEAR; nobody reads more, and a text that repeats two words for ever must not take for ever


class Scene:
    """One document under evaluation: its words, the terms found in it, and what is known about it."""

    def __init__(
        self,
        reading: Reading,
        found: Mapping[int, list[Span]],
        properties: Mapping[Property, str] | None = None,
        lang: str | None = None,
    ) -> None:
        self.reading = reading
        self.found = found
        self.properties = properties or {}  # folded
        self.lang = lang
        self.memo: dict[str, list[Place]] = {}  # places of lexicon entries

    @cached_property
    def layout(self) -> Layout:
        """The document's sentences, found when first asked for."""
        return lay_out(self.reading)


def compile_node(node: Node, terms: Terms, entries: dict[str, Test]) -> Test:
    """The test for a tree. ``terms`` takes up its terms; ``entries`` keeps the tests of lexicon entries, which
    topics share.
    """
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
            return _within(compile_node(node.child, terms, entries), node.field)
        case Has():
            return _has(node)


def needed(node: Node, terms: Terms) -> list[frozenset[int]]:
    """Groups of term numbers, cheap to check first: the node can only be true where one of each group is found."""
    match node:
        case And():
            return [group for child in node.children for group in needed(child, terms)]
        case Near():
            return needed(node.left, terms) + needed(node.right, terms)
        case Within():
            return needed(node.child, terms)
        case Not() | Has():
            return []
        case Or() if not all(needed(child, terms) for child in node.children):
            return []  # an alternative needs no word: a OR lang:uk
        case _:
            return [frozenset(terms.number(one) for one in nodes_of(node) if isinstance(one, Term))]


def hits_of(places: Iterable[Place]) -> list[Hit]:
    """All hits of the places, each once, in order."""
    return sorted({hit for place in places for hit in place[2]})


def _term(number: int) -> Test:
    def test(scene: Scene) -> Outcome:
        spans = scene.found.get(number)
        return [(first, after, ((first, after, number),)) for first, after in spans] if spans else None

    return test


def _or(node: Or, terms: Terms, entries: dict[str, Test]) -> Test:
    # lexicon entries are lists of hundreds of words: look at what was found, not at what was asked
    numbers = frozenset(terms.number(child) for child in node.children if isinstance(child, Term))
    others = [compile_node(child, terms, entries) for child in node.children if not isinstance(child, Term)]

    def test(scene: Scene) -> Outcome:
        found = scene.found
        present = found.keys() & numbers
        places: set[Place] = set()
        for number in present:
            for first, after in found[number]:
                places.add((first, after, ((first, after, number),)))
        true = bool(present)
        for other in others:
            outcome = other(scene)
            if outcome is not None:
                true = True
                places.update(outcome)
        return sorted(places) if true else None

    return test


def _named(node: Named, terms: Terms, entries: dict[str, Test]) -> Test:
    blocks = [(languages, compile_node(child, terms, entries)) for languages, child in node.blocks]
    known = frozenset(language for languages, _ in blocks for language in languages)

    def test(scene: Scene) -> Outcome:
        places = scene.memo.get(node.name)
        if places is None:
            collected: set[Place] = set()
            for languages, block in blocks:
                if not languages or scene.lang in languages or scene.lang not in known:
                    collected.update(block(scene) or ())
            places = scene.memo[node.name] = sorted(collected)
        return places or None

    return test


def _and(tests: list[Test]) -> Test:
    def test(scene: Scene) -> Outcome:
        places: set[Place] = set()
        for part in tests:
            outcome = part(scene)
            if outcome is None:
                return None
            places.update(outcome)
        return sorted(places)

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


def near(ones: list[Place], others: list[Place], distance: int, ordered: bool, body_start: int) -> list[Place]:
    """Pairs of places, one of each sorted list, with at most ``distance`` words between them, in one field, not
    overlapping.
    """
    pairs: dict[Span, Place] = {}
    reach = max(after - first for first, after, _ in others)
    for first, after, hits in ones:
        low = after if ordered else first - distance - reach
        for index in range(bisect_left(others, (low,)), len(others)):
            other_first, other_after, other_hits = others[index]
            if other_first > after + distance or len(pairs) >= _MOST_PLACES:
                break
            gap = other_first - after if other_first >= after else first - other_after
            if 0 <= gap <= distance and (first < body_start) == (other_first < body_start):
                span = (min(first, other_first), max(after, other_after))
                pairs.setdefault(span, (*span, tuple(sorted({*hits, *other_hits}))))
        if len(pairs) >= _MOST_PLACES:
            break
    return sorted(pairs.values())


def _within(part: Test, place: Field) -> Test:
    def test(scene: Scene) -> Outcome:
        start = scene.reading.body_start
        if place == "title":
            low, high = 0, start - 1
        else:
            low, high = start, scene.layout.lead_end if place == "lead" else len(scene.reading.folded)
        return [found for found in part(scene) or () if low <= found[0] and found[1] <= high] or None

    return test


def _has(node: Has) -> Test:
    return lambda scene: [] if scene.properties.get(node.name) == node.value else None
