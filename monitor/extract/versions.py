"""Compares two readings of one article: what an outlet changed after publishing, as far as it changes what is said.

White space, typography, spelling, related links, time stamps and the clocks of live blogs are no change; nor is a
paragraph that moved, or a sentence that says the same in other words. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, cached_property
from itertools import accumulate

from monitor import lexicon
from monitor.model import Change
from monitor.text import paragraphs, sentences

_WORD = re.compile(r"\w+(?:['’.,:]\w+)*|%")
_CLOCK = re.compile(r"\d{1,2}[:.]\d{2}(?::\d{2})?(?:am|pm|uhr)?")
_QUOTED = re.compile(r"[“„«»\"]([^“”„«»\"\n]{2,}?)[”“»«\"]")
_ENDS = re.compile(r"""[.!?…。։।؟:;]["'”’»“)\]]*\s*$""")
_SAME_SENTENCE = 0.5  # share of words from which on two sentences are two versions of one
_HELD_ELSEWHERE = 0.6  # share of word triples from which on a sentence's matter stands in the other text already
_COMPARED = 400  # sentences left over on each side that are paired; a text that has more is another text
_ALIGNED = 120  # the same for finding sentences that were only split or joined
_TOLD_CHARS = 600


def changes(old: tuple[str, str], new: tuple[str, str], *, lang: str | None = None) -> tuple[Change, ...]:
    """What changed in meaning from ``old`` to ``new``, each (title, text); empty: nothing.

    Kinds: headline, quotation, negation, number (before and after are the headlines or sentences), paragraph added,
    paragraph removed. One sentence gives one change, the first of these that is true of it. ``lang`` (ISO 639-1)
    chooses the words of negation; without it those of all languages count.
    """
    found = []
    if _headline_differs(old[0], new[0]):
        found.append(Change("headline", _shown(old[0]), _shown(new[0])))
    before, after = _Text(old[1]), _Text(new[1])
    if before.text != after.text:
        found += _text_changes(before, after, lang)
    return tuple(found)


class _Text:
    """A text as it is compared: its sentences without links, captions and time stamps."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sentences = [
            _Sentence(text[start:end], number)
            for number, (first, last) in enumerate(paragraphs(text))
            if not _is_beside(text[first:last])
            for start, end in ((first + s, first + e) for s, e in sentences(text[first:last]))
        ]

    @cached_property
    def triples(self) -> frozenset[tuple[str, ...]]:
        """All runs of three words; also of what is left out of the comparison, for a line may look like a link once."""
        return frozenset(_triples(_words(self.text)))

    def without(self, known: Counter[tuple[str, ...]]) -> list[_Sentence]:
        """The sentences that are not among ``known``, each counted as often as it stands there."""
        left, found = Counter(known), []
        for one in self.sentences:
            if left[one.words] > 0:
                left[one.words] -= 1
            else:
                found.append(one)
        return found

    def counted(self) -> Counter[tuple[str, ...]]:
        """How often each sentence stands here."""
        return Counter(one.words for one in self.sentences)


@dataclass(frozen=True, eq=False)
class _Sentence:
    text: str
    paragraph: int

    @cached_property
    def words(self) -> tuple[str, ...]:
        return _words(self.text)


def _headline_differs(old: str, new: str) -> bool:
    return bool(old and new) and not _same_words(_words(old), _words(new))


def _text_changes(before: _Text, after: _Text, lang: str | None) -> Iterator[Change]:
    gone, come = _without_resplit(before.without(after.counted()), after.without(before.counted()))
    if len(gone) <= _COMPARED and len(come) <= _COMPARED:
        for old, new in _pairs(gone, come):
            gone.remove(old)
            come.remove(new)
            if kind := _difference(old, new, lang):
                yield Change(kind, _shown(old.text), _shown(new.text))
    for words in _by_paragraph(one for one in gone if not _is_held(one, after)):
        yield Change("paragraph removed", _shown(words), None)
    for words in _by_paragraph(one for one in come if not _is_held(one, before)):
        yield Change("paragraph added", None, _shown(words))


def _without_resplit(gone: list[_Sentence], come: list[_Sentence]) -> tuple[list[_Sentence], list[_Sentence]]:
    """What is left when sentences are taken out that were only split or joined: "on 6. May" is one or two."""
    if max(len(gone), len(come)) > _ALIGNED:
        return gone, come
    old, new = [word for one in gone for word in one.words], [word for one in come for word in one.words]
    old_at, new_at = _places(gone), _places(come)
    same_old: set[int] = set()
    same_new: set[int] = set()
    for a, b, size in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        inside_old = _inside(old_at, a, a + size, new_at, b - a)
        inside_new = _inside(new_at, b, b + size, old_at, a - b)
        same_old.update(inside_old)
        same_new.update(inside_new)
    return (
        [one for i, one in enumerate(gone) if i not in same_old],
        [one for i, one in enumerate(come) if i not in same_new],
    )


def _places(sentences_left: Sequence[_Sentence]) -> list[tuple[int, int]]:
    """Where each sentence stands, counted in words."""
    ends = list(accumulate(len(one.words) for one in sentences_left))
    return list(zip([0, *ends], ends, strict=False))


def _inside(
    places: Sequence[tuple[int, int]], start: int, end: int, others: Sequence[tuple[int, int]], shift: int
) -> Iterator[int]:
    """Sentences that lie within a run of equal words, as do all that share words with them on the other side."""
    for i, (first, last) in enumerate(places):
        if start <= first and last <= end:
            met = [place for place in others if place[0] < last + shift and first + shift < place[1]]
            if all(start + shift <= one and other <= end + shift for one, other in met):
                yield i


def _pairs(gone: Sequence[_Sentence], come: Sequence[_Sentence]) -> list[tuple[_Sentence, _Sentence]]:
    """Sentences that are two versions of one, the most alike first."""
    rated = []
    bags = [Counter(new.words) for new in come]
    for i, old in enumerate(gone):
        bag = Counter(old.words)
        for j, new in enumerate(come):
            shared = sum((bag & bags[j]).values())
            share = 2 * shared / (len(old.words) + len(new.words) or 1)
            if share >= _SAME_SENTENCE:
                rated.append((-share, abs(i - j), i, j))
    taken_old: set[int] = set()
    taken_new: set[int] = set()
    found = []
    for _, _, i, j in sorted(rated):
        if i not in taken_old and j not in taken_new:
            taken_old.add(i)
            taken_new.add(j)
            found.append((gone[i], come[j]))
    return found


def _difference(old: _Sentence, new: _Sentence, lang: str | None) -> str | None:
    """What kind of change leads from one version of a sentence to the other; None: none in meaning."""
    if _same_words(old.words, new.words):
        return None
    if _quotes_differ(old.text, new.text):
        return "quotation"
    if _negated(old.words, new.words, lang):
        return "negation"
    if _numbers(old.words) != _numbers(new.words):
        return "number"
    return None


def _quotes_differ(old: str, new: str) -> bool:
    """Was what stands between quotation marks changed, or given or denied to somebody as a quotation?"""
    before, after = _quoted(old), _quoted(new)
    if len(before) != len(after):
        return any(len(words) >= 3 for words in (*before, *after))  # marks around a single word are typography
    return any(not _same_words(one, other) for one, other in zip(before, after, strict=True))


def _quoted(text: str) -> list[tuple[str, ...]]:
    return [words for match in _QUOTED.finditer(text) if (words := _words(match.group(1)))]


def _negated(old: Sequence[str], new: Sequence[str], lang: str | None) -> bool:
    pattern = _negations(lang)

    def count(words: Sequence[str]) -> int:
        return sum(1 for word in words if pattern.fullmatch(word) or word.endswith(("n't", "nt'")))

    return count(old) != count(new) or _is_turned_round(old, new)


def _is_turned_round(old: Sequence[str], new: Sequence[str]) -> bool:
    """Is a word of one the other's with "un-", "не-" before it?"""
    only_old, only_new = set(old) - set(new), set(new) - set(old)
    prefixes = _lists()["prefixes"]
    return any(
        prefix + short in longer
        for shorter, longer in ((only_old, only_new), (only_new, only_old))
        for short in shorter
        if len(short) >= 4
        for prefix in prefixes
    )


def _numbers(words: Sequence[str]) -> Counter[str]:
    """The figures and number words of a sentence; clocks left out."""
    found: Counter[str] = Counter()
    for word in words:
        if any(letter.isdecimal() for letter in word):
            if not _CLOCK.fullmatch(word):
                found[re.sub(r"(?<=\d)[,.](?=\d{3}\b)", "", word)] += 1
        elif _number_words().fullmatch(word):
            found[word] += 1
    return found


def _is_held(sentence: _Sentence, other: _Text) -> bool:
    """Does the other text hold these words already: split, joined or moved?"""
    triples = list(_triples(sentence.words))
    if not triples:
        return True  # one or two words say nothing new by themselves
    return sum(triple in other.triples for triple in triples) / len(triples) >= _HELD_ELSEWHERE


def _by_paragraph(left: Iterable[_Sentence]) -> list[str]:
    grouped: dict[int, list[str]] = {}
    for one in left:
        grouped.setdefault(one.paragraph, []).append(one.text)
    return [" ".join(texts) for texts in grouped.values()]


def _is_beside(paragraph: str) -> bool:
    """A line that is no part of the story: a link, a caption, a heading, a time stamp."""
    folded = " ".join(paragraph.split()).casefold()
    if _openers().match(folded):
        return True
    words = _WORD.findall(folded)
    if len(words) <= 12 and any(_CLOCK.fullmatch(word) or word.isdecimal() for word in words):
        said = [word for word in words if not any(letter.isdecimal() for letter in word)]
        if len(said) <= 6 and not _QUOTED.search(paragraph):
            return True  # "Updated 12:40 GMT, 5 November 2026", "3 minutes ago"
    return len(words) <= 15 and not _ENDS.search(paragraph)


def _same_words(old: Sequence[str], new: Sequence[str]) -> bool:
    """The same words in the same order, but for spelling and clocks."""
    old, new = (tuple(word for word in words if not _CLOCK.fullmatch(word)) for words in (old, new))
    if old == new:
        return True
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            continue
        if "".join(old[a:b]) == "".join(new[c:d]):  # "Draft law" and "Draftlaw"
            continue
        if b - a != d - c or not all(_is_spelling(x, y) for x, y in zip(old[a:b], new[c:d], strict=True)):
            return False
    return True


def _is_spelling(one: str, other: str) -> bool:
    """Is one word the other, spelt or inflected differently? Short words and figures never are."""
    if min(len(one), len(other)) < 5 or one[0] != other[0] or not (one + other).isalpha():
        return False
    allowed = 1 if min(len(one), len(other)) < 8 else 2
    same = sum(block.size for block in SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks())
    return max(len(one), len(other)) - same <= allowed


def _words(text: str) -> tuple[str, ...]:
    """Words and figures, case and typography folded: what is compared."""
    folded = unicodedata.normalize("NFKC", text).replace("’", "'").replace("ʼ", "'").replace("\u00ad", "").casefold()
    folded = re.sub(r"(?<=\d)\s(?=\d{3}\b)", "", folded)  # 10 000
    return tuple(re.sub("'s$", "", word) for word in _WORD.findall(folded))


def _triples(words: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return zip(words, words[1:], words[2:], strict=False)


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TOLD_CHARS else line[: _TOLD_CHARS - 1] + "…"


@cache
def _lists() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = lexicon.load("versions")
    return found


@cache
def _negations(lang: str | None) -> re.Pattern[str]:
    by_lang = _lists()["negations"]
    return _any_of(by_lang[lang] if lang in by_lang else [word for words in by_lang.values() for word in words])


@cache
def _number_words() -> re.Pattern[str]:
    return _any_of([word for words in _lists()["numbers"].values() for word in words])


def _any_of(entries: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(one).replace(r"\*", r"\w*") for one in sorted(set(entries), key=len)[::-1]))


@cache
def _openers() -> re.Pattern[str]:
    lines = lexicon.load("furniture")["openers"].splitlines()
    return re.compile("|".join(re.escape(line.strip()) for line in lines if line.strip()))
