"""Blind ratings of a human evaluation's items: claim, draft, decline, submit and withdraw.

The human evaluation's own row is read and not locked: a submission and the lock of the human
evaluation meet at the item's row (see :mod:`.locking`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.assignments import AssignmentQueue
from monitor.review.drafts import SeenDraft
from monitor.review.human_evaluation.blinding import blind_order
from monitor.store.accounts.grants import Grants, grants_of
from monitor.store.human_evaluation.assignments import (
    RATING_ASSIGNMENTS,
    Rater,
    RatingAssignment,
    claim_slot,
    current_item_of,
    find_next_ratable_item,
    insert_ratings,
    withdraw_ratings,
)
from monitor.store.human_evaluation.human_evaluations import (
    HumanEvaluationItemRow,
    HumanEvaluationRow,
    ResponseRow,
    blinding_secret,
    human_evaluation_by_id,
    item_by_number,
    responses_of,
)

#: Labels of the responses on the page, in the order in which a rater sees them.
LABELS = "ABCDEFGHIJ"


class Ratings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Submitted ratings: dimension -> score for each response, in the order that the rater saw."""

    ratings: list[dict[str, int]]
    comment: Annotated[str, msgspec.Meta(max_length=10_000)] = ""


@dataclass(frozen=True)
class RatingView:
    """An item as its rater sees it."""

    human_evaluation: HumanEvaluationRow
    number: int
    task_type: str
    messages: list[dict[str, str]]
    #: Texts in this rater's order; no ids.
    responses: list[str]
    draft: dict[str, Any]
    lease_until: datetime


def load_rater(connection: Connection, reviewer_id: int, model: str) -> Rater:
    """Return a rater with their task types; ``NotFoundError`` without a role on the model."""
    return rater_of(reviewer_id, grants_of(connection, [reviewer_id])[reviewer_id], model)


def rater_of(reviewer_id: int, grants: Grants, model: str) -> Rater:
    """Return the rater of a user's grants; see :func:`load_rater`."""
    grant = grants.on(model)
    if grant is None:
        raise NotFoundError(f"user {reviewer_id} has no role on {model}")
    return Rater(reviewer_id, grant.task_types)


class RatingQueue(AssignmentQueue[HumanEvaluationItemRow, RatingAssignment, Rater]):
    """The items of one human evaluation, by number."""

    max_draft_characters = 40_000

    def __init__(self, human_evaluation_id: int) -> None:
        super().__init__(RATING_ASSIGNMENTS)
        self._id = human_evaluation_id

    def submit(
        self,
        connection: Connection,
        number: int,
        rater_id: int,
        submission: Ratings,
        *,
        now: datetime,
        seen: SeenDraft | None = None,
    ) -> None:
        """Store a rater's ratings of an item's responses.

        Raises:
            NewerDraftError: Another page has saved a newer draft.
            NotFoundError: The rater never claimed the item.
            WorkflowError: Ratings are missing, or the item isn't the rater's any more.
        """
        item = self.lock(connection, number)
        self.renew(connection, item, number, rater_id, now=now, until=now, seen=seen)
        human_evaluation = human_evaluation_by_id(connection, self._id)
        responses = _responses_for(connection, item, rater_id)
        _check(human_evaluation, submission, len(responses))
        scores = zip(responses, submission.ratings, strict=True)
        insert_ratings(connection, rater_id, [(response.id, rating) for response, rating in scores])
        RATING_ASSIGNMENTS.update(
            connection, item.id, rater_id,
            draft={}, submitted_at=now, comment=submission.comment.strip(),
        )  # fmt: skip

    def withdraw(
        self,
        connection: Connection,
        number: int,
        rater_id: int,
        *,
        now: datetime,
        lease: timedelta,
    ) -> None:
        """Turn a rater's own ratings into a draft, while the human evaluation is open.

        Raises:
            NotFoundError: The rater hasn't rated the item.
            WorkflowError: The human evaluation is locked or cancelled.
        """
        item = self.lock(connection, number)
        human_evaluation = require_open(connection, self._id)
        assignment = RATING_ASSIGNMENTS.find(connection, item.id, rater_id)
        if assignment is None or assignment.submitted_at is None:
            raise self.not_found(number)
        draft: dict[str, Any] = {"comment": assignment.comment}
        withdrawn = withdraw_ratings(connection, item.id, rater_id)
        for label, scores in zip(LABELS, withdrawn, strict=False):
            for place, dimension in enumerate(human_evaluation.dimensions):
                draft[field_name(label, place)] = str(scores[dimension])
        self.restore_draft(
            connection, item, rater_id, draft,
            now=now, until=now + lease, submitted_at=None, comment="",
        )  # fmt: skip

    def load_claimer(self, connection: Connection, user_id: int) -> Rater:
        """Return a rater with their task types."""
        return load_rater(connection, user_id, human_evaluation_by_id(connection, self._id).model)

    def current(self, connection: Connection, claimer: Rater, now: datetime) -> int | None:
        """Return the number of the item that a rater works on."""
        return current_item_of(connection, self._id, claimer, now)

    def find_next(self, connection: Connection, claimer: Rater, now: datetime) -> int | None:
        """Return the number of the next item with a free slot."""
        needed = human_evaluation_by_id(connection, self._id).raters_per_item
        return find_next_ratable_item(connection, self._id, claimer, needed, now)

    def lock(self, connection: Connection, key: int) -> HumanEvaluationItemRow:
        """Lock an item's row and read it."""
        return item_by_number(connection, self._id, key, lock=True)

    def claim_slot(
        self,
        connection: Connection,
        item: HumanEvaluationItemRow,
        user_id: int,
        *,
        now: datetime,
        until: datetime,
    ) -> bool:
        """Give a rater one of the item's slots."""
        needed = human_evaluation_by_id(connection, self._id).raters_per_item
        return claim_slot(connection, item.id, user_id, needed, now=now, until=until)

    def require_open(self, connection: Connection) -> None:
        """Check that the human evaluation accepts ratings."""
        require_open(connection, self._id)

    def require_workable(
        self, connection: Connection, item: HumanEvaluationItemRow, assignment: RatingAssignment
    ) -> None:
        """Check that the human evaluation is open and the item not submitted."""
        del item
        require_open(connection, self._id)
        if assignment.submitted_at is not None:
            raise WorkflowError(
                "you have submitted these ratings; withdraw them to change them", code="submitted"
            )

    def not_found(self, key: int) -> NotFoundError:
        """Return the error for an item that isn't this rater's."""
        return NotFoundError(f"human evaluation {self._id} has no item {key}")


def view_current_item(
    connection: Connection, human_evaluation_id: int, reviewer_id: int, now: datetime
) -> RatingView | None:
    """Return the item that a rater works on; ``None`` if there is none or ratings have ended."""
    human_evaluation = human_evaluation_by_id(connection, human_evaluation_id)
    if not human_evaluation.is_open:
        return None
    rater = load_rater(connection, reviewer_id, human_evaluation.model)
    number = current_item_of(connection, human_evaluation_id, rater, now)
    if number is None:
        return None
    item = item_by_number(connection, human_evaluation_id, number)
    assignment = RATING_ASSIGNMENTS.find(connection, item.id, reviewer_id)
    if assignment is None:
        return None
    responses = _responses_for(connection, item, reviewer_id)
    return RatingView(
        human_evaluation=human_evaluation,
        number=number,
        task_type=item.task_type,
        messages=item.messages,
        responses=[response.text for response in responses],
        draft=assignment.draft,
        lease_until=assignment.expires_at,
    )


def field_name(label: str, place: int) -> str:
    """Return the name of the form's field for a response and a dimension."""
    return f"{label}.{place}"


def require_open(connection: Connection, human_evaluation_id: int) -> HumanEvaluationRow:
    """Return a human evaluation that accepts ratings, or ``WorkflowError``."""
    human_evaluation = human_evaluation_by_id(connection, human_evaluation_id)
    if human_evaluation.is_locked:
        raise WorkflowError("the human evaluation is locked and accepts no ratings", code="locked")
    if not human_evaluation.is_open:
        raise WorkflowError(
            "the human evaluation was cancelled with its candidate evaluation and accepts no "
            "ratings; submitted ratings are preserved",
            code="cancelled",
        )
    return human_evaluation


def _check(human_evaluation: HumanEvaluationRow, submission: Ratings, n_responses: int) -> None:
    if len(submission.ratings) != n_responses:
        raise WorkflowError(
            f"rate {n_responses} responses, not {len(submission.ratings)}", code="responses"
        )
    lower, upper = human_evaluation.scale_min, human_evaluation.scale_max
    for label, scores in zip(LABELS, submission.ratings, strict=False):
        missing = [name for name in human_evaluation.dimensions if name not in scores]
        if missing:
            raise WorkflowError(
                f"rate response {label} for {', '.join(missing)}", code="missing_dimensions"
            )
        unknown = sorted(set(scores) - set(human_evaluation.dimensions))
        if unknown:
            raise WorkflowError(
                f"unknown dimensions of response {label}: {', '.join(unknown)}; "
                f"rate {', '.join(human_evaluation.dimensions)}",
                code="unknown_dimensions",
            )
        for dimension, score in scores.items():
            if not lower <= score <= upper:
                raise WorkflowError(
                    f"{dimension} of response {label}: {score} is outside the scale; "
                    f"rate it from {lower} to {upper}",
                    code="outside_scale",
                )


def _responses_for(
    connection: Connection, item: HumanEvaluationItemRow, reviewer_id: int
) -> list[ResponseRow]:
    """Return an item's responses in the order in which a rater sees them."""
    responses = responses_of(connection, [item.id])
    secret = blinding_secret(connection, item.human_evaluation_id)
    return blind_order(responses, secret, item_id=item.id, reviewer_id=reviewer_id)
