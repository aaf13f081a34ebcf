"""Finds the words inside quotation marks, in every style, with marks left open, nested or closed by the wrong sign.

Knows glyphs and blanks only: who speaks, and whether the words are a statement or a title, is decided elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from monitor.text import Span, paragraphs

# glyph -> the glyph that closes it; a glyph may both open and close (German „…“ against English “…”, Swedish ”…”)
_CLOSED_BY = {
    "«": "»",
    "»": "«»",
    "„": '“”"',
    "“": '”"',
    "”": "”",
    '"': '"',
    "‟": "”",
    "‘": "’'",
    "‚": "‘’",
    "'": "'",
    "‹": "›",
    "›": "‹",
}
_SINGLE = frozenset("'‘’‚‹›")
_OPENS = frozenset("«„“‘‚‹‟")
_CLOSES = frozenset("»”’›")
_MARK = re.compile("[«»„“”\"‟‘’‚'‹›]")
_BEFORE_OPENING = frozenset(" \t\n\u00a0\u202f\u2009([{-–—:/>.,;…")
_AFTER_CLOSING = frozenset(" \t\n\u00a0\u202f\u2009)]}-–—:/.,;…!?<")
_BLANK = frozenset(" \t\n\u00a0\u202f\u2009")
# "we 've", "'90s", "rock 'n' roll": an apostrophe after a blank that opens nothing
_CONTRACTION = re.compile(r"(?:ve|re|ll|s|d|m|t|n|em|tis|twas|cause|\d)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quoted:
    """Words between two marks. ``start`` and ``end`` leave out the marks and outer blanks."""

    start: int
    end: int
    outer_start: int  # the opening mark, or ``start`` where there is none
    outer_end: int  # after the closing mark
    paragraph: int  # index into ``paragraphs(text)``
    opened: bool = True  # False: it goes on from the paragraph before, with or without a mark
    closed: bool = True  # False: cut off by the end of its paragraph


def quoted(text: str) -> list[Quoted]:
    """Everything between quotation marks, in order; the outermost pair where marks are nested. Spans never overlap."""
    found: list[Quoted] = []
    is_open = False  # the paragraph before ended inside a quotation
    spans = paragraphs(text)
    for number, (start, end) in enumerate(spans):
        marks = [match.start() for match in _MARK.finditer(text, start, end)]
        if not marks:
            is_open = False
            continue
        pairs, is_open = _pairs_of(text, start, end, marks, goes_on=is_open)
        for outer_start, outer_end, opened, closed in pairs:
            one = _trimmed(text, outer_start, outer_end, number, opened=opened, closed=closed)
            if one is not None:
                found.append(one)
    return found


def _pairs_of(
    text: str, start: int, end: int, marks: list[int], *, goes_on: bool
) -> tuple[list[tuple[int, int, bool, bool]], bool]:
    """(outer start, outer end, opened, closed) of one paragraph, and whether it ends inside a quotation."""
    pairs: list[tuple[int, int, bool, bool]] = []
    inner: list[tuple[int, int]] = []  # closed pairs inside the outermost open one
    stack: list[int] = []
    for at in marks:
        glyph = text[at]
        if stack and _can_close(text, at, start, end, stack):
            depth = _closes(text, stack, glyph)
            if depth is not None:
                opening = stack[depth]
                del stack[depth:]
                if stack:
                    inner.append((opening, at + 1))
                else:
                    pairs.append((opening, at + 1, True, True))
                    inner.clear()
                continue
        if _can_open(text, at, start, end, inside=bool(stack)):
            stack.append(at)
        elif not pairs and not stack and _is_stray_closing(text, at, start, end, goes_on=goes_on):
            pairs.append((start, at + 1, False, True))
    while stack and text[stack[0]] in _SINGLE:  # an apostrophe taken for a mark
        stack.pop(0)
    if not stack:
        return pairs, False
    return _with_rest(text, end, pairs, stack[0], inner)


def _with_rest(
    text: str, end: int, pairs: list[tuple[int, int, bool, bool]], opening: int, inner: list[tuple[int, int]]
) -> tuple[list[tuple[int, int, bool, bool]], bool]:
    """What to make of an opening mark that its paragraph does not close."""
    closed_inside = [pair for pair in inner if pair[0] > opening and text[pair[0]] not in _SINGLE]
    if closed_inside:
        last = closed_inside[-1][1]
        if text[last : last + 1] in (",", "") or text[last : last + 3].lstrip(" ,")[:1] in ("—", "–", "-"):
            return [*pairs, (opening, last, True, True)], False  # «… «…», said X: one closing mark for two
        return [*pairs, *((a, b, True, True) for a, b in closed_inside)], False
    if text[opening + 1 : opening + 2] in _BLANK and text[opening] not in "«":
        return pairs, False  # „ alone: a page's ornament
    return [*pairs, (opening, end, True, False)], True


def _can_open(text: str, at: int, start: int, end: int, *, inside: bool) -> bool:
    glyph = text[at]
    before = text[at - 1] if at > start else " "
    after = text[at + 1] if at + 1 < end else ""
    if not after:
        return False
    if glyph in _SINGLE:
        if before not in _BEFORE_OPENING and before not in '«„“"':
            return False
        if after in _BLANK or (not after.isalnum() and after not in "[(…@#"):
            return False
        return glyph in "‘‚‹" or (glyph == "'" and not _CONTRACTION.match(text, at + 1))
    if after in _BLANK:
        # « Oui », and marks that a tokeniser set apart; a closing glyph between blanks opens nothing
        return glyph in "«„“" or (glyph == '"' and not inside and before in _BLANK)
    if after in ",;:.!?)" and text[at + 1 : at + 3] not in ("..", "(."):
        return False
    if before in _BEFORE_OPENING or before in "'’‘«„“\"":
        return glyph not in "»" or not inside
    return glyph in "«„" or (glyph == "“" and not inside and after.isalnum())


def _can_close(text: str, at: int, start: int, end: int, stack: list[int]) -> bool:
    glyph = text[at]
    before = text[at - 1] if at > start else " "
    after = text[at + 1] if at + 1 < end else " "
    if glyph in "»" or glyph == "”":
        return not (before in _BLANK and after.isalnum() and glyph == "”")
    if glyph in _SINGLE:
        return (after in _AFTER_CLOSING or after in '”»“"') and not (before in _BLANK and glyph == "‘")
    if after in _AFTER_CLOSING or after in "”»“\"’'«":
        return before not in _BLANK or (after in ".,;:!?" or (glyph == '"' and after in _BLANK))
    return glyph in '“"«' and before not in _BEFORE_OPENING and not after.isalnum()


def _closes(text: str, stack: list[int], glyph: str) -> int | None:
    """Depth in the stack of the mark that ``glyph`` closes, None where it closes nothing."""
    for depth in range(len(stack) - 1, -1, -1):
        if glyph in _CLOSED_BY[text[stack[depth]]]:
            return depth
    if glyph in _SINGLE:
        return None
    doubles = [depth for depth, at in enumerate(stack) if text[at] not in _SINGLE]
    return doubles[-1] if doubles else None  # «…« and “…": closed by the wrong sign


def _is_stray_closing(text: str, at: int, start: int, end: int, *, goes_on: bool) -> bool:
    """Whether a closing mark without an opening one ends a quotation that began with the paragraph or before it."""
    glyph = text[at]
    if glyph in _SINGLE or at == start:
        return False
    after = text[at + 1] if at + 1 < end else " "
    if not (after in _AFTER_CLOSING or glyph in _CLOSES):
        return False
    # a live blog's paragraph that lost its first mark: only where the mark ends the whole paragraph
    return goes_on or (glyph in _CLOSES and at + 1 >= end)


def _trimmed(text: str, outer_start: int, outer_end: int, number: int, *, opened: bool, closed: bool) -> Quoted | None:
    start = outer_start + 1 if opened else outer_start
    end = outer_end - 1 if closed else outer_end
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Quoted(start, end, outer_start, outer_end, number, opened, closed) if start < end else None


def words_in(text: str, span: Span) -> int:
    """Number of words of a span."""
    return len(re.findall(r"\w+(?:['’.,-]\w+)*", text[span[0] : span[1]]))
