"""Looks that are due, of all models, the oldest first."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Engine

from monitor.errors import ChildProcessFailedError, DatabaseUnavailableError, loggable
from monitor.scheduling.runner import Runner
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.windows.looks import last_look_failed_at
from monitor.telemetry import get_logger
from monitor.windows.looks.run import looks_due, record_failed_look, run_look

log = get_logger(__name__)


def run_due(
    engine: Engine,
    watched: Sequence[Settings],
    runner: Runner,
    clock: Callable[[], datetime],
    *,
    until: datetime,
    may_continue: Callable[[], bool] = lambda: True,
) -> Iterator[bool]:
    """Run the looks that are due, one after the other, and yield whether each alarms.

    A look that fails is recorded and logged, not repeated: the next one covers most of its time.
    The model's next look waits for the next run, and for those of the other models. The traffic is
    stored up to ``until``. ``may_continue`` is called before each look; ``False`` ends the run, and
    the others stay due.

    Raises:
        DatabaseUnavailableError: The database is unavailable; call again later.
    """
    failed: set[str] = set()
    for settings, end in _list_due(engine, watched, until):
        if settings.model.name in failed:
            continue
        if not may_continue():
            return
        limit = settings.monitoring.max_evaluation_time
        try:
            yield bool(runner.run(run_look, settings, end, clock(), limit=limit))
        except DatabaseUnavailableError:
            raise
        except Exception as error:  # one model's look must not stop those of the others
            failed.add(settings.model.name)
            facts = {"model": settings.model.name, "until": end.isoformat()}
            if isinstance(error, ChildProcessFailedError):
                log.error("look_failed", **facts, reason=error.code, error=loggable(error))  # noqa: TRY400
            else:
                log.exception("look_failed", **facts)
            if getattr(error, "code", "") != "stopped":
                reason = str(error) or type(error).__name__
                record_failed_look(engine, settings, end, reason, clock())
            yield False


def _list_due(
    engine: Engine, watched: Sequence[Settings], until: datetime
) -> list[tuple[Settings, datetime]]:
    due = []
    for settings in watched:
        ends = looks_due(engine, settings, until)
        if not ends:
            continue
        with transaction(engine) as connection:
            failed_at = last_look_failed_at(connection, settings.model.name)
        due += [
            ((failed_at is not None, end, settings.model.name), (settings, end)) for end in ends
        ]
    return [look for _, look in sorted(due, key=lambda entry: entry[0])]
