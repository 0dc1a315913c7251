"""The declared schema. Importing this package makes :data:`metadata` complete."""

from monitor.store.tables.access_log import AccessEntry
from monitor.store.tables.accounts import (
    Invitation,
    SignInAttempt,
    User,
    UserGrant,
    WebSession,
)
from monitor.store.tables.alerts import (
    Incident,
    IncidentEvent,
    IncidentThread,
    OutboxMessage,
)
from monitor.store.tables.audit_log import AuditEntry
from monitor.store.tables.end_users import Suppression, UserIdKey
from monitor.store.tables.erasures import Erasure, Taint
from monitor.store.tables.feedback import Feedback
from monitor.store.tables.human_evaluation import (
    HumanEvaluation,
    HumanEvaluationAssignment,
    HumanEvaluationItem,
    HumanEvaluationKey,
    HumanEvaluationRating,
    HumanEvaluationResponse,
)
from monitor.store.tables.leadership import Leadership
from monitor.store.tables.probes import Probe, ProbeRun, ProbeSet
from monitor.store.tables.review import (
    Decision,
    GoldExample,
    Review,
    ReviewAssignment,
    ReviewAudit,
    ReviewBatch,
    ReviewDraw,
    ReviewItem,
    ReviewMessage,
    ReviewProposal,
    TaxonomyVersion,
)
from monitor.store.tables.slack_actions import SlackAction
from monitor.store.tables.traffic import (
    Baseline,
    DeadLetter,
    EmbeddingBlock,
    Exchange,
    OffsetGap,
    PendingHalf,
    SourceOffset,
    UnlistedExchanges,
    WithheldExchanges,
)
from monitor.store.tables.training import (
    BaselinePlan,
    CandidateEvaluation,
    ModelScore,
    ModelVersion,
    RegistryMirror,
    StageChange,
    TrainingRun,
)
from monitor.store.tables.windows import (
    DriftEvaluation,
    Look,
    Report,
    SlowDriftWindow,
    WatchPause,
)
from monitor.table_types.base import Base
from retrain.rollout.tables import (
    Rollout,
    RolloutComparison,
    RolloutEvent,
    RolloutLabel,
    RolloutLook,
    RolloutObservation,
    RolloutScore,
    TrafficWeights,
)

metadata = Base.metadata

__all__ = [
    "AccessEntry",
    "AuditEntry",
    "Base",
    "Baseline",
    "BaselinePlan",
    "CandidateEvaluation",
    "DeadLetter",
    "Decision",
    "DriftEvaluation",
    "EmbeddingBlock",
    "Erasure",
    "Exchange",
    "Feedback",
    "GoldExample",
    "HumanEvaluation",
    "HumanEvaluationAssignment",
    "HumanEvaluationItem",
    "HumanEvaluationKey",
    "HumanEvaluationRating",
    "HumanEvaluationResponse",
    "Incident",
    "IncidentEvent",
    "IncidentThread",
    "Invitation",
    "Leadership",
    "Look",
    "ModelScore",
    "ModelVersion",
    "OffsetGap",
    "OutboxMessage",
    "PendingHalf",
    "Probe",
    "ProbeRun",
    "ProbeSet",
    "RegistryMirror",
    "Report",
    "Review",
    "ReviewAssignment",
    "ReviewAudit",
    "ReviewBatch",
    "ReviewDraw",
    "ReviewItem",
    "ReviewMessage",
    "ReviewProposal",
    "Rollout",
    "RolloutComparison",
    "RolloutEvent",
    "RolloutLabel",
    "RolloutLook",
    "RolloutObservation",
    "RolloutScore",
    "SignInAttempt",
    "SlackAction",
    "SlowDriftWindow",
    "SourceOffset",
    "StageChange",
    "Suppression",
    "Taint",
    "TaxonomyVersion",
    "TrafficWeights",
    "TrainingRun",
    "UnlistedExchanges",
    "User",
    "UserGrant",
    "UserIdKey",
    "WatchPause",
    "WebSession",
    "WithheldExchanges",
    "metadata",
]
