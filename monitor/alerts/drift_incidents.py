"""Incidents of drift: opened, worsened, resolved and reopened by drift evaluations."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from monitor.alerts.drift_alarms import describe_drift, fingerprint_of, is_much_larger, severity_of
from monitor.alerts.incident_states import QUIET_WINDOWS, Event
from monitor.alerts.messages.incident import detail_blocks, missing_data_text
from monitor.alerts.parent_message import (
    add_news,
    add_reply,
    add_update,
    describe_earlier,
    summarize,
)
from monitor.alerts.steps import take_step
from monitor.rendering.mrkdwn import build_message
from monitor.settings import Alerts
from monitor.store.alerts import incidents, outbox
from monitor.store.alerts.incidents import IncidentRow
from monitor.store.audit_log import SYSTEM
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import (
    DriftEvaluationRow,
    assessments_before,
    drift_evaluation_by_id,
)
from monitor.store.windows.looks import look_by_id, newest_look
from monitor.store.windows.repetitions import changed_inputs

#: The same cause reopens an incident that was resolved less than this ago.
REOPENED_WITHIN = timedelta(weeks=8)

#: Events of an alarm, which the fingerprint and the severity of the incident follow.
ALARMS = ("opened", "worsened", "continued", "reopened")


def handle_evaluation(
    connection: Connection, evaluation_id: int, now: datetime, *, alerts: Alerts
) -> int | None:
    """Open, update, resolve or reopen the model's incident after a finished drift evaluation.

    Messages are written to the outbox in the same transaction. Handling an evaluation again changes
    nothing (`monitor.alerts.repeated_evaluations` does), and neither does one whose window lies
    before a window that was already followed up. Nothing happens while the evaluation is not done.
    Return the incident that it belongs to, if there is one.
    """
    evaluation = drift_evaluation_by_id(connection, evaluation_id)
    assessment = evaluation.assessment
    if evaluation.status != "done" or assessment is None:
        return None
    current = incident_to_continue(connection, evaluation.model, now)
    handled = incidents.incident_of_evaluation(connection, evaluation_id)
    if handled is not None:
        return handled
    if incidents.is_superseded(connection, evaluation_id):
        return None
    event = event_of(assessment, current)
    if event is None or (
        event in {"quiet", "resolved"}
        and (
            changed_inputs(evaluation.provenance)
            or is_changed_later(connection, evaluation, current)
        )
    ):
        return None
    if current is not None and current.is_resolved and event != "reopened":
        current = None
    incident_id = None
    if current is not None or event == "opened":
        incident_id = take_step(
            connection,
            current,
            event,
            by=SYSTEM,
            now=now,
            model=evaluation.model,
            evaluation_id=evaluation_id,
            **changes_of(assessment, current, event),
        )
    if incident_id is None:
        _announce_missing_data(connection, evaluation, now, alerts)
    else:
        silent = event in {"continued", "quiet"} or (
            current is not None and current.status == "snoozed" and event != "worsened"
        )
        if current is not None and current.opening_evaluation_id is None:
            silent = False  # a look opened it, without examples: the first window has them
        announce(connection, incident_id, evaluation, event, now, alerts=alerts, silent=silent)
    return incident_id


def incident_to_continue(connection: Connection, model: str, now: datetime) -> IncidentRow | None:
    """Return the incident of drift that a new alarm belongs to, and lock it.

    It is unresolved, or was resolved within the last eight weeks.
    """
    return incidents.unresolved_incident_of(
        connection, model
    ) or incidents.last_resolved_incident_of(connection, model, "drift", now - REOPENED_WITHIN)


def event_of(assessment: Assessment, incident: IncidentRow | None) -> Event | None:
    """Return the event that an assessment causes; ``None`` where nothing happens.

    The incident is the one that an alarm belongs to, if there is one.
    """
    if assessment.verdict == "not_enough_data":
        return "not_enough_data"
    if incident is None or incident.is_resolved:
        if not assessment.alarm:
            return None
        return "opened" if incident is None else "reopened"
    if not assessment.alarm:
        return "resolved" if incident.quiet_windows + 1 >= QUIET_WINDOWS else "quiet"
    return "worsened" if _is_worse(assessment, incident) else "continued"


def changes_of(
    assessment: Assessment, incident: IncidentRow | None, event: Event
) -> dict[str, Any]:
    """Return the columns that an event changes."""
    if event in {"quiet", "resolved"}:
        assert incident is not None  # noqa: S101 - only an unresolved incident is resolved
        return {"quiet_windows": incident.quiet_windows + 1}
    if event not in ALARMS:
        return {}
    alarms, severity = fingerprint_of(assessment), severity_of(assessment)
    changes: dict[str, Any] = {"quiet_windows": 0}
    if event == "continued":
        return changes
    if event == "worsened" and incident is not None:
        alarms, severity = alarms | incident.fingerprint, max(severity, incident.severity)
    summary = describe_drift(alarms, severity)
    changes |= {"fingerprint": alarms, "severity": severity, "summary": summary}
    if event == "reopened" and incident is not None:
        return changes | {"reason": describe_earlier(incident)}
    return changes | {"reason": summary}


def is_changed_later(
    connection: Connection, evaluation: DriftEvaluationRow, incident: IncidentRow | None
) -> bool:
    """Return whether a look found a large change that the window hardly contains, or not at all.

    A change that began hours before the window's end is a small part of it. The incident of a look
    is resolved by a window without an alarm only once the newest look has none either. After a
    pause the looks come before the windows: one that ended before the incident's newest look says
    nothing about it.
    """
    if incident is None or incident.last_look_id is None:
        return False
    if evaluation.window_end < look_by_id(connection, incident.last_look_id).looked_until:
        return True
    newest = newest_look(connection, evaluation.model)
    return newest is not None and newest.alarm


def _is_worse(assessment: Assessment, incident: IncidentRow) -> bool:
    if not fingerprint_of(assessment) <= incident.fingerprint:
        return True
    # A snooze covers the growth of the snoozed change, but no change of another kind.
    return incident.status != "snoozed" and is_much_larger(
        severity_of(assessment), incident.severity
    )


def announce(
    connection: Connection,
    incident_id: int,
    evaluation: DriftEvaluationRow,
    event: Event,
    now: datetime,
    *,
    alerts: Alerts,
    silent: bool,
    repetition: int = 0,
) -> None:
    """Post or update the incident's message; reply in its thread where users must notice."""
    # Missing data is announced once per series of windows: silence would read as health.
    if event == "not_enough_data" and not _is_first_without_data(connection, evaluation):
        return
    key = f"evaluation:{evaluation.id}:{event}" + (f":{repetition}" if repetition else "")
    add_update(connection, incident_id, now, alerts, key=key)
    # Slack notifies of replies, not of updates: nobody is disturbed while nothing got worse.
    if silent:
        return
    if event in {"worsened", "resolved", "reopened", "not_enough_data"}:
        broadcast = event != "not_enough_data"
        add_news(connection, incident_id, now, alerts, key=f"{key}:news", broadcast=broadcast)
    if event in ALARMS:
        summary = summarize(connection, incident_id, evaluation)
        details = detail_blocks(summary, "opened" if event == "continued" else event, alerts)
        add_reply(
            connection,
            incident_id,
            summary.assessment.headline,
            now,
            blocks=details,
            broadcast=False,
            key=f"{key}:details",
            evaluation_id=evaluation.id,
        )


def _announce_missing_data(
    connection: Connection, evaluation: DriftEvaluationRow, now: datetime, alerts: Alerts
) -> None:
    """Announce missing data of a model without an incident, once per series of windows."""
    if not _is_first_without_data(connection, evaluation):
        return
    text = missing_data_text(summarize(connection, None, evaluation), alerts)
    outbox.add_message(
        connection,
        dedupe_key=f"evaluation:{evaluation.id}:not_enough_data",
        model=evaluation.model,
        payload=build_message(text.blocks(), text.summary),
        now=now,
        evaluation_id=evaluation.id,
    )


def _is_first_without_data(connection: Connection, evaluation: DriftEvaluationRow) -> bool:
    """Return whether the window before had enough data, or lacked less than this one."""
    before = assessments_before(connection, evaluation.model, evaluation.window_start, 1)
    if not before or before[0].verdict != "not_enough_data":
        return True
    assessment = evaluation.assessment
    assert assessment is not None  # noqa: S101 - it is done
    return not assessment.missing_names <= before[0].missing_names
