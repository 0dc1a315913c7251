"""Tables of expert review: batches, items, assignments, reviews, gold and decisions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId


class ReviewBatch(Base):
    """Review items queued for one drift evaluation, or of exchanges that a lead chose."""

    __tablename__ = "review_batches"
    __table_args__ = contents.table(
        "review samples of the traffic",
        contents.LEADS,
        no_period="sizes and shares, without an exchange",
        access=contents.Access(schedule="raw", web="raw"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: ``NULL``: a lead chose the exchanges, so that the batch is no sample of a window.
    evaluation_id: Mapped[int | None] = mapped_column(
        ForeignKey("drift_evaluations.id"), unique=True
    )
    model: Mapped[str] = mapped_column(info=contents.NAME)
    created_at: Mapped[datetime]
    #: Of the draw of its audits; ``NULL``: the seed of its drift evaluation.
    audit_seed: Mapped[int | None] = mapped_column(BigId)
    #: Sampling design: size of the window and of the control draw, and the share of the traffic by
    #: task type and stratum.
    design: Mapped[dict[str, Any] | None] = mapped_column(info=contents.WORDS)


class ReviewItem(Base):
    """An exchange queued for two blind reviews."""

    __tablename__ = "review_items"
    __table_args__ = (
        UniqueConstraint("batch_id", "exchange_id", name="uq_review_items_exchange"),
        Index("ix_review_items_queue", "status", "batch_id", "position", "task_type"),
        Index(
            "ix_review_items_complete",
            "complete_since",
            sqlite_where=text("complete_since IS NOT NULL"),
            postgresql_where=text("complete_since IS NOT NULL"),
        ),
        contents.table(
            "review samples of the traffic",
            contents.STAFF,
            period="reviews",
            access=contents.Access(schedule="rawd", web="raw"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("review_batches.id"))
    exchange_id: Mapped[int] = mapped_column(ForeignKey("exchanges.id"), index=True)
    #: Shuffled across the slices, so that the order reveals nothing.
    position: Mapped[int]
    #: ``control``, ``drift``, ``cluster`` or ``chosen``: hidden from reviewers to avoid anchoring.
    slice: Mapped[str] = mapped_column(info=contents.CODE)
    #: Probability with which any draw selects the text from the window.
    selection_probability: Mapped[float]
    #: Probability with which the control draw selects it.
    control_probability: Mapped[float]
    #: Index of its drifted cluster in the assessment; ``NULL`` outside every cluster.
    cluster: Mapped[int | None]
    #: Task type of the exchange; empty where it has none.
    task_type: Mapped[str] = mapped_column(default="", info=contents.WORDS)
    #: ``queued``, ``disagreed``, ``adjudication``, ``gold``, ``flagged`` (awaits a lead) or
    #: ``excluded`` (by a lead).
    status: Mapped[str] = mapped_column(info=contents.CODE)
    #: Why a user flagged the item for exclusion: personal data, out of scope.
    excluded_reason: Mapped[str | None] = mapped_column(info=contents.WORDS)
    #: The status that is restored when a lead rejects the flag.
    status_before_flag: Mapped[str | None] = mapped_column(info=contents.CODE)
    #: Reason of the latest reopening.
    reopened_reason: Mapped[str | None] = mapped_column(info=contents.WORDS)
    #: Starts at 1 and increases with each reopening.
    revision: Mapped[int] = mapped_column(default=1)
    #: Digest of the taxonomy in force when its review began; empty without a taxonomy.
    taxonomy_version: Mapped[str] = mapped_column(default="", info=contents.DIGEST)
    #: When the second review was submitted, until it is compared with the first, as it can still be
    #: undone; else ``NULL``.
    complete_since: Mapped[datetime | None]


class ReviewDraw(Base):
    """A text sampled for a batch, with the item that reviews it, maybe of an earlier batch."""

    __tablename__ = "review_draws"
    __table_args__ = (
        UniqueConstraint("batch_id", "item_id", name="uq_review_draws_item"),
        contents.table(
            "estimate rates from reviewed samples",
            contents.OPERATOR,
            period="parent",
            access=contents.Access(schedule="rad", web="ra"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("review_batches.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"), index=True)
    #: Digest of the conversation and the response.
    text_digest: Mapped[str] = mapped_column(index=True, info=contents.END_USER_TEXT)
    task_type: Mapped[str] = mapped_column(info=contents.WORDS)
    #: 0 familiar, 1 novel, 2 in a drifted cluster.
    stratum: Mapped[int]
    #: Index of the drifted cluster in the assessment of the batch's own evaluation.
    cluster: Mapped[int | None]
    #: Number of control points that hit the text, which is its weight in the control slice.
    control_points: Mapped[int]
    #: Share of the window's traffic with this text.
    traffic_share: Mapped[float]
    #: Probability with which any draw selects it.
    selection_probability: Mapped[float]
    #: Version that gave the response, as the traffic or the registry names it; empty: unknown.
    version: Mapped[str] = mapped_column(default="", info=contents.NAME)


class ReviewAssignment(Base):
    """A review item leased by a user, with the draft saved so far."""

    __tablename__ = "review_assignments"
    __table_args__ = (
        UniqueConstraint("item_id", "reviewer_id", name="uq_review_assignments_reviewer"),
        contents.table(
            "review samples of the traffic",
            contents.STAFF,
            period="parent",
            access=contents.Access(schedule="rd", web="raw"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    draft: Mapped[dict[str, Any]] = mapped_column(default=dict, info=contents.WORDS)
    #: Set when the reviewer skipped the item, which is then assigned to them last.
    skipped_at: Mapped[datetime | None]
    #: Set when the reviewer declined the item, which is then never assigned to them again.
    declined_reason: Mapped[str | None] = mapped_column(info=contents.WORDS)
    #: Set when a lead gave the reviewer the item: a slot is kept for them until then.
    given_until: Mapped[datetime | None] = mapped_column(index=True)


class Review(Base):
    """A submitted review. It is never updated."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("item_id", "reviewer_id", name="uq_reviews_reviewer"),
        contents.table(
            "review samples of the traffic",
            contents.STAFF,
            period="parent",
            access=contents.Access(schedule="rd", web="rad"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    #: ``accept``, ``correct`` or ``reject``.
    verdict: Mapped[str] = mapped_column(info=contents.CODE)
    #: From 1 to 5; ``NULL`` where the guidelines switch scores off.
    accuracy: Mapped[int | None]
    completeness: Mapped[int | None]
    tone: Mapped[int | None]
    compliance: Mapped[int | None]
    #: ``knowledge``, ``format``, ``tone``, ``judgement``, ``unsafe``, ``other``; or empty.
    error_kind: Mapped[str] = mapped_column(info=contents.CODE)
    #: Whether an expert could have responded correctly from the same input: ``yes``,
    #: ``facts_missing``, ``needs_judgement``; or empty.
    answerable: Mapped[str] = mapped_column(default="", info=contents.CODE)
    #: The corrected response; the model's own where it was accepted.
    corrected_response: Mapped[str] = mapped_column(info=contents.WORDS)
    comment: Mapped[str] = mapped_column(info=contents.WORDS)
    submitted_at: Mapped[datetime]


class ReviewProposal(Base):
    """A reviewer's proposal for a disagreed item. Two equal proposals become gold."""

    __tablename__ = "review_proposals"
    __table_args__ = (
        UniqueConstraint("item_id", "reviewer_id", name="uq_review_proposals_reviewer"),
        contents.table(
            "let two reviewers agree",
            contents.STAFF,
            period="parent",
            access=contents.Access(schedule="rd", web="rad"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    verdict: Mapped[str] = mapped_column(info=contents.CODE)
    error_kind: Mapped[str] = mapped_column(info=contents.CODE)
    answerable: Mapped[str] = mapped_column(default="", info=contents.CODE)
    corrected_response: Mapped[str] = mapped_column(info=contents.WORDS)
    comment: Mapped[str] = mapped_column(info=contents.WORDS)
    proposed_at: Mapped[datetime]


class ReviewMessage(Base):
    """A message between the two reviewers of a disagreed item."""

    __tablename__ = "review_messages"
    __table_args__ = contents.table(
        "let two reviewers agree",
        contents.STAFF,
        period="parent",
        access=contents.Access(schedule="rd", web="ra"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"), index=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str] = mapped_column(info=contents.WORDS)
    written_at: Mapped[datetime]


class ReviewAudit(Base):
    """An audit of an agreed item by an adjudicator, who doesn't see the reviews."""

    __tablename__ = "review_audits"
    __table_args__ = (
        UniqueConstraint("item_id", "revision", name="uq_review_audits_revision"),
        contents.table(
            "verify the quality of reviews",
            ("adjudicator", "lead", "admin"),
            period="parent",
            access=contents.Access(schedule="rad", web="raw"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"))
    revision: Mapped[int]
    drawn_at: Mapped[datetime]
    auditor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    #: How the audit differs from the gold: ``verdict``, ``unsafe``, ``corrected response``; empty
    #: where it confirms the gold.
    differences: Mapped[list[Any] | None] = mapped_column(info=contents.CODE)
    verdict: Mapped[str] = mapped_column(default="", info=contents.CODE)
    error_kind: Mapped[str] = mapped_column(default="", info=contents.CODE)
    answerable: Mapped[str] = mapped_column(default="", info=contents.CODE)
    corrected_response: Mapped[str] = mapped_column(default="", info=contents.WORDS)
    comment: Mapped[str] = mapped_column(default="", info=contents.WORDS)


class GoldExample(Base):
    """The agreed outcome of an item, the only source of training examples."""

    __tablename__ = "gold_examples"
    __table_args__ = (
        Index(
            "uq_gold_examples_standing",
            "item_id",
            unique=True,
            sqlite_where=text("superseded_at IS NULL"),
            postgresql_where=text("superseded_at IS NULL"),
        ),
        contents.table(
            "train and evaluate models",
            contents.STAFF,
            period="parent",
            access=contents.Access(schedule="rad", web="raw"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id"), index=True)
    #: Revision of the item.
    revision: Mapped[int] = mapped_column(default=1)
    verdict: Mapped[str] = mapped_column(info=contents.CODE)
    response: Mapped[str] = mapped_column(info=contents.WORDS)
    error_kind: Mapped[str] = mapped_column(info=contents.CODE)
    #: The value that both reviewers gave; empty where they differ.
    answerable: Mapped[str] = mapped_column(default="", info=contents.CODE)
    #: ``agreed``, ``discussed``, ``adjudicated`` or ``audited``.
    resolution: Mapped[str] = mapped_column(info=contents.CODE)
    #: Cause of the disagreement: ``guidelines_gap``, ``reviewer_error``, ``ambiguous``; or empty.
    cause: Mapped[str] = mapped_column(default="", info=contents.CODE)
    #: Comment of the adjudicator or auditor.
    comment: Mapped[str] = mapped_column(default="", info=contents.WORDS)
    #: The adjudicator or auditor; ``NULL`` where the two reviewers agreed.
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime]
    #: When it was replaced, or the item excluded; ``NULL`` while it stands.
    superseded_at: Mapped[datetime | None]


class TaxonomyVersion(Base):
    """A version of the task taxonomy that items are or were reviewed under."""

    __tablename__ = "taxonomy_versions"
    __table_args__ = contents.table(
        "know by which guidelines an item was reviewed",
        contents.STAFF,
        no_period=contents.HISTORY,
        access=contents.Access(schedule="ra", web="ra"),
    )

    #: SHA-256 of the content.
    version: Mapped[str] = mapped_column(primary_key=True, info=contents.DIGEST)
    #: Canonical JSON as text; the digest covers these characters.
    content: Mapped[str] = mapped_column(
        info=contents.unchanged("guidelines of leads, under their digest")
    )


class TaxonomyPublication(Base):
    """A version of the task taxonomy that came into force for a model."""

    __tablename__ = "taxonomy_publications"
    __table_args__ = (
        UniqueConstraint("model", "number", name="uq_taxonomy_publications_number"),
        contents.table(
            "know by which guidelines an item was reviewed",
            contents.LEADS,
            no_period=contents.HISTORY,
            access=contents.Access(schedule="ra", web="ra"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: From 1, in the order of publication; the highest is in force.
    number: Mapped[int]
    version: Mapped[str] = mapped_column(
        ForeignKey("taxonomy_versions.version"), info=contents.DIGEST
    )
    #: Version of the configured file at that time; a file with another one comes into force.
    file_version: Mapped[str] = mapped_column(default="", info=contents.DIGEST)
    #: The Markdown with its comments.
    text: Mapped[str] = mapped_column(info=contents.WORDS)
    #: ``file``, ``page`` or ``shell``.
    source: Mapped[str] = mapped_column(info=contents.CODE)
    #: Empty: the daemon, from the configured file.
    published_by: Mapped[str] = mapped_column(default="", info=contents.ACCOUNT)
    published_at: Mapped[datetime]


class Decision(Base):
    """The decision whether to retrain a version, with all figures, from one review batch.

    A version that returns to production gets a new one.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("batch_id", "version", "promotion_id", name="uq_decisions_version"),
        contents.table(
            "decide whether a model is trained again",
            contents.STAFF,
            no_period=contents.HISTORY,
            access=contents.Access(schedule="raw", web="rw"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("review_batches.id"))
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: The version that it is about; empty: neither registry nor traffic names one.
    version: Mapped[str] = mapped_column(default="", info=contents.NAME)
    #: The stage change by which it came into production; 0: it was the first, or isn't registered.
    promotion_id: Mapped[int] = mapped_column(BigId, default=0)
    #: ``retrain``, ``fix_context``, ``fix_guidelines``, ``keep`` or ``undecided``.
    recommendation: Mapped[str] = mapped_column(info=contents.CODE)
    #: Counts, rates, intervals and the reasons as text.
    inputs: Mapped[dict[str, Any]] = mapped_column(info=contents.WORDS)
    decided_at: Mapped[datetime]
    confirmed_by: Mapped[str | None] = mapped_column(info=contents.ACCOUNT)
    confirmed_at: Mapped[datetime | None]
    #: Of a recommended retraining: its data and findings before it starts; absent: to be checked.
    preview: Mapped[dict[str, Any] | None] = mapped_column(info=contents.WORDS)
