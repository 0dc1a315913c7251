"""Rating a study's items: claim, draft, put off or decline, submit, take back.

Every function that changes an item locks its row first. The study's own row is read, not locked: a
submission and the lock of the study meet on the item's row (see :mod:`.locking`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.human_evaluation.blinding import blind_order
from monitor.store.accounts.users import task_types_of
from monitor.store.human_evaluation.assignments import (
    AssignmentRow,
    Rater,
    assign_item,
    assignment_of,
    current_item_of,
    has_free_slot,
    insert_ratings,
    lock_next_ratable_item,
    update_assignment,
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

#: What answers are called on the page, in the order in which a person sees them.
LETTERS = "ABCDEFGHIJ"
MAX_DRAFT_CHARACTERS = 40_000
#: Items that others may take, one after the other, between their being seen and locked.
CLAIM_ATTEMPTS = 100


class Ratings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person submits: for each answer, in the order they saw them, dimension -> rating."""

    ratings: list[dict[str, int]]
    comment: Annotated[str, msgspec.Meta(max_length=10_000)] = ""


@dataclass(frozen=True)
class RatingView:
    """An item as one person may see it while they rate it."""

    human_evaluation: HumanEvaluationRow
    number: int
    task_type: str
    messages: list[dict[str, str]]
    #: Texts in this person's order; no ids.
    answers: list[str]
    draft: dict[str, Any]
    lease_until: datetime


def load_rater(connection: Connection, reviewer_id: int) -> Rater:
    """Return a person as a study needs to know them."""
    return Rater(reviewer_id, task_types_of(connection, reviewer_id))


def claim_next(
    connection: Connection,
    human_evaluation_id: int,
    reviewer_id: int,
    now: datetime,
    lease: timedelta,
) -> int | None:
    """Give a person the next item: the one they are at, else one with a free place.

    Returns:
        The item's number, or ``None`` where nothing waits for this person.

    Raises:
        NotFoundError: There is no such study.
        WorkflowError: The study is locked or cancelled.
    """
    human_evaluation = _open(connection, human_evaluation_id)
    until = now + lease
    number = current_item_of(connection, human_evaluation_id, reviewer_id, now)
    if number is None:
        rater = load_rater(connection, reviewer_id)
        for _ in range(CLAIM_ATTEMPTS):
            number = lock_next_ratable_item(
                connection, human_evaluation_id, rater, human_evaluation.raters_per_item, now
            )
            # Its last place may have gone between the moment it was seen and that it was locked.
            if number is None or _free(connection, human_evaluation, number, reviewer_id, now):
                break
    if number is not None:
        item = item_by_number(connection, human_evaluation_id, number, lock=True)
        assign_item(connection, item.id, reviewer_id, now=now, until=until)
    return number


def view_current_item(
    connection: Connection, human_evaluation_id: int, reviewer_id: int, now: datetime
) -> RatingView | None:
    """Return the item that a person is at; ``None`` where there is none, or the study has ended."""
    human_evaluation = human_evaluation_by_id(connection, human_evaluation_id)
    number = (
        current_item_of(connection, human_evaluation_id, reviewer_id, now)
        if human_evaluation.is_open
        else None
    )
    if number is None:
        return None
    item = item_by_number(connection, human_evaluation_id, number)
    assignment = assignment_of(connection, item.id, reviewer_id)
    if assignment is None:
        return None
    return RatingView(
        human_evaluation=human_evaluation,
        number=number,
        task_type=item.task_type,
        messages=item.messages,
        answers=[one.text for one in _answers_for(connection, item, reviewer_id)],
        draft=assignment.draft,
        lease_until=assignment.expires_at,
    )


def extend_lease(
    connection: Connection,
    human_evaluation_id: int,
    number: int,
    reviewer_id: int,
    *,
    now: datetime,
    lease: timedelta,
) -> datetime:
    """Keep the item for longer, or take it back if nobody has it now; return the new end.

    Raises:
        NotFoundError: The person never had the item.
        WorkflowError: The place was given to somebody else, or the study has ended.
    """
    until = now + lease
    _hold(connection, human_evaluation_id, number, reviewer_id, now=now, until=until)
    return until


def save_draft(
    connection: Connection,
    human_evaluation_id: int,
    number: int,
    reviewer_id: int,
    draft: dict[str, Any],
    *,
    now: datetime,
    lease: timedelta,
) -> datetime:
    """Keep what somebody has chosen so far, and the item with it; return the lease's new end.

    Raises:
        NotFoundError: The person never had the item.
        WorkflowError: The item is no longer theirs, or the draft is too large.
    """
    if sum(len(str(value)) for value in draft.values()) > MAX_DRAFT_CHARACTERS:
        raise WorkflowError("the draft is too long")
    until = now + lease
    item = _hold(connection, human_evaluation_id, number, reviewer_id, now=now, until=until)
    update_assignment(connection, item.id, reviewer_id, draft=draft)
    return until


def decline(
    connection: Connection,
    human_evaluation_id: int,
    number: int,
    reviewer_id: int,
    *,
    now: datetime,
    reason: str = "",
) -> None:
    """Put an item off, so that it comes back after all others; with a reason, for good.

    Raises:
        NotFoundError: The person never had the item.
        WorkflowError: It is no longer theirs.
    """
    item = _hold(connection, human_evaluation_id, number, reviewer_id, now=now, until=now)
    reason = reason.strip()
    changed = {"declined_reason": reason} if reason else {"skipped_at": now}
    update_assignment(connection, item.id, reviewer_id, **changed)


def submit(
    connection: Connection,
    human_evaluation_id: int,
    number: int,
    reviewer_id: int,
    given: Ratings,
    *,
    now: datetime,
) -> None:
    """Write a person's ratings of an item's answers.

    Raises:
        NotFoundError: The person never had the item.
        WorkflowError: The ratings are incomplete, or the item is no longer theirs.
    """
    item = _hold(connection, human_evaluation_id, number, reviewer_id, now=now, until=now)
    human_evaluation = human_evaluation_by_id(connection, human_evaluation_id)
    shown = _answers_for(connection, item, reviewer_id)
    _check(human_evaluation, given, len(shown))
    pairs = [(one.id, scores) for one, scores in zip(shown, given.ratings, strict=True)]
    insert_ratings(connection, reviewer_id, pairs)
    update_assignment(
        connection, item.id, reviewer_id, draft={}, submitted_at=now, comment=given.comment.strip()
    )


def withdraw(
    connection: Connection,
    human_evaluation_id: int,
    number: int,
    reviewer_id: int,
    *,
    now: datetime,
    lease: timedelta,
) -> None:
    """Take one's own ratings of an item back, as a draft, as long as the study is open.

    Raises:
        NotFoundError: The person hasn't rated the item.
        WorkflowError: The study is locked or cancelled.
    """
    human_evaluation = _open(connection, human_evaluation_id)
    item = item_by_number(connection, human_evaluation_id, number, lock=True)
    _open(connection, human_evaluation_id)  # under the item's lock, as :func:`_hold` does
    assignment = assignment_of(connection, item.id, reviewer_id)
    if assignment is None or assignment.submitted_at is None:
        raise NotFoundError(f"study {human_evaluation_id} has no item {number}")
    draft: dict[str, Any] = {"comment": assignment.comment}
    for letter, scores in zip(
        LETTERS, withdraw_ratings(connection, item.id, reviewer_id), strict=False
    ):
        for place, dimension in enumerate(human_evaluation.dimensions):
            draft[field_name(letter, place)] = str(scores[dimension])
    until = now + lease
    update_assignment(
        connection, item.id, reviewer_id, draft=draft, submitted_at=None, comment="",
        expires_at=until, skipped_at=None,
    )  # fmt: skip


def field_name(letter: str, place: int) -> str:
    """Return the name of the form's field for an answer and a dimension."""
    return f"{letter}.{place}"


def _check(human_evaluation: HumanEvaluationRow, given: Ratings, n_responses: int) -> None:
    if len(given.ratings) != n_responses:
        raise WorkflowError(f"there are {n_responses} answers to rate, not {len(given.ratings)}")
    for letter, scores in zip(LETTERS, given.ratings, strict=False):
        if set(scores) != set(human_evaluation.dimensions):
            missing = [one for one in human_evaluation.dimensions if one not in scores]
            raise WorkflowError(
                f"rate answer {letter} for {', '.join(missing or human_evaluation.dimensions)}, and only that"
            )
        for dimension, value in scores.items():
            if not human_evaluation.scale_min <= value <= human_evaluation.scale_max:
                raise WorkflowError(
                    f"rate the {dimension} of answer {letter} from {human_evaluation.scale_min} to "
                    f"{human_evaluation.scale_max}"
                )


def _answers_for(
    connection: Connection, item: HumanEvaluationItemRow, reviewer_id: int
) -> list[ResponseRow]:
    """Return an item's answers in the order in which this person sees them."""
    answers: Sequence[ResponseRow] = responses_of(connection, [item.id])
    secret = blinding_secret(connection, item.human_evaluation_id)
    return blind_order(answers, secret, item_id=item.id, reviewer_id=reviewer_id)


def _open(connection: Connection, human_evaluation_id: int) -> HumanEvaluationRow:
    human_evaluation = human_evaluation_by_id(connection, human_evaluation_id)
    if human_evaluation.is_locked:
        raise WorkflowError("the study is locked: nothing is rated any more")
    if not human_evaluation.is_open:
        raise WorkflowError(
            "the study was cancelled with its evaluation: nothing is rated any more, and what you "
            "have submitted is kept"
        )
    return human_evaluation


def _free(
    connection: Connection,
    human_evaluation: HumanEvaluationRow,
    number: int,
    reviewer_id: int,
    now: datetime,
) -> bool:
    item = item_by_number(connection, human_evaluation.id, number)
    return has_free_slot(connection, item.id, reviewer_id, human_evaluation.raters_per_item, now)


def _hold(
    connection: Connection,
    human_evaluation_id: int,
    number: int,
    reviewer_id: int,
    *,
    now: datetime,
    until: datetime,
) -> HumanEvaluationItemRow:
    """Lock an item that this person is at, and keep, or take back, their place on it."""
    item = item_by_number(connection, human_evaluation_id, number, lock=True)
    assignment: AssignmentRow | None = assignment_of(connection, item.id, reviewer_id)
    if assignment is None or assignment.declined_reason is not None:
        raise NotFoundError(f"study {human_evaluation_id} has no item {number}")
    human_evaluation = _open(connection, human_evaluation_id)
    if assignment.submitted_at is not None:
        raise WorkflowError("you have submitted these ratings: take them back first")
    if not has_free_slot(connection, item.id, reviewer_id, human_evaluation.raters_per_item, now):
        raise WorkflowError("your reservation has ended and others have taken the item")
    assign_item(connection, item.id, reviewer_id, now=now, until=until)
    return item
