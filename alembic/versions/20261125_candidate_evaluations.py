"""Evaluations of candidates."""

import sqlalchemy as sa
from alembic import op

from monitor.store.tables.base import UtcDateTime

revision = "2addb5425074"
down_revision = "a5d77cae7e1e"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "candidate_evaluations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("launcher", sa.String(), nullable=False),
        sa.Column("handle", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("work_dir", sa.String(), nullable=False),
        sa.Column("request", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("file_digest", sa.String(), nullable=False),
        sa.Column("dataset_digests", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("planned_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("started_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("finished_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("approved_reason", sa.String(), nullable=True),
        sa.Column("approved_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["model_versions.id"],
            name=op.f("fk_candidate_evaluations_version_id_model_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate_evaluations")),
    )
    op.create_index(
        op.f("ix_candidate_evaluations_version_id"), "candidate_evaluations", ["version_id"]
    )
    op.create_index(
        "uq_candidate_evaluations_open",
        "candidate_evaluations",
        ["version_id"],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
        sqlite_where=sa.text("finished_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("candidate_evaluations")
