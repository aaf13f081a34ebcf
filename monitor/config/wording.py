"""What pydantic found wrong, in words for a person at 3 a.m. Knows which keys there are; reads no file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from monitor.config.tree import Path, key_name
from monitor.settings import nearest

# keys that would hold a secret
SECRETS = frozenset({"password", "passwd", "pass", "secret", "token", "api_key"})
_SECRET_HINT = (
    "a secret must not stand in this file; put it into a file of its own and name that in password_file, "
    "or set MONITOR_SMTP_PASSWORD in the environment"
)
# what a missing key is for
_PURPOSE = {
    "host": "the name of the mail server, like smtp.example.org",
    "from": "the address that alerts come from, like monitor@example.org",
    "to": "the addresses that get the alerts, like [desk@example.org]",
    "url": "the address of the feed, like https://example.org/rss.xml",
    "name": "a short name in lower case, like nato-accession",
    "query": "what the topic looks for, like (NATO NEAR/25 accession)",
    "username": "the name to log in with",
    "timezone": "a time zone name, like Europe/Kyiv",
    "at": 'the time of day, like "07:30"',
}
_QUIET_PURPOSE = {"from": 'the time of day they begin, like "22:00"', "to": 'the time of day they end, like "06:30"'}
# keys that take several kinds of value
_EXPECTED = {"allow_private": "must be true, false, or a list of hosts and networks, like [10.0.0.0/8]"}


def keys_at(model: type[BaseModel], path: Path) -> dict[str, type[BaseModel] | None]:
    """The keys that may stand in the section at ``path``, as written in the file; sections with their model."""
    for part in path:
        if isinstance(part, str):
            inner = keys_at(model, ()).get(part)
            if inner is None:
                return {}
            model = inner
    return {field.alias or name: _section_of(field.annotation) for name, field in model.model_fields.items()}


def explain(error: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    """What is wrong with the key at ``path``, without the key's name, in plain English."""
    name = str(path[-1]) if path else ""
    if error["type"] == "extra_forbidden":
        return _unknown(name, path, model)
    if error["type"] == "missing":
        return _missing(name, path)
    return _EXPECTED.get(name) or _wrong_value(error, path, model)


def shown(value: Any) -> str:
    """A value as it may stand in a message: short, on one line."""
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _unknown(name: str, path: Path, model: type[BaseModel]) -> str:
    if name in SECRETS:
        return _SECRET_HINT
    known = keys_at(model, path[:-1])
    homes = [home for home in _sections(model, ()) if name in keys_at(model, home)]
    if len(homes) in (1, 2, 3):
        places = " or ".join(f"under {key_name(home)}" if home else "at the top" for home in homes)
        return f"unknown key here; it belongs {places}"
    close = nearest(name, known)
    return f"unknown key; did you mean {close}?" if close else f"unknown key; known here: {', '.join(known)}"


def _missing(name: str, path: Path) -> str:
    purpose = (_QUIET_PURPOSE if "quiet_hours" in path else _PURPOSE).get(name) or _PURPOSE.get(name)
    return f"is missing: {purpose}" if purpose else "is missing"


def _wrong_value(error: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    kind, value, about = error["type"], error["input"], error.get("ctx", {})
    found = "but it is empty" if value is None else f"not {shown(value)}"
    if kind in ("value_error", "assertion_error"):
        return str(about["error"])
    if kind == "literal_error":
        return _not_allowed(value, error)
    if kind == "string_type":
        quoted = isinstance(value, int | float) and not isinstance(value, bool)
        return f'must be text; put it in quotes: "{value}"' if quoted else f"must be text, {found}"
    if kind in ("tuple_type", "list_type", "set_type"):
        example = f", like [{value}]" if isinstance(value, str) and len(value) <= 60 else ""
        return f"must be a list{example}, {found}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        keys = ", ".join(keys_at(model, path))
        return f"must be a section with the keys {keys}, {found}" if keys else f"must be a section, {found}"
    limit = _limit(kind, about)
    if limit:
        return f"must be {limit}, {found}"
    return f"{_kind(kind)}, {found}"


def _not_allowed(value: Any, error: ErrorDetails) -> str:
    allowed = [str(one).strip("'") for one in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
    close = nearest(value, allowed) if isinstance(value, str) else None
    listed = f"{', '.join(allowed[:-1])} or {allowed[-1]}" if allowed[1:] else allowed[0]
    return f"must be {listed}, not {shown(value)}" + (f"; did you mean {close}?" if close else "")


def _limit(kind: str, about: Mapping[str, Any]) -> str:
    words = {
        "greater_than_equal": ("at least", "ge"),
        "greater_than": ("more than", "gt"),
        "less_than_equal": ("at most", "le"),
        "less_than": ("less than", "lt"),
    }.get(kind)
    if words:
        return f"{words[0]} {about[words[1]]:g}"
    if kind == "too_short":
        return f"a list of at least {about['min_length']}"
    return ""


def _kind(kind: str) -> str:
    if kind.startswith("int"):
        return "must be a whole number"
    if kind.startswith(("float", "finite")):
        return "must be a number"
    if kind.startswith("bool"):
        return "must be true or false"
    if kind.startswith("path"):
        return "must be a path"
    if kind == "string_pattern_mismatch":
        return "must be lower-case letters, digits and hyphens"
    return "cannot be used"


def _sections(model: type[BaseModel], path: Path) -> Iterator[Path]:
    yield path
    for name, inner in keys_at(model, ()).items():
        if inner is not None:
            yield from _sections(inner, (*path, name))


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """The model inside ``X | None``, ``tuple[X, ...]`` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _section_of(inner))), None)
