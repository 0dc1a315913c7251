"""Lease of the leader, and the leader's epoch of each drift evaluation."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leadership",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("acquired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_leadership_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leadership")),
        sa.UniqueConstraint("epoch", name=op.f("uq_leadership_epoch")),
    )
    with op.batch_alter_table("drift_evaluations") as table:
        table.add_column(sa.Column("epoch", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("first_started_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("crashes", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    # Without a copy of the table, which other tables refer to.
    for column in ("crashes", "first_started_at", "epoch"):
        op.drop_column("drift_evaluations", column)
    op.drop_table("leadership")
