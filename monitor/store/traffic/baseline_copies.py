"""Baselines created from stored exchanges: copies with vectors of their own."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from monitor.store.tables import Exchange
from monitor.store.traffic.baselines import BaselineRow, baseline_by_digest, create_baseline
from monitor.store.traffic.embedding_blocks import insert_block
from monitor.store.traffic.exchanges import ExchangeColumns

#: Vectors in a block.
BLOCK_ROWS = 1024

#: What a copy doesn't share with its original.
_OWN = {"id", "source", "baseline_id", "block_id", "block_row"}
_SHARED = tuple(column for column in Exchange.__table__.columns if column.name not in _OWN)


def copy_baseline_with_vectors(
    connection: Connection,
    original: BaselineRow,
    rows: ExchangeColumns,
    *,
    encoder: str,
    prompt_vectors: NDArray[np.float16],
    response_vectors: NDArray[np.float16],
    now: datetime,
) -> BaselineRow:
    """Copy a baseline with other vectors, unless the copy exists.

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
    _copy(
        connection,
        baseline_id,
        digest,
        rows,
        encoder=encoder,
        prompt_vectors=prompt_vectors,
        response_vectors=response_vectors,
        now=now,
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


def create_baseline_from_traffic(
    connection: Connection,
    model: str,
    model_version: str,
    rows: ExchangeColumns,
    *,
    randomness: Sequence[int],
    now: datetime,
) -> BaselineRow:
    """Create a version's baseline from its traffic, unless it exists.

    The traffic expires by its age; the baseline keeps copies.

    Args:
        connection: An open transaction.
        model: As the traffic names it.
        model_version: The version that answered.
        rows: A sample in which every exchange stands for equally many.
        randomness: What each is thinned by as part of a baseline.
        now: When the baseline is made.
    """
    named = [model, model_version, rows.encoder, *map(str, sorted(rows.ids.tolist()))]
    digest = sha256("\n".join(named).encode()).hexdigest()
    known = baseline_by_digest(connection, digest)
    if known is not None:
        return known
    baseline_id = create_baseline(
        connection,
        model,
        digest,
        n_exchanges=len(rows),
        encoder=rows.encoder,
        created_at=now,
        model_version=model_version,
    )
    _copy(
        connection,
        baseline_id,
        digest,
        rows,
        encoder=rows.encoder,
        prompt_vectors=rows.prompt_vectors,
        response_vectors=rows.response_vectors,
        now=now,
        # As of what is stored for certain. Rows of several sources may share a position.
        own=[
            {
                "partition": 0,
                "offset": number,
                "record_index": 0,
                "randomness": value,
                "threshold": 0,
                "candidate_threshold": 0,
                "inclusion_probability": 1.0,
                "min_sample_size": 0,
            }
            for number, value in enumerate(randomness)
        ],
    )
    return BaselineRow(baseline_id, model, digest, len(rows), rows.encoder, model_version, now)


def _copy(
    connection: Connection,
    baseline_id: int,
    digest: str,
    rows: ExchangeColumns,
    *,
    encoder: str,
    prompt_vectors: NDArray[np.float16],
    response_vectors: NDArray[np.float16],
    now: datetime,
    own: Sequence[dict[str, Any]] = (),
) -> None:
    """Copy exchanges into a baseline; ``own`` holds the columns of each row that differ."""
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
        source = f"baseline:{digest[:16]}"
        connection.execute(
            insert(Exchange),
            [
                {
                    **{column.name: stored[id_][column.name] for column in _SHARED},
                    **(own[part[number]] if own else {}),
                    "source": source,
                    "baseline_id": baseline_id,
                    "block_id": block_id,
                    "block_row": number,
                }
                for number, id_ in enumerate(ids)
            ],
        )


def _blocks(n_rows: int) -> Iterator[NDArray[np.int64]]:
    for first in range(0, n_rows, BLOCK_ROWS):
        yield np.arange(first, min(first + BLOCK_ROWS, n_rows), dtype=np.int64)
