"""Observations of rollouts that are an end user's, or mention the id."""

from sqlalchemy import Engine

from monitor.privacy.end_users.end_user import EndUser, ErasureRequest, rows_mentioning
from monitor.store.engine import transaction
from monitor.store.privacy import observations
from monitor.store.privacy.numbered_rows import ROWS_PER_SCAN

#: Observations removed in one transaction.
ROWS_PER_STEP = 500


def find_observations(engine: Engine, end_user: EndUser) -> list[int]:
    """Return the observations, also those of the end user's exchanges without the id."""
    request = end_user.request
    exchange_ids = {*request.stored_exchange_ids, *(row.exchange_id for row in end_user.own_rows)}
    with transaction(engine) as connection:
        ids = observations.observations_of_end_user(
            connection, request.stored_ids, sorted(exchange_ids)
        )
        last = observations.last_observation_id(connection)
    scans = range(0, last, ROWS_PER_SCAN)
    ids |= rows_mentioning(engine, request, scans, observations.observations_containing)
    return sorted(ids)


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
    """Remove the observations with their scores, and the labels."""
    ids = find_observations(engine, end_user)
    for first in range(0, len(ids), ROWS_PER_STEP):
        with transaction(engine) as connection:
            observations.delete_observations(connection, ids[first : first + ROWS_PER_STEP])
    for rollout_id, label in find_labels(engine, end_user.request):
        with transaction(engine) as connection:
            observations.delete_label(connection, rollout_id, label)
