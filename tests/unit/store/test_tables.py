"""Column types, constraints and the engine."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, inspect, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.schema import CreateTable

from monitor.errors import ConfigurationError, DatabaseUnavailableError
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import DriftEvaluation, ReviewItem, SourceOffset, User, metadata
from monitor.table_types.base import UtcDateTime

NAIVE = datetime(2026, 11, 2, 9, 30)  # noqa: DTZ001 - the point of the test
BERLIN_SUMMER = timezone(timedelta(hours=2))


def insert_reviewer(engine: Engine, created_at: datetime, **columns: Any) -> None:
    values = {"name": "ada", "password_hash": "x"} | columns
    with transaction(engine) as connection:
        connection.execute(insert(User).values(created_at=created_at, **values))


def test_timestamp_comes_back_aware_and_in_utc(engine: Engine) -> None:
    insert_reviewer(engine, datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=BERLIN_SUMMER))
    with transaction(engine) as connection:
        stored = connection.scalar(select(User.created_at))
    assert datetime(2026, 7, 1, 10, 0, 0, 123456, tzinfo=UTC) == stored
    assert stored.tzinfo is UTC


def test_naive_timestamp_is_refused(engine: Engine) -> None:
    with pytest.raises(StatementError, match="naive datetime"):
        insert_reviewer(engine, NAIVE)


def test_sqlite_compares_timestamps_by_their_instant(engine: Engine) -> None:
    insert_reviewer(engine, datetime(2026, 7, 1, 10, 0, tzinfo=UTC))
    later = datetime(2026, 7, 1, 12, 30, tzinfo=BERLIN_SUMMER)  # 10:30 UTC
    earlier = datetime(2026, 7, 1, 11, 30, tzinfo=BERLIN_SUMMER)  # 09:30 UTC
    with transaction(engine) as connection:
        before_later = select(User.name).where(User.created_at < later)
        before_earlier = select(User.name).where(User.created_at < earlier)
        assert connection.scalar(before_later) == "ada"
        assert connection.scalar(before_earlier) is None


def test_postgresql_stores_timestamps_with_time_zone() -> None:
    ddl = str(CreateTable(User.__table__).compile(dialect=postgresql.dialect()))
    assert "created_at TIMESTAMP WITH TIME ZONE NOT NULL" in ddl
    bound = UtcDateTime().process_bind_param(
        datetime(2026, 7, 1, 12, 0, tzinfo=BERLIN_SUMMER), postgresql.dialect()
    )
    assert datetime(2026, 7, 1, 10, 0, tzinfo=UTC) == bound
    assert bound.tzinfo is UTC


def test_every_timestamp_column_has_the_utc_type() -> None:
    for table in metadata.sorted_tables:
        for column in table.columns:
            if "DATETIME" in str(column.type) or "TIMESTAMP" in str(column.type):
                assert isinstance(column.type, UtcDateTime), f"{table.name}.{column.name}"


def test_ids_are_generated_on_sqlite_and_bigint_on_postgresql(engine: Engine) -> None:
    now = datetime(2026, 7, 1, tzinfo=UTC)
    insert_reviewer(engine, now)
    insert_reviewer(engine, now, name="grace")
    with transaction(engine) as connection:
        assert connection.scalars(select(User.id).order_by(User.id)).all() == [1, 2]
    ddl = str(CreateTable(User.__table__).compile(dialect=postgresql.dialect()))
    assert "id BIGSERIAL" in ddl


def test_offset_beyond_32_bits_is_stored(engine: Engine) -> None:
    offset = 2**53 + 1
    with transaction(engine) as connection:
        connection.execute(
            insert(SourceOffset).values(
                source="kafka:t",
                partition=0,
                next_offset=offset,
                updated_at=datetime(2026, 7, 1, tzinfo=UTC),
            )
        )
        assert connection.scalar(select(SourceOffset.next_offset)) == offset


def test_sqlite_enforces_references(engine: Engine) -> None:
    orphan = insert(ReviewItem).values(
        batch_id=99,
        exchange_id=99,
        position=0,
        slice="control",
        selection_probability=1.0,
        control_probability=1.0,
        cluster=None,
        status="queued",
    )
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), transaction(engine) as connection:
        connection.execute(orphan)


def test_window_of_a_model_has_one_evaluation(engine: Engine) -> None:
    start = datetime(2026, 11, 2, tzinfo=UTC)
    row = {
        "model": "assistant",
        "window_start": start,
        "window_end": start + timedelta(days=7),
        "status": "running",
        "seed": 1,
        "provenance": {},
        "started_at": start,
        "claimed_until": start,
    }
    with transaction(engine) as connection:
        connection.execute(insert(DriftEvaluation).values(**row))
    with pytest.raises(IntegrityError, match="UNIQUE"), transaction(engine) as connection:
        connection.execute(insert(DriftEvaluation).values(**row))


def test_absent_document_is_sql_null(engine: Engine) -> None:
    start = datetime(2026, 11, 2, tzinfo=UTC)
    with transaction(engine) as connection:
        connection.execute(
            insert(DriftEvaluation).values(
                model="assistant",
                window_start=start,
                window_end=start,
                status="running",
                seed=1,
                provenance={"a": [1, 2.5, None, "ü"]},
                assessment=None,
                started_at=start,
                claimed_until=start,
            )
        )
        assert connection.scalar(text("SELECT assessment IS NULL FROM drift_evaluations")) == 1
        assert connection.scalar(select(DriftEvaluation.provenance)) == {"a": [1, 2.5, None, "ü"]}


def test_failed_transaction_leaves_nothing(engine: Engine) -> None:
    now = datetime(2026, 7, 1, tzinfo=UTC)

    def insert_then_fail() -> None:
        with transaction(engine) as connection:
            connection.execute(insert(User).values(name="ada", password_hash="x", created_at=now))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        insert_then_fail()
    with transaction(engine) as connection:
        assert connection.scalars(select(User.id)).all() == []


def test_sqlite_connection_uses_wal_mode_and_checks_references(engine: Engine) -> None:
    with transaction(engine) as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1


def test_unopenable_database_is_a_transient_error(tmp_path: Path) -> None:
    absent = make_engine(f"sqlite:///{tmp_path / 'absent' / 'driftwarden.db'}")
    with pytest.raises(DatabaseUnavailableError, match="unable to open"), transaction(absent):
        pass


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("not a url", r"database\.url = 'not a url'"),
        ("mysql://localhost/driftwarden", "names 'mysql'; use sqlite:/// or postgresql"),
    ],
)
def test_invalid_url_names_the_allowed_databases(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        make_engine(url)


def test_constraints_have_conventional_names(engine: Engine) -> None:
    for table in inspect(engine).get_table_names():
        for constraint in inspect(engine).get_unique_constraints(table):
            assert constraint["name"], f"{table}: {constraint}"
        for key in inspect(engine).get_foreign_keys(table):
            assert key["name"], f"{table}: {key}"
