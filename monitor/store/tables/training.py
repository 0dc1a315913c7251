"""Tables of training runs and of the registry of model versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.store.training.candidate_results import CandidateResults
from monitor.store.training.weights_change import WeightsChange
from monitor.store.training.weights_identity import WeightsIdentity
from monitor.table_types import contents
from monitor.table_types.base import Base, BigId, StructJson


class TrainingRun(Base):
    """A training run, inserted before its child process starts."""

    __tablename__ = "training_runs"
    __table_args__ = contents.table(
        "train models",
        contents.LEADS,
        no_period=contents.HISTORY,
        access=contents.Access(schedule="raw", web="raw"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The decision it follows. A decision has at most one training run.
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"), unique=True)
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: ``draft``, ``planned``, ``running``, ``succeeded``, ``failed`` or ``cancelled``.
    status: Mapped[str] = mapped_column(info=contents.CODE)
    launcher: Mapped[str] = mapped_column(info=contents.CODE)
    #: What the launcher needs to find the child again, such as pid and start time.
    handle: Mapped[dict[str, Any] | None] = mapped_column(info=contents.WORDS)
    #: Of a draft the requested recipe file, later the recipe.
    recipe: Mapped[dict[str, Any]] = mapped_column(info=contents.SETTINGS)
    work_dir: Mapped[str] = mapped_column(info=contents.PATH)
    #: Options at planning time: methods, base models, their memory, and the size of the data. Of a
    #: run that a lead planned on the page also the request, and the gold at that time.
    plan: Mapped[dict[str, Any] | None] = mapped_column(info=contents.WORDS)
    #: Latest report of the child, a thinned loss curve, and the end of its log.
    progress: Mapped[dict[str, Any] | None] = mapped_column(info=contents.WORDS)
    #: Number of restarts after the child had died.
    resumptions: Mapped[int] = mapped_column(server_default=text("0"))
    #: The user who requested the cancellation on the page; the daemon carries it out.
    cancel_requested_by: Mapped[str | None] = mapped_column(info=contents.ACCOUNT)
    #: Why the child of a cancelled run still runs. The daemon keeps trying to stop it.
    termination_error: Mapped[str | None] = mapped_column(info=contents.ERROR)
    #: The request of a lead on the page to start or resume it, which the daemon carries out: the
    #: user, the time, the status at that time, the reason for accepting a taint, and the refusal.
    start_request: Mapped[dict[str, Any] | None] = mapped_column(info=contents.WORDS)
    result: Mapped[dict[str, Any] | None] = mapped_column(info=contents.WORDS)
    error: Mapped[str | None] = mapped_column(info=contents.ERROR)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ModelVersion(Base):
    """A version of a model: an adapter (or the base itself) with its lineage."""

    __tablename__ = "model_versions"
    __table_args__ = (
        UniqueConstraint("model", "version", name="uq_model_versions_version"),
        # A model has at most one version in production.
        Index(
            "uq_model_versions_production",
            "model",
            unique=True,
            postgresql_where=text("stage = 'production'"),
            sqlite_where=text("stage = 'production'"),
        ),
        contents.table(
            "know which version was trained on what",
            contents.LEADS,
            no_period=contents.HISTORY,
            access=contents.Access(ingest="r", schedule="raw", web="rw"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str] = mapped_column(info=contents.NAME)
    version: Mapped[int]
    #: ``candidate``, ``canary``, ``production``, ``archived`` or ``rejected``.
    stage: Mapped[str] = mapped_column(info=contents.CODE)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"))
    training_run_id: Mapped[int | None] = mapped_column(ForeignKey("training_runs.id"), unique=True)
    adapter_path: Mapped[str] = mapped_column(info=contents.PATH)
    #: ``sha256:...`` of the tensors, which recognises copies.
    adapter_digest: Mapped[str] = mapped_column(info=contents.DIGEST)
    #: Digests and file states of all that acts; ``NULL``: not recorded.
    identity: Mapped[WeightsIdentity | None] = mapped_column(
        StructJson(WeightsIdentity), info=contents.PATH
    )
    #: What the newest comparison found; ``NULL``: the files are those of the record.
    weights_change: Mapped[WeightsChange | None] = mapped_column(
        StructJson(WeightsChange), info=contents.PATH
    )
    #: Base model and revision, data digest, method, seed, package versions.
    lineage: Mapped[dict[str, Any]] = mapped_column(info=contents.WORDS)
    created_at: Mapped[datetime]


class CandidateEvaluation(Base):
    """The evaluation of a candidate, inserted before its child process starts."""

    __tablename__ = "candidate_evaluations"
    __table_args__ = (
        # A version has at most one unfinished evaluation.
        Index(
            "uq_candidate_evaluations_open",
            "version_id",
            unique=True,
            postgresql_where=text("finished_at IS NULL"),
            sqlite_where=text("finished_at IS NULL"),
        ),
        contents.table(
            "decide whether a candidate may be promoted",
            contents.LEADS,
            no_period=contents.HISTORY,
            access=contents.Access(schedule="raw", web="raw"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"), index=True)
    #: ``planned``, ``running``, ``awaiting_ratings``, ``succeeded``, ``failed`` or ``cancelled``.
    status: Mapped[str] = mapped_column(info=contents.CODE)
    launcher: Mapped[str] = mapped_column(info=contents.CODE)
    #: What the launcher needs to find the child again.
    handle: Mapped[dict[str, Any] | None] = mapped_column(info=contents.WORDS)
    #: Working directory of the child: the folder of the training run.
    work_dir: Mapped[str] = mapped_column(info=contents.PATH)
    #: Input of the child: systems, evaluation.yaml, gates and scoring.
    request: Mapped[dict[str, Any]] = mapped_column(info=contents.WORDS)
    #: With it the children sign the responses that they generate; ``NULL``: none is reused.
    responses_key: Mapped[str | None] = mapped_column(info=contents.CREDENTIAL)
    #: SHA-256 of evaluation.yaml.
    file_digest: Mapped[str] = mapped_column(info=contents.DIGEST)
    #: SHA-256 of each benchmark's data set; ``NULL`` until they were read.
    dataset_digests: Mapped[dict[str, Any] | None] = mapped_column(info=contents.WORDS)
    #: Number of times that a child was started.
    attempts: Mapped[int] = mapped_column(default=0)
    #: Earliest time of the next start; set after a transient failure.
    next_attempt_at: Mapped[datetime]
    #: The gate result with every number that led to it.
    results: Mapped[CandidateResults | None] = mapped_column(
        StructJson(CandidateResults), info=contents.WORDS
    )
    #: ``promote``, ``reject`` or ``undecided``.
    gate_result: Mapped[str | None] = mapped_column(info=contents.CODE)
    error: Mapped[str | None] = mapped_column(info=contents.ERROR)
    #: Why the child of a cancelled evaluation still runs. The daemon keeps trying to stop it.
    termination_error: Mapped[str | None] = mapped_column(info=contents.ERROR)
    planned_by: Mapped[str] = mapped_column(info=contents.ACCOUNT)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    #: The user who approved an undecided candidate, and the reason.
    approved_by: Mapped[str | None] = mapped_column(info=contents.ACCOUNT)
    approved_reason: Mapped[str | None] = mapped_column(info=contents.REASON)
    approved_at: Mapped[datetime | None]


class ModelScore(Base):
    """The score of a version on a stratum of a benchmark (``""``: the whole benchmark)."""

    __tablename__ = "model_scores"
    __table_args__ = (
        UniqueConstraint("version_id", "benchmark", "stratum", "metric", name="uq_model_scores"),
        contents.table(
            "compare versions of a model",
            contents.LEADS,
            no_period=contents.HISTORY,
            access=contents.Access(schedule="rad", web="r"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"))
    benchmark: Mapped[str] = mapped_column(info=contents.NAME)
    stratum: Mapped[str] = mapped_column(info=contents.NAME)
    metric: Mapped[str] = mapped_column(info=contents.NAME)
    value: Mapped[float]
    lower: Mapped[float]
    upper: Mapped[float]
    n: Mapped[int]
    measured_at: Mapped[datetime]


class StageChange(Base):
    """A change of a version's stage: by whom, and why."""

    __tablename__ = "stage_changes"
    __table_args__ = contents.table(
        "know which version served when, and why",
        contents.LEADS,
        no_period=contents.HISTORY,
        access=contents.Access(schedule="raw", web="ra"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"), index=True)
    from_stage: Mapped[str] = mapped_column(info=contents.CODE)
    to_stage: Mapped[str] = mapped_column(info=contents.CODE)
    changed_by: Mapped[str] = mapped_column(info=contents.ACCOUNT)
    reason: Mapped[str] = mapped_column(info=contents.REASON)
    changed_at: Mapped[datetime]


class BaselinePlan(Base):
    """A baseline to be created from the traffic of a promoted version.

    Inserted in the transaction of the promotion. Until the baseline exists, the version is compared
    with the model's latest one.
    """

    __tablename__ = "baseline_plans"
    __table_args__ = contents.table(
        "create the baseline of a promoted version",
        contents.LEADS,
        no_period=contents.HISTORY,
        access=contents.Access(schedule="raw", web="raw"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str] = mapped_column(index=True, info=contents.NAME)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"))
    #: When the version was promoted. Its earlier traffic is that of the rollout.
    since: Mapped[datetime]
    #: End of the last window that was searched for enough traffic.
    searched_until: Mapped[datetime | None]
    #: The baseline that was created.
    baseline_id: Mapped[int | None] = mapped_column(ForeignKey("baselines.id"))
    #: When the baseline was created, or another version was promoted first.
    closed_at: Mapped[datetime | None]


class RegistryMirror(Base):
    """Progress of mirroring the versions of a model to another registry."""

    __tablename__ = "registry_mirrors"
    __table_args__ = contents.table(
        "mirror versions to another registry",
        contents.LEADS,
        no_period=contents.ONE_ROW,
        access=contents.Access(schedule="raw", web="raw"),
    )

    model: Mapped[str] = mapped_column(primary_key=True, info=contents.NAME)
    #: Number of changes of the model's versions, counted in their transactions.
    n_changes: Mapped[int]
    #: Number of changes that were mirrored.
    n_mirrored: Mapped[int]
    #: Failed attempts since the last success.
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime | None]
    #: Error of the last failed attempt.
    error: Mapped[str | None] = mapped_column(info=contents.ERROR)
    mirrored_at: Mapped[datetime | None]
