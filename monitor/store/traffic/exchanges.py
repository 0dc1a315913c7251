"""Sampled exchanges and their vectors: written in blocks, read by window."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, func, select

from monitor.errors import NotFoundError
from monitor.store.bulk_insert import insert_rows
from monitor.store.tables import EmbeddingBlock, Exchange, metadata
from monitor.store.traffic.embedding_blocks import insert_block, load_vectors

T = TypeVar("T")


@dataclass(frozen=True)
class Position:
    """Where a record stood: a Kafka topic or a file, its partition and offset."""

    source: str
    partition: int
    offset: int
    #: Position inside a record that carries several exchanges.
    record_index: int = 0


@dataclass(frozen=True, kw_only=True)
class ExchangeRow:
    """An exchange as it is stored, without its vectors."""

    position: Position
    exchange_id: str
    occurred_at: datetime
    received_at: datetime
    model: str
    task_type: str
    end_user: str
    #: ``[{"role", "content"}, ...]``
    messages: list[dict[str, str]]
    prompt: str
    response: str
    attributes: dict[str, Any]
    truncated: bool
    inclusion_probability: float
    #: The sample of its rate is ``randomness >= threshold``; below are candidates for the floor.
    randomness: int = 0
    threshold: int = 0
    candidate_threshold: int = 0
    min_sample_size: int = 0


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class ExchangeColumns:
    """The exchanges of a window, in order of time: lists of n, arrays ``[n]`` and ``[n, d]``."""

    ids: NDArray[np.int64]
    exchange_ids: list[str]
    prompts: list[str]
    responses: list[str]
    users: list[str]
    task_types: list[str]
    occurred_at: list[datetime]
    attributes: list[dict[str, Any]]
    inclusion_probability: NDArray[np.float64]
    #: int64 ``[n]``, as in :class:`ExchangeRow`.
    randomness: NDArray[np.int64]
    threshold: NDArray[np.int64]
    candidate_threshold: NDArray[np.int64]
    min_sample_size: NDArray[np.int64]
    #: float16, unit norm.
    prompt_vectors: NDArray[np.float16]
    response_vectors: NDArray[np.float16]
    #: Identity of the encoder that made every vector here; empty where there is no row.
    encoder: str
    #: Exchanges left out because another encoder made their vectors.
    n_other_encoder: int

    def __len__(self) -> int:
        """Return the number of exchanges."""
        return len(self.exchange_ids)

    def take(self, rows: NDArray[np.int64]) -> "ExchangeColumns":
        """Return some of the exchanges, by their row numbers."""
        return replace(
            self,
            ids=self.ids[rows],
            exchange_ids=_pick(self.exchange_ids, rows),
            prompts=_pick(self.prompts, rows),
            responses=_pick(self.responses, rows),
            users=_pick(self.users, rows),
            task_types=_pick(self.task_types, rows),
            occurred_at=_pick(self.occurred_at, rows),
            attributes=_pick(self.attributes, rows),
            inclusion_probability=self.inclusion_probability[rows],
            randomness=self.randomness[rows],
            threshold=self.threshold[rows],
            candidate_threshold=self.candidate_threshold[rows],
            min_sample_size=self.min_sample_size[rows],
            prompt_vectors=self.prompt_vectors[rows],
            response_vectors=self.response_vectors[rows],
        )


def insert_exchanges(
    connection: Connection,
    rows: Sequence[ExchangeRow],
    *,
    encoder: str,
    prompt_vectors: NDArray[np.float16],
    response_vectors: NDArray[np.float16],
    created_at: datetime,
    baseline_id: int | None = None,
) -> None:
    """Write exchanges and, in one block, their vectors.

    Args:
        connection: An open transaction.
        rows: The exchanges.
        encoder: Identity of the encoder that made the vectors.
        prompt_vectors: ``[n, d]``, row by row those of ``rows``.
        response_vectors: ``[n, d]``.
        created_at: Now.
        baseline_id: The baseline these belong to; ``None`` for traffic.
    """
    if not rows:
        return
    block_id = insert_block(
        connection,
        n_rows=len(rows),
        encoder=encoder,
        prompt_vectors=prompt_vectors,
        response_vectors=response_vectors,
        created_at=created_at,
    )
    common = {"block_id": block_id, "baseline_id": baseline_id}
    insert_rows(
        connection,
        metadata.tables[Exchange.__tablename__],
        [{**_values(row), **common, "block_row": index} for index, row in enumerate(rows)],
    )


def load_window(
    connection: Connection, model: str, start: datetime, end: datetime, *, encoder: str = ""
) -> ExchangeColumns:
    """Load the traffic of a model in ``[start, end)``; baselines are not traffic.

    Args:
        connection: A snapshot.
        model: As the traffic names it.
        start: First instant.
        end: First instant after.
        encoder: Whose vectors; without it those of the encoder that made the newest block.
    """
    return _load(connection, _traffic(model, start, end), encoder)


def count_by_encoder(
    connection: Connection, model: str, start: datetime, end: datetime
) -> dict[str, int]:
    """Return how many exchanges of a window each encoder embedded, the newest encoder first."""
    return _count_by_encoder(connection, _traffic(model, start, end))


def load_baseline(connection: Connection, baseline_id: int) -> ExchangeColumns:
    """Load the exchanges of a baseline."""
    return _load(connection, (Exchange.baseline_id == baseline_id,))


def exchange_by_id(connection: Connection, exchange_row_id: int) -> ExchangeDetail:
    """Return one exchange with its conversation.

    Raises:
        NotFoundError: There is none of this id.
    """
    row = (
        connection.execute(
            select(
                Exchange.id,
                Exchange.exchange_id,
                Exchange.occurred_at,
                Exchange.model,
                Exchange.task_type,
                Exchange.end_user,
                Exchange.messages,
                Exchange.prompt,
                Exchange.response,
                Exchange.attributes,
                Exchange.truncated,
                Exchange.baseline_id,
            ).where(Exchange.id == exchange_row_id)
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotFoundError(f"there is no exchange {exchange_row_id}")
    return ExchangeDetail(**row)


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


def _traffic(model: str, start: datetime, end: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Exchange.model == model,
        Exchange.occurred_at >= start,
        Exchange.occurred_at < end,
        Exchange.baseline_id.is_(None),
    )


def _load(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], encoder: str = ""
) -> ExchangeColumns:
    counts = _count_by_encoder(connection, conditions)
    encoder = encoder or next(iter(counts), "")
    rows = connection.execute(
        select(
            Exchange.id,
            Exchange.exchange_id,
            Exchange.prompt,
            Exchange.response,
            Exchange.end_user,
            Exchange.task_type,
            Exchange.occurred_at,
            Exchange.attributes,
            Exchange.inclusion_probability,
            Exchange.randomness,
            Exchange.threshold,
            Exchange.candidate_threshold,
            Exchange.min_sample_size,
            Exchange.block_id,
            Exchange.block_row,
        )
        .join(EmbeddingBlock, EmbeddingBlock.id == Exchange.block_id)
        .where(*conditions, EmbeddingBlock.encoder == encoder)
        .order_by(Exchange.occurred_at, Exchange.id)
    ).all()
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
    if not columns:
        columns = [[] for _ in range(15)]
    block_ids = np.asarray(columns[13], dtype=np.int64)
    block_rows = np.asarray(columns[14], dtype=np.int64)
    prompt_vectors, response_vectors = load_vectors(connection, block_ids, block_rows)
    return ExchangeColumns(
        ids=np.asarray(columns[0], dtype=np.int64),
        exchange_ids=columns[1],
        prompts=columns[2],
        responses=columns[3],
        users=columns[4],
        task_types=columns[5],
        occurred_at=columns[6],
        attributes=columns[7],
        inclusion_probability=np.asarray(columns[8], dtype=np.float64),
        randomness=np.asarray(columns[9], dtype=np.int64),
        threshold=np.asarray(columns[10], dtype=np.int64),
        candidate_threshold=np.asarray(columns[11], dtype=np.int64),
        min_sample_size=np.asarray(columns[12], dtype=np.int64),
        prompt_vectors=prompt_vectors,
        response_vectors=response_vectors,
        encoder=encoder,
        n_other_encoder=sum(counts.values()) - len(rows),
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


def _pick(column: list[T], rows: NDArray[np.int64]) -> list[T]:
    return [column[row] for row in rows]


def _values(row: ExchangeRow) -> dict[str, Any]:
    return {
        "source": row.position.source,
        "partition": row.position.partition,
        "offset": row.position.offset,
        "record_index": row.position.record_index,
        "exchange_id": row.exchange_id,
        "occurred_at": row.occurred_at,
        "received_at": row.received_at,
        "model": row.model,
        "task_type": row.task_type,
        "end_user": row.end_user,
        "messages": row.messages,
        "prompt": row.prompt,
        "response": row.response,
        "attributes": row.attributes,
        "truncated": row.truncated,
        "inclusion_probability": row.inclusion_probability,
        "randomness": row.randomness,
        "threshold": row.threshold,
        "candidate_threshold": row.candidate_threshold,
        "min_sample_size": row.min_sample_size,
    }
