"""What is to be seen of a training run, and how it goes on."""

import sqlalchemy as sa
from alembic import op

revision = "5b7c20e91fd4"
down_revision = "2addb5425074"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("training_runs", sa.Column("plan", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("training_runs", sa.Column("progress", sa.JSON(none_as_null=True), nullable=True))
    op.add_column(
        "training_runs",
        sa.Column("resumptions", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("training_runs", sa.Column("cancel_requested_by", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("training_runs", "cancel_requested_by")
    op.drop_column("training_runs", "resumptions")
    op.drop_column("training_runs", "progress")
    op.drop_column("training_runs", "plan")
