"""Migrations: a step of their own, under a lock, never run by each replica at its start."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from monitor.errors import SchemaError
from monitor.store.engine import transaction

#: Held on PostgreSQL while migrating, so that two operators can't migrate at once.
ADVISORY_LOCK = 0x6472_6966_7477_6172


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Bring the schema to the newest revision in one transaction; return (before, after)."""
    before = current_revision(engine)
    with transaction(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, head_revision()


def current_revision(engine: Engine) -> str | None:
    """Return the revision that the database has; ``None`` where nothing was migrated yet."""
    with transaction(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str:
    """Return the revision that this version of driftwarden needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise SchemaError(f"no migrations found in {migrations_folder()}")
    return head


def require_current(engine: Engine) -> None:
    """Check that the database has the newest revision.

    Raises:
        SchemaError: It has another one.
    """
    current = current_revision(engine)
    if current != head_revision():
        raise SchemaError(
            f"the database is at revision {current or 'none'}, this version needs "
            f"{head_revision()}: run `driftwarden db upgrade`"
        )


def migrations_folder() -> Path:
    """Return the folder of the migrations: inside an installed wheel, or the checkout's own."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "_alembic"
    return packaged if packaged.is_dir() else package.parent / "alembic"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config
