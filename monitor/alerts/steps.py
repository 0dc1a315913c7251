"""Steps of incidents: checked against the table of transitions, written with their event."""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from monitor.alerts.causes import CAUSES
from monitor.alerts.incident_states import Event, target_of, transition_of
from monitor.store.alerts import incidents
from monitor.store.alerts.incident_events import add_event
from monitor.store.alerts.incidents import IncidentRow
from monitor.store.audit_log import append_entry

log = structlog.get_logger()


def take_step(
    connection: Connection,
    incident: IncidentRow | None,
    event: Event,
    *,
    by: str,
    now: datetime,
    reason: str = "",
    evaluation_id: int | None = None,
    model: str = "",
    cause: str = "drift",
    **changes: Any,
) -> int:
    """Check an event against the table of transitions, write and log it; return the incident's id.

    The transaction holds the lock of the incident's row, under which it was read; ``None``: the
    event opens one of the model and cause. ``by`` is the user, or :data:`SYSTEM`. The reason is
    what was wrong, or what the user wrote; the evaluation is the one that caused the event, if one
    did.

    Raises:
        WorkflowError: The event is not allowed in the incident's status.
    """
    before = None if incident is None else incident.status
    status = target_of(event, before)
    if evaluation_id is not None:
        changes["last_evaluation_id"] = evaluation_id
        if incident is None or incident.opening_evaluation_id is None:
            # The first window of an incident that a look opened.
            changes["opening_evaluation_id"] = evaluation_id
    if status in {"resolved", "closed"} and event != "noted":
        changes["resolved_at"] = now
    if status == "open" and before != "open":
        changes |= {"acknowledged_by": None, "resolved_at": None}
    if status != "snoozed":
        changes["snoozed_until"] = None
    if incident is None:
        incident_id = incidents.insert_incident(
            connection,
            model=model,
            cause=cause,
            level=CAUSES[cause].level,
            version=1,
            status=status,
            opened_at=now,
            **changes,
        )
    else:
        incident_id = incident.id
        incidents.update_incident(
            connection, incident_id, status=status, version=incident.version + 1, **changes
        )
    add_event(
        connection,
        incident_id=incident_id,
        event=event,
        from_status=before,
        to_status=status,
        by=by,
        at=now,
        reason=reason,
        fingerprint=changes.get("fingerprint", frozenset()),
        evaluation_id=evaluation_id,
    )
    log.info(
        "incident_changed",
        incident=incident_id,
        change=event,
        status=status,
        by=by,
        **({"model": model, "cause": cause} if incident is None else {}),
        **({} if evaluation_id is None else {"evaluation": evaluation_id}),
    )
    if transition_of(event).logged:
        details = {"from": before, "to": status}
        append_entry(connection, now, by, event, f"incident:{incident_id}", details)
    return incident_id
