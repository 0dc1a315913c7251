"""Compaction of embedding blocks: dead rows are dropped, small blocks merged.

A block never changes: a new one replaces it in the transaction that points the rows to it. A reader
of the old rows finds the old block or none, never the vector of another row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, exists, func, select, update

from monitor.store.advisory_lock import lock_until_commit
from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import EmbeddingBlock, Exchange
from monitor.store.traffic.embedding_blocks import insert_block

#: Maximum number of rows of a merged block.
MAX_ROWS = 4096
#: Maximum number of blocks merged in one transaction: each costs a statement.
MAX_BLOCKS = 500
#: Minimum number of small blocks to be merged, unless they fill half a block.
MIN_BLOCKS = 8
#: Key of the PostgreSQL lock held until commit, so that no two processes move the same rows.
ADVISORY_LOCK = 0x6472_6966_7462_6C6B


@dataclass(frozen=True)
class Block:
    """A block without its vectors."""

    id: int
    encoder: str
    dimension: int
    n_rows: int


_COLUMNS = (
    *columns_of(Block, EmbeddingBlock),
    EmbeddingBlock.prompt_vectors,
    EmbeddingBlock.response_vectors,
    EmbeddingBlock.created_at,
)


def lock_blocks(connection: Connection) -> None:
    """Lock deletions of exchanges and moves of vectors until the commit."""
    lock_until_commit(connection, ADVISORY_LOCK)


def blocks_with_dead_rows(connection: Connection, limit: int = 1000) -> list[int]:
    """Return blocks with vectors of deleted exchanges, the oldest first."""
    living = func.count(Exchange.id)
    statement = (
        select(EmbeddingBlock.id)
        .outerjoin(Exchange, Exchange.block_id == EmbeddingBlock.id)
        .group_by(EmbeddingBlock.id, EmbeddingBlock.n_rows)
        .having(living < EmbeddingBlock.n_rows)
        .order_by(EmbeddingBlock.id)
        .limit(limit)
    )
    return list(connection.execute(statement).scalars())


def drop_dead_rows(connection: Connection, block_id: int) -> int:
    """Replace a block by one without the vectors of deleted exchanges, or delete it.

    Call it under :func:`lock_blocks`. Return how many vectors of each side went.
    """
    block = connection.execute(select(*_COLUMNS).where(EmbeddingBlock.id == block_id)).one_or_none()
    if block is None:  # replaced by another process
        return 0
    living = connection.execute(
        select(Exchange.id, Exchange.block_row)
        .where(Exchange.block_id == block_id)
        .order_by(Exchange.block_row)
    ).all()
    if len(living) == block.n_rows:
        return 0
    if living:
        block_rows = [row.block_row for row in living]
        new_id = insert_block(
            connection,
            n_rows=len(block_rows),
            encoder=block.encoder,
            prompt_vectors=_vectors(block.prompt_vectors, block.dimension)[block_rows],
            response_vectors=_vectors(block.response_vectors, block.dimension)[block_rows],
            created_at=block.created_at,
        )
        connection.execute(
            update(Exchange)
            .where(Exchange.id == bindparam("row_id"))
            .values(block_id=new_id, block_row=bindparam("to")),
            [{"row_id": row.id, "to": index} for index, row in enumerate(living)],
        )
    connection.execute(delete(EmbeddingBlock).where(EmbeddingBlock.id == block_id))
    return int(block.n_rows - len(living))


def groups_to_merge(connection: Connection, before: datetime) -> list[list[int]]:
    """Return groups of small blocks of traffic to be merged.

    The blocks of a group are of one encoder, consecutive, older than a time, and have at most
    :data:`MAX_ROWS` rows together.
    """
    of_baseline = exists().where(
        Exchange.block_id == EmbeddingBlock.id, Exchange.baseline_id.is_not(None)
    )
    statement = (
        select(*columns_of(Block, EmbeddingBlock))
        .where(
            EmbeddingBlock.created_at < before, EmbeddingBlock.n_rows <= MAX_ROWS // 2, ~of_baseline
        )
        .order_by(EmbeddingBlock.encoder, EmbeddingBlock.dimension, EmbeddingBlock.id)
    )  # fmt: skip
    blocks = read_rows(connection, Block, statement)
    return [[block.id for block in group] for group in _groups(blocks) if _is_worth_merging(group)]


def merge_blocks(connection: Connection, block_ids: Sequence[int]) -> int:
    """Replace several blocks by one; vectors stay bit-identical.

    Call it under :func:`lock_blocks`. Return the rows moved; 0 where one of the blocks has gone or
    lost rows since they were chosen.
    """
    blocks = connection.execute(
        select(*_COLUMNS).where(EmbeddingBlock.id.in_(block_ids)).order_by(EmbeddingBlock.id)
    ).all()
    if (
        len(blocks) < len(block_ids)
        or len({(block.encoder, block.dimension) for block in blocks}) > 1
    ):
        return 0
    n_rows = int(sum(block.n_rows for block in blocks))
    new_id = insert_block(
        connection,
        n_rows=n_rows,
        encoder=blocks[0].encoder,
        prompt_vectors=np.concatenate(
            [_vectors(block.prompt_vectors, block.dimension) for block in blocks]
        ),
        response_vectors=np.concatenate(
            [_vectors(block.response_vectors, block.dimension) for block in blocks]
        ),
        # The newest, because the time of its newest block identifies the current encoder.
        created_at=max(block.created_at for block in blocks),
    )
    moves, shift = [], 0
    for block in blocks:
        moves.append({"old": block.id, "shift": shift})
        shift += block.n_rows
    connection.execute(
        update(Exchange)
        .where(Exchange.block_id == bindparam("old"))
        .values(block_id=new_id, block_row=Exchange.block_row + bindparam("shift")),
        moves,
    )
    connection.execute(delete(EmbeddingBlock).where(EmbeddingBlock.id.in_(block_ids)))
    return n_rows


def _vectors(raw: bytes, dimension: int) -> NDArray[np.float16]:
    return np.frombuffer(raw, "<f2").reshape(-1, dimension)


def _groups(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Split the blocks, in their order, into groups that fit into one block."""
    group: list[Block] = []
    for block in blocks:
        fits = (
            group
            and (group[0].encoder, group[0].dimension) == (block.encoder, block.dimension)
            and sum(member.n_rows for member in group) + block.n_rows <= MAX_ROWS
            and len(group) < MAX_BLOCKS
        )
        if not fits and group:
            yield group
            group = []
        group.append(block)
    if group:
        yield group


def _is_worth_merging(group: Sequence[Block]) -> bool:
    n_rows = sum(block.n_rows for block in group)
    return len(group) >= MIN_BLOCKS or (len(group) > 1 and n_rows > MAX_ROWS // 2)
