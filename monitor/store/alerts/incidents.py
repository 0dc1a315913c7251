"""Incidents: at most one open for each model, from the alarm to the recovery."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from monitor.errors import NotFoundError
from monitor.store.tables import Evaluation, Incident


@dataclass(frozen=True)
class IncidentRow:
    """A spell of drift of one model."""

    id: int
    model: str
    #: ``open``, ``acknowledged`` or ``recovered``.
    status: str
    #: What drifted when it was last told: ``input``, ``output``, ``metric:resolved``, ...
    fingerprint: frozenset[str]
    severity: float
    opened_by_id: int
    last_evaluation_id: int
    opened_at: datetime
    closed_at: datetime | None
    acknowledged_by: str | None
    slack_channel: str | None
    slack_ts: str | None


def open_incident(
    connection: Connection,
    *,
    model: str,
    fingerprint: frozenset[str],
    severity: float,
    evaluation_id: int,
    now: datetime,
) -> int:
    """Open an incident; the schema refuses a second open one of the model."""
    return connection.execute(
        insert(Incident)
        .values(
            model=model,
            status="open",
            fingerprint=_join(fingerprint),
            severity=severity,
            opened_by_id=evaluation_id,
            last_evaluation_id=evaluation_id,
            opened_at=now,
        )
        .returning(Incident.id)
    ).scalar_one()


def worsen_incident(
    connection: Connection,
    incident_id: int,
    *,
    fingerprint: frozenset[str],
    severity: float,
    evaluation_id: int,
) -> None:
    """Record that it got worse; an acknowledged incident is open again."""
    connection.execute(
        update(Incident)
        .where(Incident.id == incident_id)
        .values(
            status="open",
            fingerprint=_join(fingerprint),
            severity=severity,
            last_evaluation_id=evaluation_id,
        )
    )


def touch_incident(connection: Connection, incident_id: int, evaluation_id: int) -> None:
    """Record the newest evaluation that an incident has lived through."""
    connection.execute(
        update(Incident).where(Incident.id == incident_id).values(last_evaluation_id=evaluation_id)
    )


def close_incident(
    connection: Connection, incident_id: int, evaluation_id: int, now: datetime
) -> None:
    """Record the recovery."""
    connection.execute(
        update(Incident)
        .where(Incident.id == incident_id)
        .values(status="recovered", closed_at=now, last_evaluation_id=evaluation_id)
    )


def acknowledge_incident(connection: Connection, incident_id: int, person: str) -> bool:
    """Record who looks after it; return False where it is closed or somebody already does."""
    taken = connection.execute(
        update(Incident)
        .where(Incident.id == incident_id, Incident.status == "open")
        .values(status="acknowledged", acknowledged_by=person)
    )
    return taken.rowcount == 1


def incident_by_id(connection: Connection, incident_id: int) -> IncidentRow:
    """Return an incident.

    Raises:
        NotFoundError: There is none of that id.
    """
    row = connection.execute(_ROWS.where(Incident.id == incident_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no incident {incident_id}")
    return _row(row)


def open_incident_of(connection: Connection, model: str) -> IncidentRow | None:
    """Return the open incident of a model, and lock it until the transaction ends."""
    row = connection.execute(
        _ROWS.where(Incident.model == model, Incident.closed_at.is_(None)).with_for_update()
    ).one_or_none()
    return None if row is None else _row(row)


def incident_of_evaluation(connection: Connection, evaluation_id: int) -> int | None:
    """Return the incident that an evaluation opened or was the last to move."""
    return connection.execute(
        select(Incident.id)
        .where(
            (Incident.opened_by_id == evaluation_id)
            | (Incident.last_evaluation_id == evaluation_id)
        )
        .order_by(Incident.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def list_incidents(
    connection: Connection, model: str | None = None, limit: int = 50
) -> list[IncidentRow]:
    """Return the newest incidents first, of one model or of all."""
    statement = _ROWS.order_by(Incident.id.desc()).limit(limit)
    if model is not None:
        statement = statement.where(Incident.model == model)
    return [_row(row) for row in connection.execute(statement)]


def is_history(connection: Connection, evaluation_id: int) -> bool:
    """Tell whether a later window of the same model has been followed up already."""
    own = select(Evaluation.model, Evaluation.window_end).where(Evaluation.id == evaluation_id)
    model, window_end = connection.execute(own).one()
    later = connection.execute(
        select(Evaluation.id)
        .where(
            Evaluation.model == model,
            Evaluation.followed_up_at.is_not(None),
            Evaluation.window_end > window_end,
        )
        .limit(1)
    ).one_or_none()
    return later is not None


def verdict_before(connection: Connection, evaluation_id: int) -> str | None:
    """Return the verdict of the model's done evaluation just before this one's window."""
    own = select(Evaluation.model, Evaluation.window_end).where(Evaluation.id == evaluation_id)
    model, window_end = connection.execute(own).one()
    return connection.execute(
        select(Evaluation.verdict)
        .where(
            Evaluation.model == model,
            Evaluation.status == "done",
            Evaluation.id != evaluation_id,
            Evaluation.window_end <= window_end,
        )
        .order_by(Evaluation.window_end.desc(), Evaluation.id.desc())
        .limit(1)
    ).scalar_one_or_none()


_ROWS = select(
    Incident.id,
    Incident.model,
    Incident.status,
    Incident.fingerprint,
    Incident.severity,
    Incident.opened_by_id,
    Incident.last_evaluation_id,
    Incident.opened_at,
    Incident.closed_at,
    Incident.acknowledged_by,
    Incident.slack_channel,
    Incident.slack_ts,
)

#: Names in a fingerprint are separated by a character that excerpts and metric names don't keep.
SEPARATOR = "\n"


def _join(fingerprint: frozenset[str]) -> str:
    return SEPARATOR.join(sorted(fingerprint))


def _row(row: Any) -> IncidentRow:
    values = row._asdict()
    values["fingerprint"] = frozenset(filter(None, values["fingerprint"].split(SEPARATOR)))
    return IncidentRow(**values)
