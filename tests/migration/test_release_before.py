"""The release before beside the newer schema: it reads and writes until it is stopped.

This code stands for the release before: made-up migrations of the next one run below it. Of the
last real release, the statements are made from the schema of its dumps.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, MetaData, select, text
from sqlalchemy.exc import DBAPIError

from monitor.errors import DriftwardenError, SchemaError
from monitor.store import migrations
from monitor.store.audit_log import check_chain
from monitor.store.engine import transaction
from monitor.store.schema import releases
from monitor.store.schema.older_release import adopt_rows
from monitor.store.schema.releases import Release
from monitor.store.tables.search import is_declared
from monitor.table_types.terms import Terms
from tests.migration.dump_release import FOLDER, restore
from tests.migration.made_up import EXPANSION, PRESENT, next_release
from tests.migration.test_released_schemas import refused_pages
from tests.support.filled_tables import fill_tables
from tests.support.refusals import refusal

#: Unique constraints that a newer schema has lifted, which the release names in no ON CONFLICT.
LIFTED: set[tuple[str, tuple[str, ...]]] = set()
NO_DOWNGRADE = "\n\ndef downgrade():\n    pass\n"
#: Migrations that the release before does not survive, each with the table where it fails.
CONTRACTIONS = {
    "a column is dropped": (
        "users",
        """
def upgrade():
    op.drop_column("users", "session_epoch")
""",
    ),
    "a column without a default is needed": (
        "incident_threads",
        """
def upgrade():
    op.execute("DELETE FROM incident_threads")
    with op.batch_alter_table("incident_threads") as threads:
        threads.add_column(sa.Column("team", sa.String(), nullable=False))
""",
    ),
    "a table is renamed": (
        "leadership",
        """
def upgrade():
    op.rename_table("leadership", "leader")
""",
    ),
}


@dataclass(frozen=True)
class Migrated:
    """A migrated database, and the schema as the code of the release before declares it."""

    engine: Engine
    old: MetaData


def reflected(engine: Engine) -> MetaData:
    """Return the schema of a database as the code of its release declares it."""
    schema = MetaData()
    schema.reflect(engine, only=lambda name, _: is_declared(name))
    schema.tables["exchange_terms"].columns["terms"].type = Terms()
    return schema


def rows(engine: Engine, schema: MetaData) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of all tables by the columns of a schema."""
    with transaction(engine) as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in schema.sorted_tables
            if table.name != "alembic_version"
        }


def write_rows(connection: Connection, schema: MetaData, *, first: int) -> dict[str, int]:
    """Insert rows into each table, as the release does; return their number by table."""
    connection.execute(text("DELETE FROM leadership"))  # it has one row
    return fill_tables(connection, schema, first=first)


def run_statements(migrated: Migrated) -> None:
    """Run every statement that the release may send."""
    old = migrated.old
    with transaction(migrated.engine) as connection:
        n_rows = write_rows(connection, old, first=200)
    assert min(n_rows.values()) > 0
    with transaction(migrated.engine) as connection:
        for table in old.sorted_tables:
            if table.name in {"alembic_version", "audit_log", "access_log"}:
                continue
            values = {column.name: column for column in table.columns if not column.primary_key}
            if values:
                connection.execute(table.update().values(values))
            assert connection.execute(select(table)).all()
        for table in reversed(old.sorted_tables):
            if table.name not in {"alembic_version", "audit_log"}:
                connection.execute(table.delete().where(sa.false()))
        assert check_chain(connection).broken_at is None


@pytest.fixture(params=[PRESENT, *releases.RELEASES[-1:]], ids=lambda release: release.version)
def migrated(
    request: pytest.FixtureRequest, empty_engine: Engine, dumps: Path, tmp_path: Path
) -> Migrated:
    """Return a database of the last release, migrated, with the schema that the release knows."""
    release: Release = request.param
    made_up = release == PRESENT
    restore(empty_engine, release, dumps if made_up else FOLDER)
    old = reflected(empty_engine)
    with transaction(empty_engine) as connection:
        write_rows(connection, old, first=100)
    before = rows(empty_engine, old)
    if made_up:
        with next_release(tmp_path / "code", EXPANSION):
            migrations.upgrade(empty_engine)
    else:
        migrations.upgrade(empty_engine)
    assert rows(empty_engine, old) == before
    return Migrated(empty_engine, old)


def test_every_statement_of_the_release_runs_beside_it(migrated: Migrated) -> None:
    run_statements(migrated)


@pytest.mark.parametrize("change", CONTRACTIONS)
def test_a_contraction_breaks_the_release_and_is_noticed(
    released: Engine, tmp_path: Path, change: str
) -> None:
    old = reflected(released)
    table, source = CONTRACTIONS[change]
    with next_release(tmp_path / "code", source + NO_DOWNGRADE):
        migrations.upgrade(released)
    with pytest.raises((DBAPIError, DriftwardenError), match=table):
        run_statements(Migrated(released, old))


def keys(schema: MetaData) -> set[tuple[str, tuple[str, ...]]]:
    """Return tables and columns of unique constraints, which ON CONFLICT may name."""
    return {
        (table.name, tuple(sorted(column.name for column in constraint.columns)))
        for table in schema.sorted_tables
        for constraint in table.constraints
        if isinstance(constraint, (sa.UniqueConstraint, sa.PrimaryKeyConstraint))
    }


def test_conflicts_of_the_release_are_still_found(migrated: Migrated) -> None:
    assert keys(migrated.old) - keys(reflected(migrated.engine)) == LIFTED


def test_a_lifted_unique_constraint_is_noticed(file: Engine, tmp_path: Path) -> None:
    old = reflected(file)
    source = """
def upgrade():
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_constraint("uq_outbox_dedupe_key", type_="unique")
"""
    with next_release(tmp_path / "code", source + NO_DOWNGRADE):
        migrations.upgrade(file)
    assert keys(old) - keys(reflected(file)) == {("outbox", ("channel", "dedupe_key"))}


def test_pages_of_the_release_are_shown_beside_it(released: Engine, tmp_path: Path) -> None:
    with next_release(tmp_path / "code", EXPANSION):
        migrations.upgrade(released)
    # Only a process that is started anew refuses the schema.
    with refusal("unknown_schema", SchemaError):
        migrations.require_current(released)
    assert refused_pages(released) == {}


def test_rows_of_the_release_are_completed_once(released: Engine, tmp_path: Path) -> None:
    """As the release before writes them: without the column that replaces another."""
    old = reflected(released)
    with next_release(tmp_path / "code", EXPANSION):
        migrations.upgrade(released)
    with transaction(released) as connection:
        n_written = write_rows(connection, old, first=300)["incidents"]
        missing = text("SELECT count(*) FROM incidents WHERE grade IS NULL")
        assert connection.execute(missing).scalar_one() == n_written > 0
        # This code has no migration to complete.
        assert adopt_rows(connection) == 0
    with next_release(tmp_path / "later", EXPANSION), transaction(released) as connection:
        assert adopt_rows(connection) == n_written
        assert adopt_rows(connection) == 0
        differing = text("SELECT count(*) FROM incidents WHERE grade IS NULL OR grade <> level")
        assert connection.execute(differing).scalar_one() == 0
