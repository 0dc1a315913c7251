"""Columns and defaults that 0.2 needs while it runs beside this schema."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

#: Columns of rollouts that 0.2 doesn't name when it inserts a row, with their values there.
DEFAULTS = {
    "kind": (sa.String(), "'rollout'"),
    "stage": (sa.Integer(), "0"),
    "seed": (sa.BigInteger().with_variant(sa.Integer(), "sqlite"), "0"),
    "started_by": (sa.String(), "''"),
}


def upgrade() -> None:
    for column, source in (("slack_channel", "address"), ("slack_ts", "ts")):
        op.add_column("incidents", sa.Column(column, sa.String(), nullable=True))
        op.execute(
            f"UPDATE incidents SET {column} = (SELECT min({source}) FROM incident_threads "  # noqa: S608
            "WHERE incident_id = incidents.id)"
        )
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("rollouts", "model", nullable=True)
        for name, (_, value) in DEFAULTS.items():
            op.alter_column("rollouts", name, server_default=sa.text(value))
        return
    op.drop_index("uq_rollouts_open", "rollouts")
    _replace_column(sa.Column("model", sa.String(), nullable=True))
    for name, (kind, value) in DEFAULTS.items():
        column = sa.Column(name, kind, nullable=False, server_default=sa.text(value))
        _replace_column(column)
    op.create_index(
        "uq_rollouts_open",
        "rollouts",
        ["model"],
        unique=True,
        sqlite_where=sa.text("finished_at IS NULL"),
    )


def downgrade() -> None:
    # Nullable model and defaults of rollouts stay: the schema before accepts them.
    op.execute(
        "UPDATE rollouts SET model = (SELECT model FROM model_versions "
        "WHERE model_versions.id = rollouts.version_id) WHERE model IS NULL"
    )
    op.drop_column("incidents", "slack_ts")
    op.drop_column("incidents", "slack_channel")


def _replace_column(column: sa.Column) -> None:
    """Replace a column on SQLite without a copy of the table, which other tables refer to."""
    name = column.name
    op.execute(f'ALTER TABLE rollouts RENAME COLUMN "{name}" TO "{name}_before"')
    op.add_column("rollouts", column)
    op.execute(f'UPDATE rollouts SET "{name}" = "{name}_before"')  # noqa: S608
    op.drop_column("rollouts", f"{name}_before")
