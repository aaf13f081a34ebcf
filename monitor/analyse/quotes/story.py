"""A story laid out for the question who speaks: sentences of the narrator with their tokens, mentions and quotations.

Quoted words are blanked out first, so that nobody inside a quotation is taken for its speaker.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.analyse.quotes.dashes import dashed, merged
from monitor.analyse.quotes.marks import Quoted, quoted, words_in
from monitor.analyse.quotes.mentions import mentions_in
from monitor.analyse.quotes.people import Cast, Figure, Mention, same_word
from monitor.analyse.quotes.words import VERB, Tag, Token, Words, folded, known_person
from monitor.text import paragraphs, sentences

BLANK = "\ufffc"  # stands for each quoted character: neither a word nor white space
CAPITAL = "\u2c00"  # stands for the first character of quoted words that can open a sentence
MIN_WORDS = 3  # shorter fragments in quotation marks are scare quotes, not statements


@dataclass(slots=True)
class Sentence:
    """One sentence, its quotations blanked out."""

    start: int
    end: int
    number: int
    paragraph: int
    tokens: list[Token]
    mentions: list[Mention]
    quotes: list[Quoted] = field(default_factory=list)
    speaker: Speaker | None = None  # who said the last thing in it
    subject: Speaker | None = None  # of its verb of saying, once asked for
    asked: bool = False

    def verbs(self, kinds: int = VERB) -> list[int]:
        """Indices of its verbs of saying."""
        return [index for index, token in enumerate(self.tokens) if token.tag & kinds]


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who says something, and the words that say so."""

    name: str | None
    surface: str | None = None
    start: int = -1
    role: str | None = None
    country: str | None = None
    figure: Figure | None = None


@dataclass(slots=True)
class Story:
    """The text with everything that attribution asks for."""

    text: str
    masked: str
    words: Words
    sentences: list[Sentence]
    quotes: list[Quoted]
    cast: Cast

    def sentence_at(self, at: int) -> Sentence | None:
        """The sentence around a place of the text."""
        low, high = 0, len(self.sentences)
        while low < high:
            middle = (low + high) // 2
            if self.sentences[middle].end <= at:
                low = middle + 1
            else:
                high = middle
        return self.sentences[low] if low < len(self.sentences) and self.sentences[low].start <= at else None


def read(title: str, text: str, words: Words) -> Story:
    """Lays out a story; the title helps to know the people but has no sentences of its own."""
    marked = quoted(text)
    quotes = merged(marked, dashed(text, words, marked))
    masked = _masked(text, quotes)
    starts = [start for start, _ in paragraphs(masked)]
    laid_out: list[Sentence] = []
    number = 0
    for start, end in sentences(masked):
        while number + 1 < len(starts) and starts[number + 1] <= start:
            number += 1
        tokens = [token for token in words.tokens(masked, start, end) if masked[token.start] != CAPITAL]
        laid_out.append(Sentence(start, end, len(laid_out), number, tokens, []))
    lows = {token.low for sentence in laid_out for token in sentence.tokens if not token.capital}
    lows |= _only_opening(laid_out, title, subject_first=words.subject_first)
    for sentence in laid_out:
        sentence.mentions = mentions_in(masked, sentence.tokens, words, lows)
    story = Story(text, masked, words, laid_out, quotes, Cast(words))
    for one in quotes:
        sentence_of = story.sentence_at(one.outer_start)
        if sentence_of is not None:
            sentence_of.quotes.append(one)
    _fill_cast(story, title, lows)
    return story


def _only_opening(laid_out: list[Sentence], title: str, *, subject_first: bool) -> set[str]:
    """Words whose capital may come from their place alone: they open sentences and have none elsewhere."""
    elsewhere = {token.low for sentence in laid_out for token in sentence.tokens[1:] if token.capital}
    titled = title.casefold()
    return {
        first.low
        for sentence in laid_out
        for first in sentence.tokens[:1]
        if first.capital
        and first.low not in elsewhere
        and first.low not in titled
        and not (len(sentence.tokens) > 1 and sentence.tokens[1].capital)
        and not (subject_first and len(sentence.tokens) > 1 and sentence.tokens[1].tag & Tag.SAY and not first.tag)
    }


def _masked(text: str, quotes: list[Quoted]) -> str:
    pieces: list[str] = []
    at = 0
    for one in quotes:
        pieces.append(text[at : one.start])
        inside = text[one.start : one.end]
        # the full stop inside the marks ends the sentence outside too; "?" and "!" need not: "Why?" he asked.
        tail = inside[-1:] if inside.endswith(".") and not inside.endswith("..") else ""
        body = inside[: len(inside) - len(tail)]
        if words_in(text, (one.start, one.end)) < MIN_WORDS:
            pieces.append(inside)  # names and scare quotes stay readable
        else:
            blanked = "".join("\n" if char == "\n" else BLANK for char in body)
            opens = bool(body) and not body[0].islower() and body[0] not in ".…,;"
            pieces.append((CAPITAL + blanked[1:] if opens else blanked) + tail)
        at = one.end
    pieces.append(text[at:])
    return "".join(pieces)


def _fill_cast(story: Story, title: str, lows: set[str]) -> None:
    words, cast = story.words, story.cast
    in_title = mentions_in(title, words.tokens(title, 0, len(title)), words, lows)
    everything = [(sentence, mention) for sentence in story.sentences for mention in sentence.mentions if mention.name]
    # full names first, so that a surname alone finds its person wherever it stands
    longer: dict[str, list[Mention]] = {}
    for _, mention in everything:
        if len(mention.name) > 1 and (mention.first != 0 or mention.office):
            longer.setdefault(folded(mention.name[-1])[:3], []).append(mention)
    for _, mention in everything:
        if mention.first == 0 and len(mention.name) == 2:
            _without_opening_noun(mention, longer.get(folded(mention.name[-1])[:3], []), words)
    for mention in [mention for _, mention in everything] + in_title:
        if len(mention.name) > 1 and _is_person(mention, words):
            cast.enter(mention)
        elif len(mention.name) > 1:
            mention.name, mention.kind = (), "institution"
    for sentence, mention in everything:
        if len(mention.name) == 1:
            figure = cast.find(mention.name)
            if figure is not None or _may_be_person(sentence, mention, words, lows):
                cast.enter(mention)
            else:
                mention.kind = "institution"
    for sentence, mention in everything:
        if mention.figure is not None:
            cast.saw(sentence.number, mention.start, mention.figure)
    for mention in in_title:
        if len(mention.name) == 1 and cast.find(mention.name) is not None:
            cast.enter(mention)
    cast.settle()


def _without_opening_noun(mention: Mention, longer: list[Mention], words: Words) -> None:
    """ "Заявление Кептонара" at a sentence's start is no full name where the story knows Андриан Кептонар."""
    for other in longer[:50]:
        if (
            other is not mention
            and same_word(other.name[-1], mention.name[-1], inflecting=words.inflecting)
            and folded(other.name[0])[:2] != folded(mention.name[0])[:2]
        ):
            mention.name = mention.name[1:]
            mention.in_place = True
            return


def _is_person(mention: Mention, words: Words) -> bool:
    """Two or more capitalised words in a row; German nouns need more than that."""
    if any(known_person(name.casefold()) for name in mention.name):
        return True
    if words.nouns_capitalised and not mention.role:
        return not any(
            words.meaning(name.casefold()).tag or name.casefold().endswith(words.noun_endings) for name in mention.name
        )
    return True


def _may_be_person(sentence: Sentence, mention: Mention, words: Words, lows: set[str]) -> bool:
    """Whether a single capitalised word that names nobody known is a person: by office, by fame, or as who says it."""
    name = mention.name[0]
    if known_person(folded(name)) is not None:
        return True
    if len(name) < 3 or name.isupper() or name.casefold() in lows:
        return False
    if words.cyrillic and name.endswith(("их", "ых", "ого", "ої", "ой", "ая")):  # "Объединённых сил": an adjective
        return False
    if mention.office is not None and not words.nouns_capitalised:
        return True
    around = [mention.first - 1, mention.last]
    tokens = sentence.tokens
    return not words.nouns_capitalised and any(
        0 <= index < len(tokens) and tokens[index].tag & Tag.SAY and not mention.in_place for index in around
    )
