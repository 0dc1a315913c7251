"""Upkeep of vector blocks: rows that went leave them, and many small ones become few.

A block never changes: a new one takes its place, in the transaction that points the rows to it. So
whoever read the rows before finds the old block or none, never another row's vector.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, exists, func, select, text, update

from monitor.store.tables import EmbeddingBlock, Exchange
from monitor.store.traffic.embedding_blocks import insert_block

#: A block that was joined from others holds at most so many rows.
MAX_ROWS = 4096
#: Blocks joined in one transaction: each costs a statement.
MAX_BLOCKS = 500
#: Fewer small blocks than this aren't worth rewriting, unless they fill half a block.
WORTH_JOINING = 8
#: Held on PostgreSQL until commit, so that two processes don't move the same rows.
ADVISORY_LOCK = 0x6472_6966_7462_6C6B


@dataclass(frozen=True)
class Block:
    """A block without its vectors."""

    id: int
    encoder: str
    dimension: int
    n_rows: int


def lock_blocks(connection: Connection) -> None:
    """Wait until nobody else removes exchanges or moves vectors, and keep it so until the commit.

    SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})


def blocks_with_dead_rows(connection: Connection, limit: int = 1000) -> list[int]:
    """Return blocks that hold vectors of exchanges that are gone, the oldest first."""
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
    """Put a block without the vectors of exchanges that are gone in its place, or none.

    Call it under :func:`lock_blocks`.

    Returns:
        How many vectors of each side went.
    """
    block = connection.execute(
        select(
            EmbeddingBlock.encoder,
            EmbeddingBlock.dimension,
            EmbeddingBlock.n_rows,
            EmbeddingBlock.prompt_vectors,
            EmbeddingBlock.response_vectors,
            EmbeddingBlock.created_at,
        ).where(EmbeddingBlock.id == block_id)
    ).one_or_none()
    if block is None:  # another process has done it
        return 0
    living = connection.execute(
        select(Exchange.id, Exchange.block_row)
        .where(Exchange.block_id == block_id)
        .order_by(Exchange.block_row)
    ).all()
    if len(living) == block.n_rows:
        return 0
    if living:
        kept = [row.block_row for row in living]
        new_id = insert_block(
            connection,
            n_rows=len(kept),
            encoder=block.encoder,
            prompt_vectors=_vectors(block.prompt_vectors, block.dimension)[kept],
            response_vectors=_vectors(block.response_vectors, block.dimension)[kept],
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
    """Return groups of small blocks of traffic that are worth joining.

    The blocks of a group are of one encoder, written one after the other, before a time; together
    they have at most :data:`MAX_ROWS` rows.
    """
    of_baseline = exists().where(
        Exchange.block_id == EmbeddingBlock.id, Exchange.baseline_id.is_not(None)
    )
    statement = (
        select(
            EmbeddingBlock.id, EmbeddingBlock.encoder, EmbeddingBlock.dimension,
            EmbeddingBlock.n_rows,
        )
        .where(
            EmbeddingBlock.created_at < before, EmbeddingBlock.n_rows <= MAX_ROWS // 2, ~of_baseline
        )
        .order_by(EmbeddingBlock.encoder, EmbeddingBlock.dimension, EmbeddingBlock.id)
    )  # fmt: skip
    blocks = [Block(*row) for row in connection.execute(statement)]
    return [[one.id for one in group] for group in _groups(blocks) if _is_worth(group)]


def merge_blocks(connection: Connection, block_ids: Sequence[int]) -> int:
    """Put one block in the place of several; every vector keeps its bits.

    Call it under :func:`lock_blocks`.

    Returns:
        The rows moved; 0 where one of the blocks has gone or lost rows since they were chosen.
    """
    blocks = connection.execute(
        select(
            EmbeddingBlock.id,
            EmbeddingBlock.encoder,
            EmbeddingBlock.dimension,
            EmbeddingBlock.n_rows,
            EmbeddingBlock.prompt_vectors,
            EmbeddingBlock.response_vectors,
            EmbeddingBlock.created_at,
        )
        .where(EmbeddingBlock.id.in_(block_ids))
        .order_by(EmbeddingBlock.id)
    ).all()
    if len(blocks) < len(block_ids) or len({(one.encoder, one.dimension) for one in blocks}) > 1:
        return 0
    n_rows = int(sum(one.n_rows for one in blocks))
    new_id = insert_block(
        connection,
        n_rows=n_rows,
        encoder=blocks[0].encoder,
        prompt_vectors=np.concatenate(
            [_vectors(one.prompt_vectors, one.dimension) for one in blocks]
        ),
        response_vectors=np.concatenate(
            [_vectors(one.response_vectors, one.dimension) for one in blocks]
        ),
        # The newest: which encoder is the present one is told by the time of its newest block.
        created_at=max(one.created_at for one in blocks),
    )
    moves, shift = [], 0
    for one in blocks:
        moves.append({"old": one.id, "shift": shift})
        shift += one.n_rows
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
    """Cut the blocks, in their order, into groups that fit into one."""
    group: list[Block] = []
    for block in blocks:
        fits = (
            group
            and (group[0].encoder, group[0].dimension) == (block.encoder, block.dimension)
            and sum(one.n_rows for one in group) + block.n_rows <= MAX_ROWS
            and len(group) < MAX_BLOCKS
        )
        if not fits and group:
            yield group
            group = []
        group.append(block)
    if group:
        yield group


def _is_worth(group: Sequence[Block]) -> bool:
    n_rows = sum(one.n_rows for one in group)
    return len(group) >= WORTH_JOINING or (len(group) > 1 and n_rows > MAX_ROWS // 2)
