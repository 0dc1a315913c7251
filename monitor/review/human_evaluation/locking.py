"""Ends a study: from then on nothing is rated, and everybody may know whose each answer is."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.store.accounts.users import ReviewerRow
from monitor.store.audit_log import append_entry
from monitor.store.human_evaluation.assignments import count_submitted
from monitor.store.human_evaluation.closing import lock_items, set_locked
from monitor.store.human_evaluation.human_evaluations import StudyRow, study_by_id


@dataclass(frozen=True)
class Completeness:
    """How much of a study is rated."""

    n_items: int
    n_submitted: int
    n_needed: int

    @property
    def n_missing(self) -> int:
        """Turns that nobody has submitted."""
        return self.n_needed - self.n_submitted


def completeness(connection: Connection, study: StudyRow) -> Completeness:
    """Return how much of a study is rated."""
    n_items, n_submitted = count_submitted(connection, [study.id]).get(study.id, (0, 0))
    return Completeness(n_items, n_submitted, n_items * study.reviewers)


def lock_study(
    connection: Connection,
    study_id: int,
    person: ReviewerRow,
    now: datetime,
    *,
    although_missing: bool = False,
) -> None:
    """Lock a study. It stays so.

    Args:
        connection: Inside the caller's transaction.
        study_id: The study.
        person: A lead or an admin.
        now: The time.
        although_missing: Lock it though not every item has all its ratings.

    Raises:
        NotFoundError: There is no such study, or the person doesn't lead.
        WorkflowError: It is locked already or was cancelled, nothing is rated, or ratings are
            missing.
    """
    if not person.leads:
        raise NotFoundError(f"there is no study {study_id}")
    study = study_by_id(connection, study_id, lock=True)
    if study.is_locked:
        raise WorkflowError("the study is locked already")
    if not study.is_open:
        raise WorkflowError("the study was cancelled with its evaluation: there is nothing to lock")
    # Who is about to submit holds an item's row and then looks whether the study is open: wait for
    # them, so that no rating comes in after the count below.
    lock_items(connection, study_id)
    so_far = completeness(connection, study)
    if not so_far.n_submitted:
        raise WorkflowError("nothing is rated yet: there would be no results")
    if so_far.n_missing > 0 and not although_missing:
        raise WorkflowError(
            f"{so_far.n_missing} of {so_far.n_needed} ratings are missing; say that it is to be "
            "locked all the same, or wait"
        )
    set_locked(connection, study_id, person.id, now)
    details = {"items": so_far.n_items, "missing": max(0, so_far.n_missing)}
    append_entry(connection, now, person.name, "study locked", f"study:{study_id}", details)
