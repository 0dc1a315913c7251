"""Descriptions and comparisons of a database's schema."""

from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from monitor.store import migrations
from monitor.store.engine import transaction
from monitor.store.tables import metadata
from monitor.store.tables.search import is_declared


def alembic_command(engine: Engine, name: str, revision: str) -> None:
    """Run `alembic upgrade|downgrade REVISION` in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(migrations.migrations_folder()))
    with transaction(engine) as connection:
        config.attributes["connection"] = connection
        getattr(command, name)(config, revision)


def differences(engine: Engine) -> list[Any]:
    """Return the migration that autogenerate would write."""
    with transaction(engine) as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": is_declared,
            },
        )
        return compare_metadata(context, metadata)


def plain(value: Any) -> Any:
    """Convert results of the inspector to comparable text."""
    if isinstance(value, dict):
        return sorted((key, plain(inner)) for key, inner in value.items())
    return [plain(inner) for inner in value] if isinstance(value, list) else str(value)


def schema(engine: Engine) -> dict[str, Any]:
    """Describe tables, columns and constraints, independent of their history."""
    inspector = inspect(engine)

    def by_name(rows: list[Any]) -> list[str]:
        return sorted(str(plain(row)) for row in rows)

    return {
        table: {
            "columns": sorted(
                (c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)
            ),
            "primary_key": inspector.get_pk_constraint(table)["constrained_columns"],
            "foreign_keys": by_name(inspector.get_foreign_keys(table)),
            "unique": by_name(inspector.get_unique_constraints(table)),
            "indexes": by_name(inspector.get_indexes(table)),
        }
        for table in sorted(inspector.get_table_names())
        if table != "alembic_version"
    }
