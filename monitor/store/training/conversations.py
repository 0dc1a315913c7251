"""Queries for training data: end users of review items, conversations of a baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from monitor.store.rows import batches_of, columns_of, read_rows
from monitor.store.tables import Exchange, ReviewItem


@dataclass(frozen=True)
class ItemEndUser:
    """The end user whose exchange an item reviews."""

    item_id: int
    exchange_id: str
    end_user: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Conversation:
    """The conversation of an exchange of a baseline, without the response."""

    exchange_id: str
    model: str
    task_type: str
    end_user: str
    messages: list[dict[str, str]]
    attributes: dict[str, Any]


def end_users_of_items(connection: Connection, item_ids: Sequence[int]) -> list[ItemEndUser]:
    """Return the end users of review items; unknown items are left out."""
    end_users: list[ItemEndUser] = []
    for part in batches_of(item_ids):
        statement = (
            select(ReviewItem.id, Exchange.exchange_id, Exchange.end_user, Exchange.attributes)
            .join(Exchange, Exchange.id == ReviewItem.exchange_id)
            .where(ReviewItem.id.in_(part))
            .order_by(ReviewItem.id)
        )
        end_users += read_rows(connection, ItemEndUser, statement)
    return end_users


def baseline_conversations(connection: Connection, baseline_id: int) -> list[Conversation]:
    """Return the conversations of a baseline, without truncated ones."""
    statement = (
        select(*columns_of(Conversation, Exchange))
        .where(Exchange.baseline_id == baseline_id, Exchange.truncated.is_(False))
        .order_by(Exchange.id)
    )
    return read_rows(connection, Conversation, statement)
