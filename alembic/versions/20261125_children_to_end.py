"""Children of cancelled trainings and evaluations that couldn't be ended yet."""

import sqlalchemy as sa
from alembic import op

revision = "c41f8d2b7e06"
down_revision = "c41f0a8d7e62"
branch_labels = None
depends_on = None

TABLES = ("training_runs", "candidate_evaluations")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("child_not_ended", sa.String(), nullable=True))


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_column(table, "child_not_ended")
