"""Tables of drift evaluations."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId


class DriftEvaluation(Base):
    """A window compared with its baseline.

    One row for each model and window. It is inserted before the evaluation runs, and holds
    everything needed to repeat it.
    """

    __tablename__ = "drift_evaluations"
    __table_args__ = (
        UniqueConstraint("model", "window_start", "window_end", name="uq_drift_evaluations_window"),
        contents.table(
            "detect that a model's traffic has changed",
            contents.STAFF,
            no_period="figures; the quotes in them go with the exchanges",
            access=contents.Access(schedule="raw", web="r"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: The window is ``[window_start, window_end)``.
    window_start: Mapped[datetime]
    window_end: Mapped[datetime]
    #: ``running``, ``done`` or ``failed``.
    status: Mapped[str] = mapped_column(info=contents.CODE)
    #: ``drift``, ``no_drift`` or ``not_enough_data``; ``None`` until done.
    verdict: Mapped[str | None] = mapped_column(info=contents.CODE)
    seed: Mapped[int] = mapped_column(BigId)
    baseline_id: Mapped[int | None] = mapped_column(ForeignKey("baselines.id"))
    #: Settings, encoder and package versions that the figures depend on.
    provenance: Mapped[dict[str, Any]] = mapped_column(info=contents.WORDS)
    #: The assessment, as :class:`monitor.store.windows.assessment.Assessment` writes it.
    assessment: Mapped[dict[str, Any] | None] = mapped_column(info=contents.MASKED_QUOTES)
    #: Compressed arrays: id, novelty and topic of each exchange of the window.
    sample_scores: Mapped[bytes | None] = mapped_column(LargeBinary, info=contents.QUOTES)
    #: Compressed arrays: map coordinates of some prompts of the window and of the baseline.
    prompt_map: Mapped[bytes | None] = mapped_column(LargeBinary, info=contents.QUOTES)
    error: Mapped[str | None] = mapped_column(info=contents.ERROR)
    started_at: Mapped[datetime]
    #: Another process takes over a ``running`` evaluation after this.
    claimed_until: Mapped[datetime]
    #: The leader's epoch at the claim; ``None``: a command claimed it. The next leader takes the
    #: evaluation over at once.
    epoch: Mapped[int | None] = mapped_column(BigInteger)
    #: When it was first claimed since it was last done.
    first_started_at: Mapped[datetime | None]
    #: Leaders that died while they evaluated it, in a row.
    crashes: Mapped[int] = mapped_column(server_default=text("0"))
    finished_at: Mapped[datetime | None]
    #: When its incident and its review batch were written.
    followed_up_at: Mapped[datetime | None]


class Report(Base):
    """A rendered report of a drift evaluation, compressed by gzip."""

    __tablename__ = "reports"
    __table_args__ = contents.table(
        "show a drift evaluation",
        contents.STAFF,
        no_period="as the evaluation that it shows",
        access=contents.Access(schedule="rad", web="r"),
    )

    evaluation_id: Mapped[int] = mapped_column(ForeignKey("drift_evaluations.id"), primary_key=True)
    #: ``evidently`` (HTML).
    kind: Mapped[str] = mapped_column(primary_key=True, info=contents.CODE)
    content: Mapped[bytes] = mapped_column(LargeBinary, info=contents.TEXT_MASKED)
    created_at: Mapped[datetime]


class SlowDriftWindow(Base):
    """Sums of scores of an evaluated window for slow-drift detection; no exchange is named."""

    __tablename__ = "slow_drift_windows"
    __table_args__ = contents.table(
        "detect slow changes of a model's traffic",
        contents.OPERATOR,
        no_period="sums by bin of end users, which name none",
        access=contents.Access(schedule="rad"),
    )

    evaluation_id: Mapped[int] = mapped_column(ForeignKey("drift_evaluations.id"), primary_key=True)
    #: Digest of everything that determines the scores; windows of other digests aren't compared.
    scoring_digest: Mapped[str] = mapped_column(info=contents.DIGEST)
    #: Compressed arrays, as :data:`monitor.store.windows.slow_drift.Sums`.
    sums: Mapped[bytes] = mapped_column(LargeBinary, info=contents.FIGURES)


class Look(Base):
    """The last 24 hours of a model, searched for a large change before the window ends.

    One row for each model and hour, written when the look has ended. Rows without an alarm are
    deleted after some weeks.
    """

    __tablename__ = "looks"
    __table_args__ = (
        UniqueConstraint("model", "looked_until", name="uq_looks_hour"),
        contents.table(
            "detect that a model's traffic has changed",
            contents.STAFF,
            no_period="figures; looks without an alarm are removed after some weeks",
            access=contents.Access(schedule="rawd", web="r"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: First instant after the 24 hours; a full hour, or midnight where looks are daily.
    looked_until: Mapped[datetime]
    #: ``done``; ``skipped`` where there was too little traffic, or too little that is new;
    #: ``failed``.
    status: Mapped[str] = mapped_column(info=contents.CODE)
    alarm: Mapped[bool]
    n_exchanges: Mapped[int]
    n_end_users: Mapped[int]
    #: Digest of the baseline, settings and package version; of a failed look why it failed; empty
    #: where skipped.
    provenance: Mapped[dict[str, Any]] = mapped_column(info=contents.WORDS)
    #: The large changes, as :class:`monitor.store.windows.looks.LookFinding`; it quotes nothing.
    findings: Mapped[list[Any]] = mapped_column(info=contents.MASKED_QUOTES)
    created_at: Mapped[datetime]
    #: When its incident was written.
    followed_up_at: Mapped[datetime | None]


class WatchPause(Base):
    """A time in which a model was not in the configuration."""

    __tablename__ = "watch_pauses"
    __table_args__ = (
        # A model is in at most one pause.
        Index(
            "uq_watch_pauses_open",
            "model",
            unique=True,
            postgresql_where=text("resumed_at IS NULL"),
            sqlite_where=text("resumed_at IS NULL"),
        ),
        contents.table(
            "know which windows were not evaluated",
            contents.LEADS,
            no_period=contents.HISTORY,
            access=contents.Access(schedule="raw"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: When the daemon saw that it was removed; windows that ended since are not evaluated.
    ended_at: Mapped[datetime]
    #: When it was listed again; ``None``: it is not.
    resumed_at: Mapped[datetime | None]
