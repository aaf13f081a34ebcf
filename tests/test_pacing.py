"""Quiet hours and the hour of the digest, over midnight and over the nights in which the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alert.pacing import digest_at, held_until, released_at
from monitor.settings import DigestSettings, QuietHours


def quiet(start: str = "22:00", end: str = "06:30", zone: str = "Europe/Kyiv") -> QuietHours:
    """As in the config."""
    return QuietHours.model_validate({"from": start, "to": end, "timezone": zone})


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-23T19:59:59", None),  # 21:59:59 in Kyiv, which is two hours ahead in winter
        ("2026-11-23T20:00", "2026-11-24T04:30"),
        ("2026-11-23T23:00", "2026-11-24T04:30"),
        ("2026-11-24T04:29:59", "2026-11-24T04:30"),
        ("2026-11-24T04:30", None),
        ("2026-07-01T20:00", "2026-07-02T03:30"),  # summer: three hours ahead
        ("2026-03-28T21:00", "2026-03-29T03:30"),  # the night before summer time: the end is in summer time
        ("2026-10-24T20:00", "2026-10-25T04:30"),  # the night before winter time
    ],
)
def test_held_from_the_evening_to_the_morning(now: str, until: str | None) -> None:
    """By the setting's own clock, the end not included."""
    assert held_until(at(now), quiet()) == (at(until) if until else None)


def test_hours_within_a_day() -> None:
    """A lunch break holds at noon and not at night."""
    lunch = quiet("12:00", "13:30", "UTC")
    assert held_until(at("2026-11-23T12:00"), lunch) == at("2026-11-23T13:30")
    assert held_until(at("2026-11-23T13:30"), lunch) is None
    assert held_until(at("2026-11-23T00:00"), lunch) is None


def test_no_quiet_hours_hold_nothing() -> None:
    """Without the setting there is neither a hold nor a release."""
    assert held_until(at("2026-11-23T23:00"), None) is None
    assert released_at(at("2026-11-23T23:00"), None) is None


def test_hours_that_the_clocks_skip_hold_nothing_backwards() -> None:
    """In Kyiv 03:00 becomes 04:00 on 29 March 2026: 03:30 is 04:30 that day, later than 04:10."""
    assert held_until(at("2026-03-29T01:20"), quiet("03:30", "04:10")) is None
    assert released_at(at("2026-03-29T12:00"), quiet("03:30", "04:10")) == at("2026-03-28T02:10")


@given(
    now=st.datetimes(datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2035-01-01")),
    start=st.times(),
    end=st.times(),
    zone=st.sampled_from(["UTC", "Europe/Kyiv", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
)
def test_the_end_is_near_and_really_the_end(now: datetime, start, end, zone: str) -> None:  # type: ignore[no-untyped-def]
    """A hold ends within a day and an hour, nothing is held at its end, and then it is what was released last."""
    start, end = start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0)
    if start == end:
        return
    hours = quiet(f"{start:%H:%M}", f"{end:%H:%M}", zone)
    moment = now.replace(tzinfo=UTC)
    until = held_until(moment, hours)
    if until is not None:
        assert moment < until <= moment + timedelta(hours=25)
        assert released_at(until, hours) == until
    released = released_at(moment, hours)
    assert released is not None
    assert released <= moment


def test_the_digests_hour() -> None:
    """The latest one that has come, by the setting's clock."""
    daily = DigestSettings.model_validate({"at": "07:30", "timezone": "Europe/Kyiv"})
    assert digest_at(at("2026-11-24T05:30"), daily) == at("2026-11-24T05:30")
    assert digest_at(at("2026-11-24T05:29"), daily) == at("2026-11-23T05:30")
    assert digest_at(at("2026-07-02T04:30"), daily) == at("2026-07-02T04:30")
