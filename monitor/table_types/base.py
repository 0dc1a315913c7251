"""Declarative base of all tables: constraint names, UTC timestamps, generated ids."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    Table,
    event,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from monitor.table_types.documents import read_document

#: SQLite generates ids only for INTEGER primary keys.
BigId = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC. SQLite stores no time zone, so UTC is attached on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert an aware datetime to UTC; refuse a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: give it a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class StructJson(TypeDecorator[msgspec.Struct]):
    """A msgspec struct in a JSON column: written and read as the struct."""

    impl = JSON
    cache_ok = True

    def __init__(self, struct: type[msgspec.Struct]) -> None:
        super().__init__(none_as_null=True)
        self.struct = struct

    def process_bind_param(self, value: msgspec.Struct | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Return the struct's plain JSON values."""
        return None if value is None else msgspec.to_builtins(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> msgspec.Struct | None:  # noqa: ARG002
        """Return the struct that plain JSON values hold."""
        return None if value is None else read_document(value, self.struct)


class Base(DeclarativeBase):
    """The declarative base. Constraint names follow a convention that migrations rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own declaration
        datetime: UtcDateTime,
        dict[str, Any]: JSON(none_as_null=True),
        list[Any]: JSON(none_as_null=True),
    }


def add_statements(
    table: Table, create: Mapping[str, Sequence[str]], drop: Mapping[str, Sequence[str]]
) -> None:
    """Run statements when a declared table is created, and when it is dropped.

    Statements are by the name of the dialect; the table's ``info`` names them for the writer of
    migrations.
    """
    table.info.update(create=create, drop=drop)

    def run(listed: Table, connection: Connection, *, key: str) -> None:
        for statement in listed.info[key][connection.dialect.name]:
            connection.exec_driver_sql(statement)

    @event.listens_for(table, "after_create")
    def _create(listed: Table, connection: Connection, **_options: Any) -> None:
        run(listed, connection, key="create")

    @event.listens_for(table, "after_drop")
    def _drop(listed: Table, connection: Connection, **_options: Any) -> None:
        run(listed, connection, key="drop")
