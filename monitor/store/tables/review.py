"""Expert review: people, batches, items, leases, reviews, gold and the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.store.tables.append_only import keep_append_only
from monitor.store.tables.base import Base, BigId


class User(Base):
    """A person who signs in."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    #: Empty where the person has set none: they can't sign in by password.
    password_hash: Mapped[str]
    #: In lower case.
    email: Mapped[str | None] = mapped_column(unique=True)
    #: Issuer and subject at the provider of single sign-on, bound at the first sign-in.
    identity: Mapped[str | None] = mapped_column(unique=True)
    #: Sessions of an earlier epoch are over.
    session_epoch: Mapped[int] = mapped_column(default=0)
    #: ``reviewer``, ``adjudicator``, ``lead`` or ``admin``.
    role: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class UserTaskType(Base):
    """A task type that a person reviews; who has none reviews all of them."""

    __tablename__ = "user_task_types"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    task_type: Mapped[str] = mapped_column(primary_key=True)


class ReviewBatch(Base):
    """The items queued for one evaluation."""

    __tablename__ = "review_batches"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("drift_evaluations.id"), unique=True)
    model: Mapped[str]
    created_at: Mapped[datetime]
    #: The window's size, the control draw's, and each task type's share of the traffic by stratum.
    design: Mapped[dict[str, Any] | None]


class ReviewItem(Base):
    """One exchange to be reviewed twice."""

    __tablename__ = "review_items"
    __table_args__ = (
        UniqueConstraint("batch_id", "exchange_id", name="uq_review_items_exchange"),
        Index("ix_review_items_queue", "status", "batch_id", "position", "task_type"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("review_batches.id"))
    exchange_id: Mapped[int] = mapped_column(ForeignKey("exchanges.id"), index=True)
    #: Shuffled over the slices, so that the order tells nothing.
    position: Mapped[int]
    #: ``control``, ``drift`` or ``cluster``: hidden from reviewers, who would be anchored.
    slice: Mapped[str]
    #: Probability with which the text came from the window into this batch.
    selection_probability: Mapped[float]
    #: Probability with which it came into the control slice.
    control_probability: Mapped[float]
    #: Index of the drifted cluster in the evaluation, if the exchange belongs to one.
    cluster: Mapped[int | None]
    #: Of the exchange; empty where it has none.
    task_type: Mapped[str] = mapped_column(default="")
    #: ``queued``, ``disagreed``, ``adjudication``, ``gold``, ``flagged`` (a lead is to look at it)
    #: or ``excluded`` (a lead has).
    status: Mapped[str]
    #: Why somebody wants the item out: personal data, out of scope.
    excluded_reason: Mapped[str | None]
    #: The status that a lead who rejects the flag puts back.
    status_before_flag: Mapped[str | None]
    #: Why a lead reopened it last.
    reopened_reason: Mapped[str | None]
    #: 1, and one more each time that a lead reopens it.
    revision: Mapped[int] = mapped_column(default=1)
    #: Digest of the taxonomy in force when the batch was made; empty where there was none.
    taxonomy_version: Mapped[str] = mapped_column(default="")


class ReviewDraw(Base):
    """How a text came into a batch's sample, with the item that asks for it, or asked earlier."""

    __tablename__ = "review_draws"
    __table_args__ = (UniqueConstraint("batch_id", "item_id", name="uq_review_draws_item"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("review_batches.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"), index=True)
    #: Digest of the conversation and the response.
    text_digest: Mapped[str] = mapped_column(index=True)
    task_type: Mapped[str]
    #: 0 familiar, 1 foreign, 2 in a drifted cluster.
    stratum: Mapped[int]
    #: Index of the drifted cluster in the batch's own evaluation.
    cluster: Mapped[int | None]
    #: How often the control draw hit the text: so often it counts.
    control_points: Mapped[int]
    #: Share of the window's traffic that has this text.
    traffic_share: Mapped[float]
    #: Probability with which any draw takes it.
    selection_probability: Mapped[float]


class ReviewAssignment(Base):
    """A claim on an item, with the draft typed so far."""

    __tablename__ = "review_assignments"
    __table_args__ = (
        UniqueConstraint("item_id", "reviewer_id", name="uq_review_assignments_reviewer"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    draft: Mapped[dict[str, Any]] = mapped_column(default=dict)
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
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    #: ``accept``, ``correct`` or ``reject``.
    verdict: Mapped[str]
    accuracy: Mapped[int]
    completeness: Mapped[int]
    tone: Mapped[int]
    compliance: Mapped[int]
    #: ``knowledge``, ``format``, ``tone``, ``judgement``, ``unsafe``, ``other``; or empty.
    error_kind: Mapped[str]
    #: Whether an expert with what the model was given could have got it right: ``yes``,
    #: ``facts_missing``, ``needs_judgement``; or empty.
    answerable: Mapped[str] = mapped_column(default="")
    #: The response as it should have been; the model's own where it was accepted.
    corrected_response: Mapped[str]
    comment: Mapped[str]
    submitted_at: Mapped[datetime]


class ReviewProposal(Base):
    """What a reviewer of a disagreed item proposes after talking; two equal ones make gold."""

    __tablename__ = "review_proposals"
    __table_args__ = (
        UniqueConstraint("item_id", "reviewer_id", name="uq_review_proposals_reviewer"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    verdict: Mapped[str]
    error_kind: Mapped[str]
    answerable: Mapped[str] = mapped_column(default="")
    corrected_response: Mapped[str]
    comment: Mapped[str]
    proposed_at: Mapped[datetime]


class ReviewMessage(Base):
    """What one of the two reviewers of a disagreed item writes to the other."""

    __tablename__ = "review_messages"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"), index=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str]
    written_at: Mapped[datetime]


class ReviewAudit(Base):
    """An agreed item that an adjudicator judges too, without seeing the votes."""

    __tablename__ = "review_audits"
    __table_args__ = (UniqueConstraint("item_id", "revision", name="uq_review_audits_revision"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"))
    revision: Mapped[int]
    drawn_at: Mapped[datetime]
    auditor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    #: In what the ruling differs from the gold that it looked at: ``verdict``, ``unsafe``,
    #: ``corrected response``; empty where it confirms it.
    differences: Mapped[list[Any] | None]
    verdict: Mapped[str] = mapped_column(default="")
    error_kind: Mapped[str] = mapped_column(default="")
    answerable: Mapped[str] = mapped_column(default="")
    corrected_response: Mapped[str] = mapped_column(default="")
    comment: Mapped[str] = mapped_column(default="")


class GoldExample(Base):
    """What the reviewers agreed on: the only source of training examples."""

    __tablename__ = "gold_examples"
    __table_args__ = (
        Index(
            "uq_gold_examples_standing",
            "item_id",
            unique=True,
            sqlite_where=text("superseded_at IS NULL"),
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"), index=True)
    #: The item's revision that it decides.
    revision: Mapped[int] = mapped_column(default=1)
    verdict: Mapped[str]
    response: Mapped[str]
    error_kind: Mapped[str]
    #: The value that both reviewers gave; empty where they differ.
    answerable: Mapped[str] = mapped_column(default="")
    #: ``agreed``, ``discussed``, ``adjudicated`` or ``audited``.
    resolution: Mapped[str]
    #: Why an adjudicator was needed: ``guidelines_gap``, ``reviewer_error``, ``ambiguous``; or empty.
    cause: Mapped[str] = mapped_column(default="")
    #: What who decided it by themselves says of it.
    comment: Mapped[str] = mapped_column(default="")
    #: Who adjudicated or audited; ``NULL`` where the two reviewers settled it.
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime]
    #: When another took its place, or the item was excluded; ``NULL``: it stands.
    superseded_at: Mapped[datetime | None]


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


keep_append_only(AuditEntry.metadata.tables[AuditEntry.__tablename__])


class TaxonomyVersion(Base):
    """A version of the task taxonomy that items were, or are, reviewed under."""

    __tablename__ = "taxonomy_versions"

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
