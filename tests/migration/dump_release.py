"""Dumps of both databases of a release: `python -m tests.migration.dump_release 0.3.0`."""

import hashlib
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, func, select

from bench.services.postgres import PostgresServer
from monitor.review.decision.decisions import evaluate_batch
from monitor.settings import Review
from monitor.store import migrations
from monitor.store.engine import make_engine, transaction
from monitor.store.review.items import batch_by_id
from monitor.store.schema.releases import Release, release_named
from monitor.store.tables import Decision, metadata
from monitor.store.tables.search import FULL_TEXT
from monitor.table_types.base import StructJson
from tests.support.web.support_desk import make_desk

FOLDER = Path(__file__).parent / "released"
DIGESTS = "migrations.sha256"
MOMENT = datetime(2026, 11, 2, 9, tzinfo=UTC)
#: Words of columns that a page or a step reads as a state; the other texts are their column's name.
WORDS = {
    ("incidents", "cause"): "drift",
    ("incidents", "level"): "critical",
    ("incidents", "status"): "resolved",
    ("incident_events", "event"): "opened",
    ("incident_events", "from_status"): "open",
    ("incident_events", "to_status"): "resolved",
    ("looks", "status"): "done",
    ("training_runs", "status"): "failed",
    ("model_versions", "stage"): "retired",
    ("stage_changes", "from_stage"): "candidate",
    ("stage_changes", "to_stage"): "retired",
    ("candidate_evaluations", "status"): "failed",
    ("rollouts", "status"): "reverted",
    ("human_evaluations", "status"): "cancelled",
    ("outbox", "kind"): "post",
    ("pending_halves", "side"): "request",
    ("suppressions", "action"): "added",
}


def fill(engine: Engine) -> None:
    """Store a support desk, and a row in each table that it leaves empty."""
    world = make_desk(engine, MOMENT)
    with transaction(engine) as connection:
        recommendation, inputs = evaluate_batch(
            connection, batch_by_id(connection, world.batch_id), Review()
        )
        connection.execute(
            Decision.__table__.insert().values(
                batch_id=world.batch_id,
                model="assistant",
                recommendation=recommendation,
                inputs=inputs,
                decided_at=MOMENT,
            )
        )
        for table in metadata.sorted_tables:
            if connection.execute(select(func.count()).select_from(table)).scalar_one() == 0:
                connection.execute(table.insert().values(_row(connection, table)))


def _row(connection: Connection, table: sa.Table) -> dict[str, Any]:
    return {
        column.name: _value(connection, table, column)
        for column in table.columns
        if column is not table.autoincrement_column
    }


def _value(connection: Connection, table: sa.Table, column: sa.Column[Any]) -> Any:
    for key in column.foreign_keys:
        if key.column.table is table:
            return None
        return connection.execute(select(func.min(key.column))).scalar_one()
    if word := WORDS.get((table.name, column.name)):
        return word
    if isinstance(column.type, (sa.JSON, StructJson)):
        return None if column.nullable else {}
    by_type = {str: column.name, int: 1, float: 0.5, bool: True, bytes: b"\x00\xff"}
    return by_type.get(column.type.python_type, MOMENT)


def create(engine: Engine, revision: str) -> None:
    """Give an empty database the schema of a revision, and rows."""
    with transaction(engine) as connection:
        migrations.run_migrations(connection, "upgrade", revision)
    fill(engine)


def dump_sqlite(folder: Path, revision: str) -> str:
    """Return the statements that restore a SQLite database."""
    path = folder / "driftwarden.db"
    engine = make_engine(f"sqlite:///{path}")
    create(engine, revision)
    engine.dispose()
    with sqlite3.connect(path) as connection:
        # Python dumps a virtual table so that it can't be restored: it is made anew and rebuilt.
        own = ("writable_schema", FULL_TEXT)
        lines = [line for line in connection.iterdump() if not any(name in line for name in own)]
        made = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name GLOB ?"
            " AND (type = 'trigger' OR sql LIKE 'CREATE VIRTUAL TABLE%')",
            (f"{FULL_TEXT}*",),
        )
        lines += [f"{sql};" for (sql,) in made]
        lines.append(f"INSERT INTO {FULL_TEXT}exchanges ({FULL_TEXT}exchanges) VALUES ('rebuild');")
        return "\n".join(lines) + "\n"


def dump_postgresql(_folder: Path, revision: str) -> str:
    """Return the statements that restore a PostgreSQL database."""
    server = PostgresServer()
    try:
        server.start()
        engine = make_engine(server.url)
        create(engine, revision)
        engine.dispose()
        return server.dump()
    finally:
        server.remove()


DUMPS = {"sqlite": dump_sqlite, "postgresql": dump_postgresql}


def write_dump(release: Release, kind: str, folder: Path) -> None:
    """Write the dump of a kind of database."""
    with tempfile.TemporaryDirectory() as scratch:
        dump = DUMPS[kind](Path(scratch), release.revision)
    (folder / f"{release.version}.{kind}.sql").write_text(dump, encoding="utf-8")


def digests(revisions: Sequence[str]) -> dict[str, str]:
    """Return the SHA-256 of the files of migrations by their names."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(migrations.migrations_folder().glob("versions/*.py"))
        if path.name.partition("_")[0] in revisions
    }


def write_release(release: Release, folder: Path = FOLDER) -> None:
    """Write the dumps of a release, and the digests of its migrations, which nobody edits then."""
    folder.mkdir(exist_ok=True)
    lines = [f"{digest}  {name}\n" for name, digest in digests(migrations.history()).items()]
    (folder / DIGESTS).write_text("".join(lines), encoding="utf-8")
    for kind in DUMPS:
        write_dump(release, kind, folder)


def restore(engine: Engine, release: Release, folder: Path = FOLDER) -> None:
    """Restore the database of a release in an empty one; one that was made up is dumped first."""
    kind = engine.dialect.name
    path = folder / f"{release.version}.{kind}.sql"
    if folder != FOLDER and not path.exists():
        write_dump(release, kind, folder)
    dump = path.read_text(encoding="utf-8")
    if kind == "sqlite":
        with closing(sqlite3.connect(str(engine.url.database))) as connection:
            connection.executescript(dump)
        return
    # The dump empties the search path of its session.
    own = sa.create_engine(engine.url)
    with own.begin() as connection:
        connection.connection.cursor().execute(dump)
    own.dispose()


if __name__ == "__main__":
    write_release(release_named(sys.argv[1]))
