"""Observations of rollouts that are an end user's, or mention the id."""

from sqlalchemy import Engine

from monitor.privacy.end_users.end_user import EndUser, ErasureRequest, rows_mentioning
from monitor.store.engine import transaction
from monitor.store.privacy import observations
from monitor.store.privacy.numbered_rows import delete_rows, ids_with
from monitor.store.rows import batches_of
from monitor.store.tables import RolloutObservation


def find_observations(engine: Engine, end_user: EndUser) -> list[int]:
    """Return the observations, also those of the end user's exchanges without the id."""
    request, table = end_user.request, RolloutObservation
    exchange_ids = {*request.stored_exchange_ids, *(row.exchange_id for row in end_user.own_rows)}
    with transaction(engine) as connection:
        ids = ids_with(connection, table, table.end_user, request.stored_ids)
        ids |= ids_with(connection, table, table.exchange_id, sorted(exchange_ids))
    columns = (table.prompt, table.response, table.exchange_id)
    return sorted(ids | rows_mentioning(engine, request, table, columns))


def find_labels(engine: Engine, request: ErasureRequest) -> list[tuple[int, str]]:
    """Return the unknown labels of rollouts that are the id or mention it."""
    with transaction(engine) as connection:
        labels = observations.all_labels(connection)
    return [
        (rollout_id, label)
        for rollout_id, label in labels
        if label in request.stored_ids
        or any(matcher.in_text(label) for matcher in request.matchers)
    ]


def remove_observations(engine: Engine, end_user: EndUser) -> None:
    """Remove the observations with their scores, and the labels.

    Figures of looks stay: they are sums over all end users.
    """
    for ids in batches_of(find_observations(engine, end_user)):
        with transaction(engine) as connection:
            delete_rows(connection, RolloutObservation, ids)
    for rollout_id, label in find_labels(engine, end_user.request):
        with transaction(engine) as connection:
            observations.delete_label(connection, rollout_id, label)
