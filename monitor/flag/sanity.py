"""Finds queries that are well formed but useless: they can never match, or they match without any word. Reads
trees only.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from monitor.flag.query import And, Field, Has, Named, Near, Node, Not, Or, Property, Term, Within

_MOST_CASES = 2_000  # of a query written out as alternatives; beyond that it is taken to be all right

# fields inside which a field's words stand
_INSIDE: dict[Field | None, frozenset[Field | None]] = {
    None: frozenset({None, "title", "lead", "body"}),
    "body": frozenset({"body", "lead"}),
    "lead": frozenset({"lead"}),
    "title": frozenset({"title"}),
}


@dataclass(frozen=True, slots=True)
class _Claim:
    """Something that must hold, or must not, for one alternative of the query."""

    holds: bool
    about: Term | Named | Has
    field: Field | None = None


_Case = frozenset[_Claim]
_NEVER: frozenset[_Case] = frozenset()
_ALWAYS: frozenset[_Case] = frozenset({frozenset()})


class _TooManyCases(Exception):
    """The query has more alternatives than are worth writing out."""


def problems(node: Node) -> list[str]:
    """What is wrong with a query, in words; empty when it can match and names a word to look for."""
    try:
        cases = _cases(node, None, holds=True)
    except _TooManyCases:
        return []
    possible = [case for case in cases if _contradiction(case) is None]
    if not possible:
        why = next((why for case in cases if (why := _contradiction(case))), "its parts exclude each other")
        return [f"the query can never match: {why}"]
    if any(not _has_word(case) for case in possible):
        return ["the query can match a story without finding any word in it; add a word, a phrase or an @name with AND"]
    return []


def _cases(node: Node, field: Field | None, *, holds: bool) -> frozenset[_Case]:
    """The query as alternatives, each a set of claims that must all be true."""
    match node:
        case Term() | Named():
            return frozenset({frozenset({_Claim(holds, node, field)})})
        case Has():
            return frozenset({frozenset({_Claim(holds, node)})})
        case Not():
            return _cases(node.child, field, holds=not holds)
        case Within():
            return _within(node, field, holds=holds)
        case Near() if holds:
            return _all([_cases(side, field, holds=True) for side in (node.left, node.right)])
        case Near():
            return _ALWAYS  # both words may stand there, only far apart
        case And() | Or():
            parts = [_cases(child, field, holds=holds) for child in node.children]
            return _all(parts) if isinstance(node, And) == holds else frozenset().union(*parts)


def _within(node: Within, field: Field | None, *, holds: bool) -> frozenset[_Case]:
    if node.field in _INSIDE[field]:
        return _cases(node.child, node.field, holds=holds)
    if field in _INSIDE[node.field]:
        return _cases(node.child, field, holds=holds)
    return _NEVER if holds else _ALWAYS  # title:body:x


def _all(parts: list[frozenset[_Case]]) -> frozenset[_Case]:
    joined = _ALWAYS
    for part in parts:
        if len(joined) * len(part) > _MOST_CASES:
            raise _TooManyCases
        joined = frozenset(one | other for one, other in product(joined, part))
    return joined


def _has_word(case: _Case) -> bool:
    return any(claim.holds and not isinstance(claim.about, Has) for claim in case)


def _contradiction(case: _Case) -> str | None:
    """Two claims of one case that exclude each other, in words."""
    values: dict[Property, str] = {}
    for claim in case:
        if isinstance(claim.about, Has) and claim.holds:
            other = values.setdefault(claim.about.name, claim.about.value)
            if other != claim.about.value:
                both = " and ".join(sorted((other, claim.about.value)))
                return f"{claim.about.name}: cannot be both {both}"
    for refused in case:
        if not refused.holds:
            for wanted in case:
                if wanted.holds and wanted.field in _INSIDE[refused.field] and _covers(refused.about, wanted.about):
                    return f"it asks for {_written(wanted.about)} and excludes {_written(refused.about)}"
    return None


def _covers(refused: Term | Named | Has, wanted: Term | Named | Has) -> bool:
    """Whether what is wanted is always found where what is refused is found too."""
    match refused, wanted:
        case Named(), Named():
            return refused.name == wanted.name
        case Has(), Has():
            return refused == wanted
        case Named(), Term():
            everywhere = [child for languages, child in refused.blocks if not languages]
            terms = [term for child in everywhere for term in (child.children if isinstance(child, Or) else (child,))]
            return any(isinstance(term, Term) and _covers(term, wanted) for term in terms)
        case Term(), Term():
            return _term_covers(refused, wanted)
        case _:
            return False


def _term_covers(refused: Term, wanted: Term) -> bool:
    if refused.exact is not None and refused.exact != wanted.exact:
        return False
    width = len(refused.tokens)
    return any(
        all(
            _token_covers(one, other)
            for one, other in zip(refused.tokens, wanted.tokens[start : start + width], strict=True)
        )
        for start in range(len(wanted.tokens) - width + 1)
    )


def _token_covers(refused: str, wanted: str) -> bool:
    if refused in {wanted, "*"}:
        return True
    return refused.endswith("*") and refused.count("*") == 1 and wanted.startswith(refused[:-1])


def _written(about: Term | Named | Has) -> str:
    match about:
        case Named():
            return f"@{about.name}"
        case Term():
            return about.written
        case Has():
            return f"{about.name}:{about.value}"
