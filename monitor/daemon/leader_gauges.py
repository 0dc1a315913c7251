"""Gauges of the leader, read from the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from monitor.daemon.training_metrics import export_training_metrics
from monitor.settings import Settings
from monitor.store.alerts.outbox import ModelScope, pending_messages
from monitor.store.engine import transaction
from monitor.store.windows.drift_evaluations import newest_evaluated_end
from monitor.store.windows.looks import last_look_at
from monitor.store.windows.pauses import pauses_of
from monitor.telemetry import LEADER_GAUGES, Values
from monitor.windows.evaluation import monitoring_start
from monitor.windows.schedule import LENGTH, window_of


def read_gauges(
    engine: Engine, watched: Sequence[Settings], sent: ModelScope, now: datetime
) -> dict[str, Values]:
    """Return the values of the leader's gauges, by name.

    Args:
        engine: The database.
        watched: The settings of the watched models.
        sent: The models whose messages have a channel.
        now: The time.
    """
    evaluated: dict[tuple[str, ...], datetime | None] = {}
    looked: dict[tuple[str, ...], datetime | None] = {}
    lengths: dict[tuple[str, ...], float] = {}
    with transaction(engine) as connection:
        for settings in watched:
            model = (settings.model.name,)
            evaluated[model] = _evaluated_until(connection, settings)
            looked[model] = last_look_at(connection, settings.model.name, only_done=True)
            lengths[model] = LENGTH[settings.monitoring.drift_detection].total_seconds()
        pending = pending_messages(connection, sent)
    age = now - pending.oldest_at if pending.oldest_at else timedelta()
    return {
        "driftwarden_newest_evaluated_window_end_timestamp_seconds": _timestamps(evaluated),
        "driftwarden_window_seconds": lengths,
        "driftwarden_last_look_timestamp_seconds": _timestamps(looked),
        "driftwarden_outbox_pending_messages": {(): pending.n},
        "driftwarden_outbox_oldest_message_age_seconds": {(): age.total_seconds()},
    }


def withdraw_gauges() -> None:
    """Export no gauge of the leader."""
    LEADER_GAUGES.withdraw()
    export_training_metrics(())


def _evaluated_until(connection: Connection, settings: Settings) -> datetime | None:
    """Return the time until which no window of a model is missing but those that failed.

    Returns:
        ``None`` where there is neither traffic nor a baseline.
    """
    model, cadence = settings.model.name, settings.monitoring.drift_detection
    first = monitoring_start(connection, model)
    if first is None:
        return None
    # A window that ends in a pause is never evaluated.
    begins = [first, *(p.resumed_at for p in pauses_of(connection, model) if p.resumed_at)]
    newest = newest_evaluated_end(connection, model)
    start, _ = window_of(max(begins), cadence)
    return max(newest or start, start)


def _timestamps(times: Mapping[tuple[str, ...], datetime | None]) -> Values:
    return {labels: time.timestamp() for labels, time in times.items() if time is not None}
