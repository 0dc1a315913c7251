"""Queries that close a human evaluation: lock, results and cancellation."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from monitor.store.rows import update_row
from monitor.store.tables import HumanEvaluation, HumanEvaluationItem
from monitor.store.training.candidate_results import HumanEvaluationResults


def lock_rated_items(connection: Connection, human_evaluation_id: int) -> None:
    """Lock the items of a human evaluation until the commit, after any writer."""
    statement = (
        select(HumanEvaluationItem.id)
        .where(HumanEvaluationItem.human_evaluation_id == human_evaluation_id)
        .order_by(HumanEvaluationItem.id)
    )
    connection.execute(statement.with_for_update()).all()


def mark_locked(
    connection: Connection, human_evaluation_id: int, user_id: int, now: datetime
) -> bool:
    """Lock an open human evaluation; return whether it was open."""
    statement = (
        update(HumanEvaluation)
        .where(HumanEvaluation.id == human_evaluation_id, HumanEvaluation.status == "open")
        .values(status="locked", locked_by_id=user_id, locked_at=now)
    )
    return connection.execute(statement).rowcount == 1


def cancel_human_evaluation_of(
    connection: Connection, evaluation_id: int, now: datetime
) -> int | None:
    """Cancel the open human evaluation of a candidate evaluation, and return its id.

    Its ratings stay. Call it before an audit entry is appended, because it waits for raters who are
    submitting.
    """
    theirs = select(HumanEvaluation.id).where(
        HumanEvaluation.candidate_evaluation_id == evaluation_id, HumanEvaluation.status == "open"
    )
    human_evaluation_id = connection.execute(theirs.with_for_update()).scalar_one_or_none()
    if human_evaluation_id is None:
        return None
    lock_rated_items(connection, human_evaluation_id)
    update_row(
        connection, HumanEvaluation, human_evaluation_id, status="cancelled", cancelled_at=now
    )
    return human_evaluation_id


def set_results(
    connection: Connection,
    human_evaluation_id: int,
    results: HumanEvaluationResults,
    now: datetime,
) -> None:
    """Store the results of a locked human evaluation."""
    connection.execute(
        update(HumanEvaluation)
        .where(HumanEvaluation.id == human_evaluation_id, HumanEvaluation.status == "locked")
        .values(results=results, measured_at=now)
    )
