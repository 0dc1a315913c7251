"""Queries of the rows that hold texts and vectors of an end user."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    cast,
    delete,
    func,
    or_,
    select,
    update,
)

from monitor.store.rows import batches_of
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

#: Rows searched in one transaction.
ROWS_PER_SCAN = 20_000
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
    #: Source, partition and offset of its record.
    record: tuple[str, int, int]
    prompt: str
    response: str
    messages: list[dict[str, Any]]
    baseline_id: int | None
    block_id: int


_ROW = (
    Exchange.id,
    Exchange.exchange_id,
    Exchange.end_user,
    Exchange.model,
    Exchange.source,
    Exchange.partition,
    Exchange.offset,
    Exchange.prompt,
    Exchange.response,
    Exchange.messages,
    Exchange.baseline_id,
    Exchange.block_id,
)


def exchanges_of_end_user(
    connection: Connection, users: Sequence[str], exchange_ids: Sequence[str]
) -> list[EndUserExchange]:
    """Return the exchanges of end users, and exchanges by their ids."""
    condition = Exchange.end_user.in_(users) | Exchange.exchange_id.in_(exchange_ids)
    statement = select(*_ROW).where(condition).order_by(Exchange.id)
    return [_row(row) for row in connection.execute(statement)]


def exchanges_by_id(connection: Connection, ids: Sequence[int]) -> list[EndUserExchange]:
    """Return exchanges by the ids of their rows."""
    rows: list[EndUserExchange] = []
    for part in batches_of(ids):
        rows += [
            _row(row) for row in connection.execute(select(*_ROW).where(Exchange.id.in_(part)))
        ]
    return rows


def last_exchange_id(connection: Connection) -> int:
    """Return the highest id of an exchange; 0 where there is none."""
    return connection.execute(select(func.max(Exchange.id))).scalar_one() or 0


def exchanges_containing(
    connection: Connection, needle: str, after_id: int
) -> list[tuple[int, tuple[str, ...]]]:
    """Return exchanges among the next :data:`ROWS_PER_SCAN` ids that contain a string.

    The search ignores case. Each comes with its prompt, its response, its id and labels, and its
    messages and metadata as JSON.
    """
    messages, attributes = cast(Exchange.messages, Text), cast(Exchange.attributes, Text)
    escaped = json.dumps(needle)[1:-1]
    plain = (
        Exchange.prompt,
        Exchange.response,
        Exchange.exchange_id,
        Exchange.task_type,
        Exchange.model,
    )
    statement = select(Exchange.id, *plain, messages, attributes).where(
        Exchange.id > after_id,
        Exchange.id <= after_id + ROWS_PER_SCAN,
        or_(
            *(column.icontains(needle, autoescape=True) for column in plain),
            messages.icontains(escaped, autoescape=True),
            attributes.icontains(escaped, autoescape=True),
        ),
    )
    return [(row[0], tuple(row[1:])) for row in connection.execute(statement)]


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
    connection: Connection, after_id: int, *, limit: int = 500
) -> list[tuple[int, str, str, dict[str, Any]]]:
    """Return the next pending halves: id, end user, join id and payload."""
    rows = connection.execute(
        select(PendingHalf.id, PendingHalf.end_user, PendingHalf.join_id, PendingHalf.payload)
        .where(PendingHalf.id > after_id)
        .order_by(PendingHalf.id)
        .limit(limit)
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
    ids: dict[str, set[int]] = {"review_items": set(items)}
    for table in ITEM_TABLES:
        of_table = ids.setdefault(table.__tablename__, set())
        for part in batches_of(items):
            statement = select(table.id).where(table.item_id.in_(part))
            of_table.update(connection.execute(statement).scalars())
    return ids


def count_item_rows(connection: Connection, items: Sequence[int]) -> dict[str, int]:
    """Return the number of rows of review items, by table."""
    counts = {"review_items": _count(connection, ReviewItem.__table__, ReviewItem.id, items)}
    for table in ITEM_TABLES:
        counts[table.__tablename__] = _count(connection, table.__table__, table.item_id, items)
    return counts


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
    connection.execute(
        update(Baseline)
        .where(Baseline.id == baseline_id)
        .values(n_exchanges=left.scalar_subquery())
    )


def _row(row: Any) -> EndUserExchange:
    return EndUserExchange(
        id=row.id,
        exchange_id=row.exchange_id,
        end_user=row.end_user,
        model=row.model,
        record=(row.source, row.partition, row.offset),
        prompt=row.prompt,
        response=row.response,
        messages=row.messages,
        baseline_id=row.baseline_id,
        block_id=row.block_id,
    )


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
