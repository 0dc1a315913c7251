"""The model of a row of any table, for words of staff that stand in it."""

from sqlalchemy import Connection, select

from monitor.store.privacy.columns import Key
from monitor.store.tables import metadata

#: Of no model, though tables refer to it.
_OF_NONE = "users"


def model_of_row(connection: Connection, table: str, key: Key) -> str:
    """Return the model of a row: its own, or that of the row it refers to; empty: none."""
    declared = metadata.tables.get(table)
    if declared is None:  # a newer release wrote it
        return ""
    columns = declared.primary_key.columns
    where = [column == value for column, value in zip(columns, key, strict=True)]
    if "model" in declared.c:
        return connection.execute(select(declared.c.model).where(*where)).scalar() or ""
    for column in declared.c:
        for reference in column.foreign_keys:
            parent = reference.column.table.name
            if parent in {_OF_NONE, table}:
                continue
            row_id = connection.execute(select(column).where(*where)).scalar()
            if row_id is not None:
                return model_of_row(connection, parent, (row_id,))
    return ""
