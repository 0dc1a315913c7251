"""Baselines that follow a promoted version; how far a mirror of the registry is."""

import sqlalchemy as sa
from alembic import op

from monitor.store.tables.base import UtcDateTime

revision = "a5d77cae7e1e"
down_revision = "e3764083c9b1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "registry_mirrors",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("mirrored", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("mirrored_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_registry_mirrors")),
    )
    op.create_table(
        "baseline_plans",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column(
            "version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("since", UtcDateTime(timezone=True), nullable=False),
        sa.Column("looked_until", UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "baseline_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("closed_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["baseline_id"], ["baselines.id"], name=op.f("fk_baseline_plans_baseline_id_baselines")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["model_versions.id"],
            name=op.f("fk_baseline_plans_version_id_model_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baseline_plans")),
    )
    with op.batch_alter_table("baseline_plans", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_baseline_plans_model"), ["model"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("baseline_plans", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_baseline_plans_model"))

    op.drop_table("baseline_plans")
    op.drop_table("registry_mirrors")
