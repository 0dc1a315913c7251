"""Tables of rollouts and experiments: life, traffic weights, looks and observations."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId


class Rollout(Base):
    """A rollout of a candidate through stages of traffic, or an experiment with two versions."""

    __tablename__ = "rollouts"
    __table_args__ = (
        # A model's traffic is split by at most one rollout or experiment.
        Index(
            "uq_rollouts_open",
            "model",
            unique=True,
            postgresql_where=text("finished_at IS NULL"),
            sqlite_where=text("finished_at IS NULL"),
        ),
        contents.table(
            "decide about a rollout",
            contents.STAFF,
            no_period=contents.HISTORY,
            access=contents.Access(ingest="r", schedule="raw", web="raw"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: ``rollout`` or ``experiment``.
    kind: Mapped[str] = mapped_column(default="rollout", info=contents.CODE)
    model: Mapped[str] = mapped_column(info=contents.NAME)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"), index=True)
    #: The version that it is compared with.
    stable_version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"))
    #: ``running``, ``holding``, ``paused``, ``holdback``, ``completed`` or ``reverted``.
    status: Mapped[str] = mapped_column(info=contents.CODE)
    #: Position in ``rollout.stages``, from 0.
    stage: Mapped[int] = mapped_column(default=0)
    #: The canary's wanted share of the traffic.
    weight_percent: Mapped[int]
    #: When the gateway confirmed the share; until then, the time of the step.
    stage_started_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(info=contents.REASON)
    #: Settings in force at the start, such as stages, margins and limits.
    settings: Mapped[dict[str, Any]] = mapped_column(info=contents.SETTINGS)
    #: Seed of the matching of users.
    seed: Mapped[int] = mapped_column(BigId, default=0)
    #: Checks, levels of the stable version and output formats, fixed before the first look.
    measurement: Mapped[dict[str, Any] | None] = mapped_column(info=contents.WORDS)
    started_by: Mapped[str] = mapped_column(default="", info=contents.ACCOUNT)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class RolloutEvent(Base):
    """A step of a rollout, written in the transaction that takes it."""

    __tablename__ = "rollout_events"
    __table_args__ = contents.table(
        "decide about a rollout",
        contents.STAFF,
        no_period=contents.HISTORY,
        access=contents.Access(schedule="raw", web="ra"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rollout_id: Mapped[int] = mapped_column(ForeignKey("rollouts.id"), index=True)
    event: Mapped[str] = mapped_column(info=contents.CODE)
    #: ``NULL`` for the start.
    from_status: Mapped[str | None] = mapped_column(info=contents.CODE)
    to_status: Mapped[str] = mapped_column(info=contents.CODE)
    weight_percent: Mapped[int]
    #: A user, or ``driftwarden``.
    by: Mapped[str] = mapped_column(info=contents.ACCOUNT)
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(info=contents.REASON)
    details: Mapped[dict[str, Any] | None] = mapped_column(info=contents.WORDS)


class TrafficWeights(Base):
    """Wanted weights of a model's traffic, inserted before they are sent to the gateway."""

    __tablename__ = "traffic_weights"
    __table_args__ = (
        UniqueConstraint("model", "generation", name="uq_traffic_weights_generation"),
        contents.table(
            "set the shares of two versions",
            contents.STAFF,
            no_period=contents.HISTORY,
            access=contents.Access(schedule="raw", web="ra"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: Rises with each change of the model's weights. The gateway refuses a lower one than it has.
    generation: Mapped[int] = mapped_column(BigId)
    stable_version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"))
    canary_version_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"))
    canary_percent: Mapped[int]
    rollout_id: Mapped[int | None] = mapped_column(ForeignKey("rollouts.id"), index=True)
    by: Mapped[str] = mapped_column(info=contents.ACCOUNT)
    reason: Mapped[str] = mapped_column(info=contents.REASON)
    created_at: Mapped[datetime]
    #: When these weights were read back from the gateway.
    confirmed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    #: Error of the last failed attempt.
    error: Mapped[str | None] = mapped_column(info=contents.ERROR)
    #: How often the gateway had other weights after it had confirmed these.
    n_overwritten: Mapped[int] = mapped_column(default=0)
    overwritten_at: Mapped[datetime | None]


class RolloutLook(Base):
    """The look at one hour of a rollout: the evidence after it, and the decision."""

    __tablename__ = "rollout_looks"
    __table_args__ = (
        UniqueConstraint("rollout_id", "hour", name="uq_rollout_looks_hour"),
        contents.table(
            "decide about a rollout",
            contents.LEADS,
            no_period=contents.HISTORY,
            access=contents.Access(schedule="raw", web="r"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rollout_id: Mapped[int] = mapped_column(ForeignKey("rollouts.id"))
    #: Start of the hour.
    hour: Mapped[datetime]
    stage: Mapped[int]
    weight_percent: Mapped[int]
    #: Observations of each arm.
    n_canary: Mapped[int]
    n_stable: Mapped[int]
    #: The canary's share of the traffic as observed, by inclusion weights; ``NULL`` without any.
    seen_share: Mapped[float | None]
    #: Running sums of all checks after this hour.
    evidence: Mapped[dict[str, Any]] = mapped_column(info=contents.WORDS)
    #: The figures of each check that are shown.
    checks: Mapped[list[Any]] = mapped_column(info=contents.WORDS)
    #: ``advance``, ``wait``, ``hold``, ``revert`` or ``ask``.
    action: Mapped[str] = mapped_column(info=contents.CODE)
    reason: Mapped[str] = mapped_column(info=contents.REASON)
    #: Code, text and check of each reason.
    reasons: Mapped[list[Any] | None] = mapped_column(info=contents.WORDS)
    looked_at: Mapped[datetime]


class RolloutObservation(Base):
    """An exchange that was measured for a rollout: the canary's, and several times as many others.

    Written in ingest's transaction. These rows are in no window, baseline or review batch.
    """

    __tablename__ = "rollout_observations"
    __table_args__ = (
        UniqueConstraint(
            "source", "partition", "offset", "record_index", name="uq_rollout_observations_position"
        ),
        Index("ix_rollout_observations_hour", "rollout_id", "occurred_at"),
        contents.table(
            "decide about a rollout",
            contents.LEADS,
            period="observations",
            access=contents.Access(ingest="ra", schedule="rd", web="r", columns=contents.ID_ONLY),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rollout_id: Mapped[int] = mapped_column(ForeignKey("rollouts.id"))
    source: Mapped[str] = mapped_column(info=contents.NAME)
    partition: Mapped[int]
    offset: Mapped[int] = mapped_column(BigId)
    record_index: Mapped[int] = mapped_column(default=0)
    exchange_id: Mapped[str] = mapped_column(index=True, info=contents.ID_EXAMINED)
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(index=True)
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: ``canary`` or ``stable``.
    arm: Mapped[str] = mapped_column(info=contents.CODE)
    task_type: Mapped[str] = mapped_column(default="", info=contents.WORDS)
    end_user: Mapped[str] = mapped_column(default="", index=True, info=contents.ID_EXAMINED)
    inclusion_probability: Mapped[float]
    #: Redacted, as in ``exchanges``.
    prompt: Mapped[str] = mapped_column(info=contents.TEXT_EXAMINED)
    response: Mapped[str] = mapped_column(info=contents.TEXT_EXAMINED)
    #: Measured values by name: numbers; booleans count as 0 and 1.
    measures: Mapped[dict[str, Any]] = mapped_column(info=contents.TEXT_EXAMINED)


class RolloutScore(Base):
    """A value of an observation that was measured after it was stored."""

    __tablename__ = "rollout_scores"
    __table_args__ = (
        UniqueConstraint("observation_id", "name", name="uq_rollout_scores_observation"),
        contents.table(
            "decide about a rollout",
            contents.LEADS,
            period="parent",
            access=contents.Access(schedule="ra"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rollout_id: Mapped[int] = mapped_column(ForeignKey("rollouts.id"), index=True)
    observation_id: Mapped[int] = mapped_column(
        ForeignKey("rollout_observations.id", ondelete="CASCADE")
    )
    #: ``wrong_format``, ``relevance``, ``judge``, or ``feedback NAME``.
    name: Mapped[str] = mapped_column(
        info=contents.unchanged("a word of a fixed list, or the name of feedback")
    )
    value: Mapped[float]
    scored_at: Mapped[datetime]


class RolloutComparison(Base):
    """How the responses of both versions differ given the prompts: shown, and decides nothing."""

    __tablename__ = "rollout_comparisons"
    __table_args__ = contents.table(
        "show how two versions differ",
        contents.LEADS,
        no_period="figures and numbers of observations",
        access=contents.Access(schedule="rad", web="r"),
    )

    rollout_id: Mapped[int] = mapped_column(ForeignKey("rollouts.id"), primary_key=True)
    #: Start of the newest hour that was compared.
    hour: Mapped[datetime]
    n_canary: Mapped[int]
    n_stable: Mapped[int]
    #: Figures, and the ids of the observations with the strongest differences. It holds no text, so
    #: that an erasure of observations applies to it.
    result: Mapped[dict[str, Any]] = mapped_column(info=contents.WORDS)
    compared_at: Mapped[datetime]


class RolloutLabel(Base):
    """Number of exchanges of a rollout whose label names neither of its versions."""

    __tablename__ = "rollout_labels"
    __table_args__ = contents.table(
        "find traffic that names neither version",
        contents.LEADS,
        period="observations",
        access=contents.Access(ingest="raw", schedule="rd"),
    )

    rollout_id: Mapped[int] = mapped_column(ForeignKey("rollouts.id"), primary_key=True)
    #: As in the traffic; empty where an exchange has none.
    label: Mapped[str] = mapped_column(primary_key=True, info=contents.ID_EXAMINED)
    count: Mapped[int] = mapped_column(BigId)
    #: Number of exchanges of the traffic that they represent: sum of 1 / inclusion probability.
    estimated_total: Mapped[float]
    last_seen_at: Mapped[datetime]
