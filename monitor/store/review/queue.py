"""The review queue: the next item of a user, and the number of items left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, func, not_, or_, select, union, union_all
from sqlalchemy.orm import aliased

from monitor.store.assignments import is_live
from monitor.store.model_sets import Portion
from monitor.store.review.portions import items_of_portions, models_of_portions
from monitor.store.review.slots import has_free_slot, is_claimable_by
from monitor.store.tables import Review, ReviewAssignment, ReviewBatch, ReviewItem

_MINE = aliased(ReviewAssignment)


@dataclass(frozen=True)
class Claimer:
    """The user who claims an item, with the models and task types that they review."""

    reviewer_id: int
    portions: Sequence[Portion]


def find_next_review_item(connection: Connection, claimer: Claimer, now: datetime) -> int | None:
    """Return the next item with a free slot for a user.

    Items that a lead gave the user come first, then the newest batch, in the order of its items;
    items that the user skipped come last, and those that others have locked after the rest.
    """
    for skip_locked in (True, False):  # others may be claiming the remaining items
        item_id = _find_first(connection, _gifts(claimer, now), skip_locked=skip_locked)
        if item_id is not None:
            return item_id
        batch_id = _newest_open_batch(connection, claimer, None)
        while batch_id is not None:
            statement = _candidates(claimer, now).where(
                ReviewItem.batch_id == batch_id, _put_off_by(claimer.reviewer_id) < 1
            )
            statement = statement.order_by(ReviewItem.position)
            item_id = _find_first(connection, statement, skip_locked=skip_locked)
            if item_id is not None:
                return item_id
            batch_id = _newest_open_batch(connection, claimer, batch_id)
        statement = (
            _candidates(claimer, now)
            .join(_MINE, _MINE.item_id == ReviewItem.id)
            .where(_MINE.reviewer_id == claimer.reviewer_id, _MINE.skipped_at.is_not(None))
            .order_by(_MINE.skipped_at, ReviewItem.id)
        )
        item_id = _find_first(connection, statement, skip_locked=skip_locked)
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
    own = [] if batch_id is None else [ReviewItem.batch_id == batch_id]
    counts = [
        select(func.count()).select_from(ReviewItem).where(*conditions, *own).scalar_subquery()
        for conditions in _claimable_terms(claimer, now)
    ]
    n_queued, n_done, n_full = connection.execute(select(*counts)).one()
    return int(n_queued - n_done - n_full)


def claimable_by_model(
    connection: Connection, claimer: Claimer, now: datetime
) -> list[ClaimableItems]:
    """Return the items that a user could claim, by model."""
    signs = (1, -1, -1)
    terms = union_all(
        *(
            select(ReviewItem.batch_id, (sign * func.count()).label("n"))
            .where(*conditions)
            .group_by(ReviewItem.batch_id)
            for sign, conditions in zip(signs, _claimable_terms(claimer, now), strict=True)
        )
    ).subquery()
    batches = (
        select(terms.c.batch_id, func.sum(terms.c.n).label("n"))
        .group_by(terms.c.batch_id)
        .having(func.sum(terms.c.n) > 0)
        .subquery()
    )
    statement = (
        select(ReviewBatch.model, func.sum(batches.c.n), func.min(ReviewBatch.created_at))
        .join(batches, batches.c.batch_id == ReviewBatch.id)
        .group_by(ReviewBatch.model)
    )
    rows = connection.execute(statement)
    return [ClaimableItems(model, int(n), since) for model, n, since in rows]


def _claimable_terms(claimer: Claimer, now: datetime) -> tuple[list[ColumnElement[bool]], ...]:
    """Return the conditions of three sets, the first of which without the others is claimable.

    The number is a difference, so that not every item's assignments and reviews are read: queued
    items, minus those that the user has reviewed or declined, minus those without a free slot. The
    latter have an active assignment of another user or are given to one, of which there are few.
    """
    queued = [ReviewItem.status == "queued", *items_of_portions(claimer.portions)]
    done = union(
        select(Review.item_id).where(Review.reviewer_id == claimer.reviewer_id),
        select(ReviewAssignment.item_id).where(
            ReviewAssignment.reviewer_id == claimer.reviewer_id,
            ReviewAssignment.declined_reason.is_not(None),
        ),
    )
    leased = union(
        select(ReviewAssignment.item_id).where(
            ReviewAssignment.reviewer_id != claimer.reviewer_id,
            or_(is_live(ReviewAssignment, now), ReviewAssignment.given_until > now),
        ),
        # Both reviews are there, and one of them can still be undone.
        select(ReviewItem.id).where(ReviewItem.complete_since.is_not(None)),
    )
    full = [
        ReviewItem.id.in_(leased),
        ReviewItem.id.not_in(done),
        not_(has_free_slot(claimer.reviewer_id, now)),
    ]
    return queued, [*queued, ReviewItem.id.in_(done)], [*queued, *full]


def next_batch(connection: Connection, claimer: Claimer, now: datetime) -> int | None:
    """Return the batch from which the user's next item comes, skipped items left aside."""
    of_gifts = _gifts(claimer, now).with_only_columns(ReviewItem.batch_id).limit(1)
    if (first := connection.execute(of_gifts).scalar_one_or_none()) is not None:
        return first
    batch_id = _newest_open_batch(connection, claimer, None)
    while batch_id is not None and not count_claimable_items(connection, claimer, now, batch_id):
        batch_id = _newest_open_batch(connection, claimer, batch_id)
    return batch_id


def count_reviewed_of_batch(connection: Connection, claimer: Claimer, batch_id: int) -> int:
    """Return the number of items of a batch that a user has reviewed."""
    statement = (
        select(func.count())
        .select_from(Review)
        .join(ReviewItem, ReviewItem.id == Review.item_id)
        .where(
            Review.reviewer_id == claimer.reviewer_id,
            ReviewItem.batch_id == batch_id,
            *items_of_portions(claimer.portions),
        )
    )
    return int(connection.execute(statement).scalar_one())


def _newest_open_batch(connection: Connection, claimer: Claimer, before: int | None) -> int | None:
    """Return the newest batch of the user's models with queued items, before a batch."""
    statement = select(func.max(ReviewItem.batch_id)).where(
        ReviewItem.status == "queued", *models_of_portions(claimer.portions)
    )
    if before is not None:
        statement = statement.where(ReviewItem.batch_id < before)
    return connection.execute(statement).scalar_one()


def _candidates(claimer: Claimer, now: datetime) -> Select[int]:
    return select(ReviewItem.id).where(
        *is_claimable_by(claimer.reviewer_id, now), *items_of_portions(claimer.portions)
    )


def _gifts(claimer: Claimer, now: datetime) -> Select[int]:
    """Return a query of the items that a lead gave the user, in the order of their review."""
    return (
        _candidates(claimer, now)
        .join(_MINE, _MINE.item_id == ReviewItem.id)
        .where(
            _MINE.reviewer_id == claimer.reviewer_id,
            _MINE.given_until > now,
            _MINE.skipped_at.is_(None),
        )
        .order_by(_MINE.given_until, ReviewItem.batch_id, ReviewItem.position)
    )


def _find_first(connection: Connection, statement: Select[int], *, skip_locked: bool) -> int | None:
    statement = statement.limit(1)
    if skip_locked:
        statement = statement.with_for_update(skip_locked=True, of=ReviewItem)
    return connection.execute(statement).scalar_one_or_none()


def _put_off_by(reviewer_id: int) -> ColumnElement[int]:
    return (
        select(func.count())
        .select_from(_MINE)
        .where(
            _MINE.item_id == ReviewItem.id,
            _MINE.reviewer_id == reviewer_id,
            _MINE.skipped_at.is_not(None),
        )
        .correlate(ReviewItem)
        .scalar_subquery()
    )
