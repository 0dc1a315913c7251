"""The registry of personal data has a row for each column that can hold some, and no other."""

import pytest
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, Integer, Table

from monitor.settings.retention import Retention
from monitor.store.tables import metadata
from monitor.store.tables.personal_data import PERSONAL_DATA, Content, Erasure
from monitor.table_types.base import UtcDateTime

#: Types that hold no text; a type that is not listed needs a row.
WITHOUT_TEXT = (BigInteger, Boolean, DateTime, Float, Integer, UtcDateTime)


def columns_with_text(table: Table) -> set[str]:
    return {column.name for column in table.columns if not isinstance(column.type, WITHOUT_TEXT)}


def test_every_table_has_a_row_and_no_other() -> None:
    assert set(PERSONAL_DATA) == set(metadata.tables)


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_every_column_of_text_has_a_row_and_no_other(name: str) -> None:
    assert name in PERSONAL_DATA, f"add the table `{name}` to personal_data.py"
    declared = columns_with_text(metadata.tables[name])
    registered = set(PERSONAL_DATA[name].columns)
    missing = ", ".join(f"`{name}.{column}`" for column in sorted(declared - registered))
    assert not missing, f"add {missing} to personal_data.py"
    removed = ", ".join(f"`{name}.{column}`" for column in sorted(registered - declared))
    assert not removed, f"remove {removed} from personal_data.py"


def test_new_column_of_text_needs_a_row() -> None:
    table = metadata.tables["reviews"].to_metadata(type(metadata)())
    table.append_column(Column("note", metadata.tables["reviews"].c.comment.type))
    table.append_column(Column("extra", metadata.tables["decisions"].c.inputs.type))
    table.append_column(Column("n_notes", Integer))
    assert columns_with_text(table) - set(PERSONAL_DATA["reviews"].columns) == {"note", "extra"}


def test_only_unchanged_columns_have_a_reason() -> None:
    for name, table in PERSONAL_DATA.items():
        for column, row in table.columns.items():
            assert bool(row.reason) == (row.erasure is Erasure.UNCHANGED), f"{name}.{column}"


def test_data_of_end_users_is_always_erased() -> None:
    for name, table in PERSONAL_DATA.items():
        for column, row in table.columns.items():
            if row.content in {Content.END_USER_ID, Content.END_USER_TEXT}:
                assert row.erasure is not Erasure.UNCHANGED, f"{name}.{column}"


def test_table_has_a_period_or_the_reason_for_none() -> None:
    for name, table in PERSONAL_DATA.items():
        assert bool(table.period) != bool(table.no_period), name
        assert table.period in {"", "parent", *Retention.model_fields}, name
        assert table.purpose, name
        assert table.readers, name
