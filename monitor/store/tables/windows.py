"""Weekly evaluations and what follows from them: reports, incidents, messages, decisions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.store.tables.base import Base, BigId


class DriftEvaluation(Base):
    """One row a (model, window): claimed before it runs, with all that is needed to repeat it."""

    __tablename__ = "drift_evaluations"
    __table_args__ = (
        UniqueConstraint("model", "window_start", "window_end", name="uq_drift_evaluations_window"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str]
    #: The window is ``[window_start, window_end)``.
    window_start: Mapped[datetime]
    window_end: Mapped[datetime]
    #: ``running``, ``done`` or ``failed``.
    status: Mapped[str]
    #: ``drift``, ``no_drift`` or ``not_enough_data``; ``None`` until done.
    verdict: Mapped[str | None]
    seed: Mapped[int] = mapped_column(BigId)
    baseline_id: Mapped[int | None] = mapped_column(ForeignKey("baselines.id"))
    #: Settings, encoder and package versions the figures depend on.
    provenance: Mapped[dict[str, Any]]
    #: The assessment, as :class:`monitor.store.windows.assessment.Assessment` writes it.
    assessment: Mapped[dict[str, Any] | None]
    #: Compressed arrays: exchange ids, novelty and cluster of each exchange of the window.
    sample_scores: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: Compressed arrays: where some prompts of the window and of the baseline lie on a map.
    prompt_map: Mapped[bytes | None] = mapped_column(LargeBinary)
    error: Mapped[str | None]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    #: When the incident and the review batch that follow from it were written.
    followed_up_at: Mapped[datetime | None]


class Report(Base):
    """A rendered report of an evaluation, gzip-compressed."""

    __tablename__ = "reports"

    evaluation_id: Mapped[int] = mapped_column(ForeignKey("drift_evaluations.id"), primary_key=True)
    #: ``evidently`` (HTML).
    kind: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class SlowDriftWindow(Base):
    """What the watch for slow drift keeps of an evaluated window: sums, no exchange."""

    __tablename__ = "slow_drift_windows"

    evaluation_id: Mapped[int] = mapped_column(ForeignKey("drift_evaluations.id"), primary_key=True)
    #: Digest of all that fixed the scores; only windows of one map are compared.
    scoring_digest: Mapped[str]
    #: Compressed arrays, as :class:`monitor.store.windows.slow_drift.Sums`.
    sums: Mapped[bytes] = mapped_column(LargeBinary)


class Incident(Base):
    """A spell of drift of one model, from the alarm to the recovery."""

    __tablename__ = "incidents"
    __table_args__ = (
        # At most one incident of a model is open: a new alarm joins it.
        Index(
            "uq_incidents_open_model",
            "model",
            unique=True,
            postgresql_where=text("resolved_at IS NULL"),
            sqlite_where=text("resolved_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str]
    #: ``open``, ``acknowledged`` or ``resolved``.
    status: Mapped[str]
    fingerprint: Mapped[str]
    severity: Mapped[float]
    opening_evaluation_id: Mapped[int] = mapped_column(ForeignKey("drift_evaluations.id"))
    last_evaluation_id: Mapped[int] = mapped_column(ForeignKey("drift_evaluations.id"))
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    slack_channel: Mapped[str | None]
    slack_ts: Mapped[str | None]


class OutboxMessage(Base):
    """A message that is to be sent exactly once, written with the change that caused it."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The same event writes the same key, so a repeated run adds no message.
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))
    #: ``post``, ``update`` (the incident's parent message) or ``reply`` (in its thread).
    kind: Mapped[str]
    #: ``{"text", "blocks"}``
    payload: Mapped[dict[str, Any]]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    #: Set when Slack refused the message for good.
    failed_at: Mapped[datetime | None]
    error: Mapped[str | None]


class Decision(Base):
    """Whether to retrain, with every number that led there; one for each review batch."""

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("review_batches.id"), unique=True)
    model: Mapped[str]
    #: ``retrain``, ``fix_context``, ``fix_guidelines``, ``keep`` or ``undecided``.
    recommendation: Mapped[str]
    #: Counts, rates, intervals and the reasons in words.
    inputs: Mapped[dict[str, Any]]
    decided_at: Mapped[datetime]
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
