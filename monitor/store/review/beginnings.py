"""Review items as a list names them: by the beginning of their text, their task type and age."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from monitor.store.rows import batches_of
from monitor.store.tables import Exchange, Review, ReviewItem, ReviewMessage, ReviewProposal

#: Characters of a beginning.
BEGINNING = 90


@dataclass(frozen=True, kw_only=True)
class ListedItem:
    """An item in a list."""

    id: int
    task_type: str
    #: Of the user's latest message.
    beginning: str
    #: Time of the latest review; ``None`` without any.
    since: datetime | None
    #: The reviewer who wrote or proposed last; ``None``: nobody has.
    last_word_of: int | None


def listed_items(connection: Connection, item_ids: Sequence[int]) -> list[ListedItem]:
    """Return items, in the order of their ids' list."""
    rows: dict[int, ListedItem] = {}
    for part in batches_of(item_ids):
        reviewed = (
            select(func.max(Review.submitted_at))
            .where(Review.item_id == ReviewItem.id)
            .scalar_subquery()
        )
        statement = (
            select(ReviewItem.id, ReviewItem.task_type, Exchange.messages, reviewed)
            .join(Exchange, Exchange.id == ReviewItem.exchange_id)
            .where(ReviewItem.id.in_(part))
        )
        last = _last_words(connection, part)
        for item_id, task_type, messages, since in connection.execute(statement):
            rows[item_id] = ListedItem(
                id=item_id,
                task_type=task_type,
                beginning=beginning_of(messages),
                since=since,
                last_word_of=last.get(item_id),
            )
    return [rows[item_id] for item_id in item_ids if item_id in rows]


def beginning_of(messages: Iterable[dict[str, Any]]) -> str:
    """Return the beginning of the latest message of the user, on one line."""
    texts = [turn["content"] for turn in messages if turn["role"] == "user"]
    line = " ".join(texts[-1][: 10 * BEGINNING].split()) if texts else ""
    return line if len(line) <= BEGINNING else f"{line[:BEGINNING].rstrip()}\N{HORIZONTAL ELLIPSIS}"


def _last_words(connection: Connection, item_ids: Sequence[int]) -> dict[int, int]:
    words: list[tuple[datetime, int, int]] = []
    for table, at in (
        (ReviewMessage, ReviewMessage.written_at),
        (ReviewProposal, ReviewProposal.proposed_at),
    ):
        statement = select(at, table.item_id, table.reviewer_id).where(table.item_id.in_(item_ids))
        words += [(row[0], row[1], row[2]) for row in connection.execute(statement)]
    return {item_id: reviewer_id for _, item_id, reviewer_id in sorted(words)}
