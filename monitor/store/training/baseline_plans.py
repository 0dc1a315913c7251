"""Queries of baselines planned for promoted versions."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from monitor.store.rows import columns_of, read_row, update_row
from monitor.store.tables import BaselinePlan, ModelVersion


@dataclass(frozen=True)
class BaselinePlanRow:
    """A planned baseline of a version."""

    id: int
    model: str
    version_id: int
    version: int
    since: datetime
    searched_until: datetime | None
    baseline_id: int | None
    closed_at: datetime | None


_ROWS = select(
    *columns_of(BaselinePlanRow, BaselinePlan, ModelVersion),
).join(ModelVersion, BaselinePlan.version_id == ModelVersion.id)


def plan_baseline(connection: Connection, model: str, version_id: int, now: datetime) -> None:
    """Plan a baseline for a version that was promoted now; earlier plans are closed.

    Call it in the transaction of the promotion.
    """
    connection.execute(
        update(BaselinePlan)
        .where(BaselinePlan.model == model, BaselinePlan.closed_at.is_(None))
        .values(closed_at=now)
    )
    connection.execute(insert(BaselinePlan).values(model=model, version_id=version_id, since=now))


def pending_baseline_plan(connection: Connection, model: str) -> BaselinePlanRow | None:
    """Return the open plan of a model, or ``None``."""
    return read_row(
        connection,
        BaselinePlanRow,
        _ROWS.where(BaselinePlan.model == model, BaselinePlan.closed_at.is_(None)),
    )


def latest_baseline_plan(connection: Connection, version_id: int) -> BaselinePlanRow | None:
    """Return the plan of a version's latest promotion, or ``None``."""
    return read_row(
        connection,
        BaselinePlanRow,
        _ROWS.where(BaselinePlan.version_id == version_id)
        .order_by(BaselinePlan.id.desc())
        .limit(1),
    )


def set_searched_until(connection: Connection, plan_id: int, until: datetime) -> None:
    """Record that windows up to a time hold too little traffic for a plan."""
    update_row(connection, BaselinePlan, plan_id, searched_until=until)


def close_baseline_plan(
    connection: Connection, plan_id: int, baseline_id: int, now: datetime
) -> bool:
    """Close a plan with its baseline; return whether it was open."""
    closed = connection.execute(
        update(BaselinePlan)
        .where(BaselinePlan.id == plan_id, BaselinePlan.closed_at.is_(None))
        .values(baseline_id=baseline_id, closed_at=now)
        .returning(BaselinePlan.id)
    )
    return closed.first() is not None
