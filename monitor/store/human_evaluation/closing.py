"""How a study ends: locked and then measured, or cancelled with its evaluation."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from monitor.store.tables import HumanEvaluation, HumanEvaluationItem
from monitor.store.training.candidate_results import HumanEvaluationResults


def lock_rated_items(connection: Connection, human_evaluation_id: int) -> None:
    """Wait for whoever is writing to a study's items, and keep others away until commit."""
    statement = (
        select(HumanEvaluationItem.id)
        .where(HumanEvaluationItem.human_evaluation_id == human_evaluation_id)
        .order_by(HumanEvaluationItem.id)
    )
    connection.execute(statement.with_for_update()).all()


def mark_locked(
    connection: Connection, human_evaluation_id: int, user_id: int, now: datetime
) -> bool:
    """Lock an open study; return whether it was open."""
    statement = (
        update(HumanEvaluation)
        .where(HumanEvaluation.id == human_evaluation_id, HumanEvaluation.status == "open")
        .values(status="locked", locked_by_id=user_id, locked_at=now)
    )
    return connection.execute(statement).rowcount == 1


def cancel_human_evaluation_of(
    connection: Connection, evaluation_id: int, now: datetime
) -> int | None:
    """Cancel an evaluation's study that is open, and return its id; its ratings are kept.

    Call it before an entry of the audit log is made: it waits for whoever is submitting.
    """
    theirs = select(HumanEvaluation.id).where(
        HumanEvaluation.candidate_evaluation_id == evaluation_id, HumanEvaluation.status == "open"
    )
    human_evaluation_id = connection.execute(theirs.with_for_update()).scalar_one_or_none()
    if human_evaluation_id is None:
        return None
    lock_rated_items(connection, human_evaluation_id)
    connection.execute(
        update(HumanEvaluation)
        .where(HumanEvaluation.id == human_evaluation_id)
        .values(status="cancelled", cancelled_at=now)
    )
    return human_evaluation_id


def set_results(
    connection: Connection,
    human_evaluation_id: int,
    results: HumanEvaluationResults,
    now: datetime,
) -> None:
    """Keep the figures of a locked study."""
    connection.execute(
        update(HumanEvaluation)
        .where(HumanEvaluation.id == human_evaluation_id, HumanEvaluation.status == "locked")
        .values(results=results, measured_at=now)
    )
