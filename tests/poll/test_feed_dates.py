"""Date texts of feeds."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.poll.dates import parse_date

MOMENT = datetime(2026, 11, 3, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Tue, 03 Nov 2026 14:30:00 GMT",
        "Tue, 3 Nov 2026 14:30 +0000",
        "03 Nov 2026 14:30:00 Z",
        "Tue, 03 Nov 26 14:30:00 UT",
        "Tue, 03 Nov 2026 09:30:00 EST",
        "Tue, 03 Nov 2026 17:30:00 MSK",
        "Tue, 03 Nov 2026 16:30:00 +02:00",
        "Tue, 03 Nov 2026 16:30:00 GMT+2",
        "Tue, 03 Nov 2026 15:30:00 +0100 (CET)",
        "Tue Nov  3 14:30:00 2026",
        "Tue Nov  3 14:30:00 UTC 2026",
        "2026-11-03T14:30:00Z",
        "2026-11-03T16:30:00.123+02:00",
        "2026-11-03 14:30:00",
        "2026-11-03T14:30",
        "20261103T143000Z",
        "2026/11/03 14:30",
        "03.11.2026 14:30",
        "3/11/2026 14:30",
        "11/03/2026 02:30 PM",
        "Nov 3, 2026 2:30 p.m.",
        "November 3rd, 2026 at 2:30 PM",
        "1793716200",
        "1793716200000",
        "3 листопада 2026, 14:30",
        "3 ноября 2026 г. 14:30",
        "Dienstag, 3. November 2026 15:30 MEZ",
        "mardi 3 novembre 2026 14h30",
        "martedì 3 novembre 2026 14:30",
        "Mar, 03 nov. 2026 14:30:00 +0000",
        "Ter, 03 Nov 2026 11:30:00 -0300",
        "wt., 3 listopada 2026 14:30",
        "3 Kasım 2026 Salı 14:30",
        "2026年11月3日 14:30",
        "2026년 11월 3일 14:30",
    ],
)
def test_dates_as_feeds_write_them(text: str) -> None:
    """RFC 822, ISO 8601, numbers, and words in the feed's own language."""
    assert parse_date(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "yesterday 14:30", "31 Nov 2026 10:00", "Thu, 31 Nov 2026 25:61:00 GMT", "2026-13-40", "Thu, 01 Jan 1970 00:00:00 GMT",
        "0", "12345", "99999999999999", "Nov 2026", "14:30", "0000-00-00 00:00:00", "2026", "x" * 5_000, "2500-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_no_date_is_better_than_a_wrong_one(text: str) -> None:
    """Impossible, incomplete, or an epoch that stands for nothing."""
    assert parse_date(text) is None


def test_a_day_without_a_time_is_its_beginning() -> None:
    """In UTC, as nothing else is known."""
    assert parse_date("2026-11-03") == parse_date("3 Nov 2026") == datetime(2026, 11, 3, tzinfo=UTC)


def test_midnight_at_the_end_of_a_day_is_the_next_day() -> None:
    """24:00 is written by some."""
    assert parse_date("3 Nov 2026 24:00") == datetime(2026, 11, 4, tzinfo=UTC)


FIRST, LAST = datetime(1990, 1, 2), datetime(2099, 12, 30)  # noqa: DTZ001  hypothesis adds the zones


@given(st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.timezones()))
def test_standard_forms_are_read_exactly(moment: datetime) -> None:
    """What the standard library writes, we read, to the second."""
    moment = moment.replace(microsecond=0)
    utc = moment.astimezone(UTC)
    offset = moment.utcoffset()
    assert offset is not None
    if offset.total_seconds() % 60:
        return  # local mean time before zones were introduced has seconds, which RFC 822 cannot write
    assert parse_date(format_datetime(moment)) == utc
    assert parse_date(moment.isoformat()) == utc


@given(st.text(max_size=60))
def test_any_text_is_a_date_or_none(text: str) -> None:
    """Never an error, always aware."""
    found = parse_date(text)
    assert found is None or found.tzinfo is UTC
