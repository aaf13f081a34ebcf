"""Reads the word lists that ship with the program: one YAML file per subject beside this module. Holds no words and
no rules itself.

Files under ``terms/`` define the ``@names`` of topic queries: every top-level key is a name, its value maps languages
to entries. A new word, name or file needs no change here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

ALL_LANGUAGES = "all"


@dataclass(frozen=True, slots=True)
class TermBlock:
    """Entries of one ``@name`` for some languages: each line is a query of its own."""

    languages: frozenset[str]  # ISO 639-1 codes; empty: every document
    lines: tuple[tuple[int, str], ...]  # (line number inside the block, entry), comments and blank lines left out


@dataclass(frozen=True, slots=True)
class CountryNames:
    """The names of one country in all languages, as query terms."""

    code: str  # ISO 3166-1 alpha-2
    candidate: bool  # has been or may be a candidate for NATO
    joined: date | None  # day of joining NATO, where that was news of our time
    names: tuple[str, ...]


@cache
def load(name: str) -> Any:
    """The content of ``<name>.yaml`` (``terms/nato`` for a file in a folder) as plain dicts, lists and strings;
    raises FileNotFoundError.
    """
    from ruamel.yaml import YAML

    text = resources.files(__package__).joinpath(*f"{name}.yaml".split("/")).read_text(encoding="utf-8")
    return YAML(typ="safe").load(text)


@cache
def digest() -> str:
    """A hash of all word lists and of the weights fitted to them: another one means that judgements may differ."""
    found = hashlib.blake2b(digest_size=8)
    package = resources.files(__package__).joinpath("..")
    for folder in (resources.files(__package__), package.joinpath("analyse"), package.joinpath("flag")):
        for name, data in sorted(_data_files(folder)):
            found.update(name.encode() + b"\0" + data)
    return found.hexdigest()


def _data_files(folder: Traversable) -> Iterator[tuple[str, bytes]]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _data_files(item)
        elif item.name.endswith((".yaml", ".json")):
            yield item.name, item.read_bytes()


@cache
def terms() -> Mapping[str, tuple[TermBlock, ...]]:
    """All ``@names`` with their entries, from every file under ``terms/``."""
    found: dict[str, tuple[TermBlock, ...]] = {}
    for file in sorted(resources.files(__package__).joinpath("terms").iterdir(), key=lambda path: path.name):
        if not file.name.endswith(".yaml"):
            continue
        for name, blocks in load(f"terms/{file.name.removesuffix('.yaml')}").items():
            if name in found:
                raise ValueError(f"lexicon entry @{name} is defined twice; the second time in terms/{file.name}")
            found[name] = tuple(_block(languages, lines) for languages, lines in blocks.items())
    return MappingProxyType(found)


@cache
def countries() -> tuple[CountryNames, ...]:
    """The countries that stories are told about, candidates first."""
    from shlex import split

    data = load("countries")
    joined = {code: date.fromisoformat(str(day)) for code, day in data["joined"].items()}
    return tuple(
        CountryNames(code, group == "candidates", joined.get(code), tuple(split(names.replace("'", "’"))))
        for group in ("candidates", "actors")
        for code, names in data[group].items()
    )


@cache
def fingerprint() -> str:
    """A hash of the words that topics can use, for the hash of rules. The same in every process: sets are sorted."""
    words = [
        (name, [(sorted(block.languages), block.lines) for block in blocks]) for name, blocks in sorted(terms().items())
    ]
    return hashlib.blake2b(repr((words, countries())).encode(), digest_size=8).hexdigest()


def _block(languages: str, text: str) -> TermBlock:
    lines = ((number, line.partition(" #")[0].strip()) for number, line in enumerate(text.splitlines(), start=1))
    named = frozenset() if languages == ALL_LANGUAGES else frozenset(languages.split())
    return TermBlock(named, tuple((number, line) for number, line in lines if line and not line.startswith("#")))
