"""Baselines created from stored exchanges: copies with vectors of their own."""

from dataclasses import replace
from datetime import datetime
from hashlib import sha256

import numpy as np
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from monitor.store.traffic.baselines import BaselineRow, baseline_by_digest, create_baseline
from monitor.store.traffic.exchange_columns import COLUMNS, Exchanges
from monitor.store.traffic.exchanges import insert_exchanges, load_all_columns

BLOCK_ROWS = 1024


def copy_baseline_with_vectors(
    connection: Connection, original: BaselineRow, exchanges: Exchanges, *, now: datetime
) -> BaselineRow:
    """Copy a baseline with other vectors, unless the copy exists.

    The original stays: windows embedded by its encoder are compared with it. The exchanges are its
    own, with the new vectors.
    """
    digest = sha256(f"{original.digest} {exchanges.encoder}".encode()).hexdigest()
    return _create(connection, original.model, original.model_version, digest, exchanges, now=now)


def create_baseline_from_traffic(
    connection: Connection, model: str, model_version: str, exchanges: Exchanges, *, now: datetime
) -> BaselineRow:
    """Create a version's baseline from its traffic, unless it exists.

    The traffic expires by its age; the baseline keeps copies. The model is as the traffic names it,
    and the version is the one that responded. The exchanges are a sample in which every one stands
    for equally many, with the sampling columns that it has as a part of a baseline.
    """
    named = [model, model_version, exchanges.encoder, *map(str, sorted(exchanges.ids.tolist()))]
    digest = sha256("\n".join(named).encode()).hexdigest()
    return _create(connection, model, model_version, digest, exchanges, now=now)


def _create(
    connection: Connection,
    model: str,
    model_version: str,
    digest: str,
    exchanges: Exchanges,
    *,
    now: datetime,
) -> BaselineRow:
    """Create a baseline with copies of exchanges, unless one of its digest exists."""
    known = baseline_by_digest(connection, digest)
    if known is not None:
        return known
    try:
        with connection.begin_nested():
            baseline_id = create_baseline(
                connection,
                model,
                digest,
                n_exchanges=len(exchanges),
                encoder=exchanges.encoder,
                created_at=now,
                model_version=model_version,
            )
    except IntegrityError:  # made by another process meanwhile
        made = baseline_by_digest(connection, digest)
        if made is None:
            raise
        return made
    _copy(connection, baseline_id, digest, exchanges, now=now)
    return BaselineRow(
        baseline_id, model, digest, len(exchanges), exchanges.encoder, model_version, now
    )


def _copy(
    connection: Connection, baseline_id: int, digest: str, exchanges: Exchanges, *, now: datetime
) -> None:
    """Copy exchanges into a baseline; columns that are not loaded come from the original."""
    for first in range(0, len(exchanges), BLOCK_ROWS):
        part = exchanges.take(np.arange(first, min(first + BLOCK_ROWS, len(exchanges))))
        loaded = {
            name: getattr(part, name)
            for name, column in COLUMNS.items()
            if column.is_loaded and column.role != "place"
        }
        insert_exchanges(
            connection,
            replace(
                load_all_columns(connection, part.ids.tolist()),
                **loaded,
                encoder=part.encoder,
                # Originals of several sources may share a position.
                sources=[f"baseline:{digest[:16]}"] * len(part),
                partitions=[0] * len(part),
                offsets=range(first, first + len(part)),
                record_indexes=[0] * len(part),
            ),
            created_at=now,
            baseline_id=baseline_id,
        )
