"""Puts the spans of one quotation together: what one speaker says under one attribution in one paragraph."""

from __future__ import annotations

from monitor.analyse.quotes.attribution import has_own_attribution
from monitor.analyse.quotes.marks import Quoted, words_in
from monitor.analyse.quotes.story import MIN_WORDS, Story
from monitor.analyse.quotes.words import VERB, Tag


def records_of(story: Story) -> list[tuple[Quoted, ...]]:
    """The direct quotations of a story, each as its spans in order; titles and scare quotes left out."""
    records: list[list[Quoted]] = []
    for one in story.quotes:
        if records and _is_joined(story, records[-1], one):
            records[-1].append(one)
        else:
            records.append([one])
    kept = [tuple(one for one in record if _is_statement(story, one) or len(record) > 1) for record in records]
    return [record for record in kept if record and any(_is_long(story, one) for one in record)]


def _is_long(story: Story, one: Quoted) -> bool:
    return words_in(story.text, (one.start, one.end)) >= MIN_WORDS and not _is_title(story, one)


def _is_statement(story: Story, one: Quoted) -> bool:
    return _is_long(story, one)


def _is_joined(story: Story, record: list[Quoted], one: Quoted) -> bool:
    """Whether a quotation goes on in ``one``."""
    last = record[-1]
    if not last.closed and one.paragraph == last.paragraph + 1:
        return True
    if one.paragraph != last.paragraph:
        return False
    if not (_is_long(story, last) and _is_long(story, one)):
        return False
    sentence, following = story.sentence_at(last.outer_start), story.sentence_at(one.outer_start)
    if sentence is None or following is None:
        return False
    if sentence is following:
        return _is_same_breath(story, last, one)
    if following.number != sentence.number + 1 or not _opens(story, one):
        return False
    return not has_own_attribution(story, one) and (
        has_own_attribution(story, last)
        or story.masked[max(record[0].outer_start - 4, 0) : record[0].outer_start].rstrip().endswith(":")
    )


def _opens(story: Story, one: Quoted) -> bool:
    sentence = story.sentence_at(one.outer_start)
    return sentence is not None and not any(token.end <= one.outer_start for token in sentence.tokens)


def _is_same_breath(story: Story, last: Quoted, one: Quoted) -> bool:
    """Two quotations of one sentence: the same speaker's, unless somebody else takes the word between them."""
    sentence = story.sentence_at(last.outer_start)
    assert sentence is not None
    between = [token for token in sentence.tokens if last.outer_end <= token.start and token.end <= one.outer_start]
    verbs = [token for token in between if token.tag & VERB]
    if not verbs:
        return True
    return len(verbs) == 1 or not any(token.tag & Tag.SAY for token in verbs[1:])


def _is_title(story: Story, one: Quoted) -> bool:
    """Names of newspapers, programmes, treaties: a few words with a capital inside a sentence, without attribution."""
    inside = story.text[one.start : one.end]
    if inside[-1] in ".,!?…" or words_in(story.text, (one.start, one.end)) > 6 or not inside[0].isupper():
        return False
    before = story.masked[max(0, one.outer_start - 3) : one.outer_start].rstrip(" \u00a0")
    if before[-1:] in ("", ":", ",", "—", "–", "\n", ".", "-") or not one.closed or not one.opened:
        return False
    return not has_own_attribution(story, one)
