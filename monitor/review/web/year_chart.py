"""Where the marks of the digest's charts lie: numbers for inline SVG, without a style or script."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.review.digest import Digest, Series
from monitor.store.digest import FamilyFigures, IncidentSpan, WindowFigures

WIDTH = 1000.0
#: Height of a lane of bars, and of the room between two.
LANE, ROOM = 84.0, 30.0
INCIDENT_HEIGHT = 16.0
#: Least height of a bar: of an ordinary window, and of one that is to be noticed.
FLAT, MARKED = 3.0, 9.0

SPARK_WIDTH, SPARK_HEIGHT = 180.0, 36.0
#: A smaller effect isn't blown up to the whole height.
LEAST_SCALE = 0.1


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
    #: What the mark says when it is pointed at.
    title: str


@dataclass(frozen=True)
class Lane:
    """The bounds on the drifted mass of one family."""

    label: str
    #: Its baseline, and where the floor that pages lies.
    bottom: float
    floor: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Span:
    """An incident under the windows."""

    x: float
    width: float
    y: float
    incident: IncidentSpan
    title: str


@dataclass(frozen=True)
class Tick:
    """The name of a month, where its first window lies."""

    x: float
    label: str


@dataclass(frozen=True)
class YearChart:
    """The year of a model."""

    width: float
    height: float
    lanes: tuple[Lane, ...]
    spans: tuple[Span, ...]
    ticks: tuple[Tick, ...]
    #: The drifted share at the top of a lane.
    scale: float


@dataclass(frozen=True)
class Sparkline:
    """A characteristic's effect sizes; the line breaks where a window wasn't compared."""

    #: ``x,y`` pairs of each unbroken run.
    lines: tuple[str, ...]
    #: Single windows, and those in which it was degraded: x, y, and whether it was.
    dots: tuple[tuple[float, float, bool], ...]
    #: Where the baseline lies.
    zero: float


def draw_year(digest: Digest, floor: float) -> YearChart:
    """Lay out the chart of a digest.

    Args:
        digest: The windows, at least one.
        floor: ``drift.minimum_mass``, the drifted share that pages.
    """
    windows = digest.windows
    found = [one.found for one in windows if one.found]
    bounds = [f.mass_lower_bound for one in found for f in (one.input, one.output)]
    scale = max([0.1, 1.5 * floor, *bounds])
    step = WIDTH / len(windows)
    lanes = []
    for number, (label, name) in enumerate((("Prompts", "input"), ("Answers", "output"))):
        bottom = ROOM + LANE + number * (LANE + ROOM)
        bars = tuple(
            _bar(window, name, x=at * step, step=step, bottom=bottom, scale=scale)
            for at, window in enumerate(windows)
        )
        lanes.append(Lane(label, bottom, bottom - LANE * floor / scale, bars))
    top = lanes[-1].bottom + ROOM
    spans = tuple(
        _span(one, digest, step, top + row * (INCIDENT_HEIGHT + 4))
        for row, one in zip(_rows(digest.incidents), digest.incidents, strict=True)
    )
    height = max([top, *(span.y + INCIDENT_HEIGHT for span in spans)]) + ROOM
    return YearChart(WIDTH, height, tuple(lanes), spans, _ticks(windows, step), scale)


def draw_sparkline(series: Series) -> Sparkline:
    """Lay out the sparkline of a characteristic."""
    scale = max(LEAST_SCALE, abs(series.peak.effect_size))
    step = SPARK_WIDTH / max(len(series.points) - 1, 1)
    middle = SPARK_HEIGHT / 2
    lines: list[list[tuple[float, float]]] = [[]]
    dots = []
    for at, point in enumerate(series.points):
        if point is None:
            lines.append([])
            continue
        place = round(at * step, 1), round(middle - (middle - 3) * point.effect_size / scale, 1)
        lines[-1].append(place)
        if point.degraded:
            dots.append((*place, True))
    dots += [(*line[0], False) for line in lines if len(line) == 1]
    return Sparkline(
        tuple(" ".join(f"{x},{y}" for x, y in line) for line in lines if len(line) > 1),
        tuple(dots),
        middle,
    )


def _bar(
    window: WindowFigures, name: str, *, x: float, step: float, bottom: float, scale: float
) -> Bar:
    family: FamilyFigures | None = getattr(window.found, name, None)
    height, kind = FLAT, "unknown"
    if family is not None and family.verdict != "not_enough_data":
        least = FLAT if family.verdict == "no_drift" else MARKED
        height = max(least, LANE * family.mass_lower_bound / scale)
        kind = "alarm" if family.alarms else "hit" if family.verdict == "drift" else "ordinary"
    gap = min(2.0, step / 5)
    return Bar(
        round(x + gap / 2, 2),
        round(step - gap, 2),
        round(bottom - height, 2),
        round(height, 2),
        kind,
        window,
        _title(window, family, kind),
    )


def _title(window: WindowFigures, family: FamilyFigures | None, kind: str) -> str:
    days = f"{window.start:%Y-%m-%d} to {window.end:%Y-%m-%d}"
    if family is None:
        return f"{days}: {window.status}"
    if kind == "unknown":
        return f"{days}: not judged"
    p_value = f"p = {family.p_value:.2g}"
    told = {"alarm": "drift", "hit": "significant, below the floor", "ordinary": "no drift"}[kind]
    return f"{days}: {told}, at least {family.mass_lower_bound:.1%}, {p_value}"


def _span(incident: IncidentSpan, digest: Digest, step: float, y: float) -> Span:
    starts = [window.start for window in digest.windows]
    inside = [
        at
        for at, start in enumerate(starts)
        if incident.first_start <= start <= incident.last_start
        and not (incident.status == "recovered" and start == incident.last_start)
    ]
    first, last = (inside[0], inside[-1]) if inside else (0, 0)
    what = ", ".join(one.removeprefix("metric:") for one in incident.fingerprint)
    title = f"Incident {incident.incident_id}: {what}, {incident.status}"
    return Span(
        round(first * step, 2), round((last - first + 1) * step, 2), round(y, 2), incident, title
    )


def _rows(incidents: Sequence[IncidentSpan]) -> list[int]:
    """Return the row of each incident: one after the other shares a row, overlapping ones don't."""
    ends: list[IncidentSpan] = []
    rows = []
    for one in incidents:
        row = next(
            (at for at, last in enumerate(ends) if last.last_start <= one.first_start), len(ends)
        )
        ends[row : row + 1] = [one]
        rows.append(row)
    return rows


def _ticks(windows: Sequence[WindowFigures], step: float) -> tuple[Tick, ...]:
    ticks: list[Tick] = []
    month = None
    for at, window in enumerate(windows):
        if (window.start.year, window.start.month) != month:
            month = window.start.year, window.start.month
            if not ticks or (at * step - ticks[-1].x) > WIDTH / 24:
                year = not ticks or window.start.month == 1
                ticks.append(
                    Tick(
                        round(at * step, 2),
                        f"{window.start:%b %Y}" if year else f"{window.start:%b}",
                    )
                )
    return tuple(ticks)
