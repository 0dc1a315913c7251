"""History of a model under another name: carried over where only one of the names has any."""

from datetime import datetime

from sqlalchemy import Connection, Table, delete, select, update

from monitor.store.audit_log import append_entry
from monitor.store.tables import Base, UnlistedExchanges

ACTOR = "driftwarden"


def has_history(connection: Connection, model: str) -> bool:
    """Return whether any row is of a model; counts of unlisted models are none."""
    return any(
        connection.execute(
            select(table.c.model).where(table.c.model == model).limit(1)
        ).one_or_none()
        for table in _tables()
    )


def carry_over(connection: Connection, old: str, new: str, now: datetime) -> int:
    """Give a model the history under its old name, unless it has one of its own.

    Returns:
        The number of rows that were renamed.
    """
    if not has_history(connection, old) or has_history(connection, new):
        return 0
    renamed = 0
    for table in _tables():
        statement = update(table).where(table.c.model == old).values(model=new)
        renamed += connection.execute(statement).rowcount
    connection.execute(delete(UnlistedExchanges).where(UnlistedExchanges.model == old))
    append_entry(connection, now, ACTOR, "renamed", f"model:{new}", {"from": old, "rows": renamed})
    return renamed


def _tables() -> list[Table]:
    """Return the tables whose rows belong to a model."""
    return [
        table
        for table in Base.metadata.sorted_tables
        if "model" in table.c and table is not UnlistedExchanges.__table__
    ]
