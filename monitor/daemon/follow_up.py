"""Follow-up of drift evaluations and reviews: incidents, review batches, decisions."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Connection, Engine
from structlog.contextvars import bound_contextvars

from monitor.alerts.drift_incidents import handle_evaluation
from monitor.alerts.looks import handle_look
from monitor.alerts.messages.decision import announce_decisions
from monitor.alerts.messages.late_alarm import announce_late_alarm
from monitor.alerts.messages.model_age import announce_model_age
from monitor.alerts.parent_message import update_retraining
from monitor.alerts.repeated_evaluations import replace_result
from monitor.review.decision.decisions import decide_open_batches
from monitor.review.items.settling import settle_reviewed
from monitor.review.sampling.batch import create_batch
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.training.registry import lock_model
from monitor.store.windows.drift_evaluations import (
    DriftEvaluationRow,
    PendingFollowUp,
    drift_evaluation_by_id,
    first_attempts,
    last_followed_up_end,
    mark_followed_up,
    pending_follow_ups,
)
from monitor.store.windows.looks import mark_look_followed_up, pending_looks
from monitor.store.windows.pauses import pauses_of
from monitor.windows.evaluation import monitoring_start
from monitor.windows.schedule import due_windows

#: Time for which a window that can't be evaluated holds back the later ones of its model, from the
#: first attempt on: two dozen attempts. Its failure was told at the first one.
MAX_HOLD = timedelta(hours=24)


def follow_up(
    engine: Engine,
    settings: Settings,
    now: datetime,
    *,
    may_continue: Callable[[], bool] = lambda: True,
) -> list[int]:
    """Write the incident and review batch of each new drift evaluation, in one transaction each.

    They follow in the order of the windows: one that is due and not evaluated yet holds back those
    after it, for at most :data:`MAX_HOLD`. An alarm that comes later than that is told by itself.
    Return the ids of the evaluations, the oldest window first.
    """
    with transaction(engine) as connection:
        pending = pending_follow_ups(connection, settings.model.name)
        unfinished = _unfinished_windows(connection, settings, pending) if pending else []
    followed: list[int] = []
    for entry in pending:
        holds = (
            (began or entry.finished_at) + MAX_HOLD
            for end, began in unfinished
            if end < entry.window_end
        )
        if max(holds, default=now) > now or not may_continue():
            break
        evaluation_id = entry.id
        with bound_contextvars(evaluation=evaluation_id), transaction(engine) as connection:
            # As for a batch, before the incident's entries, which others wait for.
            lock_model(connection, settings.model.name)
            replace_result(connection, evaluation_id, now, alerts=settings.alerts)
            incident = handle_evaluation(connection, evaluation_id, now, alerts=settings.alerts)
            evaluation = drift_evaluation_by_id(connection, evaluation_id)
            if incident is None and entry.epoch is not None:
                announce_late_alarm(connection, evaluation, now, settings.alerts)
            if _wants_review(evaluation, settings):
                # The evaluation's own seed: the same window queues the same items.
                rng = np.random.default_rng([evaluation.seed, evaluation_id])
                create_batch(
                    connection,
                    evaluation_id,
                    settings.review,
                    rng,
                    now,
                    version_field=settings.model.version_field,
                )
            mark_followed_up(connection, evaluation_id, now)
        followed.append(evaluation_id)
    return followed


def _unfinished_windows(
    connection: Connection, settings: Settings, pending: Sequence[PendingFollowUp]
) -> list[tuple[datetime, datetime | None]]:
    """Return the due windows that are not evaluated: their end, and when that was first tried.

    Windows before the last one that was followed up hold nothing back.
    """
    model = settings.model.name
    first = monitoring_start(connection, model)
    if first is None:
        return []
    attempts, pauses = first_attempts(connection, model), pauses_of(connection, model)
    handled = last_followed_up_end(connection, model)
    return [
        (end, attempts.get((start, end)))
        for start, end in due_windows(
            first, pending[-1].window_end, settings.monitoring.drift_detection
        )
        if (handled is None or end > handled)
        and attempts.get((start, end), end) is not None
        and not any(pause.covers(end) for pause in pauses)
    ]


def follow_up_looks(engine: Engine, settings: Settings, now: datetime) -> list[int]:
    """Write the incident of each new look with an alarm, in one transaction each.

    Return the ids of the looks, the oldest first.
    """
    with transaction(engine) as connection:
        pending = pending_looks(connection, settings.model.name)
    for look_id in pending:
        with bound_contextvars(look=look_id), transaction(engine) as connection:
            handle_look(connection, look_id, now, alerts=settings.alerts)
            mark_look_followed_up(connection, look_id, now)
    return pending


def decide(engine: Engine, settings: Settings, now: datetime) -> None:
    """Decide on the open review batches, and write the messages about it."""
    with transaction(engine) as connection:
        settle_reviewed(connection, now, audit_share=settings.review.audit_share)
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
