"""The sections of config.yaml as frozen values, with their defaults. Reading and reporting is config.py's."""

from __future__ import annotations

import re
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "kB": 1000, "MB": 1000**2, "GB": 1000**3}


def parse_duration(value: Any) -> Any:
    """``"90d"``, ``"5m"``, ``"1h30m"`` -> timedelta; anything else is left to pydantic. Units: s m h d w."""
    if not isinstance(value, str):
        return value
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhdw])", value)
    if not parts or re.sub(r"(\d+(?:\.\d+)?)\s*([smhdw])", "", value).strip():
        raise ValueError(f"{value!r} is no duration; write a number with a unit, like 20s, 5m, 12h, 90d")
    return timedelta(seconds=sum(float(number) * _UNITS_S[unit] for number, unit in parts))


def parse_size(value: Any) -> Any:
    """``"10MiB"`` -> bytes; numbers are bytes."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(B|[KMG]iB|kB|[MG]B)", value.strip())
    if not match:
        raise ValueError(f"{value!r} is no size; write a number with a unit, like 512KiB, 10MiB")
    return int(float(match[1]) * _SIZES[match[2]])


def _forever(value: Any) -> Any:
    return None if value == "forever" else parse_duration(value)


Duration = Annotated[timedelta, BeforeValidator(parse_duration), Field(ge=timedelta(0))]
Keep = Annotated[timedelta | None, BeforeValidator(_forever)]
Size = Annotated[int, BeforeValidator(parse_size), Field(gt=0)]


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
    connections: int = Field(50, ge=1, le=1000)
    per_host: int = Field(2, ge=1)
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
    attempts: int = Field(5, ge=1)  # then the entry is judged on its feed's own text
    feed_text_min: int = Field(1500, ge=0)  # characters of full text in a feed that make the page unnecessary


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
        if not re.match(r"https?://[^/\s]+", url):
            raise ValueError(f"{url!r} is no http(s) URL")
        return url


class TopicSettings(Section):
    """What to flag."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str = ""  # stands in the mail's subject: [title]
    query: str
    threshold: float = Field(0.5, ge=0, le=1)


class SentimentSettings(Section):
    """Which scorer gives the tone: auto, linear, neural, hub, or ``package.module:function``."""

    scorer: str = "auto"
    hub: dict[str, Any] = Field(default_factory=dict)  # standard names of the transformers pipeline
    targets: tuple[str, ...] = ("talks", "accession", "country", "nato", "speaker")


class EmailSettings(Section):
    """The SMTP server that alerts go through."""

    host: str
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password_file: Path | None = None
    allow_plain_login: bool = False  # log in without TLS; only for a server on the same machine
    ca_file: Path | None = None
    from_: str = Field(alias="from")
    to: tuple[str, ...] = Field(min_length=1)
    timeout: Duration = timedelta(seconds=30)


class QuietHours(Section):
    """Alerts are held from ``from`` to ``to`` and released as one mail."""

    from_: time = Field(alias="from")
    to: time
    timezone: ZoneInfo

    @model_validator(mode="after")
    def _not_empty(self) -> QuietHours:
        if self.from_ == self.to:
            raise ValueError("from and to are the same: that would be the whole day or nothing; leave quiet_hours out")
        return self


class DigestSettings(Section):
    """When the daily digest goes out."""

    at: time
    timezone: ZoneInfo


class AlertSettings(Section):
    """Who is told, and how."""

    email: EmailSettings | None = None
    mailbox: Path = Path("./var/mail")
    max_age: Duration = timedelta(hours=48)
    quiet_hours: QuietHours | None = None
    digest: DigestSettings | None = None


class ReviewSettings(Section):
    """Where replies to alerts are read."""

    imap: dict[str, Any] | None = None
    maildir: Path | None = None
