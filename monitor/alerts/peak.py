"""Largest change of an incident of drift, where what is found now is much smaller."""

from collections.abc import Iterator
from contextlib import suppress
from math import isclose

from sqlalchemy import Connection

from monitor.alerts.drift_alarms import is_much_larger, severity_of
from monitor.alerts.present_findings import Evidence, name_look, name_window
from monitor.errors import NotFoundError
from monitor.rendering.numbers import format_share
from monitor.store.alerts.incidents import IncidentRow
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.looks import look_by_id


def describe_peak(connection: Connection, incident: IncidentRow, evidence: Evidence) -> str:
    """Return how large the change was, and when; empty where it is about as large now."""
    now = 0.0
    if evidence.look is not None and evidence.is_look_present:
        now = evidence.look.severity
    if evidence.window is not None and evidence.window.assessment is not None:
        now = max(now, severity_of(evidence.window.assessment))
    if not is_much_larger(incident.severity, now):
        return ""
    alarms = _alarms(connection, incident, evidence)
    places = (f" in {name}" for severity, name in alarms if isclose(severity, incident.severity))
    return f"Largest change: {format_share(incident.severity)}{next(places, '')}."


def _alarms(
    connection: Connection, incident: IncidentRow, evidence: Evidence
) -> Iterator[tuple[float, str]]:
    """Yield severity and name of each window and look that the incident knows."""
    for event in evidence.events:
        if event.fingerprint and event.evaluation_id is not None:
            with suppress(NotFoundError):
                evaluation = drift_evaluation_by_id(connection, event.evaluation_id)
                if evaluation.assessment is not None:
                    yield severity_of(evaluation.assessment), name_window(evaluation)
    for look_id in (incident.opening_look_id, incident.last_look_id):
        if look_id is not None:
            with suppress(NotFoundError):
                look = look_by_id(connection, look_id)
                yield look.severity, name_look(look)
