"""Incidents: at most one unresolved incident for each model and cause."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select

from monitor.errors import NotFoundError
from monitor.store.alerts.incident_events import add_event
from monitor.store.model_sets import Models, of_models
from monitor.store.rows import columns_of, insert_row, update_row
from monitor.store.tables import DriftEvaluation, Incident, IncidentEvent


@dataclass(frozen=True)
class IncidentRow:
    """An incident of one model, or of the daemon."""

    id: int
    #: Empty: the daemon itself.
    model: str
    #: A name of :data:`monitor.alerts.causes.CAUSES`.
    cause: str
    #: ``critical``, ``error``, ``warning`` or ``info``.
    level: str
    #: ``open``, ``acknowledged``, ``snoozed``, ``resolved`` or ``closed`` (its model is no longer
    #: watched).
    status: str
    #: Number of its events.
    version: int
    #: What is wrong, without a quote of an exchange.
    summary: str
    #: Of its next step, where that depends on what is wrong; else empty.
    command: str
    #: What alarmed: ``input``, ``output``, ``metric:resolved``, ...; of other causes the windows,
    #: runs, days, ...
    fingerprint: frozenset[str]
    severity: float
    #: ``None`` where a look opened it, until its window is evaluated.
    opening_evaluation_id: int | None
    last_evaluation_id: int | None
    #: The look that opened it, and the newest look with an alarm; ``None`` without one.
    opening_look_id: int | None
    last_look_id: int | None
    #: Measured windows without an alarm since the last one with an alarm.
    quiet_windows: int
    #: When the condition began; ``None``: it is not known.
    began_at: datetime | None
    #: Since when the condition no longer holds; ``None``: it holds.
    clear_since: datetime | None
    opened_at: datetime
    snoozed_until: datetime | None
    #: When it was resolved or closed.
    resolved_at: datetime | None
    acknowledged_by: str | None

    @property
    def is_resolved(self) -> bool:
        """Return whether it is resolved or closed."""
        return self.resolved_at is not None


def insert_incident(connection: Connection, *, fingerprint: frozenset[str], **values: Any) -> int:
    """Write a new incident and return its id; the schema refuses a second unresolved one."""
    return insert_row(connection, Incident, fingerprint=_join(fingerprint), **values)


def update_incident(
    connection: Connection,
    incident_id: int,
    *,
    fingerprint: frozenset[str] | None = None,
    **values: Any,
) -> None:
    """Write columns of an incident."""
    if fingerprint is not None:
        values["fingerprint"] = _join(fingerprint)
    update_row(connection, Incident, incident_id, **values)


def incident_by_id(connection: Connection, incident_id: int, *, lock: bool = False) -> IncidentRow:
    """Return an incident, or ``NotFoundError``; ``lock`` locks its row in the transaction."""
    statement = _ROWS.where(Incident.id == incident_id)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        raise NotFoundError(f"unknown incident: {incident_id}")
    return _row(row)


def unresolved_incident_of(
    connection: Connection, model: str, cause: str = "drift", *, lock: bool = True
) -> IncidentRow | None:
    """Return the unresolved incident of a model; lock it until the transaction ends."""
    statement = _ROWS.where(
        Incident.model == model, Incident.cause == cause, Incident.resolved_at.is_(None)
    )
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return None if row is None else _row(row)


def last_resolved_incident_of(
    connection: Connection, model: str, cause: str, since: datetime, *, lock: bool = True
) -> IncidentRow | None:
    """Return the incident of a cause that was resolved last, after a time; lock it."""
    statement = (
        _ROWS.where(
            Incident.model == model,
            Incident.cause == cause,
            Incident.status == "resolved",
            Incident.resolved_at >= since,
        )
        .order_by(Incident.resolved_at.desc(), Incident.id.desc())
        .limit(1)
    )
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return None if row is None else _row(row)


def unresolved_incidents_of(connection: Connection, model: str) -> list[IncidentRow]:
    """Return the unresolved incidents of a model, and lock them until the transaction ends."""
    statement = _ROWS.where(Incident.model == model, Incident.resolved_at.is_(None))
    rows = connection.execute(statement.order_by(Incident.id).with_for_update())
    return [_row(row) for row in rows]


def unresolved_incidents(connection: Connection) -> list[IncidentRow]:
    """Return the unresolved incidents of all models and of the daemon, the oldest first."""
    rows = connection.execute(_ROWS.where(Incident.resolved_at.is_(None)).order_by(Incident.id))
    return [_row(row) for row in rows]


def due_snoozes(connection: Connection, now: datetime, *, not_after: datetime) -> list[IncidentRow]:
    """Return the incidents whose snooze has ended, and lock them until the transaction ends.

    No snooze lasts until after ``not_after``, unless the clock was wrong: then it has ended.
    """
    ended = or_(Incident.snoozed_until <= now, Incident.snoozed_until > not_after)
    statement = _ROWS.where(Incident.status == "snoozed", ended)
    rows = connection.execute(statement.order_by(Incident.id).with_for_update())
    return [_row(row) for row in rows]


def incident_of_evaluation(connection: Connection, evaluation_id: int) -> int | None:
    """Return the incident of drift that an evaluation opened or changed."""
    changed = select(IncidentEvent.incident_id).where(IncidentEvent.evaluation_id == evaluation_id)
    return connection.execute(
        select(Incident.id)
        .where(
            Incident.cause == "drift",
            (Incident.opening_evaluation_id == evaluation_id)
            | (Incident.last_evaluation_id == evaluation_id)
            | Incident.id.in_(changed),
        )
        .order_by(Incident.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def close_duplicates(connection: Connection, model: str, other: str, now: datetime) -> None:
    """Close the unresolved incidents of a model of whose cause another model has one, too.

    The two are names of one model, which keeps the other incident.
    """
    causes = {incident.cause for incident in unresolved_incidents_of(connection, other)}
    for incident in unresolved_incidents_of(connection, model):
        if incident.cause in causes:
            changes: dict[str, Any] = {"status": "closed", "resolved_at": now}
            update_incident(connection, incident.id, version=incident.version + 1, **changes)
            add_event(
                connection,
                incident_id=incident.id,
                event="unwatched",
                from_status=incident.status,
                to_status="closed",
                by="driftwarden",
                at=now,
                reason=f"{model} and {other} are one model",
                fingerprint=frozenset(),
                evaluation_id=None,
            )


def list_incidents(
    connection: Connection,
    model: Models = None,
    limit: int = 50,
    *,
    cause: str | None = None,
    unresolved: bool = False,
) -> list[IncidentRow]:
    """Return the newest incidents first, of one model or of all.

    ``unresolved`` ones are neither resolved nor closed.
    """
    statement = _ROWS.order_by(Incident.id.desc()).limit(limit)
    statement = statement.where(*of_models(Incident.model, model))
    if cause:
        statement = statement.where(Incident.cause == cause)
    if unresolved:
        statement = statement.where(Incident.resolved_at.is_(None))
    return [_row(row) for row in connection.execute(statement)]


def count_unresolved(connection: Connection) -> dict[tuple[str, ...], int]:
    """Return the number of unresolved incidents by model, cause and level."""
    rows = connection.execute(
        select(Incident.model, Incident.cause, Incident.level, func.count())
        .where(Incident.resolved_at.is_(None))
        .group_by(Incident.model, Incident.cause, Incident.level)
    )
    return {(model, cause, level): n for model, cause, level, n in rows}


def is_superseded(connection: Connection, evaluation_id: int) -> bool:
    """Return whether a later window of the same model has been followed up already."""
    own = select(DriftEvaluation.model, DriftEvaluation.window_end).where(
        DriftEvaluation.id == evaluation_id
    )
    model, window_end = connection.execute(own).one()
    later = connection.execute(
        select(DriftEvaluation.id)
        .where(
            DriftEvaluation.model == model,
            DriftEvaluation.followed_up_at.is_not(None),
            DriftEvaluation.window_end > window_end,
        )
        .limit(1)
    ).one_or_none()
    return later is not None


_ROWS = select(*columns_of(IncidentRow, Incident))

#: Separator of the names in a fingerprint, which occurs in no topic or metric name.
SEPARATOR = "\n"


def _join(fingerprint: frozenset[str]) -> str:
    return SEPARATOR.join(sorted(fingerprint))


def _row(row: Any) -> IncidentRow:
    values = row._asdict()
    values["fingerprint"] = frozenset(filter(None, values["fingerprint"].split(SEPARATOR)))
    return IncidentRow(**values)
