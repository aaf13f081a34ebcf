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
def openers() -> re.Pattern[str]:
    """What a word ends with that may be the first of a role's name of two: "side" of "side-*bar"."""
    alternatives = (alternative for role in roles().values() for alternative in _BETWEEN.split(role.pattern))
    firsts = {alternative.partition("-")[0] for alternative in alternatives if "-" in alternative}
    return re.compile(f"(?:{'|'.join(sorted(firsts))})$")
