"""The cast of a story: who is named, with which office, and whom a surname or a description stands for.

Whether anybody said anything is attribution's question.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Literal

from monitor.analyse.quotes.words import Words, folded, known_person

Kind = Literal["name", "pronoun", "description", "institution", "country"]


_REACH = 300  # mentions that a description looks back over, before it asks the whole cast


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
            figure.gender = self._words.gender_of_name(mention.name)
        mention.figure = figure
        return figure

    def saw(self, sentence: int, at: int, figure: Figure) -> None:
        """Notes that a figure is meant at a place of a sentence."""
        self._seen.append((sentence, at, figure))

    def settle(self) -> None:
        """To be called when all names are in."""
        self._seen.sort(key=lambda one: one[1])

    def last_before(self, at: int) -> list[Figure]:
        """Figures by how lately they were mentioned before a place; of one sentence the first is the nearest."""
        until = bisect_left(self._seen, at, key=lambda one: one[1])
        before = self._seen[max(until - _REACH, 0) : until]
        nearest = sorted(before, key=lambda one: (-one[0], one[1]))
        return list({id(figure): figure for _, _, figure in nearest}.values())

    def described(self, mention: Mention) -> Figure | None:
        """Whom a description ("the Ukrainian minister") stands for, None where nobody or more than one would fit."""
        if mention.office is None or mention.indefinite:
            return None
        wanted = self._words.stands_for.get(mention.office, frozenset({mention.office})) | {mention.office}
        before = self.last_before(mention.start)
        near = {id(figure) for figure in before}
        pool = before + [figure for figure in self.figures if id(figure) not in near]
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
