"""Scales and ticks that all drawn charts have in common."""

import math
from collections.abc import Callable
from dataclasses import dataclass

#: A longer time is counted in days.
MAX_HOURS = 72.0


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis, in percent of the plot from its left or its top."""

    at: float
    label: str


@dataclass(frozen=True)
class Axes:
    """Ticks of both axes; the titles name quantity and unit."""

    y: tuple[Tick, ...]
    y_title: str
    x: tuple[Tick, ...]
    x_title: str


@dataclass(frozen=True)
class Scale:
    """The values at both ends of an axis; what is beyond them is drawn at the end."""

    low: float
    high: float

    def along(self, value: float) -> float:
        """Return the place of a value, in percent from the left."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(100.0 * max(0.0, min(1.0, share)), 2)

    def down(self, value: float) -> float:
        """Return the place of a value, in percent from the top."""
        return round(100.0 - self.along(value), 2)

    def ticks(self, label: Callable[[float], str], *, is_x: bool = False) -> tuple[Tick, ...]:
        """Return ticks at round values, with their labels."""
        place = self.along if is_x else self.down
        values = round_values(self.low, self.high, 6 if is_x else 5)
        return tuple(Tick(place(value), label(value)) for value in values)


def hour_ticks(hours: float) -> tuple[tuple[Tick, ...], str]:
    """Return the ticks of a time axis from 0 on, and its unit: hours, of longer times days."""
    unit, name = (1.0, "hours") if hours <= MAX_HOURS else (24.0, "days")
    ticks = Scale(0.0, max(hours / unit, 1.0)).ticks(lambda value: f"{value:,g}", is_x=True)
    return tuple(tick for tick in ticks if "." not in tick.label), name


def round_values(low: float, high: float, most: int) -> list[float]:
    """Return multiples of 1, 2 or 5 of a power of 10 within a range: ``most`` steps at most."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    factors = (1, 2, 5, 10)
    step = next(factor * power for factor in factors if (high - low) / (factor * power) <= most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def round_up(value: float) -> float:
    """Return the end of an axis that shows a value: 1, 2 or 5 times a power of ten."""
    if value <= 0.0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    # Rounded, since a product of floats may be a digit above the value that it equals.
    steps = (round(step * power, 12) for step in (1.0, 2.0, 5.0, 10.0))
    return next((end for end in steps if value <= end), 10.0 * power)
