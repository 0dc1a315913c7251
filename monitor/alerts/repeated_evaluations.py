"""Results of evaluations that a user has repeated: the first one counts no longer."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.alerts.drift_alarms import describe_drift, fingerprint_of, severity_of
from monitor.alerts.drift_incidents import announce, changes_of, event_of, is_changed_later
from monitor.alerts.incident_states import Event
from monitor.alerts.parent_message import add_update
from monitor.alerts.steps import take_step
from monitor.settings import Alerts
from monitor.store.alerts import incidents
from monitor.store.alerts.incident_events import list_events
from monitor.store.alerts.incidents import IncidentRow, incident_by_id
from monitor.store.audit_log import SYSTEM
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.repetitions import changed_inputs, repetitions_of


def replace_result(
    connection: Connection, evaluation_id: int, now: datetime, *, alerts: Alerts
) -> None:
    """Update the incident of an evaluation that was repeated since it was handled.

    The window counts as quiet once at most, and not by other settings than the first; where a later
    window was handled, that one decides.
    Of an evaluation that was not handled or not repeated, nothing changes.
    """
    evaluation = drift_evaluation_by_id(connection, evaluation_id)
    assessment = evaluation.assessment
    repetitions = repetitions_of(connection, evaluation_id)
    handled = incidents.incident_of_evaluation(connection, evaluation_id)
    is_new = evaluation.status == "done" and evaluation.followed_up_at is None
    if handled is None or assessment is None or not repetitions or not is_new:
        return
    incident = incident_by_id(connection, handled, lock=True)
    if incident.last_evaluation_id != evaluation_id or incident.status == "closed":
        return
    events = list_events(connection, handled)
    own_events = [event.event for event in events if event.evaluation_id == evaluation_id]
    was_quiet = own_events[-1:] in (["quiet"], ["resolved"])
    differs = bool(changed_inputs(evaluation.provenance))
    if incident.is_resolved:
        event, changes = _reopening(incident, assessment, was_quiet=was_quiet)
    elif not assessment.alarm and (
        assessment.verdict != "not_enough_data"
        and (was_quiet or differs or is_changed_later(connection, evaluation, incident))
    ):
        event, changes = None, {}
    else:
        event, changes = _change(incident, evaluation_id, assessment, was_quiet=was_quiet)
    n, newest = len(repetitions), repetitions[-1]
    if event is None:
        if changes:
            incidents.update_incident(connection, handled, **changes)
        key = f"evaluation:{evaluation_id}:again:{n}"
        add_update(connection, handled, now, alerts, key=key, kind="update")
        return
    reason = f"Evaluated again by {newest.by}. Before: {newest.before}."
    changes["reason"] = f"{changes['reason']}. {reason}" if changes.get("reason") else reason
    take_step(
        connection, incident, event, by=SYSTEM, now=now, evaluation_id=evaluation_id, **changes
    )
    is_snoozed = incident.status == "snoozed" and event != "worsened"
    silent = event in {"continued", "quiet"} or is_snoozed
    announce(
        connection, handled, evaluation, event, now, alerts=alerts, silent=silent, repetition=n
    )


def describe_result(assessment: Assessment | None) -> str:
    """Return what drifted, without a quote of the traffic; empty where nothing alarms."""
    if assessment is None or not assessment.alarm:
        return ""
    return describe_drift(fingerprint_of(assessment), severity_of(assessment))


def _reopening(
    incident: IncidentRow, assessment: Assessment, *, was_quiet: bool
) -> tuple[Event | None, dict[str, Any]]:
    """Return the event of the new result of a resolved incident, and what it changes."""
    # An alarm that a user knew, and resolved, stays so.
    is_known = not was_quiet and fingerprint_of(assessment) <= incident.fingerprint
    if is_known or not assessment.alarm:
        return None, {}
    return "reopened", changes_of(assessment, incident, "reopened")


def _change(
    incident: IncidentRow, evaluation_id: int, assessment: Assessment, *, was_quiet: bool
) -> tuple[Event | None, dict[str, Any]]:
    """Return the event of the new result of an unresolved incident, and what it changes."""
    event = event_of(assessment, incident)
    assert event is not None  # noqa: S101 - the incident is unresolved
    if event == "not_enough_data":
        return event, {"quiet_windows": incident.quiet_windows - was_quiet}
    changes = changes_of(assessment, incident, event)
    if not assessment.alarm:
        return event, changes
    own: dict[str, Any] = {}
    if incident.opening_evaluation_id == evaluation_id and incident.last_look_id is None:
        # No other result says what drifted.
        drifted, severity = fingerprint_of(assessment), severity_of(assessment)
        summary = describe_drift(drifted, severity)
        own = {"fingerprint": drifted, "severity": severity, "summary": summary}
    if event == "continued" and not was_quiet:
        return None, own
    return event, changes | own
