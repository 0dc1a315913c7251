"""Training runs, the registry of model versions, and rollouts."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.store.tables.base import Base, BigId


class TrainingRun(Base):
    """A retraining, planned in SQL before its child process starts."""

    __tablename__ = "training_runs"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The decision that asked for it; at most one run follows a decision.
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"), unique=True)
    model: Mapped[str]
    #: ``planned``, ``running``, ``succeeded``, ``failed`` or ``cancelled``.
    status: Mapped[str]
    launcher: Mapped[str]
    #: What the launcher needs to find the run again, such as pid and start time.
    handle: Mapped[dict[str, Any] | None]
    recipe: Mapped[dict[str, Any]]
    work_dir: Mapped[str]
    #: What could be tried when it was planned: methods, bases, their memory; the data's size.
    plan: Mapped[dict[str, Any] | None]
    #: What the child reported last, its losses thinned out, and the end of its log.
    progress: Mapped[dict[str, Any] | None]
    #: How often its child was started again after it had died.
    resumptions: Mapped[int] = mapped_column(server_default=text("0"))
    #: Who asked on the page to end it; what launched it does.
    cancel_requested_by: Mapped[str | None]
    #: Of a cancelled run: why its child couldn't be ended yet. The daemon tries until it could.
    termination_error: Mapped[str | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ModelVersion(Base):
    """A version of a model: an adapter (or the base itself) with its lineage."""

    __tablename__ = "model_versions"
    __table_args__ = (
        UniqueConstraint("model", "version", name="uq_model_versions_version"),
        # One version of a model serves all traffic that no rollout takes.
        Index(
            "uq_model_versions_production",
            "model",
            unique=True,
            postgresql_where=text("stage = 'production'"),
            sqlite_where=text("stage = 'production'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str]
    version: Mapped[int]
    #: ``candidate``, ``canary``, ``production``, ``archived`` or ``rejected``.
    stage: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"))
    training_run_id: Mapped[int | None] = mapped_column(ForeignKey("training_runs.id"), unique=True)
    adapter_path: Mapped[str]
    adapter_digest: Mapped[str]
    #: Base model and revision, data digest, method, seed, package versions.
    lineage: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class CandidateEvaluation(Base):
    """What a candidate is held to and what came of it, planned in SQL before its child starts."""

    __tablename__ = "candidate_evaluations"
    __table_args__ = (
        # A version is evaluated by one process at a time.
        Index(
            "uq_candidate_evaluations_open",
            "version_id",
            unique=True,
            postgresql_where=text("finished_at IS NULL"),
            sqlite_where=text("finished_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"), index=True)
    #: ``planned``, ``running``, ``awaiting_ratings``, ``succeeded``, ``failed`` or ``cancelled``.
    status: Mapped[str]
    launcher: Mapped[str]
    #: What the launcher needs to find the child again.
    handle: Mapped[dict[str, Any] | None]
    #: The run's folder, in which the child works.
    work_dir: Mapped[str]
    #: Systems, evaluation.yaml, gates and scoring: all that the child needs.
    request: Mapped[dict[str, Any]]
    #: SHA-256 of evaluation.yaml.
    file_digest: Mapped[str]
    #: SHA-256 of each benchmark's data set, once they were read.
    dataset_digests: Mapped[dict[str, Any] | None]
    #: How often a child was started.
    attempts: Mapped[int] = mapped_column(default=0)
    #: Not started before; set after a failure that may pass.
    next_attempt_at: Mapped[datetime]
    #: Every number that led to the decision.
    results: Mapped[dict[str, Any] | None]
    #: ``promote``, ``reject`` or ``undecided``.
    gate_result: Mapped[str | None]
    error: Mapped[str | None]
    #: Of a cancelled one: why its child couldn't be ended yet. The daemon tries until it could.
    termination_error: Mapped[str | None]
    planned_by: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    #: The person who let an undecided candidate go on, and why.
    approved_by: Mapped[str | None]
    approved_reason: Mapped[str | None]
    approved_at: Mapped[datetime | None]


class ModelScore(Base):
    """A measured figure of a version on a benchmark's stratum (``""``: all of it)."""

    __tablename__ = "model_scores"
    __table_args__ = (
        UniqueConstraint("version_id", "benchmark", "stratum", "metric", name="uq_model_scores"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"))
    benchmark: Mapped[str]
    stratum: Mapped[str]
    metric: Mapped[str]
    value: Mapped[float]
    lower: Mapped[float]
    upper: Mapped[float]
    n: Mapped[int]
    measured_at: Mapped[datetime]


class StageChange(Base):
    """Who or what moved a version from one stage to another, and why."""

    __tablename__ = "stage_changes"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"), index=True)
    from_stage: Mapped[str]
    to_stage: Mapped[str]
    changed_by: Mapped[str]
    reason: Mapped[str]
    changed_at: Mapped[datetime]


class Rollout(Base):
    """A candidate's way through the steps of traffic."""

    __tablename__ = "rollouts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"), unique=True)
    #: ``running``, ``held``, ``completed`` or ``reverted``.
    status: Mapped[str]
    weight_percent: Mapped[int]
    stage_started_at: Mapped[datetime]
    reason: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class BaselinePlan(Base):
    """A baseline that is to be taken from a promoted version's own traffic, by no one but us.

    Written in the transaction of the promotion. Until it is taken, the version is compared with the
    model's newest baseline.
    """

    __tablename__ = "baseline_plans"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str] = mapped_column(index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"))
    #: When the version was promoted: its traffic of before is a rollout's.
    since: Mapped[datetime]
    #: Windows that end by then were looked at.
    searched_until: Mapped[datetime | None]
    #: The baseline that was taken.
    baseline_id: Mapped[int | None] = mapped_column(ForeignKey("baselines.id"))
    #: When it was taken, or another version was promoted before it could be.
    closed_at: Mapped[datetime | None]


class RegistryMirror(Base):
    """How far another registry has followed the versions of a model."""

    __tablename__ = "registry_mirrors"

    model: Mapped[str] = mapped_column(primary_key=True)
    #: Changes of the model's versions so far, counted in the transactions that made them.
    changes: Mapped[int]
    #: The changes that the other registry has.
    mirrored: Mapped[int]
    #: Failed attempts since it last followed.
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime | None]
    #: Why the last attempt failed.
    error: Mapped[str | None]
    mirrored_at: Mapped[datetime | None]
