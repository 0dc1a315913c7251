"""Schema migrations, run by `driftwarden db upgrade` and never when a process starts."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from monitor.errors import SchemaError
from monitor.packaged_files import packaged_file
from monitor.store.engine import transaction

#: Key of the PostgreSQL lock that keeps two operators from migrating at the same time.
ADVISORY_LOCK = 0x6472_6966_7477_6172
#: Revisions of schemas before the first one that migrations start from.
UNSUPPORTED_REVISIONS = frozenset(
    {
        "2431634c7a1d",
        "e3764083c9b1",
        "a5d77cae7e1e",
        "2addb5425074",
        "5b7c20e91fd4",
        "c41f0a8d7e62",
        "c41f8d2b7e06",
        "0001",
    }
)


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Migrate the database to the newest revision in one transaction.

    Returns:
        The revision before, ``None`` for an empty database, and the one after.

    Raises:
        SchemaError: The database has a revision that this version can't migrate.
    """
    before = current_revision(engine)
    _check_known(before)
    with transaction(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, head_revision()


def current_revision(engine: Engine) -> str | None:
    """Return the revision of the database; ``None`` for an empty one."""
    with transaction(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str:
    """Return the revision that this version of driftwarden needs."""
    head = _scripts().get_current_head()
    if head is None:
        raise SchemaError(f"no migrations found: {migrations_folder()}; reinstall driftwarden")
    return head


def require_current(engine: Engine) -> None:
    """Check that the database has the newest revision.

    Raises:
        SchemaError: It has another revision.
    """
    current = current_revision(engine)
    if current == head_revision():
        return
    _check_known(current)
    raise SchemaError(
        f"outdated database schema: revision {current or 'none'}, this version needs "
        f"{head_revision()}; run `driftwarden db upgrade`"
    )


def _check_known(revision: str | None) -> None:
    """Refuse a revision from which no migration leads to the newest one."""
    if revision is None or revision in {script.revision for script in _scripts().walk_revisions()}:
        return
    if revision in UNSUPPORTED_REVISIONS:
        raise SchemaError(
            f"unsupported database schema: revision {revision} is older than the initial schema "
            "and can't be migrated; back up the database, export its gold with the version that "
            "created it (`driftwarden review export`), then point database.url to a new database "
            "and run `driftwarden db upgrade`"
        )
    raise SchemaError(
        f"unknown database schema: revision {revision}, this version needs {head_revision()}; "
        "use the version of driftwarden that migrated the database, or a newer one"
    )


def migrations_folder() -> Path:
    """Return the folder of the migration scripts."""
    return packaged_file("alembic")


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config
