"""Consequences of an incident: windows, review batches, decisions, runs, versions, rollouts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from monitor.store.review.decision_states import DecisionState, decision_states
from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import (
    Decision,
    DriftEvaluation,
    Incident,
    IncidentEvent,
    ModelVersion,
    ReviewBatch,
    Rollout,
    TrainingRun,
)
from monitor.store.training.plan_requests import decision_of_run


@dataclass(frozen=True)
class IncidentWindow:
    """A window that changed an incident."""

    id: int
    window_start: datetime
    window_end: datetime
    verdict: str | None


@dataclass(frozen=True)
class _Decided:
    """A decision of the review batch of such a window."""

    id: int
    batch_id: int
    model: str
    recommendation: str
    decided_at: datetime
    confirmed_by: str | None


@dataclass(frozen=True)
class FollowingDecision(_Decided):
    """A decision with its state."""

    state: DecisionState


@dataclass(frozen=True)
class FollowingRun:
    """A training run of such a decision, also planned again, and the version that it registered."""

    id: int
    status: str
    version_id: int | None
    version: int | None
    stage: str | None


@dataclass(frozen=True)
class FollowingRollout:
    """A rollout of such a version."""

    id: int
    version: int
    status: str
    weight_percent: int
    started_at: datetime


@dataclass(frozen=True)
class Consequences:
    """The consequences of an incident, the oldest first, but the newest of its runs."""

    windows: Sequence[IncidentWindow]
    batches: Sequence[int]
    decisions: Sequence[FollowingDecision]
    runs: Sequence[FollowingRun]
    rollouts: Sequence[FollowingRollout]


def consequences_of(connection: Connection, incident_id: int) -> Consequences:
    """Return what followed from the windows of an incident."""
    changed = select(IncidentEvent.evaluation_id).where(IncidentEvent.incident_id == incident_id)
    named = select(Incident.opening_evaluation_id).where(Incident.id == incident_id)
    newest = select(Incident.last_evaluation_id).where(Incident.id == incident_id)
    windows = read_rows(
        connection,
        IncidentWindow,
        select(*columns_of(IncidentWindow, DriftEvaluation))
        .where(
            DriftEvaluation.id.in_(changed)
            | DriftEvaluation.id.in_(named)
            | DriftEvaluation.id.in_(newest)
        )
        .order_by(DriftEvaluation.window_end, DriftEvaluation.id),
    )
    ids = [window.id for window in windows]
    batches = connection.execute(
        select(ReviewBatch.id).where(ReviewBatch.evaluation_id.in_(ids)).order_by(ReviewBatch.id)
    ).scalars()
    batch_ids = list(batches)
    decided = read_rows(
        connection,
        _Decided,
        select(*columns_of(_Decided, Decision))
        .where(Decision.batch_id.in_(batch_ids))
        .order_by(Decision.id),
    )
    states = decision_states(connection, decided[0].model) if decided else {}
    decisions = [FollowingDecision(**vars(row), state=states[row.id]) for row in decided]
    runs = read_rows(
        connection,
        FollowingRun,
        select(
            *columns_of(
                FollowingRun,
                TrainingRun,
                version_id=ModelVersion.id,
                version=ModelVersion.version,
                stage=ModelVersion.stage,
            )
        )
        .outerjoin(ModelVersion, ModelVersion.training_run_id == TrainingRun.id)
        .where(decision_of_run().in_([decision.id for decision in decisions]))
        .order_by(TrainingRun.id.desc()),
    )
    rollouts = read_rows(
        connection,
        FollowingRollout,
        select(*columns_of(FollowingRollout, Rollout, version=ModelVersion.version))
        .join(ModelVersion, ModelVersion.id == Rollout.version_id)
        .where(Rollout.version_id.in_([run.version_id for run in runs if run.version_id]))
        .order_by(Rollout.id),
    )
    return Consequences(windows, batch_ids, decisions, runs, rollouts)
