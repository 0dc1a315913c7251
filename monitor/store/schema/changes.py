"""A change of the schema: one transaction, one process at a time, a copy before it on SQLite."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from monitor.errors import DatabaseDamagedError, DatabaseUnavailableError, SchemaError
from monitor.store.advisory_lock import lock_until_commit
from monitor.store.engine import transaction
from monitor.store.leadership import current_lease
from monitor.store.schema.safety_copy import CopyOptions, SafetyCopy, integrity_problem

#: Key of the PostgreSQL lock that keeps two operators from migrating at the same time.
ADVISORY_LOCK = 0x6472_6966_7477_6172
#: Time that a change waits for a lock of PostgreSQL; whoever comes after it waits behind it.
LOCK_TIMEOUT = "10s"
#: Code of PostgreSQL's error ``lock_not_available``.
LOCK_NOT_AVAILABLE = "55P03"

Report = Callable[[str], None]


def say_nothing(_line: str) -> None:
    """Report to nobody."""


class SchemaChange:
    """A change of the schema in its transaction, with the copy that is made before it."""

    def __init__(self, connection: Connection, copy: SafetyCopy | None, report: Report) -> None:
        self.connection = connection
        self._copy = copy
        self._report = report

    def settle_interruption(self, revision: str | None) -> None:
        """Say that an earlier change was interrupted, and remove its copy."""
        if self._copy is None or (before := self._copy.interruption()) is None:
            return
        self._report(
            f"a migration from revision {before.before} to {before.after} that began at "
            f"{before.started_at} was interrupted; the database is undamaged, at revision "
            f"{revision or 'none'}"
        )
        self._copy.forget(before)

    def begin(self, before: str | None, after: str) -> None:
        """Copy a SQLite database that has a schema; say that a daemon runs."""
        if before is None:
            return
        if leader := leader_of(self.connection):
            self._report(f"a daemon runs on this database: {leader}; it goes on until you stop it")
        if self._copy is not None and (path := self._copy.begin(before, after)) is not None:
            self._report(f"copied the database to {path}")


@contextmanager
def changing(
    engine: Engine, copies: CopyOptions, report: Report, *, from_copy: bool
) -> Iterator[SchemaChange]:
    """Open the transaction of a change of the schema: one process at a time."""
    copy = _safety_copy(engine, copies)
    if copy is not None:
        _require_undamaged(engine, copy, report, from_copy=from_copy)
    changed = False
    try:
        with transaction(engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
                lock_until_commit(connection, ADVISORY_LOCK)
            yield SchemaChange(connection, copy, report)
        changed = True
    except DatabaseUnavailableError as error:
        if not _is_lock_timeout(error):
            raise
        raise DatabaseUnavailableError(
            f"the database is in use: a lock was not free within {LOCK_TIMEOUT} "
            f"({_sessions(engine)}); nothing was changed; end these transactions, or repeat "
            "the command",
            code="locked",
        ) from error
    finally:
        if copy is not None:
            copy.end(changed=changed)


def _safety_copy(engine: Engine, options: CopyOptions) -> SafetyCopy | None:
    """Return the copy of a database in a file; other databases have none."""
    path = database_file(engine)
    return None if path is None else SafetyCopy(path, options)


def database_file(engine: Engine) -> Path | None:
    """Return the file of a SQLite database; ``None`` of PostgreSQL, or in memory."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:":
        return None
    return Path(name)


def require_file(engine: Engine) -> None:
    """Check that the file of a SQLite database exists; opening it would create an empty one.

    Raises:
        SchemaError: There is no such file.
    """
    path = database_file(engine)
    if path is not None and not path.is_file():
        raise SchemaError(
            f"no such database: {path.absolute()}; change to the folder of your config.toml or "
            "mend database.url; `driftwarden db upgrade` creates a new database",
            code="no_database",
        )


def _require_undamaged(
    engine: Engine, copy: SafetyCopy, report: Report, *, from_copy: bool
) -> None:
    """Check a database whose last migration was interrupted; replace it by its copy on request.

    Raises:
        DatabaseDamagedError: It is damaged.
    """
    interruption, path = copy.interruption(), database_file(engine)
    if interruption is None or path is None or _another_migrates(path):
        return
    problem = integrity_problem(path)
    if not problem:
        return
    if not from_copy:
        remedy = (
            "run `driftwarden db upgrade --from-copy` to go back to it"
            if interruption.has_copy
            else "restore a backup by `driftwarden db restore`"
        )
        raise DatabaseDamagedError(
            f"the database was damaged when a migration was interrupted: {problem}; its copy of "
            f"{interruption.started_at} is {interruption.copy or 'missing'}; {remedy}",
            code="damaged_database",
        )
    engine.dispose()
    damaged = copy.restore(interruption)
    report(f"restored the database from {interruption.copy}; the damaged one is {damaged}")


def _another_migrates(path: Path) -> bool:
    """Return whether another process holds the lock of writers."""
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    except sqlite3.DatabaseError:
        return False
    return False


def leader_of(connection: Connection) -> str:
    """Return holder and end of a lease that is held; empty: none is."""
    if not inspect(connection).has_table("leadership"):
        return ""
    lease = current_lease(connection)
    if lease is None or not lease.held:
        return ""
    return f"{lease.holder} leads until {lease.expires_at:%H:%M:%S} UTC"


def _is_lock_timeout(error: DatabaseUnavailableError) -> bool:
    cause = error.__cause__
    original = cause.orig if isinstance(cause, DBAPIError) else None
    return getattr(original, "pgcode", None) == LOCK_NOT_AVAILABLE


def _sessions(engine: Engine) -> str:
    """Describe the open transactions of others on the database."""
    statement = text(
        "SELECT pid, application_name, state, round(extract(epoch FROM now() - xact_start)) "
        "FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL "
        "AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 5"
    )
    with transaction(engine) as connection:
        rows = connection.execute(statement).all()
    return (
        ", ".join(f"process {pid} {name!r}, {state} for {age} s" for pid, name, state, age in rows)
        or "no other transaction is open now"
    )
