"""Queries of messages and proposals of disagreed items."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from monitor.store.rows import columns_of
from monitor.store.tables import Review, ReviewItem, ReviewMessage, ReviewProposal, User


@dataclass(frozen=True, kw_only=True)
class ProposalRow:
    """A reviewer's proposal for a disagreed item."""

    item_id: int
    reviewer_id: int
    reviewer: str
    verdict: str
    error_kind: str
    answerable: str
    corrected_response: str
    comment: str
    proposed_at: datetime


@dataclass(frozen=True, kw_only=True)
class MessageRow:
    """A message between the two reviewers."""

    reviewer_id: int
    reviewer: str
    text: str
    written_at: datetime


def insert_message(
    connection: Connection, item_id: int, reviewer_id: int, text: str, now: datetime
) -> None:
    """Insert a message."""
    connection.execute(
        insert(ReviewMessage).values(
            item_id=item_id, reviewer_id=reviewer_id, text=text, written_at=now
        )
    )


def messages_of_item(connection: Connection, item_id: int) -> list[MessageRow]:
    """Return the messages about an item, the earliest first."""
    statement = (
        select(*columns_of(MessageRow, ReviewMessage, reviewer=User.name))
        .join(User, User.id == ReviewMessage.reviewer_id)
        .where(ReviewMessage.item_id == item_id)
        .order_by(ReviewMessage.written_at, ReviewMessage.id)
    )
    return [MessageRow(**row) for row in connection.execute(statement).mappings()]


def save_proposal(
    connection: Connection, item_id: int, reviewer_id: int, now: datetime, **values: Any
) -> None:
    """Insert a reviewer's proposal, in place of their earlier one."""
    connection.execute(
        delete(ReviewProposal).where(
            ReviewProposal.item_id == item_id, ReviewProposal.reviewer_id == reviewer_id
        )
    )
    connection.execute(
        insert(ReviewProposal).values(
            item_id=item_id, reviewer_id=reviewer_id, proposed_at=now, **values
        )
    )


def proposals_of_item(connection: Connection, item_id: int) -> list[ProposalRow]:
    """Return the current proposals for an item, at most one for each reviewer."""
    statement = (
        select(*columns_of(ProposalRow, ReviewProposal, reviewer=User.name))
        .join(User, User.id == ReviewProposal.reviewer_id)
        .where(ReviewProposal.item_id == item_id)
        .order_by(ReviewProposal.proposed_at, ReviewProposal.id)
    )
    return [ProposalRow(**row) for row in connection.execute(statement).mappings()]


_DISAGREED = (
    select(ReviewItem.id)
    .join(Review, Review.item_id == ReviewItem.id)
    .where(ReviewItem.status == "disagreed")
    .group_by(ReviewItem.id)
    .having(func.max(Review.submitted_at) < bindparam("before"))
    .order_by(ReviewItem.id)
)


def items_disagreed_before(connection: Connection, before: datetime) -> list[int]:
    """Return the items that have been disagreed since before a time."""
    return list(connection.execute(_DISAGREED, {"before": before}).scalars())
