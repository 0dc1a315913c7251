"""Baselines of promoted versions that are due, of all models."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Engine

from monitor.errors import ChildProcessFailedError, DatabaseUnavailableError, loggable
from monitor.scheduling.runner import Runner
from monitor.settings import Settings
from monitor.store.windows.claims import RETRY_AFTER
from monitor.telemetry import get_logger
from monitor.windows.versions.planned_baseline import advance_baseline, baseline_is_due

log = get_logger(__name__)


def advance_due(
    engine: Engine,
    watched: Sequence[Settings],
    runner: Runner,
    clock: Callable[[], datetime],
    *,
    postponed: dict[str, datetime],
    may_continue: Callable[[], bool] = lambda: True,
) -> None:
    """Make the planned baselines, one after the other.

    ``postponed``, which is updated, has the time of the next attempt for models whose last one
    failed. ``may_continue`` is called before each model; ``False`` ends the run.

    Raises:
        DatabaseUnavailableError: The database is unavailable; call again later.
    """
    for settings in watched:
        model = settings.model.name
        if postponed.get(model, clock()) > clock() or not baseline_is_due(engine, model):
            continue
        if not may_continue():
            return
        limit = settings.monitoring.max_evaluation_time
        try:
            runner.run(advance_baseline, settings, clock(), limit=limit)
        except DatabaseUnavailableError:
            raise
        except Exception as error:  # other models continue
            postponed[model] = clock() + RETRY_AFTER
            if isinstance(error, ChildProcessFailedError):
                log.error(  # noqa: TRY400
                    "version_baseline_failed", model=model, reason=error.code, error=loggable(error)
                )
            else:
                log.exception("version_baseline_failed", model=model)
