"""The topic query language: text -> tree of nodes, with errors that name line, column and what was expected. Matches
nothing itself.

A query is made of

* words, whole and in any case: ``membership``; with wildcards: ``accede*``, ``*medlemskap``, ``natom*skap``
* phrases: ``"open door"``; ``*`` alone stands for one word: ``"full * member"``
* ``=NATO`` exact case, also ``="White House"``
* ``@name`` a lexicon entry, in all its languages
* ``a NEAR/5 b`` at most five words between them, in any order; ``a ONEAR/5 b`` in this order; both inside one field,
  title or text
* ``title:x`` ``lead:x`` ``body:x``, also before a group: ``title:(a OR b)``; the lead is the text's first sentences,
  up to about 60 words
* ``outlet:"Kyiv Independent"`` ``lang:uk`` ``country:UA`` properties of the document (its outlet's country)
* ``NOT`` ``AND`` ``OR`` and parentheses; ``#`` starts a comment

Precedence, tightest first: ``field:``, ``NEAR``/``ONEAR``, ``NOT``, ``AND``, ``OR``. Two terms side by side without
an operator are an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from monitor.errors import QueryError
from monitor.flag.normalise import fold, words
from monitor.lexicon import TermBlock

if TYPE_CHECKING:
    from lark import Lark, Token, UnexpectedInput

Field = Literal["title", "lead", "body"]
Property = Literal["outlet", "lang", "country"]
FIELDS: tuple[Field, ...] = ("title", "lead", "body")
PROPERTIES: tuple[Property, ...] = ("outlet", "lang", "country")
_WILDCARD_LETTERS = 2  # a stem this short before * is the least that is not nearly everything
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Term:
    """A word or phrase. ``tokens``: folded words, each with its wildcards; ``exact``: the surface that must stand
    there, or None.
    """

    tokens: tuple[str, ...]
    exact: str | None
    written: str  # as it stands in the query, for evidence


@dataclass(frozen=True, slots=True)
class Named:
    """A lexicon entry: alternatives by language. ``languages`` is empty for those that hold in every document."""

    name: str
    blocks: tuple[tuple[frozenset[str], Node], ...]


@dataclass(frozen=True, slots=True)
class Or:
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class And:
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    child: Node


@dataclass(frozen=True, slots=True)
class Near:
    left: Node
    right: Node
    distance: int  # words between
    ordered: bool


@dataclass(frozen=True, slots=True)
class Within:
    field: Field
    child: Node


@dataclass(frozen=True, slots=True)
class Has:
    """A property of the document, compared without regard to case."""

    name: Property
    value: str


Node = Term | Named | Or | And | Not | Near | Within | Has


def parse(text: str, lexicon: Mapping[str, tuple[TermBlock, ...]]) -> Node:
    """The tree of a query; raises QueryError for the first thing that is wrong with it."""
    return Reader(lexicon).query(text)


def nodes_of(node: Node, *, passing_over: Iterable[str] = ()) -> Iterator[Node]:
    """All nodes of a tree, negated ones too; each lexicon entry is entered once, those of ``passing_over`` never."""
    seen: set[str] = set(passing_over)
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, Named):
            if one.name in seen:
                continue
            seen.add(one.name)
        yield one
        stack += reversed(children_of(one))


def children_of(node: Node) -> tuple[Node, ...]:
    """The nodes directly below a node."""
    match node:
        case Named():
            return tuple(child for _, child in node.blocks)
        case Or() | And():
            return node.children
        case Not() | Within():
            return (node.child,)
        case Near():
            return (node.left, node.right)
        case _:
            return ()


class Reader:
    """Turns lark's tree into nodes; knows the lexicon and which entries are being read."""

    def __init__(self, lexicon: Mapping[str, tuple[TermBlock, ...]]) -> None:
        self.lexicon = lexicon
        self.named: dict[str, Named] = {}
        self.reading: list[str] = []

    def query(self, text: str) -> Node:
        if not text.strip():
            raise QueryError("the query is empty; write a term, a phrase or an @name", line=1, column=1)
        return self.node(_parse_tree(text).children[0], 0)

    def entry(self, name: str) -> Named:
        """The tree of a lexicon entry; raises KeyError where there is none."""
        return self._entry(name)

    def name(self, written: str) -> Term:
        """A word or phrase of a plain list, with wildcards; ``=`` before it for exact case."""
        exact = written.startswith("=")
        return _term(written.removeprefix("="), written[1:] if exact else None, 1, 1, written=written)

    def node(self, tree: Any, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise QueryError(f"parentheses are nested more than {_MAX_DEPTH} deep", line=1, column=1)
        children = tree.children
        match tree.data:
            case "or_expr":
                return Or(tuple(self.node(child, depth + 1) for child in children))
            case "and_expr":
                return And(tuple(self.node(child, depth + 1) for child in children))
            case "negation":
                return Not(self.node(children[0], depth + 1))
            case "near_expr":
                return self.near(children, depth)
            case "field":
                return self.field(children[0], children[1], depth)
            case "group":
                return self.node(children[0], depth + 1)
            case "lexicon":
                return self.lexicon_entry(children[0])
            case kind:
                return _leaf(kind, children[0])

    def near(self, children: list[Any], depth: int) -> Node:
        left = self.node(children[0], depth + 1)
        for operator, operand in zip(children[1::2], children[2::2], strict=True):
            token = operator.children[0]
            right = self.node(operand, depth + 1)
            for side in (left, right):
                if (wrong := _without_position(side)) is not None:
                    raise _error(
                        f"{token.type}/n joins words, phrases and groups of them by OR; it cannot take {wrong}", token
                    )
            left = Near(left, right, int(token.split("/")[1]), token.type == "ONEAR")
        return left

    def field(self, token: Token, operand: Any, depth: int) -> Node:
        name = token[:-1].lower()
        for known_field in FIELDS:
            if name == known_field:
                return Within(known_field, self.node(operand, depth + 1))
        for known in PROPERTIES:
            if name == known:
                return _has(known, token, operand)
        nearest = difflib.get_close_matches(name, (*FIELDS, *PROPERTIES), 1)
        hint = f"; did you mean {nearest[0]}:?" if nearest else ""
        raise _error(f"there is no field {name}: - fields are {', '.join(FIELDS + PROPERTIES)}{hint}", token)

    def lexicon_entry(self, token: Token) -> Node:
        name = token[1:]
        if name not in self.lexicon:
            nearest = difflib.get_close_matches(name, self.lexicon, 1, cutoff=0)
            hint = f"; the nearest is @{nearest[0]}" if nearest else ""
            raise _error(f"the lexicon has no entry @{name}{hint}", token)
        if name in self.reading:
            raise _error(f"@{name} is defined by itself", token)
        return self._entry(name)

    def _entry(self, name: str) -> Named:
        if name not in self.named:
            self.reading.append(name)
            try:
                self.named[name] = Named(name, tuple(self.block(name, block) for block in self.lexicon[name]))
            finally:
                self.reading.pop()
        return self.named[name]

    def block(self, name: str, block: TermBlock) -> tuple[frozenset[str], Node]:
        nodes = []
        for number, line in block.lines:
            try:
                nodes.append(_term(line, None, 1, 1) if _is_plain(line) else self.query(line))
            except QueryError as error:
                languages = " ".join(sorted(block.languages)) or "all"
                where = f"lexicon entry @{name} ({languages}, line {number} of the block, {line!r}): "
                raise QueryError(where + str(error), line=1, column=1) from error
        return block.languages, nodes[0] if len(nodes) == 1 else Or(tuple(nodes))


def _is_plain(line: str) -> bool:
    """Most lexicon entries are single words, which need no grammar."""
    return line.replace("*", "").isalnum() and line not in {"AND", "OR", "NOT"}


def _leaf(kind: str, token: Token) -> Term:
    line, column = token.line or 1, token.column or 1
    match kind:
        case "word":
            if token in {"NEAR", "ONEAR"} or token.startswith(("NEAR/", "ONEAR/")):
                raise _error(f"{token.split('/')[0]} needs a distance in words, like {token.split('/')[0]}/5", token)
            return _term(str(token), None, line, column)
        case "phrase":
            return _term(token[1:-1], None, line, column, written=str(token))
        case "exact_word":
            return _term(token[1:], token[1:], line, column, written=str(token))
        case _:
            return _term(token[2:-1], token[2:-1], line, column, written=str(token))


def _term(text: str, exact: str | None, line: int, column: int, written: str | None = None) -> Term:
    if exact is not None and "*" in exact:
        raise QueryError("an exact term (=...) takes no wildcard", line=line, column=column)
    marked = text.replace("*", "\ue000")  # a private letter, so that it stays in its word
    tokens: list[str] = []
    for piece in marked.split():
        tokens += _tokens(piece)
    bare = [token for token in tokens if token != "*"]
    if not bare:
        raise QueryError(f"{text!r} has no letter or digit to look for", line=line, column=column)
    if tokens[0] == "*" or tokens[-1] == "*":
        raise QueryError(
            "* alone stands for one word between others; it cannot begin or end a phrase", line=line, column=column
        )
    for token in bare:
        if "*" in token and len(token.replace("*", "")) < _WILDCARD_LETTERS:
            raise QueryError(
                f"{token!r} matches nearly everything; write at least {_WILDCARD_LETTERS} letters with *",
                line=line,
                column=column,
            )
    return Term(
        tuple(tokens), " ".join(exact.split()) if exact is not None else None, text if written is None else written
    )


def _tokens(piece: str) -> list[str]:
    """Folded words of a piece without white space; U+E000 stands for the wildcard."""
    if "\ue000" not in piece:
        return words(piece).folded
    if piece == "\ue000":
        return ["*"]
    # words() cuts at the private mark: put it back where a word touches it
    tokens: list[str] = []
    open_end = False
    for part in piece.replace("\ue000", "\n\ue000\n").split("\n"):
        if part == "\ue000":
            if tokens and open_end:
                tokens[-1] += "*"
            else:
                tokens.append("*")
            open_end = True
        elif part:
            found = words(part)
            if not found.folded:
                open_end = False
                continue
            glued = open_end and tokens and tokens[-1].endswith("*") and found.starts[0] == 0
            if glued:
                tokens[-1] += found.folded[0]
                tokens += found.folded[1:]
            else:
                tokens += found.folded
            open_end = found.ends[-1] == len(part)
    return [token for token in tokens if token]


def _has(name: Property, token: Token, operand: Any) -> Has:
    if operand.data not in {"word", "phrase"}:
        raise _error(f"{name}: takes one word or one phrase in quotation marks", token)
    raw = str(operand.children[0])
    value = raw[1:-1] if operand.data == "phrase" else raw
    if name in {"lang", "country"} and not (len(value) == 2 and value.isascii() and value.isalpha()):
        kind = "ISO 639-1 language code, like lang:uk" if name == "lang" else "ISO 3166-1 country code, like country:UA"
        raise _error(f"{value!r} is no {kind}", token)
    return Has(name, " ".join(map(fold, value.split())))


def _without_position(node: Node) -> str | None:
    """What in ``node`` has no place in the text, in words; None where all has."""
    match node:
        case Not():
            return "NOT"
        case And():
            return "AND"
        case Has():
            return f"{node.name}:"
        case Or():
            return next((wrong for child in node.children if (wrong := _without_position(child))), None)
        case Within():
            return _without_position(node.child)
        case _:
            return None


def _error(message: str, token: Token) -> QueryError:
    return QueryError(message, line=token.line or 1, column=token.column or 1)


# --- lark ------------------------------------------------------------------------------------------------------------

_SAID = {
    "_OR": "OR",
    "_AND": "AND",
    "_NOT": "NOT",
    "NEAR": "NEAR/n",
    "ONEAR": "ONEAR/n",
    "_OPEN": "(",
    "_CLOSE": ")",
    "FIELD": "field:",
    "EXACT": "=Exact",
    "EXACT_PHRASE": '="Exact phrase"',
    "PHRASE": '"phrase"',
    "LEXICON": "@name",
    "WORD": "a word",
    "$END": "the end of the query",
}


@cache
def _grammar() -> Lark:
    from lark import Lark

    text = resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="basic", maybe_placeholders=False)


def _parse_tree(text: str) -> Any:
    from lark import UnexpectedInput

    try:
        return _grammar().parse(text)
    except UnexpectedInput as error:
        raise _syntax_error(error, text) from None


def _syntax_error(error: UnexpectedInput, text: str) -> QueryError:
    from lark import UnexpectedCharacters, UnexpectedToken

    line, column = error.line, error.column
    if isinstance(error, UnexpectedToken):
        expected, token = error.accepts or error.expected, error.token
        if token in {"NEAR", "ONEAR"}:
            return QueryError(
                f"{token} needs a distance in words, like {token}/5", line=token.line or 1, column=token.column or 1
            )
        if token.type == "$END":
            line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
            found = "the query ends"
        else:
            line, column = token.line or 1, token.column or 1
            found = f"found {str(token)!r}"
            if token.lower() in {"and", "or", "not"} and token.type == "WORD":
                found += " (operators are written in capitals)"
    else:
        assert isinstance(error, UnexpectedCharacters)
        expected = error.allowed or set()
        found = f"found {error.char!r}"
        if error.char in '"“„«':
            found = "a quotation mark that is never closed"
    names = [said for kind, said in _SAID.items() if kind in expected]
    hint = (
        "; terms side by side need an operator between them, or quotation marks around a phrase"
        if "_OR" in expected and "WORD" not in expected
        else ""
    )
    return QueryError(f"{found}, expected {_listed(names)}{hint}", line=line, column=column)


def _listed(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
