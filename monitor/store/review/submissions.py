"""Queries of what one reviewer has submitted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, select

from monitor.store.model_sets import Portion
from monitor.store.review.portions import items_of_portions
from monitor.store.rows import columns_of
from monitor.store.search.query import text_condition
from monitor.store.tables import (
    Exchange,
    ExchangeTerms,
    GoldExample,
    Review,
    ReviewBatch,
    ReviewItem,
)


@dataclass(frozen=True, kw_only=True)
class SubmissionRow:
    """A user's own review with the state of its item."""

    id: int
    item_id: int
    model: str
    task_type: str
    verdict: str
    submitted_at: datetime
    #: Status of the item.
    status: str
    prompt: str
    #: Verdict of the gold that stands; ``None``: the item isn't settled.
    outcome: str | None


def submissions_of(
    connection: Connection,
    reviewer_id: int,
    portions: Sequence[Portion],
    *,
    before_id: int | None,
    limit: int,
    text: str = "",
    verdict: str = "",
) -> list[SubmissionRow]:
    """Return a user's own reviews, the newest first.

    Portions are the models and task types of the items. Reviews are those before ``before_id``, for
    the next page; ``None``: the newest. With a text they are those of indexed exchanges that have
    all of its words; with a verdict, those in which the user gave it.
    """
    stands = and_(
        GoldExample.item_id == ReviewItem.id,
        GoldExample.superseded_at.is_(None),
        ReviewItem.status == "gold",
    )
    columns = columns_of(
        SubmissionRow,
        Review,
        model=ReviewBatch.model,
        task_type=ReviewItem.task_type,
        status=ReviewItem.status,
        prompt=Exchange.prompt,
        outcome=GoldExample.verdict,
    )
    statement = (
        select(*columns)
        .join(ReviewItem, ReviewItem.id == Review.item_id)
        .join(Exchange, Exchange.id == ReviewItem.exchange_id)
        .join(ReviewBatch, ReviewBatch.id == ReviewItem.batch_id)
        .outerjoin(GoldExample, stands)
        .where(Review.reviewer_id == reviewer_id, *items_of_portions(portions))
        .order_by(Review.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        statement = statement.where(Review.id < before_id)
    if verdict:
        statement = statement.where(Review.verdict == verdict)
    if text:
        indexed = ExchangeTerms.exchange_id == ReviewItem.exchange_id
        statement = statement.join(ExchangeTerms, indexed)
        statement = statement.where(*text_condition(connection, text))
    return [SubmissionRow(**row) for row in connection.execute(statement).mappings()]
