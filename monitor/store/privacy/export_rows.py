"""Queries of an export for an end user: rows by their ids, and who third parties are."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from monitor.store.privacy.columns import plain
from monitor.store.rows import batches_of
from monitor.store.tables import Exchange, User, metadata

#: Shorter names of accounts are not searched for in texts.
MIN_NAME_LENGTH = 3


def rows_by_id(
    connection: Connection, table: str, columns: Sequence[str], ids: Sequence[int]
) -> list[dict[str, Any]]:
    """Return columns of rows by the rows' ids; JSON is returned as plain values."""
    declared = metadata.tables[table]
    selected = [plain(declared.c[name]).label(name) for name in columns]
    rows: list[dict[str, Any]] = []
    for part in batches_of(ids):
        statement = select(*selected).where(declared.c.id.in_(part)).order_by(declared.c.id)
        rows += [dict(row) for row in connection.execute(statement).mappings()]
    return rows


def known_end_users(connection: Connection, users: Sequence[str]) -> set[str]:
    """Return which of the ids are stored as an end user of an exchange."""
    known: set[str] = set()
    for part in batches_of(users):
        statement = select(Exchange.end_user).where(Exchange.end_user.in_(part)).distinct()
        known.update(connection.execute(statement).scalars())
    return known


def names_of_staff(connection: Connection) -> set[str]:
    """Return names and addresses of accounts; very short ones are other words too."""
    columns = (User.name, User.email, User.slack_user_id)
    return {
        name
        for row in connection.execute(select(*columns))
        for name in row
        if name and len(name) >= MIN_NAME_LENGTH
    }
