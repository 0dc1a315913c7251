"""Addition to rows of counts, of which there is one for each key."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from monitor.table_types.base import Base


def add_to_row(
    connection: Connection,
    table: type[Base],
    key: Mapping[str, Any],
    amounts: Mapping[str, float],
) -> None:
    """Add amounts to the columns of the row of a key; the row is inserted where there is none.

    Whoever adds to several rows does so in a fixed order, so that replicas can't deadlock.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(**key, **amounts)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(key),
            set_={name: getattr(table, name) + statement.excluded[name] for name in amounts},
        )
    )
