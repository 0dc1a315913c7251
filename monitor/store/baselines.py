"""Reference exchanges of a model: immutable, named by the digest of their content."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, Select, insert, select

from monitor.store.tables import Baseline


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
    newest = _baselines().where(Baseline.model == model).order_by(Baseline.id.desc()).limit(1)
    return _read(connection.execute(newest).first())


def baseline_by_digest(connection: Connection, digest: str) -> BaselineRow | None:
    """Return the baseline of this content; ``None`` where it was never imported."""
    return _read(connection.execute(_baselines().where(Baseline.digest == digest)).first())


def _baselines() -> Select[tuple[int, str, str, int, str, datetime]]:
    return select(
        Baseline.id,
        Baseline.model,
        Baseline.digest,
        Baseline.n_exchanges,
        Baseline.encoder,
        Baseline.created_at,
    )


def _read(row: Row[int, str, str, int, str, datetime] | None) -> BaselineRow | None:
    return None if row is None else BaselineRow(*row)
