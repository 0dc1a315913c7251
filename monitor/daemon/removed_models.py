"""Models that were removed from the configuration: what ends with them, told once."""

from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor.alerts.messages.removed_models import InFlight, announce_removed_models
from monitor.alerts.parent_message import add_update
from monitor.alerts.steps import take_step
from monitor.settings import Alerts, Sections
from monitor.store.alerts.delivery import targets_of_incident
from monitor.store.alerts.incidents import (
    models_with_unresolved_incidents,
    unresolved_incidents_of,
)
from monitor.store.alerts.outbox import withdraw_messages
from monitor.store.audit_log import SYSTEM, append_entry
from monitor.store.engine import transaction
from monitor.store.model_history import DAEMON, watched_models
from monitor.store.training.runs import list_runs
from monitor.store.windows.pauses import begin_pause, end_pauses, paused_models
from monitor.telemetry import get_logger
from retrain.rollout.rows.rollouts import open_rollout

log = get_logger(__name__)


def follow_configuration(engine: Engine, settings: Sections, now: datetime) -> None:
    """Begin the pause of models that are no longer watched, and end that of those that are again.

    In one transaction the incidents of a removed model are closed, its pending messages are
    withdrawn, and a message of the daemon's own tells both, with the runs and rollouts that stay.
    Its history stays.
    """
    with transaction(engine) as connection:
        paused = paused_models(connection)
        resumed = sorted(filter(settings.is_watched, paused))
        if resumed:
            end_pauses(connection, resumed, now)
        known = watched_models(connection) | models_with_unresolved_incidents(connection) - {DAEMON}
        removed = sorted(model for model in known - paused if not settings.is_watched(model))
        if removed:
            pauses = [begin_pause(connection, model, now) for model in removed]
            ended = [_end(connection, model, now, settings.alerts) for model in removed]
            announce_removed_models(connection, pauses[0], ended, now)
        for action, models in (("resumed", resumed), ("removed", removed)):
            for model in models:
                append_entry(connection, now, SYSTEM, action, f"model:{model}")
    for model in removed:
        log.warning("model_removed", model=model)
    for model in resumed:
        log.info("model_resumed", model=model)


def _end(connection: Connection, model: str, now: datetime, alerts: Alerts) -> InFlight:
    """Close what is open of a model; return it with what stays as it is."""
    incidents = unresolved_incidents_of(connection, model)
    n_messages = withdraw_messages(connection, model, now)
    for incident in incidents:
        take_step(connection, incident, "unwatched", by=SYSTEM, now=now)
        if targets_of_incident(connection, incident.id):  # an alert would fire for ever
            add_update(connection, incident.id, now, alerts)
    rollout = open_rollout(connection, model)
    return InFlight(
        model=model,
        incidents=tuple(incident.id for incident in incidents),
        n_messages=n_messages,
        runs=tuple(
            run.id for run in list_runs(connection, statuses=("running",)) if run.model == model
        ),
        rollouts=() if rollout is None else ((rollout.version, rollout.weight_percent),),
    )
