"""Messages by channel, and the thread of an incident in each."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "incident_threads",
        sa.Column(
            "incident_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_incident_threads_incident_id")
        ),
        sa.PrimaryKeyConstraint("incident_id", "target", name=op.f("pk_incident_threads")),
    )
    op.execute(
        "INSERT INTO incident_threads (incident_id, target, address, ts) "
        "SELECT id, slack_channel, slack_channel, slack_ts FROM incidents "
        "WHERE slack_channel IS NOT NULL AND slack_ts IS NOT NULL"
    )
    # Without a copy of the table, which other tables refer to.
    op.drop_column("incidents", "slack_channel")
    op.drop_column("incidents", "slack_ts")
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.add_column(
            sa.Column("channel", sa.String(), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(
            sa.Column("subject", sa.String(), nullable=False, server_default=sa.text("'notice'"))
        )
        batch_op.add_column(sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_outbox_dedupe_key"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_outbox_dedupe_key"), ["dedupe_key", "channel"]
        )
    op.execute(
        "UPDATE outbox SET subject = (SELECT cause FROM incidents WHERE id = outbox.incident_id) "
        "WHERE incident_id IS NOT NULL"
    )


def downgrade() -> None:
    # The schema before has one row for each event.
    op.execute(
        "DELETE FROM outbox WHERE id NOT IN (SELECT min(id) FROM outbox GROUP BY dedupe_key)"
    )
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_outbox_dedupe_key"), type_="unique")
        batch_op.create_unique_constraint(batch_op.f("uq_outbox_dedupe_key"), ["dedupe_key"])
        for column in ("failing_since", "attempted_at", "subject", "channel"):
            batch_op.drop_column(column)
    op.add_column("incidents", sa.Column("slack_channel", sa.String(), nullable=True))
    op.add_column("incidents", sa.Column("slack_ts", sa.String(), nullable=True))
    for column, source in (("slack_channel", "address"), ("slack_ts", "ts")):
        op.execute(
            f"UPDATE incidents SET {column} = (SELECT min({source}) FROM incident_threads "  # noqa: S608
            "WHERE incident_id = incidents.id)"
        )
    op.drop_table("incident_threads")
