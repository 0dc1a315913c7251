"""Failed training runs and candidates that wait for a lead, over all models."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, and_, exists, func, or_, select, type_coerce
from sqlalchemy.orm import aliased

from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import CandidateEvaluation, ModelVersion, Rollout, TrainingRun
from monitor.store.training.plan_requests import decision_of_run

_SERVING = aliased(ModelVersion)


@dataclass(frozen=True)
class FailedRun:
    """The newest training run of a model, which failed."""

    id: int
    model: str
    #: The one that it follows, also where it is planned again.
    decision_id: int | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class WaitingPlan:
    """A plan that a lead requested on the page: it waits for its check, or for a lead."""

    id: int
    model: str
    #: ``draft``: it isn't checked, or the check refused it; ``planned``: it can be started.
    status: str
    #: The decision or the run that it follows.
    decision_id: int | None
    after_run: int | None
    requested_at: str
    #: ``None``: it isn't checked.
    checked_at: str | None
    #: Name of the reason for which the check refused it; empty or ``None``: another one, or none.
    code: str | None


@dataclass(frozen=True)
class EvaluatedCandidate:
    """The newest candidate of a model that is newer than production, with its last evaluation."""

    id: int
    model: str
    version_id: int
    version: int
    status: str
    gate_result: str | None
    approved_by: str | None
    created_at: datetime
    finished_at: datetime | None
    #: Its checks, each with an ``outcome``; ``None`` without results.
    checks: list[dict[str, Any]] | None
    #: Whether a rollout has been started since.
    has_rollout: bool


def is_attempt() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of runs that are no draft, and not cancelled before their start."""
    unstarted = and_(TrainingRun.status == "cancelled", TrainingRun.started_at.is_(None))
    return TrainingRun.status != "draft", ~unstarted


def failed_runs(connection: Connection) -> list[FailedRun]:
    """Return the newest run of each model, where it failed: one started since replaces it."""
    newest = select(func.max(TrainingRun.id)).where(*is_attempt()).group_by(TrainingRun.model)
    columns = columns_of(FailedRun, TrainingRun, decision_id=decision_of_run())
    statement = select(*columns).where(TrainingRun.id.in_(newest), TrainingRun.status == "failed")
    return read_rows(connection, FailedRun, statement)


def waiting_plans(connection: Connection) -> list[WaitingPlan]:
    """Return the plans that wait for their check, for their start, or for a change."""
    columns = columns_of(
        WaitingPlan,
        TrainingRun,
        decision_id=decision_of_run(),
        after_run=TrainingRun.plan[("request", "after_run")].as_integer(),
        requested_at=TrainingRun.plan[("request", "requested_at")].as_string(),
        checked_at=TrainingRun.plan["checked_at"].as_string(),
        code=TrainingRun.plan["code"].as_string(),
    )
    statement = (
        select(*columns)
        .where(
            TrainingRun.status.in_(("draft", "planned")),
            TrainingRun.decision_id.is_(None),
            TrainingRun.cancel_requested_by.is_(None),
            or_(
                TrainingRun.start_request.is_(None),
                TrainingRun.start_request["refusal"].as_string() != "",
            ),
            TrainingRun.plan[("request", "requested_by")].as_string().is_not(None),
        )
        .order_by(TrainingRun.id)
    )
    return read_rows(connection, WaitingPlan, statement)


def evaluated_candidates(connection: Connection) -> list[EvaluatedCandidate]:
    """Return the newest candidate of each model with its newest evaluation.

    One that is older than the version in production is left out.
    """
    place = func.row_number().over(
        partition_by=ModelVersion.model,
        order_by=(ModelVersion.version.desc(), CandidateEvaluation.id.desc()),
    )
    newer_serves = exists().where(
        _SERVING.model == ModelVersion.model,
        _SERVING.stage == "production",
        _SERVING.version > ModelVersion.version,
    )
    ranked = (
        select(CandidateEvaluation.id, place.label("place"))
        .join(ModelVersion, ModelVersion.id == CandidateEvaluation.version_id)
        .where(ModelVersion.stage == "candidate", ~newer_serves)
        .subquery()
    )
    has_rollout = exists().where(
        Rollout.version_id == ModelVersion.id,
        Rollout.started_at >= CandidateEvaluation.finished_at,
    )
    columns = columns_of(
        EvaluatedCandidate,
        CandidateEvaluation,
        ModelVersion,
        checks=type_coerce(CandidateEvaluation.results, JSON())["checks"],
        has_rollout=has_rollout,
    )
    statement = (
        select(*columns)
        .join(ModelVersion, ModelVersion.id == CandidateEvaluation.version_id)
        .join(ranked, ranked.c.id == CandidateEvaluation.id)
        .where(ranked.c.place == 1)
    )
    return read_rows(connection, EvaluatedCandidate, statement)
