"""Assignments and ratings of the items of a human evaluation."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from statistics import median
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Integer,
    Select,
    and_,
    bindparam,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from monitor.store.assignments import CLAIMER, ITEM, NOW, Assignment, AssignmentTable, is_live
from monitor.store.model_sets import Portion, of_models
from monitor.store.rows import read_rows
from monitor.store.tables import (
    HumanEvaluation,
    HumanEvaluationAssignment,
    HumanEvaluationItem,
    HumanEvaluationRating,
    HumanEvaluationResponse,
    ModelVersion,
    User,
)

_OTHERS, _OWN = aliased(HumanEvaluationAssignment), aliased(HumanEvaluationAssignment)


@dataclass(frozen=True)
class RatingAssignment(Assignment):
    """A rater's assignment of an item."""

    started_at: datetime
    submitted_at: datetime | None
    comment: str


@dataclass(frozen=True)
class Rater:
    """A rater, with the task types that they rate; all of them if none is named."""

    reviewer_id: int
    task_types: frozenset[str]


@dataclass(frozen=True)
class BlindRating:
    """A rater's scores of one response, whose system isn't read."""

    item_id: int
    response_id: int
    reviewer_id: int
    scores: dict[str, int]


@dataclass(frozen=True)
class RaterProgress:
    """A rater's progress in a human evaluation."""

    name: str
    n_submitted: int
    n_declined: int
    #: From the first claim of an item to its submission; ``None`` without submitted items.
    median_minutes: float | None
    last_at: datetime | None


RATING_ASSIGNMENTS = AssignmentTable(HumanEvaluationAssignment, RatingAssignment)


def current_item_of(
    connection: Connection, human_evaluation_id: int, rater: Rater, now: datetime
) -> int | None:
    """Return the number of the item that a rater is working on, of their task types."""
    statement = (
        select(HumanEvaluationItem.number)
        .join(
            HumanEvaluationAssignment, HumanEvaluationAssignment.item_id == HumanEvaluationItem.id
        )
        .where(
            HumanEvaluationItem.human_evaluation_id == human_evaluation_id,
            HumanEvaluationAssignment.reviewer_id == rater.reviewer_id,
            _is_at_work(HumanEvaluationAssignment, now),
            *_of_types(rater.task_types),
        )
        .order_by(HumanEvaluationAssignment.expires_at.desc(), HumanEvaluationItem.number)
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


def find_next_ratable_item(
    connection: Connection, human_evaluation_id: int, rater: Rater, needed: int, now: datetime
) -> int | None:
    """Return the number of the next item with a free slot for a rater.

    Items that the rater has skipped come last, and those that others have locked after the rest.
    """
    statement = (
        _ratable_items(human_evaluation_id, rater, needed, now)
        .order_by(_OWN.skipped_at.is_not(None), _OWN.skipped_at, HumanEvaluationItem.number)
        .limit(1)
    )
    unlocked = statement.with_for_update(skip_locked=True, of=HumanEvaluationItem)
    number = connection.execute(unlocked).scalar_one_or_none()
    if number is None:  # others may be claiming the remaining items
        number = connection.execute(statement).scalar_one_or_none()
    return number


def count_ratable_items(
    connection: Connection, human_evaluation_id: int, rater: Rater, needed: int, now: datetime
) -> int:
    """Return how many items a rater can still claim."""
    ratable = _ratable_items(human_evaluation_id, rater, needed, now).subquery()
    return int(connection.execute(select(func.count()).select_from(ratable)).scalar_one())


def claim_slot(
    connection: Connection,
    item_id: int,
    reviewer_id: int,
    needed: int,
    *,
    now: datetime,
    until: datetime,
) -> bool:
    """Give a rater a slot of an item, or extend their lease; return ``False`` if none is free.

    The caller holds the item's lock and has checked that the rater hasn't declined it.
    """
    values = {
        "item": item_id, "claimer": reviewer_id, "needed": needed, "now": now, "until": until,
    }  # fmt: skip
    return connection.execute(_claim()[connection.dialect.name], values).rowcount == 1


@cache
def _claim() -> Mapping[str, Insert]:
    free = select(HumanEvaluationItem.id).where(
        HumanEvaluationItem.id == ITEM,
        _slots_of_others(CLAIMER, NOW) < bindparam("needed", type_=Integer),
    )
    return RATING_ASSIGNMENTS.claim_statements(free, started_at=NOW)


def ratable_by_evaluation(
    connection: Connection, reviewer_id: int, portions: Sequence[Portion], now: datetime
) -> dict[int, int]:
    """Return how many items a rater can still claim in each open human evaluation."""
    mine = (
        and_(true(), *of_models(ModelVersion.model, part.models), *_of_types(part.task_types))
        for part in portions
    )
    statement = (
        select(HumanEvaluation.id, func.count())
        .join(ModelVersion, ModelVersion.id == HumanEvaluation.version_id)
        .join(HumanEvaluationItem, HumanEvaluationItem.human_evaluation_id == HumanEvaluation.id)
        .outerjoin(_OWN, _is_own(reviewer_id))
        .where(
            HumanEvaluation.status == "open",
            or_(false(), *mine),
            *_is_ratable(reviewer_id, HumanEvaluation.raters_per_item, now),
        )
        .group_by(HumanEvaluation.id)
    )
    return {row[0]: int(row[1]) for row in connection.execute(statement)}


def insert_ratings(
    connection: Connection, reviewer_id: int, ratings: Sequence[tuple[int, Mapping[str, int]]]
) -> None:
    """Insert a rater's scores by response id, in the order in which the rater saw them."""
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
    """Delete a rater's scores of an item and return them in the order that the rater saw."""
    responses = select(HumanEvaluationResponse.id).where(HumanEvaluationResponse.item_id == item_id)
    own = (
        HumanEvaluationRating.reviewer_id == reviewer_id,
        HumanEvaluationRating.response_id.in_(responses),
    )
    statement = (
        select(HumanEvaluationRating.scores).where(*own).order_by(HumanEvaluationRating.position)
    )
    scores = [dict(row) for row in connection.execute(statement).scalars()]
    connection.execute(delete(HumanEvaluationRating).where(*own))
    return scores


def blind_ratings(connection: Connection, human_evaluation_id: int) -> list[BlindRating]:
    """Return the submitted ratings of a human evaluation; systems aren't read."""
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
    return read_rows(connection, BlindRating, statement)


def submitted_assignments(
    connection: Connection, item_ids: Sequence[int]
) -> list[RatingAssignment]:
    """Return the submitted assignments of items, the oldest first."""
    statement = RATING_ASSIGNMENTS.select().where(
        HumanEvaluationAssignment.item_id.in_(item_ids),
        HumanEvaluationAssignment.submitted_at.is_not(None),
    )
    return RATING_ASSIGNMENTS.read(
        connection,
        statement.order_by(HumanEvaluationAssignment.submitted_at, HumanEvaluationAssignment.id),
    )


def count_rated_items(connection: Connection, human_evaluation_id: int, reviewer_id: int) -> int:
    """Return how many items of a human evaluation a rater has rated."""
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
    """Return the numbers of items and of submitted assignments of each human evaluation."""
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
    """Return the progress of each rater who has claimed an item, by name."""
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
    by_name: dict[str, list[Any]] = {}
    for row in connection.execute(statement):
        by_name.setdefault(row.name, []).append(row)
    return [
        RaterProgress(
            name=name,
            n_submitted=sum(row.submitted_at is not None for row in rows),
            n_declined=sum(row.declined_reason is not None for row in rows),
            median_minutes=_median_minutes(rows),
            last_at=max((row.submitted_at for row in rows if row.submitted_at), default=None),
        )
        for name, rows in sorted(by_name.items())
    ]


def _median_minutes(rows: Sequence[Any]) -> float | None:
    seconds = [
        (row.submitted_at - row.started_at).total_seconds()
        for row in rows
        if row.submitted_at is not None
    ]
    return median(seconds) / 60 if seconds else None


def _ratable_items(
    human_evaluation_id: int, rater: Rater, needed: int, now: datetime
) -> Select[int]:
    """Select the numbers of items with a free slot that a rater hasn't submitted or declined."""
    statement = (
        select(HumanEvaluationItem.number)
        .outerjoin(_OWN, _is_own(rater.reviewer_id))
        .where(
            HumanEvaluationItem.human_evaluation_id == human_evaluation_id,
            *_is_ratable(rater.reviewer_id, needed, now),
        )
    )
    return statement.where(*_of_types(rater.task_types))


def _is_own(reviewer_id: int) -> ColumnElement[bool]:
    return and_(_OWN.item_id == HumanEvaluationItem.id, _OWN.reviewer_id == reviewer_id)


def _is_ratable(reviewer_id: int, needed: Any, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        _OWN.submitted_at.is_(None),
        _OWN.declined_reason.is_(None),
        _slots_of_others(reviewer_id, now) < needed,
    )


def _of_types(task_types: frozenset[str]) -> list[ColumnElement[bool]]:
    types = sorted(task_types)
    return [HumanEvaluationItem.task_type.in_(types)] if types else []


def _slots_of_others(
    reviewer_id: int | ColumnElement[int], now: datetime | ColumnElement[datetime]
) -> ColumnElement[int]:
    """Return the number of slots that other raters hold, by ratings or a live assignment."""
    return (
        select(func.count())
        .select_from(_OTHERS)
        .where(
            _OTHERS.item_id == HumanEvaluationItem.id,
            _OTHERS.reviewer_id != reviewer_id,
            or_(_OTHERS.submitted_at.is_not(None), _is_at_work(_OTHERS, now)),
        )
        .correlate(HumanEvaluationItem)
        .scalar_subquery()
    )


def _is_at_work(assignment: Any, now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Return the condition that a rater works on an item."""
    return and_(is_live(assignment, now), assignment.submitted_at.is_(None))
