"""Events of incidents: who changed what, when and why."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from monitor.store.rows import columns_of, read_row, read_rows
from monitor.store.tables import Incident, IncidentEvent


@dataclass(frozen=True)
class IncidentEventRow:
    """A change of an incident."""

    id: int
    incident_id: int
    event: str
    #: ``None``: it opened the incident.
    from_status: str | None
    to_status: str
    #: A user, or ``driftwarden``.
    by: str
    at: datetime
    #: What was wrong, or what the user wrote; empty where there is nothing to say.
    reason: str
    #: What alarmed, a line each, where it says so.
    fingerprint: str
    evaluation_id: int | None


_ROWS = select(*columns_of(IncidentEventRow, IncidentEvent))


def add_event(connection: Connection, *, fingerprint: frozenset[str], **values: Any) -> None:
    """Write an event of an incident."""
    joined = "\n".join(sorted(fingerprint))
    connection.execute(insert(IncidentEvent).values(fingerprint=joined, **values))


def list_events(connection: Connection, incident_id: int) -> list[IncidentEventRow]:
    """Return the events of an incident, the oldest first."""
    statement = _ROWS.where(IncidentEvent.incident_id == incident_id).order_by(IncidentEvent.id)
    return read_rows(connection, IncidentEventRow, statement)


def last_event(
    connection: Connection, incident_id: int, events: Collection[str]
) -> IncidentEventRow | None:
    """Return the newest of some kinds of events of an incident; ``None`` without one."""
    statement = (
        _ROWS.where(IncidentEvent.incident_id == incident_id, IncidentEvent.event.in_(events))
        .order_by(IncidentEvent.id.desc())
        .limit(1)
    )
    return read_row(connection, IncidentEventRow, statement)


def closed_incidents(connection: Connection, model: str, at: datetime) -> list[int]:
    """Return the incidents of a model that its removal closed at a time."""
    statement = (
        select(IncidentEvent.incident_id)
        .join(Incident, Incident.id == IncidentEvent.incident_id)
        .where(Incident.model == model, IncidentEvent.event == "unwatched", IncidentEvent.at == at)
    )
    return list(connection.execute(statement.order_by(IncidentEvent.id)).scalars())


def count_events(connection: Connection, incident_id: int, event: str, since: datetime) -> int:
    """Return how often an event of an incident happened since a time."""
    return connection.execute(
        select(func.count())
        .select_from(IncidentEvent)
        .where(
            IncidentEvent.incident_id == incident_id,
            IncidentEvent.event == event,
            IncidentEvent.at >= since,
        )
    ).scalar_one()
