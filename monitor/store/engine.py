"""Database engine for SQLite and PostgreSQL, with errors of lost connections translated."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from monitor.errors import (
    ConfigurationError,
    DatabaseDamagedError,
    DatabasePermissionError,
    DatabaseUnavailableError,
)
from monitor.settings.secrets.database_url import hide_password
from monitor.store.bulk_insert import enable_copy
from monitor.store.refused_connections import explain_refusal

#: Code of PostgreSQL's error ``read_only_sql_transaction``.
READ_ONLY = "25006"
#: Execution option of the engine of a snapshot.
SNAPSHOT = "driftwarden_snapshot"
#: Code of PostgreSQL's error ``insufficient_privilege``.
NOT_GRANTED = "42501"
#: Time that a process waits for another writer.
SQLITE_WAIT_SECONDS = 30


def make_engine(url: str) -> Engine:
    """Create the engine for a database URL.

    SQLite runs in WAL mode with references enforced, and waits up to 30 s for another writer.
    Errors omit a statement's parameters, which hold texts of end users and would end up in logs.

    Raises:
        ConfigurationError: The URL is malformed or names another database.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed,
            json_serializer=_to_json,
            connect_args={"timeout": SQLITE_WAIT_SECONDS, "check_same_thread": False},
            hide_parameters=True,
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_in_sqlite)
        return engine
    if parsed.get_backend_name() == "postgresql":
        engine = create_engine(
            parsed,
            json_serializer=_to_json,
            # By position, because naming each value of a batch takes longer than quoting it.
            paramstyle="format",
            pool_pre_ping=True,
            # A connection that was cut without a word ends within half a minute.
            connect_args={
                "connect_timeout": 10,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": 25_000,
            },
            hide_parameters=True,
        )
        event.listen(engine, "connect", _prepare_postgresql)
        enable_copy(engine)
        return engine
    raise ConfigurationError(
        f"the database's URL names {parsed.get_backend_name()!r}; use sqlite:/// or "
        "postgresql+psycopg2://",
        code="unsupported_database",
    )


def parse_url(url: str) -> URL:
    """Parse a database URL; the ``ConfigurationError`` of a malformed one has no password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or "@" in (parsed.host or ""):
        # Without the cause: it quotes what may be a part of the password.
        raise ConfigurationError(
            f"database.url = {hide_password(url)!r}: not an address; write "
            "postgresql+psycopg2://USER:PASSWORD@HOST/NAME, with %40 for @ and %2F for / in a "
            "password, or sqlite:///FILE",
            code="malformed_database_url",
        )
    # For the first SQLAlchemy would take a driver that isn't installed; it knows no second.
    if parsed.drivername in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg2")
    return parsed


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    # LZ4 for texts of some kilobytes: the default compression takes more than a third of the
    # server's time for storing a batch. Some servers are built without LZ4.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, 'lz4', false) FROM pg_settings "
            "WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"
        )
        # A query for the first of many rows is priced by all rows, so that PostgreSQL would
        # compile it for seconds and then run it for a millisecond.
        cursor.execute("SET jit = off")
    connection.commit()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Transactions are begun explicitly, because the driver begins them late.
    connection.isolation_level = None
    try:
        _enter_wal_mode(connection)
    except sqlite3.DatabaseError as error:
        if _is_damage(error):
            raise _damaged(error) from error
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY:
            raise DatabaseUnavailableError(
                f"the database's file or folder can't be written: {error}"
            ) from error
        raise
    # Deleted rows are overwritten, because they would stay readable in the file's pages.
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _enter_wal_mode(connection: Any) -> None:
    # SQLite doesn't wait for this lock: two processes that open a new file at the same time would
    # fail with "database is locked".
    deadline = time.monotonic() + SQLITE_WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # of the extended codes too
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_in_sqlite(connection: Connection) -> None:
    reads = is_read_only(connection)
    if reads != connection.info.get(SNAPSHOT, False):
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reads else 'OFF'}")
        connection.info[SNAPSHOT] = reads
    # A snapshot lets others write meanwhile: a large window takes longer to read than they wait.
    # Else, a deferred transaction that starts to write fails at once if another process wrote in
    # between; an immediate transaction waits.
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Open a transaction: commit at the end of the block, roll back on any exception.

    Raises:
        DatabaseUnavailableError: The database is away, locked, full or read-only; nothing was
            written.
        DatabasePermissionError: The role of this process may not use a table.
    """
    is_snapshot = bool(engine.get_execution_options().get(SNAPSHOT))
    with _translated(writes=not is_snapshot), engine.begin() as connection:
        yield connection


def refuses_to_write(connection: Connection) -> bool:
    """Return whether the server takes no changes: a standby, or one that is full."""
    if connection.dialect.name != "postgresql":
        return False  # SQLite's transactions begin as writers
    return bool(connection.execute(text("SHOW transaction_read_only")).scalar_one() == "on")


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that reads one state of the database, while others write.

    Raises:
        DatabaseUnavailableError: The database is away or locked.
        DBAPIError: Something was to be written, which is a defect.
    """
    options: dict[str, Any] = {SNAPSHOT: True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with transaction(engine.execution_options(**options)) as connection:
        yield connection


def require_available(engine: Engine) -> None:
    """Require that the database responds, or ``DatabaseUnavailableError``."""
    with snapshot(engine) as connection:
        connection.execute(text("SELECT 1"))


def is_read_only(connection: Connection) -> bool:
    """Return whether a transaction is a :func:`snapshot`, which writes nothing and locks no row."""
    return bool(connection.get_execution_options().get(SNAPSHOT))


@contextmanager
def _translated(*, writes: bool) -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if _is_defect(error.orig) or (not writes and _is_refused_change(error)):
            raise
        code, message = explain_refusal(_first_line(error))
        raise DatabaseUnavailableError(message, code=code) from error
    except DBAPIError as error:
        if error.connection_invalidated or (writes and _is_refused_change(error)):
            raise DatabaseUnavailableError(_first_line(error)) from error
        if _is_damage(error.orig):
            raise _damaged(error.orig) from error
        if getattr(error.orig, "pgcode", None) == NOT_GRANTED:
            raise DatabasePermissionError(
                f"{_first_line(error)}; a part of the daemon: grant it its tables again by "
                "`driftwarden db grants`; a command: run it with the role that owns the tables",
                code="database_permission",
            ) from error
        raise


def _is_defect(error: BaseException | None) -> bool:
    """Return whether SQLite refuses a statement as such; for it that is an operational error."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISUSE}


def _is_damage(error: BaseException | None) -> bool:
    """Return whether SQLite found that a file is damaged, or no database."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # of the extended codes too
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _damaged(error: BaseException | None) -> DatabaseDamagedError:
    return DatabaseDamagedError(
        f"the database can't be read: {error}; see `driftwarden db check`, and restore a backup by "
        "`driftwarden db restore`",
        code="damaged_database",
    )


def _is_refused_change(error: DBAPIError) -> bool:
    """Return whether a transaction, or the server, may only read.

    A server becomes read-only where it was a primary that another one replaced.
    """
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # of the extended codes too
    return code == sqlite3.SQLITE_READONLY or getattr(error.orig, "pgcode", None) == READ_ONLY


def limit_idle_time(connection: Connection, seconds: float) -> None:
    """Let the server end this transaction if its process hangs.

    A process that dies releases its locks; one that is frozen or cut off from the network would
    hold them for hours and block its successor. SQLite's processes share one machine.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT set_config('idle_in_transaction_session_timeout', :limit, true)"),
            {"limit": f"{round(seconds * 1000)}ms"},
        )


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().split("\n", maxsplit=1)[0]
