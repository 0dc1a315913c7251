"""Schedule part of the daemon: evaluations, their follow-up, retraining and messages."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine

from monitor.daemon.cycle import Cycle
from monitor.daemon.leader_metrics import create_counters, withdraw_gauges
from monitor.daemon.leadership import Leadership
from monitor.errors import TransientError
from monitor.settings import Secrets, Sections
from monitor.telemetry import SERVICE_FAILURES, Heartbeat, get_logger

ADVANCE_EVERY_SECONDS = 10
DELIVER_EVERY_SECONDS = 5
#: Not longer than Prometheus' shortest usual interval of scrapes.
MEASURE_EVERY_SECONDS = 15
#: A job of its own, so that an unavailable server delays no other job.
MIRROR_EVERY_SECONDS = 30
#: Time between checks whether the daily retention run is due.
TIDY_EVERY_SECONDS = 600

log = get_logger(__name__)


def prepare(
    engine: Engine,
    settings: Sections,
    secrets: Secrets,
    *,
    heartbeat: Heartbeat,
    stop: threading.Event,
) -> Callable[[], None]:
    """Build the cycle, and return the function that runs it until ``stop`` is set."""
    cycle = Cycle.build(engine, settings, secrets, datetime.now(UTC), stop=stop)
    create_counters(settings.names.listed)

    def run() -> None:
        leadership = Leadership(engine)
        scheduler = build_scheduler(cycle, leadership, stop)
        scheduler.start()
        try:
            while not stop.wait(1.0):
                heartbeat.beat()
        finally:
            # Waits for the running jobs: an evaluation has a minute to end. Retention ends after
            # its present step.
            scheduler.shutdown(wait=True)
            leadership.release()

    return run


def build_scheduler(
    cycle: Cycle, leadership: Leadership, stop: threading.Event
) -> BackgroundScheduler:
    """Build the scheduler with its jobs.

    The state is in the database; the scheduler only wakes the jobs. So its jobs are in memory, a
    late job still runs (``misfire_grace_time=None``), and several late runs of a job become one
    (``coalesce``).
    """
    scheduler = BackgroundScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
    )
    at_once = {"next_run_time": datetime.now(UTC)}

    def may_continue() -> bool:
        return not stop.is_set() and leadership.held()

    evaluate = _guarded("evaluate", lambda now: cycle.evaluate(now, may_continue), leadership)
    advance = _guarded("advance", cycle.advance, leadership)
    deliver = _guarded("deliver", cycle.deliver, leadership)
    # Every minute, as a window is due only when ingest has stored its traffic, and a failed
    # evaluation is repeated after an hour. When nothing is due, the job costs two queries.
    scheduler.add_job(evaluate, CronTrigger(second=0, timezone=UTC), id="evaluate", **at_once)
    # A job of its own: a look must not wait for the evaluation of a large window.
    look = _guarded("look", lambda now: cycle.look(now, may_continue), leadership)
    scheduler.add_job(look, CronTrigger(second=30, timezone=UTC), id="look", **at_once)
    scheduler.add_job(
        advance, IntervalTrigger(seconds=ADVANCE_EVERY_SECONDS), id="advance", **at_once
    )
    scheduler.add_job(
        deliver, IntervalTrigger(seconds=DELIVER_EVERY_SECONDS), id="deliver", **at_once
    )
    measure = _guarded("measure", cycle.measure, leadership, otherwise=withdraw_gauges)
    scheduler.add_job(
        measure, IntervalTrigger(seconds=MEASURE_EVERY_SECONDS), id="measure", **at_once
    )
    mirror = _guarded("mirror", cycle.mirror, leadership)
    scheduler.add_job(mirror, IntervalTrigger(seconds=MIRROR_EVERY_SECONDS), id="mirror", **at_once)
    tidy = _guarded("tidy", lambda now: cycle.tidy(now, stop), leadership)
    scheduler.add_job(tidy, IntervalTrigger(seconds=TIDY_EVERY_SECONDS), id="tidy", **at_once)
    return scheduler


def _guarded(
    name: str,
    job: Callable[[datetime], None],
    leadership: Leadership,
    *,
    otherwise: Callable[[], None] = lambda: None,
) -> Callable[[], None]:
    """Wrap a job: only the leader runs it; a failure is logged, and the next run retries.

    Args:
        name: The job, in metrics and log.
        job: Called with the time.
        leadership: Whether this process leads.
        otherwise: Called where another process leads.
    """
    failures = SERVICE_FAILURES.labels(name)

    def run() -> None:
        if not leadership.held():
            otherwise()
            return
        try:
            job(datetime.now(UTC))
        except TransientError as error:
            failures.inc()
            log.warning("service_unavailable", job=name, error=str(error))
        except Exception:
            failures.inc()
            log.exception("job_failed", job=name)

    return run
