"""Numbers a day as the geometry of a picture; the template makes SVG of it. Pure: knows no SQL and no markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 28

Kind = Literal["bars", "line"]
KINDS: Mapping[str, Kind] = {"stories_by_day": "bars", "tone_by_day": "line", "prospects_by_day": "line"}


@dataclass(frozen=True)
class Mark:
    """One day: a bar from the base line, or a point of the line."""

    x: float
    y: float
    label: str  # shown when pointed at


@dataclass(frozen=True)
class Tick:
    """A place on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A picture and its numbers; without marks there is nothing to draw."""

    kind: Kind
    marks: tuple[Mark, ...]
    base: float  # y of zero
    bar: float  # width of a bar
    days: tuple[Tick, ...]
    values: tuple[Tick, ...]
    summary: str  # what is to be seen, in a sentence
    rows: tuple[Mapping[str, Any], ...]


def draw(kind: Kind, rows: Sequence[Mapping[str, Any]]) -> Chart:
    """The picture of rows with ``day`` (ISO) and ``value``. Bars stand on zero; a line runs between -1 and 1."""
    if not rows:
        return Chart(kind, (), 0, 0, (), (), "No stories in these days.", ())
    days = [date.fromisoformat(row["day"]) for row in rows]
    first, n_days = days[0], (days[-1] - days[0]).days + 1
    low, high = (0.0, float(max(row["value"] for row in rows))) if kind == "bars" else (-1.0, 1.0)
    step = (WIDTH - LEFT - RIGHT) / n_days

    def x(day: date) -> float:
        return round(LEFT + ((day - first).days + 0.5) * step, 1)

    def y(value: float) -> float:
        return round(TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    middle = (low + high) / 2
    return Chart(
        kind=kind,
        marks=tuple(
            Mark(x(day), y(row["value"]), f"{day}: {row['value']:g}") for day, row in zip(days, rows, strict=True)
        ),
        base=y(0.0),
        bar=round(max(1.0, min(24.0, step * 0.8)), 1),
        days=tuple(Tick(x(day), str(day)) for day in dict.fromkeys((days[0], days[len(days) // 2], days[-1]))),
        values=tuple(Tick(y(value), f"{value:g}") for value in (low, middle, high)),
        summary=_summary(rows),
        rows=tuple(rows),
    )


def _summary(rows: Sequence[Mapping[str, Any]]) -> str:
    lowest, highest = (pick(rows, key=lambda row: row["value"]) for pick in (min, max))
    return (
        f"{len(rows)} days with stories from {rows[0]['day']} to {rows[-1]['day']}; lowest {lowest['value']:g} on "
        f"{lowest['day']}, highest {highest['value']:g} on {highest['day']}."
    )
