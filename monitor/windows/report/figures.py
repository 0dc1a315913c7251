"""Small drawings of a page: geometry only, in the units of an SVG's viewBox."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.rendering.wording import format_day, format_share
from monitor.store.windows.assessment import NumericAssessment, Topic

#: Of the drawing of an effect.
WHISKER_WIDTH = 120.0

#: Of the drawing of a topic's growth.
GROWTH_HEIGHT = 40.0
GROWTH_WIDTH = 280.0
WIDEST_BAR = 28.0


@dataclass(frozen=True)
class Whisker:
    """An effect and its interval on an axis from -reach to +reach; 0 is in the middle."""

    dot: float
    #: ``None`` where the effect has no interval.
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Bar:
    """A period of a topic's growth."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Growth:
    """A topic's share by day, and the height of its share in the baseline."""

    bars: tuple[Bar, ...]
    width: float
    baseline: float
    #: The share that the full height stands for.
    top: float


def reach_of(numeric_columns: Sequence[NumericAssessment]) -> float:
    """Return where the axis of effects ends on either side: at the largest limit, in tenths."""
    limits = [0.1]
    for one in numeric_columns:
        limits += [abs(one.effect_size), abs(one.effect_lower or 0.0), abs(one.effect_upper or 0.0)]
    return min(1.0, math.ceil(round(10 * max(limits), 6)) / 10)


def whisker(one: NumericAssessment, reach: float) -> Whisker:
    """Draw an effect and its interval."""

    def place(value: float) -> float:
        middle = WHISKER_WIDTH / 2
        # A dot at the end of the axis must not be cut.
        within = max(-1.0, min(1.0, value / reach))
        return round(middle + within * (middle - 5.0), 1)

    known = one.effect_lower is not None and one.effect_upper is not None
    return Whisker(
        dot=place(one.effect_size),
        lower=place(one.effect_lower or 0.0) if known else None,
        upper=place(one.effect_upper or 0.0) if known else None,
    )


def growth(topic: Topic) -> Growth | None:
    """Draw how a topic grew; ``None`` where that isn't known."""
    if not topic.growth:
        return None
    shares = [one.share or 0.0 for one in topic.growth]
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
