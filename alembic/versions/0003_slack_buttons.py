"""Buttons in Slack: their presses, and the users who press them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("slack_user_id", sa.String(), nullable=True))
    op.create_index("ix_users_slack_user_id", "users", ["slack_user_id"], unique=True)
    op.create_table(
        "slack_actions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("press", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("choice", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("slack_user", sa.String(), nullable=False),
        sa.Column("slack_channel", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("reply", sa.String(), nullable=True),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slack_actions")),
        sa.UniqueConstraint("press", name=op.f("uq_slack_actions_press")),
    )
    op.create_index(
        "uq_slack_actions_done",
        "slack_actions",
        ["action", "subject", "version"],
        unique=True,
        sqlite_where=sa.text("outcome = 'done'"),
        postgresql_where=sa.text("outcome = 'done'"),
    )
    op.create_index(
        "ix_slack_actions_unfinished",
        "slack_actions",
        ["id"],
        unique=False,
        sqlite_where=sa.text("replied_at IS NULL"),
        postgresql_where=sa.text("replied_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("slack_actions")
    op.drop_index("ix_users_slack_user_id", "users")
    op.drop_column("users", "slack_user_id")
