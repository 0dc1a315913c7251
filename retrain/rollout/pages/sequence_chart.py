"""Charts of a check's intervals over the hours, and of the traffic shares, for inline SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise

from monitor.rendering.axes import Axes, Scale, Tick, hour_ticks
from monitor.rendering.numbers import format_instant
from retrain.rollout.checks.results import CheckResult
from retrain.rollout.rows.looks import HOUR, Look
from retrain.rollout.rows.weights import WeightsRow

#: Intervals drawn at most: more would be an area without a shape.
MOST_INTERVALS = 40
#: The axis ends at this multiple of the margin at most; the first intervals are far wider.
MARGINS = 6.0
#: Marks nearer to each other than this would overlap, in percent of the width.
LEAST_GAP = 9.0


@dataclass(frozen=True)
class Interval:
    """The confidence sequence and the estimate at one hour: x of 1000, y of 100 from the top."""

    x: float
    lower: float
    upper: float
    estimate: float


@dataclass(frozen=True)
class StageMark:
    """The begin of a stage, in percent of the width, with its label."""

    at: float
    label: str
    #: Whether the label has room.
    is_labelled: bool


@dataclass(frozen=True)
class SequenceChart:
    """A check's intervals; positive losses, in which the canary is worse, are above."""

    axes: Axes
    intervals: tuple[Interval, ...]
    #: ``x,y`` pairs of the estimate, one line for each stage.
    lines: tuple[str, ...]
    #: y of no difference, of the margin, and of the negligible difference.
    zero: float
    margin: float | None
    negligible: float | None
    stages: tuple[StageMark, ...]
    #: Hours that were measured.
    hours: int


@dataclass(frozen=True)
class ShareChart:
    """The canary's share: as set, confirmed by the gateway, and as observed."""

    axes: Axes
    wanted: str
    seen: tuple[str, ...]
    stages: tuple[StageMark, ...]
    #: Percent that was set and seen last; ``None``: none was seen.
    last_wanted: float
    last_seen: float | None


def draw_sequence(looks: Sequence[Look], name: str, unit: str = "") -> SequenceChart | None:
    """Lay out a check's intervals; ``None`` with fewer than two measured looks."""
    points = [(look, check) for look in looks for check in look.checks if check.name == name]
    measured = [(look, check) for look, check in points if _is_measured(check)]
    if len(measured) < 2:
        return None
    time = _Time(looks[0].hour, looks[-1].hour)
    newest = measured[-1][1]
    scale = _scale(newest)
    lines = [
        " ".join(f"{time.x(look.hour)},{scale.down(_loss(check))}" for look, check in stage)
        for _, stage in groupby(measured, key=lambda point: point[0].stage)
    ]
    step = -(-len(measured) // MOST_INTERVALS)
    intervals = [
        Interval(
            time.x(look.hour),
            scale.down(check.lower or 0.0),
            scale.down(check.upper or 0.0),
            scale.down(_loss(check)),
        )
        for look, check in measured[::-1][::step]
    ]
    is_limit = newest.kind == "limit"
    return SequenceChart(
        axes=Axes(
            scale.ticks(lambda value: _label(newest, value)),
            _title(newest, unit),
            *time.ticks(),
        ),
        intervals=tuple(reversed(intervals)),
        lines=tuple(lines),
        zero=scale.down(0.0),
        margin=None
        if newest.margin is None or newest.kind not in {"advance", "guard", "goal"}
        else scale.down(newest.margin),
        negligible=None if newest.negligible is None or is_limit else scale.down(newest.negligible),
        stages=tuple(_stages(looks, time)),
        hours=round((measured[-1][0].hour + HOUR - looks[0].hour) / HOUR),
    )


def draw_shares(looks: Sequence[Look], weights: Sequence[WeightsRow]) -> ShareChart | None:
    """Lay out the shares that were set and seen; ``None`` with fewer than two looks."""
    if len(looks) < 2:
        return None
    time = _Time(looks[0].hour, looks[-1].hour)
    seen = [(look.hour, 100 * look.seen_share) for look in looks if look.seen_share is not None]
    steps = [
        (max(row.confirmed_at or row.created_at, time.first), float(row.canary_percent))
        for row in weights
        if (row.confirmed_at or row.created_at) <= time.last
    ]
    top = max([5.0, *(1.25 * percent for _, percent in steps), *(share for _, share in seen)])
    scale = Scale(0.0, min(top, 100.0))
    wanted: list[str] = []
    for (at, percent), following in zip(steps, [*steps[1:], (time.last, 0.0)], strict=True):
        y = scale.down(percent)
        wanted += [f"{time.x(at)},{y}", f"{time.x(following[0])},{y}"]
    points = " ".join(f"{time.x(at)},{scale.down(share)}" for at, share in seen)
    return ShareChart(
        axes=Axes(
            scale.ticks(lambda value: f"{value:g}%"),
            "Share of the canary, percent of the traffic",
            *time.ticks(),
        ),
        wanted=" ".join(wanted),
        seen=(points,) if seen else (),
        stages=tuple(_stages(looks, time)),
        last_wanted=steps[-1][1] if steps else 0.0,
        last_seen=seen[-1][1] if seen else None,
    )


@dataclass(frozen=True)
class _Time:
    """The time axis."""

    first: datetime
    last: datetime

    @property
    def hours(self) -> float:
        return (self.last - self.first) / HOUR

    def x(self, at: datetime) -> float:
        """Return the x of a time, of 1000."""
        return round(10 * Scale(0.0, self.hours).along((at - self.first) / HOUR), 1)

    def ticks(self) -> tuple[tuple[Tick, ...], str]:
        """Return the ticks and the title of the axis."""
        ticks, unit = hour_ticks(self.hours)
        return ticks, f"{unit.capitalize()} since {format_instant(self.first)}"


def _stages(looks: Sequence[Look], time: _Time) -> Iterator[StageMark]:
    first = looks[0]
    labelled = 0.0
    yield StageMark(0.0, f"{first.weight_percent}%", True)
    for earlier, later in pairwise(looks):
        if later.stage != earlier.stage:
            at = round(time.x(later.hour) / 10, 2)
            has_room = at - labelled >= LEAST_GAP
            labelled = at if has_room else labelled
            yield StageMark(at, f"{later.weight_percent}%", has_room)


def _scale(newest: CheckResult) -> Scale:
    """Return the axis: it holds no difference, the margin, the estimate and the newest interval.

    Of an interval much wider than the margin it holds a part, so that the margin can be seen.
    """
    lower, upper, margin = newest.lower or 0.0, newest.upper or 0.0, newest.margin
    if margin:
        most = MARGINS * margin
        lower, upper = max(lower, -most), min(max(upper, 1.25 * margin), most)
    held = (0.0, lower, upper, _loss(newest), newest.lower or 0.0 if newest.worse else 0.0)
    low, high = min(held), max(held)
    room = 0.1 * (high - low) or 1.0
    return Scale(low - room, high + room)


def _title(check: CheckResult, unit: str) -> str:
    """Return what the axis of a check shows, with its unit."""
    unit = "points" if check.is_share else unit or "in the metric's unit"
    if check.of_experiment:
        return f"Treatment minus control, {unit}"
    if check.kind == "limit":
        return f"Distance of the canary beyond its limit, {unit}"
    return f"Canary worse than stable (above 0), {unit}"


def _label(check: CheckResult, value: float) -> str:
    return "0" if value == 0 else f"{100 * value if check.is_share else value:+.3g}"


def _loss(check: CheckResult) -> float:
    loss = check.loss if check.stage_loss is None else check.stage_loss
    loss = check.difference if check.of_experiment else loss
    return 0.0 if loss is None else loss


def _is_measured(check: CheckResult) -> bool:
    loss = check.difference if check.of_experiment else check.loss
    return loss is not None and check.lower is not None and check.upper is not None
