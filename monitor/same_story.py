"""Finds wire copies: which earlier story a text reuses the wording of. Pure; earlier stories come in as sketches.

A text is sketched by its 5-word shingles (Broder 1997, "On the resemblance and containment of documents"); a copy is a
text whose shingles are contained in an earlier one's, however it was cut, re-headlined or lightly edited.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

SHINGLE_WORDS = 5
COPY_CONTAINMENT = 0.34  # shared part of the shorter text's shingles; best on the labelled development pairs
MIN_SHARED = 8  # shingles: one shared quotation of a dozen words makes no copy of a short item
MAX_HASHES = 512  # longer texts keep every 2nd, 4th, ... shingle: containment is estimated without bias

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Sketch:
    """The shingles of a text as 64-bit hashes: those that are divisible by ``2**level``."""

    level: int
    hashes: frozenset[int]

    def to_bytes(self) -> bytes:
        """For the store."""
        return bytes([self.level]) + array("Q", sorted(self.hashes)).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Sketch:
        """What ``to_bytes`` made."""
        hashes = array("Q")
        hashes.frombytes(data[1:])
        return cls(data[0], frozenset(hashes))


@dataclass(frozen=True, slots=True)
class Copy:
    """An earlier story whose wording a text reuses."""

    story_id: int
    containment: float  # 0..1


def sketch(text: str) -> Sketch:
    """The sketch of a text; title and outlet are left out, since copies change them."""
    words = [word.casefold() for word in _WORD.findall(text)]
    grams = {" ".join(words[i : i + SHINGLE_WORDS]) for i in range(len(words) - SHINGLE_WORDS + 1)}
    hashes = {int.from_bytes(hashlib.blake2b(gram.encode(), digest_size=8).digest(), "little") for gram in grams}
    level = 0
    while len(hashes) > MAX_HASHES:
        level += 1
        hashes = {value for value in hashes if value % (1 << level) == 0}
    return Sketch(level, frozenset(hashes))


def containment(a: Sketch, b: Sketch) -> tuple[float, int]:
    """Share of the smaller text's shingles that the other has too, and how many those are."""
    level = max(a.level, b.level)
    one, other = _at(a, level), _at(b, level)
    smaller = min(len(one), len(other))
    if not smaller:
        return 0.0, 0
    shared = len(one & other)
    return shared / smaller, shared << level


def _at(one: Sketch, level: int) -> frozenset[int]:
    if one.level == level:
        return one.hashes
    return frozenset(value for value in one.hashes if value % (1 << level) == 0)


@dataclass
class Recent:
    """The sketches of the latest stories, searched by an inverted index. Oldest first, at most ``capacity``."""

    capacity: int = 20_000
    sketches: OrderedDict[int, Sketch] = field(default_factory=OrderedDict)
    _stories: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, stored: Iterable[tuple[int, bytes]]) -> Recent:
        """From (story id, sketch) as the store has them, oldest first."""
        recent = cls()
        for story_id, data in stored:
            recent.add(story_id, Sketch.from_bytes(data))
        return recent

    def add(self, story_id: int, made: Sketch) -> None:
        """Remember a story; the oldest is forgotten when there are too many."""
        self.sketches[story_id] = made
        for value in made.hashes:
            self._stories[value].append(story_id)
        if len(self.sketches) > self.capacity:
            self._forget_oldest()

    def find_copy(self, made: Sketch) -> Copy | None:
        """The story that ``made`` is a copy of: the earliest of those that share enough of its wording."""
        counts = Counter(story_id for value in made.hashes for story_id in self._stories.get(value, ()))
        found = []
        for story_id, _ in counts.most_common(20):
            share, shared = containment(made, self.sketches[story_id])
            if share >= COPY_CONTAINMENT and shared >= MIN_SHARED:
                found.append(Copy(story_id, round(share, 3)))
        return min(found, key=lambda copy: copy.story_id, default=None)

    def _forget_oldest(self) -> None:
        story_id, old = self.sketches.popitem(last=False)
        for value in old.hashes:
            stories = self._stories[value]
            stories.remove(story_id)
            if not stories:
                del self._stories[value]
