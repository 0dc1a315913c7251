"""Queries of the rows that hold texts and vectors of an end user."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    func,
    or_,
    select,
)

from monitor.store.rows import batches_of, columns_of, read_rows, update_row
from monitor.store.tables import (
    Baseline,
    DeadLetter,
    EmbeddingBlock,
    Exchange,
    GoldExample,
    PendingHalf,
    Review,
    ReviewAssignment,
    ReviewAudit,
    ReviewDraw,
    ReviewItem,
    ReviewMessage,
    ReviewProposal,
)

#: Rows read in one transaction.
HALVES_PER_SCAN = 500
DEAD_LETTERS_PER_SCAN = 50

#: Tables whose rows refer to a review item.
ITEM_TABLES = (
    ReviewDraw,
    ReviewAssignment,
    Review,
    ReviewProposal,
    ReviewMessage,
    ReviewAudit,
    GoldExample,
)


@dataclass(frozen=True)
class EndUserExchange:
    """An exchange with the columns by which its traces are found."""

    id: int
    exchange_id: str
    end_user: str
    model: str
    source: str
    partition: int
    offset: int
    prompt: str
    response: str
    messages: list[dict[str, Any]]
    baseline_id: int | None
    block_id: int
    received_at: datetime

    @property
    def record(self) -> tuple[str, int, int]:
        """Return source, partition and offset of its record."""
        return (self.source, self.partition, self.offset)


_COLUMNS = columns_of(EndUserExchange, Exchange)


def exchanges_of_end_user(
    connection: Connection, users: Sequence[str], exchange_ids: Sequence[str]
) -> list[EndUserExchange]:
    """Return the exchanges of end users, and exchanges by their ids."""
    condition = Exchange.end_user.in_(users) | Exchange.exchange_id.in_(exchange_ids)
    statement = select(*_COLUMNS).where(condition).order_by(Exchange.id)
    return read_rows(connection, EndUserExchange, statement)


def exchanges_by_id(connection: Connection, ids: Sequence[int]) -> list[EndUserExchange]:
    """Return exchanges by the ids of their rows."""
    rows: list[EndUserExchange] = []
    for part in batches_of(ids):
        rows += read_rows(
            connection, EndUserExchange, select(*_COLUMNS).where(Exchange.id.in_(part))
        )
    return rows


def exchanges_with_words(
    connection: Connection, words: Sequence[str]
) -> Iterator[tuple[int, tuple[str, str]]]:
    """Yield exchanges whose prompt or response has some words in their order.

    There may be more between them; the caller compares. Each comes with prompt and response.
    """
    # LOWER of SQLite knows ASCII only: other words are left to the caller.
    parts = [word for word in words if word.isascii()]
    pattern = "%".join(part.replace("\\", "\\\\").replace("_", "\\_") for part in parts)
    pattern = f"%{pattern}%"
    columns = (Exchange.prompt, Exchange.response)
    alike = or_(*(func.lower(column).like(pattern, escape="\\") for column in columns))
    statement = select(Exchange.id, *columns).where(alike)
    for row in connection.execute(statement, execution_options={"yield_per": 500}):
        yield row[0], (row[1], row[2])


def scan_dead_letters(
    connection: Connection, after_id: int
) -> list[tuple[int, tuple[str, int, int], bytes, bytes, str]]:
    """Return the next dead letters: id, record, key, value and detail."""
    statement = (
        select(
            DeadLetter.id,
            DeadLetter.source,
            DeadLetter.partition,
            DeadLetter.offset,
            DeadLetter.key,
            DeadLetter.value,
            DeadLetter.detail,
        )
        .where(DeadLetter.id > after_id)
        .order_by(DeadLetter.id)
        .limit(DEAD_LETTERS_PER_SCAN)
    )
    return [
        (
            row.id,
            (row.source, row.partition, row.offset),
            row.key or b"",
            row.value or b"",
            row.detail,
        )
        for row in connection.execute(statement)
    ]


def scan_pending_halves(
    connection: Connection, after_id: int
) -> list[tuple[int, str, str, dict[str, Any]]]:
    """Return the next pending halves: id, end user, join id and payload."""
    rows = connection.execute(
        select(PendingHalf.id, PendingHalf.end_user, PendingHalf.join_id, PendingHalf.payload)
        .where(PendingHalf.id > after_id)
        .order_by(PendingHalf.id)
        .limit(HALVES_PER_SCAN)
    )
    return [tuple(row) for row in rows]


def delete_dead_letters(connection: Connection, ids: Sequence[int]) -> None:
    """Delete dead letters."""
    for part in batches_of(ids):
        connection.execute(delete(DeadLetter).where(DeadLetter.id.in_(part)))


def count_exchanges(connection: Connection, ids: Sequence[int]) -> tuple[int, int]:
    """Return how many of the exchanges exist, of the traffic and of baselines."""
    traffic = _count(
        connection, Exchange.__table__, Exchange.id, ids, Exchange.baseline_id.is_(None)
    )
    return traffic, _count(connection, Exchange.__table__, Exchange.id, ids) - traffic


def items_of_exchanges(connection: Connection, exchange_ids: Sequence[int]) -> list[int]:
    """Return the review items of exchanges."""
    row_ids: list[int] = []
    for part in batches_of(exchange_ids):
        statement = select(ReviewItem.id).where(ReviewItem.exchange_id.in_(part))
        row_ids += connection.execute(statement).scalars()
    return row_ids


def rows_of_items(connection: Connection, items: Sequence[int]) -> dict[str, set[int]]:
    """Return the ids of the rows of review items, by table."""
    ids: dict[str, set[int]] = {}
    for table in (ReviewItem, *ITEM_TABLES):
        declared = table.__table__
        item_id = declared.c.id if table is ReviewItem else declared.c.item_id
        of_table = ids.setdefault(table.__tablename__, set())
        for part in batches_of(items):
            statement = select(declared.c.id).where(item_id.in_(part))
            of_table.update(connection.execute(statement).scalars())
    return ids


def count_dead_vectors(connection: Connection, block_ids: Sequence[int]) -> int:
    """Return the number of vectors in blocks that belong to no exchange any more."""
    stored = living = 0
    for part in batches_of(block_ids):
        sizes = select(func.coalesce(func.sum(EmbeddingBlock.n_rows), 0))
        stored += connection.execute(sizes.where(EmbeddingBlock.id.in_(part))).scalar_one()
        rows = select(func.count(Exchange.id)).where(Exchange.block_id.in_(part))
        living += connection.execute(rows).scalar_one()
    return stored - living


def update_baseline_size(connection: Connection, baseline_id: int) -> None:
    """Update a baseline's size; its digest stays that of the imported file."""
    left = select(func.count(Exchange.id)).where(Exchange.baseline_id == baseline_id)
    update_row(connection, Baseline, baseline_id, n_exchanges=left.scalar_subquery())


def _count(
    connection: Connection,
    table: Any,
    column: Any,
    ids: Sequence[int],
    *conditions: ColumnElement[bool],
) -> int:
    total = 0
    for part in batches_of(ids):
        statement = select(func.count()).select_from(table).where(column.in_(part), *conditions)
        total += connection.execute(statement).scalar_one()
    return total
