"""Serving periods of model versions, from the changes of their stages."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from monitor.store.tables import ModelVersion, StageChange

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class ServingPeriod:
    """A period in which the same versions served; it ends where the next one starts."""

    #: ``None`` for the first period, which has no start.
    since: datetime | None
    #: The version in production, and the canary during a rollout.
    versions: tuple[int, ...]


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


def name_serving(periods: Sequence[ServingPeriod], at: datetime) -> str:
    """Return the version that served at a time, both during a rollout; empty where none is known.

    ``periods`` are those of :func:`serving_periods`.
    """
    at_most = bisect_right(periods, at, key=lambda period: period.since or _BEGINNING)
    return " and ".join(map(str, periods[at_most - 1].versions)) if periods else ""


def predecessor(
    periods: Sequence[ServingPeriod], version: int, registered_at: datetime
) -> int | None:
    """Return the version that a version replaced in production; ``None``: there was none.

    Of a version that never was in production it is the one that was when it was registered; never
    one of a higher number, which was registered later, whatever the clocks say.
    """
    production = [period.versions[0] for period in periods]
    if version in production:
        before = production[: production.index(version)]
        return before[-1] if before else None
    at_most = bisect_right(periods, registered_at, key=lambda period: period.since or _BEGINNING)
    earlier = [number for number in production[:at_most] if number < version]
    return earlier[-1] if earlier else None
