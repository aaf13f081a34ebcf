"""Blocks of a page -> numbers that tell article text from the rest: what a block reads like, where it stands, and what
stands around it.

Every number is about form and place; words weigh in only as the page's own title and description, and as short lists
of stems that frame articles in many languages ("read also", "photo").
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from monitor.extract.blocks import BIT, ROLE_NAMES, Block, Layout
from monitor.extract.words import stems as words_of

Matrix = npt.NDArray[np.float32]
_Index = npt.NDArray[np.int64]

_TAGS = (
    *("p", "li", "div", "td", "h1", "h2", "h3", "h4", "blockquote", "figcaption", "section", "article"),
    *("header", "body", "pre", "dd"),
)
_TAG_NUMBERS = {tag: number for number, tag in enumerate(_TAGS)}
_LEAF_TAGS = frozenset(
    "p li h1 h2 h3 h4 h5 h6 ul ol blockquote td th tr tbody table dd dt dl figcaption figure pre".split()  # noqa: SIM905
)
_UNLIKE = (
    *("comment", "related", "nav", "footer", "side", "share", "subscribe", "ad", "author", "consent", "popup"),
    *("hidden", "tags", "caption"),
)
_UNLIKE_BITS = sum(BIT[name] for name in _UNLIKE)
_BITS = np.array([BIT[name] for name in ROLE_NAMES])

_SENTENCE_END = re.compile(r"""[.!?…。！？:;؟।]["'”’»“)\]]*$""")
_STOPS = re.compile(r"[.!?…。！？؟।](?!\w)")
_COMMAS = re.compile(r"[,;:，、。،]")
_WORD = re.compile(r"\w+")
_ASCII_MARKS = {number: None for number in range(128) if not _WORD.match(chr(number))}
_WIDE = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# the first letters of a word: enough to meet its other inflections; scripts without spaces by pairs of signs
_STEM = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2}|\\b[^\\W\\d_]{3,5}")
# the same in less time: for text that has no such sign, and for plain ASCII
_STEM_NARROW = re.compile(r"(?<!\w)[^\W\d_]{3,5}")
_STEM_ASCII = re.compile(r"(?<!\w)[a-z]{3,5}", re.ASCII)
_DATE = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[:.]\d{2}\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\bago\b|年\d")


# --- the columns: form, wording, place (numbers, then roles thrice), meeting, tags; then those of the neighbours ---

_FORM, _WORDING, _SCALARS, _MEETING = 8, 14, 30, 4
_BEFORE_PLACE = _FORM + _WORDING
_BEFORE_MEETING = _BEFORE_PLACE + _SCALARS + 3 * len(ROLE_NAMES)
_BEFORE_TAGS = _BEFORE_MEETING + _MEETING
_BEFORE_CONTEXT = _BEFORE_TAGS + len(_TAGS)
# size, share of links, sentence end, frame words, stated, in the best holder, distance from it, alike, repeated, is a p
_CONTEXT = (
    0,
    3,
    _FORM + 2,
    _FORM + 6,
    _FORM + 13,
    _BEFORE_PLACE,
    _BEFORE_PLACE + 1,
    _BEFORE_PLACE + 16,
    _BEFORE_PLACE + 24,
    _BEFORE_TAGS,
)
_REACH = 3
WIDTH = _BEFORE_CONTEXT + len(_CONTEXT) * 2 * _REACH


def matrix(layout: Layout, title: str, description: str, stated_body: str) -> Matrix:
    """One row a block, one column a feature (float32).

    ``stated_body``: the articleBody of the page's own JSON-LD, "" where it has none.
    """
    blocks = layout.blocks
    rows = np.zeros((len(blocks), WIDTH), np.float32)  # filled column by column: joining parts would copy them twice
    if not blocks:
        return rows
    numbers: dict[str, int] = {}  # of the texts, each measured once: one block in five repeats another
    which = np.array([numbers.setdefault(block.text, len(numbers)) for block in blocks])
    texts = list(numbers)
    stems = [_stems(text) for text in texts]
    sizes = np.array([chars(text) for text in texts], np.float32)
    size, length = sizes[which], np.array([len(text) for text in texts], np.float32)[which]
    link = np.minimum(1, np.array([block.link_chars for block in blocks], np.float32) / length)
    _fill(rows, 0, _form(blocks, size, length, link))
    wording = np.empty((len(texts), _WORDING), np.float32)
    _fill(wording, 0, _wording(texts, stems, sizes, np.bincount(which), title, stated_body))
    rows[:, _FORM:_BEFORE_PLACE] = wording[which]
    like_prose = (size >= 80) & (link < 0.4) & (rows[:, _FORM] + rows[:, _FORM + 1] > 0)
    prose = np.where(like_prose, size * (1 - link), 0).astype(np.float32)
    holders = _holders(layout)
    _place(rows, layout, holders, prose, size, link)
    about = set(_STEM.findall(f"{title} {description}".lower()))
    _fill(rows, _BEFORE_MEETING, _meeting(layout, holders, [stems[number] for number in which.tolist()], about))
    _tags(rows, layout)
    _neighbours(rows)
    return rows


def _fill(rows: Matrix, start: int, columns: Iterable[npt.ArrayLike]) -> None:
    for number, values in enumerate(columns, start):
        rows[:, number] = values


def chars(text: str) -> int:
    """Length in characters, a sign of a script without spaces counting as three."""
    return len(text) if text.isascii() else len(text) + 2 * len(_WIDE.findall(text))


def unlinked(layout: Layout) -> str:
    """All text that is not mostly links and stands in nothing that is named as an aside, a line a block."""
    if not layout.blocks:
        return ""
    own = np.array([block.box for block in layout.blocks])
    held = _sums(layout, own, [np.array([chars(block.text) for block in layout.blocks], np.float32)])
    reach = _reach(layout, held[:, 0])
    return "\n".join(
        block.text
        for block in layout.blocks
        if block.link_chars < 0.4 * len(block.text) and not reach[block.box] & _UNLIKE_BITS
    )


# --- what a block reads like ---


def _stems(text: str) -> set[str]:
    start = text[:600].lower()
    if start.isascii():
        return set(_STEM_ASCII.findall(start))
    return set((_STEM if _WIDE.search(start) else _STEM_NARROW).findall(start))


def _form(blocks: Sequence[Block], size: Matrix, length: Matrix, link: Matrix) -> Iterable[npt.ArrayLike]:
    return (
        np.log1p(size),
        np.minimum(size, 80) / 80,
        np.minimum(size, 200) / 200,
        link,
        link > 0.9,
        [min(block.links, 5) for block in blocks],
        np.minimum(1, np.array([block.strong_chars for block in blocks], np.float32) / length),
        [block.breaks for block in blocks],
    )


def _wording(
    texts: Sequence[str], stems: Sequence[set[str]], size: Matrix, times: _Index, title: str, stated_body: str
) -> Iterable[npt.ArrayLike]:
    framing, credit = words_of("framing"), words_of("credit")
    title_stems = set(_STEM.findall(title.lower()))
    stated = _bare(stated_body)
    upper, digits = _capitals_and_digits([text[:80] for text in texts])
    known = np.array([len(words) for words in stems])
    frames = np.array([len(words & framing) for words in stems])
    shared = np.array([len(title_stems & words) for words in stems])
    return (
        [min(5, len(_STOPS.findall(text, 0, 240))) for text in texts],
        [min(5, len(_COMMAS.findall(text, 0, 240))) for text in texts],
        [_SENTENCE_END.search(text[-6:]) is not None for text in texts],
        [text[0] in "\"'“„«‘—–-" for text in texts],
        upper,
        digits,
        np.minimum(frames, 3),
        np.minimum(1, 3 * frames / (1 + known)),
        (size < 250) & np.array([not words.isdisjoint(credit) for words in stems]),
        [
            share > 0 and signs < 100 and _DATE.search(text) is not None
            for text, share, signs in zip(texts, digits.tolist(), size.tolist(), strict=True)
        ],
        shared / max(1, len(title_stems)),
        shared / np.maximum(1, known),
        times > 1,
        [_stated(text, stated) for text in texts] if stated else 0.5,
    )


def _capitals_and_digits(heads: Sequence[str]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The shares of capital letters and of digits in each text, none empty: all at once, not a call a sign."""
    lengths = np.array([len(head) for head in heads])
    starts = np.cumsum(lengths) - lengths
    signs = np.frombuffer("".join(heads).encode("utf-32-le", "surrogatepass"), "<U1")
    upper, digits = (
        np.add.reduceat(found, starts, dtype=np.int64)
        for found in (np.strings.isupper(signs), np.strings.isdigit(signs))
    )
    return upper / lengths, digits / lengths


def _bare(text: str) -> str:
    """Letters, digits and underscores of the text, in lower case."""
    lower = text.lower()
    return lower.translate(_ASCII_MARKS) if lower.isascii() else "".join(_WORD.findall(lower))


def _stated(text: str, stated: str) -> float:
    """How much of the block stands in the body that the page states: tried at its start, middle and end."""
    plain = _bare(text)
    if len(plain) <= 60:
        return float(len(plain) > 3 and plain in stated)
    middle = len(plain) // 2
    return sum(piece in stated for piece in (plain[:30], plain[middle - 15 : middle + 15], plain[-30:])) / 3


def _tags(rows: Matrix, layout: Layout) -> None:
    for row, block in enumerate(layout.blocks):
        number = _TAG_NUMBERS.get(layout.boxes[block.box].tag)
        if number is not None:
            rows[row, _BEFORE_TAGS + number] = 1


# --- where it stands ---


def _place(rows: Matrix, layout: Layout, holders: Sequence[int], prose: Matrix, size: Matrix, link: Matrix) -> None:
    boxes, count = layout.boxes, len(layout.blocks)
    parent = np.array([max(box.parent, 0) for box in boxes])
    own = np.array([block.box for block in layout.blocks])
    holder, around = np.array(holders)[own], parent[own]
    sums = _sums(layout, own, (size, size * link, prose, np.ones(count, np.float32)))
    flags = np.array(_reach(layout, sums[:, 0]))[own]
    likely = np.where(flags & _UNLIKE_BITS, prose * 0.3, prose)
    weight = np.array(_weights(layout, holder.tolist(), likely.tolist()))
    best = int(weight.argmax())
    aside, above, below = _relative(layout, best)
    aside_holder, above_holder = aside[holder], above[holder]
    total = max(float(prose.sum()), 1.0)
    kinds = _kinds(layout)
    alike = _alike(kinds, own, around, prose)
    repeated = np.log(np.bincount(kinds))[kinds]
    before = np.cumsum(prose)
    number = np.arange(count, dtype=np.float32)
    heading = _heading(layout, rows[:, _FORM + 10].tolist())
    past = number - heading if heading >= 0 else np.zeros(count)
    last = int(np.nonzero(prose)[0].max()) if prose.any() else count
    named = np.array([box.roles for box in boxes])
    scalars: tuple[npt.ArrayLike, ...] = (
        (aside_holder == 0) & (above_holder == 0),
        np.minimum(aside_holder, 6),
        np.minimum(above_holder, 6),
        np.minimum(aside[own], 8),
        aside_holder == 0,
        above_holder == 0,
        weight[holder] / max(1.0, weight[best]),
        sums[holder, 2] / total,
        sums[around, 2] / total,
        _share(sums, holder),
        _share(sums, around),
        _share(sums, own),
        np.log1p(sums[holder, 2]),
        np.log1p(sums[holder, 3]),
        np.log1p(sums[holder, 0] / np.maximum(1, sums[holder, 3])),
        alike / total,
        alike / max(1.0, float(alike.max())),
        (before - prose) / total,
        1 - before / total,
        number / count,
        np.sign(past),
        np.clip(past, -10, 10),
        number == heading,
        number > last,
        repeated[own],
        repeated[holder],
        repeated[parent[holder]],
        math.log1p(total),
        sums[best, 2] / total,
        math.log1p(count),
    )
    _fill(rows, _BEFORE_PLACE, scalars)
    masks = np.stack((flags, below[own], named[own] | named[around]), axis=1)
    rows[:, _BEFORE_PLACE + _SCALARS : _BEFORE_MEETING] = ((masks[:, :, None] & _BITS) != 0).reshape(count, -1)


def _share(sums: Matrix, index: _Index) -> Matrix:
    """The share of links in the text of the boxes at ``index``."""
    share: Matrix = sums[index, 1] / np.maximum(1, sums[index, 0])
    return share


def _holders(layout: Layout) -> list[int]:
    """For each box, the nearest at or around it that is no paragraph, list or table itself."""
    holders: list[int] = []
    for index, box in enumerate(layout.boxes):
        holders.append(holders[box.parent] if box.tag in _LEAF_TAGS and box.parent >= 0 else index)
    return holders


def _sums(layout: Layout, own: _Index, values: Sequence[Matrix]) -> Matrix:
    """For each box, the sums of the values of all blocks in it. A box and those in it stand in one row."""
    boxes = layout.boxes
    running = np.zeros((len(boxes) + 1, len(values)))
    for column, each in enumerate(values):
        np.cumsum(np.bincount(own, each, len(boxes)), out=running[1:, column])
    sums: Matrix = (running[[box.end for box in boxes]] - running[:-1]).astype(np.float32)
    return sums


def _reach(layout: Layout, held: Matrix) -> list[int]:
    """For each box, the roles named on it and around it; none calls the larger part of a page an aside."""
    limit = 0.5 * float(held[0])
    reach: list[int] = []
    for box, size in zip(layout.boxes, held.tolist(), strict=True):
        own = box.roles & ~_UNLIKE_BITS if size > limit else box.roles
        reach.append(own | reach[box.parent] if box.parent >= 0 else own)
    return reach


def _weights(layout: Layout, holder: Sequence[int], prose: Sequence[float]) -> list[float]:
    """Prose under each box, less the farther below it stands (after Arc90's readability)."""
    weight = [0.0] * len(layout.boxes)
    for start, amount in zip(holder, prose, strict=True):
        index, share = start, amount
        for factor in (0.75, 0.6, 0.6, 0.6, 0.6):
            if not share or index < 0:
                break
            weight[index] += share
            share *= factor
            index = layout.boxes[index].parent
    return weight


def _relative(layout: Layout, best: int) -> tuple[_Index, _Index, _Index]:
    """For each box: steps from the chain of boxes around the best one, how far up that chain, roles named below it."""
    boxes = layout.boxes
    chain: list[int] = []
    index = best
    while index >= 0:
        chain.append(index)
        index = boxes[index].parent
    above = np.zeros(len(boxes), np.int64)
    for steps in range(len(chain) - 1, -1, -1):  # from the outermost in: each overwrites what stands in it
        above[chain[steps] : boxes[chain[steps]].end] = steps
    on_chain = set(chain)
    aside: list[int] = []
    below: list[int] = []
    for index, box in enumerate(boxes):
        if index in on_chain:
            aside.append(0)
            below.append(0)
        else:
            aside.append(aside[box.parent] + 1)
            below.append(below[box.parent] | box.roles)
    return np.array(aside), above, np.array(below)


def _kinds(layout: Layout) -> _Index:
    """For each box, the number of its tag and class."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(box.signature, len(numbers)) for box in layout.boxes])


def _alike(kinds: _Index, own: _Index, around: _Index, prose: Matrix) -> Matrix:
    """For each block, the prose in all blocks whose element and the one around it have the same tag and class."""
    _, pairs = np.unique(kinds[own] * len(kinds) + kinds[around], return_inverse=True)
    alike: Matrix = np.bincount(pairs, prose)[pairs].astype(np.float32)
    return alike


def _heading(layout: Layout, shared: Sequence[float]) -> int:
    """Which block is the headline: an h1, else h2, with most of the title's words; -1 where there is none."""
    tags = [layout.boxes[block.box].tag for block in layout.blocks]
    for wanted in ("h1", "h2"):
        for index, tag in enumerate(tags):
            if tag == wanted and shared[index] >= 0.5:
                return index
    return -1


def _meeting(
    layout: Layout, holders: Sequence[int], stems: Sequence[set[str]], about: set[str]
) -> Iterable[npt.ArrayLike]:
    """How far the words of title and description stand in each block, in its holder, and there against the best one."""
    about = {stem for stem in about if len(stem) > 3 or not stem.isascii()}
    holder = [holders[block.box] for block in layout.blocks]
    found = [about & words for words in stems]
    held: dict[int, set[str]] = {}
    for index, some in zip(holder, found, strict=True):
        if some:
            held.setdefault(index, set()).update(some)
    whole = np.array([len(held.get(index, ())) for index in holder], np.float32)
    each = np.array([len(some) for some in found], np.float32)
    return (
        np.minimum(each, 6) / 6,
        each / max(1, len(about)),
        whole / max(1, len(about)),
        whole / max(1.0, float(whole.max())),
    )


# --- what stands around it ---


def _neighbours(rows: Matrix) -> None:
    """Some features of the three blocks before and after; -1 where there is none."""
    count, width = len(rows), len(_CONTEXT)
    padded = np.full((count + 2 * _REACH, width), -1, np.float32)
    padded[_REACH : _REACH + count] = rows[:, _CONTEXT]
    for place, step in enumerate(step for step in range(2 * _REACH + 1) if step != _REACH):
        start = _BEFORE_CONTEXT + place * width
        rows[:, start : start + width] = padded[step : step + count]
