"""Incidents: opened, updated and resolved by drift evaluations, acknowledged by users."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.alerts.incident_states import Event, target_of, transition_of
from monitor.alerts.messages.incident import (
    EvaluationSummary,
    detail_blocks,
    incident_blocks,
)
from monitor.alerts.messages.look import look_blocks
from monitor.alerts.messages.mrkdwn import build_message
from monitor.rendering.looks import look_headline
from monitor.settings import Alerts
from monitor.store.alerts import incidents, outbox
from monitor.store.alerts.incidents import IncidentRow
from monitor.store.audit_log import append_entry
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import DriftEvaluationRow, drift_evaluation_by_id
from monitor.store.windows.looks import look_by_id, newest_look

#: An incident worsens when its severity grows by this factor *and* by this difference.
WORSE_FACTOR = 1.25
WORSE_DIFFERENCE = 0.05

#: The actor of steps that evaluations cause, in the audit log.
SYSTEM = "driftwarden"


def handle_evaluation(
    connection: Connection, evaluation_id: int, now: datetime, *, alerts: Alerts
) -> int | None:
    """Open, update or resolve the model's incident after a finished drift evaluation.

    Messages are written to the outbox in the same transaction. Handling an evaluation again changes
    nothing, and neither does one whose window lies before a window that was already followed up.

    Args:
        connection: Inside the caller's transaction.
        evaluation_id: The evaluation; nothing happens while it is not done.
        now: The time of the change.
        alerts: Base of the links in the messages.

    Returns:
        The incident that the evaluation belongs to; ``None`` where there is none.
    """
    evaluation = drift_evaluation_by_id(connection, evaluation_id)
    assessment = evaluation.assessment
    if evaluation.status != "done" or assessment is None:
        return None
    current = incidents.unresolved_incident_of(connection, evaluation.model)
    handled = incidents.incident_of_evaluation(connection, evaluation_id)
    if handled is not None:
        return handled
    if incidents.is_superseded(connection, evaluation_id):
        return None
    event = event_of(assessment, current)
    if event is None or (
        event == "resolved" and _is_still_changed(connection, evaluation, current)
    ):
        return None
    changes: dict[str, Any] = {}
    if event in {"opened", "worsened"}:
        before = frozenset() if current is None else current.fingerprint
        changes["fingerprint"] = before | fingerprint_of(assessment)
        severity = 0.0 if current is None else current.severity
        changes["severity"] = max(severity, severity_of(assessment))
    step = _Step(connection, evaluation, assessment, now, alerts)
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
            **changes,
        )
    # Missing data is announced once per series of windows: silence would read as health.
    if event != "not_enough_data" or (
        incidents.previous_verdict(connection, evaluation_id) != "not_enough_data"
    ):
        _announce(step, incident_id, event)
    return incident_id


def event_of(assessment: Assessment, incident: IncidentRow | None) -> Event | None:
    """Return the event that an assessment causes; ``None`` where nothing happens.

    Args:
        assessment: The result of the evaluation.
        incident: The model's unresolved incident, if it has one.
    """
    if assessment.verdict == "not_enough_data":
        return "not_enough_data"
    if incident is None:
        return "opened" if assessment.alarm else None
    if not assessment.alarm:
        return "resolved"
    return "worsened" if _is_worse(assessment, incident) else "continued"


def acknowledge(
    connection: Connection, incident_id: int, user: str, now: datetime, *, alerts: Alerts
) -> bool:
    """Record the user who acknowledges an incident, and update its message in Slack.

    Returns:
        False where the incident is resolved, or acknowledged already.

    Raises:
        NotFoundError: There is no such incident.
    """
    incident = incidents.incident_by_id(connection, incident_id, lock=True)
    if incident.status != "open":
        return False
    look = None if incident.last_look_id is None else look_by_id(connection, incident.last_look_id)
    evaluation = (
        None
        if incident.last_evaluation_id is None
        else drift_evaluation_by_id(connection, incident.last_evaluation_id)
    )
    if look is not None and (evaluation is None or evaluation.window_end < look.looked_until):
        outbox.add_message(
            connection,
            dedupe_key=f"incident:{incident_id}:acknowledged:look:{look.id}",
            model=look.model,
            incident_id=incident_id,
            kind="update",
            payload=build_message(
                look_blocks(look, incident_id, "opened", alerts, acknowledged_by=user),
                look_headline(look),
            ),
            now=now,
        )
    elif evaluation is not None and evaluation.assessment is not None:
        event: Event = (
            "opened"
            if incident.opening_evaluation_id == incident.last_evaluation_id
            else "continued"
        )
        summary = _summary(evaluation, evaluation.assessment, acknowledged_by=user)
        outbox.add_message(
            connection,
            dedupe_key=f"incident:{incident_id}:acknowledged:{evaluation.id}",
            model=evaluation.model,
            incident_id=incident_id,
            kind="update",
            payload=build_message(
                incident_blocks(summary, event, alerts), evaluation.assessment.headline
            ),
            now=now,
        )
    take_step(connection, incident, "acknowledged", by=user, now=now, acknowledged_by=user)
    return True


def take_step(
    connection: Connection,
    incident: IncidentRow | None,
    event: Event,
    *,
    by: str,
    now: datetime,
    evaluation_id: int | None = None,
    model: str = "",
    **changes: Any,
) -> int:
    """Check an event against the table of transitions, write it, and log it.

    Args:
        connection: The transaction that holds the lock of the incident's row.
        incident: As it was read under the lock; ``None``: the event opens one.
        event: What happened.
        by: The user, or :data:`SYSTEM`.
        now: The time.
        evaluation_id: The evaluation that caused it, if one did.
        model: Of a new incident.
        changes: Other columns to write.

    Returns:
        The incident.

    Raises:
        WorkflowError: The event is not allowed in the incident's status.
    """
    status = target_of(event, None if incident is None else incident.status)
    if evaluation_id is not None:
        changes["last_evaluation_id"] = evaluation_id
        if incident is None or incident.opening_evaluation_id is None:
            # The first window of an incident that a look opened.
            changes["opening_evaluation_id"] = evaluation_id
    if status in {"resolved", "closed"}:
        changes["resolved_at"] = now
    if incident is None:
        incident_id = incidents.insert_incident(
            connection,
            model=model,
            status=status,
            opened_at=now,
            **changes,
        )
    else:
        incident_id = incident.id
        incidents.update_incident(connection, incident_id, status=status, **changes)
    if transition_of(event).logged:
        details = {"from": None if incident is None else incident.status, "to": status}
        append_entry(connection, now, by, event, f"incident:{incident_id}", details)
    return incident_id


def fingerprint_of(assessment: Assessment) -> frozenset[str]:
    """Return what alarms: families and degraded metrics."""
    families = {
        family.family
        for family in (assessment.input, assessment.output)
        if family.alarm or family.slow_alarm
    }
    metrics = {f"metric:{column.name}" for column in assessment.numeric_columns if column.degraded}
    return frozenset(families | metrics)


def severity_of(assessment: Assessment) -> float:
    """Return the severity in [0, 1]: the largest changed share or relative loss of a metric."""
    families = assessment.input, assessment.output
    shares = [family.changed_share for family in families if family.alarm]
    shares += [
        family.slow.drifted_share.estimate
        for family in families
        if family.slow is not None and family.slow.alarm
    ]
    losses = [
        1.0 if column.relative_change is None else min(1.0, abs(column.relative_change))
        for column in assessment.numeric_columns
        if column.degraded
    ]
    return max([0.0, *shares, *losses])


def _is_still_changed(
    connection: Connection, evaluation: DriftEvaluationRow, incident: IncidentRow | None
) -> bool:
    """Return whether a look still finds a large change that its window hardly contains.

    A change that began hours before the window's end is a small part of it. The incident of a look
    is resolved by a window without an alarm only once the newest look has none either.
    """
    if incident is None or incident.last_look_id is None:
        return False
    newest = newest_look(connection, evaluation.model)
    return newest is not None and newest.alarm


def _is_worse(assessment: Assessment, incident: IncidentRow) -> bool:
    if not fingerprint_of(assessment) <= incident.fingerprint:
        return True
    severity = severity_of(assessment)
    return severity >= incident.severity * WORSE_FACTOR and (
        severity >= incident.severity + WORSE_DIFFERENCE
    )


@dataclass(frozen=True)
class _Step:
    """A drift evaluation in its transaction."""

    connection: Connection
    evaluation: DriftEvaluationRow
    assessment: Assessment
    now: datetime
    alerts: Alerts


def _announce(step: _Step, incident_id: int | None, event: Event) -> None:
    """Post or update the incident's message; reply in its thread where users must notice."""
    user = None
    if incident_id is not None:
        incident = incidents.incident_by_id(step.connection, incident_id)
        user = incident.acknowledged_by if incident.status == "acknowledged" else None
    summary = _summary(step.evaluation, step.assessment, acknowledged_by=user)
    key = f"evaluation:{step.evaluation.id}:{event}"
    headline = step.assessment.headline
    outbox.add_message(
        step.connection,
        dedupe_key=key,
        model=step.evaluation.model,
        incident_id=incident_id,
        kind="post" if event == "opened" or incident_id is None else "update",
        payload=build_message(incident_blocks(summary, event, step.alerts), headline),
        now=step.now,
    )
    # Slack notifies of replies, not of updates: nobody is disturbed while nothing got worse.
    if incident_id is None or event == "continued":
        return
    details = build_message(detail_blocks(summary, event), headline)
    if event == "worsened":
        details["reply_broadcast"] = True  # in the channel, too
    outbox.add_message(
        step.connection,
        dedupe_key=f"{key}:details",
        model=step.evaluation.model,
        incident_id=incident_id,
        kind="reply",
        payload=details,
        now=step.now,
    )


def _summary(
    evaluation: DriftEvaluationRow, assessment: Assessment, *, acknowledged_by: str | None
) -> EvaluationSummary:
    return EvaluationSummary(
        evaluation_id=evaluation.id,
        window_start=evaluation.window_start,
        window_end=evaluation.window_end,
        assessment=assessment,
        baseline=_describe_baseline(evaluation),
        acknowledged_by=acknowledged_by,
    )


def _describe_baseline(evaluation: DriftEvaluationRow) -> str:
    baseline = evaluation.provenance.get("baseline")
    if not baseline:
        return "(none)"
    return f"{str(baseline['digest'])[:12]}, {baseline['first'][:10]} to {baseline['last'][:10]}"
