"""The review queue: the next item of a user, and the number of items left."""

import sys
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    func,
    not_,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import aliased

from monitor.store.assignments import CLAIMER, NOW, is_live
from monitor.store.model_sets import Portion
from monitor.store.review.portions import N_PORTIONS, items_of_portions
from monitor.store.review.slots import DECLINED, HAS_FREE_SLOT, IS_CLAIMABLE, OWN_REVIEWS
from monitor.store.tables import Review, ReviewAssignment, ReviewBatch, ReviewItem

#: Larger than the id of any batch.
_AFTER_ALL = sys.maxsize
_MINE = aliased(ReviewAssignment)
_BATCH = bindparam("batch", type_=BigInteger)
_IS_GIVEN_TO_ME = (
    _MINE.reviewer_id == CLAIMER,
    _MINE.given_until > NOW,
    _MINE.skipped_at.is_(None),
)
#: Whether a lead gave the user anything; which of it is free takes far longer to plan.
_GIVEN_TO_ME = select(_MINE.item_id).where(*_IS_GIVEN_TO_ME).limit(1)
_SKIPS_BY_ME = (
    select(func.count().filter(_MINE.reviewer_id == CLAIMER, _MINE.skipped_at.is_not(None)))
    .where(_MINE.item_id == ReviewItem.id)
    .correlate(ReviewItem)
    .scalar_subquery()
)


@dataclass(frozen=True)
class Claimer:
    """The user who claims an item, with the models and task types that they review."""

    reviewer_id: int
    portions: tuple[Portion, ...]


def find_next_review_item(connection: Connection, claimer: Claimer, now: datetime) -> int | None:
    """Return the next item with a free slot for a user.

    Items that a lead gave the user come first, then the newest batch, in the order of its items;
    items that the user skipped come last, and those that others have locked after the rest.
    """
    values = {"claimer": claimer.reviewer_id, "now": now}
    for skip_locked in (True, False):  # others may be claiming the remaining items
        gifts, of_batch, skipped = _next_items(claimer.portions, skip_locked=skip_locked)
        if connection.execute(_GIVEN_TO_ME, values).first():
            item_id = connection.execute(gifts, values).scalar_one_or_none()
            if item_id is not None:
                return item_id
        batch_id = _newest_open_batch(connection, claimer)
        while batch_id is not None:
            own = {**values, "batch": batch_id}
            item_id = connection.execute(of_batch, own).scalar_one_or_none()
            if item_id is not None:
                return item_id
            batch_id = _newest_open_batch(connection, claimer, batch_id)
        item_id = connection.execute(skipped, values).scalar_one_or_none()
        if item_id is not None:
            return item_id
    return None


@dataclass(frozen=True)
class ClaimableItems:
    """The items of a model that a user could claim."""

    model: str
    n: int
    #: When the oldest batch with such an item was created.
    since: datetime


def count_claimable_items(
    connection: Connection, claimer: Claimer, now: datetime, batch_id: int | None = None
) -> int:
    """Return the number of items that a user could claim, of all batches or of one."""
    statement = _counts(claimer.portions, of_batch=batch_id is not None)
    values = {"claimer": claimer.reviewer_id, "now": now, "batch": batch_id}
    n_queued, n_done, n_full = connection.execute(statement, values).one()
    return int(n_queued - n_done - n_full)


@lru_cache(2 * N_PORTIONS)
def _counts(portions: tuple[Portion, ...], *, of_batch: bool) -> Select[*tuple[int, ...]]:
    own = [ReviewItem.batch_id == _BATCH] if of_batch else []
    return select(
        *(
            select(func.count()).select_from(ReviewItem).where(*conditions, *own).scalar_subquery()
            for conditions in _claimable_terms(portions, of_batch=of_batch)
        )
    )


def claimable_by_model(
    connection: Connection, claimer: Claimer, now: datetime
) -> list[ClaimableItems]:
    """Return the items that a user could claim, by model."""
    values = {"claimer": claimer.reviewer_id, "now": now}
    rows = connection.execute(_counts_by_model(claimer.portions), values)
    return [ClaimableItems(model, int(n), since) for model, n, since in rows]


@lru_cache(N_PORTIONS)
def _counts_by_model(portions: tuple[Portion, ...]) -> Select[str, int, datetime]:
    signs = (1, -1, -1)
    terms = union_all(
        *(
            select(ReviewItem.batch_id, (sign * func.count()).label("n"))
            .where(*conditions)
            .group_by(ReviewItem.batch_id)
            for sign, conditions in zip(signs, _claimable_terms(portions), strict=True)
        )
    ).subquery()
    batches = (
        select(terms.c.batch_id, func.sum(terms.c.n).label("n"))
        .group_by(terms.c.batch_id)
        .having(func.sum(terms.c.n) > 0)
        .subquery()
    )
    return (
        select(ReviewBatch.model, func.sum(batches.c.n), func.min(ReviewBatch.created_at))
        .join(batches, batches.c.batch_id == ReviewBatch.id)
        .group_by(ReviewBatch.model)
    )


def _claimable_terms(
    portions: tuple[Portion, ...], *, of_batch: bool = False
) -> tuple[list[ColumnElement[bool]], ...]:
    """Return the conditions of three sets, the first of which without the others is claimable.

    The number is a difference, so that not every item's assignments and reviews are read: queued
    items, minus those that the user has reviewed or declined, minus those without a free slot. The
    latter have an active assignment of another user or are given to one, of which there are few.
    Of a batch, the items are fewer than what the user has ever reviewed.
    """
    queued = [ReviewItem.status == "queued", *items_of_portions(portions)]
    if of_batch:
        is_done = or_(OWN_REVIEWS > 0, DECLINED > 0)
    else:
        is_done = ReviewItem.id.in_(
            union(
                select(Review.item_id).where(Review.reviewer_id == CLAIMER),
                select(ReviewAssignment.item_id).where(
                    ReviewAssignment.reviewer_id == CLAIMER,
                    ReviewAssignment.declined_reason.is_not(None),
                ),
            )
        )
    leased = union(
        select(ReviewAssignment.item_id).where(
            ReviewAssignment.reviewer_id != CLAIMER,
            or_(is_live(ReviewAssignment, NOW), ReviewAssignment.given_until > NOW),
        ),
        # Both reviews are there, and one of them can still be undone.
        select(ReviewItem.id).where(ReviewItem.complete_since.is_not(None)),
    )
    full = [ReviewItem.id.in_(leased), not_(is_done), not_(HAS_FREE_SLOT)]
    return queued, [*queued, is_done], [*queued, *full]


def next_batch(connection: Connection, claimer: Claimer, now: datetime) -> int | None:
    """Return the batch from which the user's next item comes, skipped items left aside."""
    values = {"claimer": claimer.reviewer_id, "now": now}
    of_gifts = _batch_of_gifts(claimer.portions)
    if (first := connection.execute(of_gifts, values).scalar_one_or_none()) is not None:
        return first
    batch_id = _newest_open_batch(connection, claimer)
    while batch_id is not None and not count_claimable_items(connection, claimer, now, batch_id):
        batch_id = _newest_open_batch(connection, claimer, batch_id)
    return batch_id


@lru_cache(N_PORTIONS)
def _batch_of_gifts(portions: tuple[Portion, ...]) -> Select[int]:
    return _gifts(portions).with_only_columns(ReviewItem.batch_id).limit(1)


def count_batch(
    connection: Connection, claimer: Claimer, now: datetime, batch_id: int
) -> tuple[int, int]:
    """Return how many items of a batch a user has reviewed, and how many they could claim."""
    values = {"claimer": claimer.reviewer_id, "now": now, "batch": batch_id}
    row = connection.execute(_batch_counts(claimer.portions), values).one()
    n_queued, n_done, n_full, n_reviewed = map(int, row)
    return n_reviewed, n_queued - n_done - n_full


@lru_cache(N_PORTIONS)
def _batch_counts(portions: tuple[Portion, ...]) -> Select[*tuple[int, ...]]:
    reviewed = select(func.count()).select_from(ReviewItem)
    reviewed = reviewed.where(
        ReviewItem.batch_id == _BATCH, OWN_REVIEWS > 0, *items_of_portions(portions)
    )
    return _counts(portions, of_batch=True).add_columns(reviewed.scalar_subquery())


def _newest_open_batch(
    connection: Connection, claimer: Claimer, before: int = _AFTER_ALL
) -> int | None:
    """Return the newest batch with queued items that the user hasn't reviewed, before a batch."""
    values = {"claimer": claimer.reviewer_id, "batch": before}
    return connection.execute(_open_batch(claimer.portions), values).scalar_one_or_none()


@lru_cache(N_PORTIONS)
def _open_batch(portions: tuple[Portion, ...]) -> Select[int]:
    return (
        select(ReviewItem.batch_id)
        .where(
            ReviewItem.status == "queued",
            ReviewItem.batch_id < _BATCH,
            OWN_REVIEWS < 1,
            *items_of_portions(portions),
        )
        .order_by(ReviewItem.batch_id.desc())
        .limit(1)
    )


@lru_cache(2 * N_PORTIONS)
def _next_items(
    portions: tuple[Portion, ...], *, skip_locked: bool
) -> tuple[Select[int], Select[int], Select[int]]:
    """Return queries of the next item: of those given to the user, of a batch, of those skipped."""
    of_batch = (
        _candidates(portions)
        .where(ReviewItem.batch_id == _BATCH, _SKIPS_BY_ME < 1)
        .order_by(ReviewItem.position)
    )
    skipped = (
        _candidates(portions)
        .join(_MINE, _MINE.item_id == ReviewItem.id)
        .where(_MINE.reviewer_id == CLAIMER, _MINE.skipped_at.is_not(None))
        .order_by(_MINE.skipped_at, ReviewItem.id)
    )
    first = [statement.limit(1) for statement in (_gifts(portions), of_batch, skipped)]
    if skip_locked:
        first = [statement.with_for_update(skip_locked=True, of=ReviewItem) for statement in first]
    return first[0], first[1], first[2]


def _candidates(portions: tuple[Portion, ...]) -> Select[int]:
    return select(ReviewItem.id).where(*IS_CLAIMABLE, *items_of_portions(portions))


def _gifts(portions: tuple[Portion, ...]) -> Select[int]:
    """Return a query of the items that a lead gave the user, in the order of their review."""
    return (
        _candidates(portions)
        .join(_MINE, _MINE.item_id == ReviewItem.id)
        .where(*_IS_GIVEN_TO_ME)
        .order_by(_MINE.given_until, ReviewItem.batch_id, ReviewItem.position)
    )
