"""Turns at the items of a study: reserved, drafted, submitted, taken back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from monitor.store.tables import (
    HumanEvaluationAssignment,
    HumanEvaluationItem,
    HumanEvaluationRating,
    HumanEvaluationResponse,
    User,
)

_OTHERS, _MINE = aliased(HumanEvaluationAssignment), aliased(HumanEvaluationAssignment)


@dataclass(frozen=True)
class AssignmentRow:
    """One person's turn at an item."""

    item_id: int
    reviewer_id: int
    expires_at: datetime
    draft: dict[str, Any]
    started_at: datetime
    submitted_at: datetime | None
    skipped_at: datetime | None
    declined_reason: str | None
    comment: str


@dataclass(frozen=True)
class Rater:
    """Who rates, and items of which task types; of all where none are named."""

    reviewer_id: int
    task_types: frozenset[str]


@dataclass(frozen=True)
class BlindRating:
    """What one person gave one answer, whoever's it is."""

    item_id: int
    response_id: int
    reviewer_id: int
    scores: dict[str, int]


@dataclass(frozen=True)
class RaterProgress:
    """How far a person is."""

    name: str
    n_submitted: int
    n_declined: int
    #: From one's being given an item to its submission.
    seconds: list[float]
    last_at: datetime | None


_COLUMNS = (
    HumanEvaluationAssignment.item_id,
    HumanEvaluationAssignment.reviewer_id,
    HumanEvaluationAssignment.expires_at,
    HumanEvaluationAssignment.draft,
    HumanEvaluationAssignment.started_at,
    HumanEvaluationAssignment.submitted_at,
    HumanEvaluationAssignment.skipped_at,
    HumanEvaluationAssignment.declined_reason,
    HumanEvaluationAssignment.comment,
)


def assignment_of(connection: Connection, item_id: int, reviewer_id: int) -> AssignmentRow | None:
    """Return a person's turn at an item, if they had one."""
    statement = select(*_COLUMNS).where(*_theirs(item_id, reviewer_id))
    row = connection.execute(statement).one_or_none()
    return AssignmentRow(*row) if row else None


def current_item_of(
    connection: Connection, human_evaluation_id: int, reviewer_id: int, now: datetime
) -> int | None:
    """Return the number of the item that a person is at, if any."""
    statement = (
        select(HumanEvaluationItem.number)
        .join(
            HumanEvaluationAssignment, HumanEvaluationAssignment.item_id == HumanEvaluationItem.id
        )
        .where(
            HumanEvaluationItem.human_evaluation_id == human_evaluation_id,
            HumanEvaluationAssignment.reviewer_id == reviewer_id,
            _is_live(HumanEvaluationAssignment, now),
        )
        .order_by(HumanEvaluationAssignment.expires_at.desc(), HumanEvaluationItem.number)
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


def lock_next_ratable_item(
    connection: Connection, human_evaluation_id: int, rater: Rater, needed: int, now: datetime
) -> int | None:
    """Find the next item with a free place for this person, lock it, and return its number.

    What the person has put off comes last.
    """
    statement = (
        _with_place(human_evaluation_id, rater, needed, now)
        .order_by(_MINE.skipped_at.is_not(None), _MINE.skipped_at, HumanEvaluationItem.number)
        .limit(1)
    )
    for skip_locked in (True, False):  # what is left may be being claimed by others: wait for them
        locked = statement.with_for_update(skip_locked=skip_locked, of=HumanEvaluationItem)
        found = connection.execute(locked).scalar_one_or_none()
        if found is not None:
            return found
    return None


def count_ratable_items(
    connection: Connection, human_evaluation_id: int, rater: Rater, needed: int, now: datetime
) -> int:
    """Return how many items this person could still be given."""
    open_to_them = _with_place(human_evaluation_id, rater, needed, now).subquery()
    return int(connection.execute(select(func.count()).select_from(open_to_them)).scalar_one())


def has_free_slot(
    connection: Connection, item_id: int, reviewer_id: int, needed: int, now: datetime
) -> bool:
    """Return whether others leave a place; the caller holds the item's lock."""
    statement = select(func.count()).where(
        HumanEvaluationAssignment.item_id == item_id,
        HumanEvaluationAssignment.reviewer_id != reviewer_id,
        _takes_place(HumanEvaluationAssignment, now),
    )
    return int(connection.execute(statement).scalar_one()) < needed


def assign_item(
    connection: Connection, item_id: int, reviewer_id: int, *, now: datetime, until: datetime
) -> None:
    """Give a person a place, or keep it for longer; the caller holds the item's lock."""
    values = {"expires_at": until, "skipped_at": None}
    changed = (
        update(HumanEvaluationAssignment).where(*_theirs(item_id, reviewer_id)).values(**values)
    )
    if connection.execute(changed).rowcount == 0:
        connection.execute(
            insert(HumanEvaluationAssignment).values(
                item_id=item_id, reviewer_id=reviewer_id, started_at=now, **values
            )
        )


def update_assignment(
    connection: Connection, item_id: int, reviewer_id: int, **values: Any
) -> None:
    """Change a turn: its draft, that it was put off, declined or submitted."""
    connection.execute(
        update(HumanEvaluationAssignment).where(*_theirs(item_id, reviewer_id)).values(**values)
    )


def insert_ratings(
    connection: Connection, reviewer_id: int, ratings: Sequence[tuple[int, Mapping[str, int]]]
) -> None:
    """Insert a person's ratings of answers, as (answer, scores) in the order they were shown in."""
    rows = [
        {
            "response_id": response_id,
            "reviewer_id": reviewer_id,
            "position": position,
            "scores": dict(scores),
        }
        for position, (response_id, scores) in enumerate(ratings)
    ]
    connection.execute(insert(HumanEvaluationRating), rows)


def withdraw_ratings(
    connection: Connection, item_id: int, reviewer_id: int
) -> list[dict[str, int]]:
    """Remove a person's ratings of an item and return them, in the order they were shown in."""
    answers = select(HumanEvaluationResponse.id).where(HumanEvaluationResponse.item_id == item_id)
    theirs = (
        HumanEvaluationRating.reviewer_id == reviewer_id,
        HumanEvaluationRating.response_id.in_(answers),
    )
    found = (
        select(HumanEvaluationRating.scores).where(*theirs).order_by(HumanEvaluationRating.position)
    )
    scores = [dict(one) for one in connection.execute(found).scalars()]
    connection.execute(delete(HumanEvaluationRating).where(*theirs))
    return scores


def blind_ratings(connection: Connection, human_evaluation_id: int) -> list[BlindRating]:
    """Return all submitted ratings of a study, by answer; whose it is, isn't looked at."""
    statement = (
        select(
            HumanEvaluationItem.id,
            HumanEvaluationResponse.id,
            HumanEvaluationRating.reviewer_id,
            HumanEvaluationRating.scores,
        )
        .join(HumanEvaluationResponse, HumanEvaluationResponse.item_id == HumanEvaluationItem.id)
        .join(
            HumanEvaluationRating, HumanEvaluationRating.response_id == HumanEvaluationResponse.id
        )
        .where(HumanEvaluationItem.human_evaluation_id == human_evaluation_id)
        .order_by(
            HumanEvaluationItem.id, HumanEvaluationResponse.id, HumanEvaluationRating.reviewer_id
        )
    )
    return [BlindRating(*row) for row in connection.execute(statement)]


def assignments_of_items(connection: Connection, item_ids: Sequence[int]) -> list[AssignmentRow]:
    """Return the submitted turns at items, the oldest first."""
    statement = select(*_COLUMNS).where(
        HumanEvaluationAssignment.item_id.in_(item_ids),
        HumanEvaluationAssignment.submitted_at.is_not(None),
    )
    ordered = statement.order_by(
        HumanEvaluationAssignment.submitted_at, HumanEvaluationAssignment.id
    )
    return [AssignmentRow(*row) for row in connection.execute(ordered)]


def count_rated_items(connection: Connection, human_evaluation_id: int, reviewer_id: int) -> int:
    """Return how many items of a study a person has rated."""
    statement = (
        select(func.count())
        .select_from(HumanEvaluationAssignment)
        .join(HumanEvaluationItem, HumanEvaluationItem.id == HumanEvaluationAssignment.item_id)
        .where(
            HumanEvaluationItem.human_evaluation_id == human_evaluation_id,
            HumanEvaluationAssignment.reviewer_id == reviewer_id,
            HumanEvaluationAssignment.submitted_at.is_not(None),
        )
    )
    return int(connection.execute(statement).scalar_one())


def count_submitted_assignments(
    connection: Connection, human_evaluation_ids: Iterable[int]
) -> dict[int, tuple[int, int]]:
    """Return the number of items, and of submitted turns, of each study."""
    submitted = func.count(HumanEvaluationAssignment.submitted_at)
    statement = (
        select(
            HumanEvaluationItem.human_evaluation_id,
            func.count(HumanEvaluationItem.id.distinct()),
            submitted,
        )
        .outerjoin(
            HumanEvaluationAssignment, HumanEvaluationAssignment.item_id == HumanEvaluationItem.id
        )
        .where(HumanEvaluationItem.human_evaluation_id.in_(list(human_evaluation_ids)))
        .group_by(HumanEvaluationItem.human_evaluation_id)
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(statement)}


def progress_by_rater(connection: Connection, human_evaluation_id: int) -> list[RaterProgress]:
    """Return how far each person is who has had an item of a study, by name."""
    statement = (
        select(
            User.name,
            HumanEvaluationAssignment.started_at,
            HumanEvaluationAssignment.submitted_at,
            HumanEvaluationAssignment.declined_reason,
        )
        .join(HumanEvaluationAssignment, HumanEvaluationAssignment.reviewer_id == User.id)
        .join(HumanEvaluationItem, HumanEvaluationItem.id == HumanEvaluationAssignment.item_id)
        .where(HumanEvaluationItem.human_evaluation_id == human_evaluation_id)
    )
    found: dict[str, list[Any]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.name, []).append(row)
    return [
        RaterProgress(
            name=name,
            n_submitted=sum(row.submitted_at is not None for row in rows),
            n_declined=sum(row.declined_reason is not None for row in rows),
            seconds=[
                (row.submitted_at - row.started_at).total_seconds()
                for row in rows
                if row.submitted_at is not None
            ],
            last_at=max((row.submitted_at for row in rows if row.submitted_at), default=None),
        )
        for name, rows in sorted(found.items())
    ]


def _with_place(human_evaluation_id: int, rater: Rater, needed: int, now: datetime) -> Select[int]:
    """Return the numbers of items that aren't rated or declined by a person, with a free place."""
    taken = (
        select(func.count())
        .select_from(_OTHERS)
        .where(
            _OTHERS.item_id == HumanEvaluationItem.id,
            _OTHERS.reviewer_id != rater.reviewer_id,
            _takes_place(_OTHERS, now),
        )
        .correlate(HumanEvaluationItem)
        .scalar_subquery()
    )
    mine = and_(_MINE.item_id == HumanEvaluationItem.id, _MINE.reviewer_id == rater.reviewer_id)
    statement = (
        select(HumanEvaluationItem.number)
        .outerjoin(_MINE, mine)
        .where(
            HumanEvaluationItem.human_evaluation_id == human_evaluation_id,
            _MINE.submitted_at.is_(None),
            _MINE.declined_reason.is_(None),
            taken < needed,
        )
    )
    if rater.task_types:
        statement = statement.where(HumanEvaluationItem.task_type.in_(sorted(rater.task_types)))
    return statement


def _is_live(assignment: Any, now: datetime) -> ColumnElement[bool]:
    """Return the condition that somebody is at an item."""
    return and_(
        assignment.expires_at > now,
        assignment.submitted_at.is_(None),
        assignment.skipped_at.is_(None),
        assignment.declined_reason.is_(None),
    )


def _takes_place(assignment: Any, now: datetime) -> ColumnElement[bool]:
    """Return the condition that a turn holds one of the item's places."""
    return or_(assignment.submitted_at.is_not(None), _is_live(assignment, now))


def _theirs(item_id: int, reviewer_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        HumanEvaluationAssignment.item_id == item_id,
        HumanEvaluationAssignment.reviewer_id == reviewer_id,
    )
