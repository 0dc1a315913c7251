"""Reports of erasures, and taints of runs and versions that learned from erased end users."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", ID, nullable=False),
        sa.Column("subject_digest", sa.String(), nullable=False),
        sa.Column("steps", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("traces", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_subject_digest"), "erasures", ["subject_digest"])
    op.create_table(
        "taints",
        sa.Column("id", ID, nullable=False),
        sa.Column("erasure_id", ID, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("version_id", ID, nullable=True),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("tainted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["erasure_id"], ["erasures.id"], name=op.f("fk_taints_erasure_id")),
        sa.ForeignKeyConstraint(["run_id"], ["training_runs.id"], name=op.f("fk_taints_run_id")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["model_versions.id"], name=op.f("fk_taints_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taints")),
    )
    op.create_index(op.f("ix_taints_erasure_id"), "taints", ["erasure_id"])
    op.create_index("ix_taints_run_id", "taints", ["run_id"])
    op.create_index("ix_taints_version_id", "taints", ["version_id"])


def downgrade() -> None:
    op.drop_table("taints")
    op.drop_table("erasures")
