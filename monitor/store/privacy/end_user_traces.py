"""What else tells of one person's exchanges: evaluations, messages, errors, runs, the audit log."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from monitor.store.privacy.end_user_rows import IDS_PER_QUERY
from monitor.store.tables import (
    AuditEntry,
    Decision,
    DriftEvaluation,
    GoldExample,
    Incident,
    OutboxMessage,
    ReviewItem,
    TrainingRun,
)


def gold_batches(connection: Connection, items: Sequence[int]) -> set[int]:
    """Return the batches in which some items became gold."""
    batches: set[int] = set()
    for first in range(0, len(items), IDS_PER_QUERY):
        some = items[first : first + IDS_PER_QUERY]
        statement = (
            select(ReviewItem.batch_id)
            .join(GoldExample, GoldExample.item_id == ReviewItem.id)
            .where(ReviewItem.id.in_(some))
        )
        batches |= set(connection.execute(statement).scalars())
    return batches


def scored_evaluations(connection: Connection) -> list[int]:
    """Return the evaluations that have scores of exchanges."""
    statement = select(DriftEvaluation.id).where(DriftEvaluation.sample_scores.is_not(None))
    return list(connection.execute(statement.order_by(DriftEvaluation.id)).scalars())


def running_evaluations(connection: Connection) -> list[int]:
    """Return the evaluations under way: what they have read isn't here yet."""
    statement = select(DriftEvaluation.id).where(DriftEvaluation.status == "running")
    return list(connection.execute(statement.order_by(DriftEvaluation.id)).scalars())


def messages_of_evaluation(
    connection: Connection, evaluation_id: int
) -> list[tuple[int, dict[str, Any]]]:
    """Return the messages to Slack that tell of an evaluation, with their payload."""
    statement = select(OutboxMessage.id, OutboxMessage.payload).where(
        OutboxMessage.dedupe_key.startswith(f"evaluation:{evaluation_id}:", autoescape=True)
        | OutboxMessage.dedupe_key.endswith(f":acknowledged:{evaluation_id}", autoescape=True)
    )
    return [
        (row.id, row.payload) for row in connection.execute(statement.order_by(OutboxMessage.id))
    ]


def posted_places(connection: Connection, message_ids: Sequence[int]) -> list[str]:
    """Return where in Slack the messages among some that were sent stand."""
    statement = (
        select(Incident.slack_channel, Incident.slack_ts)
        .join(OutboxMessage, OutboxMessage.incident_id == Incident.id)
        .where(OutboxMessage.id.in_(message_ids), OutboxMessage.sent_at.is_not(None))
        .distinct()
    )
    return [f"{row.slack_channel} at {row.slack_ts}" for row in connection.execute(statement)]


def errors(connection: Connection) -> Iterator[tuple[str, int, str]]:
    """Yield the errors that evaluations and training runs ended with: table, id and text."""
    for table in (DriftEvaluation, TrainingRun):
        statement = select(table.id, table.error).where(table.error.is_not(None))
        for row in connection.execute(statement):
            yield table.__tablename__, row.id, row.error or ""


def set_error(connection: Connection, table: str, row_id: int, error: str) -> None:
    """Put another text in the place of an error."""
    of = {one.__tablename__: one for one in (DriftEvaluation, TrainingRun)}[table]
    connection.execute(update(of).where(of.id == row_id).values(error=error))


def run_folders(connection: Connection) -> list[tuple[int, str, str, list[int]]]:
    """Return each training run: id, status, folder and the batches whose gold it was planned on."""
    statement = (
        select(TrainingRun.id, TrainingRun.status, TrainingRun.work_dir, Decision.inputs)
        .outerjoin(Decision, Decision.id == TrainingRun.decision_id)
        .order_by(TrainingRun.id)
    )
    return [
        (row.id, row.status, row.work_dir, list((row.inputs or {}).get("batches") or ()))
        for row in connection.execute(statement)
    ]


def reasons_in_audit(connection: Connection, items: Sequence[int]) -> list[int]:
    """Return the audit entries in which a reviewer gave a reason in words for some items."""
    found: list[int] = []
    subjects = [f"item:{one}" for one in items]
    for first in range(0, len(subjects), IDS_PER_QUERY):
        some = subjects[first : first + IDS_PER_QUERY]
        rows = connection.execute(
            select(AuditEntry.id, AuditEntry.details).where(AuditEntry.subject.in_(some))
        )
        found += [row.id for row in rows if row.details.get("reason")]
    return sorted(found)


def exports(connection: Connection) -> list[str]:
    """Return the files that items were exported to or imported from; ``-`` is standard output."""
    actions = ("exported", "imported")
    statement = select(AuditEntry.subject).where(AuditEntry.action.in_(actions)).distinct()
    return sorted(connection.execute(statement).scalars())


def bare_exports(connection: Connection) -> list[str]:
    """Return the files whose rows don't say which exchange they come from."""
    statement = select(AuditEntry.subject, AuditEntry.details).where(
        AuditEntry.action == "exported"
    )
    return sorted({row.subject for row in connection.execute(statement) if row.details.get("bare")})
