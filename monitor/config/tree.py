"""YAML text -> plain values that remember their line in the file. Reports what is wrong with the YAML itself;
knows no key of config.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

Path = tuple[str | int, ...]  # ("feeds", 3, "url")

MAX_VALUES = 200_000  # aliases can make a small file unfold without end
_SCALAR_TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null", "timestamp")}
_MERGE = "tag:yaml.org,2002:merge"
_INF_NAN = {".inf": "inf", "-.inf": "-inf", "+.inf": "inf", ".nan": "nan"}

_OTHERWISE = re.compile("[\x85\u2028\u2029\ufeff]|^%", re.MULTILINE)
_MANY_BRACKETS = 10_000
_LONG_LINE = 5_000

# what ruamel says -> what a person can do about it; the first that is found in its text
_SYNTAX = (
    (
        "mapping values are not allowed",
        "a second ': ' that begins no key; put the text in quotes, or check the indentation",
    ),
    (r"'\\t'|\t", "a tab; indent with spaces"),
    (
        "could not find expected ':'",
        "no ': ' follows; a key needs one, and text over several lines needs quotes or '|'",
    ),
    ("expected <block end>", "this does not line up with the lines above; check the indentation, quotes and brackets"),
    ("expected ',' or '[]}]'", "a comma or closing bracket is missing; the bracket was opened on line {opened}"),
    ("while scanning a quoted scalar", "a quote that was opened on line {opened} is never closed"),
    ("found undefined alias", "'*' refers to an anchor that does not exist; put the text in quotes"),
    ("while scanning an (alias|anchor)", "'*' and '&' have a meaning in YAML; put the text in quotes"),
    ("unknown escape character", "a backslash in double quotes begins an escape; use single quotes"),
    ("cannot start any token", "this character cannot begin a value; put the text in quotes"),
    ("single document", "a second document begins here ('---'); one file holds one config"),
    ("block entries are not allowed", "'- ' cannot stand here; begin the list on a line of its own"),
    ("chomping or indentation|comment or a line break", "only a comment can follow '|' or '>' on the same line"),
    ("(scanning|parsing) a tag|tag handle", "'!' begins a tag in YAML; put the text in quotes"),
    ("directive", "'%' begins a directive in YAML; put the text in quotes"),
    ("expected the node content", "a value cannot begin like this; put the text in quotes, or check the brackets"),
    ("document start", "this cannot stand here: a key of the first level, like `feeds:`, begins at the very left"),
    ("mapping keys are not allowed", "a key cannot stand here; check the indentation"),
    ("duplicate anchor", "this anchor ('&') stands twice"),
)


class Problem(NamedTuple):
    """One thing that is wrong: its line in the file (from 1), the key it is about ("" for none), and what it is."""

    line: int
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: the line of its key or list dash, counted from 1, and its YAML node."""

    line: int
    node: Node


@dataclass(slots=True)
class Tree:
    """The values of a file. A key with nothing after it counts as not written: it has a place, but no value."""

    text: str
    data: dict[str, Any] = field(default_factory=dict)
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of the key at ``path``, or of the nearest one around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places[path].line if path else 1

    def report(self, path: Path, text: str) -> None:
        """Note a problem of the key at ``path``."""
        self.problems.append(Problem(self.line(path), key_name(path), text))


def key_name(path: Path) -> str:
    """``("feeds", 3, "url")`` -> ``feeds[3].url``; items count from 0."""
    name = ""
    for part in path:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name


def read_tree(raw: bytes) -> Tree:
    """Read the bytes of a YAML file. Never raises: what is wrong stands in ``problems``, the rest in ``data``."""
    try:
        tree = Tree(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return Tree("", problems=[Problem(line, "", "this is not UTF-8 text; save the file as UTF-8")])
    try:
        root = _compose(tree.text)
        if isinstance(root, MappingNode):
            tree.data = _Reader(tree).value(root, ())
        elif root is not None:
            tree.problems.append(Problem(root.start_mark.line + 1, "", "the file must begin with a key, like `feeds:`"))
    except YAMLError as error:
        tree.problems.append(_syntax_problem(error, tree.text))
    except RecursionError:
        tree.problems.append(Problem(1, "", "the values are nested too deeply"))
    except _TooMany as error:
        tree.problems.append(Problem(error.line, "", "the references ('*') here unfold to far too many values"))
    except (ValueError, TypeError, AttributeError, IndexError, AssertionError, KeyError) as error:
        # ruamel's scanner lets these through on malformed input
        tree.problems.append(Problem(1, "", f"this is no YAML that can be read ({error})"))
    return tree


def _compose(text: str) -> Node | None:
    """The nodes of a YAML text. Raises YAMLError and what ruamel's scanner lets through on malformed input.

    By libyaml where that can, in a seventh of the time. What it refuses is read again by the Python parser, which knows
    all of YAML 1.2 and says in known words what is wrong. So is what libyaml would take otherwise (YAML 1.1's ends of
    lines, directives), and what may be nested so deeply that its stack ends, and the process with it.
    """
    if not (_OTHERWISE.search(text) or _may_be_deep(text)):
        with suppress(YAMLError, ValueError):
            found: Node | None = YAML(typ="safe").compose(text)
            return found
    root: Node | None = YAML(typ="safe", pure=True).compose(text)
    return root


def _may_be_deep(text: str) -> bool:
    """Whether there are enough brackets, or long enough lines for indentation and dashes, to nest 15,000 values.

    libyaml's stack of 8 MB ends at 30,000.
    """
    return (
        text.count("[") + text.count("{") > _MANY_BRACKETS or max(map(len, text.splitlines()), default=0) > _LONG_LINE
    )


class _TooMany(Exception):
    def __init__(self, line: int) -> None:
        self.line = line


class _Reader:
    """Walks the nodes once; fills the tree's places and problems."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.count = 0
        self.open: set[int] = set()  # nodes being read: an alias to one of them would never end

    def value(self, node: Node, path: Path) -> Any:
        self.count += 1
        if self.count > MAX_VALUES:
            raise _TooMany(node.start_mark.line + 1)
        if id(node) in self.open:
            self.tree.report(path, "the reference ('*') leads back to itself")
            return None
        self.open.add(id(node))
        try:
            if isinstance(node, MappingNode):
                return {key: value for key, value in self._pairs(node, path) if value is not None}
            if isinstance(node, SequenceNode):
                return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, path) if isinstance(node, ScalarNode) else None
        finally:
            self.open.discard(id(node))

    def _item(self, node: Node, path: Path) -> Any:
        self.tree.places[path] = Place(node.start_mark.line + 1, node)
        return self.value(node, path)

    def _pairs(self, node: MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            name = key_node.value if isinstance(key_node, ScalarNode) else None
            inside = (*path, name or "?")
            if name is None:
                self._complain(line, inside, "a key must be plain text")
            elif key_node.tag == _MERGE:
                self._complain(line, inside, "merging with '<<' is not supported; write the keys out")
            elif name in seen:
                self._complain(line, inside, f"is written twice; first on line {seen[name]}")
            else:
                seen[name] = line
                self.tree.places[inside] = Place(line, value_node)
                yield name, self.value(value_node, inside)

    def _complain(self, line: int, path: Path, text: str) -> None:
        self.tree.problems.append(Problem(line, key_name(path), text))

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        text: str = node.value
        tag = str(node.tag)
        kind = _SCALAR_TAGS.get(tag)
        try:
            if kind == "int":
                digits = text.replace("_", "")
                return int(digits, 0) if re.match(r"[-+]?0[a-z]", digits) else int(digits)
            if kind == "float":
                return float(_INF_NAN.get(text.lower(), text.replace("_", "")))
        except ValueError:  # thousands of digits; a forced tag like `!!int x`
            return text
        if kind is None:
            self.tree.report(path, f"the tag {tag.replace('tag:yaml.org,2002:', '!!')} is not supported")
            return None
        return {"bool": text.lower() == "true", "null": None}.get(kind, text)


def _syntax_problem(error: YAMLError, text: str) -> Problem:
    if isinstance(error, ReaderError):
        before = text[: error.position] if isinstance(error.position, int) else ""
        return Problem(before.count("\n") + 1, "", "a character that cannot stand in YAML; remove it")
    if not isinstance(error, MarkedYAMLError):
        return Problem(1, "", f"this is no YAML that can be read ({_one_line(str(error))})")
    said = f"{error.context or ''} {error.problem or ''}"
    mark = error.problem_mark or error.context_mark
    opened = error.context_mark.line + 1 if error.context_mark else "?"
    words = next((words for pattern, words in _SYNTAX if re.search(pattern, said)), _one_line(said))
    line = mark.line + 1 if mark else 1
    if "never closed" in words and error.context_mark:
        line = error.context_mark.line + 1
    return Problem(line, "", words.replace("{opened}", str(opened)))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
