"""Layout of the incident lane of the window chart."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.rendering.wording import describe_incident_status
from monitor.store.windows.incident_spans import IncidentSpan
from monitor.store.windows.window_figures import WindowFigures

HEIGHT, GAP = 16.0, 4.0


@dataclass(frozen=True)
class IncidentBar:
    """The bar of an incident under its windows."""

    x: float
    width: float
    y: float
    incident: IncidentSpan
    title: str


def lay_out_incidents(
    incidents: Sequence[IncidentSpan], windows: Sequence[WindowFigures], *, step: float, top: float
) -> tuple[IncidentBar, ...]:
    """Lay out incidents, oldest first, under their windows."""
    return tuple(
        _lay_out_bar(incident, windows, step, top + row * (HEIGHT + GAP))
        for row, incident in zip(_rows(incidents), incidents, strict=True)
    )


def _lay_out_bar(
    incident: IncidentSpan, windows: Sequence[WindowFigures], step: float, y: float
) -> IncidentBar:
    starts = [window.start for window in windows]
    inside = [
        at for at, start in enumerate(starts) if incident.first_start <= start < incident.until
    ]
    first, last = (inside[0], inside[-1]) if inside else (0, 0)
    names = ", ".join(
        name.removeprefix("metric:").removeprefix("event:") for name in incident.fingerprint
    )
    status = describe_incident_status(incident.status).lower()
    title = f"Incident {incident.incident_id}: {names}, {status}"
    return IncidentBar(
        round(first * step, 2), round((last - first + 1) * step, 2), round(y, 2), incident, title
    )


def _rows(incidents: Sequence[IncidentSpan]) -> list[int]:
    """Return the row of each incident, so that overlapping incidents have different rows."""
    ends: list[IncidentSpan] = []
    rows = []
    for incident in incidents:
        row = next(
            (at for at, last in enumerate(ends) if last.until <= incident.first_start),
            len(ends),
        )
        ends[row : row + 1] = [incident]
        rows.append(row)
    return rows
