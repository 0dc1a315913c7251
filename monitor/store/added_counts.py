"""Addition to rows of counts, of which there is one for each key."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from monitor.table_types.base import Base


def add_to_rows(
    connection: Connection, table: type[Base], key: Sequence[str], rows: Sequence[dict[str, Any]]
) -> None:
    """Add amounts to the rows of their keys in one statement; missing rows are inserted.

    Rows have the columns of the key, and amounts in the others; each key comes once. Whoever adds
    does so in a fixed order, so that replicas can't deadlock.
    """
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    added = {
        name: getattr(table, name) + statement.excluded[name] for name in rows[0] if name not in key
    }
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=added), rows)
