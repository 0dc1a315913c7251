"""Geometry of the report's small charts, in the units of an SVG viewBox."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.rendering.numbers import format_day, format_share
from monitor.store.windows.assessment import NumericAssessment, Topic

#: Width of the chart of an effect.
WHISKER_WIDTH = 120.0

#: Size of the chart of a topic's growth.
GROWTH_HEIGHT = 40.0
GROWTH_WIDTH = 280.0
WIDEST_BAR = 28.0


@dataclass(frozen=True)
class Whisker:
    """An effect and its interval on an axis from -reach to +reach, with 0 in the middle."""

    dot: float
    #: ``None`` where the effect has no interval.
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Bar:
    """A period in the chart of a topic's growth."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Growth:
    """The chart of a topic's share by day, with a line at its share of the baseline."""

    bars: tuple[Bar, ...]
    width: float
    baseline: float
    #: The share at full height.
    top: float


def reach_of(numeric_columns: Sequence[NumericAssessment]) -> float:
    """Return the half-width of the axis of effects: the largest limit, rounded up to tenths."""
    limits = [0.1]
    for column in numeric_columns:
        limits += [
            abs(column.effect_size),
            abs(column.effect_lower or 0.0),
            abs(column.effect_upper or 0.0),
        ]
    return min(1.0, math.ceil(round(10 * max(limits), 6)) / 10)


def whisker(column: NumericAssessment, reach: float) -> Whisker:
    """Lay out an effect and its interval."""

    def place(value: float) -> float:
        middle = WHISKER_WIDTH / 2
        # A dot at the end of the axis must not be clipped.
        position = max(-1.0, min(1.0, value / reach))
        return round(middle + position * (middle - 5.0), 1)

    known = column.effect_lower is not None and column.effect_upper is not None
    return Whisker(
        dot=place(column.effect_size),
        lower=place(column.effect_lower or 0.0) if known else None,
        upper=place(column.effect_upper or 0.0) if known else None,
    )


def growth(topic: Topic) -> Growth | None:
    """Lay out the growth of a topic; ``None`` where it is unknown."""
    if not topic.growth:
        return None
    shares = [period.share or 0.0 for period in topic.growth]
    top = max([*shares, topic.share_reference, 1e-9])
    step = min(WIDEST_BAR, GROWTH_WIDTH / len(shares))
    bars = tuple(
        Bar(
            x=round(index * step, 1),
            y=round(GROWTH_HEIGHT * (1 - share / top), 1),
            width=round(0.8 * step, 1),
            height=round(GROWTH_HEIGHT * share / top, 1),
            label=(
                f"{format_day(period.start)}: no traffic"
                if period.share is None
                else f"{format_day(period.start)}: {period.n:,}, {format_share(share)}"
            ),
        )
        for index, (period, share) in enumerate(zip(topic.growth, shares, strict=True))
    )
    return Growth(
        bars=bars,
        width=round(len(shares) * step, 1),
        baseline=round(GROWTH_HEIGHT * (1 - topic.share_reference / top), 1),
        top=top,
    )
