"""The lane of incidents under the windows, as numbers for inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.store.windows.digest import IncidentSpan, WindowFigures

HEIGHT, GAP = 16.0, 4.0


@dataclass(frozen=True)
class IncidentBar:
    """An incident under the windows."""

    x: float
    width: float
    y: float
    incident: IncidentSpan
    title: str


def lay_out_incidents(
    incidents: Sequence[IncidentSpan], windows: Sequence[WindowFigures], *, step: float, top: float
) -> tuple[IncidentBar, ...]:
    """Lay out incidents, the oldest first, under the windows that they lived through."""
    return tuple(
        _span(one, windows, step, top + row * (HEIGHT + GAP))
        for row, one in zip(_rows(incidents), incidents, strict=True)
    )


def _span(
    incident: IncidentSpan, windows: Sequence[WindowFigures], step: float, y: float
) -> IncidentBar:
    starts = [window.start for window in windows]
    inside = [
        at
        for at, start in enumerate(starts)
        if incident.first_start <= start <= incident.last_start
        and not (incident.status == "resolved" and start == incident.last_start)
    ]
    first, last = (inside[0], inside[-1]) if inside else (0, 0)
    what = ", ".join(one.removeprefix("metric:") for one in incident.fingerprint)
    title = f"Incident {incident.incident_id}: {what}, {incident.status}"
    return IncidentBar(
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
