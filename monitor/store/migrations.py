"""Schema migrations, run by `driftwarden db upgrade` and never when a process starts."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from monitor.errors import SchemaError
from monitor.packaged_files import packaged_file
from monitor.store.engine import transaction
from monitor.store.schema.changes import Report, changing, require_file, say_nothing
from monitor.store.schema.releases import release_before
from monitor.store.schema.safety_copy import DEFAULT_COPY, CopyOptions
from monitor.store.tables import metadata


def upgrade(
    engine: Engine,
    *,
    copies: CopyOptions = DEFAULT_COPY,
    report: Report = say_nothing,
    from_copy: bool = False,
) -> tuple[str | None, str]:
    """Migrate the database to the newest revision in one transaction.

    A SQLite database with a schema is copied first; the copy is removed afterwards. With
    ``from_copy`` the copy replaces a database that an interrupted migration left damaged.
    ``report`` receives a line about each thing that an operator should know. Return the revision
    before, ``None`` for an empty database, and the one after.

    Raises:
        SchemaError: The database has a revision that this version can't migrate.
        DatabaseDamagedError: An interrupted migration left the database damaged.
        DatabaseUnavailableError: It is in use, or there is no room for the copy.
    """
    with changing(engine, copies, report, from_copy=from_copy) as change:
        before = revision_of(change.connection)
        check_known(before)
        change.settle_interruption(before)
        if before != head_revision():
            change.begin(before, head_revision())
            run_migrations(change.connection, "upgrade", "head")
    return before, head_revision()


def current_revision(engine: Engine) -> str | None:
    """Return the revision of the database; ``None`` for an empty one."""
    with transaction(engine) as connection:
        return revision_of(connection)


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the database of a connection; ``None`` for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def history() -> list[str]:
    """Return all revisions that this version knows, the oldest first."""
    return [script.revision for script in _scripts().walk_revisions()][::-1]


def pending_revisions(revision: str | None) -> list[tuple[str, str]]:
    """Return revision and summary of the migrations that `db upgrade` would run, in their order.

    Raises:
        SchemaError: The revision is unknown, or can't be migrated.
    """
    check_known(revision)
    known = history()
    missing = known if revision is None else known[known.index(revision) + 1 :]
    return [(name, _scripts().get_revision(name).doc.rstrip(".")) for name in missing]


def head_revision() -> str:
    """Return the revision that this version of driftwarden needs."""
    head = _scripts().get_current_head()
    if head is None:
        raise SchemaError(f"no migrations found: {migrations_folder()}; reinstall driftwarden")
    return head


def completions() -> list[Callable[[Connection], int]]:
    """Return the functions ``complete`` of the migrations since the release before."""
    release = release_before(head_revision(), history())
    if release is None:
        return []
    newer = [*_scripts().iterate_revisions("head", release.revision)][::-1]
    functions = [getattr(script.module, "complete", None) for script in newer]
    return [function for function in functions if function is not None]


def require_current(engine: Engine) -> None:
    """Check that the database has the newest revision.

    Raises:
        SchemaError: It has another revision, or its file is missing.
    """
    require_file(engine)
    current = current_revision(engine)
    if current == head_revision():
        return
    if current is None:
        raise SchemaError(
            "the database has no table of driftwarden: check `database.url`, or whether its volume "
            "is missing; a new database is set up by `driftwarden db upgrade`",
            code="no_schema",
        )
    check_known(current)
    raise SchemaError(
        f"outdated database schema: revision {current}, this version needs {head_revision()}; "
        "run `driftwarden db upgrade`",
        code="outdated_schema",
    )


def check_known(revision: str | None) -> None:
    """Refuse a revision from which no migration leads to the newest one."""
    if revision is None or revision in history():
        return
    raise SchemaError(
        f"unknown database schema: revision {revision}, this version needs {head_revision()}; "
        "use the version of driftwarden that migrated the database, or a newer one; that version "
        "returns to the schema of the release before by `driftwarden db downgrade`",
        code="unknown_schema",
    )


def run_migrations(
    connection: Connection, direction: Literal["upgrade", "downgrade"], revision: str
) -> None:
    """Run migrations in the transaction of a connection."""
    config = _config()
    config.attributes["connection"] = connection
    getattr(command, direction)(config, revision)


def create_newest(connection: Connection) -> None:
    """Give a database the newest schema: an empty one at once, another by its migrations.

    Tests hold both ways to the same result; at once takes a seventh of the time.
    """
    if revision_of(connection) is not None:
        run_migrations(connection, "upgrade", "head")
        return
    metadata.create_all(connection)
    config = _config()
    config.attributes["connection"] = connection
    command.stamp(config, "head")


def migrations_folder() -> Path:
    """Return the folder of the migration scripts."""
    return packaged_file("alembic")


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config
