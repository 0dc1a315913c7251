"""Feedback on the exchanges of an end user."""

from sqlalchemy import Engine

from monitor.privacy.end_users.end_user import EndUser, rows_mentioning
from monitor.store.engine import transaction
from monitor.store.privacy.numbered_rows import delete_rows, ids_with
from monitor.store.privacy.observations import observed_exchanges
from monitor.store.rows import batches_of
from monitor.store.tables import Feedback


def find_feedback(engine: Engine, end_user: EndUser) -> list[int]:
    """Return the rows of feedback on the end user's exchanges, stored or observed.

    Rows count too whose exchange's id holds the end user's, as no other trace of it may be left.
    """
    request = end_user.request
    exchange_ids = {*request.stored_exchange_ids, *(row.exchange_id for row in end_user.own_rows)}
    with transaction(engine) as connection:
        exchange_ids |= observed_exchanges(connection, request.stored_ids)
        ids = ids_with(connection, Feedback, Feedback.exchange_id, sorted(exchange_ids))
    return sorted(ids | rows_mentioning(engine, request, Feedback, [Feedback.exchange_id]))


def remove_feedback(engine: Engine, end_user: EndUser) -> None:
    """Remove the feedback. What rollouts made of it goes with theirs."""
    for ids in batches_of(find_feedback(engine, end_user)):
        with transaction(engine) as connection:
            delete_rows(connection, Feedback, ids)
