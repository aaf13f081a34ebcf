"""Where in the config file a query's own line and column lie."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ruamel.yaml.nodes import ScalarNode

from monitor.config.tree import Path, Problem, Tree, key_name

_PLACED = re.compile(r"line (\d+), column (\d+): (.*)", re.DOTALL)


def place_in_file(tree: Tree, path: Path, said: Sequence[str]) -> list[Problem]:
    """Problems of the query at ``path``, said as ``line 2, column 5: what``, with the line and column in the file.

    Where the place cannot be told (escapes in quotes, folding with blank lines), the query's own numbers stay.
    """
    return [_placed(tree, path, text) for text in said]


def _placed(tree: Tree, path: Path, text: str) -> Problem:
    place, key = tree.places.get(path), key_name(path)
    match = _PLACED.fullmatch(text)
    node = place.node if place else None
    if not match or not isinstance(node, ScalarNode):
        return Problem(tree.line(path), key, text)
    line, column, what = int(match[1]), int(match[2]), match[3]
    found = _in_file(tree.text.split("\n"), node, line, column)
    if found is None:
        return Problem(tree.line(path), key, f"line {line}, column {column} of the query: {what}")
    return Problem(found[0], key, f"column {found[1]}: {what}")


def _in_file(lines: list[str], node: ScalarNode, line: int, column: int) -> tuple[int, int] | None:
    first, last = node.start_mark.line, node.end_mark.line
    if node.style in ("|", ">"):
        block = lines[first + 1 : last]
        indent = _indent(next((text for text in block if text.strip()), ""))
        if node.style == ">":
            return _in_folded(block, first + 2, indent, line, column)
        return first + 1 + line, indent + column
    if first == last and line == 1:
        quote = 1 if node.style in ("'", '"') else 0
        written = lines[first][node.start_mark.column + quote : node.end_mark.column - quote]
        return (first + 1, node.start_mark.column + quote + column) if written == node.value else None
    return None


def _in_folded(block: list[str], first: int, indent: int, line: int, column: int) -> tuple[int, int] | None:
    """A folded block is its lines joined by blanks; one with blank lines or deeper ones is folded otherwise."""
    if line != 1 or any(not text.strip() or _indent(text) != indent for text in block):
        return None
    for number, text in enumerate(block, first):
        length = len(text) - indent
        if column <= length + 1:
            return number, indent + column
        column -= length + 1
    return None


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
