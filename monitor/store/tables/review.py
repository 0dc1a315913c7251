"""Expert review: people, batches, items, leases, reviews, gold and the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from monitor.store.tables.base import Base, BigId


class Reviewer(Base):
    """A person who signs in."""

    __tablename__ = "reviewers"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    #: ``reviewer``, ``adjudicator``, ``lead`` or ``admin``.
    role: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class ReviewBatch(Base):
    """The items queued for one evaluation."""

    __tablename__ = "review_batches"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluations.id"), unique=True)
    model: Mapped[str]
    created_at: Mapped[datetime]


class ReviewItem(Base):
    """One exchange to be reviewed twice."""

    __tablename__ = "review_items"
    __table_args__ = (
        UniqueConstraint("batch_id", "exchange_id", name="uq_review_items_exchange"),
        Index("ix_review_items_queue", "status", "position"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("review_batches.id"))
    exchange_id: Mapped[int] = mapped_column(ForeignKey("exchanges.id"), index=True)
    #: Shuffled over the slices, so that the order tells nothing.
    position: Mapped[int]
    #: ``control``, ``drift`` or ``cluster``: hidden from reviewers, who would be anchored.
    slice: Mapped[str]
    #: Probability with which the exchange came from the window into this batch.
    selection_probability: Mapped[float]
    #: Probability with which it came from the *traffic* into the control slice: that of being
    #: sampled times that of being drawn.
    control_probability: Mapped[float]
    #: Index of the drifted cluster in the evaluation, if the exchange belongs to one.
    cluster: Mapped[int | None]
    #: ``queued``, ``disagreed``, ``adjudication``, ``gold`` or ``excluded``.
    status: Mapped[str]
    #: Why a reviewer took the item out: personal data, out of scope.
    excluded_reason: Mapped[str | None]


class Lease(Base):
    """A claim on an item, with the draft typed so far."""

    __tablename__ = "review_leases"
    __table_args__ = (UniqueConstraint("item_id", "reviewer_id", name="uq_review_leases_reviewer"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewers.id"))
    expires_at: Mapped[datetime]
    draft: Mapped[dict[str, Any]]
    #: Set when the reviewer put the item off: it comes back to them after all others.
    skipped_at: Mapped[datetime | None]
    #: Set when the reviewer will not judge this item: it never comes back to them.
    declined_reason: Mapped[str | None]


class Review(Base):
    """One reviewer's submitted verdict; it never changes."""

    __tablename__ = "reviews"
    __table_args__ = (UniqueConstraint("item_id", "reviewer_id", name="uq_reviews_reviewer"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewers.id"))
    #: ``accept``, ``correct`` or ``reject``.
    verdict: Mapped[str]
    accuracy: Mapped[int]
    completeness: Mapped[int]
    tone: Mapped[int]
    compliance: Mapped[int]
    #: ``knowledge``, ``format``, ``tone``, ``judgement``, ``unsafe``, ``other``; or empty.
    error_kind: Mapped[str]
    #: The response as it should have been; the model's own where it was accepted.
    corrected_response: Mapped[str]
    comment: Mapped[str]
    submitted_at: Mapped[datetime]


class Proposal(Base):
    """What a reviewer of a disagreed item proposes after talking; two equal ones make gold."""

    __tablename__ = "review_proposals"
    __table_args__ = (
        UniqueConstraint("item_id", "reviewer_id", name="uq_review_proposals_reviewer"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewers.id"))
    verdict: Mapped[str]
    error_kind: Mapped[str]
    corrected_response: Mapped[str]
    comment: Mapped[str]
    proposed_at: Mapped[datetime]


class GoldExample(Base):
    """What the reviewers agreed on: the only source of training examples."""

    __tablename__ = "gold_examples"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"), unique=True)
    verdict: Mapped[str]
    response: Mapped[str]
    error_kind: Mapped[str]
    #: ``agreed``, ``discussed`` or ``adjudicated``.
    resolution: Mapped[str]
    #: Why an adjudicator was needed: ``guide_gap``, ``reviewer_error``, ``ambiguous``; or empty.
    cause: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime]


class AuditEntry(Base):
    """An append-only line of who did what; each entry's hash covers the one before."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]]
    previous_hash: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)


class StoredTaxonomy(Base):
    """A version of the task taxonomy that items were, or are, reviewed under."""

    __tablename__ = "taxonomies"

    #: SHA-256 of the content.
    version: Mapped[str] = mapped_column(primary_key=True)
    #: JSON in its one spelling, as text: the digest is over these characters.
    content: Mapped[str]
    #: When it was last put into force.
    in_force_at: Mapped[datetime]


class WebSession(Base):
    """A signed-in browser's session, so that a restart signs nobody out."""

    __tablename__ = "web_sessions"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
