"""The declared schema. Importing this package makes :data:`metadata` complete."""

from monitor.store.tables.accounts import Invitation, SignInAttempt
from monitor.store.tables.base import Base
from monitor.store.tables.evaluations import (
    Decision,
    Evaluation,
    Incident,
    OutboxMessage,
    Report,
    WatchedWindow,
)
from monitor.store.tables.review import (
    AuditEntry,
    DiscussionMessage,
    GoldExample,
    Lease,
    Proposal,
    Review,
    ReviewAudit,
    ReviewBatch,
    ReviewDraw,
    Reviewer,
    ReviewerTaskType,
    ReviewItem,
    StoredTaxonomy,
    WebSession,
)
from monitor.store.tables.traffic import (
    Baseline,
    DeadLetter,
    EmbeddingBlock,
    Exchange,
    OffsetGap,
    PendingHalf,
    SourceOffset,
    WithheldExchanges,
)
from monitor.store.tables.training import (
    ModelScore,
    ModelVersion,
    Rollout,
    StageChange,
    TrainingRun,
)

metadata = Base.metadata

__all__ = [
    "AuditEntry",
    "Base",
    "Baseline",
    "DeadLetter",
    "Decision",
    "DiscussionMessage",
    "EmbeddingBlock",
    "Evaluation",
    "Exchange",
    "GoldExample",
    "Incident",
    "Invitation",
    "Lease",
    "ModelScore",
    "ModelVersion",
    "OffsetGap",
    "OutboxMessage",
    "PendingHalf",
    "Proposal",
    "Report",
    "Review",
    "ReviewAudit",
    "ReviewBatch",
    "ReviewDraw",
    "ReviewItem",
    "Reviewer",
    "ReviewerTaskType",
    "Rollout",
    "SignInAttempt",
    "SourceOffset",
    "StageChange",
    "StoredTaxonomy",
    "TrainingRun",
    "WatchedWindow",
    "WebSession",
    "WithheldExchanges",
    "metadata",
]
