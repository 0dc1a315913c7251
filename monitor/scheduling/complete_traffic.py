"""Time until which the traffic is complete."""

from datetime import datetime, timedelta

from sqlalchemy import Engine

from monitor.store.engine import transaction
from monitor.store.traffic import offsets
from monitor.store.traffic.pending_halves import oldest_pending_at

#: Delay after a window's end in which its last records may still arrive.
LATE_RECORDS = timedelta(minutes=10)
#: Time that a window waits for ingest to reach the topic's end. After that it is evaluated on the
#: stored traffic: an evaluation that never comes would be silent.
MAX_WAIT = timedelta(hours=24)


def complete_until(
    engine: Engine, topic: str, now: datetime, started_at: datetime, *, observed: bool = False
) -> datetime:
    """Return the time until which the traffic is complete.

    After a pause Kafka holds a backlog: a window evaluated before it is read would look quiet or
    empty. A pending request or response belongs to its window too. ``started_at`` is the start of
    the daemon. With ``observed``, what is only observed for rollouts counts besides the sample.
    """
    with transaction(engine) as connection:
        known = (
            offsets.complete_until(connection, topic),
            oldest_pending_at(connection, topic, observed=observed),
        )
    latest = now - LATE_RECORDS
    stored = min((moment for moment in known if moment is not None), default=latest)
    if stored >= latest:
        return latest
    waited_enough = now - started_at >= MAX_WAIT
    return max(stored, now - MAX_WAIT) if waited_enough else stored
