"""Tables that each part of the daemon reads and changes; `driftwarden db grants` grants these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: Parts of the daemon with a role of their own in the database.
Part = Literal["ingest", "schedule", "web"]


@dataclass(frozen=True)
class Access:
    """The privileges of each part on a table: r(ead), a(ppend), w(rite over), d(elete).

    The codes are those of PostgreSQL.
    """

    ingest: str = ""
    schedule: str = ""
    web: str = ""
    #: Columns that a part reads; by default all.
    columns: Mapping[Part, tuple[str, ...]] = field(default_factory=dict)

    def of(self, part: Part) -> str:
        """Return the codes of a part."""
        codes: str = getattr(self, part)
        return codes


#: Ingest gets the number of a row that it inserts, and reads nothing else.
_ID_ONLY: Mapping[Part, tuple[str, ...]] = {"ingest": ("id",)}
#: What finds the dead letter of a record.
_POSITION: Mapping[Part, tuple[str, ...]] = {
    "ingest": ("id", "source", "partition", "offset", "record_index")
}
#: Every table has a row; `tests/unit/store/test_database_roles.py` compares them with the code.
ACCESS: Mapping[str, Access] = {
    "access_log": Access(schedule="rd", web="ra"),
    "audit_log": Access(schedule="ra", web="ra"),
    "baseline_plans": Access(schedule="raw", web="raw"),
    "baselines": Access(schedule="rad", web="r"),
    "candidate_evaluations": Access(schedule="raw", web="raw"),
    "dead_letters": Access(ingest="raw", schedule="rd", web="r", columns=_POSITION),
    "decisions": Access(schedule="raw", web="rw"),
    "drift_evaluations": Access(schedule="raw", web="r"),
    "embedding_blocks": Access(ingest="ra", schedule="rad", columns=_ID_ONLY),
    "erasures": Access(),
    "exchanges": Access(ingest="ra", schedule="rawd", web="r", columns=_ID_ONLY),
    "feedback": Access(ingest="ra", schedule="rd", web="r", columns=_ID_ONLY),
    "gold_examples": Access(schedule="rd", web="raw"),
    "human_evaluation_assignments": Access(schedule="rw", web="raw"),
    "human_evaluation_items": Access(schedule="raw", web="rw"),
    "human_evaluation_keys": Access(schedule="ra", web="r"),
    "human_evaluation_ratings": Access(schedule="r", web="rad"),
    "human_evaluation_responses": Access(schedule="raw", web="r"),
    "human_evaluations": Access(schedule="raw", web="rw"),
    "incident_events": Access(schedule="raw", web="ra"),
    "incident_threads": Access(schedule="raw"),
    "incidents": Access(schedule="rawd", web="raw"),
    "invitations": Access(web="rawd"),
    "leadership": Access(ingest="r", schedule="raw", web="r"),
    "looks": Access(schedule="rawd", web="r"),
    "model_scores": Access(schedule="rad", web="r"),
    "model_versions": Access(ingest="r", schedule="raw", web="rw"),
    "offset_gaps": Access(ingest="ra", schedule="r", columns=_ID_ONLY),
    "outbox": Access(schedule="raw", web="ra"),
    "pending_halves": Access(ingest="rawd", schedule="rd"),
    "probe_runs": Access(schedule="raw", web="r"),
    "probe_sets": Access(schedule="ra"),
    "probes": Access(schedule="raw", web="r"),
    "registry_mirrors": Access(schedule="raw", web="raw"),
    "reports": Access(schedule="rad", web="r"),
    "review_assignments": Access(schedule="rd", web="raw"),
    "review_audits": Access(schedule="rd", web="raw"),
    "review_batches": Access(schedule="raw", web="raw"),
    "review_draws": Access(schedule="rad", web="ra"),
    "review_items": Access(schedule="rawd", web="raw"),
    "review_messages": Access(schedule="rd", web="ra"),
    "review_proposals": Access(schedule="rd", web="rad"),
    "reviews": Access(schedule="rd", web="rad"),
    "rollout_comparisons": Access(schedule="rad", web="r"),
    "rollout_events": Access(schedule="raw", web="ra"),
    "rollout_labels": Access(ingest="raw", schedule="rd"),
    "rollout_looks": Access(schedule="raw", web="r"),
    "rollout_observations": Access(ingest="ra", schedule="rd", web="r", columns=_ID_ONLY),
    "rollout_scores": Access(schedule="ra"),
    "rollouts": Access(ingest="r", schedule="raw", web="raw"),
    "sign_in_attempts": Access(web="rawd"),
    "slack_actions": Access(schedule="rawd"),
    "slow_drift_windows": Access(schedule="rad"),
    "source_offsets": Access(ingest="raw", schedule="r", web="r"),
    "stage_changes": Access(schedule="raw", web="ra"),
    "taints": Access(schedule="ra", web="r"),
    "suppressions": Access(ingest="ra"),
    "taxonomy_versions": Access(schedule="raw", web="raw"),
    "traffic_weights": Access(schedule="raw", web="ra"),
    "training_runs": Access(schedule="raw", web="rw"),
    "unlisted_exchanges": Access(ingest="raw", schedule="rawd", web="r"),
    "user_grants": Access(schedule="rwd", web="rawd"),
    "user_id_keys": Access(ingest="raw"),
    "users": Access(schedule="r", web="raw"),
    "watch_pauses": Access(schedule="raw"),
    "web_sessions": Access(web="rawd"),
    "withheld_exchanges": Access(ingest="raw", schedule="rawd"),
}
