"""Who speaks: finds the verb of saying that belongs to a quotation, its subject, and the person behind that subject.

Answers None rather than guessing: a wrong speaker is worse than none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.analyse.quotes.marks import Quoted
from monitor.analyse.quotes.people import Figure, Mention
from monitor.analyse.quotes.story import BLANK, Sentence, Speaker, Story
from monitor.analyse.quotes.words import VERB, Tag, known_person

_HOME_OFFICES = frozenset(
    ("president", "prime_minister", "chancellor", "foreign_minister", "defence_minister", "minister", "lawmaker")
)
_VAGUE_OFFICES = frozenset(("expert", "politician", "diplomat", "lawmaker", "official", "national"))
_NO_INVERSION = frozenset({"en"})  # a subject after the verb only directly behind a quotation: "said X"
_TAG_WINDOW = 12  # words from a closing mark to the verb of saying, at most
_LOOK_BACK = 5  # sentences that a pronoun may reach back


def speaker_of(story: Story, record: Sequence[Quoted]) -> Speaker | None:
    """Who says the words of ``record``, the spans of one quotation; None where the text leaves it open."""
    spans = [(one, sentence) for one in record if (sentence := story.sentence_at(one.outer_start)) is not None]
    found: Speaker | None = None
    for one, sentence in spans:
        found = found or _according_behind(story, sentence, one)
    for one, sentence in spans:
        found = found or _by_verb(story, sentence, one)
    for _, sentence in spans:
        found = found or by_according(story, sentence)
    for one, sentence in spans:
        found = found or _by_colon(story, sentence, one)
    if found is None and spans:
        found = _from_context(story, spans[0][1], spans[0][0], spans[-1][0])
    if spans and found is not None:
        spans[-1][1].speaker = found
    return found


def has_own_attribution(story: Story, one: Quoted) -> bool:
    """Whether a verb of saying directly behind a quotation belongs to it: «…», said X."""
    sentence = story.sentence_at(one.outer_start)
    return sentence is not None and _tag_after(story, sentence, one) is not None


def _by_verb(story: Story, sentence: Sentence, one: Quoted) -> Speaker | None:
    lead = _verb_before(story, sentence, one)
    tag = _tag_after(story, sentence, one)
    if lead is not None and tag is not None and _outranks(story, sentence, one, tag, lead):
        lead = None
    if lead is not None and (tag is None or not _is_sentence_opening(story, sentence, one)):
        found = subject_of(story, sentence, lead, until=one.outer_start)
        if found is not None:
            return found
    if tag is not None:
        return _subject_of_tag(story, sentence, one, tag)
    return _by_bare_name(story, sentence, one)


def _outranks(story: Story, sentence: Sentence, one: Quoted, tag: int, lead: int) -> bool:
    """Whether "…", X said behind a quotation outranks an act of speech before it: "criticised Y as …", said X."""
    tokens = sentence.tokens
    if tokens[lead].tag & Tag.SAY or not tokens[tag].tag & Tag.SAY:
        return False
    return any(mention.start >= one.outer_end and mention.last <= tag for mention in sentence.mentions) or (
        tokens[tag].start - one.outer_end < 5
    )


def _by_bare_name(story: Story, sentence: Sentence, one: Quoted) -> Speaker | None:
    """A feed cuts its text: "…," Zelensky... - a name alone behind a quotation is its speaker."""
    if not _is_sentence_opening(story, sentence, one):
        return None
    behind = [token for token in sentence.tokens if token.start >= one.outer_end]
    if behind and story.masked[one.outer_end : behind[0].start].strip() in ("—", "–", "-", "--"):
        # “…” —Anna Berg, former ambassador
        at_dash = next((mention for mention in sentence.mentions if mention.start == behind[0].start), None)
        if at_dash is not None and at_dash.kind == "name":
            return resolved(story, sentence, at_dash)
    for mention in sentence.mentions:
        if mention.start >= one.outer_end and mention.kind == "name" and mention.last - mention.first == len(behind):
            return resolved(story, sentence, mention)
    return None


def _is_sentence_opening(story: Story, sentence: Sentence, one: Quoted) -> bool:
    return _ends_before(story, one) or not any(token.end <= one.outer_start for token in sentence.tokens)


def _ends_before(story: Story, one: Quoted) -> bool:
    """Whether a sentence ends right before a quotation, with or without a blank."""
    return story.masked[max(one.outer_start - 2, 0) : one.outer_start].rstrip()[-1:] in (".", "!", "?", "…")


def _verb_before(story: Story, sentence: Sentence, one: Quoted) -> int | None:
    """Index of the last verb of saying between the quotation before this one (or the sentence's start) and this one."""
    if _ends_before(story, one):
        return None
    floor = max((other.outer_end for other in sentence.quotes if other.outer_end <= one.outer_start), default=0)
    found = _last_verb(sentence, floor, one.outer_start)
    if found is None and floor and _tag_after(story, sentence, one) is None:
        found = _last_verb(sentence, 0, one.outer_start)
    return found


def _last_verb(sentence: Sentence, floor: int, ceiling: int) -> int | None:
    best = None
    for index, token in enumerate(sentence.tokens):
        if token.end > ceiling:
            break
        if token.start >= floor and token.tag & VERB:
            best = index
    return best


def _tag_after(story: Story, sentence: Sentence, one: Quoted) -> int | None:
    """Index of the verb of saying behind a quotation that it belongs to."""
    ceiling = min((other.outer_start for other in sentence.quotes if other.outer_start >= one.outer_end), default=None)
    ceiling = sentence.end if ceiling is None else ceiling
    tokens = sentence.tokens
    behind = [index for index, token in enumerate(tokens) if one.outer_end <= token.start and token.end <= ceiling]
    if not behind:
        return None
    first = tokens[behind[0]]
    gap = story.masked[one.outer_end : first.start]
    set_off = any(char in ",—–-" for char in gap) or story.text[one.end - 1] in ",!?…—–-"
    if first.low in story.words.tag_words and any(mention.first == behind[0] + 1 for mention in sentence.mentions):
        return behind[0]  # German: „…“, so Steinmeier
    for index in behind[: _TAG_WINDOW if set_off else 3 * _TAG_WINDOW]:
        token = tokens[index]
        if token.tag & Tag.THAT:
            return None
        if token.tag & Tag.SAY and not set_off and _closes_sentence(story, sentence, index, one):
            return index
        if token.tag & (Tag.SAY | (Tag.ACT if set_off else 0)):
            between = story.masked[first.start : token.start]
            if index == behind[0]:
                return index
            if set_off and between.count(",") <= 3:
                return index
            # “…” he said; “…” the minister has said
            leading = [mention for mention in sentence.mentions if mention.first >= behind[0] and mention.last <= index]
            if leading and leading[0].first == behind[0] and index - leading[-1].last <= 2 and "," not in between:
                return index
            return None
    return None


def _closes_sentence(story: Story, sentence: Sentence, verb: int, one: Quoted) -> bool:
    """Whether ", X said" or ", said X" behind the rest of the sentence belongs to all of it."""
    tokens = sentence.tokens
    start = tokens[verb].start
    for mention in reversed(sentence.mentions):
        if mention.start >= one.outer_end and mention.last <= verb and verb - mention.last <= 1:
            start = mention.start
            break
    return story.masked[one.outer_end : start].rstrip(" \u00a0—–-").endswith(",") or (
        story.masked[max(start - 3, 0) : start].strip() in ("—", "–", "-")
    )


def _subject_of_tag(story: Story, sentence: Sentence, one: Quoted, verb: int) -> Speaker | None:
    tokens = sentence.tokens
    if tokens[verb].tag & Tag.SAID_IN:
        return _said_in_place(story, sentence, verb)
    before = [
        mention
        for mention in sentence.mentions
        if mention.start >= one.outer_end and mention.last <= verb and not _cannot_speak(mention)
    ]
    subject = before[0] if before else None
    if len(before) > 1 and verb - before[-1].last <= 1 and "," in story.masked[before[-2].end : before[-1].start]:
        subject = before[-1]  # "…” on members joining NATO, Rasmussen said"
    if subject is None:
        subject = _first_after(story, sentence, verb, sentence.end, hearer=bool(tokens[verb].tag & Tag.HEARER))
    if subject is not None and _is_medium(sentence, subject):
        return _first_person(story, sentence, one.outer_start) or _left_out(story, sentence, sentence.start)
    if subject is not None:
        return resolved(story, sentence, subject)
    return _left_out(story, sentence, one.outer_start)


def _is_medium(sentence: Sentence, mention: Mention) -> bool:
    """Whether a mention is a newspaper or agency, which passes on what somebody else said."""
    return mention.figure is None and any(
        token.tag & Tag.MEDIUM for token in sentence.tokens[mention.first : mention.last]
    )


def _first_person(story: Story, sentence: Sentence, until: int) -> Speaker | None:
    """The person whom a sentence begins with."""
    for mention in sentence.mentions:
        if mention.end <= until and mention.kind in ("name", "pronoun", "description") and not _cannot_speak(mention):
            return resolved(story, sentence, mention)
    return None


def _first_after(story: Story, sentence: Sentence, verb: int, until: int, *, hearer: bool) -> Mention | None:
    """The subject behind its verb: the first mention that is no place, before the clause ends."""
    tokens = sentence.tokens
    if hearer and story.words.lang in _NO_INVERSION:
        return None
    for mention in sentence.mentions:
        if mention.first <= verb or mention.start >= until:
            continue
        between = tokens[verb + 1 : mention.first]
        if any(token.tag & (Tag.THAT | Tag.SAY) for token in between):
            return None
        gap = story.masked[tokens[verb].end : mention.start]
        if ":" in gap or BLANK in gap or gap.count(",") > 1:
            return None
        if _cannot_speak(mention):
            continue
        if mention.kind == "country" and mention.first - verb > 2:
            continue
        return mention
    return None


def _cannot_speak(mention: Mention) -> bool:
    return mention.in_place or mention.possessive


def subject_of(story: Story, sentence: Sentence, verb: int, *, until: int) -> Speaker | None:
    """The subject of the verb at index ``verb``: before it, or, where the language allows, between it and ``until``."""
    tokens = sentence.tokens
    token = tokens[verb]
    if token.tag & Tag.SAID_IN:
        return _said_in_place(story, sentence, verb)
    earlier = [index for index in sentence.verbs() if index < verb]
    if earlier and (token.tag & Tag.PARTICIPLE or (verb > 0 and tokens[verb - 1].low in story.words.conjunctions)):
        inherited = subject_of(story, sentence, earlier[-1], until=token.start)
        if inherited is not None:
            return inherited
    if verb > 0 and tokens[verb - 1].low in story.words.relatives:
        near = [mention for mention in sentence.mentions if 0 <= verb - 1 - mention.last <= 1]
        return resolved(story, sentence, near[-1]) if near and not _cannot_speak(near[-1]) else None
    left = _subject_left(story, sentence, verb)
    found = resolved(story, sentence, left) if left is not None else None
    if found is not None:
        return found
    if story.words.lang not in _NO_INVERSION:
        right = _first_after(story, sentence, verb, until, hearer=bool(token.tag & Tag.HEARER))
        if right is not None:
            return resolved(story, sentence, right)
    if story.words.lang in _NO_INVERSION and not token.tag & Tag.PARTICIPLE:
        return None
    return _left_out(story, sentence, token.start)


def _said_in_place(story: Story, sentence: Sentence, verb: int) -> Speaker | None:
    """Whose paper it is: "в оценке службы Supo говорится", "говорится в заявлении министерства"."""
    able = [mention for mention in sentence.mentions if mention.kind != "pronoun"]
    left = [mention for mention in able if mention.last <= verb]
    right = [mention for mention in able if mention.first > verb]
    mention = left[-1] if left else right[0] if right else None
    return resolved(story, sentence, mention) if mention is not None else None


def _subject_left(story: Story, sentence: Sentence, verb: int) -> Mention | None:
    tokens = sentence.tokens
    candidates = [
        mention
        for mention in sentence.mentions
        if mention.last <= verb and not _cannot_speak(mention) and not _is_complement(story, sentence, mention)
    ]
    clause = _clause_start(story, sentence, verb)
    candidates = [mention for mention in candidates if mention.start >= clause]
    if not candidates:
        return _house_before(story, sentence, verb)
    nearest = candidates[-1]
    if tokens[verb].tag & Tag.PARTICIPLE and len(candidates) > 1 and not tokens[verb - 1].tag & Tag.PREPOSITION:
        people = [mention for mention in candidates if mention.kind in ("name", "description", "pronoun")]
        return (people or candidates)[0]
    if verb - nearest.last <= 2 or len(candidates) == 1 or tokens[verb - 1].tag & Tag.PREPOSITION:
        return nearest if nearest.kind != "country" or verb - nearest.last <= 3 else None
    people = [mention for mention in candidates if mention.kind in ("name", "description", "pronoun")]
    pronouns = [mention for mention in people if mention.kind == "pronoun" and verb - mention.last <= 4]
    return (pronouns[-1:] or people or [nearest])[0]


def _house_before(story: Story, sentence: Sentence, verb: int) -> Mention | None:
    """ "В Кремле заявили", "w MSZ powiedziano": the house where it is said, right before the verb."""
    if not story.words.inflecting:
        return None
    for mention in sentence.mentions:
        if mention.last == verb and mention.in_place and mention.kind in ("institution", "country"):
            return mention
    return None


def _is_complement(story: Story, sentence: Sentence, mention: Mention) -> bool:
    """ "Поведение Кремля": an institution behind a noun is what the noun is of, in languages with cases."""
    if not story.words.inflecting or mention.kind not in ("institution", "country") or mention.first == 0:
        return False
    before = sentence.tokens[mention.first - 1]
    return before.tag == 0 and not before.capital and story.masked[before.end : mention.start] == " "


def _clause_start(story: Story, sentence: Sentence, verb: int) -> int:
    """Where the clause of a verb begins: after a semicolon, a conjunction like "that", or a quotation before it."""
    tokens = sentence.tokens
    at = max((one.outer_end for one in sentence.quotes if one.outer_end <= tokens[verb].start), default=sentence.start)
    for index in range(verb - 1, -1, -1):
        if tokens[index].start < at:
            break
        if tokens[index].tag & Tag.THAT or ";" in story.masked[tokens[index].end : tokens[index + 1].start]:
            return max(at, tokens[index].end)
    return at


def by_according(story: Story, sentence: Sentence) -> Speaker | None:
    """The speaker of "according to X", "по словам X", "X:n mukaan"."""
    tokens = sentence.tokens
    for index, token in enumerate(tokens):
        if token.tag & Tag.ACCORDING:
            doubtful = token.tag & Tag.PREPOSITION and " " not in token.low and token.low in ("para", "pour", "do")
            if doubtful and not (token.capital and index == 0):
                continue
            for mention in sentence.mentions:
                if mention.first > index and _is_medium(sentence, mention) and sentence.verbs(Tag.SAY):
                    return None  # "Russia said ..., according to Reuters"
                if mention.first > index and mention.first - index <= 4:
                    return resolved(story, sentence, mention)
                if mention.first > index:
                    break
        elif token.tag & Tag.ZUFOLGE:
            for mention in reversed(sentence.mentions):
                if mention.last <= index and index - mention.last <= 1:
                    return resolved(story, sentence, mention)
    return None


def _according_behind(story: Story, sentence: Sentence, one: Quoted) -> Speaker | None:
    """ "…", according to X, right behind a quotation."""
    tokens = sentence.tokens
    for index, token in enumerate(tokens):
        if token.start < one.outer_end:
            continue
        if not token.tag & Tag.ACCORDING or token.tag & Tag.SAY or token.low in ("para", "pour", "do"):
            return None
        for mention in sentence.mentions:
            if index < mention.first <= index + 2:
                return resolved(story, sentence, mention)
        return None
    return None


def _by_colon(story: Story, sentence: Sentence, one: Quoted) -> Speaker | None:
    before = story.masked[sentence.start : one.outer_start].rstrip()
    if not before.endswith(":"):
        return None
    people = [mention for mention in sentence.mentions if mention.end <= one.outer_start and not _cannot_speak(mention)]
    people = [mention for mention in people if mention.kind in ("name", "description", "pronoun")]
    if people:
        return resolved(story, sentence, people[0])
    return _left_out(story, sentence, one.outer_start)


def _from_context(story: Story, sentence: Sentence, first: Quoted, last: Quoted) -> Speaker | None:
    """The speaker of words that stand without any attribution: from the sentence's subject or the sentence before."""
    outside = [token for token in sentence.tokens if token.end <= first.outer_start or token.start >= last.outer_end]
    if len(outside) > 2:
        if _verb_before(story, sentence, first) is not None:
            return None  # somebody says it, but not anybody we know
        named = [
            mention
            for mention in sentence.mentions
            if mention.end <= first.outer_start and not _cannot_speak(mention) and mention.kind in ("name", "pronoun")
        ]
        return resolved(story, sentence, named[0]) if named else None
    following = _next_of(story, sentence)
    if following is not None and following.paragraph == sentence.paragraph and not following.quotes:
        verbs = following.verbs(Tag.SAY)
        if verbs and verbs[0] <= 6 and len(following.tokens) <= 16:
            found = subject_of(story, following, verbs[0], until=following.end)
            if found is not None and following.mentions and following.mentions[0].first <= 1:
                return found
    return carried(story, sentence)


def carried(story: Story, sentence: Sentence) -> Speaker | None:
    """The speaker of the sentence before."""
    if sentence.number == 0:
        return None
    before = story.sentences[sentence.number - 1]
    found = _speaker_in(story, before)
    if found is None and before.number > 0 and not any(mention.kind == "name" for mention in before.mentions):
        found = _speaker_in(story, story.sentences[before.number - 1])
    return _again(found)


def _speaker_in(story: Story, before: Sentence) -> Speaker | None:
    """Who speaks, or else acts, in a sentence."""
    if before.speaker is not None:
        return before.speaker
    said = said_in(story, before)
    if said is not None:
        return said
    according = by_according(story, before)
    if according is not None:
        return according
    named = [mention for mention in before.mentions if mention.kind == "name" and not _cannot_speak(mention)]
    return resolved(story, before, named[0]) if named else None


def said_in(story: Story, sentence: Sentence) -> Speaker | None:
    """The subject of a sentence's last verb of saying."""
    if not sentence.asked:
        sentence.asked = True  # set first: a pronoun's search must not come back here
        verbs = sentence.verbs(Tag.SAY | Tag.ACT)
        if verbs:
            sentence.subject = subject_of(story, sentence, verbs[-1], until=sentence.end)
    return sentence.subject


def _again(speaker: Speaker | None) -> Speaker | None:
    """The same speaker without words of its own at this quotation."""
    if speaker is None:
        return None
    return Speaker(speaker.name, None, -1, speaker.role, speaker.country, speaker.figure)


def _next_of(story: Story, sentence: Sentence) -> Sentence | None:
    following = sentence.number + 1
    return story.sentences[following] if following < len(story.sentences) else None


def _left_out(story: Story, sentence: Sentence, at: int) -> Speaker | None:
    """The subject that a language may leave out ("afirmou", "dodał"): whoever spoke or acted last."""
    found = _earlier(story, sentence, at, None)
    return found and Speaker(found.name, None, -1, found.role, found.country, found.figure)


def resolved(story: Story, sentence: Sentence, mention: Mention) -> Speaker | None:
    """The speaker that a mention stands for."""
    surface = story.text[mention.start : mention.end]
    if mention.kind == "name" and mention.figure is not None:
        core = story.text[mention.core[0] : mention.core[1]]
        return _figure(story, mention.figure, core, mention)
    if mention.kind == "pronoun":
        if mention.gender in ("n", "p"):
            found = _institution_before(story, sentence, mention)
        else:
            found = _earlier(story, sentence, mention.start, mention.gender)
        return found and Speaker(found.name, surface, mention.start, found.role, found.country, found.figure)
    if mention.kind == "description":
        figure = None if mention.others else story.cast.described(mention) or _only_speaker(story, sentence, mention)
        if figure is not None:
            return _figure(story, figure, surface, mention)
        country = mention.country or _home(story, mention.role, {mention.office})
        return Speaker(_without_article(story, mention), surface, mention.start, mention.role, country)
    return Speaker(_without_article(story, mention), surface, mention.start, None, mention.country)


def _only_speaker(story: Story, sentence: Sentence, mention: Mention) -> Figure | None:
    """Whom "the analyst" means where nobody was introduced as one: the last speaker, if they have no office."""
    if mention.indefinite or mention.office not in _VAGUE_OFFICES:
        return None
    for number in range(sentence.number - 1, max(sentence.number - 1 - _LOOK_BACK, -1), -1):
        speaker = story.sentences[number].speaker
        if speaker is not None and speaker.figure is not None:
            return speaker.figure if not speaker.figure.offices else None
    return None


def _figure(story: Story, figure: Figure, surface: str, mention: Mention) -> Speaker:
    known = known_person(figure.surname.casefold())
    role = figure.role or mention.role or (known.role if known else None)
    country = figure.country or mention.country
    if country is None:
        country = _home(story, figure.role, figure.offices)
    return Speaker(figure.full_name(), surface, mention.start, role, country, figure)


def _home(story: Story, role: str | None, offices: Iterable[str | None]) -> str | None:
    """The country of "the minister" without more words, in a language that is spoken in one country above all."""
    if role is None or " " in role or not _HOME_OFFICES.intersection(offices):
        return None
    return story.words.home


def _without_article(story: Story, mention: Mention) -> str:
    sentence = story.sentence_at(mention.start)
    if sentence is not None:
        first = sentence.tokens[mention.first]
        if first.start == mention.start and first.tag & Tag.DEFINITE and mention.last - mention.first > 1:
            return story.text[sentence.tokens[mention.first + 1].start : mention.end]
    return story.text[mention.start : mention.end]


def _earlier(story: Story, sentence: Sentence, at: int, gender: str | None) -> Speaker | None:
    """Whom "he", "she" or a left-out subject means: the person in focus before ``at``."""
    for mention in _subjects_first(sentence, at):
        if mention.figure is not None and _agrees(mention.figure, gender):
            return resolved(story, sentence, mention)
        if mention.kind == "description" and mention.first == 0:
            return resolved(story, sentence, mention)
    for number in range(sentence.number - 1, max(sentence.number - 1 - _LOOK_BACK, -1), -1):
        before = story.sentences[number]
        said = said_in(story, before) if before.speaker is None else None
        if said is not None and said.figure is not None and _agrees(said.figure, gender):
            return said
        figures = [mention for mention in before.mentions if mention.figure is not None]
        if number == sentence.number - 1 and len(figures) == 1 and before.speaker is None:
            figure = figures[0].figure
            if figure is not None and _agrees(figure, gender):
                return resolved(story, before, figures[0])
        if before.speaker is not None and before.speaker.figure is not None:
            if _agrees(before.speaker.figure, gender):
                return before.speaker
            continue
        for mention in _subjects_first(before, before.end):
            if mention.kind == "description" and not mention.in_place and not mention.others:
                found = resolved(story, before, mention)
                if found is not None and (found.figure is None or _agrees(found.figure, gender)):
                    return found
            if mention.figure is not None and _agrees(mention.figure, gender):
                return resolved(story, before, mention)
    return None


def _subjects_first(sentence: Sentence, at: int) -> Iterable[Mention]:
    mentions = [mention for mention in sentence.mentions if mention.end <= at and not mention.possessive]
    return [mention for mention in mentions if not mention.in_place]


def _agrees(figure: Figure, gender: str | None) -> bool:
    return gender is None or figure.gender is None or figure.gender == gender


def _institution_before(story: Story, sentence: Sentence, pronoun: Mention) -> Speaker | None:
    """What "it" or "they" means: the institution, country or group that the same or the last sentence is about."""
    for number in range(sentence.number, max(sentence.number - 3, -1), -1):
        one = story.sentences[number]
        for mention in one.mentions:
            if mention.start >= pronoun.start or mention.possessive or mention.in_place:
                continue
            if mention.others if pronoun.gender == "p" else mention.kind in ("institution", "country"):
                return resolved(story, one, mention)
    return None


def tag_subject(story: Story, sentence: Sentence, verb: int, since: int) -> Speaker | None:
    """The subject of a verb of saying that closes a clause ending at ``since``: ", X said" or ", said X"."""
    before = [
        mention
        for mention in sentence.mentions
        if mention.start >= since and mention.last <= verb and not _cannot_speak(mention)
    ]
    if before:
        return resolved(story, sentence, before[0])
    hearer = bool(sentence.tokens[verb].tag & Tag.HEARER)
    after = _first_after(story, sentence, verb, sentence.end, hearer=hearer)
    if after is not None:
        return resolved(story, sentence, after)
    return _left_out(story, sentence, sentence.start)
