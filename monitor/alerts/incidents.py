"""The life of an incident: opened, worsened or going on, acknowledged, recovered."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.alerts.messages.incident import (
    EvaluationSummary,
    Phase,
    detail_blocks,
    incident_blocks,
    message,
)
from monitor.settings import Alerts
from monitor.store.alerts import incidents, outbox
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import DriftEvaluationRow, drift_evaluation_by_id

#: It worsened when its severity grew by this factor *and* by this much since it was last told.
WORSE_FACTOR = 1.25
WORSE_BY = 0.05


def handle_evaluation(
    connection: Connection, evaluation_id: int, now: datetime, *, alerts: Alerts
) -> int | None:
    """Let a done evaluation open, worsen or close the model's incident.

    The messages are written to the outbox in the same transaction. Handling an evaluation again
    changes nothing, and one whose window lies before a window already followed up is history: it
    moves nothing.

    Args:
        connection: Inside the caller's transaction.
        evaluation_id: The evaluation; nothing happens while it isn't done.
        now: The time of the change.
        alerts: Where the links in the messages lead.

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
    event = _Event(connection, evaluation, assessment, now, alerts)
    if assessment.verdict == "not_enough_data":
        _not_enough_data(event, current)
    elif assessment.alarm and current is None:
        return _open(event)
    elif current is not None:
        _go_on(event, current)
    return None if current is None else current.id


def acknowledge(
    connection: Connection, incident_id: int, person: str, now: datetime, *, alerts: Alerts
) -> bool:
    """Record who looks after an incident, and show it in Slack.

    Returns:
        False where it has recovered, or somebody already looks after it.

    Raises:
        NotFoundError: There is no such incident.
    """
    incident = incidents.incident_by_id(connection, incident_id)
    if not incidents.acknowledge_incident(connection, incident_id, person):
        return False
    evaluation = drift_evaluation_by_id(connection, incident.last_evaluation_id)
    if evaluation.assessment is not None:
        subject = _subject(evaluation, evaluation.assessment, acknowledged_by=person)
        phase: Phase = (
            "opened"
            if incident.opening_evaluation_id == incident.last_evaluation_id
            else "continuing"
        )
        outbox.add_message(
            connection,
            dedupe_key=f"incident:{incident_id}:acknowledged:{evaluation.id}",
            incident_id=incident_id,
            kind="update",
            payload=message(
                incident_blocks(subject, phase, alerts), evaluation.assessment.headline
            ),
            now=now,
        )
    return True


def fingerprint_of(assessment: Assessment) -> frozenset[str]:
    """Return what alarms: families and degraded metrics."""
    families = {f.family for f in (assessment.input, assessment.output) if f.alarm or f.slow_alarm}
    metrics = {f"metric:{one.name}" for one in assessment.numeric_columns if one.degraded}
    return frozenset(families | metrics)


def severity_of(assessment: Assessment) -> float:
    """Return how bad it is, in [0, 1]: the largest drifted share or relative loss of a metric."""
    families = assessment.input, assessment.output
    shares = [f.drifted_share_lower_bound for f in families if f.alarm]
    shares += [
        f.slow.drifted_share_lower_bound for f in families if f.slow is not None and f.slow.alarm
    ]
    losses = [
        1.0 if one.relative_change is None else min(1.0, abs(one.relative_change))
        for one in assessment.numeric_columns
        if one.degraded
    ]
    return max([0.0, *shares, *losses])


def _is_worse(assessment: Assessment, incident: incidents.IncidentRow) -> bool:
    if not fingerprint_of(assessment) <= incident.fingerprint:
        return True
    severity = severity_of(assessment)
    return severity >= incident.severity * WORSE_FACTOR and (
        severity >= incident.severity + WORSE_BY
    )


@dataclass(frozen=True)
class _Event:
    """An evaluation that is being handled."""

    connection: Connection
    evaluation: DriftEvaluationRow
    assessment: Assessment
    now: datetime
    alerts: Alerts


def _open(event: _Event) -> int:
    incident_id = incidents.open_incident(
        event.connection,
        model=event.evaluation.model,
        fingerprint=fingerprint_of(event.assessment),
        severity=severity_of(event.assessment),
        evaluation_id=event.evaluation.id,
        now=event.now,
    )
    _tell(event, incident_id, "opened")
    return incident_id


def _go_on(event: _Event, current: incidents.IncidentRow) -> None:
    evaluation_id = event.evaluation.id
    if not event.assessment.alarm:
        incidents.resolve_incident(event.connection, current.id, evaluation_id, event.now)
        _tell(event, current.id, "resolved")
    elif _is_worse(event.assessment, current):
        incidents.escalate_incident(
            event.connection,
            current.id,
            fingerprint=current.fingerprint | fingerprint_of(event.assessment),
            severity=max(current.severity, severity_of(event.assessment)),
            evaluation_id=evaluation_id,
        )
        _tell(event, current.id, "worsened")
    else:
        incidents.update_last_evaluation(event.connection, current.id, evaluation_id)
        _tell(event, current.id, "continuing")


def _not_enough_data(event: _Event, current: incidents.IncidentRow | None) -> None:
    """Say once a spell that the model can't be judged: silence would read as health."""
    known = incidents.previous_verdict(event.connection, event.evaluation.id) == "not_enough_data"
    incident_id = None if current is None else current.id
    if incident_id is not None:
        incidents.update_last_evaluation(event.connection, incident_id, event.evaluation.id)
    if not known:
        _tell(event, incident_id, "not_enough_data")


def _tell(event: _Event, incident_id: int | None, phase: Phase) -> None:
    """Post or update the parent message; what people must notice goes to the thread as well."""
    person = None
    if incident_id is not None:
        incident = incidents.incident_by_id(event.connection, incident_id)
        person = incident.acknowledged_by if incident.status == "acknowledged" else None
    subject = _subject(event.evaluation, event.assessment, acknowledged_by=person)
    key = f"evaluation:{event.evaluation.id}:{phase}"
    headline = event.assessment.headline
    outbox.add_message(
        event.connection,
        dedupe_key=key,
        incident_id=incident_id,
        kind="post" if phase == "opened" or incident_id is None else "update",
        payload=message(incident_blocks(subject, phase, event.alerts), headline),
        now=event.now,
    )
    # An update makes no sound; a reply does. While nothing got worse nobody is disturbed.
    if incident_id is None or phase == "continuing":
        return
    details = message(detail_blocks(subject, phase), headline)
    if phase == "worsened":
        details["reply_broadcast"] = True  # shown in the channel too
    outbox.add_message(
        event.connection,
        dedupe_key=f"{key}:details",
        incident_id=incident_id,
        kind="reply",
        payload=details,
        now=event.now,
    )


def _subject(
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
