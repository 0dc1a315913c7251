"""The state of all models, with one query for each kind of row."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, case, exists, func, select

from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import (
    DriftEvaluation,
    Incident,
    ModelVersion,
    ReviewBatch,
    ReviewItem,
    Rollout,
    RolloutEvent,
)

#: Statuses of items that wait for a review, or for a ruling where reviewers disagree.
AWAITED = ("queued", "disagreed", "adjudication")


@dataclass(frozen=True)
class NewestWindow:
    """The newest evaluated window of a model."""

    id: int
    model: str
    window_start: datetime
    window_end: datetime
    #: ``done`` or ``failed``.
    status: str
    verdict: str | None


@dataclass(frozen=True)
class WindowSize:
    """The exchanges of an evaluated window and of its baseline."""

    id: int
    n_current: int
    n_reference: int
    #: Required on each side.
    min_samples: int | None
    #: ``None``: it was compared with nothing.
    baseline_id: int | None
    #: What the baseline has and the window lacks most; ``None``: nothing.
    lacks: str | None = None


@dataclass(frozen=True)
class OpenIncident:
    """An unresolved incident of a model."""

    id: int
    model: str
    cause: str
    #: ``critical``, ``error``, ``warning`` or ``info``.
    level: str
    status: str
    opened_at: datetime
    snoozed_until: datetime | None

    @property
    def is_pressing(self) -> bool:
        """Return whether it is open, and more than a warning."""
        return self.status == "open" and self.level in {"critical", "error"}


@dataclass(frozen=True)
class ProductionVersion:
    """The version of a model in production."""

    id: int
    model: str
    version: int


@dataclass(frozen=True)
class OpenRollout:
    """The unfinished rollout or experiment of a version of a model."""

    id: int
    model: str
    version: int
    #: ``rollout`` or ``experiment``.
    kind: str
    #: ``running``, ``holding``, ``paused`` or ``holdback``.
    status: str
    weight_percent: int
    started_at: datetime
    #: Event that its status is due to, ``asked`` where it waits for a lead; and when it occurred.
    last_event: str | None
    last_event_at: datetime | None

    @property
    def asks(self) -> bool:
        """Whether a lead has to decide."""
        return self.status in {"holding", "holdback"} and self.last_event == "asked"


def newest_windows(connection: Connection) -> dict[str, NewestWindow]:
    """Return the newest window of each model whose evaluation has ended."""
    place = func.row_number().over(
        partition_by=DriftEvaluation.model,
        order_by=(DriftEvaluation.window_end.desc(), DriftEvaluation.id.desc()),
    )
    ended = DriftEvaluation.status != "running"
    ranked = select(DriftEvaluation.id, place.label("place")).where(ended).subquery()
    statement = (
        select(*columns_of(NewestWindow, DriftEvaluation))
        .join(ranked, ranked.c.id == DriftEvaluation.id)
        .where(ranked.c.place == 1)
    )
    return _by_model(connection, NewestWindow, statement)


def window_sizes(connection: Connection, evaluation_ids: Collection[int]) -> dict[int, WindowSize]:
    """Return the sizes of windows by the ids of their evaluations; failed ones have none."""
    assessment = DriftEvaluation.assessment
    columns = columns_of(
        WindowSize,
        DriftEvaluation,
        n_current=assessment["n_current"].as_integer(),
        n_reference=assessment["n_reference"].as_integer(),
        lacks=assessment["fallen_coverage"][0]["name"].as_string(),
        min_samples=DriftEvaluation.provenance[("drift", "min_samples")].as_integer(),
    )
    statement = select(*columns).where(
        DriftEvaluation.id.in_(evaluation_ids), assessment.is_not(None)
    )
    return {row.id: row for row in read_rows(connection, WindowSize, statement)}


def evaluating_models(connection: Connection) -> set[str]:
    """Return the models of which a window is being evaluated."""
    statement = select(DriftEvaluation.model).where(DriftEvaluation.status == "running")
    return set(connection.execute(statement).scalars())


def unresolved_incidents(connection: Connection) -> dict[str, list[OpenIncident]]:
    """Return the unresolved incidents of each model that has any, the most urgent first.

    An open one comes before those that somebody has acknowledged, then the highest level.
    """
    levels = case({"critical": 0, "error": 1, "warning": 2}, value=Incident.level, else_=3)
    statement = (
        select(*columns_of(OpenIncident, Incident))
        .where(Incident.resolved_at.is_(None))
        .order_by((Incident.status == "open").desc(), levels, Incident.id)
    )
    incidents: dict[str, list[OpenIncident]] = {}
    for row in read_rows(connection, OpenIncident, statement):
        incidents.setdefault(row.model, []).append(row)
    return incidents


def production_versions(connection: Connection) -> dict[str, ProductionVersion]:
    """Return the version in production of each model that has one."""
    statement = select(*columns_of(ProductionVersion, ModelVersion)).where(
        ModelVersion.stage == "production"
    )
    return _by_model(connection, ProductionVersion, statement)


def unfinished_rollouts(connection: Connection) -> dict[str, OpenRollout]:
    """Return the unfinished rollout of each model that has one."""
    newest = (
        select(func.max(RolloutEvent.id))
        .where(RolloutEvent.rollout_id == Rollout.id, RolloutEvent.event != "confirmed")
        .correlate(Rollout)
        .scalar_subquery()
    )
    columns = columns_of(
        OpenRollout,
        Rollout,
        ModelVersion,
        last_event=RolloutEvent.event,
        last_event_at=RolloutEvent.at,
    )
    statement = (
        select(*columns)
        .outerjoin(RolloutEvent, RolloutEvent.id == newest)
        .join(ModelVersion, ModelVersion.id == Rollout.version_id)
        .where(Rollout.finished_at.is_(None))
        .order_by(Rollout.id)
    )
    return _by_model(connection, OpenRollout, statement)


def count_items(connection: Connection) -> dict[str, dict[str, int]]:
    """Return the number of review items that need work, by model and status."""
    statement = (
        select(ReviewBatch.model, ReviewItem.status, func.count())
        .join(ReviewBatch, ReviewBatch.id == ReviewItem.batch_id)
        .where(ReviewItem.status.in_((*AWAITED, "flagged")))
        .group_by(ReviewBatch.model, ReviewItem.status)
    )
    counts: dict[str, dict[str, int]] = {}
    for model, status, n in connection.execute(statement):
        counts.setdefault(model, {})[status] = int(n)
    return counts


def models_with_awaited_items(connection: Connection) -> set[str]:
    """Return the models with items that wait for a review or a ruling."""
    return set(connection.execute(_awaited_models()).scalars())


@cache
def _awaited_models() -> Select[str]:
    """Return the query, which looks for the newest such batch of each model: no item is counted."""
    models = select(ReviewBatch.model).distinct().subquery()
    newest = (
        select(ReviewBatch.id)
        .where(
            ReviewBatch.model == models.c.model,
            exists().where(ReviewItem.batch_id == ReviewBatch.id, ReviewItem.status.in_(AWAITED)),
        )
        .order_by(ReviewBatch.id.desc())
        .limit(1)
        .correlate(models)
        .scalar_subquery()
    )
    return select(models.c.model).where(newest > 0)


def _by_model(
    connection: Connection, row_type: type[Any], statement: Select[*tuple[Any, ...]]
) -> dict[str, Any]:
    return {row.model: row for row in read_rows(connection, row_type, statement)}
