"""Made-up releases: one that has the present schema, and the migrations of the one after it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.store import migrations
from monitor.store.schema import releases
from monitor.store.schema.releases import Release

#: A release that has the present schema.
PRESENT = Release("9.0.0", migrations.head_revision())
HEAD = '''"""{summary}."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None
'''
#: A table, columns with and without a default, one that replaces another, and a copied table.
EXPANSION = """

def upgrade():
    op.create_table(
        "nicknames",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("name", sa.String(), nullable=False, unique=True),
    )
    op.execute("INSERT INTO nicknames (user_id, name) SELECT id, name FROM users")
    op.add_column("users", sa.Column("nickname", sa.String()))
    op.add_column("incidents", sa.Column("urgency", sa.Integer(), server_default="3"))
    op.add_column("incidents", sa.Column("grade", sa.String()))
    complete(op.get_bind())
    with op.batch_alter_table("outbox", recreate="always") as outbox:
        outbox.add_column(sa.Column("priority", sa.Integer(), server_default="0", nullable=False))
    op.create_index("ix_outbox_priority", "outbox", ["priority"])


def complete(connection):
    rows = connection.execute(sa.text("UPDATE incidents SET grade = level WHERE grade IS NULL"))
    return rows.rowcount


def downgrade():
    op.drop_index("ix_outbox_priority", "outbox")
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_column("priority")
    # The schema before has no place for them.
    op.execute("DELETE FROM incident_events WHERE incident_id IN "
               "(SELECT id FROM incidents WHERE urgency = 0)")
    op.execute("DELETE FROM incidents WHERE urgency = 0")
    op.drop_column("incidents", "grade")
    op.drop_column("incidents", "urgency")
    op.drop_column("users", "nickname")
    op.drop_table("nicknames")
"""
#: What the expansion adds.
ADDED = {
    ("nicknames", ""), ("users", "nickname"), ("incidents", "urgency"), ("incidents", "grade"),
    ("outbox", "priority"),
}  # fmt: skip
#: A migration with a defect after its first steps.
DEFECT = """

def upgrade():
    op.add_column("users", sa.Column("nickname", sa.String()))
    op.execute("UPDATE users SET name = name || '!'")
    op.execute("SELECT absent FROM users")


def downgrade():
    op.drop_column("users", "nickname")
"""


@contextmanager
def next_release(folder: Path, *sources: str) -> Iterator[Path]:
    """Let the code be the release after the present schema's, with these migrations.

    Yields:
        The folder of its migrations.
    """
    copy = folder / "alembic"
    shutil.copytree(migrations.migrations_folder(), copy)
    before = PRESENT.revision
    for number, source in enumerate(sources):
        revision = f"{9001 + number}"
        head = HEAD.format(summary=f"Made up {number}", revision=revision, before=before)
        (copy / "versions" / f"{revision}_made_up.py").write_text(head + source)
        before = revision
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(migrations, "migrations_folder", lambda: copy)
        patched.setattr(releases, "RELEASES", (*releases.RELEASES, PRESENT))
        yield copy
