"""Who appears in a story: names, offices, pronouns as mentions, and the cast they refer to.

Finds who is meant; whether they said anything is attribution's question.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Literal

from monitor.analyse.quotes.words import VERB, Tag, Token, Words, country_of, folded, known_person

Kind = Literal["name", "pronoun", "description", "institution", "country"]

_JOINING = frozenset((" ", "\u00a0", "-", " - ", "’", "'", ". ", ".\u00a0", ".", "/"))
_PARTICLES = frozenset(
    [
        "de",
        "da",
        "do",
        "dos",
        "das",
        "di",
        "del",
        "della",
        "la",
        "le",
        "van",
        "von",
        "der",
        "den",
        "ter",
        "zu",
        "bin",
        "ibn",
        "al",
        "el",
        "af",
        "von",
        "und",
        "e",
        "y",
    ]
)
_QUOTED_GAPS = frozenset((' "', '" ', " «", "» ", " „", "“ ", "” ", " “"))
_ENDS_NAME = VERB | Tag.OTHER_VERB | Tag.THAT | Tag.PRONOUN | Tag.ACCORDING | Tag.ZUFOLGE
_ANCHORS = Tag.PRONOUN | Tag.ROLE | Tag.INSTITUTION
_NO_COMPLEMENT_ENDINGS = ("л", "ла", "ли", "лся", "лась", "лись", "ет", "ит", "ют", "ут", "ят", "ется", "ится", "ть", "ł", "ła", "li", "ie", "ł się", "io", "ao", "la")  # fmt: skip


@dataclass(slots=True)
class Mention:
    """A noun phrase or pronoun that may stand for somebody."""

    start: int
    end: int
    first: int  # index of its first and one after its last token
    last: int
    kind: Kind
    name: tuple[str, ...] = ()  # of the person, as written
    role: str | None = None  # words of the office, without the name
    office: str | None = None  # concept of the office
    country: str | None = None
    gender: str | None = None
    in_place: bool = False  # after a preposition: a place, a medium, an object
    possessive: bool = False  # "Biden's": speaks for nobody
    indefinite: bool = False  # "a minister", "one of the diplomats"
    figure: Figure | None = None
    core: tuple[int, int] = (0, 0)  # name or description without its appositions
    others: bool = False  # several people ("officials") or somebody's somebody ("his adviser"): nobody the story named
    second_office: str | None = None  # "former president and deputy chairman X"


@dataclass(slots=True)
class Figure:
    """One person of the cast."""

    names: list[tuple[str, ...]] = field(default_factory=list)
    role: str | None = None
    formerly: set[str] = field(default_factory=set)
    offices: set[str] = field(default_factory=set)
    country: str | None = None
    gender: str | None = None

    @property
    def surname(self) -> str:
        return self.names[0][-1]

    def full_name(self) -> str:
        """The longest form of the name in the story; of several, the one that looks least inflected.

        Where the story has the full name only with a case ending ("Владимира Воронина") but the surname without, the
        ending is taken off.
        """
        longest = max(len(name) for name in self.names)
        full = min((name for name in self.names if len(name) == longest), key=lambda one: len("".join(one)))
        surname = min((name[-1] for name in self.names), key=len)
        ending = full[-1][len(surname) :]
        if longest > 1 and ending and full[-1].startswith(surname) and len(ending) <= 2:
            firsts = [one.removesuffix(ending) if len(one) > 3 + len(ending) else one for one in full[:-1]]
            full = (*firsts, surname)
        return " ".join(full)


class Cast:
    """The people of one story, with where each is mentioned."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self.figures: list[Figure] = []
        self._by_stem: dict[str, list[Figure]] = {}
        self._seen: list[tuple[int, int, Figure]] = []  # (sentence, place, who)

    def find(self, name: tuple[str, ...]) -> Figure | None:
        """The figure that ``name`` (first names, surname; or the surname alone) stands for."""
        for figure in self._by_stem.get(folded(name[-1])[:3], ()):
            if same_word(figure.surname, name[-1], inflecting=self._words.inflecting) and (
                len(name) == 1
                or all(len(other) == 1 for other in figure.names)
                or any(len(other) > 1 and folded(other[0])[:1] == folded(name[0])[:1] for other in figure.names)
            ):
                return figure
        return None

    def enter(self, mention: Mention) -> Figure:
        """The figure of a mention with a name, made where it is new; the mention's office and country become theirs."""
        figure = self.find(mention.name)
        if figure is None:
            figure = Figure()
            self.figures.append(figure)
            self._by_stem.setdefault(folded(mention.name[-1])[:3], []).append(figure)
            known = known_person(mention.name[-1].casefold())
            if known is not None:
                figure.gender, figure.country = known.gender, known.country
                figure.offices.add(known.office)
                if known.formerly:
                    figure.formerly.add(known.formerly)
        figure.names.append(mention.name)
        if mention.office and not figure.role:
            figure.role = mention.role
        if mention.office:
            figure.offices.add(mention.office)
            if self._words.is_former(mention.role or ""):
                figure.formerly.add(mention.office)
        if mention.second_office:
            figure.offices.add(mention.second_office)
        if figure.country is None:
            figure.country = mention.country
        if figure.gender is None and len(mention.name) > 1:
            figure.gender = _gender_of(mention.name)
        mention.figure = figure
        return figure

    def saw(self, sentence: int, at: int, figure: Figure) -> None:
        """Notes that a figure is meant at a place of a sentence."""
        self._seen.append((sentence, at, figure))

    def settle(self) -> None:
        """To be called when all names are in."""
        self._seen.sort(key=lambda one: one[1])

    def last_before(self, at: int) -> list[Figure]:
        """Figures by how lately they were mentioned before a place, each once; of one sentence the first is the nearest."""
        found: list[Figure] = []
        before = self._seen[: bisect_left(self._seen, at, key=lambda one: one[1])]
        for _, _, figure in sorted(before, key=lambda one: (-one[0], one[1])):
            if figure not in found:
                found.append(figure)
        return found

    def described(self, mention: Mention) -> Figure | None:
        """Whom a description ("the Ukrainian minister") stands for, None where nobody or more than one would fit."""
        if mention.office is None or mention.indefinite:
            return None
        wanted = self._words.stands_for.get(mention.office, frozenset({mention.office})) | {mention.office}
        before = self.last_before(mention.start)
        pool = before + [figure for figure in self.figures if figure not in before]
        former = self._words.is_former(mention.role or "")
        fitting = [
            figure
            for figure in pool
            if (figure.formerly if former else figure.offices | figure.formerly) & wanted
            and (mention.country is None or figure.country is None or figure.country == mention.country)
            and not (mention.gender and figure.gender and mention.gender != figure.gender)
        ]
        exact = [figure for figure in fitting if mention.office in figure.offices | figure.formerly]
        return next(iter(exact or fitting), None)


def same_word(one: str, other: str, *, inflecting: bool) -> bool:
    """Whether two words are one name: equal without accents, or equal but for a case ending."""
    one, other = folded(one), folded(other)
    if one == other:
        return True
    shared = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        shared += 1
    shorter = min(len(one), len(other))
    if inflecting:
        return shared >= max(3, shorter - 2) and max(len(one), len(other)) - shared <= 4
    return shared >= max(5, shorter - 1) and abs(len(one) - len(other)) <= 1


def _gender_of(name: tuple[str, ...]) -> str | None:
    first, last = folded(name[0]), folded(name[-1])
    if last.endswith(("ова", "ева", "ина", "ская", "ska", "ova", "eva")):
        return "f"
    if first.endswith(("a", "а", "я")) and first not in ("nikola", "luka", "никола", "лука", "илья", "микола", "ilya"):
        return "f"
    return None


def joined(text: str, one: Token, other: Token) -> bool:
    """Whether nothing but a blank, a hyphen or an initial's full stop stands between two tokens."""
    gap = text[one.end : other.start]
    if gap == " ":
        return True
    if gap in (". ", ".\u00a0", "."):
        return one.end - one.start <= 2 or bool(one.tag & Tag.TITLE)
    return gap in _JOINING


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
            mention = _noun_phrase(text, tokens, i, floor, words, lows)
            if mention is not None:
                found.append(mention)
                floor = i = max(mention.last, i + 1)
                continue
        i += 1
    return _with_appositions(text, tokens, found)


def _is_name_part(token: Token, i: int, lows: set[str]) -> bool:
    if not token.capital or token.tag & (Tag.NO_NAME | _ENDS_NAME | Tag.DETERMINER):
        return False
    if i > 0 or token.tag & (Tag.ROLE | Tag.ORGANISATION) or country_of(token.low) or known_person(token.low):
        return True
    return token.low not in lows


def _noun_phrase(
    text: str, tokens: list[Token], anchor: int, floor: int, words: Words, lows: set[str]
) -> Mention | None:
    first = _left_end(text, tokens, anchor, floor)
    n = len(tokens)
    j = anchor
    strong = anchor
    names: list[int] = []
    roles: list[int] = []
    institution = False
    while j < n:
        token = tokens[j]
        if j > anchor and not joined(text, tokens[j - 1], token):
            gap = text[tokens[j - 1].end : token.start]
            if not (gap in _QUOTED_GAPS and (roles or institution)):
                break
        tag = token.tag
        if tag & (Tag.ROLE | Tag.INSTITUTION) and not (
            names and roles and not tokens[j - 1].possessive and _is_final_name(tokens, names)
        ):
            if (
                names
                and not roles
                and not token.capital
                and not tokens[names[-1]].possessive
                and not country_of(tokens[names[-1]].low)
                and not tokens[names[-1]].tag & Tag.ORGANISATION
                and len(names) > 1
            ):
                break
            if roles and words.oblique and tokens[roles[-1]].low.endswith(words.oblique):
                break  # "заявила журналистам представитель": two people
            if words.genitive_follows and names and not roles and not institution:
                break  # "w Berlinie sekretarz generalny": the place is no part of the office
            if tag & Tag.ROLE:
                roles.append(j)
            else:
                institution = True
            strong = j
        elif tag & _ENDS_NAME:
            break
        elif tag & Tag.TITLE:
            strong = j
        elif (
            not token.capital
            and not tag & ~Tag.ORGANISATION
            and not (words.inflecting and (roles or institution))
            and _office_ahead(text, tokens, j + 1)
        ):
            pass
        elif token.capital and not tag & (Tag.NO_NAME | Tag.PREPOSITION):
            names.append(j)
            strong = j
        elif (
            token.low in _PARTICLES
            and names
            and names[-1] == j - 1
            and j + 1 < n
            and (tokens[j + 1].capital or tokens[j + 1].low in _PARTICLES)
            and not tokens[j + 1].tag & Tag.NO_NAME
            and not roles
            and (not words.nouns_capitalised or tokens[j + 1].low in _PARTICLES)
        ):
            names.append(j)
        elif tag & Tag.OF and (roles or institution):
            if words.head_last and j + 1 < n and tokens[j + 1].tag == 0 and not tokens[j + 1].capital:
                strong = j + 1  # "chief of staff"
        elif country_of(token.low):
            strong = j
        elif tag & Tag.DETERMINER and tokens[j - 1].tag & Tag.OF:
            pass
        elif tag & (Tag.NO_NAME | Tag.DETERMINER):
            if not (tag & Tag.PREPOSITION and words.inflecting and roles and _name_ahead(text, tokens, j + 1)):
                break
        elif tag & Tag.PREPOSITION:
            if not (words.inflecting and roles and _name_ahead(text, tokens, j + 1)):
                break
        elif (roles or institution) and tag == 0 and _may_complement(tokens, j, words) and j - strong <= 3:
            pass
        else:
            break
        j += 1
    last = strong + 1
    return _mention(text, tokens, first, last, names, roles, institution, anchor, words)


def _is_final_name(tokens: list[Token], names: list[int]) -> bool:
    last = tokens[names[-1]]
    return country_of(last.low) is None and not last.tag & Tag.ORGANISATION


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
    """Whether a small word after an office belongs to it: "министр иностранных дел", "ministre des affaires étrangères"."""
    if tokens[j - 1].tag & Tag.OF or (j >= 2 and tokens[j - 2].tag & Tag.OF):
        return True
    return words.inflecting and not tokens[j].low.endswith(_NO_COMPLEMENT_ENDINGS)


def _mention(
    text: str, tokens: list[Token], first: int, last: int, names: list[int], roles: list[int], institution: bool,
    anchor: int, words: Words,
) -> Mention | None:  # fmt: skip
    names = [index for index in names if index < last]
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
    kind: Kind
    if run:
        kind = "name"
    elif roles:
        kind = "description"
    elif institution:
        kind = "institution"
    elif country:
        kind = "country"
    elif names and not words.nouns_capitalised:
        kind = "institution"
    else:
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
    word = text[token.start : token.end]
    if token.possessive:
        return word[:-2] if word[-2] in "'’" else word.partition(":")[0]
    return word


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
        if token.low in _PARTICLES:
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
    while run and tokens[run[0]].low in _PARTICLES:
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
            and text[before.end : mention.start].strip(" \u00a0\u202f0123456789") in (",", ",,", ", ,")
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
