"""Blind human evaluations: what is shown, who rates it how, and apart from both, whose it is."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from monitor.store.tables.base import Base, BigId


class HumanEvaluation(Base):
    """People rating the answers of a candidate, the incumbent and the base, blind."""

    __tablename__ = "human_evaluations"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The candidate.
    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"))
    #: The evaluation that waits for it, which has one study at most. Studies of earlier versions of
    #: driftwarden may have none.
    evaluation_id: Mapped[int | None] = mapped_column(
        ForeignKey("candidate_evaluations.id"), unique=True
    )
    #: ``open``, ``locked`` or ``cancelled``; nothing is rated any more once it isn't open.
    status: Mapped[str]
    #: Items that were asked for, and how many there were to choose from.
    sample_size: Mapped[int]
    n_available: Mapped[int]
    #: Different people who rate each item.
    reviewers: Mapped[int]
    scale_min: Mapped[int]
    scale_max: Mapped[int]
    #: Names of what is rated, in their order.
    dimensions: Mapped[list[Any]]
    #: Orders items and answers; it leaves the server with no answer of ours, ever.
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    opened_at: Mapped[datetime]
    locked_at: Mapped[datetime | None]
    locked_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    #: When its evaluation was cancelled while people rated.
    cancelled_at: Mapped[datetime | None]
    #: Figures and checks, once the study was locked and measured.
    results: Mapped[dict[str, Any] | None]
    measured_at: Mapped[datetime | None]


class HumanEvaluationItem(Base):
    """A conversation that all systems have answered."""

    __tablename__ = "human_evaluation_items"
    __table_args__ = (
        UniqueConstraint("human_evaluation_id", "number", name="uq_human_evaluation_items_number"),
        UniqueConstraint(
            "human_evaluation_id", "benchmark", "item_id", name="uq_human_evaluation_items_item"
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    human_evaluation_id: Mapped[int] = mapped_column(ForeignKey("human_evaluations.id"))
    #: From 1, in the order in which items are given out.
    number: Mapped[int]
    benchmark: Mapped[str]
    #: Its id in the benchmark.
    item_id: Mapped[str]
    task_type: Mapped[str]
    messages: Mapped[list[Any]]


class HumanEvaluationResponse(Base):
    """A text that one system, or several in the same words, answered an item with."""

    __tablename__ = "human_evaluation_responses"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("human_evaluation_items.id"), index=True)
    text: Mapped[str]


class HumanEvaluationKey(Base):
    """Whose an answer is. Nothing reads this table before its study is locked."""

    __tablename__ = "human_evaluation_keys"

    response_id: Mapped[int] = mapped_column(
        ForeignKey("human_evaluation_responses.id"), primary_key=True
    )
    system: Mapped[str] = mapped_column(primary_key=True)


class HumanEvaluationAssignment(Base):
    """One person's turn at one item: reserved, drafted, submitted or declined."""

    __tablename__ = "human_evaluation_assignments"
    __table_args__ = (
        UniqueConstraint("item_id", "reviewer_id", name="uq_human_evaluation_assignments_reviewer"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("human_evaluation_items.id"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    #: Until when the item is reserved for them.
    expires_at: Mapped[datetime]
    draft: Mapped[dict[str, Any]] = mapped_column(default=dict)
    started_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    #: Put off: it comes back last.
    skipped_at: Mapped[datetime | None]
    #: Why it never comes back to them.
    declined_reason: Mapped[str | None]
    comment: Mapped[str] = mapped_column(default="")


class HumanEvaluationRating(Base):
    """What one person gave one answer."""

    __tablename__ = "human_evaluation_ratings"
    __table_args__ = (
        UniqueConstraint("response_id", "reviewer_id", name="uq_human_evaluation_ratings_answer"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    response_id: Mapped[int] = mapped_column(ForeignKey("human_evaluation_responses.id"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    #: Where they saw it: 0 was shown first.
    position: Mapped[int]
    #: Dimension -> rating.
    scores: Mapped[dict[str, Any]]
