"""Queries of the traces of exchanges: evaluations, messages, errors, runs, audit entries."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from monitor.store.rows import batches_of
from monitor.store.tables import (
    AuditEntry,
    Decision,
    DriftEvaluation,
    GoldExample,
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
    """Return the Slack messages about an evaluation, with their payload."""
    statement = select(OutboxMessage.id, OutboxMessage.payload).where(
        OutboxMessage.dedupe_key.startswith(f"evaluation:{evaluation_id}:", autoescape=True)
        | OutboxMessage.dedupe_key.endswith(f":evaluation:{evaluation_id}", autoescape=True)
        # Of version 0.2.
        | OutboxMessage.dedupe_key.endswith(f":acknowledged:{evaluation_id}", autoescape=True)
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


def stored_errors(connection: Connection) -> Iterator[tuple[str, int, str]]:
    """Yield the errors of evaluations and training runs: table, id and text."""
    for table in (DriftEvaluation, TrainingRun):
        statement = select(table.id, table.error).where(table.error.is_not(None))
        for row in connection.execute(statement):
            yield table.__tablename__, row.id, row.error or ""


def replace_error(connection: Connection, table: str, row_id: int, error: str) -> None:
    """Replace the text of an error."""
    table_class = {
        candidate.__tablename__: candidate for candidate in (DriftEvaluation, TrainingRun)
    }[table]
    connection.execute(update(table_class).where(table_class.id == row_id).values(error=error))


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
