"""Looks at the hours of a rollout or an experiment."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Select, func, insert, null, select

from monitor.store.rows import columns_of
from monitor.store.tables import RolloutLook
from monitor.telemetry import get_logger
from retrain.rollout.checks.decision import Reason
from retrain.rollout.checks.results import CheckResult

PartT = TypeVar("PartT")

#: What a look covers.
HOUR = timedelta(hours=1)

log = get_logger(__name__)


def floor_hour(moment: datetime) -> datetime:
    """Return the start of an hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True, kw_only=True)
class Look:
    """The look at one complete hour: the evidence after it, and the decision."""

    rollout_id: int
    #: Its start, UTC.
    hour: datetime
    stage: int
    weight_percent: int
    #: Observations of the canary, or of the treatment.
    n_canary: int
    n_stable: int
    #: The canary's share of the traffic as observed; ``None`` without any.
    seen_share: float | None
    #: None where another release wrote them.
    checks: tuple[CheckResult, ...]
    #: A :data:`~retrain.rollout.checks.decision.Action`.
    action: str
    #: With figures, and without a quote of the traffic.
    reason: str
    #: The same in parts; none of an experiment.
    reasons: tuple[Reason, ...] = ()
    looked_at: datetime
    #: Running sums, from which the next look continues; ``None``: not read.
    evidence: dict[str, Any] | None = None

    @property
    def end(self) -> datetime:
        """The end of its hour."""
        return self.hour + HOUR


_ROWS = select(*columns_of(Look, RolloutLook, evidence=null()))


def insert_look(connection: Connection, look: Look) -> None:
    """Insert a look; a second one of an hour is refused."""
    values = {field.name: getattr(look, field.name) for field in fields(look)}
    for name in ("checks", "reasons"):
        values[name] = msgspec.to_builtins(list(values[name]))
    connection.execute(insert(RolloutLook).values(values))


def newest_look(
    connection: Connection, rollout_id: int, *, with_evidence: bool = False
) -> Look | None:
    """Return the newest look of a rollout."""
    rows = select(*columns_of(Look, RolloutLook)) if with_evidence else _ROWS
    newest = rows.where(RolloutLook.rollout_id == rollout_id).order_by(RolloutLook.hour.desc())
    return next(iter(_read(connection, newest.limit(1))), None)


def look_document(look: Look | None) -> dict[str, Any] | None:
    """Return a look as a document for programs, without its evidence."""
    if look is None:
        return None
    document: dict[str, Any] = msgspec.to_builtins(look)
    del document["evidence"]
    return document


def spread_looks(connection: Connection, rollout_id: int, limit: int) -> list[Look]:
    """Return at most so many looks of a rollout, spread evenly over it, the oldest first.

    The first and the last look of each stage are among them.
    """
    keys = connection.execute(
        select(RolloutLook.id, RolloutLook.stage)
        .where(RolloutLook.rollout_id == rollout_id)
        .order_by(RolloutLook.hour)
    ).all()
    step = -(-len(keys) // max(limit, 1))
    chosen = {
        key.id
        for place, key in enumerate(keys)
        if place % step == 0
        or place in {0, len(keys) - 1}
        or key.stage != keys[place - 1].stage
        or key.stage != keys[min(place + 1, len(keys) - 1)].stage
    }
    statement = _ROWS.where(RolloutLook.id.in_(chosen)).order_by(RolloutLook.hour)
    return _read(connection, statement)


@dataclass(frozen=True)
class StageSamples:
    """Observations of a stage of a rollout."""

    stage: int
    n_looks: int
    n_canary: int
    n_stable: int


def count_stage_samples(connection: Connection, rollout_id: int) -> dict[int, StageSamples]:
    """Return the observations of each stage that was looked at."""
    statement = (
        select(
            RolloutLook.stage,
            func.count(),
            func.sum(RolloutLook.n_canary),
            func.sum(RolloutLook.n_stable),
        )
        .where(RolloutLook.rollout_id == rollout_id)
        .group_by(RolloutLook.stage)
    )
    rows = [StageSamples(*map(int, row)) for row in connection.execute(statement)]
    return {row.stage: row for row in rows}


def _read(connection: Connection, statement: Select[*tuple[Any, ...]]) -> list[Look]:
    return [
        Look(
            **{
                **row,
                "checks": _parts(row, "checks", CheckResult),
                "reasons": _parts(row, "reasons", Reason),
            }
        )
        for row in connection.execute(statement).mappings()
    ]


def _parts(row: Mapping[Any, Any], name: str, part: type[PartT]) -> tuple[PartT, ...]:
    """Return the parts of a look; none where another release wrote others."""
    try:
        return msgspec.convert(row[name] or (), tuple[part, ...])  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        hour = row["hour"].isoformat()
        log.warning("look_unreadable", hour=hour, part=name, error=str(error))
        return ()
