"""Layout of the window chart: drifted shares, error rates and incidents, for inline SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from monitor.plurals import pluralize
from monitor.rendering.excerpts import name_version
from monitor.rendering.numbers import format_estimate
from monitor.review.decision.weekly_rates import WeeklyRate
from monitor.statistics.p_value_text import state_p_value
from monitor.store.windows.incident_spans import IncidentSpan
from monitor.store.windows.window_figures import FamilyFigures, WindowFigures
from monitor.web.drift.incident_lane import HEIGHT as INCIDENT_HEIGHT
from monitor.web.drift.incident_lane import IncidentBar, lay_out_incidents
from monitor.web.drift.rate_lane import RateLane, lay_out_rates
from monitor.web.filters import percent, period

WIDTH = 1000.0
#: Height of a lane, and of the gap between two.
LANE, GAP = 84.0, 30.0
#: Minimum height of a bar: of an ordinary window, and of one with a change.
FLAT, MARKED = 3.0, 9.0
#: Maximum width of a bar.
MAX_WIDTH = 80.0
#: Width of a month's name.
TICK_WIDTH = WIDTH / 24


@dataclass(frozen=True)
class Bar:
    """The bar of a window in a lane."""

    x: float
    width: float
    y: float
    height: float
    #: ``alarm``, ``hit`` (significant, below the alert threshold), ``ordinary`` or ``unknown``.
    kind: str
    window: WindowFigures


@dataclass(frozen=True)
class Lane:
    """The drifted shares of one family of tests: input or output."""

    label: str
    top: float
    bottom: float
    #: y of the alert threshold.
    threshold: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class WindowColumn:
    """The column of a window, a link to its page."""

    x: float
    width: float
    window: WindowFigures
    #: Tooltip and accessible name.
    title: str
    is_here: bool


@dataclass(frozen=True)
class Tick:
    """The label of a month at its first window."""

    x: float
    label: str


@dataclass(frozen=True)
class WindowChart:
    """The chart of a model's windows, in SVG coordinates."""

    width: float
    height: float
    lanes: tuple[Lane, ...]
    rates: RateLane | None
    columns: tuple[WindowColumn, ...]
    spans: tuple[IncidentBar, ...]
    ticks: tuple[Tick, ...]
    #: The drifted share at the top of a lane.
    scale: float
    #: ``drift.min_drifted_share``.
    threshold: float
    #: y of the end of the lanes, above the incidents.
    bottom: float
    #: x of the first window: few windows are at the right end, where the newest is looked for.
    start: float
    #: What the chart says.
    sentence: str


def draw_windows(
    windows: Sequence[WindowFigures],
    incidents: Sequence[IncidentSpan],
    threshold: float,
    *,
    rates: Mapping[int, Sequence[WeeklyRate]] | None = None,
    here: int | None = None,
) -> WindowChart:
    """Lay out the chart of windows.

    There is at least one window; they and the incidents are the oldest first. ``rates`` has the
    error rates of the control slice, of each version, by drift evaluation; ``here`` is that of the
    page.
    """
    assessed = [window.figures for window in windows if window.figures]
    shares = [family.significant_share for row in assessed for family in (row.input, row.output)]
    scale = max([0.1, 1.5 * threshold, *shares])
    step = min(WIDTH / len(windows), MAX_WIDTH)
    lanes = []
    for number, (label, name) in enumerate((("Prompts", "input"), ("Responses", "output"))):
        bottom = GAP + LANE + number * (LANE + GAP)
        bars = tuple(
            _bar(window, name, x=at * step, step=step, bottom=bottom, scale=scale)
            for at, window in enumerate(windows)
        )
        lanes.append(Lane(label, bottom - LANE, bottom, bottom - LANE * threshold / scale, bars))
    bottom = lanes[-1].bottom
    known = [(rates or {}).get(window.evaluation_id, ()) for window in windows]
    lane = lay_out_rates(known, step=step, top=bottom + GAP, height=LANE)
    bottom = bottom if lane is None else lane.bottom
    spans = lay_out_incidents(incidents, windows, step=step, top=bottom + GAP)
    height = max([bottom, *(span.y + INCIDENT_HEIGHT for span in spans)]) + GAP
    columns = tuple(
        WindowColumn(
            round(at * step, 2),
            round(step, 2),
            window,
            _title(window, weekly),
            window.evaluation_id == here,
        )
        for at, (window, weekly) in enumerate(zip(windows, known, strict=True))
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
        threshold=threshold,
        bottom=bottom,
        start=round(WIDTH - step * len(windows), 2),
        sentence=_read(lanes, known),
    )


def _read(lanes: Sequence[Lane], rates: Sequence[Sequence[WeeklyRate]]) -> str:
    """Return the alarms of both lanes and the newest error rate in a sentence."""
    n = len(lanes[0].bars)
    counts = [sum(bar.kind == "alarm" for bar in lane.bars) for lane in lanes]
    text = (
        f"Prompts drifted past the alert threshold in {counts[0]} of {pluralize(n, 'window')}, "
        f"responses in {counts[1]}"
    )
    newest = next((own for own in reversed([*chain(*rates)]) if own.rate is not None), None)
    if newest is None or newest.rate is None:
        return f"{text}."
    interval = f"{percent(newest.rate.lower)} to {percent(newest.rate.upper)}"
    return (
        f"{text}; the newest error rate is {percent(newest.rate.rate)} ({interval}), of "
        f"{name_version(newest.version)}, against "
        f"{percent(newest.launch.errors / newest.launch.n)} at its launch."
    )


def _bar(
    window: WindowFigures, name: str, *, x: float, step: float, bottom: float, scale: float
) -> Bar:
    family: FamilyFigures | None = getattr(window.figures, name, None)
    height, kind = FLAT, "unknown"
    if family is not None and (family.alarms or family.verdict != "not_enough_data"):
        min_height = FLAT if family.verdict == "no_drift" and not family.alarms else MARKED
        height = max(min_height, LANE * family.significant_share / scale)
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


def _title(window: WindowFigures, rates: Sequence[WeeklyRate]) -> str:
    days = period(window.start, window.end)
    figures = window.figures
    if figures is None:
        return f"{days}: {window.status}"
    parts = [_describe("prompts", figures.input), _describe("responses", figures.output)]
    for weekly in rates:
        if (rate := weekly.rate) is not None:
            launch = percent(weekly.launch.errors / weekly.launch.n)
            parts.append(
                f"error rate of {name_version(weekly.version)} {percent(rate.rate)} "
                f"({percent(rate.lower)} to {percent(rate.upper)}), at launch {launch}"
            )
    return f"{days}: {'; '.join(parts)}"


def _describe(name: str, family: FamilyFigures) -> str:
    if family.verdict == "not_enough_data":
        return f"{name}: not enough data"
    if family.slow is not None and family.slow.alarm and not family.alarm:
        return f"{name} drifting slowly, {format_estimate(family.slow.drifted_share)} so far"
    if family.verdict == "no_drift":
        return f"{name} unchanged ({state_p_value(family.p_value, family.level)})"
    change = "drifted" if family.alarm else "changed, below the alert threshold"
    p_value = state_p_value(family.p_value, family.level)
    if family.is_shift:
        return f"{name} {change}, as a whole ({p_value})"
    parts = []
    if family.is_mix and family.moved_share is not None:
        parts.append(f"{format_estimate(family.moved_share)} moved between groups")
    if family.drifted_share is not None and family.drifted_share.lower > 0.0:
        compared = "" if family.comparable_share is None else " of those to comparable prompts"
        parts.append(f"{format_estimate(family.drifted_share)}{compared} unlike the baseline")
    return f"{', '.join([f'{name} {change}', *parts])} ({p_value})"


def _ticks(windows: Sequence[WindowFigures], step: float) -> tuple[Tick, ...]:
    ticks: list[Tick] = []
    month = None
    for at, window in enumerate(windows):
        if (window.start.year, window.start.month) != month:
            month = window.start.year, window.start.month
            if not ticks or (at * step - ticks[-1].x) > TICK_WIDTH:
                year = not ticks or window.start.month == 1
                label = f"{window.start:%b %Y}" if year else f"{window.start:%b}"
                ticks.append(Tick(round(at * step, 2), label))
    return tuple(ticks)
