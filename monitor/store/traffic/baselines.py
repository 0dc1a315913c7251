"""Queries of baselines, which are immutable and named by the digest of their content."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from monitor.store.rows import columns_of, insert_row, read_row, read_rows
from monitor.store.tables import Baseline


@dataclass(frozen=True)
class BaselineRow:
    """A baseline without its exchanges.

    See :func:`monitor.store.traffic.exchanges.load_baseline`.
    """

    id: int
    model: str
    digest: str
    n_exchanges: int
    encoder: str
    #: The version of the model that gave the answers; empty if unknown.
    model_version: str
    created_at: datetime


_ROWS = select(
    *columns_of(BaselineRow, Baseline),
)


def create_baseline(
    connection: Connection,
    model: str,
    digest: str,
    *,
    n_exchanges: int,
    encoder: str,
    created_at: datetime,
    model_version: str = "",
) -> int:
    """Insert a baseline; its exchanges follow in the same transaction."""
    return insert_row(
        connection,
        Baseline,
        model=model,
        digest=digest,
        n_exchanges=n_exchanges,
        encoder=encoder,
        model_version=model_version,
        created_at=created_at,
    )


def list_baselines(connection: Connection, model: str) -> list[BaselineRow]:
    """Return the baselines of a model, the newest first."""
    statement = _ROWS.where(Baseline.model == model).order_by(Baseline.id.desc())
    return read_rows(connection, BaselineRow, statement)


def latest_baseline(connection: Connection, model: str) -> BaselineRow | None:
    """Return the newest baseline of a model; ``None`` where it has none."""
    newest = _ROWS.where(Baseline.model == model).order_by(Baseline.id.desc()).limit(1)
    return read_row(connection, BaselineRow, newest)


def first_baseline_at(connection: Connection, model: str) -> datetime | None:
    """Return when the model's first baseline was imported, which starts its monitoring."""
    return connection.execute(
        select(func.min(Baseline.created_at)).where(Baseline.model == model)
    ).scalar_one()


def baseline_by_digest(connection: Connection, digest: str) -> BaselineRow | None:
    """Return the baseline with a digest, or ``None``."""
    return read_row(connection, BaselineRow, _ROWS.where(Baseline.digest == digest))
