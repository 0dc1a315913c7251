"""Queries of the stored ids of end users, over all tables that have them."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, func, select, update

from monitor.store.rows import batches_of
from monitor.store.tables import Exchange, PendingHalf, RolloutObservation

#: Tables with a column of end users' ids.
TABLES = (Exchange, RolloutObservation, PendingHalf)
#: Tables whose rows can be given another id; pending halves have it in their payload too, and are
#: joined or expire soon.
LASTING_TABLES = (Exchange, RolloutObservation)
IDS_PER_FETCH = 5_000


def distinct_end_users(connection: Connection) -> Iterator[str]:
    """Yield each stored id once for each table that has it."""
    for table in TABLES:
        statement = select(table.end_user).where(table.end_user != "").distinct()
        rows = connection.execute(statement, execution_options={"yield_per": IDS_PER_FETCH})
        for row in rows:
            yield row[0]


def rows_of_end_users(connection: Connection, end_users: Sequence[str]) -> dict[str, int]:
    """Return the number of rows of each of the ids that has some."""
    counts: dict[str, int] = {}
    for part in batches_of(end_users):
        for table in TABLES:
            statement = (
                select(table.end_user, func.count())
                .where(table.end_user.in_(part))
                .group_by(table.end_user)
            )
            for end_user, n in connection.execute(statement):
                counts[end_user] = counts.get(end_user, 0) + n
    return counts


def replace_end_user(connection: Connection, before: str, after: str) -> int:
    """Give the exchanges and observations of an id another one; return their number."""
    n_rows = 0
    for table in LASTING_TABLES:
        statement = update(table).where(table.end_user == before).values(end_user=after)
        n_rows += connection.execute(statement).rowcount
    return n_rows
