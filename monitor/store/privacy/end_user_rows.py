"""Where one person's texts and vectors lie: the queries of `driftwarden forget`."""

import json
from collections.abc import Sequence
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

#: Ids in one statement, well below SQLite's limit of bound parameters.
IDS_PER_QUERY = 500
#: Rows looked through in one transaction for a mention.
ROWS_PER_SCAN = 20_000
LETTERS_PER_SCAN = 50

#: Tables whose rows hang on a review item.
OF_ITEMS = (
    ReviewDraw,
    ReviewAssignment,
    Review,
    ReviewProposal,
    ReviewMessage,
    ReviewAudit,
    GoldExample,
)


@dataclass(frozen=True)
class PersonRow:
    """An exchange of a person, as far as its traces elsewhere need it."""

    id: int
    exchange_id: str
    end_user: str
    model: str
    #: Source, partition and offset of its record.
    record: tuple[str, int, int]
    prompt: str
    response: str
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
    Exchange.baseline_id,
    Exchange.block_id,
)


def rows_of(
    connection: Connection, users: Sequence[str], exchange_ids: Sequence[str]
) -> list[PersonRow]:
    """Return the exchanges of users, and those of some ids."""
    condition = Exchange.end_user.in_(users) | Exchange.exchange_id.in_(exchange_ids)
    statement = select(*_ROW).where(condition).order_by(Exchange.id)
    return [_row(row) for row in connection.execute(statement)]


def rows_by_id(connection: Connection, ids: Sequence[int]) -> list[PersonRow]:
    """Return some exchanges."""
    rows: list[PersonRow] = []
    for first in range(0, len(ids), IDS_PER_QUERY):
        some = ids[first : first + IDS_PER_QUERY]
        rows += [
            _row(one) for one in connection.execute(select(*_ROW).where(Exchange.id.in_(some)))
        ]
    return rows


def last_exchange(connection: Connection) -> int:
    """Return the highest id of an exchange; 0 where there is none."""
    return connection.execute(select(func.max(Exchange.id))).scalar_one() or 0


def texts_with(
    connection: Connection, needle: str, after_id: int
) -> list[tuple[int, tuple[str, ...]]]:
    """Return exchanges among the next :data:`ROWS_PER_SCAN` ids whose texts hold a string.

    Whatever its case; each comes with its prompt, its response, and its messages and metadata as
    JSON.
    """
    messages, attributes = cast(Exchange.messages, Text), cast(Exchange.attributes, Text)
    escaped = json.dumps(needle)[1:-1]
    statement = select(Exchange.id, Exchange.prompt, Exchange.response, messages, attributes).where(
        Exchange.id > after_id,
        Exchange.id <= after_id + ROWS_PER_SCAN,
        or_(
            Exchange.prompt.icontains(needle, autoescape=True),
            Exchange.response.icontains(needle, autoescape=True),
            messages.icontains(escaped, autoescape=True),
            attributes.icontains(escaped, autoescape=True),
        ),
    )
    return [(row[0], tuple(row[1:])) for row in connection.execute(statement)]


def letters(
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
        .limit(LETTERS_PER_SCAN)
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


def halves(
    connection: Connection, after_id: int, *, limit: int = 500
) -> list[tuple[int, str, str, dict[str, Any]]]:
    """Return the next waiting requests and responses: id, user, what joins them, and payload."""
    rows = connection.execute(
        select(PendingHalf.id, PendingHalf.end_user, PendingHalf.join_id, PendingHalf.payload)
        .where(PendingHalf.id > after_id)
        .order_by(PendingHalf.id)
        .limit(limit)
    )
    return [tuple(row) for row in rows]


def delete_letters(connection: Connection, ids: Sequence[int]) -> None:
    """Delete dead letters."""
    for first in range(0, len(ids), IDS_PER_QUERY):
        some = ids[first : first + IDS_PER_QUERY]
        connection.execute(delete(DeadLetter).where(DeadLetter.id.in_(some)))


def count_exchanges(connection: Connection, ids: Sequence[int]) -> tuple[int, int]:
    """Return how many of some exchanges of the traffic, and of baselines, are there."""
    traffic = _count(
        connection, Exchange.__table__, Exchange.id, ids, Exchange.baseline_id.is_(None)
    )
    return traffic, _count(connection, Exchange.__table__, Exchange.id, ids) - traffic


def item_ids(connection: Connection, exchange_ids: Sequence[int]) -> list[int]:
    """Return the review items of some exchanges."""
    found: list[int] = []
    for first in range(0, len(exchange_ids), IDS_PER_QUERY):
        some = exchange_ids[first : first + IDS_PER_QUERY]
        statement = select(ReviewItem.id).where(ReviewItem.exchange_id.in_(some))
        found += connection.execute(statement).scalars()
    return found


def count_of_items(connection: Connection, items: Sequence[int]) -> dict[str, int]:
    """Return how many rows there are of some items, by table, the items' own among them."""
    counts = {"review_items": _count(connection, ReviewItem.__table__, ReviewItem.id, items)}
    for one in OF_ITEMS:
        counts[one.__tablename__] = _count(connection, one.__table__, one.item_id, items)
    return counts


def count_dead_vectors(connection: Connection, block_ids: Sequence[int]) -> int:
    """Return how many vectors of some blocks belong to no exchange any more."""
    stored = living = 0
    for first in range(0, len(block_ids), IDS_PER_QUERY):
        some = block_ids[first : first + IDS_PER_QUERY]
        sizes = select(func.coalesce(func.sum(EmbeddingBlock.n_rows), 0))
        stored += connection.execute(sizes.where(EmbeddingBlock.id.in_(some))).scalar_one()
        rows = select(func.count(Exchange.id)).where(Exchange.block_id.in_(some))
        living += connection.execute(rows).scalar_one()
    return stored - living


def shrink_baseline(connection: Connection, baseline_id: int) -> None:
    """Bring a baseline's size up to date; its digest stays that of what was imported."""
    left = select(func.count(Exchange.id)).where(Exchange.baseline_id == baseline_id)
    connection.execute(
        update(Baseline)
        .where(Baseline.id == baseline_id)
        .values(n_exchanges=left.scalar_subquery())
    )


def _row(row: Any) -> PersonRow:
    return PersonRow(
        id=row.id,
        exchange_id=row.exchange_id,
        end_user=row.end_user,
        model=row.model,
        record=(row.source, row.partition, row.offset),
        prompt=row.prompt,
        response=row.response,
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
    for first in range(0, len(ids), IDS_PER_QUERY):
        some = ids[first : first + IDS_PER_QUERY]
        statement = select(func.count()).select_from(table).where(column.in_(some), *conditions)
        total += connection.execute(statement).scalar_one()
    return total
