"""What two reviewers who disagree write to each other and propose."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from monitor.store.tables import DiscussionMessage, Proposal, Review, Reviewer, ReviewItem


@dataclass(frozen=True, kw_only=True)
class ProposalRow:
    """What a reviewer proposes after talking with the other."""

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
    """What one of the two wrote."""

    reviewer_id: int
    reviewer: str
    text: str
    written_at: datetime


def insert_message(
    connection: Connection, item_id: int, reviewer_id: int, text: str, now: datetime
) -> None:
    """Write a message."""
    connection.execute(
        insert(DiscussionMessage).values(
            item_id=item_id, reviewer_id=reviewer_id, text=text, written_at=now
        )
    )


def messages_of(connection: Connection, item_id: int) -> list[MessageRow]:
    """Return the messages about an item, the earliest first."""
    statement = (
        select(
            DiscussionMessage.reviewer_id,
            Reviewer.name.label("reviewer"),
            DiscussionMessage.text,
            DiscussionMessage.written_at,
        )
        .join(Reviewer, Reviewer.id == DiscussionMessage.reviewer_id)
        .where(DiscussionMessage.item_id == item_id)
        .order_by(DiscussionMessage.written_at, DiscussionMessage.id)
    )
    return [MessageRow(**row) for row in connection.execute(statement).mappings()]


def put_proposal(
    connection: Connection, item_id: int, reviewer_id: int, now: datetime, **values: Any
) -> None:
    """Write what a reviewer proposes, in place of their earlier proposal."""
    connection.execute(
        delete(Proposal).where(Proposal.item_id == item_id, Proposal.reviewer_id == reviewer_id)
    )
    connection.execute(
        insert(Proposal).values(item_id=item_id, reviewer_id=reviewer_id, proposed_at=now, **values)
    )


def proposals_of(connection: Connection, item_id: int) -> list[ProposalRow]:
    """Return the current proposals for an item, at most one a reviewer."""
    statement = (
        select(
            Proposal.item_id,
            Proposal.reviewer_id,
            Reviewer.name.label("reviewer"),
            Proposal.verdict,
            Proposal.error_kind,
            Proposal.answerable,
            Proposal.corrected_response,
            Proposal.comment,
            Proposal.proposed_at,
        )
        .join(Reviewer, Reviewer.id == Proposal.reviewer_id)
        .where(Proposal.item_id == item_id)
        .order_by(Proposal.proposed_at, Proposal.id)
    )
    return [ProposalRow(**row) for row in connection.execute(statement).mappings()]


def disagreed_since(connection: Connection, before: datetime) -> list[int]:
    """Return the items that have been disagreed on since before a time."""
    statement = (
        select(ReviewItem.id)
        .join(Review, Review.item_id == ReviewItem.id)
        .where(ReviewItem.status == "disagreed")
        .group_by(ReviewItem.id)
        .having(func.max(Review.submitted_at) < before)
        .order_by(ReviewItem.id)
    )
    return list(connection.execute(statement).scalars())
