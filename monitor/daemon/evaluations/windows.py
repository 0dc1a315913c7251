"""Evaluations of the windows that are due, of all models, the oldest window first."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Engine
from structlog.contextvars import bound_contextvars

from monitor.errors import (
    ChildProcessFailedError,
    DatabaseUnavailableError,
    LostOwnershipError,
    loggable,
)
from monitor.scheduling.runner import Runner
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.windows.claims import (
    EvaluationClaim,
    fail_drift_evaluation,
    release_drift_evaluation,
    window_states,
)
from monitor.store.windows.pauses import pauses_of
from monitor.telemetry import EVALUATIONS_FAILED, get_logger
from monitor.windows.evaluation import claim_window, evaluate_claimed, monitoring_start
from monitor.windows.schedule import due_windows

#: Age at which the list of due windows is read again: others may have become due meanwhile.
MAX_LIST_AGE = timedelta(minutes=1)

log = get_logger(__name__)


class DueWindow(NamedTuple):
    """A window to be evaluated."""

    settings: Settings
    start: datetime
    end: datetime


def evaluate_due(
    engine: Engine,
    watched: Callable[[], Sequence[Settings]],
    runner: Runner,
    clock: Callable[[], datetime],
    *,
    until: Callable[[], datetime],
    may_continue: Callable[[], bool] = lambda: True,
) -> Iterator[Settings]:
    """Evaluate all windows that are due, one after the other, and yield the model of each.

    A window that fails is recorded, logged, and due again an hour later; the others are evaluated.
    Windows that end later than the traffic is stored, which ``until`` returns, are left.
    ``may_continue`` is called before each evaluation; ``False`` ends the run.

    Raises:
        DatabaseUnavailableError: The database is unavailable; call again later.
    """
    attempted: set[tuple[str, datetime, datetime]] = set()
    while True:
        listed_at = clock()
        pending = [
            window
            for window in list_due(engine, watched(), listed_at, until())
            if (window.settings.model.name, window.start, window.end) not in attempted
        ]
        if not pending:
            return
        for window in pending:
            if not may_continue():
                return
            attempted.add((window.settings.model.name, window.start, window.end))
            failed = not _evaluate(engine, window, runner, clock)
            yield window.settings
            # A model that has just failed comes last from now on.
            if failed or clock() - listed_at > MAX_LIST_AGE:
                break
        else:
            return


def list_due(
    engine: Engine, watched: Sequence[Settings], now: datetime, until: datetime
) -> list[DueWindow]:
    """Return the windows that are due, in the order of their evaluation.

    The window that ended first comes first; of several that ended together the longest, then by the
    name of the model. Models with a failed window come last, the one that failed longest ago first:
    a model whose evaluations hang delays each of the others once.
    """
    ordered = []
    for settings in watched:
        model = settings.model.name
        with transaction(engine) as connection:
            first = monitoring_start(connection, model)
            states = window_states(connection, model, now)
            pauses = pauses_of(connection, model)
        if first is None:
            continue
        failed_at = states.failed_at
        for start, end in due_windows(first, until, settings.monitoring.drift_detection):
            if (start, end) not in states.settled and not any(p.covers(end) for p in pauses):
                turn = (failed_at is not None, failed_at or end)
                ordered.append(((turn, end, start, model), DueWindow(settings, start, end)))
    return [window for _, window in sorted(ordered, key=lambda entry: entry[0])]


def _evaluate(
    engine: Engine, window: DueWindow, runner: Runner, clock: Callable[[], datetime]
) -> bool:
    """Evaluate a window; return whether that did not fail."""
    settings, bounds = window.settings, (window.start, window.end)
    claim = claim_window(engine, settings, bounds, clock())
    if claim is None:  # another process was faster
        return True
    with bound_contextvars(
        evaluation=claim.evaluation_id,
        model=settings.model.name,
        window_start=window.start.isoformat(),
    ):
        return _evaluate_claimed(engine, window, claim, runner, clock)


def _evaluate_claimed(
    engine: Engine,
    window: DueWindow,
    claim: EvaluationClaim,
    runner: Runner,
    clock: Callable[[], datetime],
) -> bool:
    settings, bounds = window.settings, (window.start, window.end)
    limit = settings.monitoring.max_evaluation_time
    try:
        runner.run(evaluate_claimed, settings, claim, bounds, clock(), limit=limit)
    except DatabaseUnavailableError:
        # After a short outage the evaluation is repeated by the next run.
        unavailable = suppress(LostOwnershipError, DatabaseUnavailableError)
        with unavailable, transaction(engine) as connection:
            release_drift_evaluation(connection, claim)
        raise
    except ChildProcessFailedError as error:
        _record(engine, claim, error, clock())
        log.error("evaluation_failed", reason=error.code, error=loggable(error))  # noqa: TRY400
        if error.code == "stopped":
            return False
    except Exception:  # the evaluation has recorded it
        log.exception("evaluation_failed")
    else:
        return True
    EVALUATIONS_FAILED.labels(settings.model.name).inc()
    return False


def _record(
    engine: Engine, claim: EvaluationClaim, error: ChildProcessFailedError, now: datetime
) -> None:
    """Record the end of an evaluation that could not do so itself."""
    # Not where it did: its process ended, or was ended, just afterwards.
    with suppress(LostOwnershipError), transaction(engine) as connection:
        if error.code == "stopped":
            release_drift_evaluation(connection, claim)
        else:
            fail_drift_evaluation(connection, claim, str(error), now)
