"""When mails go out: quiet hours and the hour of the digest, as pure functions of the time. Sends and holds nothing.

Times of day are those of the setting's time zone. One that the clocks skip (spring) is taken as if they had not yet
been put forward; of one that comes twice (autumn) the first counts (PEP 495, fold 0).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.settings import DigestSettings, QuietHours


def held_until(now: datetime, quiet: QuietHours | None) -> datetime | None:
    """The end of the quiet hours that hold at ``now``, in UTC; None outside them. The end itself is outside."""
    return next((end for start, end in _windows(now, quiet) if start <= now < end), None) if quiet else None


def released_at(now: datetime, quiet: QuietHours | None) -> datetime | None:
    """The last time that quiet hours ended, in UTC: what was owed before and is not composed yet was held by them."""
    return max((end for start, end in _windows(now, quiet) if start < end <= now), default=None) if quiet else None


def digest_at(now: datetime, digest: DigestSettings) -> datetime:
    """The latest moment, in UTC, at which a daily digest was to go out."""
    return max(at for day in _days(now, digest.timezone) if (at := _moment(day, digest.at, digest.timezone)) <= now)


def is_overnight(quiet: QuietHours) -> bool:
    """Do the hours go over midnight?"""
    return quiet.to < quiet.from_


def _windows(now: datetime, quiet: QuietHours) -> Iterator[tuple[datetime, datetime]]:
    """Start and end of the quiet hours around ``now``. In a night that the clocks shorten, one may be empty."""
    later = timedelta(days=1 if is_overnight(quiet) else 0)
    for day in _days(now, quiet.timezone):
        yield _moment(day, quiet.from_, quiet.timezone), _moment(day + later, quiet.to, quiet.timezone)


def _days(now: datetime, zone: ZoneInfo) -> Iterator[date]:
    today = now.astimezone(zone).date()
    return (today - timedelta(days=ago) for ago in range(3))


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
