"""Dump both databases of a release with data: `python -m tests.migration.dump_release 0.2.0`."""

import hashlib
import sqlite3
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, func, select

from bench.services.postgres import PostgresServer
from monitor.review.decision.decisions import evaluate_batch
from monitor.settings import Review
from monitor.store.engine import make_engine, transaction
from monitor.store.migrations import migrations_folder, upgrade
from monitor.store.review.items import batch_by_id
from monitor.store.schema.releases import RELEASES
from monitor.store.tables import Decision, metadata
from monitor.table_types.base import StructJson
from tests.support.web.support_desk import make_desk

FOLDER = Path(__file__).parent / "released"
MOMENT = datetime(2026, 11, 2, 9, tzinfo=UTC)
#: Words of columns that a page or a step reads as a state; the other texts are their column's name.
WORDS = {
    ("incidents", "status"): "resolved",
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
        if not (column.primary_key and column.autoincrement is True)
    }


def _value(connection: Connection, table: sa.Table, column: sa.Column[Any]) -> Any:
    for key in column.foreign_keys:
        if key.column.table is table:
            return None
        return connection.execute(select(func.min(key.column))).scalar_one()
    if word := WORDS.get((table.name, column.name)):
        return word
    if isinstance(column.type, StructJson):
        return None
    if isinstance(column.type, sa.JSON):
        return {}
    by_type = {str: column.name, int: 1, float: 0.5, bool: True, bytes: b"\x00\xff"}
    return by_type.get(column.type.python_type, MOMENT)


def dump_sqlite(folder: Path) -> str:
    """Return the statements that restore a SQLite database."""
    path = folder / "driftwarden.db"
    engine = make_engine(f"sqlite:///{path}")
    upgrade(engine)
    fill(engine)
    engine.dispose()
    with sqlite3.connect(path) as connection:
        return "\n".join(connection.iterdump()) + "\n"


def dump_postgresql(_folder: Path) -> str:
    """Return the statements that restore a PostgreSQL database."""
    server = PostgresServer()
    try:
        server.start()
        engine = make_engine(server.url)
        upgrade(engine)
        fill(engine)
        engine.dispose()
        return server.dump()
    finally:
        server.remove()


def write_digests() -> None:
    """Write the digests of the migrations, which nobody edits from now on."""
    paths = sorted(migrations_folder().glob("versions/*.py"))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths]
    (FOLDER / "migrations.sha256").write_text("".join(lines), encoding="utf-8")


def main(version: str) -> None:
    """Write the dumps of a release, and the digests of its migrations."""
    if not any(release.version == version for release in RELEASES):
        sys.exit(f"add {version} and its revision to RELEASES in monitor/store/schema/releases.py")
    write_digests()
    for kind, dump in (("sqlite", dump_sqlite), ("postgresql", dump_postgresql)):
        with tempfile.TemporaryDirectory() as folder:
            (FOLDER / f"{version}.{kind}.sql").write_text(dump(Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
