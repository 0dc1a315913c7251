"""Assignments of review items."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, Select, func, insert, select, update

from monitor.store.accounts.users import UserRow
from monitor.store.assignments import (
    CLAIMER,
    ITEM,
    NEVER_CLAIMED,
    NOW,
    Assignment,
    AssignmentTable,
    is_live,
)
from monitor.store.model_sets import Portion
from monitor.store.review.portions import N_PORTIONS, items_of_portions
from monitor.store.review.queue import Claimer
from monitor.store.review.slots import IS_CLAIMABLE, OWN_REVIEWS
from monitor.store.rows import batches_of
from monitor.store.tables import ReviewAssignment, ReviewBatch, ReviewItem, User

REVIEW_ASSIGNMENTS = AssignmentTable(ReviewAssignment, Assignment)
_CLAIM = REVIEW_ASSIGNMENTS.claim_statements(
    select(ReviewItem.id).where(ReviewItem.id == ITEM, *IS_CLAIMABLE)
)


def current_item_of(
    connection: Connection, claimer: Claimer, now: datetime
) -> tuple[int, int] | None:
    """Return the item that a reviewer is working on, of their models and task types; its batch."""
    values = {"claimer": claimer.reviewer_id, "now": now}
    row = connection.execute(_current_item(claimer.portions), values).one_or_none()
    return None if row is None else (row.item_id, row.batch_id)


@lru_cache(N_PORTIONS)
def _current_item(portions: tuple[Portion, ...]) -> Select[int, int]:
    return (
        select(ReviewAssignment.item_id, ReviewItem.batch_id)
        .join(ReviewItem, ReviewItem.id == ReviewAssignment.item_id)
        .where(
            ReviewAssignment.reviewer_id == CLAIMER,
            is_live(ReviewAssignment, NOW),
            ReviewItem.status == "queued",
            OWN_REVIEWS == 0,
            *items_of_portions(portions),
        )
        .order_by(ReviewAssignment.expires_at.desc(), ReviewAssignment.item_id)
        .limit(1)
    )


def give_item(connection: Connection, item_id: int, reviewer_id: int, until: datetime) -> None:
    """Keep a slot of an item for a reviewer until a time; a lease and a draft stay."""
    if not REVIEW_ASSIGNMENTS.update(connection, item_id, reviewer_id, given_until=until):
        values = {"reviewer_id": reviewer_id, "expires_at": NEVER_CLAIMED, "given_until": until}
        connection.execute(insert(ReviewAssignment).values(item_id=item_id, **values))


@dataclass(frozen=True)
class GivenCount:
    """The items of a batch that were given to a reviewer."""

    name: str
    n_items: int
    until: datetime


def given_counts(connection: Connection, batch_id: int, now: datetime) -> list[GivenCount]:
    """Return how many items of a batch are given to whom, and until when at most.

    Whether they were reviewed or declined since doesn't count: a lead who reviews stays blind.
    """
    statement = (
        select(User.name, func.count(), func.max(ReviewAssignment.given_until))
        .join(ReviewAssignment, ReviewAssignment.reviewer_id == User.id)
        .join(ReviewItem, ReviewItem.id == ReviewAssignment.item_id)
        .where(ReviewItem.batch_id == batch_id, ReviewAssignment.given_until > now, User.active)
        .group_by(User.name)
        .order_by(User.name)
    )
    rows = connection.execute(statement).all()
    return [GivenCount(name, n, until) for name, n, until in rows if until is not None]


def given_of_items(
    connection: Connection, item_ids: Sequence[int], now: datetime
) -> set[tuple[int, str]]:
    """Return which items are kept for whom now: the id of each, and the name of the reviewer."""
    pairs: set[tuple[int, str]] = set()
    for part in batches_of(item_ids):
        statement = (
            select(ReviewAssignment.item_id, User.name)
            .join(User, ReviewAssignment.reviewer_id == User.id)
            .where(ReviewAssignment.item_id.in_(part), ReviewAssignment.given_until > now)
        )
        pairs.update((item_id, name) for item_id, name in connection.execute(statement))
    return pairs


def take_back_items(
    connection: Connection, item_ids: Sequence[int], reviewer_id: int | None = None
) -> None:
    """End the time for which slots of items are kept: for all they were given to, or for one."""
    for part in batches_of(item_ids):
        statement = update(ReviewAssignment).where(
            ReviewAssignment.item_id.in_(part), ReviewAssignment.given_until.is_not(None)
        )
        if reviewer_id is not None:
            statement = statement.where(ReviewAssignment.reviewer_id == reviewer_id)
        connection.execute(statement.values(given_until=None))


def take_back_unfit_items(connection: Connection, reviewer: UserRow) -> None:
    """End the time for which slots are kept of items that a user no longer works on."""
    rows = connection.execute(
        select(ReviewItem.id, ReviewBatch.model, ReviewItem.task_type)
        .join(ReviewAssignment, ReviewAssignment.item_id == ReviewItem.id)
        .join(ReviewBatch, ReviewBatch.id == ReviewItem.batch_id)
        .where(
            ReviewAssignment.reviewer_id == reviewer.id, ReviewAssignment.given_until.is_not(None)
        )
    )
    unfit = [row.id for row in rows if not reviewer.works_on(row.model, row.task_type)]
    take_back_items(connection, unfit, reviewer.id)


def declined_items(connection: Connection, item_ids: Sequence[int], reviewer_id: int) -> set[int]:
    """Return those of some items that a reviewer has declined."""
    declined: set[int] = set()
    for part in batches_of(item_ids):
        statement = select(ReviewAssignment.item_id).where(
            ReviewAssignment.item_id.in_(part),
            ReviewAssignment.reviewer_id == reviewer_id,
            ReviewAssignment.declined_reason.is_not(None),
        )
        declined.update(connection.execute(statement).scalars())
    return declined


def claim_slot(
    connection: Connection, item_id: int, reviewer_id: int, *, now: datetime, until: datetime
) -> bool:
    """Give a reviewer a slot of a queued item, or extend their lease; ``False`` if none is free."""
    values = {"item": item_id, "claimer": reviewer_id, "now": now, "until": until}
    return connection.execute(_CLAIM[connection.dialect.name], values).rowcount == 1
