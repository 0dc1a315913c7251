"""Baselines whose texts were embedded by another encoder: a copy with vectors of its own."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from monitor.store.baselines import BaselineRow, baseline_by_digest, create_baseline
from monitor.store.embedding_blocks import insert_block
from monitor.store.exchanges import WindowRows
from monitor.store.tables import Exchange

#: Vectors in a block.
BLOCK_ROWS = 1024

#: What a copy doesn't share with its original.
_OWN = {"id", "source", "baseline_id", "block_id", "block_row"}
_SHARED = tuple(column for column in Exchange.__table__.columns if column.name not in _OWN)


def copy_with_vectors(
    connection: Connection,
    original: BaselineRow,
    rows: WindowRows,
    *,
    encoder: str,
    prompt_vectors: NDArray[np.float16],
    response_vectors: NDArray[np.float16],
    now: datetime,
) -> BaselineRow:
    """Store a baseline anew with other vectors, unless that was done before.

    The original stays: windows that its encoder embedded are compared with it.

    Args:
        connection: An open transaction.
        original: The baseline.
        rows: Its exchanges.
        encoder: Identity of the encoder that made the vectors.
        prompt_vectors: ``[n, d]``, row by row those of ``rows``.
        response_vectors: ``[n, d]``.
        now: When the copy is made.
    """
    digest = sha256(f"{original.digest} {encoder}".encode()).hexdigest()
    known = baseline_by_digest(connection, digest)
    if known is not None:
        return known
    try:
        with connection.begin_nested():
            baseline_id = create_baseline(
                connection,
                original.model,
                digest,
                n_exchanges=len(rows),
                encoder=encoder,
                created_at=now,
                model_version=original.model_version,
            )
    except IntegrityError:  # made by another process meanwhile
        made = baseline_by_digest(connection, digest)
        if made is None:
            raise
        return made
    for part in _blocks(len(rows)):
        block_id = insert_block(
            connection,
            n_rows=len(part),
            encoder=encoder,
            prompt_vectors=prompt_vectors[part],
            response_vectors=response_vectors[part],
            created_at=now,
        )
        ids = rows.ids[part].tolist()
        stored = {
            row["id"]: row
            for row in connection.execute(
                select(Exchange.__table__.c.id, *_SHARED).where(Exchange.id.in_(ids))
            ).mappings()
        }
        own = {"source": f"baseline:{digest[:16]}", "baseline_id": baseline_id}
        connection.execute(
            insert(Exchange),
            [
                {
                    **{column.name: stored[id_][column.name] for column in _SHARED},
                    **own,
                    "block_id": block_id,
                    "block_row": number,
                }
                for number, id_ in enumerate(ids)
            ],
        )
    return BaselineRow(
        baseline_id,
        original.model,
        digest,
        len(rows),
        encoder,
        original.model_version,
        now,
    )


def _blocks(n_rows: int) -> Iterator[NDArray[np.int64]]:
    for first in range(0, n_rows, BLOCK_ROWS):
        yield np.arange(first, min(first + BLOCK_ROWS, n_rows), dtype=np.int64)
