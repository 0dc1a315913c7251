"""Bulk inserts store every value unchanged, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Engine,
    Float,
    Integer,
    MetaData,
    Table,
    Text,
    delete,
    select,
)
from sqlalchemy.exc import DataError, IntegrityError

from monitor.store.bulk_insert import insert_rows
from monitor.store.engine import transaction
from monitor.table_types.base import BigId, UtcDateTime

TABLE = Table(
    "copied rows",
    MetaData(),
    Column("id", BigId, primary_key=True),
    Column("order", Integer, unique=True),  # a word of SQL's own
    Column("text", Text),
    Column("json", JSON(none_as_null=True)),
    Column("moment", UtcDateTime),
    Column("truth", Boolean),
    Column("number", Float),
    Column("large", BigId),
)
#: What PostgreSQL's text format has a meaning for, and what a text may hold beside.
HOSTILE = st.text(
    st.sampled_from("\\\t\n\r\vN.btx,'\"%é\N{SNOWMAN}\N{GRINNING FACE}\x85\u2028\x1b\x7f "),
    max_size=12,
)
TEXT = HOSTILE | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
ROW = st.fixed_dictionaries(
    {
        "text": st.none() | TEXT,
        "json": st.none() | st.lists(st.dictionaries(TEXT, TEXT | st.booleans(), max_size=2)),
        "moment": st.none()
        | st.datetimes(
            datetime(2010, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
            datetime(2100, 1, 1),  # noqa: DTZ001
            timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
        ),
        "truth": st.none() | st.booleans(),
        "number": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "large": st.none() | st.integers(-(2**63), 2**63 - 1),
    }
)


def numbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"order": number, **row} for number, row in enumerate(rows)]


def plain(n_rows: int) -> list[dict[str, Any]]:
    return numbered([{"text": f"text {number}", "large": 0} for number in range(n_rows)])


@pytest.fixture
def engine(any_engine: Engine) -> Iterator[Engine]:
    TABLE.metadata.create_all(any_engine)
    yield any_engine
    TABLE.metadata.drop_all(any_engine)


def stored(engine: Engine) -> list[dict[str, Any]]:
    with transaction(engine) as connection:
        rows = connection.execute(select(*TABLE.columns[1:]).order_by(TABLE.c.order)).mappings()
        return [dict(row) for row in rows]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ROW, min_size=1, max_size=5))
def test_inserted_values_round_trip(engine: Engine, rows: list[dict[str, Any]]) -> None:
    with transaction(engine) as connection:
        connection.execute(delete(TABLE))
        insert_rows(connection, TABLE, numbered(rows))
    assert numbered(rows) == stored(engine)


@pytest.mark.parametrize("n_rows", [1, 2, 3000])
def test_any_number_of_rows_is_inserted(engine: Engine, n_rows: int) -> None:
    with transaction(engine) as connection:
        insert_rows(connection, TABLE, plain(n_rows))
    assert [row["text"] for row in plain(n_rows)] == [row["text"] for row in stored(engine)]


def test_refused_row_rolls_back_all_and_keeps_the_transaction_usable(engine: Engine) -> None:
    twice = [*plain(3), {"order": 1, "text": "doubled", "large": 0}]
    with transaction(engine) as connection:
        with pytest.raises(IntegrityError), connection.begin_nested():
            insert_rows(connection, TABLE, twice)
        insert_rows(connection, TABLE, plain(2))
    assert ["text 0", "text 1"] == [row["text"] for row in stored(engine)]


@pytest.mark.postgres
def test_value_out_of_range_is_a_data_error(postgres_engine: Engine) -> None:
    TABLE.metadata.create_all(postgres_engine)
    for bad in ({"large": 2**63}, {"text": "a\0b"}):
        with (
            pytest.raises(DataError),
            transaction(postgres_engine) as connection,
        ):
            insert_rows(connection, TABLE, [*plain(2), {**plain(3)[2], **bad}])
    assert [] == stored(postgres_engine)


@pytest.mark.postgres
def test_type_without_a_text_format_is_refused(postgres_engine: Engine) -> None:
    rows = [{"order": number, "text": object()} for number in range(2)]
    with (
        pytest.raises(TypeError, match="object has no text format"),
        transaction(postgres_engine) as connection,
    ):
        insert_rows(connection, TABLE, rows)
