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
from monitor.review.human_evaluation.blinding import shuffled
from monitor.store.accounts.users import task_types_of
from monitor.store.human_evaluation.assignments import (
    Rater,
    SheetRow,
    change_sheet,
    has_free_place,
    insert_ratings,
    item_at_work,
    keep_place,
    lock_next_item,
    sheet_of,
    take_ratings,
)
from monitor.store.human_evaluation.human_evaluations import (
    AnswerRow,
    StudyItemRow,
    StudyRow,
    answers_of,
    item_by_number,
    secret_of,
    study_by_id,
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

    study: StudyRow
    number: int
    task_type: str
    messages: list[dict[str, str]]
    #: Texts in this person's order; no ids.
    answers: list[str]
    draft: dict[str, Any]
    lease_until: datetime


def rater_of(connection: Connection, reviewer_id: int) -> Rater:
    """Return a person as a study needs to know them."""
    return Rater(reviewer_id, task_types_of(connection, reviewer_id))


def claim_next(
    connection: Connection, study_id: int, reviewer_id: int, now: datetime, lease_minutes: float
) -> int | None:
    """Give a person the next item: the one they are at, else one with a free place.

    Returns:
        The item's number, or ``None`` where nothing waits for this person.

    Raises:
        NotFoundError: There is no such study.
        WorkflowError: The study is locked or cancelled.
    """
    study = _open(connection, study_id)
    until = now + timedelta(minutes=lease_minutes)
    number = item_at_work(connection, study_id, reviewer_id, now)
    if number is None:
        rater = rater_of(connection, reviewer_id)
        for _ in range(CLAIM_ATTEMPTS):
            number = lock_next_item(connection, study_id, rater, study.reviewers, now)
            # Its last place may have gone between the moment it was seen and that it was locked.
            if number is None or _free(connection, study, number, reviewer_id, now):
                break
    if number is not None:
        item = item_by_number(connection, study_id, number, lock=True)
        keep_place(connection, item.id, reviewer_id, now=now, until=until)
    return number


def view_at_work(
    connection: Connection, study_id: int, reviewer_id: int, now: datetime
) -> RatingView | None:
    """Return the item that a person is at; ``None`` where there is none, or the study has ended."""
    study = study_by_id(connection, study_id)
    number = item_at_work(connection, study_id, reviewer_id, now) if study.is_open else None
    if number is None:
        return None
    item = item_by_number(connection, study_id, number)
    sheet = sheet_of(connection, item.id, reviewer_id)
    if sheet is None:
        return None
    return RatingView(
        study=study,
        number=number,
        task_type=item.task_type,
        messages=item.messages,
        answers=[one.text for one in _answers_for(connection, item, reviewer_id)],
        draft=sheet.draft,
        lease_until=sheet.expires_at,
    )


def extend_lease(
    connection: Connection,
    study_id: int,
    number: int,
    reviewer_id: int,
    *,
    now: datetime,
    lease_minutes: float,
) -> datetime:
    """Keep the item for longer, or take it back if nobody has it now; return the new end.

    Raises:
        NotFoundError: The person never had the item.
        WorkflowError: The place was given to somebody else, or the study has ended.
    """
    until = now + timedelta(minutes=lease_minutes)
    _hold(connection, study_id, number, reviewer_id, now=now, until=until)
    return until


def save_draft(
    connection: Connection,
    study_id: int,
    number: int,
    reviewer_id: int,
    draft: dict[str, Any],
    *,
    now: datetime,
    lease_minutes: float,
) -> datetime:
    """Keep what somebody has chosen so far, and the item with it; return the lease's new end.

    Raises:
        NotFoundError: The person never had the item.
        WorkflowError: The item is no longer theirs, or the draft is too large.
    """
    if sum(len(str(value)) for value in draft.values()) > MAX_DRAFT_CHARACTERS:
        raise WorkflowError("the draft is too long")
    until = now + timedelta(minutes=lease_minutes)
    item = _hold(connection, study_id, number, reviewer_id, now=now, until=until)
    change_sheet(connection, item.id, reviewer_id, draft=draft)
    return until


def decline(
    connection: Connection,
    study_id: int,
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
    item = _hold(connection, study_id, number, reviewer_id, now=now, until=now)
    reason = reason.strip()
    changed = {"declined_reason": reason} if reason else {"skipped_at": now}
    change_sheet(connection, item.id, reviewer_id, **changed)


def submit(
    connection: Connection,
    study_id: int,
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
    item = _hold(connection, study_id, number, reviewer_id, now=now, until=now)
    study = study_by_id(connection, study_id)
    shown = _answers_for(connection, item, reviewer_id)
    _check(study, given, len(shown))
    pairs = [(one.id, scores) for one, scores in zip(shown, given.ratings, strict=True)]
    insert_ratings(connection, reviewer_id, pairs)
    change_sheet(
        connection, item.id, reviewer_id, draft={}, submitted_at=now, comment=given.comment.strip()
    )


def withdraw(
    connection: Connection,
    study_id: int,
    number: int,
    reviewer_id: int,
    *,
    now: datetime,
    lease_minutes: float,
) -> None:
    """Take one's own ratings of an item back, as a draft, as long as the study is open.

    Raises:
        NotFoundError: The person hasn't rated the item.
        WorkflowError: The study is locked or cancelled.
    """
    study = _open(connection, study_id)
    item = item_by_number(connection, study_id, number, lock=True)
    _open(connection, study_id)  # under the item's lock, as :func:`_hold` does
    sheet = sheet_of(connection, item.id, reviewer_id)
    if sheet is None or sheet.submitted_at is None:
        raise NotFoundError(f"study {study_id} has no item {number}")
    draft: dict[str, Any] = {"comment": sheet.comment}
    for letter, scores in zip(
        LETTERS, take_ratings(connection, item.id, reviewer_id), strict=False
    ):
        for place, dimension in enumerate(study.dimensions):
            draft[field_name(letter, place)] = str(scores[dimension])
    until = now + timedelta(minutes=lease_minutes)
    change_sheet(
        connection, item.id, reviewer_id, draft=draft, submitted_at=None, comment="",
        expires_at=until, skipped_at=None,
    )  # fmt: skip


def field_name(letter: str, place: int) -> str:
    """Return the name of the form's field for an answer and a dimension."""
    return f"{letter}.{place}"


def _check(study: StudyRow, given: Ratings, n_answers: int) -> None:
    if len(given.ratings) != n_answers:
        raise WorkflowError(f"there are {n_answers} answers to rate, not {len(given.ratings)}")
    for letter, scores in zip(LETTERS, given.ratings, strict=False):
        if set(scores) != set(study.dimensions):
            missing = [one for one in study.dimensions if one not in scores]
            raise WorkflowError(
                f"rate answer {letter} for {', '.join(missing or study.dimensions)}, and only that"
            )
        for dimension, value in scores.items():
            if not study.scale_lowest <= value <= study.scale_highest:
                raise WorkflowError(
                    f"rate the {dimension} of answer {letter} from {study.scale_lowest} to "
                    f"{study.scale_highest}"
                )


def _answers_for(connection: Connection, item: StudyItemRow, reviewer_id: int) -> list[AnswerRow]:
    """Return an item's answers in the order in which this person sees them."""
    answers: Sequence[AnswerRow] = answers_of(connection, [item.id])
    secret = secret_of(connection, item.study_id)
    return shuffled(answers, secret, item_id=item.id, reviewer_id=reviewer_id)


def _open(connection: Connection, study_id: int) -> StudyRow:
    study = study_by_id(connection, study_id)
    if study.is_locked:
        raise WorkflowError("the study is locked: nothing is rated any more")
    if not study.is_open:
        raise WorkflowError(
            "the study was cancelled with its evaluation: nothing is rated any more, and what you "
            "have submitted is kept"
        )
    return study


def _free(
    connection: Connection, study: StudyRow, number: int, reviewer_id: int, now: datetime
) -> bool:
    item = item_by_number(connection, study.id, number)
    return has_free_place(connection, item.id, reviewer_id, study.reviewers, now)


def _hold(
    connection: Connection,
    study_id: int,
    number: int,
    reviewer_id: int,
    *,
    now: datetime,
    until: datetime,
) -> StudyItemRow:
    """Lock an item that this person is at, and keep, or take back, their place on it."""
    item = item_by_number(connection, study_id, number, lock=True)
    sheet: SheetRow | None = sheet_of(connection, item.id, reviewer_id)
    if sheet is None or sheet.declined_reason is not None:
        raise NotFoundError(f"study {study_id} has no item {number}")
    study = _open(connection, study_id)
    if sheet.submitted_at is not None:
        raise WorkflowError("you have submitted these ratings: take them back first")
    if not has_free_place(connection, item.id, reviewer_id, study.reviewers, now):
        raise WorkflowError("your reservation has ended and others have taken the item")
    keep_place(connection, item.id, reviewer_id, now=now, until=until)
    return item
