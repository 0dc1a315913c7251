"""Rollouts and experiments whose exchanges are observed, and the labels of their versions."""

from datetime import timedelta

from sqlalchemy import Connection, select
from sqlalchemy.orm import aliased

from monitor.store.leadership import current_lease, database_time
from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import ModelVersion, Rollout
from retrain.rollout.rows.observed_rollout import ObservedRollout

#: Raised rates end where nobody has led for so long: nobody would act on what is observed.
MAX_TIME_WITHOUT_LEADER = timedelta(hours=1)


def observed_rollouts(connection: Connection) -> list[ObservedRollout]:
    """Return the open rollouts and experiments; none where nobody has led for an hour."""
    canary, stable = aliased(ModelVersion), aliased(ModelVersion)
    columns = columns_of(ObservedRollout, Rollout, canary=canary.version, stable=stable.version)
    statement = (
        select(*columns)
        .join(canary, canary.id == Rollout.version_id)
        .join(stable, stable.id == Rollout.stable_version_id)
        .where(Rollout.finished_at.is_(None))
        .order_by(Rollout.id)
    )
    rollouts = read_rows(connection, ObservedRollout, statement)
    if not rollouts:
        return []
    lease = current_lease(connection)
    earliest = database_time(connection) - MAX_TIME_WITHOUT_LEADER
    return [
        rollout
        for rollout in rollouts
        if (rollout.started_at if lease is None else lease.expires_at) >= earliest
    ]
