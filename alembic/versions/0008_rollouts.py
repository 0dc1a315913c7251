"""Rollouts that move: events, traffic weights, looks and observations."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON(none_as_null=True)


def upgrade() -> None:
    with op.batch_alter_table("rollouts") as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_rollouts_version_id"), type_="unique")
        batch_op.add_column(sa.Column("kind", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("model", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("stable_version_id", _ID, nullable=True))
        batch_op.add_column(sa.Column("stage", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("settings", _JSON, nullable=True))
        batch_op.add_column(sa.Column("seed", _ID, nullable=True))
        batch_op.add_column(sa.Column("measurement", _JSON, nullable=True))
        batch_op.add_column(sa.Column("started_by", sa.String(), nullable=True))
    op.execute(
        "UPDATE rollouts SET kind = 'rollout', stage = 0, seed = 0, started_by = '', model = "
        "(SELECT model FROM model_versions WHERE model_versions.id = rollouts.version_id)"
    )
    op.execute("UPDATE rollouts SET status = 'holding' WHERE status = 'held'")
    with op.batch_alter_table("rollouts") as batch_op:
        for name, kind in (
            ("kind", sa.String()),
            ("model", sa.String()),
            ("stage", sa.Integer()),
            ("seed", _ID),
            ("started_by", sa.String()),
        ):
            batch_op.alter_column(name, existing_type=kind, nullable=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_rollouts_stable_version_id"),
            "model_versions",
            ["stable_version_id"],
            ["id"],
        )
        batch_op.create_index(batch_op.f("ix_rollouts_version_id"), ["version_id"])
        batch_op.create_index(
            "uq_rollouts_open",
            ["model"],
            unique=True,
            postgresql_where=sa.text("finished_at IS NULL"),
            sqlite_where=sa.text("finished_at IS NULL"),
        )
    op.create_table(
        "rollout_events",
        sa.Column("id", _ID, nullable=False),
        sa.Column("rollout_id", _ID, nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("from_status", sa.String(), nullable=True),
        sa.Column("to_status", sa.String(), nullable=False),
        sa.Column("weight_percent", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("details", _JSON, nullable=True),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_events_rollout_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollout_events")),
    )
    op.create_index(op.f("ix_rollout_events_rollout_id"), "rollout_events", ["rollout_id"])
    op.create_table(
        "traffic_weights",
        sa.Column("id", _ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("generation", _ID, nullable=False),
        sa.Column("stable_version_id", _ID, nullable=False),
        sa.Column("canary_version_id", _ID, nullable=True),
        sa.Column("canary_percent", sa.Integer(), nullable=False),
        sa.Column("rollout_id", _ID, nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("n_overwritten", sa.Integer(), nullable=False),
        sa.Column("overwritten_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["stable_version_id"],
            ["model_versions.id"],
            name=op.f("fk_traffic_weights_stable_version_id"),
        ),
        sa.ForeignKeyConstraint(
            ["canary_version_id"],
            ["model_versions.id"],
            name=op.f("fk_traffic_weights_canary_version_id"),
        ),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_traffic_weights_rollout_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_traffic_weights")),
        sa.UniqueConstraint("model", "generation", name="uq_traffic_weights_generation"),
    )
    op.create_index(op.f("ix_traffic_weights_rollout_id"), "traffic_weights", ["rollout_id"])
    _carry_weights_over()
    op.create_table(
        "rollout_looks",
        sa.Column("id", _ID, nullable=False),
        sa.Column("rollout_id", _ID, nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("weight_percent", sa.Integer(), nullable=False),
        sa.Column("n_canary", sa.Integer(), nullable=False),
        sa.Column("n_stable", sa.Integer(), nullable=False),
        sa.Column("seen_share", sa.Double(), nullable=True),
        sa.Column("evidence", _JSON, nullable=False),
        sa.Column("checks", _JSON, nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("reasons", _JSON, nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_looks_rollout_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollout_looks")),
        sa.UniqueConstraint("rollout_id", "hour", name="uq_rollout_looks_hour"),
    )
    op.create_table(
        "rollout_observations",
        sa.Column("id", _ID, nullable=False),
        sa.Column("rollout_id", _ID, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", _ID, nullable=False),
        sa.Column("record_index", sa.Integer(), nullable=False),
        sa.Column("exchange_id", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("arm", sa.String(), nullable=False),
        sa.Column("task_type", sa.String(), nullable=False),
        sa.Column("end_user", sa.String(), nullable=False),
        sa.Column("inclusion_probability", sa.Double(), nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("response", sa.String(), nullable=False),
        sa.Column("measures", _JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_observations_rollout_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollout_observations")),
        sa.UniqueConstraint(
            "source", "partition", "offset", "record_index", name="uq_rollout_observations_position"
        ),
    )
    for column in ("end_user", "exchange_id", "received_at"):
        op.create_index(op.f(f"ix_rollout_observations_{column}"), "rollout_observations", [column])
    op.create_index(
        "ix_rollout_observations_hour", "rollout_observations", ["rollout_id", "occurred_at"]
    )
    op.create_table(
        "rollout_scores",
        sa.Column("id", _ID, nullable=False),
        sa.Column("rollout_id", _ID, nullable=False),
        sa.Column("observation_id", _ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_scores_rollout_id")
        ),
        sa.ForeignKeyConstraint(
            ["observation_id"],
            ["rollout_observations.id"],
            name=op.f("fk_rollout_scores_observation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollout_scores")),
        sa.UniqueConstraint("observation_id", "name", name="uq_rollout_scores_observation"),
    )
    op.create_index(op.f("ix_rollout_scores_rollout_id"), "rollout_scores", ["rollout_id"])
    op.create_table(
        "rollout_comparisons",
        sa.Column("rollout_id", _ID, nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("n_canary", sa.Integer(), nullable=False),
        sa.Column("n_stable", sa.Integer(), nullable=False),
        sa.Column("result", _JSON, nullable=False),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_comparisons_rollout_id")
        ),
        sa.PrimaryKeyConstraint("rollout_id", name=op.f("pk_rollout_comparisons")),
    )
    op.create_table(
        "rollout_labels",
        sa.Column("rollout_id", _ID, nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("count", _ID, nullable=False),
        sa.Column("estimated_total", sa.Double(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_labels_rollout_id")
        ),
        sa.PrimaryKeyConstraint("rollout_id", "label", name=op.f("pk_rollout_labels")),
    )


def downgrade() -> None:
    op.drop_table("rollout_comparisons")
    observed = ("rollout_labels", "rollout_scores", "rollout_observations", "rollout_looks")
    for table in (*observed, "traffic_weights", "rollout_events"):
        op.drop_table(table)
    # Of a version's rollouts, the older release knows the last one.
    op.execute(
        "DELETE FROM rollouts WHERE kind <> 'rollout' OR id NOT IN "
        "(SELECT max(id) FROM rollouts WHERE kind = 'rollout' GROUP BY version_id)"
    )
    op.execute("UPDATE rollouts SET status = 'held' WHERE status IN ('holding', 'paused')")
    op.execute("UPDATE rollouts SET status = 'completed' WHERE status = 'holdback'")
    with op.batch_alter_table("rollouts") as batch_op:
        batch_op.drop_index("uq_rollouts_open")
        batch_op.drop_index(batch_op.f("ix_rollouts_version_id"))
        batch_op.drop_constraint(batch_op.f("fk_rollouts_stable_version_id"), type_="foreignkey")
        for name in (
            "kind",
            "model",
            "stable_version_id",
            "stage",
            "settings",
            "measurement",
            "seed",
            "started_by",
        ):
            batch_op.drop_column(name)
        batch_op.create_unique_constraint(batch_op.f("uq_rollouts_version_id"), ["version_id"])


def _carry_weights_over() -> None:
    """Insert the weights that the older release has set: those of open rollouts, and production."""
    op.execute(
        "UPDATE rollouts SET stable_version_id = (SELECT id FROM model_versions WHERE "
        "stage = 'production' AND model_versions.model = rollouts.model) WHERE finished_at IS NULL"
    )
    op.execute(
        "INSERT INTO traffic_weights (model, generation, stable_version_id, canary_version_id, "
        'canary_percent, rollout_id, "by", reason, created_at, attempts, n_overwritten) '
        "SELECT production.model, 1, production.id, rollouts.version_id, "
        "coalesce(rollouts.weight_percent, 0), rollouts.id, 'driftwarden', "
        "'weights of an earlier release', coalesce(rollouts.stage_started_at, "
        "production.created_at), 0, 0 FROM model_versions AS production LEFT JOIN rollouts "
        "ON rollouts.model = production.model AND rollouts.finished_at IS NULL "
        "WHERE production.stage = 'production'"
    )
