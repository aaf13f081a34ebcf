"""The config file: what loads, and every message for what does not. The cases lie in config_cases/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import time, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from monitor.config import DEFAULT_PATHS, PATH_KEYS, Config, ConfigFile, load
from monitor.config.tree import read_tree
from monitor.errors import ConfigError
from monitor.settings import DEFAULT_TOPICS, FeedSettings, TopicSettings

CASES = Path(__file__).parent / "config_cases"
SHIPPED = Path(__file__).parents[1] / "config.yaml"
LANGUAGES = set(re.findall(r"\S+", "en uk ru de fr pl es it tr fi sv ro pt bg hr lt lv et cs sk hu ka"))
CAMPS = set(
    re.findall(
        r"\S+",
        "nato eu ukrainian russian-state russian-independent us uk german french polish turkish hungarian slovak "
        "baltic nordic georgian moldovan balkan agency",
    )
)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CREDENTIALS_DIRECTORY", "MONITOR_SMTP_PASSWORD", "MONITOR_IMAP_PASSWORD", "NO_SUCH_VARIABLE"):
        monkeypatch.delenv(name, raising=False)


def no_wrong_word(topic: TopicSettings) -> list[str]:
    """A stand-in for the query language: the word WRONG is wrong, wherever it stands."""
    return [
        f"line {number}, column {match.start() + 1}: WRONG is wrong"
        for number, line in enumerate(topic.query.split("\n"), 1)
        for match in re.finditer("WRONG", line)
    ]


def problems_of(path: Path) -> list[str]:
    """The problems of a file, without its name."""
    with pytest.raises(ConfigError) as caught:
        load(path, no_wrong_word)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return [problem.removeprefix(f"{path}:") for problem in caught.value.problems]


def loaded(tmp_path: Path, text: str, **keywords: Any) -> Config:
    """The config that a file with this text gives; a topic is added."""
    path = tmp_path / "config.yaml"
    path.write_text("topics: [{name: nato, query: NATO}]\n" + text, encoding="utf-8")
    return load(path, **keywords)


# --- messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", sorted(CASES.glob("bad_*.yaml")), ids=lambda case: case.stem)
def test_every_problem_of_a_bad_file_is_said_with_its_line(case: Path) -> None:
    """All problems at once, in the order of the file, word for word."""
    assert problems_of(case) == case.with_suffix(".expected").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("case", sorted(CASES.glob("bad_*.yaml")), ids=lambda case: case.stem)
def test_messages_are_free_of_library_words(case: Path) -> None:
    """Nobody has to know pydantic or a YAML parser to understand a message."""
    said = " ".join(problems_of(case))
    assert not re.search(r"pydantic|alidation|extra|[Ii]nput should|\b(tuple|dict|str|None|True|False)\b|<class", said)


def test_a_secret_is_not_repeated() -> None:
    """A password that was written into the file does not get into logs."""
    assert "hunter2" not in "\n".join(problems_of(CASES / "bad_secrets.yaml"))
    assert "secret@" not in "\n".join(problems_of(CASES / "bad_values.yaml"))


def test_a_problem_of_a_query_points_at_its_place_in_the_file() -> None:
    """Whatever way a query is written, line and column lead to the word."""
    case = CASES / "bad_query_block.yaml"
    lines = case.read_text(encoding="utf-8").splitlines()
    placed = [re.match(r"(\d+): \S+: column (\d+): WRONG", problem) for problem in problems_of(case)]
    found = [(int(match[1]), int(match[2])) for match in placed if match]
    assert len(found) == 6
    assert [lines[line - 1][column - 1 :][:5] for line, column in found] == ["WRONG"] * 6


def test_a_missing_file_is_named() -> None:
    """A file that was asked for and is not there is not silently replaced by another."""
    with pytest.raises(ConfigError, match=r"^/no/such/config\.yaml: there is no such file"):
        load(Path("/no/such/config.yaml"))


def test_a_folder_is_no_config_file(tmp_path: Path) -> None:
    """What cannot be read says why."""
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_without_a_file_the_places_looked_in_are_named(tmp_path: Path) -> None:
    """Where no file was asked for, the message says where one was looked for."""
    with pytest.raises(ConfigError) as caught:
        load(None, default_paths=(tmp_path / "config.yaml", tmp_path / "etc" / "config.yaml"))
    assert caught.value.problems == [
        f"no config file: looked for {tmp_path}/config.yaml and {tmp_path}/etc/config.yaml; "
        "copy the config.yaml that comes with the program, or name yours with --config"
    ]
    assert caught.value.exit_code == 78


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", sorted(CASES.glob("good_*.yaml")), ids=lambda case: case.stem)
def test_a_good_file_loads(case: Path) -> None:
    """No problem, no error; the config knows its file."""
    assert load(case, no_wrong_word).path == case


def test_values_arrive_in_their_units() -> None:
    """Durations, sizes, times and zones are values, not text."""
    config = load(CASES / "good_everything.yaml")
    assert config.store.keep_pages is None
    assert config.store.keep_text == timedelta(days=730)
    assert config.fetch.timeout == timedelta(seconds=90)
    assert config.fetch.max_bytes == 2 * 1024**2
    assert config.fetch.allow_private == ("127.0.0.1", "10.0.0.0/8")
    assert config.workers == 3
    assert [topic.query for topic in config.topics] == ["NATO AND accession"] * 2
    quiet = config.alerts.quiet_hours
    assert quiet is not None
    assert (quiet.from_, quiet.to, quiet.timezone.key) == (time(22), time(6, 30), "Europe/Kyiv")
    assert config.alerts.email is not None
    assert config.alerts.email.to == ("a@example.org", "b@example.org")


def test_norway_is_a_country_and_a_language() -> None:
    """YAML 1.1 would read `no` as false."""
    feed = load(CASES / "good_everything.yaml").feeds[0]
    assert (feed.country, feed.lang) == ("NO", "no")


def test_what_is_left_out_has_its_default() -> None:
    """The smallest file is a topic; so is one whose other keys are commented out."""
    small, empty = load(CASES / "good_minimal.yaml"), load(CASES / "good_empty_sections.yaml")
    for config in (small, empty):
        assert config.model_dump(exclude={"topics", "path"}) == ConfigFile().model_dump(exclude={"topics"})


def test_the_first_file_that_exists_is_taken(tmp_path: Path) -> None:
    """./config.yaml comes before /etc/monitor/config.yaml; a place without a file is passed over."""
    first, second = CASES / "good_minimal.yaml", CASES / "good_everything.yaml"
    assert load(None, default_paths=(tmp_path / "none.yaml", first, second)).path == first
    assert [str(path) for path in DEFAULT_PATHS] == ["config.yaml", "/etc/monitor/config.yaml"]


# --- the environment -------------------------------------------------------------------------------------------------


def test_variables_in_paths_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """${CREDENTIALS_DIRECTORY} leads to the file that systemd provides."""
    (tmp_path / "smtp_password").write_text("secret\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    config = loaded(
        tmp_path,
        "store: {path: $CREDENTIALS_DIRECTORY/monitor.db}\n"
        "alerts: {email: {host: h, from: a@b.org, to: [c@d.org], username: u, "
        'password_file: "${CREDENTIALS_DIRECTORY}/smtp_password"}}\n',
    )
    assert config.store.path == tmp_path / "monitor.db"
    assert config.alerts.email is not None
    assert config.alerts.email.password_file == tmp_path / "smtp_password"


LOGIN = "alerts: {email: {host: h, from: a@b.org, to: [c@d.org], username: u}}\n"


def test_the_password_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login without a password file is no problem when the variable is set."""
    monkeypatch.setenv("MONITOR_SMTP_PASSWORD", "secret")
    assert loaded(tmp_path, LOGIN).alerts.email


def test_the_password_may_come_from_a_systemd_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credential's name alone is enough."""
    (tmp_path / "smtp_password").write_text("secret")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert loaded(tmp_path, LOGIN).alerts.email


@pytest.mark.parametrize("file", ["/no/such/file", '"${CREDENTIALS_DIRECTORY}/smtp_password"', "null"])
def test_who_sends_nothing_needs_no_password(tmp_path: Path, file: str) -> None:
    """An analyst can ask the store without being allowed to read the password."""
    text = LOGIN.replace("username: u", f"username: u, password_file: {file}")
    with pytest.raises(ConfigError):
        loaded(tmp_path, text)
    assert loaded(tmp_path, text, secrets=False).alerts.email


def test_an_empty_password_file_is_a_problem(tmp_path: Path) -> None:
    """It would only show when the first alert cannot be sent."""
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match="empty is empty; it must hold the password"):
        loaded(tmp_path, LOGIN.replace("username: u", f"password_file: {tmp_path}/empty"))


def test_every_path_has_its_variables_replaced() -> None:
    """A path that a section gains is in PATH_KEYS, too."""
    assert {key for key, annotation, _ in _keys(ConfigFile) if Path in (annotation, *get_args(annotation))} == set(
        PATH_KEYS
    )


# --- never anything but ConfigError ----------------------------------------------------------------------------------


def load_bytes(folder: Path, raw: bytes) -> None:
    """Load; a ConfigError must say something, on one line each."""
    path = folder / "fuzz.yaml"
    path.write_bytes(raw)
    try:
        load(path, no_wrong_word)
    except ConfigError as error:
        assert error.problems
        assert all(re.match(r".*fuzz\.yaml:\d+: .", problem) for problem in error.problems)
        assert not any("\n" in problem for problem in error.problems)


MARKS = [": ", "-", "[", "]", "{", "}", "&a ", "*a ", "!!int ", "!x ", "? ", "<<: ", "'", '"', "|\n", ">\n", "#", "~"]
SPACES = ["\t", "\n", "\n  ", "\n- ", "\n---\n", "%YAML 1.1\n", "\x00"]
WORDS = ["feeds:", "topics:", "alerts:", "email:", "url: ", "name: ", "query: ", "poll: ", ".nan", "1e999", "5m"]
SNIPPETS = st.sampled_from([*MARKS, *SPACES, *WORDS, "https://a.example/"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    raw=st.one_of(st.binary(max_size=200), st.lists(SNIPPETS, max_size=30).map(lambda parts: "".join(parts).encode()))
)
def test_arbitrary_bytes_load_or_are_a_config_error(tmp_path: Path, raw: bytes) -> None:
    """Whatever lies in the file, nobody sees a traceback."""
    load_bytes(tmp_path, raw)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_loads_or_is_a_config_error(tmp_path: Path, data: st.DataObject) -> None:
    """A slip of the hand anywhere in a full file never ends in a traceback."""
    raw = (CASES / "good_everything.yaml").read_text(encoding="utf-8")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw)))
        raw = raw[:at] + data.draw(SNIPPETS) + raw[at + data.draw(st.integers(0, 8)) :]
    load_bytes(tmp_path, raw.encode())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_under_any_key_loads_or_is_a_config_error(tmp_path: Path, data: st.DataObject) -> None:
    """JSON is YAML: each key is tried with values of every kind."""
    import json

    paths = [key for key, _, _ in _keys(ConfigFile)]
    document: dict[str, Any] = {}
    for path in data.draw(st.lists(st.sampled_from(paths), min_size=1, max_size=4)):
        place = document
        for part in path[:-1]:
            place = place.setdefault(part, {}) if isinstance(place.get(part, {}), dict) else {}
        place[path[-1]] = data.draw(VALUES)
    for name in ("feeds", "topics"):
        if isinstance(document.get(name), dict):
            document[name] = [document[name]]
    load_bytes(tmp_path, json.dumps(document).encode("utf-8", "replace"))


def test_references_that_unfold_without_end_are_refused(tmp_path: Path) -> None:
    """A few lines of YAML cannot take all memory."""
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10))
    path = tmp_path / "config.yaml"
    path.write_text("l0: &l0 [x, x]\n" + levels)
    assert any("unfold to far too many values" in problem for problem in problems_of(path))


@pytest.mark.parametrize(
    "nested",
    [
        *(opening * 50_000 for opening in ("[", "{a: ", "- ", "? ", "[{a: ", "['}',", "[ #]\n   ", '!!seq ["]", ')),
        "".join("  " * (199 * line) + "- " * 199 + "\n" for line in range(60)),
    ],
    ids=lambda text: text[:6],
)
def test_endless_nesting_is_refused(nested: str, tmp_path: Path) -> None:
    """Nor can it exhaust the stack, Python's or that of a C library; what is quoted or a comment hides nothing."""
    path = tmp_path / "config.yaml"
    path.write_text("feeds:\n  " + nested)
    assert problems_of(path) == ["1: the values are nested too deeply"]


# --- the shipped file ------------------------------------------------------------------------------------------------


def test_the_shipped_config_has_no_problem() -> None:
    """What comes with the program works as it is, queries included."""
    flag = pytest.importorskip("monitor.flag")
    assert load(SHIPPED, flag.check_topic).topics == DEFAULT_TOPICS


def test_the_shipped_feeds_cover_all_camps_and_languages() -> None:
    """55 outlets, every camp of the design, and the languages that the lexicon knows."""
    feeds = load(SHIPPED).feeds
    assert len({feed.outlet for feed in feeds}) >= 55
    assert {feed.lang for feed in feeds} >= LANGUAGES
    assert {feed.camp for feed in feeds} >= CAMPS
    assert all(feed.outlet and feed.camp and feed.lang for feed in feeds)
    assert [feed.outlet for feed in feeds if not feed.country] == ["NATO"]


def test_every_camp_is_explained() -> None:
    """The comment over the feeds names each camp that they use."""
    text = SHIPPED.read_text(encoding="utf-8")
    explained = set(re.findall(r"[a-z-]+", text[text.index("# One line a feed") : text.index("\nfeeds:")]))
    assert {feed.camp for feed in load(SHIPPED).feeds} <= explained


def test_every_key_stands_in_the_shipped_config_with_its_default(tmp_path: Path) -> None:
    """config.yaml is the documentation: live or commented out, each key is there and tells the truth."""
    tree = read_tree(_with_comments_live(SHIPPED.read_text(encoding="utf-8")).encode())
    assert not tree.problems
    written = {tuple(part for part in path if isinstance(part, str)) for path in tree.places}
    keys = _keys(ConfigFile)
    assert {key for key, _, _ in keys} - written == {("reviews", "maildir")}  # in place of imap; explained beside it
    path = tmp_path / "config.yaml"
    path.write_text(_with_comments_live(SHIPPED.read_text(encoding="utf-8")), encoding="utf-8")
    config = load(path, secrets=False)
    wrong = []
    for key, _, default in keys:
        value = _value_at(config, key)
        if default not in (PydanticUndefined, None) and key[0] not in ("feeds", "topics") and value != default:
            wrong.append((key, value, default))
    assert wrong == []
    assert config.topics[0].threshold == TopicSettings.model_fields["threshold"].default


def _with_comments_live(text: str) -> str:
    """The file with its commented-out keys switched on."""
    return re.sub(r"(?m)^( *)# ( *[a-z_]+:(?: |$))", r"\1\2", text)


def _keys(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Every key below a section: its path, its annotation, its default."""
    for name, field in model.model_fields.items():
        key = (*path, field.alias or name)
        inner = [one for one in chain([field.annotation], get_args(field.annotation)) if _is_section(one)]
        if inner:
            yield from _keys(inner[0], key)
        else:
            yield key, field.annotation, field.get_default(call_default_factory=True)


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _value_at(config: Any, key: tuple[str, ...]) -> Any:
    for part in key:
        if isinstance(config, tuple):
            config = config[0]
        config = getattr(config, "from_" if part == "from" else part)
    return config


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["https://example.org/rss", "HTTP://EXAMPLE.org", "https://[2001:db8::1]:8080/feed", "https://xn--e1afmkfd.test/"],
)
def test_feed_urls_are_taken(url: str) -> None:
    """http and https, any case, any port."""
    assert FeedSettings(url=url).url == url


@pytest.mark.parametrize(
    "url", ["", "ftp://example.org/", "https://", "https:///rss", "https://a b/", "https://[::1/", "javascript:x"]
)
def test_what_is_no_feed_url_is_refused(url: str) -> None:
    """Other schemes, no host, blanks, broken brackets."""
    with pytest.raises(ValueError, match="is no http"):
        FeedSettings(url=url)
