"""Initial schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True)
TERMS = sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "access_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("peer", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_log"),
    )
    op.create_index("ix_access_log_actor", "access_log", ["actor", "occurred_at"])
    op.create_index("ix_access_log_object", "access_log", ["kind", "object_id", "occurred_at"])
    op.create_index("ix_access_log_occurred_at", "access_log", ["occurred_at"])
    op.create_table(
        "access_log_chain",
        sa.Column("position", ID, nullable=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_access_log_chain"),
        sa.UniqueConstraint("entry_id", name="uq_access_log_chain_entry_id"),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("details", JSON, nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
        sa.UniqueConstraint("hash", name="uq_audit_log_hash"),
    )
    op.create_index("ix_audit_log_subject", "audit_log", ["subject"])
    op.create_table(
        "baselines",
        sa.Column("id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("n_exchanges", sa.Integer(), nullable=False),
        sa.Column("encoder", sa.String(), nullable=False),
        sa.Column("model_version", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_baselines"),
        sa.UniqueConstraint("digest", name="uq_baselines_digest"),
    )
    op.create_index("ix_baselines_model", "baselines", ["model"])
    op.create_table(
        "dead_letters",
        sa.Column("id", ID, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", ID, nullable=False),
        sa.Column("record_index", sa.Integer(), nullable=False),
        sa.Column("last_offset", ID),
        sa.Column("key", sa.LargeBinary()),
        sa.Column("value", sa.LargeBinary()),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("randomness", ID, nullable=False),
        sa.Column("threshold", ID, nullable=False),
        sa.Column("inclusion_probability", sa.Double(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("replayed_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_dead_letters"),
        sa.UniqueConstraint(
            "source", "partition", "offset", "record_index", name="uq_dead_letters_position"
        ),
    )
    op.create_index("ix_dead_letters_age", "dead_letters", ["received_at", "id"])
    op.create_table(
        "embedding_blocks",
        sa.Column("id", ID, nullable=False),
        sa.Column("encoder", sa.String(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("n_rows", sa.Integer(), nullable=False),
        sa.Column("prompt_vectors", sa.LargeBinary(), nullable=False),
        sa.Column("response_vectors", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_embedding_blocks"),
    )
    op.create_table(
        "erasure_checks",
        sa.Column("id", ID, nullable=False),
        sa.Column("checked_at", TIME, nullable=False),
        sa.Column("findings", JSON, nullable=False),
        sa.Column("unread", JSON, nullable=False),
        sa.Column("searched", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasure_checks"),
    )
    op.create_index("ix_erasure_checks_checked_at", "erasure_checks", ["checked_at"])
    op.create_table(
        "erasures",
        sa.Column("id", ID, nullable=False),
        sa.Column("subject_digest", sa.String(), nullable=False),
        sa.Column("further_digests", sa.String(), nullable=False),
        sa.Column("steps", JSON, nullable=False),
        sa.Column("traces", JSON, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("remains", JSON, nullable=False),
        sa.Column("proof_until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.create_index("ix_erasures_subject_digest", "erasures", ["subject_digest"])
    op.create_table(
        "feedback",
        sa.Column("id", ID, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", ID, nullable=False),
        sa.Column("record_index", sa.Integer(), nullable=False),
        sa.Column("exchange_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("given_at", TIME, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        sa.UniqueConstraint(
            "source", "partition", "offset", "record_index", "name", name="uq_feedback_position"
        ),
    )
    op.create_index("ix_feedback_age", "feedback", ["received_at", "id"])
    op.create_index("ix_feedback_exchange_id", "feedback", ["exchange_id"])
    op.create_table(
        "leadership",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("acquired_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("worked_at", TIME),
        sa.CheckConstraint("id = 1", name="ck_leadership_single_row"),
        sa.PrimaryKeyConstraint("id", name="pk_leadership"),
        sa.UniqueConstraint("epoch", name="uq_leadership_epoch"),
    )
    op.create_table(
        "looks",
        sa.Column("id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("looked_until", TIME, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("alarm", sa.Boolean(), nullable=False),
        sa.Column("n_exchanges", sa.Integer(), nullable=False),
        sa.Column("n_end_users", sa.Integer(), nullable=False),
        sa.Column("provenance", JSON, nullable=False),
        sa.Column("findings", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("followed_up_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_looks"),
        sa.UniqueConstraint("model", "looked_until", name="uq_looks_hour"),
    )
    op.create_table(
        "offset_gaps",
        sa.Column("id", ID, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("first_offset", ID, nullable=False),
        sa.Column("last_offset", ID, nullable=False),
        sa.Column("detected_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_offset_gaps"),
    )
    op.create_table(
        "pending_halves",
        sa.Column("id", ID, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", ID, nullable=False),
        sa.Column("record_index", sa.Integer(), nullable=False),
        sa.Column("join_id", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("end_user", sa.String(), nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("randomness", ID, nullable=False),
        sa.Column("threshold", ID, nullable=False),
        sa.Column("inclusion_probability", sa.Double(), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("stored_at", TIME, nullable=False),
        sa.Column("claimed_until", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_pending_halves"),
        sa.UniqueConstraint("source", "join_id", "side", name="uq_pending_halves_side"),
    )
    op.create_index(
        "ix_pending_halves_claimed_until",
        "pending_halves",
        ["claimed_until"],
        sqlite_where=sa.text("claimed_until IS NOT NULL"),
        postgresql_where=sa.text("claimed_until IS NOT NULL"),
    )
    op.create_index("ix_pending_halves_end_user", "pending_halves", ["end_user"])
    op.create_index("ix_pending_halves_occurred_at", "pending_halves", ["source", "occurred_at"])
    op.create_index("ix_pending_halves_received_at", "pending_halves", ["received_at"])
    op.create_index("ix_pending_halves_stored_at", "pending_halves", ["stored_at"])
    op.create_table(
        "privacy_requests",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_digest", sa.String(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("searched_at", TIME),
        sa.Column("answered_at", TIME),
        sa.Column("verified_at", TIME),
        sa.Column("closed_at", TIME),
        sa.Column("closed_by", sa.String(), nullable=False),
        sa.Column("close_reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_privacy_requests"),
    )
    op.create_index("ix_privacy_requests_subject_digest", "privacy_requests", ["subject_digest"])
    op.create_table(
        "probe_sets",
        sa.Column("id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("form_digest", sa.String(), nullable=False),
        sa.Column("form", JSON, nullable=False),
        sa.Column("items", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_probe_sets"),
        sa.UniqueConstraint("model", "digest", name="uq_probe_sets_digest"),
    )
    op.create_table(
        "proof_keys",
        sa.Column("id", ID, nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("user_id_key", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_proof_keys"),
    )
    op.create_table(
        "record_counts",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("read_from", TIME, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("count", ID, nullable=False),
        sa.PrimaryKeyConstraint("source", "read_from", "reason", name="pk_record_counts"),
    )
    op.create_table(
        "registry_mirrors",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("n_changes", sa.Integer(), nullable=False),
        sa.Column("n_mirrored", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", TIME),
        sa.Column("error", sa.String()),
        sa.Column("mirrored_at", TIME),
        sa.PrimaryKeyConstraint("model", name="pk_registry_mirrors"),
    )
    op.create_table(
        "search_progress",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("settled_id", ID, nullable=False),
        sa.Column("next_id", ID, nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_search_progress"),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_until", TIME),
        sa.Column("last_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sign_in_attempts"),
    )
    op.create_index("ix_sign_in_attempts_last_at", "sign_in_attempts", ["last_at"])
    op.create_table(
        "signal_counts",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("day", TIME, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("hours", JSON, nullable=False),
        sa.PrimaryKeyConstraint("model", "day", "kind", "name", name="pk_signal_counts"),
    )
    op.create_table(
        "signal_progress",
        sa.Column("counted_table", sa.String(), nullable=False),
        sa.Column("counted_id", ID, nullable=False),
        sa.Column("counted_until", TIME),
        sa.Column("next_id", ID, nullable=False),
        sa.Column("next_until", TIME, nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("counted_table", name="pk_signal_progress"),
    )
    op.create_table(
        "slack_actions",
        sa.Column("id", ID, nullable=False),
        sa.Column("press", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("choice", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("slack_user", sa.String(), nullable=False),
        sa.Column("slack_channel", sa.String(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("done_at", TIME),
        sa.Column("outcome", sa.String()),
        sa.Column("reply", sa.String()),
        sa.Column("replied_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_slack_actions"),
        sa.UniqueConstraint("press", name="uq_slack_actions_press"),
    )
    op.create_index(
        "ix_slack_actions_unfinished",
        "slack_actions",
        ["id"],
        postgresql_where=sa.text("replied_at IS NULL"),
        sqlite_where=sa.text("replied_at IS NULL"),
    )
    op.create_index(
        "uq_slack_actions_done",
        "slack_actions",
        ["action", "subject", "version"],
        unique=True,
        postgresql_where=sa.text("outcome = 'done'"),
        sqlite_where=sa.text("outcome = 'done'"),
    )
    op.create_table(
        "source_offsets",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_offset", ID, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("caught_up_at", TIME),
        sa.PrimaryKeyConstraint("source", "partition", name="pk_source_offsets"),
    )
    op.create_table(
        "stored_exchanges",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("day", TIME, nullable=False),
        sa.Column("count", ID, nullable=False),
        sa.PrimaryKeyConstraint("model", "day", name="pk_stored_exchanges"),
    )
    op.create_table(
        "suppressions",
        sa.Column("id", ID, nullable=False),
        sa.Column("main_digest", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.CheckConstraint("action IN ('added', 'removed')", name="ck_suppressions_known_action"),
        sa.PrimaryKeyConstraint("id", name="pk_suppressions"),
    )
    op.create_index("ix_suppressions_main_digest", "suppressions", ["main_digest"])
    op.create_table(
        "taxonomy_versions",
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_taxonomy_versions"),
    )
    op.create_table(
        "unlisted_exchanges",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("day", TIME, nullable=False),
        sa.Column("count", ID, nullable=False),
        sa.Column("estimated_total", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("source", "model", "day", name="pk_unlisted_exchanges"),
    )
    op.create_table(
        "user_id_keys",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("check_value", sa.String(), nullable=False),
        sa.Column("secret", sa.String()),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("generation", name="pk_user_id_keys"),
        sa.UniqueConstraint("check_value", name="uq_user_id_keys_check_value"),
    )
    op.create_table(
        "users",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("email", sa.String()),
        sa.Column("identity", sa.String()),
        sa.Column("slack_user_id", sa.String()),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
        sa.UniqueConstraint("identity", name="uq_users_identity"),
        sa.UniqueConstraint("name", name="uq_users_name"),
    )
    op.create_index("ix_users_slack_user_id", "users", ["slack_user_id"], unique=True)
    op.create_table(
        "watch_pauses",
        sa.Column("id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("ended_at", TIME, nullable=False),
        sa.Column("resumed_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_watch_pauses"),
    )
    op.create_index(
        "uq_watch_pauses_open",
        "watch_pauses",
        ["model"],
        unique=True,
        postgresql_where=sa.text("resumed_at IS NULL"),
        sqlite_where=sa.text("resumed_at IS NULL"),
    )
    op.create_table(
        "web_sessions",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", TIME),
        sa.PrimaryKeyConstraint("key", name="pk_web_sessions"),
    )
    op.create_index("ix_web_sessions_expires_at", "web_sessions", ["expires_at"])
    op.create_table(
        "withheld_exchanges",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("day", TIME, nullable=False),
        sa.Column("count", ID, nullable=False),
        sa.Column("estimated_total", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("source", "model", "day", name="pk_withheld_exchanges"),
    )
    op.create_table(
        "drift_evaluations",
        sa.Column("id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("window_end", TIME, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("verdict", sa.String()),
        sa.Column("seed", ID, nullable=False),
        sa.Column("baseline_id", ID),
        sa.Column("provenance", JSON, nullable=False),
        sa.Column("assessment", JSON),
        sa.Column("sample_scores", sa.LargeBinary()),
        sa.Column("prompt_map", sa.LargeBinary()),
        sa.Column("error", sa.String()),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("claimed_until", TIME, nullable=False),
        sa.Column("epoch", sa.BigInteger()),
        sa.Column("first_started_at", TIME),
        sa.Column("crashes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("followed_up_at", TIME),
        sa.ForeignKeyConstraint(
            ["baseline_id"], ["baselines.id"], name="fk_drift_evaluations_baseline_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_drift_evaluations"),
        sa.UniqueConstraint(
            "model", "window_start", "window_end", name="uq_drift_evaluations_window"
        ),
    )
    op.create_table(
        "erasure_proofs",
        sa.Column("erasure_id", ID, nullable=False),
        sa.Column("key_id", ID, nullable=False),
        sa.Column("fingerprints", JSON, nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["erasure_id"], ["erasures.id"], name="fk_erasure_proofs_erasure_id"
        ),
        sa.ForeignKeyConstraint(["key_id"], ["proof_keys.id"], name="fk_erasure_proofs_key_id"),
        sa.PrimaryKeyConstraint("erasure_id", name="pk_erasure_proofs"),
    )
    op.create_index("ix_erasure_proofs_key_id", "erasure_proofs", ["key_id"])
    op.create_table(
        "exchanges",
        sa.Column("id", ID, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", ID, nullable=False),
        sa.Column("record_index", sa.Integer(), nullable=False),
        sa.Column("baseline_id", ID),
        sa.Column("exchange_id", sa.String(), nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("task_type", sa.String(), nullable=False),
        sa.Column("end_user", sa.String(), nullable=False),
        sa.Column("messages", JSON, nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("response", sa.String(), nullable=False),
        sa.Column("attributes", JSON, nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column("randomness", ID, nullable=False),
        sa.Column("threshold", ID, nullable=False),
        sa.Column("inclusion_probability", sa.Double(), nullable=False),
        sa.Column("candidate_threshold", ID, nullable=False),
        sa.Column("min_sample_size", sa.Integer(), nullable=False),
        sa.Column("block_id", ID, nullable=False),
        sa.Column("block_row", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["baseline_id"], ["baselines.id"], name="fk_exchanges_baseline_id"),
        sa.ForeignKeyConstraint(
            ["block_id"], ["embedding_blocks.id"], name="fk_exchanges_block_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_exchanges"),
        sa.UniqueConstraint(
            "source", "partition", "offset", "record_index", name="uq_exchanges_position"
        ),
    )
    op.create_index("ix_exchanges_age", "exchanges", ["received_at", "id"])
    op.create_index("ix_exchanges_baseline_id", "exchanges", ["baseline_id"])
    op.create_index("ix_exchanges_block_id", "exchanges", ["block_id"])
    op.create_index("ix_exchanges_end_user", "exchanges", ["end_user"])
    op.create_index("ix_exchanges_exchange_id", "exchanges", ["exchange_id"])
    op.create_index("ix_exchanges_window", "exchanges", ["model", "occurred_at"])
    op.create_table(
        "invitations",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_invitations_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("token_hash", name="uq_invitations_token_hash"),
    )
    op.create_index("ix_invitations_user_id", "invitations", ["user_id"])
    op.create_table(
        "staff_sentences",
        sa.Column("id", ID, nullable=False),
        sa.Column("request_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("column_name", sa.String(), nullable=False),
        sa.Column("row_key", JSON, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("found_by", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_at", TIME),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["privacy_requests.id"], name="fk_staff_sentences_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staff_sentences"),
    )
    op.create_index("ix_staff_sentences_request_id", "staff_sentences", ["request_id"])
    op.create_table(
        "taxonomy_publications",
        sa.Column("id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("file_version", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("published_by", sa.String(), nullable=False),
        sa.Column("published_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["version"], ["taxonomy_versions.version"], name="fk_taxonomy_publications_version"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_taxonomy_publications"),
        sa.UniqueConstraint("model", "number", name="uq_taxonomy_publications_number"),
    )
    op.create_table(
        "user_grants",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("task_types", JSON, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_grants_user_id"),
        sa.PrimaryKeyConstraint("user_id", "model", name="pk_user_grants"),
    )
    op.create_table(
        "exchange_terms",
        sa.Column("exchange_id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("terms", TERMS, nullable=False),
        sa.ForeignKeyConstraint(
            ["exchange_id"], ["exchanges.id"], name="fk_exchange_terms_exchange_id"
        ),
        sa.PrimaryKeyConstraint("exchange_id", name="pk_exchange_terms"),
    )
    op.create_index(
        "ix_exchange_terms_age", "exchange_terms", ["model", "occurred_at", "exchange_id"]
    )
    op.create_table(
        "incidents",
        sa.Column("id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), server_default=sa.text("'drift'"), nullable=False),
        sa.Column("level", sa.String(), server_default=sa.text("'critical'"), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("summary", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("command", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("severity", sa.Double(), nullable=False),
        sa.Column("opening_evaluation_id", ID),
        sa.Column("last_evaluation_id", ID),
        sa.Column("opening_look_id", ID),
        sa.Column("last_look_id", ID),
        sa.Column("quiet_windows", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("began_at", TIME),
        sa.Column("clear_since", TIME),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("snoozed_until", TIME),
        sa.Column("resolved_at", TIME),
        sa.Column("acknowledged_by", sa.String()),
        sa.ForeignKeyConstraint(
            ["last_evaluation_id"], ["drift_evaluations.id"], name="fk_incidents_last_evaluation_id"
        ),
        sa.ForeignKeyConstraint(["last_look_id"], ["looks.id"], name="fk_incidents_last_look_id"),
        sa.ForeignKeyConstraint(
            ["opening_evaluation_id"],
            ["drift_evaluations.id"],
            name="fk_incidents_opening_evaluation_id",
        ),
        sa.ForeignKeyConstraint(
            ["opening_look_id"], ["looks.id"], name="fk_incidents_opening_look_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_index(
        "uq_incidents_unresolved",
        "incidents",
        ["model", "cause"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
        sqlite_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "reports",
        sa.Column("evaluation_id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["drift_evaluations.id"], name="fk_reports_evaluation_id"
        ),
        sa.PrimaryKeyConstraint("evaluation_id", "kind", name="pk_reports"),
    )
    op.create_table(
        "review_batches",
        sa.Column("id", ID, nullable=False),
        sa.Column("evaluation_id", ID),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("audit_seed", ID),
        sa.Column("design", JSON),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["drift_evaluations.id"], name="fk_review_batches_evaluation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_review_batches"),
        sa.UniqueConstraint("evaluation_id", name="uq_review_batches_evaluation_id"),
    )
    op.create_table(
        "slow_drift_windows",
        sa.Column("evaluation_id", ID, nullable=False),
        sa.Column("scoring_digest", sa.String(), nullable=False),
        sa.Column("sums", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["drift_evaluations.id"], name="fk_slow_drift_windows_evaluation_id"
        ),
        sa.PrimaryKeyConstraint("evaluation_id", name="pk_slow_drift_windows"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", ID, nullable=False),
        sa.Column("batch_id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("promotion_id", ID, nullable=False),
        sa.Column("recommendation", sa.String(), nullable=False),
        sa.Column("inputs", JSON, nullable=False),
        sa.Column("decided_at", TIME, nullable=False),
        sa.Column("confirmed_by", sa.String()),
        sa.Column("confirmed_at", TIME),
        sa.Column("preview", JSON),
        sa.ForeignKeyConstraint(["batch_id"], ["review_batches.id"], name="fk_decisions_batch_id"),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        sa.UniqueConstraint("batch_id", "version", "promotion_id", name="uq_decisions_version"),
    )
    op.create_table(
        "incident_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("incident_id", ID, nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("from_status", sa.String()),
        sa.Column("to_status", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("evaluation_id", ID),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["drift_evaluations.id"], name="fk_incident_events_evaluation_id"
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name="fk_incident_events_incident_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_incident_events"),
    )
    op.create_index("ix_incident_events_incident_id", "incident_events", ["incident_id"])
    op.create_table(
        "incident_threads",
        sa.Column("incident_id", ID, nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name="fk_incident_threads_incident_id"
        ),
        sa.PrimaryKeyConstraint("incident_id", "target", name="pk_incident_threads"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", ID, nullable=False),
        sa.Column("dedupe_key", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), server_default=sa.text("'notice'"), nullable=False),
        sa.Column("incident_id", ID),
        sa.Column("evaluation_id", ID),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempted_at", TIME),
        sa.Column("next_attempt_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("failing_since", TIME),
        sa.Column("sent_at", TIME),
        sa.Column("failed_at", TIME),
        sa.Column("error", sa.String()),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["drift_evaluations.id"], name="fk_outbox_evaluation_id"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_outbox_incident_id"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("dedupe_key", "channel", name="uq_outbox_dedupe_key"),
    )
    op.create_index("ix_outbox_channel_sent_at", "outbox", ["channel", "sent_at"])
    op.create_index("ix_outbox_next_attempt_at", "outbox", ["next_attempt_at"])
    op.create_index(
        "ix_outbox_pending",
        "outbox",
        ["channel", "id"],
        postgresql_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
        sqlite_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
    )
    op.create_table(
        "review_items",
        sa.Column("id", ID, nullable=False),
        sa.Column("batch_id", ID, nullable=False),
        sa.Column("exchange_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("slice", sa.String(), nullable=False),
        sa.Column("selection_probability", sa.Double(), nullable=False),
        sa.Column("control_probability", sa.Double(), nullable=False),
        sa.Column("cluster", sa.Integer()),
        sa.Column("task_type", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("excluded_reason", sa.String()),
        sa.Column("status_before_flag", sa.String()),
        sa.Column("reopened_reason", sa.String()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("taxonomy_version", sa.String(), nullable=False),
        sa.Column("complete_since", TIME),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["review_batches.id"], name="fk_review_items_batch_id"
        ),
        sa.ForeignKeyConstraint(
            ["exchange_id"], ["exchanges.id"], name="fk_review_items_exchange_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_review_items"),
        sa.UniqueConstraint("batch_id", "exchange_id", name="uq_review_items_exchange"),
    )
    op.create_index(
        "ix_review_items_complete",
        "review_items",
        ["complete_since"],
        sqlite_where=sa.text("complete_since IS NOT NULL"),
        postgresql_where=sa.text("complete_since IS NOT NULL"),
    )
    op.create_index("ix_review_items_exchange_id", "review_items", ["exchange_id"])
    op.create_index(
        "ix_review_items_queue", "review_items", ["status", "batch_id", "position", "task_type"]
    )
    op.create_table(
        "gold_examples",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("response", sa.String(), nullable=False),
        sa.Column("error_kind", sa.String(), nullable=False),
        sa.Column("answerable", sa.String(), nullable=False),
        sa.Column("resolution", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("decided_by_id", ID),
        sa.Column("decided_at", TIME, nullable=False),
        sa.Column("superseded_at", TIME),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["users.id"], name="fk_gold_examples_decided_by_id"
        ),
        sa.ForeignKeyConstraint(["item_id"], ["review_items.id"], name="fk_gold_examples_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_gold_examples"),
    )
    op.create_index("ix_gold_examples_item_id", "gold_examples", ["item_id"])
    op.create_index(
        "uq_gold_examples_standing",
        "gold_examples",
        ["item_id"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_table(
        "review_assignments",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("reviewer_id", ID, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("draft", JSON, nullable=False),
        sa.Column("skipped_at", TIME),
        sa.Column("declined_reason", sa.String()),
        sa.Column("given_until", TIME),
        sa.ForeignKeyConstraint(
            ["item_id"], ["review_items.id"], name="fk_review_assignments_item_id"
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["users.id"], name="fk_review_assignments_reviewer_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_review_assignments"),
        sa.UniqueConstraint("item_id", "reviewer_id", name="uq_review_assignments_reviewer"),
    )
    op.create_index("ix_review_assignments_expires_at", "review_assignments", ["expires_at"])
    op.create_index("ix_review_assignments_given_until", "review_assignments", ["given_until"])
    op.create_index("ix_review_assignments_reviewer_id", "review_assignments", ["reviewer_id"])
    op.create_table(
        "review_audits",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("drawn_at", TIME, nullable=False),
        sa.Column("auditor_id", ID),
        sa.Column("decided_at", TIME),
        sa.Column("differences", JSON),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("error_kind", sa.String(), nullable=False),
        sa.Column("answerable", sa.String(), nullable=False),
        sa.Column("corrected_response", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["auditor_id"], ["users.id"], name="fk_review_audits_auditor_id"),
        sa.ForeignKeyConstraint(["item_id"], ["review_items.id"], name="fk_review_audits_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_review_audits"),
        sa.UniqueConstraint("item_id", "revision", name="uq_review_audits_revision"),
    )
    op.create_table(
        "review_draws",
        sa.Column("id", ID, nullable=False),
        sa.Column("batch_id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("text_digest", sa.String(), nullable=False),
        sa.Column("task_type", sa.String(), nullable=False),
        sa.Column("stratum", sa.Integer(), nullable=False),
        sa.Column("cluster", sa.Integer()),
        sa.Column("control_points", sa.Integer(), nullable=False),
        sa.Column("traffic_share", sa.Double(), nullable=False),
        sa.Column("selection_probability", sa.Double(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["review_batches.id"], name="fk_review_draws_batch_id"
        ),
        sa.ForeignKeyConstraint(["item_id"], ["review_items.id"], name="fk_review_draws_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_review_draws"),
        sa.UniqueConstraint("batch_id", "item_id", name="uq_review_draws_item"),
    )
    op.create_index("ix_review_draws_item_id", "review_draws", ["item_id"])
    op.create_index("ix_review_draws_text_digest", "review_draws", ["text_digest"])
    op.create_table(
        "review_messages",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("reviewer_id", ID, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("written_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["review_items.id"], name="fk_review_messages_item_id"
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["users.id"], name="fk_review_messages_reviewer_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_review_messages"),
    )
    op.create_index("ix_review_messages_item_id", "review_messages", ["item_id"])
    op.create_table(
        "review_proposals",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("reviewer_id", ID, nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("error_kind", sa.String(), nullable=False),
        sa.Column("answerable", sa.String(), nullable=False),
        sa.Column("corrected_response", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("proposed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["review_items.id"], name="fk_review_proposals_item_id"
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["users.id"], name="fk_review_proposals_reviewer_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_review_proposals"),
        sa.UniqueConstraint("item_id", "reviewer_id", name="uq_review_proposals_reviewer"),
    )
    op.create_table(
        "reviews",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("reviewer_id", ID, nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("accuracy", sa.Integer()),
        sa.Column("completeness", sa.Integer()),
        sa.Column("tone", sa.Integer()),
        sa.Column("compliance", sa.Integer()),
        sa.Column("error_kind", sa.String(), nullable=False),
        sa.Column("answerable", sa.String(), nullable=False),
        sa.Column("corrected_response", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("submitted_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["review_items.id"], name="fk_reviews_item_id"),
        sa.ForeignKeyConstraint(["reviewer_id"], ["users.id"], name="fk_reviews_reviewer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
        sa.UniqueConstraint("item_id", "reviewer_id", name="uq_reviews_reviewer"),
    )
    op.create_index("ix_reviews_reviewer_id", "reviews", ["reviewer_id"])
    op.create_table(
        "training_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("decision_id", ID),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("launcher", sa.String(), nullable=False),
        sa.Column("handle", JSON),
        sa.Column("recipe", JSON, nullable=False),
        sa.Column("work_dir", sa.String(), nullable=False),
        sa.Column("plan", JSON),
        sa.Column("progress", JSON),
        sa.Column("resumptions", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cancel_requested_by", sa.String()),
        sa.Column("termination_error", sa.String()),
        sa.Column("start_request", JSON),
        sa.Column("result", JSON),
        sa.Column("error", sa.String()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("finished_at", TIME),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decisions.id"], name="fk_training_runs_decision_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_training_runs"),
        sa.UniqueConstraint("decision_id", name="uq_training_runs_decision_id"),
    )
    op.create_table(
        "model_versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("parent_id", ID),
        sa.Column("training_run_id", ID),
        sa.Column("adapter_path", sa.String(), nullable=False),
        sa.Column("adapter_digest", sa.String(), nullable=False),
        sa.Column("identity", JSON),
        sa.Column("weights_change", JSON),
        sa.Column("lineage", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["model_versions.id"], name="fk_model_versions_parent_id"
        ),
        sa.ForeignKeyConstraint(
            ["training_run_id"], ["training_runs.id"], name="fk_model_versions_training_run_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_model_versions"),
        sa.UniqueConstraint("model", "version", name="uq_model_versions_version"),
        sa.UniqueConstraint("training_run_id", name="uq_model_versions_training_run_id"),
    )
    op.create_index(
        "uq_model_versions_production",
        "model_versions",
        ["model"],
        unique=True,
        postgresql_where=sa.text("stage = 'production'"),
        sqlite_where=sa.text("stage = 'production'"),
    )
    op.create_table(
        "baseline_plans",
        sa.Column("id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("searched_until", TIME),
        sa.Column("baseline_id", ID),
        sa.Column("closed_at", TIME),
        sa.ForeignKeyConstraint(
            ["baseline_id"], ["baselines.id"], name="fk_baseline_plans_baseline_id"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["model_versions.id"], name="fk_baseline_plans_version_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_baseline_plans"),
    )
    op.create_index("ix_baseline_plans_model", "baseline_plans", ["model"])
    op.create_table(
        "candidate_evaluations",
        sa.Column("id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("launcher", sa.String(), nullable=False),
        sa.Column("handle", JSON),
        sa.Column("work_dir", sa.String(), nullable=False),
        sa.Column("request", JSON, nullable=False),
        sa.Column("responses_key", sa.String()),
        sa.Column("file_digest", sa.String(), nullable=False),
        sa.Column("dataset_digests", JSON),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=False),
        sa.Column("results", JSON),
        sa.Column("gate_result", sa.String()),
        sa.Column("error", sa.String()),
        sa.Column("termination_error", sa.String()),
        sa.Column("planned_by", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("finished_at", TIME),
        sa.Column("approved_by", sa.String()),
        sa.Column("approved_reason", sa.String()),
        sa.Column("approved_at", TIME),
        sa.ForeignKeyConstraint(
            ["version_id"], ["model_versions.id"], name="fk_candidate_evaluations_version_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_candidate_evaluations"),
    )
    op.create_index("ix_candidate_evaluations_version_id", "candidate_evaluations", ["version_id"])
    op.create_index(
        "uq_candidate_evaluations_open",
        "candidate_evaluations",
        ["version_id"],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
        sqlite_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "model_scores",
        sa.Column("id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("benchmark", sa.String(), nullable=False),
        sa.Column("stratum", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("lower", sa.Double(), nullable=False),
        sa.Column("upper", sa.Double(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("measured_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["model_versions.id"], name="fk_model_scores_version_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_model_scores"),
        sa.UniqueConstraint("version_id", "benchmark", "stratum", "metric", name="uq_model_scores"),
    )
    op.create_table(
        "probe_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("version_id", ID),
        sa.Column("set_id", ID, nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("serving_since", TIME),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=False),
        sa.Column("claimed_by", sa.String()),
        sa.Column("claimed_until", TIME),
        sa.Column("error", sa.String()),
        sa.Column("verdict", sa.String()),
        sa.Column("is_reference", sa.Boolean(), nullable=False),
        sa.Column("change", sa.Double()),
        sa.Column("threshold", sa.Double()),
        sa.Column("comparison", JSON),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("accepted_by", sa.String()),
        sa.Column("accepted_reason", sa.String()),
        sa.Column("accepted_at", TIME),
        sa.ForeignKeyConstraint(["set_id"], ["probe_sets.id"], name="fk_probe_runs_set_id"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["model_versions.id"], name="fk_probe_runs_version_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_probe_runs"),
        sa.UniqueConstraint("model", "role", "due_at", name="uq_probe_runs_due"),
    )
    op.create_index("ix_probe_runs_version_id", "probe_runs", ["version_id"])
    op.create_index(
        "uq_probe_runs_open",
        "probe_runs",
        ["model", "role"],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
        sqlite_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "rollouts",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("stable_version_id", ID, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("weight_percent", sa.Integer(), nullable=False),
        sa.Column("stage_started_at", TIME, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("settings", JSON, nullable=False),
        sa.Column("seed", ID, nullable=False),
        sa.Column("measurement", JSON),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.ForeignKeyConstraint(
            ["stable_version_id"], ["model_versions.id"], name="fk_rollouts_stable_version_id"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["model_versions.id"], name="fk_rollouts_version_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rollouts"),
    )
    op.create_index("ix_rollouts_version_id", "rollouts", ["version_id"])
    op.create_index(
        "uq_rollouts_open",
        "rollouts",
        ["model"],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
        sqlite_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "stage_changes",
        sa.Column("id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("from_stage", sa.String(), nullable=False),
        sa.Column("to_stage", sa.String(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["model_versions.id"], name="fk_stage_changes_version_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_stage_changes"),
    )
    op.create_index("ix_stage_changes_version_id", "stage_changes", ["version_id"])
    op.create_table(
        "taints",
        sa.Column("id", ID, nullable=False),
        sa.Column("erasure_id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("run_id", ID),
        sa.Column("version_id", ID),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("tainted_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["erasure_id"], ["erasures.id"], name="fk_taints_erasure_id"),
        sa.ForeignKeyConstraint(["run_id"], ["training_runs.id"], name="fk_taints_run_id"),
        sa.ForeignKeyConstraint(["version_id"], ["model_versions.id"], name="fk_taints_version_id"),
        sa.PrimaryKeyConstraint("id", name="pk_taints"),
    )
    op.create_index("ix_taints_erasure_id", "taints", ["erasure_id"])
    op.create_index("ix_taints_run_id", "taints", ["run_id"])
    op.create_index("ix_taints_version_id", "taints", ["version_id"])
    op.create_table(
        "human_evaluations",
        sa.Column("id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("candidate_evaluation_id", ID, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("sample_size", sa.Integer(), nullable=False),
        sa.Column("n_available", sa.Integer(), nullable=False),
        sa.Column("raters_per_item", sa.Integer(), nullable=False),
        sa.Column("scale_min", sa.Integer(), nullable=False),
        sa.Column("scale_max", sa.Integer(), nullable=False),
        sa.Column("dimensions", JSON, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("locked_at", TIME),
        sa.Column("locked_by_id", ID),
        sa.Column("cancelled_at", TIME),
        sa.Column("results", JSON),
        sa.Column("measured_at", TIME),
        sa.ForeignKeyConstraint(
            ["candidate_evaluation_id"],
            ["candidate_evaluations.id"],
            name="fk_human_evaluations_candidate_evaluation_id",
        ),
        sa.ForeignKeyConstraint(
            ["locked_by_id"], ["users.id"], name="fk_human_evaluations_locked_by_id"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["model_versions.id"], name="fk_human_evaluations_version_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_human_evaluations"),
        sa.UniqueConstraint(
            "candidate_evaluation_id", name="uq_human_evaluations_candidate_evaluation_id"
        ),
    )
    op.create_table(
        "probes",
        sa.Column("id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version_id", ID),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("pass_number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", TIME),
        sa.Column("at", TIME),
        sa.Column("response", sa.String()),
        sa.Column("passed", sa.Boolean()),
        sa.Column("served_model", sa.String()),
        sa.Column("latency_seconds", sa.Double()),
        sa.Column("error", sa.String()),
        sa.ForeignKeyConstraint(["run_id"], ["probe_runs.id"], name="fk_probes_run_id"),
        sa.ForeignKeyConstraint(["version_id"], ["model_versions.id"], name="fk_probes_version_id"),
        sa.PrimaryKeyConstraint("id", name="pk_probes"),
        sa.UniqueConstraint("run_id", "item", "pass_number", name="uq_probes_item"),
    )
    op.create_index("ix_probes_kind", "probes", ["version_id", "kind", "at"])
    op.create_table(
        "rollout_comparisons",
        sa.Column("rollout_id", ID, nullable=False),
        sa.Column("hour", TIME, nullable=False),
        sa.Column("n_canary", sa.Integer(), nullable=False),
        sa.Column("n_stable", sa.Integer(), nullable=False),
        sa.Column("result", JSON, nullable=False),
        sa.Column("compared_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name="fk_rollout_comparisons_rollout_id"
        ),
        sa.PrimaryKeyConstraint("rollout_id", name="pk_rollout_comparisons"),
    )
    op.create_table(
        "rollout_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("rollout_id", ID, nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("from_status", sa.String()),
        sa.Column("to_status", sa.String(), nullable=False),
        sa.Column("weight_percent", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("details", JSON),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name="fk_rollout_events_rollout_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rollout_events"),
    )
    op.create_index("ix_rollout_events_rollout_id", "rollout_events", ["rollout_id"])
    op.create_table(
        "rollout_labels",
        sa.Column("rollout_id", ID, nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("count", ID, nullable=False),
        sa.Column("estimated_total", sa.Double(), nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name="fk_rollout_labels_rollout_id"
        ),
        sa.PrimaryKeyConstraint("rollout_id", "label", name="pk_rollout_labels"),
    )
    op.create_table(
        "rollout_looks",
        sa.Column("id", ID, nullable=False),
        sa.Column("rollout_id", ID, nullable=False),
        sa.Column("hour", TIME, nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("weight_percent", sa.Integer(), nullable=False),
        sa.Column("n_canary", sa.Integer(), nullable=False),
        sa.Column("n_stable", sa.Integer(), nullable=False),
        sa.Column("seen_share", sa.Double()),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("checks", JSON, nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("reasons", JSON),
        sa.Column("looked_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name="fk_rollout_looks_rollout_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rollout_looks"),
        sa.UniqueConstraint("rollout_id", "hour", name="uq_rollout_looks_hour"),
    )
    op.create_table(
        "rollout_observations",
        sa.Column("id", ID, nullable=False),
        sa.Column("rollout_id", ID, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", ID, nullable=False),
        sa.Column("record_index", sa.Integer(), nullable=False),
        sa.Column("exchange_id", sa.String(), nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("arm", sa.String(), nullable=False),
        sa.Column("task_type", sa.String(), nullable=False),
        sa.Column("end_user", sa.String(), nullable=False),
        sa.Column("inclusion_probability", sa.Double(), nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("response", sa.String(), nullable=False),
        sa.Column("measures", JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name="fk_rollout_observations_rollout_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rollout_observations"),
        sa.UniqueConstraint(
            "source", "partition", "offset", "record_index", name="uq_rollout_observations_position"
        ),
    )
    op.create_index("ix_rollout_observations_end_user", "rollout_observations", ["end_user"])
    op.create_index("ix_rollout_observations_exchange_id", "rollout_observations", ["exchange_id"])
    op.create_index(
        "ix_rollout_observations_hour", "rollout_observations", ["rollout_id", "occurred_at"]
    )
    op.create_index("ix_rollout_observations_received_at", "rollout_observations", ["received_at"])
    op.create_table(
        "traffic_weights",
        sa.Column("id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("generation", ID, nullable=False),
        sa.Column("stable_version_id", ID, nullable=False),
        sa.Column("canary_version_id", ID),
        sa.Column("canary_percent", sa.Integer(), nullable=False),
        sa.Column("rollout_id", ID),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String()),
        sa.Column("n_overwritten", sa.Integer(), nullable=False),
        sa.Column("overwritten_at", TIME),
        sa.ForeignKeyConstraint(
            ["canary_version_id"],
            ["model_versions.id"],
            name="fk_traffic_weights_canary_version_id",
        ),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name="fk_traffic_weights_rollout_id"
        ),
        sa.ForeignKeyConstraint(
            ["stable_version_id"],
            ["model_versions.id"],
            name="fk_traffic_weights_stable_version_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_traffic_weights"),
        sa.UniqueConstraint("model", "generation", name="uq_traffic_weights_generation"),
    )
    op.create_index("ix_traffic_weights_rollout_id", "traffic_weights", ["rollout_id"])
    op.create_table(
        "human_evaluation_items",
        sa.Column("id", ID, nullable=False),
        sa.Column("human_evaluation_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("benchmark", sa.String(), nullable=False),
        sa.Column("benchmark_item_id", sa.String(), nullable=False),
        sa.Column("task_type", sa.String(), nullable=False),
        sa.Column("messages", JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["human_evaluation_id"],
            ["human_evaluations.id"],
            name="fk_human_evaluation_items_human_evaluation_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_human_evaluation_items"),
        sa.UniqueConstraint(
            "human_evaluation_id",
            "benchmark",
            "benchmark_item_id",
            name="uq_human_evaluation_items_item",
        ),
        sa.UniqueConstraint(
            "human_evaluation_id", "number", name="uq_human_evaluation_items_number"
        ),
    )
    op.create_table(
        "rollout_scores",
        sa.Column("id", ID, nullable=False),
        sa.Column("rollout_id", ID, nullable=False),
        sa.Column("observation_id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("scored_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["observation_id"],
            ["rollout_observations.id"],
            name="fk_rollout_scores_observation_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name="fk_rollout_scores_rollout_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rollout_scores"),
        sa.UniqueConstraint("observation_id", "name", name="uq_rollout_scores_observation"),
    )
    op.create_index("ix_rollout_scores_rollout_id", "rollout_scores", ["rollout_id"])
    op.create_table(
        "human_evaluation_assignments",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("reviewer_id", ID, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("draft", JSON, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("submitted_at", TIME),
        sa.Column("skipped_at", TIME),
        sa.Column("declined_reason", sa.String()),
        sa.Column("comment", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["human_evaluation_items.id"],
            name="fk_human_evaluation_assignments_item_id",
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["users.id"], name="fk_human_evaluation_assignments_reviewer_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_human_evaluation_assignments"),
        sa.UniqueConstraint(
            "item_id", "reviewer_id", name="uq_human_evaluation_assignments_reviewer"
        ),
    )
    op.create_index(
        "ix_human_evaluation_assignments_reviewer_id",
        "human_evaluation_assignments",
        ["reviewer_id"],
    )
    op.create_table(
        "human_evaluation_responses",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["human_evaluation_items.id"], name="fk_human_evaluation_responses_item_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_human_evaluation_responses"),
    )
    op.create_index(
        "ix_human_evaluation_responses_item_id", "human_evaluation_responses", ["item_id"]
    )
    op.create_table(
        "human_evaluation_keys",
        sa.Column("response_id", ID, nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["response_id"],
            ["human_evaluation_responses.id"],
            name="fk_human_evaluation_keys_response_id",
        ),
        sa.PrimaryKeyConstraint("response_id", "system", name="pk_human_evaluation_keys"),
    )
    op.create_table(
        "human_evaluation_ratings",
        sa.Column("id", ID, nullable=False),
        sa.Column("response_id", ID, nullable=False),
        sa.Column("reviewer_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("scores", JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["response_id"],
            ["human_evaluation_responses.id"],
            name="fk_human_evaluation_ratings_response_id",
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["users.id"], name="fk_human_evaluation_ratings_reviewer_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_human_evaluation_ratings"),
        sa.UniqueConstraint(
            "response_id", "reviewer_id", name="uq_human_evaluation_ratings_response"
        ),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute("""CREATE TRIGGER access_log_no_update BEFORE UPDATE ON access_log
    BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END""")
        op.execute("""CREATE TRIGGER access_log_no_replace BEFORE INSERT ON access_log
    WHEN EXISTS (SELECT 1 FROM access_log WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END""")
        op.execute("""CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""")
        op.execute("""CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""")
        op.execute("""CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log
    WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id OR hash = NEW.hash)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""")
        op.execute("""CREATE VIRTUAL TABLE fulltext_exchanges
    USING fts5(terms, content='exchange_terms', content_rowid='exchange_id',
    detail='none', columnsize=0, tokenize="ascii tokenchars '=+-.'")""")
        op.execute("""CREATE TRIGGER fulltext_exchanges_insert AFTER INSERT ON exchange_terms
    BEGIN INSERT INTO fulltext_exchanges (rowid, terms) VALUES (NEW.exchange_id, NEW.terms); END""")
        op.execute("""CREATE TRIGGER fulltext_exchanges_delete AFTER DELETE ON exchange_terms
    BEGIN INSERT INTO fulltext_exchanges (fulltext_exchanges, rowid, terms)
    VALUES ('delete', OLD.exchange_id, OLD.terms); END""")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("""CREATE FUNCTION access_log_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the access log is append-only'; END $$""")
        op.execute("""CREATE TRIGGER access_log_append_only BEFORE UPDATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION access_log_refuse()""")
        op.execute("""CREATE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""")
        op.execute("""CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse()""")
        op.execute("""CREATE INDEX fulltext_exchange_terms ON exchange_terms
    USING gin (terms) WITH (fastupdate = off)""")


def downgrade() -> None:
    op.drop_table("human_evaluation_ratings")
    op.drop_table("human_evaluation_keys")
    op.drop_table("human_evaluation_responses")
    op.drop_table("human_evaluation_assignments")
    op.drop_table("rollout_scores")
    op.drop_table("human_evaluation_items")
    op.drop_table("traffic_weights")
    op.drop_table("rollout_observations")
    op.drop_table("rollout_looks")
    op.drop_table("rollout_labels")
    op.drop_table("rollout_events")
    op.drop_table("rollout_comparisons")
    op.drop_table("probes")
    op.drop_table("human_evaluations")
    op.drop_table("taints")
    op.drop_table("stage_changes")
    op.drop_table("rollouts")
    op.drop_table("probe_runs")
    op.drop_table("model_scores")
    op.drop_table("candidate_evaluations")
    op.drop_table("baseline_plans")
    op.drop_table("model_versions")
    op.drop_table("training_runs")
    op.drop_table("reviews")
    op.drop_table("review_proposals")
    op.drop_table("review_messages")
    op.drop_table("review_draws")
    op.drop_table("review_audits")
    op.drop_table("review_assignments")
    op.drop_table("gold_examples")
    op.drop_table("review_items")
    op.drop_table("outbox")
    op.drop_table("incident_threads")
    op.drop_table("incident_events")
    op.drop_table("decisions")
    op.drop_table("slow_drift_windows")
    op.drop_table("review_batches")
    op.drop_table("reports")
    op.drop_table("incidents")
    op.drop_table("exchange_terms")
    op.drop_table("user_grants")
    op.drop_table("taxonomy_publications")
    op.drop_table("staff_sentences")
    op.drop_table("invitations")
    op.drop_table("exchanges")
    op.drop_table("erasure_proofs")
    op.drop_table("drift_evaluations")
    op.drop_table("withheld_exchanges")
    op.drop_table("web_sessions")
    op.drop_table("watch_pauses")
    op.drop_table("users")
    op.drop_table("user_id_keys")
    op.drop_table("unlisted_exchanges")
    op.drop_table("taxonomy_versions")
    op.drop_table("suppressions")
    op.drop_table("stored_exchanges")
    op.drop_table("source_offsets")
    op.drop_table("slack_actions")
    op.drop_table("signal_progress")
    op.drop_table("signal_counts")
    op.drop_table("sign_in_attempts")
    op.drop_table("search_progress")
    op.drop_table("registry_mirrors")
    op.drop_table("record_counts")
    op.drop_table("proof_keys")
    op.drop_table("probe_sets")
    op.drop_table("privacy_requests")
    op.drop_table("pending_halves")
    op.drop_table("offset_gaps")
    op.drop_table("looks")
    op.drop_table("leadership")
    op.drop_table("feedback")
    op.drop_table("erasures")
    op.drop_table("erasure_checks")
    op.drop_table("embedding_blocks")
    op.drop_table("dead_letters")
    op.drop_table("baselines")
    op.drop_table("audit_log")
    op.drop_table("access_log_chain")
    op.drop_table("access_log")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("""DROP TABLE fulltext_exchanges""")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("""DROP FUNCTION access_log_refuse()""")
        op.execute("""DROP FUNCTION audit_log_refuse()""")
