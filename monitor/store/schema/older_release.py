"""Rows that the release before wrote beside the present schema, until it was stopped.

The release before goes on while and after the schema is migrated. It knows nothing of the tables
and columns that the migrations added, so what it writes then is completed when a daemon of this
version starts. The next release, whose schema the release before can't use, drops this module.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, exists, func, insert, select, text, update

from monitor.store.audit_log import SYSTEM
from monitor.store.schema.changes import ADVISORY_LOCK
from monitor.store.tables import (
    AuditEntry,
    Incident,
    IncidentEvent,
    IncidentThread,
    ModelVersion,
    Rollout,
    StageChange,
    TrafficWeights,
)

#: Events by the status that an incident has without an event for it.
EVENTS = {"acknowledged": "acknowledged", "resolved": "resolved", "closed": "unwatched"}


def adopt_rows(connection: Connection) -> int:
    """Complete the rows of the release before; return how many were. Repeated, it does nothing."""
    if connection.dialect.name == "postgresql":  # several replicas start at once
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    return _adopt_threads(connection) + _adopt_incidents(connection) + _adopt_rollouts(connection)


def _adopt_threads(connection: Connection) -> int:
    """Add the threads that messages of 0.2 have started in Slack."""
    known = exists().where(
        IncidentThread.incident_id == Incident.id, IncidentThread.target == Incident.slack_channel
    )
    columns = (Incident.id, Incident.slack_channel, Incident.slack_channel, Incident.slack_ts)
    threads = select(*columns).where(
        Incident.slack_channel.is_not(None), Incident.slack_ts.is_not(None), ~known
    )
    names = ["incident_id", "target", "address", "ts"]
    return connection.execute(insert(IncidentThread).from_select(names, threads)).rowcount


def _adopt_incidents(connection: Connection) -> int:
    """Add the events of incidents whose last event doesn't lead to their status."""
    newest = (
        select(IncidentEvent.incident_id, func.max(IncidentEvent.id).label("id"))
        .group_by(IncidentEvent.incident_id)
        .subquery()
    )
    rows = connection.execute(
        select(Incident, IncidentEvent.to_status, IncidentEvent.at)
        .outerjoin(newest, newest.c.incident_id == Incident.id)
        .outerjoin(IncidentEvent, IncidentEvent.id == newest.c.id)
        .where(IncidentEvent.id.is_(None) | (IncidentEvent.to_status != Incident.status))
        .order_by(Incident.id)
    ).all()
    adopted = 0
    for incident in rows:
        events = list(_events(connection, incident))
        if not events:
            continue
        adopted += 1
        for event in events:
            connection.execute(insert(IncidentEvent).values(incident_id=incident.id, **event))
        count = select(func.count()).where(IncidentEvent.incident_id == incident.id)
        version = connection.execute(count).scalar_one()
        values = {"version": version, "quiet_windows": int(incident.status == "resolved")}
        connection.execute(update(Incident).where(Incident.id == incident.id).values(values))
    return adopted


def _events(connection: Connection, incident: Any) -> Iterator[dict[str, Any]]:
    """Yield the missing events: those of the audit log, or that the columns tell."""
    logged = select(AuditEntry).where(AuditEntry.subject == f"incident:{incident.id}")
    if incident.at is not None:
        logged = logged.where(AuditEntry.occurred_at > incident.at)
    status = incident.to_status
    for entry in connection.execute(logged.order_by(AuditEntry.id)).all():
        if entry.details.get("to"):
            opened = entry.action == "opened"
            yield {
                "event": entry.action,
                "from_status": entry.details.get("from"),
                "to_status": entry.details["to"],
                "by": entry.actor,
                "at": entry.occurred_at,
                "reason": "",
                "fingerprint": incident.fingerprint if opened else "",
                "evaluation_id": incident.opening_evaluation_id if opened else None,
            }
            status = entry.details["to"]
    known = {"by": SYSTEM, "reason": ""}
    if status is None:
        yield {
            **known,
            "event": "opened",
            "from_status": None,
            "to_status": "open",
            "at": incident.opened_at,
            "fingerprint": incident.fingerprint,
            "evaluation_id": incident.opening_evaluation_id,
        }
        status = "open"
    if status != incident.status and incident.status in EVENTS:
        by = incident.acknowledged_by if incident.status == "acknowledged" else None
        yield {
            **known,
            "event": EVENTS[incident.status],
            "from_status": status,
            "to_status": incident.status,
            "by": by or SYSTEM,
            "at": incident.resolved_at or incident.opened_at,
        }


def _adopt_rollouts(connection: Connection) -> int:
    """Give rollouts of 0.2 their model and status, and models the weights that it has set."""
    model = select(ModelVersion.model).where(ModelVersion.id == Rollout.version_id)
    unnamed = update(Rollout).where(Rollout.model.is_(None))
    adopted = connection.execute(unnamed.values(model=model.scalar_subquery())).rowcount
    held = update(Rollout).where(Rollout.status == "held").values(status="holding")
    adopted += connection.execute(held).rowcount
    production = select(ModelVersion).where(
        ModelVersion.stage == "production",
        exists().where(
            StageChange.version_id == ModelVersion.id, StageChange.to_stage == "production"
        ),
        ~exists().where(TrafficWeights.model == ModelVersion.model),
    )
    for version in connection.execute(production).all():
        opened = connection.execute(
            select(Rollout).where(Rollout.model == version.model, Rollout.finished_at.is_(None))
        ).one_or_none()
        if opened is not None:
            stable = update(Rollout).where(Rollout.id == opened.id)
            connection.execute(stable.values(stable_version_id=version.id))
        connection.execute(
            insert(TrafficWeights).values(
                model=version.model,
                generation=1,
                stable_version_id=version.id,
                canary_version_id=opened.version_id if opened else None,
                canary_percent=opened.weight_percent if opened else 0,
                rollout_id=opened.id if opened else None,
                by=SYSTEM,
                reason="weights of an earlier release",
                created_at=opened.stage_started_at if opened else version.created_at,
                attempts=0,
                n_overwritten=0,
            )
        )
        adopted += 1
    return adopted
