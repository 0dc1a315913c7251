"""A copy of a whole database into an empty one, of the same kind or the other.

The source is read in one state while others write to it. The target appears as a whole or not at
all: on PostgreSQL the copy is one transaction, on SQLite a file that gets its name at the end.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    ForeignKeyConstraint,
    MetaData,
    Table,
    event,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.schema import AddConstraint

from monitor.errors import DatabaseDamagedError, InputError
from monitor.private_files import sync_to_disk
from monitor.store import migrations
from monitor.store.advisory_lock import lock_until_commit
from monitor.store.bulk_insert import insert_rows
from monitor.store.engine import make_engine, snapshot, transaction
from monitor.store.schema.changes import ADVISORY_LOCK, Report, database_file, say_nothing
from monitor.store.schema.safety_copy import require_room
from monitor.store.tables import metadata
from monitor.store.transfer.stored_rows import (
    JsonText,
    RowDigest,
    TableDigest,
    count_rows,
    digest_table,
    is_json,
    read_batches,
    tables,
)

Copied = Sequence[TableDigest]


def copy_database(source: Engine, target_url: str, report: Report = say_nothing) -> Copied:
    """Copy all rows into an empty database; return number and digest of the rows of each table.

    Ids, times, JSON, vectors and the audit log are copied as they are stored. Sequences go on after
    those of the source. Each table is read back from the target and compared. The source has the
    newest schema; the target is an empty PostgreSQL database, with or without the schema, or a
    SQLite file that does not exist. ``report`` receives a line about each table.

    Raises:
        SchemaError: The source has another schema.
        InputError: The target is not empty, or is the source.
        DatabaseDamagedError: The target can't hold a value, or differs from the source.
        DatabaseUnavailableError: One of them is unavailable, or there is no room.
    """
    migrations.require_current(source)
    with snapshot(source) as connection, _new_database(source, target_url) as target:
        return _copy_rows(connection, target, report)


@contextmanager
def _new_database(source: Engine, url: str) -> Iterator[Connection]:
    """Yield a connection to the target, with the schema and without references between tables."""
    target = make_engine(url)
    path = database_file(target)
    if path is None:
        try:
            with _new_postgresql(target) as connection:
                yield connection
        finally:
            target.dispose()
        return
    target.dispose()
    with new_sqlite_file(path, database_size(source)) as connection:
        yield connection


@contextmanager
def _new_postgresql(target: Engine) -> Iterator[Connection]:
    if target.dialect.name != "postgresql":
        raise InputError("a database in memory is no target; name a file", code="no_target")
    with transaction(target) as connection:
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        lock_until_commit(connection, ADVISORY_LOCK)
        _require_empty(connection)
        migrations.create_newest(connection)
        references = [
            constraint
            for table in tables()
            for constraint in table.constraints
            if isinstance(constraint, ForeignKeyConstraint)
        ]
        for constraint in references:
            name, table = constraint.name, constraint.table.name
            connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
        yield connection
        # This checks all rows. Not isolated: a later CREATE TABLE of this process has them too.
        for constraint in references:
            connection.execute(AddConstraint(constraint, isolate_from_table=False))


def _require_empty(connection: Connection) -> None:
    """Refuse a target with rows, with tables of others, or with an older schema."""
    revision = migrations.revision_of(connection)
    migrations.check_known(revision)
    present = set(inspect(connection).get_table_names())
    if revision is None and present:
        raise InputError(
            f"the target has tables that are not driftwarden's: {', '.join(sorted(present)[:3])}; "
            "name an empty database",
            code="not_empty",
        )
    for name in present & set(metadata.tables):
        connection.execute(text(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE"))
    if rows := count_rows(connection):
        listed = ", ".join(f"{name} {n:,}" for name, n in list(rows.items())[:3])
        raise InputError(
            f"the target is not empty: rows in {len(rows)} tables ({listed}); name an empty "
            "database",
            code="not_empty",
        )


@contextmanager
def new_sqlite_file(path: Path, n_bytes: int) -> Iterator[Connection]:
    """Yield a connection to a new database with the schema, whose file appears after the block.

    The file must not exist, and needs room for ``n_bytes``.

    Raises:
        InputError: The file exists.
        DatabaseUnavailableError: There is no room, or the folder can't be written.
    """
    _require_no_file(path)
    require_room(path.parent, n_bytes, "name a file on another disk")
    partial = path.with_name(f"{path.name}.partial")
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{partial}{suffix}").unlink(missing_ok=True)
    engine = make_engine(f"sqlite:///{partial}")
    event.listen(engine, "connect", _write_without_log)
    try:
        with transaction(engine) as connection:
            migrations.create_newest(connection)
            yield connection
            _check_references(connection)
        with engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
        engine.dispose()
        partial.chmod(0o600)
        publish_file(partial, path)
    except BaseException:
        engine.dispose()
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{partial}{suffix}").unlink(missing_ok=True)
        raise


def _write_without_log(connection: Any, _record: Any) -> None:
    # Until the file has its name nobody needs it: a killed copy is begun anew.
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "secure_delete=OFF"):
        connection.execute(f"PRAGMA {pragma}")


def publish_file(finished: Path, path: Path) -> None:
    """Write a SQLite file to the disk, then give it its name.

    Raises:
        InputError: Another process has created the target.
    """
    _require_no_file(path)
    sync_to_disk(finished)
    if path.exists():  # empty
        path.unlink()
    try:
        path.hardlink_to(finished)  # refuses an existing file
    except FileExistsError:
        _require_no_file(path)
        raise
    finished.unlink()
    sync_to_disk(path.parent)


def require_empty_target(url: str) -> None:
    """Check that a database may be created, or filled, at a URL; nothing is changed.

    Raises:
        InputError: It exists, or has rows.
    """
    target = make_engine(url)
    path = database_file(target)
    try:
        if path is not None:
            _require_no_file(path)
            return
        with transaction(target) as connection:
            _require_empty(connection)
    finally:
        target.dispose()


def _require_no_file(path: Path) -> None:
    if path.exists() and path.stat().st_size > 0:
        raise InputError(
            f"the target exists: {path}; name a file that does not, or move it away",
            code="not_empty",
        )
    logs = [Path(f"{path}{suffix}") for suffix in ("-wal", "-shm", "-journal")]
    left = [str(file) for file in logs if file.exists()]
    if left:
        raise InputError(
            f"files of another database are beside the target: {', '.join(left)}; SQLite "
            "would read them into the new one: move them away, too",
            code="not_empty",
        )


def _check_references(connection: Connection) -> None:
    broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    if broken is not None:
        raise DatabaseDamagedError(
            f"{broken[0]}: row {broken[1]} refers to a missing row of {broken[2]}",
            code="missing_reference",
        )


def _copy_rows(source: Connection, target: Connection, report: Report) -> Copied:
    """Copy each table, set the sequences, and compare what the target has."""
    written = []
    stored = MetaData()
    for table in tables():
        digest = RowDigest(table)
        receiver = _with_json_as_text(table, stored)
        names = [column.name for column in receiver.columns]
        for rows in read_batches(source, table):
            digest.add(rows)
            _insert(target, receiver, [dict(zip(names, row, strict=True)) for row in rows])
        written.append(digest.result())
        result = written[-1]
        report(f"{result.table:<32} {result.n_rows:>12,}  {result.digest[:16]}")
    _set_sequences(source, target)
    for table, result in zip(tables(), written, strict=True):
        copied = digest_table(target, table)
        if copied != result:
            raise DatabaseDamagedError(
                f"{table.name}: {result.n_rows:,} rows were read ({result.digest[:16]}), the "
                f"target has {copied.n_rows:,} ({copied.digest[:16]}); the target was not created",
                code="copy_differs",
            )
    return written


def _with_json_as_text(table: Table, into: MetaData) -> Table:
    columns = [
        Column(column.name, JsonText() if is_json(column.type) else column.type)
        for column in table.columns
    ]
    return Table(table.name, into, *columns)


def _insert(target: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    try:
        insert_rows(target, table, rows)
    except (DataError, IntegrityError, ValueError) as error:
        problem = str(getattr(error, "orig", error)).split("\n", maxsplit=1)[0]
        raise DatabaseDamagedError(
            f"{table.name}: one of {len(rows)} rows from id {rows[0].get('id', '')} is refused by "
            f"the target: {problem}; the target was not created",
            code="refused_value",
        ) from error


def _set_sequences(source: Connection, target: Connection) -> None:
    """Let the target's sequences go on after the ids of the source, those of deleted rows too."""
    if target.dialect.name != "postgresql":
        return  # SQLite goes on after the largest id
    for table in tables():
        column = table.autoincrement_column
        if column is None:
            continue
        names = {"table": table.name, "column": column.name}
        sequence = "pg_get_serial_sequence(:table, :column)"
        value = target.execute(select(func.max(column))).scalar_one() or 0
        if source.dialect.name == "postgresql":
            last_id = text(f"SELECT coalesce(pg_sequence_last_value({sequence}), 0)")
            value = max(value, source.execute(last_id, names).scalar_one())
        if value:
            target.execute(text(f"SELECT setval({sequence}, :value)"), {**names, "value": value})


def database_size(source: Engine) -> int:
    """Return the bytes of a database."""
    path = database_file(source)
    if path is not None:
        return path.stat().st_size
    with transaction(source) as connection:
        size: int = connection.execute(
            text("SELECT pg_database_size(current_database())")
        ).scalar_one()
    return size
