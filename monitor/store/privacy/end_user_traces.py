"""Queries of the traces of exchanges: evaluations, messages, errors, runs, audit entries."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from monitor.store.review.training_batches import batches_of_runs
from monitor.store.rows import batches_of
from monitor.store.tables import (
    AuditEntry,
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


def list_run_folders(connection: Connection) -> list[tuple[int, str, str, list[int]]]:
    """Return each training run: id, status, folder, and the batches of its gold."""
    batches = batches_of_runs(connection)
    columns = (TrainingRun.id, TrainingRun.status, TrainingRun.work_dir)
    return [
        (row.id, row.status, row.work_dir, sorted(batches[row.id]))
        for row in connection.execute(select(*columns).order_by(TrainingRun.id))
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
