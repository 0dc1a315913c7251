"""Stored exchanges and their vectors: written in blocks, read by window."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Select, bindparam, func, select

from monitor.errors import NotFoundError
from monitor.store.bulk_insert import insert_rows
from monitor.store.rows import columns_of, read_row
from monitor.store.tables import EmbeddingBlock, Exchange, metadata
from monitor.store.traffic.column_reading import CollectedNumbers, collector_of
from monitor.store.traffic.embedding_blocks import insert_block, load_vectors
from monitor.store.traffic.exchange_columns import COLUMNS, Exchanges
from monitor.store.traffic.spool import MAX_UNPACKED_ROWS
from monitor.store.traffic.stored_counts import add_stored

ROWS_AT_ONCE = 4_096
#: Conversations are the longest column.
MESSAGES_AT_ONCE = 256


@dataclass(frozen=True)
class ExchangeDetail:
    """An exchange with its conversation, for display."""

    id: int
    exchange_id: str
    occurred_at: datetime
    model: str
    task_type: str
    end_user: str
    messages: list[dict[str, str]]
    prompt: str
    response: str
    attributes: dict[str, Any]
    truncated: bool
    baseline_id: int | None


def insert_exchanges(
    connection: Connection,
    exchanges: Exchanges,
    *,
    created_at: datetime,
    baseline_id: int | None = None,
) -> None:
    """Write exchanges and, in one block, their vectors.

    They belong to the baseline; ``None``: they are traffic.
    """
    if not len(exchanges):
        return
    block_id = insert_block(
        connection,
        n_rows=len(exchanges),
        encoder=exchanges.encoder,
        prompt_vectors=exchanges.prompt_vectors,
        response_vectors=exchanges.response_vectors,
        created_at=created_at,
    )
    common = {"block_id": block_id, "baseline_id": baseline_id}
    insert_rows(
        connection,
        metadata.tables[Exchange.__tablename__],
        [{**row, **common, "block_row": index} for index, row in enumerate(exchanges.rows())],
    )
    if baseline_id is None:
        add_stored(connection, zip(exchanges.models, exchanges.occurred_at, strict=True))


def load_window(
    connection: Connection, model: str, start: datetime, end: datetime, *, encoder: str = ""
) -> Exchanges:
    """Load the traffic of a model in ``[start, end)``; baselines are not traffic.

    The connection is a snapshot, and the model as the traffic names it. The vectors are the
    encoder's; without one, those of the encoder that made the newest block.
    """
    return _load(connection, _traffic(model, start, end), encoder)


def count_by_encoder(
    connection: Connection, model: str, start: datetime, end: datetime
) -> dict[str, int]:
    """Return how many exchanges of a window each encoder embedded, the newest encoder first."""
    return _count_by_encoder(connection, _traffic(model, start, end))


def newest_encoder(connection: Connection, since: datetime) -> tuple[str, datetime] | None:
    """Return the encoder of the traffic received last, and when; ``None``: none since then."""
    statement = (
        select(EmbeddingBlock.encoder, Exchange.received_at)
        .join(EmbeddingBlock, Exchange.block_id == EmbeddingBlock.id)
        .where(Exchange.received_at >= since, Exchange.baseline_id.is_(None))
        .order_by(Exchange.received_at.desc(), Exchange.id.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else (str(row.encoder), row.received_at)


def load_baseline(connection: Connection, baseline_id: int) -> Exchanges:
    """Load the exchanges of a baseline."""
    return _load(connection, (Exchange.baseline_id == baseline_id,))


def load_all_columns(connection: Connection, ids: Sequence[int]) -> Exchanges:
    """Load all columns of exchanges, in the order of their ids here, without their vectors."""
    stored = {name: column for name, column in COLUMNS.items() if column.name}
    table = Exchange.__table__.c
    rows = connection.execute(
        select(*(table[column.name] for column in stored.values())).where(Exchange.id.in_(ids))
    ).mappings()
    by_id = {row["id"]: row for row in rows}
    return Exchanges.from_rows([dict(by_id[id_]) for id_ in ids])


def load_messages(
    connection: Connection, ids: Sequence[int]
) -> Iterator[tuple[int, list[dict[str, str]]]]:
    """Yield the ids of exchanges and their conversations, in no order."""
    table = Exchange.__table__.c
    for at in range(0, len(ids), MESSAGES_AT_ONCE):
        chunk = ids[at : at + MESSAGES_AT_ONCE]
        for row in connection.execute(select(table.id, table.messages).where(table.id.in_(chunk))):
            yield row.id, row.messages


_BY_ID = select(*columns_of(ExchangeDetail, Exchange)).where(Exchange.id == bindparam("row_id"))


def exchange_by_id(connection: Connection, exchange_row_id: int) -> ExchangeDetail:
    """Return one exchange with its conversation, or ``NotFoundError``."""
    row = read_row(connection, ExchangeDetail, _BY_ID, {"row_id": exchange_row_id})
    if row is None:
        raise NotFoundError(f"there is no exchange {exchange_row_id}")
    return row


def record_ranges(connection: Connection, model: str, start: datetime, end: datetime) -> list[str]:
    """Return the first and last stored record of ``[start, end)`` of each partition.

    Example: ``["llm-traffic/0@17-9034"]``. Records of other models may lie in between.
    """
    rows = connection.execute(
        select(
            Exchange.source,
            Exchange.partition,
            func.min(Exchange.offset),
            func.max(Exchange.offset),
        )
        .where(*_traffic(model, start, end))
        .group_by(Exchange.source, Exchange.partition)
        .order_by(Exchange.source, Exchange.partition)
    )
    return [f"{source}/{partition}@{first}-{last}" for source, partition, first, last in rows]


def newest_attributes(
    connection: Connection, model: str, limit: int, *, of_baseline: bool
) -> list[dict[str, Any]]:
    """Return the attributes of a model's newest exchanges, of its baselines or of its traffic."""
    side = Exchange.baseline_id.is_not(None) if of_baseline else Exchange.baseline_id.is_(None)
    statement = (
        select(Exchange.attributes)
        .where(Exchange.model == model, side)
        .order_by(Exchange.occurred_at.desc())
        .limit(limit)
    )
    return list(connection.execute(statement).scalars())


def first_exchange_at(connection: Connection, model: str) -> datetime | None:
    """Return when the oldest traffic of a model occurred; ``None`` where there is none."""
    return connection.execute(
        select(func.min(Exchange.occurred_at)).where(
            Exchange.model == model, Exchange.baseline_id.is_(None)
        )
    ).scalar_one()


def last_exchange_at(connection: Connection, model: str) -> datetime | None:
    """Return when the newest traffic of a model occurred; ``None`` where there is none."""
    return connection.execute(
        select(func.max(Exchange.occurred_at)).where(
            Exchange.model == model, Exchange.baseline_id.is_(None)
        )
    ).scalar_one()


def models_seen(connection: Connection, start: datetime, end: datetime, *, limit: int) -> list[str]:
    """Return the models whose traffic occurred in ``[start, end)``, those with most first."""
    statement = (
        select(Exchange.model)
        .where(
            Exchange.occurred_at >= start,
            Exchange.occurred_at < end,
            Exchange.baseline_id.is_(None),
        )
        .group_by(Exchange.model)
        .order_by(func.count().desc(), Exchange.model)
        .limit(limit)
    )
    return list(connection.execute(statement).scalars())


def stored_models(connection: Connection) -> set[str]:
    """Return the models with stored traffic."""
    return set(connection.execute(names_of_stored()).scalars()) - {None}


@cache
def names_of_stored() -> Select[str]:
    """Return the query of the models with stored traffic; with a row of NULL, of no model."""
    return select(_stored_models().c.model)


def newest_traffic(connection: Connection) -> dict[str, datetime]:
    """Return when the newest traffic of each model occurred."""
    models = _stored_models()
    newest = (
        select(func.max(Exchange.occurred_at))
        .where(Exchange.model == models.c.model, Exchange.baseline_id.is_(None))
        .correlate(models)
        .scalar_subquery()
    )
    statement = select(models.c.model, newest).where(models.c.model.is_not(None))
    return {row[0]: row[1] for row in connection.execute(statement)}


def _stored_models() -> CTE:
    """Return the models with traffic, and a ``NULL``, by a search of the index name by name."""
    first = select(func.min(Exchange.model).label("model")).where(Exchange.baseline_id.is_(None))
    models = first.cte("stored_models", recursive=True)
    following = (
        select(func.min(Exchange.model))
        .where(Exchange.model > models.c.model, Exchange.baseline_id.is_(None))
        .correlate(models)
        .scalar_subquery()
    )
    return models.union_all(select(following).where(models.c.model.is_not(None)))


def _traffic(model: str, start: datetime, end: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Exchange.model == model,
        Exchange.occurred_at >= start,
        Exchange.occurred_at < end,
        Exchange.baseline_id.is_(None),
    )


def _load(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], encoder: str = ""
) -> Exchanges:
    counts = _count_by_encoder(connection, conditions)
    encoder = encoder or next(iter(counts), "")
    loaded = {name: column for name, column in COLUMNS.items() if column.name and column.is_loaded}
    table = Exchange.__table__.c
    wanted = (*conditions, EmbeddingBlock.encoder == encoder)
    selected = (
        select(
            *(table[column.name] for column in loaded.values()),
            Exchange.block_id,
            Exchange.block_row,
        )
        .join(EmbeddingBlock, EmbeddingBlock.id == Exchange.block_id)
        .where(*wanted)
        .order_by(Exchange.occurred_at, Exchange.id)
    )
    is_large = counts.get(encoder, 0) > MAX_UNPACKED_ROWS
    collectors = [collector_of(name, column, is_packed=is_large) for name, column in loaded.items()]
    collectors += [CollectedNumbers("<i8"), CollectedNumbers("<i8")]
    read = connection.execute(selected.execution_options(yield_per=ROWS_AT_ONCE))
    for rows in read.partitions():
        for collector, values in zip(collectors, zip(*rows, strict=True), strict=True):
            collector.append(values)
    columns = [collector.column() for collector in collectors]
    prompt_vectors, response_vectors = load_vectors(
        connection, columns[-2], columns[-1], is_spooled=is_large
    )
    return Exchanges(
        **dict(zip(loaded, columns, strict=False)),
        prompt_vectors=prompt_vectors,
        response_vectors=response_vectors,
        encoder=encoder,
        n_other_encoder=sum(counts.values()) - len(columns[-1]),
    )


def _count_by_encoder(
    connection: Connection, conditions: Sequence[ColumnElement[bool]]
) -> dict[str, int]:
    counts = connection.execute(
        select(EmbeddingBlock.encoder, func.count())
        .join(Exchange, Exchange.block_id == EmbeddingBlock.id)
        .where(*conditions)
        .group_by(EmbeddingBlock.encoder)
        .order_by(func.max(EmbeddingBlock.created_at).desc(), func.max(EmbeddingBlock.id).desc())
    )
    return {row[0]: row[1] for row in counts}
