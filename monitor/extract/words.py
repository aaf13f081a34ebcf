"""The word lists of monitor/lexicon/pages.yaml, compiled: what pages put around articles or in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from monitor import lexicon

_BETWEEN = re.compile(r"\|(?![^()]*\))")  # alternatives, but for those within parentheses


@cache
def pattern(name: str, form: str = "{}") -> re.Pattern[str]:
    """One pattern of all alternatives of the list ``name``; ``form`` wraps it, with ``{}`` where they go."""
    alternatives = "|".join(lexicon.load("pages")[f"{name}_patterns"].splitlines())
    return re.compile(form.replace("{}", f"(?:{alternatives})"), re.IGNORECASE)


@cache
def stems(name: str) -> frozenset[str]:
    """All stems of the list ``name``, of all languages together."""
    return frozenset(lexicon.load("pages")[f"{name}_stems"].split())


@cache
def roles() -> Mapping[str, re.Pattern[str]]:
    """For each role of an element, the words of its class, id and so on that name it (in lower case)."""
    return {role: re.compile("|".join(lines.splitlines())) for role, lines in lexicon.load("pages")["roles"].items()}


@cache
def pairs() -> re.Pattern[str]:
    """All roles' names of two words, standing apart: "side-*bar" as "side-bar". None has brackets within brackets."""
    alternatives = (alternative for role in roles().values() for alternative in _BETWEEN.split(role.pattern))
    return re.compile("|".join(words.replace("-*", "-") for words in alternatives if "-" in words))
