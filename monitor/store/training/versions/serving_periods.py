"""Serving periods of model versions, from the changes of their stages."""

from sqlalchemy import Connection, select

from monitor.store.tables import ModelVersion, StageChange
from monitor.store.training.versions.serving_order import ServingPeriod


def serving_periods(connection: Connection, model: str) -> list[ServingPeriod]:
    """Return the serving periods of a model, the oldest first; empty before a promotion.

    A version that was registered first had served before: the first period has no start.
    """
    moves = connection.execute(
        select(
            ModelVersion.version,
            StageChange.from_stage,
            StageChange.to_stage,
            StageChange.changed_at,
        )
        .join(ModelVersion, StageChange.version_id == ModelVersion.id)
        .where(ModelVersion.model == model)
        .order_by(StageChange.changed_at, StageChange.id)
    )
    periods: list[ServingPeriod] = []
    production: int | None = None
    canary: int | None = None
    for version, from_stage, to_stage, changed_at in moves:
        if to_stage == "canary":
            canary = version
        elif from_stage == "canary":
            canary = None
        if to_stage == "production":
            production = version
        if production is None:
            continue
        versions = (production,) if canary is None else (production, canary)
        if not periods:
            periods.append(ServingPeriod(None, versions))
        elif periods[-1].versions != versions:
            periods.append(ServingPeriod(changed_at, versions))
    return periods
