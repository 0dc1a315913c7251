"""The check of all conditions, which opens, continues and resolves their incidents."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Engine

from monitor.alerts.incidents import alerts_of, clear, report, wake_due
from monitor.daemon.conditions.of_models import OF_MODELS
from monitor.daemon.conditions.of_the_daemon import OF_THE_DAEMON
from monitor.errors import TransientError
from monitor.scheduling.condition_check import Clear, ConditionCheck, Holds
from monitor.settings import Sections, Settings
from monitor.store.engine import transaction
from monitor.store.model_history import DAEMON
from monitor.telemetry import SERVICE_FAILURES, get_logger
from retrain.rollout.jobs.conditions import OF_ROLLOUTS

log = get_logger(__name__)


def watch_conditions(
    engine: Engine,
    settings: Sections,
    watched: Sequence[Settings],
    now: datetime,
    *,
    started_at: datetime,
    may_continue: Callable[[], bool] = lambda: True,
) -> None:
    """Check each condition, and wake the incidents whose snooze has ended.

    A condition that can't be checked is logged; the others are. ``may_continue`` is called before
    each model; ``False`` ends the check.

    Raises:
        DatabaseUnavailableError: The database is unavailable.
    """
    for of_model in watched:
        if not may_continue():
            return
        for cause, condition in (*OF_MODELS.items(), *OF_ROLLOUTS.items()):
            _watch(engine, cause, of_model.model.name, condition, of_model, now, started_at)
    for cause, of_daemon in OF_THE_DAEMON.items():
        _watch(engine, cause, DAEMON, of_daemon, settings, now, started_at)
    with transaction(engine) as connection:
        woken = wake_due(connection, now, partial(alerts_of, settings))
    for incident in woken:
        log.info("incident_woken", incident=incident)


def _watch(  # noqa: PLR0917 - a condition and what it is checked on
    engine: Engine,
    cause: str,
    model: str,
    condition: Callable[[ConditionCheck[Any]], Any],
    settings: Sections,
    now: datetime,
    started_at: datetime,
) -> None:
    try:
        with transaction(engine) as connection:
            result = condition(ConditionCheck(connection, settings, now, started_at))
            if isinstance(result, Holds):
                report(
                    connection,
                    cause,
                    model,
                    now,
                    text=result.text,
                    keys=result.keys,
                    since=result.since,
                    command=result.command,
                    evaluation_id=result.evaluation_id,
                    alerts=settings.alerts,
                )
            elif isinstance(result, Clear):
                clear(connection, cause, model, now, alerts=settings.alerts, reason=result.reason)
    except TransientError:
        raise
    except Exception:  # checked again by the next run; the other conditions are checked
        SERVICE_FAILURES.labels("watch").inc()
        log.exception("condition_not_checked", cause=cause, model=model)
