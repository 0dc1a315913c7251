"""Copies of a whole database, between and within both kinds."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, insert, select, text

from monitor.errors import DatabaseDamagedError, InputError, SchemaError
from monitor.store import migrations
from monitor.store.audit_log import append_entry, check_chain
from monitor.store.engine import make_engine, snapshot, transaction
from monitor.store.schema.inspection import inspect_database
from monitor.store.tables import AuditEntry, SourceOffset, User
from monitor.store.transfer.copying import copy_database
from monitor.store.transfer.stored_rows import digest_table, tables
from tests.migration.made_up import EXPANSION, next_release
from tests.support.refusals import refusal
from tests.support.stamped import stamped

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Return a function that returns the URL of a new database of a kind."""
    numbers = count()

    def url_of(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / f'target-{next(numbers)}.db'}"
        url: str = request.getfixturevalue("postgres_empty_database")
        return url

    return url_of


def digests(engine: Engine) -> list[object]:
    with snapshot(engine) as connection:
        return [digest_table(connection, table) for table in tables()]


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["other", pytest.param("same", marks=pytest.mark.drill)])
def test_a_copy_has_every_value_of_every_table(
    filled: Engine, kind: str, empty_url: Callable[[str], str]
) -> None:
    before = digests(filled)
    is_sqlite = (filled.dialect.name == "sqlite") == (kind == "same")
    url = empty_url("sqlite" if is_sqlite else "postgresql")
    copied = copy_database(filled, url)
    target = make_engine(url)
    try:
        assert list(copied) == digests(target) == before == digests(filled)
        assert min(row.n_rows for row in copied) > 0
        state = inspect_database(target)
        assert (state.schema, state.problems, state.n_audit_entries) == ("current", (), 3)
        with transaction(target) as connection:  # goes on after the ids and the chain
            append_entry(connection, NOW, "Ann", "copied", "database")
            assert check_chain(connection).n_entries == 4
            name = {"name": "new", "password_hash": "", "created_at": NOW}
            new = connection.execute(insert(User).values(name).returning(User.id)).scalar_one()
            assert new == max(connection.execute(select(User.id)).scalars())
            assert connection.execute(select(SourceOffset)).all()
    finally:
        target.dispose()


@pytest.mark.drill
@pytest.mark.parametrize("kind", KINDS)
def test_a_target_with_rows_is_refused(
    filled: Engine, kind: str, empty_url: Callable[[str], str]
) -> None:
    url = empty_url(kind)
    copy_database(filled, url)
    with refusal("not_empty", InputError):
        copy_database(filled, url)
    target = make_engine(url)
    assert digests(target) == digests(filled)
    target.dispose()


@pytest.mark.drill
@pytest.mark.postgres
def test_a_migrated_empty_database_is_a_target(
    filled: Engine, postgres_empty_database: str
) -> None:
    target = make_engine(postgres_empty_database)
    migrations.upgrade(target)
    copy_database(filled, postgres_empty_database)
    assert digests(target) == digests(filled)
    target.dispose()


@pytest.mark.postgres
def test_tables_of_others_are_left_alone(engine: Engine, postgres_empty_database: str) -> None:
    target = make_engine(postgres_empty_database)
    with transaction(target) as connection:
        connection.execute(text("CREATE TABLE invoices (id integer)"))
    with stamped(engine), refusal("not_empty", InputError):
        copy_database(engine, postgres_empty_database)
    target.dispose()


def test_an_older_schema_is_not_copied(engine: Engine, tmp_path: Path) -> None:
    with (
        stamped(engine),
        next_release(tmp_path, EXPANSION),
        refusal("outdated_schema", SchemaError),
    ):
        copy_database(engine, f"sqlite:///{tmp_path / 'b.db'}")
    assert not (tmp_path / "b.db").exists()


@pytest.mark.postgres
def test_a_text_that_postgresql_refuses_is_named(
    engine: Engine, postgres_empty_database: str
) -> None:
    values = {"password_hash": "", "created_at": NOW}
    with transaction(engine) as connection:
        connection.execute(insert(User).values(name="nul \x00 character", **values))
    with stamped(engine), refusal("refused_value", DatabaseDamagedError) as refused:
        copy_database(engine, postgres_empty_database)
    assert "users" in str(refused.value)
    target = make_engine(postgres_empty_database)
    assert migrations.current_revision(target) is None
    target.dispose()


@pytest.mark.postgres
def test_a_sequence_goes_on_after_deleted_rows(
    postgres_engine: Engine, postgres_empty_database: str
) -> None:
    """An audit entry may name the id of a deleted row: it is not given again."""
    with transaction(postgres_engine) as connection:
        for name in ("kept", "deleted"):
            values = {"name": name, "password_hash": "", "created_at": NOW}
            last = connection.execute(insert(User).values(values).returning(User.id)).scalar_one()
        connection.execute(text("DELETE FROM users WHERE name = 'deleted'"))
    with stamped(postgres_engine):
        copy_database(postgres_engine, postgres_empty_database)
    target = make_engine(postgres_empty_database)
    with transaction(target) as connection:
        values = {"name": "new", "password_hash": "", "created_at": NOW}
        new = connection.execute(insert(User).values(values).returning(User.id)).scalar_one()
    assert new == last + 1
    target.dispose()


def test_writers_go_on_and_the_copy_has_one_state(
    filled: Engine, empty_url: Callable[[str], str]
) -> None:
    """Each transaction writes an audit entry and a user: a copy has as many of both."""
    stop, written, errors = threading.Event(), count(), []
    writing = make_engine(filled.url.render_as_string(hide_password=False))

    def write() -> None:
        while not stop.is_set():
            n = next(written)
            try:
                with transaction(writing) as connection:
                    values = {"name": f"beside {n}", "password_hash": "", "created_at": NOW}
                    connection.execute(insert(User).values(values))
                    append_entry(connection, NOW, "Ann", "beside", f"user:{n}")
            except Exception as error:  # noqa: BLE001 - shown by the assertion
                errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    url = empty_url("sqlite")
    try:
        copy_database(filled, url, lambda _: stop.wait(0.02))
        during = next(written)
    finally:
        stop.set()
        thread.join(timeout=60)
        writing.dispose()
    assert errors == []
    assert during > 5, "the writer was blocked"
    target = make_engine(url)
    with transaction(target) as connection:
        users = connection.execute(
            text("SELECT count(*) FROM users WHERE name LIKE 'beside %'")
        ).scalar_one()
        entries = connection.execute(
            select(text("count(*)")).select_from(AuditEntry).where(AuditEntry.action == "beside")
        ).scalar_one()
        assert check_chain(connection).broken_at is None
    target.dispose()
    assert users == entries < during


def _copy_until(source: str, target: str, table: str) -> None:
    """Copy, and kill the process when the rows of a table are written."""

    def kill(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith((f"INSERT INTO {table} ", f"COPY {table} ")):
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", kill)
    copy_database(make_engine(source), target)
    os._exit(0)


@pytest.mark.postgres
@pytest.mark.parametrize(("kind", "table"), [("sqlite", "web_sessions"), ("postgresql", "looks")])
def test_a_killed_copy_leaves_nothing_and_is_repeated(
    filled: Engine, kind: str, table: str, empty_url: Callable[[str], str]
) -> None:
    url = empty_url(kind)
    filled.dispose()
    source = filled.url.render_as_string(hide_password=False)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_copy_until, args=(source, url, table))
    process.start()
    process.join(timeout=120)
    assert process.exitcode == -signal.SIGKILL
    target = make_engine(url)
    if kind == "sqlite":
        partial = Path(f"{target.url.database}.partial")
        assert partial.exists()
        assert not Path(str(target.url.database)).exists()
    else:
        assert migrations.current_revision(target) is None
    copy_database(filled, url)
    assert digests(target) == digests(filled)
    target.dispose()
