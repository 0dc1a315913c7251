"""Queries of the traces of exchanges: evaluations, messages, errors, runs, audit entries."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from sqlalchemy import Connection, select, update

from monitor.store.rows import batches_of
from monitor.store.tables import (
    AuditEntry,
    Decision,
    DriftEvaluation,
    GoldExample,
    Incident,
    IncidentEvent,
    IncidentThread,
    OutboxMessage,
    ReviewItem,
    TrainingRun,
)


def gold_batches(connection: Connection, items: Sequence[int]) -> set[int]:
    """Return the batches in which review items became gold."""
    batches: set[int] = set()
    for part in batches_of(items):
        statement = (
            select(ReviewItem.batch_id)
            .join(GoldExample, GoldExample.item_id == ReviewItem.id)
            .where(ReviewItem.id.in_(part))
        )
        batches |= set(connection.execute(statement).scalars())
    return batches


def scored_evaluations(connection: Connection) -> list[int]:
    """Return the evaluations that have scores of exchanges."""
    statement = select(DriftEvaluation.id).where(DriftEvaluation.sample_scores.is_not(None))
    return list(connection.execute(statement.order_by(DriftEvaluation.id)).scalars())


def running_evaluations(connection: Connection) -> list[int]:
    """Return the running evaluations, whose results aren't stored yet."""
    statement = select(DriftEvaluation.id).where(DriftEvaluation.status == "running")
    return list(connection.execute(statement.order_by(DriftEvaluation.id)).scalars())


def messages_of_evaluation(
    connection: Connection, evaluation_id: int
) -> list[tuple[int, dict[str, Any]]]:
    """Return the messages about an evaluation and of its incidents, with their payload.

    Any message of an incident may show its newest evaluation.
    """
    changed = select(IncidentEvent.incident_id).where(IncidentEvent.evaluation_id == evaluation_id)
    named = select(Incident.id).where(
        (Incident.opening_evaluation_id == evaluation_id)
        | (Incident.last_evaluation_id == evaluation_id)
    )
    statement = select(OutboxMessage.id, OutboxMessage.payload).where(
        OutboxMessage.dedupe_key.startswith(f"evaluation:{evaluation_id}:", autoescape=True)
        | (OutboxMessage.dedupe_key == f"late_alarm:{evaluation_id}")
        | OutboxMessage.incident_id.in_(changed)
        | OutboxMessage.incident_id.in_(named)
    )
    return [
        (row.id, row.payload) for row in connection.execute(statement.order_by(OutboxMessage.id))
    ]


def posted_messages(connection: Connection, message_ids: Sequence[int]) -> list[str]:
    """Return channel and timestamp of the sent messages among part."""
    statement = (
        select(IncidentThread.address, IncidentThread.ts)
        .join(OutboxMessage, OutboxMessage.incident_id == IncidentThread.incident_id)
        .where(OutboxMessage.id.in_(message_ids), OutboxMessage.sent_at.is_not(None))
        .distinct()
    )
    return [f"{row.address} at {row.ts}" for row in connection.execute(statement)]


#: Columns of texts that may quote an end user: errors, and what users wrote about incidents.
_QUOTING = {
    "drift_evaluations": DriftEvaluation.error,
    "training_runs": TrainingRun.error,
    "incident_events": IncidentEvent.reason,
}


def stored_errors(connection: Connection) -> Iterator[tuple[str, int, str]]:
    """Yield the errors and notes that may quote an end user: table, id and text."""
    for table, column in _QUOTING.items():
        statement = select(column.class_.id, column).where(column.is_not(None))
        for row in connection.execute(statement):
            yield table, row[0], row[1] or ""


def replace_error(connection: Connection, table: str, row_id: int, error: str) -> None:
    """Replace the text of an error or note, and the messages that carry the note."""
    column = _QUOTING[table]
    if column is IncidentEvent.reason:
        _replace_messages_of_event(connection, row_id, error)
    statement = update(column.class_).where(column.class_.id == row_id)
    connection.execute(statement.values({column.key: error}))


def _replace_messages_of_event(connection: Connection, event_id: int, text: str) -> None:
    """Replace the messages of an incident that carry what a user wrote about it."""
    event = connection.execute(
        select(IncidentEvent.incident_id, IncidentEvent.reason).where(IncidentEvent.id == event_id)
    ).one()
    words = event.reason.split()
    messages = connection.execute(
        select(OutboxMessage.id, OutboxMessage.payload).where(
            OutboxMessage.incident_id == event.incident_id
        )
    ).all()
    for message in messages:
        if all(word in str(message.payload) for word in map(escape, words)):
            statement = update(OutboxMessage).where(OutboxMessage.id == message.id)
            connection.execute(statement.values(payload={"text": text}))


def list_run_folders(connection: Connection) -> list[tuple[int, str, str, list[int]]]:
    """Return each training run: id, status, folder, and the batches of its gold."""
    statement = (
        select(TrainingRun.id, TrainingRun.status, TrainingRun.work_dir, Decision.inputs)
        .outerjoin(Decision, Decision.id == TrainingRun.decision_id)
        .order_by(TrainingRun.id)
    )
    return [
        (row.id, row.status, row.work_dir, list((row.inputs or {}).get("batches") or ()))
        for row in connection.execute(statement)
    ]


def audit_entries_with_reasons(connection: Connection, items: Sequence[int]) -> list[int]:
    """Return the audit entries with a reason that a reviewer wrote about review items."""
    entry_ids: list[int] = []
    subjects = [f"item:{item_id}" for item_id in items]
    for part in batches_of(subjects):
        rows = connection.execute(
            select(AuditEntry.id, AuditEntry.details).where(AuditEntry.subject.in_(part))
        )
        entry_ids += [row.id for row in rows if row.details.get("reason")]
    return sorted(entry_ids)


def exported_files(connection: Connection) -> list[str]:
    """Return the files of exports and imports; ``-`` is standard output."""
    actions = ("exported", "imported")
    statement = select(AuditEntry.subject).where(AuditEntry.action.in_(actions)).distinct()
    return sorted(connection.execute(statement).scalars())


def exports_without_ids(connection: Connection) -> list[str]:
    """Return the exported files whose rows don't name their exchange."""
    statement = select(AuditEntry.subject, AuditEntry.details).where(
        AuditEntry.action == "exported"
    )
    return sorted({row.subject for row in connection.execute(statement) if row.details.get("bare")})
