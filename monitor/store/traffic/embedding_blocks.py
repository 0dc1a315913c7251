"""Vectors stored in blocks, so that a window of a million exchanges loads fast."""

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from monitor.errors import TransientError
from monitor.store.rows import insert_row
from monitor.store.tables import EmbeddingBlock
from monitor.store.traffic.spool import spooled_array

#: Blocks in one statement, well below SQLite's limit of bound parameters.
BLOCKS_PER_QUERY = 500
#: Blocks in memory at once: a block has the vectors of up to some thousand rows.
BLOCKS_AT_ONCE = 8


def insert_block(
    connection: Connection,
    *,
    n_rows: int,
    encoder: str,
    prompt_vectors: NDArray[np.floating[Any]],
    response_vectors: NDArray[np.floating[Any]],
    created_at: datetime,
) -> int:
    """Insert the vectors of a batch, two arrays ``[n_rows, d]``; return the block's id."""
    shape = prompt_vectors.shape
    if shape != response_vectors.shape or len(shape) != 2 or shape[0] != n_rows:
        raise ValueError(
            f"{n_rows} rows need two arrays [{n_rows}, d], not {shape} and {response_vectors.shape}"
        )
    return insert_row(
        connection,
        EmbeddingBlock,
        encoder=encoder,
        dimension=shape[1],
        n_rows=n_rows,
        prompt_vectors=prompt_vectors.astype("<f2").tobytes(),
        response_vectors=response_vectors.astype("<f2").tobytes(),
        created_at=created_at,
    )


def load_vectors(
    connection: Connection,
    block_ids: NDArray[np.int64],
    block_rows: NDArray[np.int64],
    *,
    is_spooled: bool = False,
) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """Load the vectors of rows from their blocks; each block is read once.

    The ids of blocks, which have one dimension, and the rows in them are ``[n]``. Spooled vectors
    are kept in files instead of memory. Return prompt and response vectors, each ``[n, d]``;
    ``[0, 0]`` where n is 0.

    Raises:
        TransientError: A block has gone since the rows were read: another took its place.
    """
    blocks, block_of_row = np.unique(block_ids, return_inverse=True)
    by_block = np.argsort(block_of_row, kind="stable")
    bounds = np.searchsorted(block_of_row, np.arange(len(blocks) + 1), sorter=by_block)
    prompts = np.empty((0, 0), dtype=np.float16)
    responses = prompts
    n_found = 0
    for first in range(0, len(blocks), BLOCKS_PER_QUERY):
        wanted = blocks[first : first + BLOCKS_PER_QUERY].tolist()
        for block_id, dimension, prompt_bytes, response_bytes in connection.execute(
            select(
                EmbeddingBlock.id,
                EmbeddingBlock.dimension,
                EmbeddingBlock.prompt_vectors,
                EmbeddingBlock.response_vectors,
            )
            .where(EmbeddingBlock.id.in_(wanted))
            .execution_options(yield_per=BLOCKS_AT_ONCE)
        ):
            n_found += 1
            if prompts.size == 0:
                allocate = spooled_array if is_spooled else np.empty
                prompts, responses = (
                    allocate((len(block_ids), dimension), dtype=np.float16) for _ in range(2)
                )
            index = np.searchsorted(blocks, block_id)
            rows = by_block[bounds[index] : bounds[index + 1]]
            inside = block_rows[rows]
            prompts[rows] = np.frombuffer(prompt_bytes, "<f2").reshape(-1, dimension)[inside]
            responses[rows] = np.frombuffer(response_bytes, "<f2").reshape(-1, dimension)[inside]
    if n_found < len(blocks):
        raise TransientError(
            "vectors have moved since their rows were read; read both in one snapshot"
        )
    return prompts, responses
