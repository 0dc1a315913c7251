"""A study belongs to an evaluation, and can be cancelled with it."""

import sqlalchemy as sa
from alembic import op

from monitor.store.tables.base import UtcDateTime

revision = "c41f0a8d7e62"
down_revision = "5b7c20e91fd4"
branch_labels = None
depends_on = None

STUDIES = sa.table(
    "human_studies",
    sa.column("id"),
    sa.column("version_id"),
    sa.column("evaluation_id"),
    sa.column("status"),
    sa.column("opened_at", UtcDateTime()),
    sa.column("cancelled_at", UtcDateTime()),
)
EVALUATIONS = sa.table(
    "candidate_evaluations",
    sa.column("id"),
    sa.column("version_id"),
    sa.column("status"),
    sa.column("verdict", sa.JSON()),
    sa.column("created_at", UtcDateTime()),
    sa.column("finished_at", UtcDateTime()),
)


def upgrade() -> None:
    set_studies_aside()
    with op.batch_alter_table("human_studies", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "evaluation_id",
                sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("cancelled_at", UtcDateTime(timezone=True), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_human_studies_version_id"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_human_studies_evaluation_id"), ["evaluation_id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_human_studies_evaluation_id_candidate_evaluations"),
            "candidate_evaluations",
            ["evaluation_id"],
            ["id"],
        )
    bring_studies_back()
    find_evaluations()


def downgrade() -> None:
    # It fails where a version has several studies: the schema before knows one.
    set_studies_aside()
    with op.batch_alter_table("human_studies", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_human_studies_evaluation_id_candidate_evaluations"), type_="foreignkey"
        )
        batch_op.drop_constraint(batch_op.f("uq_human_studies_evaluation_id"), type_="unique")
        batch_op.create_unique_constraint(batch_op.f("uq_human_studies_version_id"), ["version_id"])
        batch_op.drop_column("cancelled_at")
        batch_op.drop_column("evaluation_id")
    bring_studies_back()


def set_studies_aside() -> None:
    """Empty the table that SQLite is about to copy and drop: items refer to its rows."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("PRAGMA defer_foreign_keys=ON")  # until this transaction is committed
    op.execute("CREATE TEMPORARY TABLE kept_studies AS SELECT * FROM human_studies")
    op.execute("DELETE FROM human_studies")


def bring_studies_back() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    kept = sa.Table("kept_studies", sa.MetaData(), autoload_with=connection)
    studies = sa.Table("human_studies", sa.MetaData(), autoload_with=connection)
    names = [column.name for column in kept.columns if column.name in studies.columns]
    rows = sa.select(*(kept.columns[name] for name in names))
    connection.execute(studies.insert().from_select(names, rows))
    op.execute("DROP TABLE kept_studies")


def find_evaluations() -> None:
    """Give each study its evaluation: the newest before it opened that waited for people.

    It waits still, its verdict tells of the study, or it was cancelled after it had a verdict; then
    people have rated for nothing since, and the study is cancelled too.
    """
    connection = op.get_bind()
    pairs = connection.execute(
        sa.select(
            STUDIES.c.id,
            STUDIES.c.status,
            EVALUATIONS.c.id,
            EVALUATIONS.c.status,
            EVALUATIONS.c.verdict,
            EVALUATIONS.c.finished_at,
        )
        .join(EVALUATIONS, EVALUATIONS.c.version_id == STUDIES.c.version_id)
        .where(EVALUATIONS.c.created_at <= STUDIES.c.opened_at)
        .order_by(STUDIES.c.id, EVALUATIONS.c.id)
    ).all()
    found = {}
    for study, status, evaluation, stands, verdict, ended_at in pairs:
        was_cancelled = stands == "cancelled" and verdict is not None
        if stands == "awaiting_people" or was_cancelled or "study" in (verdict or {}):
            values = {"evaluation_id": evaluation}
            if was_cancelled and status == "open":
                values |= {"status": "cancelled", "cancelled_at": ended_at}
            found[study] = values
    for study, values in found.items():
        connection.execute(STUDIES.update().where(STUDIES.c.id == study).values(**values))
