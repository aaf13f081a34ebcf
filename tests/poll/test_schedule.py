"""When to ask again, and why. Time is a value; a case reads as a sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import AddressRefused, FeedError, FetchError
from monitor.model import Entry, FeedDocument, FeedState, PollPlan
from monitor.poll import must_poll_unconditionally, plan_after_failure, plan_after_success
from monitor.settings import PollSettings

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SETTINGS = PollSettings()  # 5 min to 12 h


def feed(
    *,
    id: int = 1,
    failures: int = 0,
    interval_s: int | None = None,
    entry_times: tuple[datetime, ...] = (),
    unconditional_at: datetime | None = None,
) -> FeedState:
    """A feed as the store knows it."""
    return FeedState(
        id=id,
        url="https://harbour.example/feed",
        outlet="Harbour",
        country=None,
        camp=None,
        lang=None,
        tags=(),
        state="active",
        failures=failures,
        interval_s=interval_s,
        entry_times=entry_times,
        unconditional_at=unconditional_at,
    )


def publishing_every(gap: timedelta, *, count: int = 20, quiet_for: timedelta = timedelta(0)) -> tuple[datetime, ...]:
    """When the feed's newest entries came."""
    return tuple(NOW - quiet_for - gap * number for number in range(1, count + 1))


def document(*times: datetime, ttl_s: int | None = None) -> FeedDocument:
    """A new body with entries of these times."""
    entries = tuple(Entry(str(time), None, "", "", published_at=time, key=str(time)) for time in times)
    return FeedDocument("rss", "", entries, "fast", ttl_s=ttl_s)


def minutes_until(plan: PollPlan) -> float:
    """From now to the next poll."""
    return (plan.next_poll_at - NOW) / MINUTE


# --- after an answer ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gap", "minutes", "reason"),
    [
        (timedelta(minutes=60), 30, "publishes every 60 min"),
        (timedelta(hours=4), 120, "publishes every 4 h"),
        (timedelta(minutes=20), 10, "publishes every 20 min"),
        (timedelta(days=3), 720, "publishes every 3 d; not over max_interval 12 h"),
    ],
)
def test_the_interval_is_half_the_time_between_entries(gap: timedelta, minutes: float, reason: str) -> None:
    """Within the limits of the config, with the reason in words."""
    plan = plan_after_success(feed(entry_times=publishing_every(gap)), None, {}, SETTINGS, NOW)
    assert plan.interval_s == round(minutes * 60, -1)
    assert plan.reason == reason


def test_a_batch_of_entries_is_no_rate() -> None:
    """Twenty entries within forty minutes count as twenty in three hours."""
    plan = plan_after_success(feed(entry_times=publishing_every(2 * MINUTE)), None, {}, SETTINGS, NOW)
    assert plan.reason == "publishes every 9 min; not under min_interval 5 min"


def test_a_very_busy_feed_is_asked_at_min_interval() -> None:
    """And the plan says that the config held it back."""
    busy = feed(entry_times=publishing_every(MINUTE * 6.5, count=30))
    plan = plan_after_success(busy, None, {}, SETTINGS, NOW)
    assert plan.interval_s == 300
    assert "not under min_interval 5 min" in plan.reason


def test_entries_of_the_new_body_count_for_the_rate() -> None:
    """The first poll of a feed already shows how often it publishes."""
    plan = plan_after_success(feed(), document(*publishing_every(HOUR)), {}, SETTINGS, NOW)
    assert plan.interval_s == 30 * 60


def test_entries_known_to_the_store_are_not_counted_twice() -> None:
    """The same moment in the store and in the body is one entry."""
    times = publishing_every(HOUR)
    plan = plan_after_success(feed(entry_times=times), document(*times), {}, SETTINGS, NOW)
    assert plan.interval_s == 30 * 60


def test_a_feed_of_unknown_rate_is_asked_in_half_an_hour() -> None:
    """No entries, or none with a date."""
    plan = plan_after_success(feed(), document(), {}, SETTINGS, NOW)
    assert (plan.interval_s, plan.reason) == (30 * 60, "rate not yet known")


def test_dates_in_the_future_say_nothing() -> None:
    """An outlet's clock or a scheduled post."""
    plan = plan_after_success(feed(), document(*(NOW + DAY * n for n in range(1, 20))), {}, SETTINGS, NOW)
    assert plan.reason == "rate not yet known"


def test_a_feed_that_fell_silent_is_asked_rarely() -> None:
    """Its old rate says nothing about today."""
    plan = plan_after_success(feed(entry_times=publishing_every(HOUR, quiet_for=DAY * 30)), None, {}, SETTINGS, NOW)
    assert "nothing new for 30 d" in plan.reason
    assert plan.interval_s == 12 * 3600


def test_a_ttl_is_waited_for() -> None:
    """The publisher asks for less, and says so in the feed."""
    plan = plan_after_success(feed(), document(*publishing_every(HOUR), ttl_s=3 * 3600), {}, SETTINGS, NOW)
    assert plan.interval_s == 3 * 3600
    assert plan.reason == "the feed's ttl asks for 3 h (publishes every 60 min)"


def test_a_short_ttl_does_not_hurry_us() -> None:
    """It is a wish for silence, not an order to come."""
    plan = plan_after_success(feed(), document(*publishing_every(HOUR), ttl_s=60), {}, SETTINGS, NOW)
    assert plan.interval_s == 30 * 60


def test_an_absurd_ttl_is_ignored_and_named() -> None:
    """100,000 minutes would blind us for ten weeks."""
    plan = plan_after_success(feed(), document(*publishing_every(HOUR), ttl_s=6_000_000), {}, SETTINGS, NOW)
    assert plan.interval_s == 30 * 60
    assert plan.reason == "publishes every 60 min; the feed's ttl of 69 d ignored"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "public, max-age=7200"}, 7200),
        ({"cache-control": "max-age=7200", "age": "1200"}, 6000),
        ({"cache-control": 'max-age="7200"'}, 7200),
        ({"cache-control": "s-maxage=7200"}, 1800),
        ({"cache-control": "no-cache, max-age=7200"}, 1800),
        ({"cache-control": "max-age=0"}, 1800),
        ({"cache-control": "max-age=31536000"}, 1800),
        ({"cache-control": "max-age=100", "expires": format_datetime(NOW + 2 * HOUR, usegmt=True)}, 1800),
        ({"expires": format_datetime(NOW + 2 * HOUR, usegmt=True)}, 7200),
        ({"expires": format_datetime(NOW - 2 * HOUR, usegmt=True)}, 1800),
        ({"expires": "0"}, 1800),
        ({"expires": "Thu, 99 Foo 2026 00:00:00 GMT"}, 1800),
    ],
)
def test_freshness_by_http(headers: dict[str, str], seconds: int) -> None:
    """Cache-Control before Expires, less the Age; what is a year or in the past counts for nothing."""
    plan = plan_after_success(feed(), document(*publishing_every(HOUR)), headers, SETTINGS, NOW)
    assert plan.interval_s == seconds


def test_an_unchanged_answer_keeps_a_longer_interval() -> None:
    """The ttl that led to it stood in the body, which was not sent again."""
    known = feed(entry_times=publishing_every(HOUR), interval_s=3 * 3600)
    assert plan_after_success(known, None, {}, SETTINGS, NOW).interval_s == 3 * 3600
    assert plan_after_success(known, document(*publishing_every(HOUR)), {}, SETTINGS, NOW).interval_s == 30 * 60


def test_the_interval_of_a_failure_is_forgotten_after_success() -> None:
    """Back-off ends with the first answer."""
    recovered = feed(entry_times=publishing_every(HOUR), interval_s=12 * 3600, failures=7)
    assert plan_after_success(recovered, None, {}, SETTINGS, NOW).interval_s == 30 * 60


# --- spreading ------------------------------------------------------------------------------------------------------------


def test_feeds_met_together_part() -> None:
    """Up to a tenth later, by feed, and the same feed always the same."""
    waits = [minutes_until(plan_after_success(feed(id=n), document(), {}, SETTINGS, NOW)) for n in range(200)]
    again = [minutes_until(plan_after_success(feed(id=n), document(), {}, SETTINGS, NOW)) for n in range(200)]
    assert waits == again
    assert min(waits) >= 30
    assert max(waits) <= 33
    assert len({round(wait, 1) for wait in waits}) > 20


@given(
    st.integers(0, 10**6),
    st.lists(st.integers(0, 10**7), max_size=30),
    st.none() | st.integers(0, 10**9),
    st.none() | st.integers(0, 10**7),
    st.integers(0, 50),
    st.sampled_from(["", "max-age=600", "max-age=999999999", "no-store"]),
)
def test_a_plan_is_within_the_limits_whatever_the_feed_says(
    id: int,
    ages_s: list[int],
    ttl_s: int | None,
    interval_s: int | None,
    failures: int,
    control: str,
) -> None:
    """Between min_interval and max_interval, jitter included."""
    times = [NOW - timedelta(seconds=age) for age in ages_s]
    state = feed(id=id, entry_times=tuple(times[::2]), interval_s=interval_s, failures=failures)
    for body in (None, document(*times, ttl_s=ttl_s)):
        plan = plan_after_success(state, body, {"cache-control": control}, SETTINGS, NOW)
        assert SETTINGS.min_interval <= plan.next_poll_at - NOW <= SETTINGS.max_interval
        assert plan.reason


# --- after a failure ---------------------------------------------------------------------------------------------------


def test_failures_back_off_and_never_stop() -> None:
    """Twice as long each time, up to max_interval, for ever."""
    waits = [
        plan_after_failure(feed(failures=n), FetchError("timed out"), SETTINGS, NOW).interval_s // 60 for n in range(12)
    ]
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 720, 720, 720, 720]
    late = plan_after_failure(feed(failures=10_000), FetchError("timed out"), SETTINGS, NOW)
    assert late.next_poll_at <= NOW + 12 * HOUR
    assert late.reason.startswith("10001 failures in a row, backing off 12 h")


@pytest.mark.parametrize(
    "error",
    [FetchError("not found", status=404, permanent=True), AddressRefused("private address")],
)
def test_what_asking_again_soon_cannot_help_waits_longer(error: FetchError) -> None:
    """But active feeds do answer 404 and come back."""
    assert plan_after_failure(feed(), error, SETTINGS, NOW).interval_s == 30 * 60


def test_a_body_that_is_no_feed_is_a_failure_like_others() -> None:
    """A challenge page goes away again."""
    plan = plan_after_failure(feed(failures=1), FeedError("a web page, not a feed"), SETTINGS, NOW)
    assert (plan.interval_s, plan.reason) == (600, "2 failures in a row, backing off 10 min")


@pytest.mark.parametrize(
    ("seconds", "low", "high", "reason"),
    [
        (0, 5, 5.5, "first failure"),
        (60, 5, 5.5, "first failure"),
        (3600, 60, 66, "the server asks to wait 60 min"),
        (20 * 3600, 1200, 1320, "the server asks to wait 20 h"),
        (317_100, 1440, 1440, "the server asks to wait 4 d; we wait 24 h"),
        (1e300, 1440, 1440, "the server asks to wait"),
        (-5, 5, 5.5, "first failure"),
    ],
)
def test_retry_after_is_honoured_up_to_a_day(seconds: float, low: float, high: float, reason: str) -> None:
    """Beyond max_interval too; never sooner than our own back-off."""
    error = FetchError("too many requests", status=429, retry_after_s=seconds)
    plan = plan_after_failure(feed(), error, SETTINGS, NOW)
    assert low <= minutes_until(plan) <= high
    assert plan.reason.startswith(reason)


def test_a_feed_that_is_gone_is_asked_in_a_month() -> None:
    """410 is the publisher's last word; the operator is told by the pipeline."""
    plan = plan_after_failure(feed(), FetchError("gone", status=410, permanent=True), SETTINGS, NOW)
    assert plan.next_poll_at == NOW + 30 * DAY
    assert "410" in plan.reason


# --- validators -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "asked"),
    [(None, True), (NOW - HOUR, False), (NOW - DAY, True), (NOW - DAY + MINUTE, False)],
)
def test_once_a_day_the_validators_are_left_out(last: datetime | None, asked: bool) -> None:
    """Some servers answer 304 for ever."""
    assert must_poll_unconditionally(feed(unconditional_at=last), NOW) is asked
