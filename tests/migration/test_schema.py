"""Migrations: the declared schema on both databases, downgrades, and refused revisions."""

import threading
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from monitor.errors import SchemaError
from monitor.store import migrations
from monitor.store.engine import make_engine, transaction
from tests.support.refusals import refusal
from tests.support.schema import alembic_command, differences, schema


def test_migrated_schema_equals_declared_schema(empty_engine: Engine) -> None:
    migrations.upgrade(empty_engine)
    assert differences(empty_engine) == []
    # The comparison finds an added column.
    with transaction(empty_engine) as connection:
        connection.execute(text("ALTER TABLE users ADD COLUMN nickname VARCHAR"))
    assert [difference[0] for difference in differences(empty_engine)] == ["remove_column"]


def triggers(engine: Engine) -> list[tuple[str, str]]:
    """Return name -> definition of the triggers."""
    statement = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    if engine.dialect.name == "postgresql":
        statement = (
            "SELECT tgname, pg_get_triggerdef(t.oid) || p.prosrc FROM pg_trigger t "
            "JOIN pg_proc p ON p.oid = tgfoid WHERE NOT tgisinternal"
        )
    with transaction(engine) as connection:
        return sorted((row[0], row[1]) for row in connection.execute(text(statement)))


def test_migration_and_create_all_give_one_schema(empty_engine: Engine) -> None:
    """Between them, a downgrade empties the database."""

    def describe() -> tuple[dict[str, Any], list[tuple[str, str]]]:
        return schema(empty_engine), triggers(empty_engine)

    migrations.upgrade(empty_engine)
    migrated = describe()
    assert all(migrated)
    alembic_command(empty_engine, "downgrade", "base")
    assert describe() == ({}, [])
    assert migrations.current_revision(empty_engine) is None
    with transaction(empty_engine) as connection:
        migrations.create_newest(connection)
    assert describe() == migrated
    migrations.require_current(empty_engine)
    alembic_command(empty_engine, "downgrade", "base")
    assert describe() == ({}, [])
    migrations.upgrade(empty_engine)
    assert describe() == migrated


def test_upgrade_returns_the_revisions_before_and_after(empty_engine: Engine) -> None:
    head = migrations.head_revision()
    assert migrations.upgrade(empty_engine) == (None, head)
    assert migrations.upgrade(empty_engine) == (head, head)


def test_failed_migration_changes_nothing(
    empty_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = command.upgrade

    def upgrade_and_fail(config: Config, revision: str) -> None:
        upgrade(config, revision)
        raise ZeroDivisionError

    monkeypatch.setattr(command, "upgrade", upgrade_and_fail)
    with pytest.raises(ZeroDivisionError):
        migrations.upgrade(empty_engine)
    assert inspect(empty_engine).get_table_names() == []


def test_concurrent_migrations_both_succeed(empty_engine: Engine) -> None:
    outcomes: list[Any] = []

    def upgrade() -> None:
        engine = make_engine(empty_engine.url.render_as_string(hide_password=False))
        try:
            outcomes.append(migrations.upgrade(engine))
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            outcomes.append(error)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=upgrade) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    errors = [repr(outcome) for outcome in outcomes if isinstance(outcome, Exception)]
    assert not errors
    head = migrations.head_revision()
    assert [after for _, after in outcomes] == [head, head]
    assert differences(empty_engine) == []


def test_an_empty_database_must_be_migrated_first(empty_engine: Engine) -> None:
    with pytest.raises(
        SchemaError, match=r"(no table of driftwarden|no such database).* `driftwarden db upgrade`"
    ):
        migrations.require_current(empty_engine)


def test_a_schema_without_a_migration_path_is_refused(
    empty_engine: Engine, subtests: pytest.Subtests
) -> None:
    migrations.upgrade(empty_engine)
    migrations.require_current(empty_engine)
    before = schema(empty_engine)
    revision = "from_the_future"
    with transaction(empty_engine) as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))
    for refuse in (migrations.require_current, migrations.upgrade):
        with subtests.test(call=refuse.__name__):
            with refusal("unknown_schema", SchemaError):
                refuse(empty_engine)
            assert migrations.current_revision(empty_engine) == revision
    assert schema(empty_engine) == before


def test_migrations_are_linear_and_can_be_undone() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.migrations_folder()))
    scripts = ScriptDirectory.from_config(config)
    assert len(scripts.get_heads()) == 1
    for revision in scripts.walk_revisions():
        assert revision.doc, revision.revision
        assert callable(getattr(revision.module, "downgrade", None)), revision.revision
