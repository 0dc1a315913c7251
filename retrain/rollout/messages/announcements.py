"""Messages of the steps of rollouts, whoever took them."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor.settings import Settings
from monitor.store.alerts.outbox import has_message
from monitor.store.engine import transaction
from retrain.rollout.messages.step import MAX_AGE, TITLES, announce_step, message_key
from retrain.rollout.plan import plan_of
from retrain.rollout.rows.events import recent_events
from retrain.rollout.rows.rollouts import rollout_by_id
from retrain.rollout.rows.situations import load_situation


def announce_rollouts(engine: Engine, watched: Iterable[Settings], now: datetime) -> int:
    """Write a message for each recent step of a rollout that has none; return their number.

    Each step is written once, also where several replicas lead in turn.
    """
    n = 0
    for settings in watched:
        with transaction(engine) as connection:
            n += _announce(connection, settings, now)
    return n


def _announce(connection: Connection, settings: Settings, now: datetime) -> int:
    events = [
        event
        for event in recent_events(connection, settings.model.name, now - MAX_AGE)
        if event.event in TITLES and not has_message(connection, message_key(event))
    ]
    n = 0
    for event in events:
        rollout = rollout_by_id(connection, event.rollout_id)
        plan = plan_of(rollout) if rollout.kind == "rollout" else None
        situation = load_situation(connection, rollout, now)
        n += announce_step(connection, event, situation, plan, settings.alerts)
    return n
