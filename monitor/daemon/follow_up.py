"""Follow-up of drift evaluations and reviews: incidents, review batches, decisions."""

from datetime import datetime

import numpy as np
from sqlalchemy import Engine

from monitor.alerts.drift_incidents import handle_evaluation
from monitor.alerts.looks import handle_look
from monitor.alerts.messages.decision import announce_decisions
from monitor.alerts.messages.model_age import announce_model_age
from monitor.alerts.parent_message import update_retraining
from monitor.review.decision.decisions import decide_open_batches
from monitor.review.sampling.batch import create_batch
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.windows.drift_evaluations import (
    DriftEvaluationRow,
    drift_evaluation_by_id,
    mark_followed_up,
    pending_follow_ups,
)
from monitor.store.windows.looks import mark_look_followed_up, pending_looks


def follow_up(engine: Engine, settings: Settings, now: datetime) -> list[int]:
    """Write the incident and review batch of each new drift evaluation, in one transaction each.

    Returns:
        The ids of the evaluations, the oldest window first.
    """
    with transaction(engine) as connection:
        pending = pending_follow_ups(connection, settings.model.name)
    for evaluation_id in pending:
        with transaction(engine) as connection:
            handle_evaluation(connection, evaluation_id, now, alerts=settings.alerts)
            evaluation = drift_evaluation_by_id(connection, evaluation_id)
            if _wants_review(evaluation, settings):
                # The evaluation's own seed: the same window queues the same items.
                rng = np.random.default_rng([evaluation.seed, evaluation_id])
                create_batch(connection, evaluation_id, settings.review, rng, now)
            mark_followed_up(connection, evaluation_id, now)
    return pending


def follow_up_looks(engine: Engine, settings: Settings, now: datetime) -> list[int]:
    """Write the incident of each new look with an alarm, in one transaction each.

    Returns:
        The ids of the looks, the oldest first.
    """
    with transaction(engine) as connection:
        pending = pending_looks(connection, settings.model.name)
    for look_id in pending:
        with transaction(engine) as connection:
            handle_look(connection, look_id, now, alerts=settings.alerts)
            mark_look_followed_up(connection, look_id, now)
    return pending


def decide(engine: Engine, settings: Settings, now: datetime) -> None:
    """Decide on the open review batches, and write the messages about it."""
    decide_open_batches(engine, settings, now)
    with transaction(engine) as connection:
        announce_decisions(
            connection,
            settings.model.name,
            now,
            settings.alerts,
            needs_lead=settings.retrain.require_confirmation,
        )
        update_retraining(connection, settings.model.name, now, settings.alerts)


def watch_age(engine: Engine, settings: Settings, now: datetime) -> None:
    """Write the message about the age of the production version."""
    max_age = settings.retrain.max_age
    with transaction(engine) as connection:
        announce_model_age(connection, settings.model.name, max_age, now, settings.alerts)


def _wants_review(evaluation: DriftEvaluationRow, settings: Settings) -> bool:
    assessment = evaluation.assessment
    if assessment is None or assessment.n_current == 0:
        return False
    return settings.review.queue == "every_window" or assessment.alarm
