"""config.yaml -> one frozen Config. Reports every problem of the file in one go, each with its line and key.

Knows what the keys mean to one another; what the sections hold and their defaults stand in settings.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from monitor.config import wording
from monitor.config.query_place import place_in_file
from monitor.config.tree import Path as KeyPath
from monitor.config.tree import Problem, Tree, read_tree
from monitor.errors import ConfigError
from monitor.settings import (
    AlertSettings,
    FeedSettings,
    FetchSettings,
    PollSettings,
    ReadSettings,
    ReviewSettings,
    Section,
    SentimentSettings,
    StoreSettings,
    TopicSettings,
    WatchSettings,
    Workers,
    nearest,
)
from monitor.urls import canonical_url

DEFAULT_PATHS: tuple[Path, ...] = (Path("config.yaml"), Path("/etc/monitor/config.yaml"))

# keys that hold a path, in which ${VARIABLES} are replaced
PATH_KEYS: tuple[KeyPath, ...] = (
    ("store", "path"),
    ("alerts", "mailbox"),
    ("alerts", "email", "password_file"),
    ("alerts", "email", "ca_file"),
    ("reviews", "maildir"),
    ("reviews", "imap", "password_file"),
    ("reviews", "imap", "ca_file"),
)
# logins, and where else than in password_file their password may be: an environment variable, a systemd credential
_LOGINS: tuple[tuple[KeyPath, str, str], ...] = (
    (("alerts", "email"), "MONITOR_SMTP_PASSWORD", "smtp_password"),
    (("reviews", "imap"), "MONITOR_IMAP_PASSWORD", "imap_password"),
)
_SCORERS = ("auto", "linear", "neural", "hub")
# codes that people write by habit: of the country for the language, of the language for the country
_COUNTRY_SLIPS = {"UK": "GB", "EN": "GB", "EL": "GR"}
_LANG_SLIPS = {"ua": "uk", "cz": "cs", "ee": "et", "ge": "ka", "gr": "el", "dk": "da", "se": "sv", "si": "sl"}


class ConfigFile(Section):
    """The keys that may stand in the file."""

    store: StoreSettings = StoreSettings()
    fetch: FetchSettings = FetchSettings()
    workers: Workers = "local"
    poll: PollSettings = PollSettings()
    read: ReadSettings = ReadSettings()
    watch: WatchSettings = WatchSettings()
    feeds: tuple[FeedSettings, ...] = ()
    topics: tuple[TopicSettings, ...] = ()
    sentiment: SentimentSettings = SentimentSettings()
    alerts: AlertSettings = AlertSettings()
    reviews: ReviewSettings = ReviewSettings()


class Config(ConfigFile):
    """The whole configuration. Relative paths in it are relative to the current directory, as written."""

    path: Path  # the file it was read from


def load(
    path: Path | None,
    check_topic: Callable[[TopicSettings], list[str]] | None = None,
    *,
    secrets: bool = True,
    default_paths: Sequence[Path] = DEFAULT_PATHS,
) -> Config:
    """Read and check a config file.

    Args:
        path: the file; None: the first of ``default_paths`` that exists.
        check_topic: says what is wrong with a topic's query, each thing as ``line 2, column 5: ...``.
            None: queries are not looked at.
        secrets: password files must be readable. False for commands that send nothing: an analyst may ask
            the store without being allowed to read the password.

    Raises:
        ConfigError: with all problems in the order of the file, each ``file:line: key: what is wrong``.
    """
    found = path or _find(default_paths)
    tree = read_tree(_read(found))
    if not tree.problems or tree.data:
        config = _check(tree, found, check_topic, secrets)
        if config and not tree.problems:
            return config
    raise ConfigError([_told(found, problem) for problem in sorted(dict.fromkeys(tree.problems), key=_line)])


def _find(default_paths: Sequence[Path]) -> Path:
    for path in default_paths:
        try:
            if path.exists():
                return path
        except PermissionError:  # somebody else's folder: `sudo -u monitor monitor status` in /root
            continue
    looked = " and ".join(str(path.absolute()) for path in default_paths)
    raise ConfigError(
        [
            f"no config file: looked for {looked}; "
            "copy the config.yaml that comes with the program, or name yours with --config"
        ]
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigError([f"{path}: there is no such file (looked in {Path.cwd()})"]) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise ConfigError([f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"]) from error


def _line(problem: Problem) -> int:
    return problem.line


def _told(path: Path, problem: Problem) -> str:
    return f"{path}:{problem.line}: " + (f"{problem.key}: " if problem.key else "") + problem.text


def _check(
    tree: Tree, path: Path, check_topic: Callable[[TopicSettings], list[str]] | None, secrets: bool
) -> Config | None:
    """Note all problems in ``tree``; the config when the values have the right form."""
    _expand_variables(tree, secrets)
    try:
        keys = ConfigFile.model_validate(tree.data)
        config = Config(path=path, **{name: getattr(keys, name) for name in ConfigFile.model_fields})
    except ValidationError as error:
        config = None
        _report(tree, error)
    _check_feeds(tree)
    _check_topics(tree, check_topic)
    _check_scorer(tree)
    _check_reviews(tree)
    for section, variable, credential in _LOGINS:
        _check_login(tree, section)
        if secrets:
            _check_password(tree, section, variable, credential)
    return config


def _report(tree: Tree, error: ValidationError) -> None:
    reported = set()
    for found in error.errors(include_url=False):
        path = _place(tree, found["loc"], of_missing=found["type"] in ("missing", "extra_forbidden"))
        if path not in reported:  # a value that may be of two kinds is reported for each
            reported.add(path)
            tree.report(path, wording.explain(found, path, ConfigFile))


def _place(tree: Tree, loc: tuple[str | int, ...], *, of_missing: bool) -> KeyPath:
    """pydantic's place -> the key's place in the file; without the kinds of a union, which are no keys."""
    path: KeyPath = ()
    for part in loc:
        if (*path, part) not in tree.places:
            return (*path, part) if of_missing and part == loc[-1] else path
        path = (*path, part)
    return path


def _expand_variables(tree: Tree, secrets: bool) -> None:
    """Replace ``${NAME}`` in the paths. One that is not set is a problem, but for secrets that are not needed."""
    for key in PATH_KEYS:
        section = _get(tree.data, key[:-1])
        if not isinstance(section, dict) or not isinstance(section.get(key[-1]), str):
            continue
        expanded = os.path.expandvars(section[key[-1]])
        section[key[-1]] = expanded
        unset = re.search(r"\$\{?(\w+)", expanded)
        if unset and (secrets or key[-1] != "password_file"):
            hint = "; systemd sets it for the service" if unset[1] == "CREDENTIALS_DIRECTORY" else ""
            tree.report(key, f"the environment variable {unset[1]} is not set{hint}")


def _check_feeds(tree: Tree) -> None:
    seen: dict[str, int] = {}
    for index, feed in _items(tree, "feeds"):
        _check_codes(tree, index, feed)
        url = _valid_url(feed)
        if url is None:
            continue
        line = tree.line(("feeds", index, "url"))
        if url in seen:
            tree.report(("feeds", index, "url"), f"this feed stands here twice; first on line {seen[url]}")
        seen.setdefault(url, line)


def _check_codes(tree: Tree, index: int, feed: dict[str, Any]) -> None:
    country, lang = feed.get("country"), feed.get("lang")
    if isinstance(country, str) and (country in _COUNTRY_SLIPS or not re.fullmatch("[A-Z]{2}", country)):
        better = _COUNTRY_SLIPS.get(country.upper(), country.upper())
        hint = f"; did you mean {better}?" if re.fullmatch("[A-Z]{2}", better) else ""
        tree.report(("feeds", index, "country"), f"must be an ISO country code, like UA, not {country!r}{hint}")
    if isinstance(lang, str) and (lang in _LANG_SLIPS or not re.fullmatch("[a-z]{2}", lang)):
        better = _LANG_SLIPS.get(lang.lower()[:2], lang.lower()[:2])
        hint = f"; did you mean {better}?" if re.fullmatch(r"[A-Za-z]{2}([-_]\w+)?", lang) else ""
        tree.report(("feeds", index, "lang"), f"must be an ISO language code, like uk, not {lang!r}{hint}")


def _valid_url(feed: dict[str, Any]) -> str | None:
    try:
        return canonical_url(FeedSettings(url=feed.get("url", "")).url)
    except ValidationError:  # reported with the other values
        return None


def _check_topics(tree: Tree, check_topic: Callable[[TopicSettings], list[str]] | None) -> None:
    if "topics" not in tree.data or tree.data["topics"] == []:
        tree.report(
            ("topics",),
            "there is no topic, so nothing would be flagged; copy one from the config.yaml that comes with the program",
        )
    seen: dict[str, int] = {}
    for index, values in _items(tree, "topics"):
        name = values.get("name")
        if isinstance(name, str):
            if name in seen:
                tree.report(
                    ("topics", index, "name"), f"another topic has the name {name}; it stands on line {seen[name]}"
                )
            seen.setdefault(name, tree.line(("topics", index, "name")))
        query = values.get("query")
        if check_topic and isinstance(query, str):
            # only the query is asked about here: it is checked even where another key of the topic is wrong
            said = check_topic(TopicSettings(name="topic", query=query))
            tree.problems += place_in_file(tree, ("topics", index, "query"), said)


def _check_scorer(tree: Tree) -> None:
    scorer = _get(tree.data, ("sentiment", "scorer"))
    if not isinstance(scorer, str) or scorer in _SCORERS or re.fullmatch(r"[\w.]+:\w+", scorer):
        return
    close = nearest(scorer, _SCORERS)
    tree.report(
        ("sentiment", "scorer"),
        f"must be {', '.join(_SCORERS)}, or your own as package.module:function, not {scorer!r}"
        + (f"; did you mean {close}?" if close else ""),
    )


def _check_reviews(tree: Tree) -> None:
    """A key that does nothing is worse than none: who sets it would wait for replies to count."""
    reviews = tree.data.get("reviews")
    if isinstance(reviews, dict) and reviews and not ("imap" in reviews or "maildir" in reviews):
        tree.report(("reviews",), "says where replies go, but not where to read them; add imap or maildir")


def _check_login(tree: Tree, path: KeyPath) -> None:
    section = _get(tree.data, path)
    if not isinstance(section, dict) or section.get("security") != "none":
        return
    if section.get("username") and not section.get("allow_plain_login"):
        tree.report(
            (*path, "security"),
            "the password would cross the network readable; use starttls or tls "
            "(or allow_plain_login: true for a server on this machine)",
        )


def _check_password(tree: Tree, path: KeyPath, variable: str, credential: str) -> None:
    """The password of a login must be there: in its file, the environment, or systemd's credentials, in this order."""
    section = _get(tree.data, path)
    if not isinstance(section, dict) or "host" not in section:
        return
    file = section.get("password_file")
    if isinstance(file, str):
        if "$" not in file:  # a variable that is not set is reported already
            _check_readable(tree, (*path, "password_file"), file)
    elif wording.SECRETS & section.keys():  # reported already, with the same advice
        return
    elif section.get("username") and not os.environ.get(variable) and not _credential(credential):
        tree.report(
            (*path, "username"),
            f"there is no password for this login; name a file in password_file, set {variable} in the environment, "
            f"or give the service the systemd credential {credential}",
        )


def _credential(name: str) -> bool:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    try:  # the installer makes an empty one
        return bool(folder) and bool((Path(str(folder)) / name).read_bytes().strip())
    except OSError:
        return False


def _check_readable(tree: Tree, path: KeyPath, file: str) -> None:
    try:
        empty = not Path(file).read_bytes().strip()
    except (OSError, ValueError) as error:
        tree.report(path, f"{file} cannot be read: {getattr(error, 'strerror', None) or error}")
        return
    if empty:
        tree.report(path, f"{file} is empty; it must hold the password")


def _items(tree: Tree, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    items = tree.data.get(name)
    if isinstance(items, list):
        yield from ((index, item) for index, item in enumerate(items) if isinstance(item, dict))


def _get(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data
