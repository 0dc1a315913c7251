"""Tables of blind human evaluations. The key to the systems lies in a table of its own."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from monitor.store.training.candidate_results import HumanEvaluationResults
from monitor.table_types import contents
from monitor.table_types.base import Base, BigId, StructJson


class HumanEvaluation(Base):
    """Blind ratings of the responses of a candidate, the incumbent and the base model."""

    __tablename__ = "human_evaluations"
    __table_args__ = contents.table(
        "decide whether a candidate may be promoted",
        contents.LEADS,
        no_period=contents.HISTORY,
        access=contents.Access(schedule="raw", web="rw"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"))
    #: The candidate evaluation that awaits the ratings.
    candidate_evaluation_id: Mapped[int] = mapped_column(
        ForeignKey("candidate_evaluations.id"), unique=True
    )
    #: ``open``, ``locked`` or ``cancelled``. Only an open one accepts ratings.
    status: Mapped[str] = mapped_column(info=contents.CODE)
    #: Items requested, and items available to sample from.
    sample_size: Mapped[int]
    n_available: Mapped[int]
    #: Number of different users who rate each item.
    raters_per_item: Mapped[int]
    scale_min: Mapped[int]
    scale_max: Mapped[int]
    #: Names of the rated dimensions, in the order of the form.
    dimensions: Mapped[list[Any]] = mapped_column(info=contents.NAME)
    #: Key of the order of items and responses. Never sent to a client.
    secret: Mapped[bytes] = mapped_column(LargeBinary, info=contents.CREDENTIAL)
    opened_at: Mapped[datetime]
    locked_at: Mapped[datetime | None]
    locked_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    #: When the candidate evaluation was cancelled during the rating.
    cancelled_at: Mapped[datetime | None]
    #: Figures and checks, once the human evaluation was locked and scored.
    results: Mapped[HumanEvaluationResults | None] = mapped_column(
        StructJson(HumanEvaluationResults), info=contents.WORDS
    )
    measured_at: Mapped[datetime | None]


class HumanEvaluationItem(Base):
    """A conversation to which every system has responded."""

    __tablename__ = "human_evaluation_items"
    __table_args__ = (
        UniqueConstraint("human_evaluation_id", "number", name="uq_human_evaluation_items_number"),
        UniqueConstraint(
            "human_evaluation_id",
            "benchmark",
            "benchmark_item_id",
            name="uq_human_evaluation_items_item",
        ),
        contents.table(
            "decide whether a candidate may be promoted",
            contents.STAFF,
            no_period="items of benchmarks",
            access=contents.Access(schedule="raw", web="rw"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    human_evaluation_id: Mapped[int] = mapped_column(ForeignKey("human_evaluations.id"))
    #: From 1, in the order of assignment.
    number: Mapped[int]
    benchmark: Mapped[str] = mapped_column(info=contents.NAME)
    benchmark_item_id: Mapped[str] = mapped_column(info=contents.TEXT_EXAMINED)
    task_type: Mapped[str] = mapped_column(info=contents.WORDS)
    messages: Mapped[list[Any]] = mapped_column(info=contents.EVALUATED_TEXT)


class HumanEvaluationResponse(Base):
    """A response to an item. Systems whose responses are identical share one row."""

    __tablename__ = "human_evaluation_responses"
    __table_args__ = contents.table(
        "decide whether a candidate may be promoted",
        contents.STAFF,
        period="human_evaluations",
        access=contents.Access(schedule="raw", web="r"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("human_evaluation_items.id"), index=True)
    text: Mapped[str] = mapped_column(info=contents.TEXT_EXAMINED)


class HumanEvaluationKey(Base):
    """The system that a response came from. Not read before the human evaluation is locked."""

    __tablename__ = "human_evaluation_keys"
    __table_args__ = contents.table(
        "decide whether a candidate may be promoted",
        contents.OPERATOR,
        no_period=contents.HISTORY,
        access=contents.Access(schedule="ra", web="r"),
    )

    response_id: Mapped[int] = mapped_column(
        ForeignKey("human_evaluation_responses.id"), primary_key=True
    )
    system: Mapped[str] = mapped_column(primary_key=True, info=contents.CODE)


class HumanEvaluationAssignment(Base):
    """An item assigned to a user: leased, drafted, submitted, skipped or declined."""

    __tablename__ = "human_evaluation_assignments"
    __table_args__ = (
        UniqueConstraint("item_id", "reviewer_id", name="uq_human_evaluation_assignments_reviewer"),
        contents.table(
            "decide whether a candidate may be promoted",
            contents.STAFF,
            period="human_evaluations",
            access=contents.Access(schedule="rw", web="raw"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("human_evaluation_items.id"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    #: End of the lease.
    expires_at: Mapped[datetime]
    draft: Mapped[dict[str, Any]] = mapped_column(default=dict, info=contents.WORDS)
    started_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    #: Set when the user skipped the item, which is then assigned to them last.
    skipped_at: Mapped[datetime | None]
    #: Set when the user declined the item, which is then never assigned to them again.
    declined_reason: Mapped[str | None] = mapped_column(info=contents.WORDS)
    comment: Mapped[str] = mapped_column(default="", info=contents.WORDS)


class HumanEvaluationRating(Base):
    """The ratings that a user gave a response."""

    __tablename__ = "human_evaluation_ratings"
    __table_args__ = (
        UniqueConstraint("response_id", "reviewer_id", name="uq_human_evaluation_ratings_response"),
        contents.table(
            "decide whether a candidate may be promoted",
            contents.LEADS,
            no_period=contents.HISTORY,
            access=contents.Access(schedule="r", web="rad"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    response_id: Mapped[int] = mapped_column(ForeignKey("human_evaluation_responses.id"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    #: Position at which the response was shown, from 0.
    position: Mapped[int]
    #: Dimension -> rating.
    scores: Mapped[dict[str, Any]] = mapped_column(info=contents.FIGURES)
