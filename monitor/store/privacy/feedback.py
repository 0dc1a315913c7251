"""Search and deletion of feedback, which is an end user's by the id of its exchange."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select

from monitor.store.rows import batches_of
from monitor.store.tables import Feedback

#: Rows searched in one transaction.
ROWS_PER_SCAN = 20_000


def feedback_of_exchanges(connection: Connection, exchange_ids: Sequence[str]) -> list[int]:
    """Return the rows of feedback on exchanges."""
    ids: set[int] = set()
    for part in batches_of(exchange_ids):
        statement = select(Feedback.id).where(Feedback.exchange_id.in_(part))
        ids.update(connection.execute(statement).scalars())
    return sorted(ids)


def last_feedback_id(connection: Connection) -> int:
    """Return the highest id of a row of feedback; 0 where there is none."""
    return connection.execute(select(func.max(Feedback.id))).scalar_one() or 0


def feedback_containing(
    connection: Connection, needle: str, after_id: int
) -> list[tuple[int, tuple[str, ...]]]:
    """Return rows among the next :data:`ROWS_PER_SCAN` ids whose exchange's id contains a string.

    The search ignores case. Each comes with that id.
    """
    statement = select(Feedback.id, Feedback.exchange_id).where(
        Feedback.id > after_id,
        Feedback.id <= after_id + ROWS_PER_SCAN,
        Feedback.exchange_id.icontains(needle, autoescape=True),
    )
    return [(row[0], (row[1],)) for row in connection.execute(statement)]


def delete_feedback(connection: Connection, ids: Sequence[int]) -> int:
    """Delete rows of feedback; return their number. What rollouts made of it goes with theirs."""
    deleted = 0
    for part in batches_of(ids):
        statement = delete(Feedback).where(Feedback.id.in_(part))
        deleted += connection.execute(statement).rowcount
    return deleted
