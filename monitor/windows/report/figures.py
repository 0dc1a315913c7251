"""Geometry of the report's small charts, in the units of an SVG viewBox."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.rendering.axes import round_up
from monitor.rendering.numbers import format_day, format_share
from monitor.store.windows.assessment import DescriptorChange, Topic

#: Width of the chart of an effect.
WHISKER_WIDTH = 120.0

#: The least share of an axis up to which an interval reaches, where not all are smaller.
MIN_EXTENT = 0.2

#: Size of the chart of a topic's growth.
GROWTH_HEIGHT = 40.0
GROWTH_WIDTH = 280.0
WIDEST_BAR = 28.0


@dataclass(frozen=True)
class Whisker:
    """An effect and its interval on an axis from -reach to +reach, with 0 in the middle."""

    dot: float
    lower: float
    upper: float


@dataclass(frozen=True)
class ChangeAxis:
    """Changes of descriptors of one unit, on an axis from -reach to +reach."""

    unit: str
    reach: float
    rows: tuple[tuple[DescriptorChange, Whisker], ...]


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


def change_axes(changes: Sequence[DescriptorChange]) -> list[ChangeAxis]:
    """Lay out changes of descriptors, in their order: axes for each unit.

    A change whose interval ends before :data:`MIN_EXTENT` of an axis is on an axis of its own
    size, with others like it: beside a large change it would be a dot.
    """
    axes = []
    for unit in dict.fromkeys(change.unit for change in changes):
        own = [change for change in changes if change.unit == unit]
        ends = _axis_ends([_extent(change) for change in own])
        for end in ends:
            rows = tuple(
                (change, _lay_out(change.change, change.lower, change.upper, end))
                for change in own
                # The smallest axis that holds the change.
                if end == min(other for other in ends if _extent(change) <= other)
            )
            axes.append(ChangeAxis(unit, end, rows))
    return axes


def _extent(change: DescriptorChange) -> float:
    return max(abs(change.change), abs(change.lower), abs(change.upper))


def _axis_ends(extents: Sequence[float]) -> list[float]:
    """Return the ends of the axes that show all extents, the largest first."""
    ends: list[float] = []
    for extent in sorted(extents, reverse=True):
        if not ends or 0 < extent < MIN_EXTENT * ends[-1]:
            ends.append(round_up(extent))
    return ends


def share_axis(shares: Iterable[float | None]) -> float:
    """Return the end of the common axis of shares, at most 1."""
    return min(1.0, round_up(max((share for share in shares if share), default=0.0)))


def _lay_out(effect: float, lower: float, upper: float, reach: float) -> Whisker:
    def place(value: float) -> float:
        middle = WHISKER_WIDTH / 2
        # A dot at the end of the axis must not be clipped.
        position = max(-1.0, min(1.0, value / reach))
        return round(middle + position * (middle - 5.0), 1)

    return Whisker(dot=place(effect), lower=place(lower), upper=place(upper))


def growth_axis(topics: Iterable[Topic]) -> float:
    """Return the end of the common axis of the growth of topics."""
    return share_axis(
        share
        for topic in topics
        if topic.growth
        for share in (topic.share_reference, *(period.share for period in topic.growth))
    )


def growth(topic: Topic, top: float) -> Growth | None:
    """Lay out the growth of a topic, ``top`` at full height; ``None`` where it is unknown."""
    if not topic.growth:
        return None
    shares = [period.share or 0.0 for period in topic.growth]
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
