"""Reference exchanges of a model: immutable, named by the digest of their content."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from monitor.store.tables import Baseline

BASELINES = select(
    Baseline.id,
    Baseline.model,
    Baseline.digest,
    Baseline.n_exchanges,
    Baseline.encoder,
    Baseline.created_at,
)


@dataclass(frozen=True)
class BaselineRow:
    """A baseline, without its exchanges; see :func:`monitor.store.exchanges.load_baseline`."""

    id: int
    model: str
    digest: str
    n_exchanges: int
    encoder: str
    created_at: datetime


def create_baseline(
    connection: Connection,
    model: str,
    digest: str,
    *,
    n_exchanges: int,
    encoder: str,
    created_at: datetime,
) -> int:
    """Write a baseline; its exchanges are inserted next, in the same transaction."""
    return connection.execute(
        insert(Baseline)
        .values(
            model=model,
            digest=digest,
            n_exchanges=n_exchanges,
            encoder=encoder,
            created_at=created_at,
        )
        .returning(Baseline.id)
    ).scalar_one()


def latest_baseline(connection: Connection, model: str) -> BaselineRow | None:
    """Return the newest baseline of a model; ``None`` where it has none."""
    newest = BASELINES.where(Baseline.model == model).order_by(Baseline.id.desc()).limit(1)
    row = connection.execute(newest).first()
    return None if row is None else BaselineRow(*row)


def baseline_by_digest(connection: Connection, digest: str) -> BaselineRow | None:
    """Return the baseline of this content; ``None`` where it was never imported."""
    row = connection.execute(BASELINES.where(Baseline.digest == digest)).first()
    return None if row is None else BaselineRow(*row)
