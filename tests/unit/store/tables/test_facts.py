"""Each table declares its facts, and each column that can hold text declares what it holds."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Integer,
    MetaData,
    String,
    Table,
)

from monitor.settings.retention import Retention
from monitor.store.tables import metadata
from monitor.store.tables.facts import columns_of, facts_of, table_names
from monitor.table_types.base import UtcDateTime
from monitor.table_types.contents import CODE, FACTS, Content, Erasure

#: Types that hold no text; a column of a type that is not listed says what it holds.
WITHOUT_TEXT = (BigInteger, Boolean, DateTime, Float, Integer, UtcDateTime)


def wrong_columns(table: Table) -> list[str]:
    """Return the columns that declare nothing though they can hold text, or the other way round."""
    return [
        f"{table.name}.{column.name}"
        for column in table.columns
        if (FACTS in column.info) == isinstance(column.type, WITHOUT_TEXT)
    ]


def test_every_table_declares_its_facts() -> None:
    assert [name for name, table in metadata.tables.items() if FACTS not in table.info] == []


def test_columns_of_text_and_no_others_declare_what_they_hold() -> None:
    assert [name for table in metadata.sorted_tables for name in wrong_columns(table)] == []


def test_undeclared_column_of_text_is_found() -> None:
    columns = [Column("note", String), Column("n", Integer, info=CODE), Column("n_notes", Integer)]
    assert wrong_columns(Table("made_up", MetaData(), *columns)) == ["made_up.note", "made_up.n"]


def test_only_unchanged_columns_have_a_reason() -> None:
    for name in table_names():
        for column, facts in columns_of(name).items():
            assert bool(facts.reason) == (facts.erasure is Erasure.UNCHANGED), f"{name}.{column}"


def test_data_of_end_users_is_always_erased() -> None:
    for name in table_names():
        for column, facts in columns_of(name).items():
            if facts.content in {Content.END_USER_ID, Content.END_USER_TEXT}:
                assert facts.erasure is not Erasure.UNCHANGED, f"{name}.{column}"


def test_table_has_a_period_or_the_reason_for_none() -> None:
    for name in table_names():
        facts = facts_of(name)
        assert bool(facts.period) != bool(facts.no_period), name
        assert facts.period in {"", "parent", *Retention.model_fields}, name
        assert facts.purpose, name
        assert facts.readers, name
