"""The sections of config.yaml as frozen values, with their defaults. Reading and reporting is config.py's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import time, timedelta
from difflib import get_close_matches
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "kB": 1000, "MB": 1000**2, "GB": 1000**3}


def parse_duration(value: Any) -> Any:
    """``"90d"``, ``"5m"``, ``"1h30m"`` -> timedelta; a timedelta stays. Units: s m h d w.

    Raises:
        ValueError: anything else. A bare number too: in ``keep_pages: 90`` a library reads seconds, a person days.
    """
    if isinstance(value, timedelta):
        return value
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhdw])", value) if isinstance(value, str) else []
    if not parts or re.sub(r"(\d+(?:\.\d+)?)\s*([smhdw])", "", value).strip():
        raise ValueError(f"{_shown(value)} is no duration; write a number with a unit, like 20s, 5m, 12h, 90d")
    try:
        return timedelta(seconds=sum(float(number) * _UNITS_S[unit] for number, unit in parts))
    except OverflowError:
        raise ValueError(f"{_shown(value)} is longer than time itself") from None


def parse_size(value: Any) -> Any:
    """``"10MiB"`` -> bytes; whole numbers are bytes.

    Raises:
        ValueError: anything else.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?)\s*(B|[KMG]iB|kB|[MG]B)", str(value).strip())
    if not match:
        raise ValueError(f"{_shown(value)} is no size; write a number with a unit, like 512KiB, 10MiB")
    return int(float(match[1]) * _SIZES[match[2]])


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` is probably a slip of, or None."""
    by_folded = {one.casefold(): one for one in known}
    close = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def _forever(value: Any) -> Any:
    if value is None or value == "forever":
        return None
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f"{error}, or forever") from None


def _clock(value: Any) -> Any:
    """``"06:30"`` -> time. Only that form: YAML and pydantic would make seconds of a bare number."""
    if isinstance(value, time):
        return value
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if not match:
        raise ValueError(f'{_shown(value)} is no time of day; write it like "06:30", in quotes')
    return time(int(match[1]), int(match[2]))


def _zone(value: Any) -> Any:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(value)
    except (TypeError, ValueError, KeyError, OSError):  # OSError: "Europe" is a folder of the time zone database
        raise ValueError(f"{_shown(value)} is no time zone{_zone_hint(str(value))}") from None


def _zone_hint(name: str) -> str:
    zones = available_timezones()
    if not zones:
        return "; this machine has no time zone data: install the package tzdata"
    cities = {zone.rpartition("/")[2]: zone for zone in sorted(zones)}
    if any(zone.startswith(f"{name}/") for zone in zones):
        return "; it needs a city, like Europe/Kyiv"
    found = nearest(name, zones) or cities.get(nearest(name, cities) or "")
    return f"; did you mean {found}?" if found else "; write a name like Europe/Kyiv or UTC"


def _address(value: str) -> str:
    """A mail address, with or without a name before it. Raises ValueError."""
    local, _, domain = parseaddr(value)[1].rpartition("@")
    if not local or not domain or re.search(r"\s", local + domain) or re.search(r"[\r\n]", value):
        raise ValueError(f"{_shown(value)} is no mail address; write it like desk@example.org")
    return value


def _plain_address(value: str) -> str:
    if re.search(r"[\s<>,]", _address(value)):
        raise ValueError(f"must be one address and nothing else, like desk@example.org, not {_shown(value)}")
    return value


def _workers(value: Any) -> Any:
    number = isinstance(value, int) and not isinstance(value, bool) and value > 0
    if number or value == "local" or (isinstance(value, str) and re.fullmatch(r"dask://[^\s/:]+:\d{1,5}", value)):
        return value
    raise ValueError(f"must be local, a number of at least 1, or dask://host:port, not {_shown(value)}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


Duration = Annotated[timedelta, BeforeValidator(parse_duration), Field(ge=timedelta(0))]
Keep = Annotated[timedelta | None, BeforeValidator(_forever)]
Size = Annotated[int, BeforeValidator(parse_size), Field(gt=0)]
Clock = Annotated[time, BeforeValidator(_clock)]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Address = Annotated[str, AfterValidator(_address)]
PlainAddress = Annotated[str, AfterValidator(_plain_address)]
Workers = Annotated[str | int, BeforeValidator(_workers)]


class Section(BaseModel):
    """Base of all sections: frozen, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StoreSettings(Section):
    """Where the SQLite file lies and how long its parts are kept."""

    path: Path = Path("./var/monitor.db")
    keep_pages: Keep = timedelta(days=90)
    keep_text: Keep = None


class FetchSettings(Section):
    """How the program behaves toward servers."""

    user_agent: str = ""  # empty: name/version (+homepage)
    timeout: Duration = timedelta(seconds=20)  # total for one request, redirects included
    max_bytes: Size = 10 * 1024**2  # after decompression
    connections: int = Field(default=50, ge=1, le=1000)
    per_host: int = Field(default=2, ge=1)
    per_host_delay: Duration = timedelta(seconds=1)
    obey_robots: bool = True
    allow_private: bool | tuple[str, ...] = False  # true, or hosts / networks that may be private


class PollSettings(Section):
    """How often feeds are asked."""

    min_interval: Duration = timedelta(minutes=5)
    max_interval: Duration = timedelta(hours=12)

    @model_validator(mode="after")
    def _ordered(self) -> PollSettings:
        if self.min_interval > self.max_interval:
            raise ValueError("min_interval is longer than max_interval")
        return self


class ReadSettings(Section):
    """How article pages are read."""

    page_timeout: Duration = timedelta(seconds=20)  # a worker that takes longer is killed
    attempts: int = Field(default=5, ge=1)  # then the entry is judged on its feed's own text
    feed_text_min: int = Field(default=1500, ge=0)  # characters of full text in a feed that make the page unnecessary


class WatchSettings(Section):
    """When stories are fetched again after they were read."""

    # after the first reading: flagged stories and live blogs
    after: tuple[Duration, ...] = (
        timedelta(minutes=15),
        timedelta(hours=1),
        timedelta(hours=4),
        timedelta(days=1),
        timedelta(days=3),
    )
    retry_for: Duration = timedelta(days=2)  # a page that did not give the article, on the same schedule


class FeedSettings(Section):
    """One feed and the outlet behind it."""

    url: str
    outlet: str = ""
    country: str | None = None
    camp: str | None = None
    lang: str | None = None
    tags: tuple[str, ...] = ()

    @field_validator("url")
    @classmethod
    def _http(cls, url: str) -> str:
        if not re.fullmatch(r"https?://\S+", url, re.IGNORECASE) or not _has_host(url):
            raise ValueError(f"{_shown(url)} is no http(s) URL")
        if "@" in urlsplit(url).netloc:
            raise ValueError("the URL holds a user name or a password; feeds behind a login cannot be read")
        return url


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number, brackets that are not closed
        return False


class TopicSettings(Section):
    """What to flag."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str = ""  # stands in the mail's subject: [title]
    query: str
    threshold: float = Field(default=0.5, ge=0, le=1)


# what `monitor analyse` and the demo look for without a config; the same as in the shipped config.yaml
DEFAULT_TOPICS = (
    TopicSettings(
        name="nato-accession",
        title="NATO accession",
        query="@nato AND @accession-any",
    ),
)


class SentimentSettings(Section):
    """Which scorer gives the tone: auto, linear, neural, hub, or ``package.module:function``."""

    scorer: str = "auto"
    hub: dict[str, Any] = Field(default_factory=dict)  # standard names of the transformers pipeline
    targets: tuple[Literal["talks", "accession", "country", "nato", "speaker"], ...] = (
        "talks",
        "accession",
        "country",
        "nato",
        "speaker",
    )


class EmailSettings(Section):
    """The SMTP server that alerts go through."""

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password_file: Path | None = None
    allow_plain_login: bool = False  # log in without TLS; only for a server on the same machine
    ca_file: Path | None = None
    from_: Address = Field(alias="from")
    to: tuple[PlainAddress, ...] = Field(min_length=1)
    timeout: Duration = timedelta(seconds=30)


class QuietHours(Section):
    """Alerts are held from ``from`` to ``to`` and released as one mail."""

    from_: Clock = Field(alias="from")
    to: Clock
    timezone: Zone

    @model_validator(mode="after")
    def _not_empty(self) -> QuietHours:
        if self.from_ == self.to:
            raise ValueError("from and to are the same: that would be the whole day or nothing; leave quiet_hours out")
        return self


class DigestSettings(Section):
    """When the daily digest goes out."""

    at: Clock
    timezone: Zone


class AlertSettings(Section):
    """Who is told, and how."""

    email: EmailSettings | None = None
    mailbox: Path = Path("./var/mail")
    max_age: Duration = timedelta(hours=48)
    quiet_hours: QuietHours | None = None
    digest: DigestSettings | None = None


class ImapSettings(Section):
    """The mailbox that replies to alerts arrive in."""

    host: str
    port: int = Field(default=993, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    username: str
    password_file: Path | None = None
    allow_plain_login: bool = False  # log in without TLS; only for a server on the same machine
    ca_file: Path | None = None
    folder: str = Field(default="INBOX", pattern=r"^[ -~]+$")
    timeout: Duration = timedelta(seconds=30)


class ReviewSettings(Section):
    """Where replies to alerts are read."""

    address: PlainAddress | None = None  # None: that of alerts.email.from
    subaddress: bool = True  # the server delivers name+anything@ to name@
    imap: ImapSettings | None = None
    maildir: Path | None = None
    every: Duration = timedelta(minutes=1)

    @model_validator(mode="after")
    def _one_mailbox(self) -> ReviewSettings:
        if self.imap and self.maildir:
            raise ValueError("replies are read from one mailbox: imap or maildir, not both")
        return self
