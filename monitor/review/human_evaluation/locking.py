"""Lock of a human evaluation: no more ratings, and the responses' systems become visible."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.store.accounts.users import UserRow
from monitor.store.audit_log import append_entry
from monitor.store.human_evaluation.assignments import count_submitted_assignments
from monitor.store.human_evaluation.closing import lock_rated_items, mark_locked
from monitor.store.human_evaluation.human_evaluations import (
    HumanEvaluationRow,
    human_evaluation_by_id,
)


@dataclass(frozen=True)
class Completeness:
    """Submitted and missing ratings of a human evaluation."""

    n_items: int
    n_submitted: int
    n_needed: int

    @property
    def n_missing(self) -> int:
        """Assignments that nobody has submitted."""
        return self.n_needed - self.n_submitted


def completeness(connection: Connection, human_evaluation: HumanEvaluationRow) -> Completeness:
    """Return the submitted and needed ratings of a human evaluation."""
    n_items, n_submitted = count_submitted_assignments(connection, [human_evaluation.id]).get(
        human_evaluation.id, (0, 0)
    )
    return Completeness(n_items, n_submitted, n_items * human_evaluation.raters_per_item)


def lock_human_evaluation(
    connection: Connection,
    human_evaluation_id: int,
    user: UserRow,
    now: datetime,
    *,
    allow_missing: bool = False,
) -> None:
    """Lock a human evaluation for good.

    The user is a lead of the model or an admin. With ``allow_missing`` ratings may be missing.

    Raises:
        NotFoundError: There is no such human evaluation, or the user is no lead of the model.
        WorkflowError: It is locked or cancelled, nothing is rated, or ratings are missing.
    """
    human_evaluation = human_evaluation_by_id(connection, human_evaluation_id, lock=True)
    if not user.is_lead_of(human_evaluation.model):
        raise NotFoundError(f"there is no human evaluation {human_evaluation_id}")
    if human_evaluation.is_locked:
        raise WorkflowError("the human evaluation is already locked", code="locked")
    if not human_evaluation.is_open:
        raise WorkflowError(
            "the human evaluation was cancelled with its candidate evaluation and can't be locked",
            code="cancelled",
        )
    # A submission holds its item's row and then checks that the human evaluation is open: wait for
    # it, so that no rating arrives after the count below.
    lock_rated_items(connection, human_evaluation_id)
    so_far = completeness(connection, human_evaluation)
    if not so_far.n_submitted:
        raise WorkflowError("no ratings are submitted; there would be no results", code="unrated")
    if so_far.n_missing > 0 and not allow_missing:
        raise WorkflowError(
            f"{so_far.n_missing} of {so_far.n_needed} ratings are missing; wait for them, or "
            "confirm that you want to lock without them",
            code="missing_ratings",
        )
    mark_locked(connection, human_evaluation_id, user.id, now)
    details = {"items": so_far.n_items, "missing": max(0, so_far.n_missing)}
    append_entry(
        connection,
        now,
        user.name,
        "human_evaluation_locked",
        f"human_evaluation:{human_evaluation_id}",
        details,
    )
