"""Finds reported statements: "X said that Ukraine would join", "Ukraine will join, said X", "according to X, ...".

Gives every clause that somebody is reported to say; whether it is about an accession is accession.py's question.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.analyse.quotes.attribution import by_according, subject_of, tag_subject
from monitor.analyse.quotes.story import BLANK, CAPITAL, Sentence, Speaker, Story
from monitor.analyse.quotes.words import VERB, Tag
from monitor.text import Span

_THAT_WINDOW = 8  # words between a verb of saying and its "that"
_MIN_TOKENS = 4
_CLOSING = ("”", '"', "»", "“", "’")
_ENDS = ".!?…;:, \u00a0-–—"


@dataclass(frozen=True, slots=True)
class Reported:
    """A clause that somebody is reported to say."""

    span: Span
    speaker: Speaker
    sentence: Sentence
    is_act: bool  # the complement of urging, accusing, ...: counts only where it names the accession itself


def reported_in(story: Story) -> Iterator[Reported]:
    """All reported clauses of a story in order; a clause inside another one is not given again."""
    for sentence in story.sentences:
        if not any(token.tag & (VERB | Tag.ACCORDING | Tag.ZUFOLGE) for token in sentence.tokens):
            continue
        yield from _reported_by(story, sentence)


def _reported_by(story: Story, sentence: Sentence) -> Iterator[Reported]:
    tokens = sentence.tokens
    verbs = sentence.verbs()
    fronted = _fronted(story, sentence, verbs)
    floor = sentence.start
    introduced = _introduced(story, sentence) if fronted is None else None
    if introduced is not None:
        yield introduced
        return
    if fronted is not None:
        yield fronted[0]
        floor = tokens[fronted[1]].end if fronted[1] < len(tokens) else sentence.end
    else:
        according = _according(story, sentence)
        if according is not None:
            yield according
            return
    for verb in verbs:
        if tokens[verb].start < floor:
            continue
        span = _clause_after(story, sentence, verb)
        if span is None:
            continue
        has_that = _that_after(story, sentence, verb) is not None
        if not has_that and _has_better_verb(story, sentence, verb, verbs, span[1]):
            continue
        speaker = subject_of(story, sentence, verb, until=span[0])
        if speaker is None or speaker.name is None:
            continue
        yield Reported(span, speaker, sentence, not tokens[verb].tag & Tag.SAY and not has_that)
        floor = span[1]


def _has_better_verb(story: Story, sentence: Sentence, verb: int, verbs: list[int], until: int) -> bool:
    """Whether the object of a verb reaches over a later verb with the real statement: "admitted A, but said B"."""
    tokens = sentence.tokens
    return any(
        later > verb + 1
        and tokens[later].end <= until
        and (not tokens[verb].tag & Tag.SAY or "," in story.masked[tokens[verb].end : tokens[later].start])
        and tokens[later].tag & (Tag.SAY | Tag.ACT)
        and _clause_after(story, sentence, later) is not None
        for later in verbs
    )


def _clause_after(story: Story, sentence: Sentence, verb: int) -> Span | None:
    """The clause that a verb of saying governs, without "that" and without what follows it."""
    tokens = sentence.tokens
    that = _that_after(story, sentence, verb)
    if that is not None:
        start = that + 1
    elif _takes_bare_clause(story, sentence, verb):
        start = verb + 1
    else:
        return None
    if start >= len(tokens):
        return None
    begin = tokens[start].start
    opened = story.masked.rfind("\n", 0, begin) + 1
    gap_start = tokens[start - 1].end
    gap = story.text[gap_start:begin]
    for offset, char in enumerate(gap):
        if char in "«„“\"‘'(":
            begin = gap_start + offset
            break
    end = _clause_end(story, sentence, start)
    return _trimmed(story, max(begin, opened), end)


def _that_after(story: Story, sentence: Sentence, verb: int) -> int | None:
    tokens = sentence.tokens
    for index in range(verb + 1, min(verb + 2 + _THAT_WINDOW, len(tokens))):
        if tokens[index].tag & Tag.THAT:
            return index
        gap = story.masked[tokens[index - 1].end : tokens[index].start]
        if tokens[index].tag & VERB or BLANK in gap or CAPITAL in gap or ":" in gap or ";" in gap:
            return None
    return None


def _takes_bare_clause(story: Story, sentence: Sentence, verb: int) -> bool:
    """Whether the clause follows without "that": "said Ukraine will", "sagte, sein Land", "urged Sweden to"."""
    tokens = sentence.tokens
    if verb + 1 >= len(tokens):
        return False
    following = tokens[verb + 1]
    gap = story.masked[tokens[verb].end : following.start]
    if BLANK in gap or CAPITAL in gap or len(gap) > 3:
        return False
    if tokens[verb].tag & Tag.ACT or (tokens[verb].tag & Tag.PARTICIPLE and "," not in gap):
        is_place = following.tag & Tag.PREPOSITION and following.low not in story.words.bare_prepositions
        return "," not in gap and not following.tag & VERB and not (is_place and story.words.lang == "en")
    if story.words.lang == "de":
        return gap.startswith(",")
    return (
        story.words.lang == "en"
        and gap == " "
        and not following.tag & Tag.THAT
        and (not following.tag & Tag.PREPOSITION or following.low in story.words.bare_prepositions)
        and following.low not in story.words.times
        and len(tokens) - verb > _MIN_TOKENS
    )


def _clause_end(story: Story, sentence: Sentence, start: int) -> int:
    """The end of a clause: before ", adding", ", ahead of", a semicolon, or another speaker's tag."""
    tokens = sentence.tokens
    for index in range(start + 2, len(tokens)):
        gap = story.masked[tokens[index - 1].end : tokens[index].start]
        if ";" in gap:
            return tokens[index - 1].end
        if _is_closing_tag(story, sentence, index):
            before = story.text[sentence.start : tokens[index].start]
            return sentence.start + len(before.rstrip(" ,\u00a0"))
        cuts = tokens[index].low in story.words.cuts
        if cuts and ("," in gap or " " in tokens[index].low):
            return tokens[index - 1].end
        if "," in gap and tokens[index].tag & (Tag.PARTICIPLE | Tag.SAY) and not _is_open(story, sentence, index):
            return tokens[index - 1].end
    return sentence.end


def _is_closing_tag(story: Story, sentence: Sentence, index: int) -> bool:
    """Whether ", X said" begins at a token: what somebody else adds about the source of the clause."""
    for mention in sentence.mentions:
        if mention.first == index and mention.last < len(sentence.tokens):
            gap = story.text[sentence.tokens[index - 1].end : mention.start]
            verb = sentence.tokens[mention.last]
            return (
                "," in gap
                and verb.tag & Tag.SAY != 0
                and mention.kind != "pronoun"
                and _that_after(story, sentence, mention.last) is None
                and not _takes_bare_clause(story, sentence, mention.last)
            )
    return False


def _is_open(story: Story, sentence: Sentence, index: int) -> bool:
    """Whether a verb behind a comma goes on with the reported clause rather than closing it."""
    token = sentence.tokens[index]
    return bool(token.tag & Tag.SAY) and story.words.lang == "en"


def _fronted(story: Story, sentence: Sentence, verbs: list[int]) -> tuple[Reported, int] | None:
    """The clause before ", said X" or " - powiedział X", and the index of the token where the rest begins."""
    tokens = sentence.tokens
    for verb in verbs:
        if not tokens[verb].tag & Tag.SAY:
            continue
        if _that_after(story, sentence, verb) is not None:
            return None
        end = _end_of_fronted(story, sentence, verb)
        if end is None:
            if verb >= _MIN_TOKENS:
                continue
            return None
        before = story.text[sentence.start : end]
        if any(token.tag & Tag.SAY and token.end <= end for token in tokens[:verb]) and not before.endswith(
            ("-", "–", "—")
        ):
            return None
        speaker = tag_subject(story, sentence, verb, end)
        if speaker is None or speaker.name is None:
            return None
        span = _trimmed(story, sentence.start, end)
        return (Reported(span, speaker, sentence, False), verb) if span else None
    return None


def _end_of_fronted(story: Story, sentence: Sentence, verb: int) -> int | None:
    """Where the clause ends that stands before ", X said" or "- said X"; None where none does."""
    if verb < _MIN_TOKENS:
        return None
    starts = [sentence.tokens[verb].start]
    starts += [
        mention.start
        for mention in sentence.mentions
        if mention.last <= verb and verb - mention.last <= 1 and mention.first >= _MIN_TOKENS
    ]
    for start in starts:
        before = story.text[sentence.start : start].rstrip(" \u00a0")
        if before.endswith((",", "-", "–", "—")) or (before.endswith(_CLOSING) and before[-2:-1] == ","):
            return sentence.start + len(before)
    return None


def _introduced(story: Story, sentence: Sentence) -> Reported | None:
    """The clause behind a tag at the start: "Как пишет X, ...", "Jak dodał, ...", "Com isto, aponta X, ..."."""
    tokens = sentence.tokens
    for verb in sentence.verbs(Tag.SAY)[:1]:
        if verb > _MIN_TOKENS or _that_after(story, sentence, verb) is not None:
            return None
        lead = story.masked[sentence.start : tokens[verb].start].rstrip()
        if not (tokens[0].low in story.words.as_words or lead.endswith(",")):
            return None
        behind = tokens[verb].end
        for mention in sentence.mentions:
            if verb < mention.first <= verb + 3:
                behind = mention.end
                break
        comma = story.masked.find(",", behind, min(behind + 25, sentence.end))
        if comma < 0 or BLANK in story.masked[behind:comma]:
            return None
        speaker = tag_subject(story, sentence, verb, sentence.start)
        span = _trimmed(story, comma + 1, sentence.end)
        if speaker is not None and speaker.name is not None and span is not None:
            return Reported(span, speaker, sentence, False)
    return None


def _according(story: Story, sentence: Sentence) -> Reported | None:
    tokens = sentence.tokens
    for index, token in enumerate(tokens):
        if not token.tag & (Tag.ACCORDING | Tag.ZUFOLGE):
            continue
        speaker = by_according(story, sentence)
        if speaker is None or speaker.name is None:
            return None
        if index >= _MIN_TOKENS and token.tag & Tag.ACCORDING:
            before = story.masked[sentence.start : token.start].rstrip()
            span = _trimmed(story, sentence.start, token.start) if before.endswith(",") else None
            return Reported(span, speaker, sentence, False) if span else None
        holder = next((one for one in sentence.mentions if one.first > index), None)
        behind = token.end if token.tag & Tag.ZUFOLGE or holder is None else holder.end
        span = _trimmed(story, behind, sentence.end)
        return Reported(span, speaker, sentence, False) if span else None
    return None


def _trimmed(story: Story, start: int, end: int) -> Span | None:
    text = story.text
    while start < end and text[start] in " \u00a0,:;-–—\n":
        start += 1
    while end > start and text[end - 1] in _ENDS + "\n":
        end -= 1
    return (start, end) if len(text[start:end].split()) >= _MIN_TOKENS - 1 else None
