"""Windows over time: drifted shares, error rates and incidents, as numbers for inline SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from monitor.rendering.wording import format_lower_bound
from monitor.review.decision.error_rate import RateEstimate
from monitor.review.decision.weekly_rates import WeeklyRate
from monitor.store.windows.digest import FamilyFigures, IncidentSpan, WindowFigures
from monitor.web.drift.incident_lane import HEIGHT as INCIDENT_HEIGHT
from monitor.web.drift.incident_lane import IncidentBar, lay_out_incidents
from monitor.web.drift.rate_lane import RateLane, lay_out_rates

WIDTH = 1000.0
#: Height of a lane, and of the room between two.
LANE, ROOM = 84.0, 30.0
#: Least height of a bar: of an ordinary window, and of one that is to be noticed.
FLAT, MARKED = 3.0, 9.0
#: Few windows don't fill the width: a bar is a bar.
WIDEST = 80.0
#: The name of a month needs this much.
TICK_ROOM = WIDTH / 24


@dataclass(frozen=True)
class Bar:
    """A window in a lane."""

    x: float
    width: float
    y: float
    height: float
    #: ``alarm``, ``hit`` (significant, below the floor), ``ordinary`` or ``unknown``.
    kind: str
    window: WindowFigures


@dataclass(frozen=True)
class Lane:
    """The bounds on the drifted mass of one family."""

    label: str
    top: float
    bottom: float
    #: Where the floor that pages lies.
    floor: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Column:
    """All that is drawn of one window: it is a link to it."""

    x: float
    width: float
    window: WindowFigures
    #: What it says when it is pointed at, or read aloud.
    title: str
    is_here: bool


@dataclass(frozen=True)
class Tick:
    """The name of a month, where its first window lies."""

    x: float
    label: str


@dataclass(frozen=True)
class WindowChart:
    """The windows of a model."""

    width: float
    height: float
    lanes: tuple[Lane, ...]
    rates: RateLane | None
    columns: tuple[Column, ...]
    spans: tuple[IncidentBar, ...]
    ticks: tuple[Tick, ...]
    #: The drifted share at the top of a lane.
    scale: float
    #: ``drift.min_drifted_share``.
    floor: float
    #: Where the lanes end, and the incidents begin.
    bottom: float


def draw_windows(
    windows: Sequence[WindowFigures],
    incidents: Sequence[IncidentSpan],
    floor: float,
    *,
    rates: Mapping[int, WeeklyRate] | None = None,
    launch: float | None = None,
    here: int | None = None,
) -> WindowChart:
    """Lay out windows.

    Args:
        windows: The oldest first, at least one.
        incidents: What they lived through, likewise.
        floor: ``drift.min_drifted_share``, the drifted share that pages.
        rates: The control slice by evaluation.
        launch: The error rate at launch.
        here: The evaluation that is looked at.
    """
    found = [one.figures for one in windows if one.figures]
    bounds = [f.least_share for one in found for f in (one.input, one.output)]
    scale = max([0.1, 1.5 * floor, *bounds])
    step = min(WIDTH / len(windows), WIDEST)
    lanes = []
    for number, (label, name) in enumerate((("Prompts", "input"), ("Answers", "output"))):
        bottom = ROOM + LANE + number * (LANE + ROOM)
        bars = tuple(
            _bar(window, name, x=at * step, step=step, bottom=bottom, scale=scale)
            for at, window in enumerate(windows)
        )
        lanes.append(Lane(label, bottom - LANE, bottom, bottom - LANE * floor / scale, bars))
    bottom = lanes[-1].bottom
    known = [_rate_of(window, rates or {}) for window in windows]
    lane = lay_out_rates(known, launch, step=step, top=bottom + ROOM, height=LANE)
    bottom = bottom if lane is None else lane.bottom
    spans = lay_out_incidents(incidents, windows, step=step, top=bottom + ROOM)
    height = max([bottom, *(span.y + INCIDENT_HEIGHT for span in spans)]) + ROOM
    columns = tuple(
        Column(
            round(at * step, 2),
            round(step, 2),
            window,
            _title(window, rate),
            window.evaluation_id == here,
        )
        for at, (window, rate) in enumerate(zip(windows, known, strict=True))
    )
    return WindowChart(
        width=WIDTH,
        height=height,
        lanes=tuple(lanes),
        rates=lane,
        columns=columns,
        spans=spans,
        ticks=_ticks(windows, step),
        scale=scale,
        floor=floor,
        bottom=bottom,
    )


def _rate_of(window: WindowFigures, rates: Mapping[int, WeeklyRate]) -> RateEstimate | None:
    weekly = rates.get(window.evaluation_id)
    return None if weekly is None else weekly.rate


def _bar(
    window: WindowFigures, name: str, *, x: float, step: float, bottom: float, scale: float
) -> Bar:
    family: FamilyFigures | None = getattr(window.figures, name, None)
    height, kind = FLAT, "unknown"
    if family is not None and family.verdict != "not_enough_data":
        least = FLAT if family.verdict == "no_drift" and not family.alarms else MARKED
        height = max(least, LANE * family.least_share / scale)
        kind = "alarm" if family.alarms else "hit" if family.verdict == "drift" else "ordinary"
    gap = min(8.0, step / 5)
    return Bar(
        round(x + gap / 2, 2),
        round(step - gap, 2),
        round(bottom - height, 2),
        round(height, 2),
        kind,
        window,
    )


def _title(window: WindowFigures, rate: RateEstimate | None) -> str:
    last = window.end - timedelta(microseconds=1)
    days = f"{window.start:%Y-%m-%d} to {last:%Y-%m-%d}"
    found = window.figures
    if found is None:
        return f"{days}: {window.status}"
    parts = [_describe("prompts", found.input), _describe("answers", found.output)]
    if rate is not None:
        interval = f"{rate.lower:.0%} to {rate.upper:.0%}"
        parts.append(f"error rate {rate.rate:.1%} ({interval})")
    return f"{days}: {'; '.join(parts)}"


def _describe(what: str, family: FamilyFigures) -> str:
    if family.verdict == "not_enough_data":
        return f"{what} not judged"
    if family.slow is not None and family.slow.alarm and not family.alarm:
        return (
            f"{what} drifting slowly, at least {family.slow.drifted_share_lower_bound:.1%} by now"
        )
    if family.verdict == "no_drift":
        return f"{what} as before (p = {family.p_value:.2g})"
    how = "drifted" if family.alarm else "moved, below the floor"
    share = format_lower_bound(family.drifted_share_lower_bound)
    return f"{what} {how}, {share} (p = {family.p_value:.2g})"


def _ticks(windows: Sequence[WindowFigures], step: float) -> tuple[Tick, ...]:
    ticks: list[Tick] = []
    month = None
    for at, window in enumerate(windows):
        if (window.start.year, window.start.month) != month:
            month = window.start.year, window.start.month
            if not ticks or (at * step - ticks[-1].x) > TICK_ROOM:
                year = not ticks or window.start.month == 1
                label = f"{window.start:%b %Y}" if year else f"{window.start:%b}"
                ticks.append(Tick(round(at * step, 2), label))
    return tuple(ticks)
