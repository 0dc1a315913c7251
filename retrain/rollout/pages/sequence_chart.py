"""Layout of a check's confidence sequence over time, and of the traffic shares, for inline SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise

from retrain.rollout.checks.results import CheckResult
from retrain.rollout.rows.looks import Look
from retrain.rollout.rows.weights import WeightsRow

#: Units of the viewBox, which is stretched to the size of the chart.
WIDTH, HEIGHT = 1000.0, 100.0
#: The scale reaches to this multiple of the margin at least.
MARGINS = 2.0
#: Without a margin, a tenth of the largest loss or limit of the sequence.
LEAST_SCALE = 1e-6


@dataclass(frozen=True)
class StageMark:
    """The begin of a stage, with its label."""

    x: float
    label: str


@dataclass(frozen=True)
class SequenceChart:
    """A check's confidence sequence; positive losses, in which the canary is worse, are above."""

    #: ``x,y`` pairs of the area between both limits, one polygon for each stage.
    bands: tuple[str, ...]
    #: ``x,y`` pairs of the loss, one line for each stage.
    lines: tuple[str, ...]
    #: y of no difference, of the margin, and of the negligible difference.
    zero: float
    margin: float | None
    negligible: float | None
    stages: tuple[StageMark, ...]
    #: Ends of the time axis.
    first: datetime
    last: datetime


@dataclass(frozen=True)
class ShareChart:
    """The canary's share: as set, confirmed by the gateway, and as observed."""

    wanted: str
    seen: tuple[str, ...]
    #: Percent at the top.
    scale: float
    stages: tuple[StageMark, ...]
    first: datetime
    last: datetime


def draw_sequence(looks: Sequence[Look], name: str) -> SequenceChart | None:
    """Lay out a check's confidence sequence; ``None`` with fewer than two measured looks."""
    points = [(look, check) for look in looks for check in look.checks if check.name == name]
    measured = [(look, check) for look, check in points if _is_measured(check)]
    if len(measured) < 2:
        return None
    axis = _Axis(looks[0].hour, looks[-1].hour)
    newest = measured[-1][1]
    reach = _reach([check for _, check in measured], newest)

    def y(loss: float) -> float:
        clipped = max(-reach, min(reach, loss))
        return round(HEIGHT / 2 * (1 - clipped / reach), 2)

    bands, lines = [], []
    for _, group in groupby(measured, key=lambda point: point[0].stage):
        stage = [(axis.x(look.hour), check) for look, check in group]
        upper = [f"{x},{y(check.upper or 0.0)}" for x, check in stage]
        lower = [f"{x},{y(check.lower or 0.0)}" for x, check in reversed(stage)]
        bands.append(" ".join([*upper, *lower]))
        lines.append(" ".join(f"{x},{y(_loss(check))}" for x, check in stage))
    is_limit = newest.kind == "limit"
    return SequenceChart(
        bands=tuple(bands),
        lines=tuple(lines),
        zero=y(0.0),
        margin=None
        if newest.margin is None or newest.kind not in {"advance", "guard", "goal"}
        else y(newest.margin),
        negligible=None if newest.negligible is None or is_limit else y(newest.negligible),
        stages=tuple(_stages(looks, axis)),
        first=axis.first,
        last=axis.last,
    )


def draw_shares(looks: Sequence[Look], weights: Sequence[WeightsRow]) -> ShareChart | None:
    """Lay out the shares that were set and seen; ``None`` with fewer than two looks."""
    if len(looks) < 2:
        return None
    axis = _Axis(looks[0].hour, looks[-1].hour)
    seen = [(look.hour, 100 * look.seen_share) for look in looks if look.seen_share is not None]
    steps = [
        (max(row.confirmed_at or row.created_at, axis.first), float(row.canary_percent))
        for row in weights
        if (row.confirmed_at or row.created_at) <= axis.last
    ]
    scale = max([5.0, *(1.25 * percent for _, percent in steps), *(share for _, share in seen)])
    scale = min(scale, 100.0)

    def y(percent: float) -> float:
        return round(HEIGHT * (1 - min(percent, scale) / scale), 2)

    wanted: list[str] = []
    for (at, percent), following in zip(steps, [*steps[1:], (axis.last, 0.0)], strict=True):
        wanted += [f"{axis.x(at)},{y(percent)}", f"{axis.x(following[0])},{y(percent)}"]
    return ShareChart(
        wanted=" ".join(wanted),
        seen=(" ".join(f"{axis.x(at)},{y(share)}" for at, share in seen),) if seen else (),
        scale=scale,
        stages=tuple(_stages(looks, axis)),
        first=axis.first,
        last=axis.last,
    )


@dataclass(frozen=True)
class _Axis:
    """The time axis."""

    first: datetime
    last: datetime

    def x(self, at: datetime) -> float:
        """Return the x of a time, within the axis."""
        whole = (self.last - self.first).total_seconds() or 1.0
        share = (at - self.first).total_seconds() / whole
        return round(WIDTH * max(0.0, min(1.0, share)), 1)


def _stages(looks: Sequence[Look], axis: _Axis) -> Iterator[StageMark]:
    first = looks[0]
    yield StageMark(0.0, f"{first.weight_percent}%")
    for earlier, later in pairwise(looks):
        if later.stage != earlier.stage:
            yield StageMark(axis.x(later.hour), f"{later.weight_percent}%")


def _reach(checks: Sequence[CheckResult], newest: CheckResult) -> float:
    """Return the loss at the top of the chart."""
    losses = [abs(_loss(check)) for check in checks[len(checks) // 4 :]]
    lower = [check.lower or 0.0 for check in checks]
    least = MARGINS * newest.margin if newest.margin else 0.0
    if not least:  # a limit, or a check without a margin
        least = max(abs(newest.lower or 0.0), abs(newest.upper or 0.0))
    return max([LEAST_SCALE, least, 1.2 * max(losses), 1.2 * max(lower)])


def _loss(check: CheckResult) -> float:
    loss = check.loss if check.stage_loss is None else check.stage_loss
    loss = check.difference if check.of_experiment else loss
    return 0.0 if loss is None else loss


def _is_measured(check: CheckResult) -> bool:
    loss = check.difference if check.of_experiment else check.loss
    return loss is not None and check.lower is not None and check.upper is not None
