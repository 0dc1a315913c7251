"""Figures of the looks at a rollout, as page and messages show them, without the evidence."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from monitor.store.documents import read_document
from monitor.store.rows import columns_of, read_row, read_rows
from monitor.store.tables import RolloutLook
from monitor.telemetry import get_logger

log = get_logger(__name__)


class CheckFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one check after a look, as :mod:`retrain.rollout.check_results` makes them.

    A loss is positive where the canary is worse, in the unit of the metric. A metric of an
    experiment has a difference instead: treatment minus control.
    """

    name: str
    #: ``advance``, ``revert_only`` or ``limit``; of an experiment ``goal`` or ``guard``.
    kind: str
    loss: float | None = None
    stage_loss: float | None = None
    #: Confidence sequence of the loss: the lower limit of the rollout, the upper of this stage.
    lower: float | None = None
    upper: float | None = None
    margin: float | None = None
    negligible: float | None = None
    level: float | None = None
    n_pairs: int = 0
    n_stage_pairs: int = 0
    wealth_worse: float = 1.0
    wealth_to_revert: float = 1.0
    wealth_not_worse: float = 1.0
    wealth_to_advance: float = 1.0
    not_worse: bool = False
    worse: bool = False
    #: Why it has no usable measurement; empty: it has one.
    missing: str = ""
    #: Whether the metric is a share, so that losses are points.
    is_share: bool = False
    difference: float | None = None
    #: Of an experiment.
    verdict: str = ""

    @property
    def of_experiment(self) -> bool:
        """Whether it is a metric of an experiment."""
        return self.kind in {"goal", "guard"}


@dataclass(frozen=True)
class LookFigures:
    """A look without its evidence."""

    hour: datetime
    stage: int
    weight_percent: int
    n_canary: int
    n_stable: int
    seen_share: float | None
    checks: list[Any]
    action: str
    reason: str
    reasons: list[Any] | None
    looked_at: datetime

    @cached_property
    def results(self) -> tuple[CheckFigures, ...]:
        """The figures of each check; none where another release wrote them."""
        try:
            return tuple(read_document(self.checks, list[CheckFigures]))
        except msgspec.ValidationError as error:
            log.warning("look_unreadable", hour=self.hour.isoformat(), error=str(error))
            return ()


_COLUMNS = columns_of(LookFigures, RolloutLook)


def newest_look_figures(connection: Connection, rollout_id: int) -> LookFigures | None:
    """Return the newest look of a rollout."""
    newest = (
        select(*_COLUMNS)
        .where(RolloutLook.rollout_id == rollout_id)
        .order_by(RolloutLook.hour.desc())
        .limit(1)
    )
    return read_row(connection, LookFigures, newest)


def spread_looks(connection: Connection, rollout_id: int, limit: int) -> list[LookFigures]:
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
    statement = select(*_COLUMNS).where(RolloutLook.id.in_(chosen)).order_by(RolloutLook.hour)
    return read_rows(connection, LookFigures, statement)


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
