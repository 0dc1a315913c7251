"""Models that were removed from the configuration: what ends with them, told once."""

from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor.alerts.messages.removed_models import announce_removed_models
from monitor.alerts.parent_message import add_update
from monitor.alerts.steps import take_step
from monitor.settings import Alerts, Sections
from monitor.store.alerts.delivery import targets_of_incident
from monitor.store.alerts.incidents import unresolved_incidents_of
from monitor.store.alerts.outbox import withdraw_messages
from monitor.store.audit_log import SYSTEM, append_entry
from monitor.store.engine import transaction
from monitor.store.model_history import watched_since_before
from monitor.store.windows.pauses import begin_pause, end_pauses, paused_models
from monitor.telemetry import get_logger

log = get_logger(__name__)


def follow_configuration(
    engine: Engine, settings: Sections, now: datetime, *, started_at: datetime
) -> None:
    """Begin the pause of models that are no longer watched, and end that of those that are again.

    In one transaction the incidents of a removed model are closed, its pending messages are
    withdrawn, and a message of the daemon's own tells both, with the runs and rollouts that stay.
    Its history stays.

    The configuration was read at ``started_at``. It says nothing about a model that was watched for
    the first time after that, or removed after that: another daemon has a newer one.
    """
    with transaction(engine) as connection:
        paused = paused_models(connection)
        resumed = sorted(
            model
            for model, since in paused.items()
            if since <= started_at and settings.is_watched(model)
        )
        if resumed:
            end_pauses(connection, resumed, now)
        known = watched_since_before(connection, started_at) - paused.keys()
        removed = sorted(model for model in known if not settings.is_watched(model))
        if removed:
            pauses = [begin_pause(connection, model, now) for model in removed]
            for model in removed:
                _end(connection, model, now, settings.alerts)
            announce_removed_models(connection, settings, pauses[0], now)
        for action, models in (("resumed", resumed), ("removed", removed)):
            for model in models:
                append_entry(connection, now, SYSTEM, action, f"model:{model}")
    for model in removed:
        log.warning("model_removed", model=model)
    for model in resumed:
        log.info("model_resumed", model=model)


def _end(connection: Connection, model: str, now: datetime, alerts: Alerts) -> None:
    """Close what is open of a model, and withdraw its messages."""
    withdraw_messages(connection, model, now)
    for incident in unresolved_incidents_of(connection, model):
        take_step(connection, incident, "unwatched", by=SYSTEM, now=now)
        if targets_of_incident(connection, incident.id):  # an alert would fire for ever
            add_update(connection, incident.id, now, alerts)
