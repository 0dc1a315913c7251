"""State of a database: revision, pending migrations, an interrupted one, integrity, audit chain."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, func, inspect, select, text
from sqlalchemy.exc import DatabaseError

from monitor.errors import DatabaseDamagedError, SchemaError
from monitor.store import migrations
from monitor.store.access_chain import check_access_chain
from monitor.store.audit_log import check_chain
from monitor.store.engine import snapshot
from monitor.store.schema.changes import database_file, leader_of, require_file
from monitor.store.schema.releases import release_before, release_of
from monitor.store.schema.safety_copy import DEFAULT_COPY, Interruption, SafetyCopy
from monitor.store.tables import metadata
from monitor.store.tables.search import is_declared

#: Rows of a list of problems.
MAX_PROBLEMS = 10
#: An index or constraint that PostgreSQL has not finished or not checked.
UNFINISHED = text("""
    SELECT 'index ' || indexrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE NOT indisvalid AND relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'constraint ' || conname FROM pg_constraint
    WHERE NOT convalidated AND connamespace = 'public'::regnamespace
""")

#: The last id that the sequence of a column has given.
LAST_GIVEN = text(
    "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(:table, :column)), 0)"
)


@dataclass(frozen=True)
class Pending:
    """A migration that `db upgrade` would run."""

    revision: str
    summary: str


@dataclass(frozen=True)
class DatabaseState:
    """The findings of :func:`inspect_database`."""

    #: ``sqlite`` or ``postgresql``.
    kind: str
    #: Empty: the database has no schema.
    revision: str
    #: The newest release whose schema the database has reached; empty: none.
    release: str
    needed: str
    #: ``current``, ``empty``, or a code of :class:`monitor.errors.SchemaError`.
    schema: str
    #: What to do about the schema; empty where it fits.
    remedy: str
    pending: tuple[Pending, ...]
    #: The release to which `db downgrade` would return; empty: there is none.
    previous_release: str
    interrupted: Interruption | None
    #: What is damaged, or differs from the declared schema.
    problems: tuple[str, ...]
    #: Entries of the audit log whose chain holds; ``None`` where the schema has no such table.
    n_audit_entries: int | None
    #: Holder and end of the leader's lease; empty: no daemon leads.
    leader: str

    @property
    def exit_status(self) -> int:
        """Return 1 for damage, 78 for a schema that does not fit, else 0."""
        if self.problems:
            return DatabaseDamagedError.exit_status
        return 0 if self.schema == "current" else SchemaError.exit_status


def inspect_database(engine: Engine) -> DatabaseState:
    """Inspect a database in one transaction that changes nothing.

    Raises:
        DatabaseDamagedError: It is too damaged to be read.
        DatabaseUnavailableError: It is unavailable.
        SchemaError: Its file is missing.
    """
    try:
        return _inspect(engine)
    except DatabaseError as error:
        raise DatabaseDamagedError(
            f"the database can't be read: {error.orig}; restore a backup by "
            "`driftwarden db restore`",
            code="damaged_database",
        ) from error


def _inspect(engine: Engine) -> DatabaseState:
    path = database_file(engine)
    require_file(engine)
    interrupted = None if path is None else SafetyCopy(path, DEFAULT_COPY).interruption()
    with snapshot(engine) as connection:
        revision = migrations.revision_of(connection) or ""
        schema, remedy, pending = _fit(revision)
        problems = tuple(_problems(connection, is_current=schema == "current"))
        n_entries, chain = _audit(connection)
        known = migrations.history()
        reached = release_of(revision, known) if revision in known else None
        previous = release_before(revision, known) if revision in known else None
        return DatabaseState(
            kind=connection.dialect.name,
            revision=revision,
            release=reached.version if reached else "",
            needed=migrations.head_revision(),
            schema=schema,
            remedy=remedy,
            pending=pending,
            previous_release=previous.version if previous else "",
            interrupted=interrupted,
            problems=problems + chain,
            n_audit_entries=n_entries,
            leader=leader_of(connection),
        )


def _fit(revision: str) -> tuple[str, str, tuple[Pending, ...]]:
    """Return how a revision fits the code, what to do, and the pending migrations."""
    try:
        pending = tuple(
            Pending(name, summary)
            for name, summary in migrations.pending_revisions(revision or None)
        )
    except SchemaError as error:
        return error.code, str(error), ()
    if not pending:
        return "current", "", ()
    return "outdated_schema" if revision else "empty", "run `driftwarden db upgrade`", pending


def _problems(connection: Connection, *, is_current: bool) -> Iterator[str]:
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text(f"PRAGMA integrity_check({MAX_PROBLEMS})")).scalars().all()
        yield from (row for row in rows if row != "ok")
        broken = connection.execute(text("PRAGMA foreign_key_check")).fetchmany(MAX_PROBLEMS)
        yield from (f"{row[0]}: row {row[1]} refers to a missing row of {row[2]}" for row in broken)
    else:
        rows = connection.execute(UNFINISHED).scalars().fetchmany(MAX_PROBLEMS)
        yield from (f"{row} is not valid; rebuild it" for row in rows)
        yield from _late_sequences(connection)
    if is_current:
        yield from _differences(connection)


def _late_sequences(connection: Connection) -> Iterator[str]:
    """Yield the sequences that would give an id that a row has."""
    present = inspect(connection)
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None or not present.has_table(table.name):
            continue
        names = {"table": table.name, "column": column.name}
        last_id = connection.execute(LAST_GIVEN, names).scalar_one()
        if (connection.execute(select(func.max(column))).scalar_one() or 0) > last_id:
            yield f"{table.name}: its sequence is behind the ids of its rows"


def _differences(connection: Connection) -> Iterator[str]:
    """Yield what differs from the declared tables."""
    options = {"compare_type": True, "include_name": is_declared}
    context = MigrationContext.configure(connection, opts=options)
    differences: list[Any] = compare_metadata(context, metadata)
    for difference in differences[:MAX_PROBLEMS]:
        first = difference[0] if isinstance(difference, list) else difference
        names = [str(getattr(part, "name", part)) for part in first[1:] if part is not None]
        yield f"the schema was changed by hand: {first[0]} {' '.join(names)}"


def _audit(connection: Connection) -> tuple[int | None, tuple[str, ...]]:
    """Return the number of audit entries whose chain holds, and where a chain of a log breaks."""
    if not inspect(connection).has_table("audit_log"):
        return None, ()
    chain = check_chain(connection)
    problems = []
    if chain.broken_at is not None:
        problems.append(f"audit log: entry {chain.broken_at}: {chain.problem}")
    if inspect(connection).has_table("access_log_chain"):
        links = check_access_chain(connection)
        if links.broken_at is not None:
            problems.append(f"access log: link {links.broken_at}: {links.problem}")
    return chain.n_entries, tuple(problems)
