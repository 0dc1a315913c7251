"""Search and deletion of feedback, which is an end user's by the id of its exchange."""

from collections.abc import Sequence

from sqlalchemy import Connection

from monitor.store.privacy import numbered_rows
from monitor.store.tables import Feedback


def feedback_of_exchanges(connection: Connection, exchange_ids: Sequence[str]) -> set[int]:
    """Return the rows of feedback on exchanges."""
    return numbered_rows.ids_with(connection, Feedback, Feedback.exchange_id, exchange_ids)


def last_feedback_id(connection: Connection) -> int:
    """Return the highest id of a row of feedback; 0 where there is none."""
    return numbered_rows.last_id(connection, Feedback)


def feedback_containing(
    connection: Connection, needle: str, after_id: int
) -> list[tuple[int, tuple[str, ...]]]:
    """Return the rows of a scan whose exchange's id contains a string, each with that id."""
    columns = (Feedback.exchange_id,)
    return numbered_rows.rows_containing(connection, Feedback, columns, needle, after_id)


def delete_feedback(connection: Connection, ids: Sequence[int]) -> int:
    """Delete rows of feedback; return their number. What rollouts made of it goes with theirs."""
    return numbered_rows.delete_rows(connection, Feedback, ids)
