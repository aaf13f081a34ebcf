"""Finds the noun phrases and pronouns of a sentence that may stand for somebody, with name, office, country and place.

Reads words only; which person is meant is the cast's question (people.py).
"""

from __future__ import annotations

import re

from monitor.analyse.quotes.people import Kind, Mention
from monitor.analyse.quotes.words import VERB, Tag, Token, Words, country_of, known_person

_JOINING = frozenset((" ", "\u00a0", "-", " - ", "’", "'", ". ", ".\u00a0", ".", "/"))
_APPOSED = re.compile(r"\s*,\s*(?:\d{1,3}\s*,\s*)?")  # "Anna Berg, 59, the chairwoman"
_QUOTED_GAPS = frozenset((' "', '" ', " «", "» ", " „", "“ ", "” ", " “"))
_ENDS_NAME = VERB | Tag.OTHER_VERB | Tag.THAT | Tag.PRONOUN | Tag.ACCORDING | Tag.ZUFOLGE
_OFFICE = Tag.ROLE | Tag.INSTITUTION
_ANCHORS = Tag.PRONOUN | _OFFICE


def mentions_in(text: str, tokens: list[Token], words: Words, lows: set[str]) -> list[Mention]:
    """The noun phrases and pronouns of one sentence that may stand for somebody, in order, appositions joined."""
    found: list[Mention] = []
    i, n = 0, len(tokens)
    floor = 0
    while i < n:
        token = tokens[i]
        if not token.capital and not token.tag & _ANCHORS:
            i += 1
            continue
        if token.tag & Tag.PRONOUN and not token.tag & Tag.ROLE and not token.possessive:
            found.append(
                Mention(token.start, token.end, i, i + 1, "pronoun", gender=token.gender, core=(token.start, token.end))
            )
            floor = i = i + 1
            continue
        if token.tag & (Tag.ROLE | Tag.INSTITUTION) or _is_name_part(token, i, lows):
            mention = _noun_phrase(text, tokens, i, floor, words)
            if mention is not None:
                found.append(mention)
                floor = i = max(mention.last, i + 1)
                continue
        i += 1
    return _with_appositions(text, tokens, found)


def joined(text: str, one: Token, other: Token) -> bool:
    """Whether nothing but a blank, a hyphen or an initial's full stop stands between two tokens."""
    gap = text[one.end : other.start]
    if gap == " ":
        return True
    if gap in (". ", ".\u00a0", "."):
        return one.end - one.start <= 2 or bool(one.tag & Tag.TITLE)
    return gap in _JOINING


def _is_name_part(token: Token, i: int, lows: set[str]) -> bool:
    if not token.capital or token.tag & (Tag.NO_NAME | _ENDS_NAME | Tag.DETERMINER):
        return False
    if i > 0 or token.tag & (Tag.ROLE | Tag.ORGANISATION) or country_of(token.low) or known_person(token.low):
        return True
    return token.low not in lows


class _Phrase:
    """A noun phrase under way: it takes one token after the other until one does not belong to it."""

    def __init__(self, text: str, tokens: list[Token], anchor: int, words: Words) -> None:
        self.text, self.tokens, self.words = text, tokens, words
        self.anchor = self.strong = anchor  # strong: the last token that the phrase may end with
        self.names: list[int] = []
        self.roles: list[int] = []
        self.institution = False

    def takes(self, j: int) -> bool:
        """Whether token ``j`` belongs to the phrase; remembers what it is there."""
        token = self.tokens[j]
        if j > self.anchor and not self._is_joined(j):
            return False
        if token.tag & _OFFICE and not self._is_complete(j):
            return self._takes_office(j)
        if token.tag & _ENDS_NAME:
            return False
        if token.tag & Tag.TITLE:
            self.strong = j
            return True
        if self._is_in_front_of_office(j):
            return True
        if (token.capital and not token.tag & (Tag.NO_NAME | Tag.PREPOSITION)) or self._is_particle(j):
            self.names.append(j)
            self.strong = j if token.capital else self.strong
            return True
        return self._takes_complement(j)

    def _is_joined(self, j: int) -> bool:
        gap = self.text[self.tokens[j - 1].end : self.tokens[j].start]
        return joined(self.text, self.tokens[j - 1], self.tokens[j]) or (
            gap in _QUOTED_GAPS and bool(self.roles or self.institution)
        )

    def _is_complete(self, j: int) -> bool:
        """Whether office and name are there already: "minister Anna Berg | president ..."."""
        if not (self.names and self.roles) or self.tokens[j - 1].possessive:
            return False
        last = self.tokens[self.names[-1]]
        return country_of(last.low) is None and not last.tag & Tag.ORGANISATION

    def _takes_office(self, j: int) -> bool:
        if self.names and not self.roles and self._is_name_before_office(j):
            return False
        if self.roles and self.words.oblique and self.tokens[self.roles[-1]].low.endswith(self.words.oblique):
            return False  # "заявила журналистам представитель": two people
        if self.tokens[j].tag & Tag.ROLE:
            self.roles.append(j)
        else:
            self.institution = True
        self.strong = j
        return True

    def _is_name_before_office(self, j: int) -> bool:
        """Whether what stands before is no part of the office: "w Berlinie sekretarz generalny"."""
        if self.words.genitive_follows and not self.institution:
            return True
        last = self.tokens[self.names[-1]]
        return (
            len(self.names) > 1
            and not self.tokens[j].capital
            and not last.possessive
            and country_of(last.low) is None
            and not last.tag & Tag.ORGANISATION
        )

    def _is_in_front_of_office(self, j: int) -> bool:
        """Whether a small word leads to an office: "the Kursk oblast governor", "air force spokesperson"."""
        token = self.tokens[j]
        return (
            not token.capital
            and not token.tag & ~Tag.ORGANISATION
            and not (self.words.inflecting and (self.roles or self.institution))
            and _office_ahead(self.text, self.tokens, j + 1)
        )

    def _is_particle(self, j: int) -> bool:
        """Whether a small word is part of a name: "Ursula von der Leyen"."""
        if self.tokens[j].low not in self.words.particles or self.roles or j + 1 >= len(self.tokens):
            return False
        following = self.tokens[j + 1]
        doubled = following.low in self.words.particles
        return (
            bool(self.names)
            and self.names[-1] == j - 1
            and (doubled or (following.capital and not self.words.nouns_capitalised))
            and not following.tag & Tag.NO_NAME
        )

    def _takes_complement(self, j: int) -> bool:
        """Whether a small word belongs to the office before it: "chief of staff", "министр иностранных дел"."""
        token, tag = self.tokens[j], self.tokens[j].tag
        held = bool(self.roles or self.institution)
        if tag & Tag.OF and held:
            following = self.tokens[j + 1] if j + 1 < len(self.tokens) else None
            if self.words.head_last and following is not None and following.tag == 0 and not following.capital:
                self.strong = j + 1
            return True
        if country_of(token.low):
            self.strong = j
            return True
        if tag & Tag.DETERMINER and self.tokens[j - 1].tag & Tag.OF:
            return True
        if tag & Tag.PREPOSITION:
            return self.words.inflecting and bool(self.roles) and _name_ahead(self.text, self.tokens, j + 1)
        return held and tag == 0 and j - self.strong <= 3 and _may_complement(self.tokens, j, self.words)


def _noun_phrase(text: str, tokens: list[Token], anchor: int, floor: int, words: Words) -> Mention | None:
    phrase = _Phrase(text, tokens, anchor, words)
    j = anchor
    while j < len(tokens) and phrase.takes(j):
        j += 1
    return _mention(phrase, _left_end(text, tokens, anchor, floor))


def _left_end(text: str, tokens: list[Token], anchor: int, floor: int) -> int:
    """Where a phrase begins that has its noun at ``anchor``: articles, countries, adjectives between them."""
    first = anchor
    for k in range(anchor - 1, max(floor, anchor - 5) - 1, -1):
        token = tokens[k]
        if not joined(text, token, tokens[k + 1]):
            break
        if token.tag & (Tag.DETERMINER | Tag.INDEFINITE | Tag.DEFINITE):
            return k
        if token.tag & ~Tag.ORGANISATION:
            break
        if country_of(token.low):
            first = k
        elif token.capital:
            break
    return first


def _office_ahead(text: str, tokens: list[Token], j: int) -> bool:
    """Whether an office follows within two words: "the Kursk oblast governor", "air force spokesperson"."""
    for k in range(j, min(j + 2, len(tokens))):
        if not joined(text, tokens[k - 1], tokens[k]):
            return False
        if tokens[k].tag & (Tag.ROLE | Tag.INSTITUTION):
            return True
        if tokens[k].tag & ~Tag.ORGANISATION:
            return False
    return False


def _name_ahead(text: str, tokens: list[Token], j: int) -> bool:
    """Whether at least two capitalised words in a row follow without a break: the name after a long title."""
    run = 0
    for k in range(j, min(j + 6, len(tokens))):
        if k > j and not joined(text, tokens[k - 1], tokens[k]):
            return False
        if tokens[k].tag & _ENDS_NAME:
            return False
        run = run + 1 if tokens[k].capital else 0
        if run >= 3:
            return True
    return False


def _may_complement(tokens: list[Token], j: int, words: Words) -> bool:
    """Whether a small word after an office belongs to it: "ministre des affaires étrangères"."""
    if tokens[j - 1].tag & Tag.OF or (j >= 2 and tokens[j - 2].tag & Tag.OF):
        return True
    return words.inflecting and not tokens[j].low.endswith(words.verb_endings)


def _mention(phrase: _Phrase, first: int) -> Mention | None:
    text, tokens, words, anchor = phrase.text, phrase.tokens, phrase.words, phrase.anchor
    roles, institution, last = phrase.roles, phrase.institution, phrase.strong + 1
    names = [index for index in phrase.names if index < last]
    run = _person_run(text, tokens, names, last, words)
    if run and not roles and not institution and run[0] > first:
        first = anchor = run[0]  # "dla Interii John Kirby": what stands before is no part of the name
    if len(run) == 1 and roles and words.is_plural(tokens[roles[-1]].low) and not known_person(tokens[run[0]].low):
        run = []  # "власти Чечни"
    role = _office_of(tokens, roles, words)
    before = tokens[first - 1] if first > 0 else None
    first, one_of = _one_of(tokens, first)
    indefinite = (
        one_of
        or any(tokens[k].tag & Tag.INDEFINITE for k in range(first, anchor))
        or (before is not None and bool(before.tag & Tag.INDEFINITE))
    )
    country = None
    for k in range(first, run[0] if run else last):
        country = country or country_of(tokens[k].low)
    in_place = bool(
        not one_of and before is not None and before.tag & Tag.PREPOSITION and not before.tag & Tag.ACCORDING
    )
    opener = tokens[first]
    if first < anchor and opener.tag & Tag.DEFINITE and opener.tag & (Tag.PREPOSITION | Tag.OF):
        # "der", "na", "des": article and preposition in one; behind a verb ("sagte der Sprecher") only an article
        in_place = in_place or (before is not None and not before.tag & VERB and joined(text, before, opener))
    if words.oblique and (roles or len(run) > 1):
        # "журналисту Такеру Карлсону": the case says that they only listen
        named = roles[0] if roles else run[0]
        in_place = in_place or tokens[named].low.endswith(words.oblique)
    possessive = tokens[last - 1].possessive
    kind = _kind_of(run, phrase, country, named=bool(names))
    if kind is None:
        return None
    if kind == "country" and not in_place and _is_adjective(text, tokens, last, words):
        return None
    start, end = tokens[first].start, tokens[last - 1].end
    role_text = None
    if roles:
        role_end = tokens[run[0]].start if run and run[0] > roles[0] else end
        role_start = tokens[first].start if not run or run[0] > roles[0] else tokens[roles[0]].start
        if first < anchor and tokens[first].tag & (Tag.DETERMINER | Tag.DEFINITE | Tag.OF | Tag.PREPOSITION):
            role_start = max(role_start, tokens[first + 1].start)
        role_text = text[role_start:role_end].strip(" ,-–—\u00a0") or None
    name: tuple[str, ...] = ()
    if run:
        name = tuple(_bare(text, tokens[k]) for k in run)
        start = start if roles or run[0] == first else min(start, tokens[run[0]].start)
    core = (tokens[run[0]].start, tokens[run[-1]].end) if run else (start, end)
    others = not run and bool(roles) and words.is_plural(tokens[roles[-1]].low)
    others = others or (not run and tokens[first].low in words.possessives)
    return Mention(
        start,
        end,
        first,
        last,
        kind,
        name,
        role_text,
        role,
        country,
        words.gender_of(tokens[first].low, tokens[roles[-1]].low) if roles and not run else None,
        in_place,
        possessive,
        indefinite,
        None,
        core,
        others,
    )


def _office_of(tokens: list[Token], roles: list[int], words: Words) -> str | None:
    """The office that counts: the last of "president's adviser", the first of "head of the president's office"."""
    if not roles:
        return None
    if words.head_last:
        run = [roles[0]]
        for index in roles[1:]:
            if any(tokens[k].tag & Tag.OF for k in range(run[-1], index)):
                break
            run.append(index)
        roles = run[::-1]
    return next((tokens[index].role for index in roles if tokens[index].role != "deputy"), tokens[roles[0]].role)


def _one_of(tokens: list[Token], first: int) -> tuple[int, bool]:
    """Whether "one of the", "один из" stands before a phrase, and where the phrase begins then."""
    for k in range(first - 1, max(first - 4, -1), -1):
        if tokens[k].tag & Tag.INDEFINITE and k < first - 1:
            return k, True
        if not tokens[k].tag & (Tag.PREPOSITION | Tag.OF | Tag.DETERMINER | Tag.NO_NAME):
            break
        if tokens[k].tag & VERB:
            break
    return first, False


def _kind_of(run: list[int], phrase: _Phrase, country: str | None, *, named: bool) -> Kind | None:
    if run:
        return "name"
    if phrase.roles:
        return "description"
    if phrase.institution:
        return "institution"
    if country:
        return "country"
    return "institution" if named and not phrase.words.nouns_capitalised else None


def _is_adjective(text: str, tokens: list[Token], last: int, words: Words) -> bool:
    """ "Belarusian soldiers", "Russian officials say": a country's word in front of a noun is no speaker."""
    return (
        last < len(tokens)
        and tokens[last].tag == 0
        and not tokens[last].capital
        and tokens[last - 1].low.endswith(words.adjective_endings)
        and joined(text, tokens[last - 1], tokens[last])
    )


def _bare(text: str, token: Token) -> str:
    """A word without its possessive: "Biden's", "Naton:n", "Çelik'in"."""
    word = text[token.start : token.end]
    return re.split("['’:]", word)[0] if token.possessive else word


def _person_run(text: str, tokens: list[Token], names: list[int], last: int, words: Words) -> list[int]:
    """The indices of the words at the end of a phrase that are a person's name."""
    if not names or names[-1] != last - 1:
        return []
    run = [names[-1]]
    for index in reversed(names[:-1]):
        if index != run[0] - 1:
            break
        run.insert(0, index)
    final = tokens[run[-1]]
    if known_person(final.low) is None and (
        country_of(final.low) is not None or final.tag & (Tag.ORGANISATION | Tag.INSTITUTION | Tag.ROLE | Tag.TITLE)
    ):
        return []
    cut_by = 0
    for position in range(len(run) - 2, -1, -1):
        token = tokens[run[position]]
        if token.low in words.particles:
            continue
        is_place = country_of(token.low) is not None and known_person(token.low) is None
        if (
            is_place
            or token.possessive
            or token.tag & (Tag.ORGANISATION | Tag.ROLE | Tag.INSTITUTION)
            or (token.end - token.start > 1 and _is_acronym(text, token, tokens[run[-1]]))
        ):
            run = run[position + 1 :]
            cut_by = token.tag
            break
        if words.genitive and len(run) - position > 2 and token.low.endswith(words.genitive):
            run = run[position + 1 :]  # "Rady Najwyższej Rusłan Stefanczuk"
            break
    if run and run[0] > 0 and tokens[run[0] - 1].tag & Tag.OF and known_person(tokens[run[0]].low) is None:
        run = run[1:]  # "senador de Kaliningrado": what the office is of, not who holds it
    while run and tokens[run[0]].low in words.particles:
        run = run[1:]
    if len(run) == 1 and cut_by & Tag.ORGANISATION and known_person(tokens[run[0]].low) is None:
        return []  # "Comissão Europeia": the rest of an institution's name
    return run[-4:]


def _is_acronym(text: str, token: Token, final: Token) -> bool:
    """Whether a word before a surname is an institution's: in capitals, or Latin letters before a Cyrillic name."""
    if text[token.start : token.end].isupper() and not text[final.start : final.end].isupper():
        return True
    return token.low.isascii() and "\u0400" <= final.low[0] <= "\u04ff"


def _with_appositions(text: str, tokens: list[Token], found: list[Mention]) -> list[Mention]:
    """Joins "Jens Stoltenberg, the secretary general," and "the minister, Pål Jonson," into one mention each."""
    result: list[Mention] = []
    for mention in found:
        before = result[-1] if result else None
        if (
            before is not None
            and mention.first - before.last <= 1
            and _APPOSED.fullmatch(text, before.end, mention.start)
            and _are_one(text, tokens, before, mention)
        ):
            named, office = (before, mention) if before.name else (mention, before)
            result[-1] = Mention(
                before.start, mention.end, before.first, mention.last, "name", named.name, office.role, office.office,
                office.country or named.country, None, before.in_place, mention.possessive, False, None, named.core,
                False, _office_before(text, result),
            )  # fmt: skip
        else:
            result.append(mention)
    return result


def _office_before(text: str, result: list[Mention]) -> str | None:
    """The first office of "the former president and deputy chairman, X"."""
    if len(result) < 2 or result[-2].kind != "description":
        return None
    gap = text[result[-2].end : result[-1].start].strip(" ,\u00a0").casefold()
    return result[-2].office if gap in ("e", "et", "and", "и", "i", "och", "und", "та", "й", "y", "ja") else None


def _closes(text: str, tokens: list[Token], mention: Mention) -> bool:
    """Whether an apposition ends as one does: at a comma, a dash, the sentence's end, or its verb."""
    if text[mention.end : mention.end + 1] in (",", ".", ")", "", "\n") or text[mention.end : mention.end + 2] in (
        " –",
        " —",
    ):
        return True
    return mention.last < len(tokens) and bool(tokens[mention.last].tag & (VERB | Tag.NO_NAME))


def _are_one(text: str, tokens: list[Token], before: Mention, after: Mention) -> bool:
    if before.possessive or before.kind not in ("name", "description") or after.kind not in ("name", "description"):
        return False
    if before.name and after.office and not after.name and not before.office:
        closing = text[after.end : after.end + 1]
        # "..., Biden, the president said": the second half may be the subject of its own verb
        return not (before.in_place and closing != ",") and not after.in_place and _closes(text, tokens, after)
    return bool(before.office and not before.name and after.name and not after.office and not after.in_place)
