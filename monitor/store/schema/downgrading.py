"""Return to the schema of the release before, and the rows and values that it has no place for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnClause,
    Connection,
    Engine,
    column,
    create_engine,
    func,
    inspect,
    select,
    table,
    text,
)

from monitor.errors import DatabaseUnavailableError, DataLossError, InputError
from monitor.store import migrations
from monitor.store.audit_log import append_entry
from monitor.store.schema.changes import (
    Report,
    SchemaChange,
    changing,
    leader_of,
    require_file,
    say_nothing,
)
from monitor.store.schema.releases import Release, release_before, release_named
from monitor.store.schema.safety_copy import DEFAULT_COPY, CopyOptions
from monitor.store.tables.search import is_declared


@dataclass(frozen=True)
class Loss:
    """Rows of a table, or values of a column, that an older schema has no place for."""

    table: str
    #: Empty: whole rows.
    column: str
    n: int

    def __str__(self) -> str:
        subject, noun = self.table, "row"
        if self.column:
            subject, noun = f"{self.table}.{self.column}", "value"
        return f"{subject}: {self.n:,} {noun}{'' if self.n == 1 else 's'}"


@dataclass(frozen=True)
class Downgrade:
    """The outcome of a downgrade."""

    before: str
    release: Release
    losses: Sequence[Loss]


def downgrade(
    engine: Engine,
    version: str | None = None,
    *,
    discard: bool = False,
    copies: CopyOptions = DEFAULT_COPY,
    report: Report = say_nothing,
) -> Downgrade:
    """Migrate the database back to a released schema, in one transaction.

    The version ``None`` is the newest release whose schema is older than the present one. With
    ``discard`` rows and values may be lost. A SQLite database is copied before, as ``copies`` says;
    ``report`` receives a line about each thing that an operator should know.

    Raises:
        SchemaError: The revision of the database is unknown, or its file is missing.
        InputError: There is no such release, or its schema is not older.
        DataLossError: Something would be lost and ``discard`` is off; nothing was changed.
        DatabaseUnavailableError: A daemon leads, the database is in use, or there is no room.
    """
    require_file(engine)
    with changing(engine, copies, report, from_copy=False) as change:
        connection = change.connection
        before = migrations.revision_of(connection)
        if before is None:
            raise InputError("the database is empty; there is nothing to downgrade", code="empty")
        migrations.check_known(before)
        release = _target(before, version)
        if leader := leader_of(connection):
            raise DatabaseUnavailableError(
                f"a daemon runs on this database: {leader}; stop all replicas, then repeat",
                code="daemon_runs",
            )
        losses = _run(change, before, release)
        if losses and not discard:
            listed = "; ".join(map(str, losses))
            raise DataLossError(
                f"the schema of {release.version} has no place for: {listed}; nothing was "
                "changed; back up the database, then repeat with --discard-data",
                code="data_loss",
            )
        if losses:
            details = {str(loss).split(":")[0]: loss.n for loss in losses}
            subject, moment = f"schema:{release.revision}", datetime.now(UTC)
            append_entry(connection, moment, "driftwarden", "schema_downgraded", subject, details)
    return Downgrade(before, release, losses)


def _target(before: str, version: str | None) -> Release:
    history = migrations.history()
    if version is None:
        release = release_before(before, history)
        if release is None:
            raise InputError(
                f"no released schema is older than revision {before}; nothing was changed",
                code="first_release",
            )
        return release
    release = release_named(version)
    if history.index(release.revision) >= history.index(before):
        raise InputError(
            f"{version} has revision {release.revision}, the database {before}: it is not older",
            code="not_older",
        )
    return release


def _run(change: SchemaChange, before: str, release: Release) -> list[Loss]:
    """Run the migrations; return what they have lost."""
    connection = change.connection
    dropped = _dropped_columns(connection, release.revision)
    losses = [
        Loss(name, lost, n)
        for name, columns in dropped.items()
        for lost, default in columns
        if (n := _count_values(connection, name, lost, default))
    ]
    rows = _count_rows(connection)
    change.settle_interruption(before)
    change.begin(before, release.revision)
    migrations.run_migrations(connection, "downgrade", release.revision)
    left = _count_rows(connection)
    return [
        Loss(name, "", n - left.get(name, 0)) for name, n in rows.items() if n > left.get(name, 0)
    ] + losses


def _count_rows(connection: Connection) -> dict[str, int]:
    names = set(filter(is_declared, inspect(connection).get_table_names())) - {"alembic_version"}
    return {
        name: connection.execute(select(func.count()).select_from(table(name))).scalar_one()
        for name in sorted(names)
    }


def _dropped_columns(
    connection: Connection, revision: str
) -> dict[str, list[tuple[str, str | None]]]:
    """Return columns that a revision lacks in tables that it has, with their defaults."""
    empty = create_engine("sqlite://")
    with empty.begin() as scratch:
        migrations.run_migrations(scratch, "upgrade", revision)
        inspector = inspect(scratch)
        columns_left = {
            name: {row["name"] for row in inspector.get_columns(name)}
            for name in filter(is_declared, inspector.get_table_names())
        }
    empty.dispose()
    present = inspect(connection)
    return {
        name: [
            (row["name"], row["default"])
            for row in present.get_columns(name)
            if row["name"] not in columns
        ]
        for name, columns in sorted(columns_left.items())
        if present.has_table(name)
    }


def _count_values(connection: Connection, name: str, lost: str, default: str | None) -> int:
    """Count the values of a column that are not its default."""
    value: ColumnClause[Any] = column(lost)
    statement = select(func.count()).select_from(table(name)).where(value.is_not(None))
    if default is not None:
        statement = statement.where(value != text(default))
    n: int = connection.execute(statement).scalar_one()
    return n
