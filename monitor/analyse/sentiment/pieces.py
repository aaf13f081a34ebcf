"""Word pieces of a sentence and the marks on those of its target, as the neural scorers read them."""

from __future__ import annotations

Pieces = tuple[list[int], list[int]]  # piece numbers, and 1 for each piece of the target


def window(ids: list[int], marks: list[int], limit: int) -> Pieces:
    """At most ``limit`` pieces around the first one of the target; the first and last one are kept."""
    if len(ids) <= limit:
        return ids, marks
    target = marks.index(1) if 1 in marks else 0
    begin = max(1, min(target - limit // 2, len(ids) - limit + 1))
    inside = slice(begin, begin + limit - 2)
    return [ids[0], *ids[inside], ids[-1]], [0, *marks[inside], 0]
