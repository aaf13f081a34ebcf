"""Blocks of a page -> numbers that tell article text from the rest: what a block reads like, where it stands, and what
stands around it.

Every number is about form and place; words weigh in only as the page's own title and description, and as short lists
of stems that frame articles in many languages ("read also", "photo").
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from monitor.extract.blocks import BIT, ROLE_NAMES, Block, Layout
from monitor.extract.words import stems as words_of

Matrix = npt.NDArray[np.float32]

_TAGS = (
    *("p", "li", "div", "td", "h1", "h2", "h3", "h4", "blockquote", "figcaption", "section", "article"),
    *("header", "body", "pre", "dd"),
)
_LEAF_TAGS = frozenset(
    "p li h1 h2 h3 h4 h5 h6 ul ol blockquote td th tr tbody table dd dt dl figcaption figure pre".split()  # noqa: SIM905
)
_UNLIKE = (
    *("comment", "related", "nav", "footer", "side", "share", "subscribe", "ad", "author", "consent", "popup"),
    *("hidden", "tags", "caption"),
)
_UNLIKE_BITS = sum(BIT[name] for name in _UNLIKE)

_SENTENCE_END = re.compile(r"""[.!?…。！？:;؟।]["'”’»“)\]]*$""")
_STOPS = re.compile(r"[.!?…。！？؟।](?!\w)")
_COMMAS = re.compile(r"[,;:，、。،]")
_NOT_WORD = re.compile(r"\W+")
_WIDE = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# the first letters of a word: enough to meet its other inflections; scripts without spaces by pairs of signs
_STEM = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2}|\\b[^\\W\\d_]{3,5}")
_DATE = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[:.]\d{2}\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\bago\b|年\d")


def matrix(layout: Layout, title: str, description: str, stated_body: str) -> Matrix:
    """One row a block, one column a feature (float32).

    ``stated_body``: the articleBody of the page's own JSON-LD, "" where it has none.
    """
    blocks = layout.blocks
    if not blocks:
        return np.zeros((0, WIDTH), np.float32)
    stems = [set(_STEM.findall(block.text[:600].lower())) for block in blocks]
    about = set(_STEM.findall(f"{title} {description}".lower()))
    size = np.array([chars(block.text) for block in blocks], np.float32)
    length = np.array([len(block.text) for block in blocks], np.float32)
    link = np.minimum(1, np.array([block.link_chars for block in blocks], np.float32) / length)
    wording = _wording(blocks, stems, size, title, stated_body)
    like_prose = (size >= 80) & (link < 0.4) & (wording[:, 0] + wording[:, 1] > 0)
    prose = np.where(like_prose, size * (1 - link), 0).astype(np.float32)
    form = np.column_stack(
        (
            np.log1p(size),
            np.minimum(size, 80) / 80,
            np.minimum(size, 200) / 200,
            link,
            link > 0.9,
            np.minimum([block.links for block in blocks], 5),
            np.minimum(1, np.array([block.strong_chars for block in blocks], np.float32) / length),
            [block.breaks for block in blocks],
        )
    )
    columns = np.hstack(
        (form, wording, _place(layout, prose, size, link, wording), _meeting(layout, stems, about), _tags(layout))
    )
    return np.hstack((columns, _neighbours(columns))).astype(np.float32)


def chars(text: str) -> int:
    """Length in characters, a sign of a script without spaces counting as three."""
    return len(text) if text.isascii() else len(text) + 2 * len(_WIDE.findall(text))


def unlinked(layout: Layout) -> str:
    """All text that is not mostly links and stands in nothing that is named as an aside, a line a block."""
    if not layout.blocks:
        return ""
    own = [block.box for block in layout.blocks]
    held = _sums(layout, own, np.array([[chars(block.text)] for block in layout.blocks], np.float32))
    reach = _reach(layout, held[:, 0])
    return "\n".join(
        block.text
        for block in layout.blocks
        if block.link_chars < 0.4 * len(block.text) and not reach[block.box] & _UNLIKE_BITS
    )


# --- what a block reads like ---


def _wording(blocks: Sequence[Block], stems: Sequence[set[str]], size: Matrix, title: str, stated_body: str) -> Matrix:
    framing, credit = words_of("framing"), words_of("credit")
    title_stems = set(_STEM.findall(title.lower()))
    stated = _NOT_WORD.sub("", stated_body.lower())
    times: dict[str, int] = {}
    for block in blocks:
        times[block.text] = times.get(block.text, 0) + 1
    rows = []
    for block, words, length in zip(blocks, stems, size.tolist(), strict=True):
        text = block.text
        head = text[:80]
        frames = len(words & framing)
        shared = len(title_stems & words)
        digits = sum(map(str.isdigit, head)) / len(head)
        rows.append(
            (
                min(5, len(_STOPS.findall(text, 0, 240))),
                min(5, len(_COMMAS.findall(text, 0, 240))),
                _SENTENCE_END.search(text[-6:]) is not None,
                text[0] in "\"'“„«‘—–-",
                sum(map(str.isupper, head)) / len(head),
                digits,
                min(frames, 3),
                min(1.0, 3 * frames / (1 + len(words))),
                length < 250 and not words.isdisjoint(credit),
                digits > 0 and length < 100 and _DATE.search(text) is not None,
                shared / max(1, len(title_stems)),
                shared / max(1, len(words)),
                times[text] > 1,
                _stated(text, stated) if stated else 0.5,
            )
        )
    return np.array(rows, np.float32)


def _stated(text: str, stated: str) -> float:
    """How much of the block stands in the body that the page states: tried at its start, middle and end."""
    plain = _NOT_WORD.sub("", text.lower())
    if len(plain) <= 60:
        return float(len(plain) > 3 and plain in stated)
    middle = len(plain) // 2
    return sum(piece in stated for piece in (plain[:30], plain[middle - 15 : middle + 15], plain[-30:])) / 3


def _tags(layout: Layout) -> Matrix:
    tags = [layout.boxes[block.box].tag for block in layout.blocks]
    codes = np.array([_TAGS.index(tag) if tag in _TAGS else -1 for tag in tags])
    is_tag: Matrix = np.equal(codes[:, None], np.arange(len(_TAGS))).astype(np.float32)
    return is_tag


# --- where it stands ---


def _place(layout: Layout, prose: Matrix, size: Matrix, link: Matrix, wording: Matrix) -> Matrix:
    boxes, count = layout.boxes, len(layout.blocks)
    parent = np.array([max(box.parent, 0) for box in boxes])
    own = np.array([block.box for block in layout.blocks])
    holding = np.array(_holders(layout))
    holder, around = holding[own], parent[own]
    sums = _sums(layout, own.tolist(), np.column_stack((size, size * link, prose, np.ones(count, np.float32))))
    reach = np.array(_reach(layout, sums[:, 0]))
    flags = reach[own]
    likely = np.where(flags & _UNLIKE_BITS, prose * 0.3, prose)
    weight = np.array(_weights(layout, holder.tolist(), likely.tolist()))
    best = int(weight.argmax())
    aside, above, below = (np.array(values) for values in _relative(layout, best))
    total = max(float(prose.sum()), 1.0)
    alike = _alike(layout, own.tolist(), prose)
    repeated = _repeated(layout)
    before = np.cumsum(prose)
    number = np.arange(count, dtype=np.float32)
    heading = _heading(layout, wording[:, 10].tolist())
    past = number - heading if heading >= 0 else np.zeros(count)
    last = int(np.nonzero(prose)[0].max()) if prose.any() else count
    named = np.array([box.roles for box in boxes])
    scalars = np.column_stack(
        (
            (aside[holder] == 0) & (above[holder] == 0),
            np.minimum(aside[holder], 6),
            np.minimum(above[holder], 6),
            np.minimum(aside[own], 8),
            aside[holder] == 0,
            above[holder] == 0,
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
            np.full(count, math.log1p(total)),
            np.full(count, sums[best, 2] / total),
            np.full(count, math.log1p(count)),
        )
    )
    bits = np.array([BIT[name] for name in ROLE_NAMES])
    roles = [(mask[:, None] & bits) != 0 for mask in (flags, below[own], named[own] | named[around])]
    return np.hstack((scalars, *roles)).astype(np.float32)


def _share(sums: Matrix, index: npt.NDArray[np.int64]) -> Matrix:
    """The share of links in the text of the boxes at ``index``."""
    share: Matrix = sums[index, 1] / np.maximum(1, sums[index, 0])
    return share


def _holders(layout: Layout) -> list[int]:
    """For each box, the nearest at or around it that is no paragraph, list or table itself."""
    holders: list[int] = []
    for index, box in enumerate(layout.boxes):
        holders.append(holders[box.parent] if box.tag in _LEAF_TAGS and box.parent >= 0 else index)
    return holders


def _sums(layout: Layout, own: Sequence[int], values: Matrix) -> Matrix:
    """For each box, the sums of the values of all blocks in it."""
    totals = np.zeros((len(layout.boxes), values.shape[1]))
    np.add.at(totals, own, values)
    sums = totals.tolist()
    for index in range(len(sums) - 1, 0, -1):
        row = sums[index]
        if row[0]:
            around = sums[layout.boxes[index].parent]
            for column, value in enumerate(row):
                around[column] += value
    return np.array(sums, np.float32)


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


def _relative(layout: Layout, best: int) -> tuple[list[int], list[int], list[int]]:
    """For each box: steps from the chain of boxes around the best one, how far up that chain, roles named below it."""
    chain: dict[int, int] = {}
    index, steps = best, 0
    while index >= 0:
        chain[index] = steps
        index, steps = layout.boxes[index].parent, steps + 1
    aside: list[int] = []
    above: list[int] = []
    below: list[int] = []
    for index, box in enumerate(layout.boxes):
        on_chain = chain.get(index)
        aside.append(0 if on_chain is not None else aside[box.parent] + 1)
        above.append(on_chain if on_chain is not None else above[box.parent])
        below.append(0 if on_chain is not None else below[box.parent] | box.roles)
    return aside, above, below


def _alike(layout: Layout, own: Sequence[int], prose: Matrix) -> Matrix:
    """For each block, the prose in all blocks whose element and the one around it have the same tag and class."""
    boxes = layout.boxes
    keys = [(boxes[index].signature, boxes[boxes[index].parent].signature) for index in own]
    sums: dict[tuple[str, str], float] = {}
    for key, amount in zip(keys, prose.tolist(), strict=True):
        sums[key] = sums.get(key, 0.0) + amount
    return np.array([sums[key] for key in keys], np.float32)


def _repeated(layout: Layout) -> Matrix:
    """For each box, the logarithm of how many have its tag and class: teasers come in rows, articles alone."""
    times: dict[str, int] = {}
    for box in layout.boxes:
        times[box.signature] = times.get(box.signature, 0) + 1
    return np.array([math.log(times[box.signature]) for box in layout.boxes], np.float32)


def _heading(layout: Layout, shared: Sequence[float]) -> int:
    """Which block is the headline: an h1, else h2, with most of the title's words; -1 where there is none."""
    tags = [layout.boxes[block.box].tag for block in layout.blocks]
    for wanted in ("h1", "h2"):
        for index, tag in enumerate(tags):
            if tag == wanted and shared[index] >= 0.5:
                return index
    return -1


def _meeting(layout: Layout, stems: Sequence[set[str]], about: set[str]) -> Matrix:
    """How far the words of title and description stand in each block, in its holder, and there against the best one."""
    about = {stem for stem in about if len(stem) > 3 or not stem.isascii()}
    holders = _holders(layout)
    holder = [holders[block.box] for block in layout.blocks]
    found = [about & words for words in stems]
    held: dict[int, set[str]] = {}
    for index, some in zip(holder, found, strict=True):
        if some:
            held.setdefault(index, set()).update(some)
    whole = np.array([len(held.get(index, ())) for index in holder], np.float32)
    each = np.array([len(some) for some in found], np.float32)
    return np.column_stack(
        (
            np.minimum(each, 6) / 6,
            each / max(1, len(about)),
            whole / max(1, len(about)),
            whole / max(1.0, float(whole.max())),
        )
    )


# --- what stands around it ---

_FORM, _WORDING, _SCALARS, _MEETING = 8, 14, 30, 4
_BEFORE_PLACE = _FORM + _WORDING
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
    _BEFORE_PLACE + _SCALARS + 3 * len(ROLE_NAMES) + _MEETING,
)
_REACH = 3
WIDTH = _BEFORE_PLACE + _SCALARS + 3 * len(ROLE_NAMES) + _MEETING + len(_TAGS) + len(_CONTEXT) * 2 * _REACH


def _neighbours(columns: Matrix) -> Matrix:
    """Some features of the three blocks before and after; -1 where there is none."""
    count = len(columns)
    padded = np.full((count + 2 * _REACH, len(_CONTEXT)), -1, np.float32)
    padded[_REACH : _REACH + count] = columns[:, _CONTEXT]
    return np.hstack([padded[step : step + count] for step in range(2 * _REACH + 1) if step != _REACH])
