"""Schedule part of the daemon: evaluations, their follow-up, retraining and messages."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine

from monitor.alerts.actions.receiver import PressReceiver
from monitor.alerts.heartbeat import HeartbeatSender
from monitor.daemon.actions.table import ACTIONS
from monitor.daemon.cycle import Cycle
from monitor.daemon.heartbeat import TELLING, FinishedJobs, Heartbeats
from monitor.daemon.leader_metrics import create_counters, withdraw_gauges
from monitor.daemon.leadership import LEASE, Leadership
from monitor.errors import LostLeadershipError, TransientError
from monitor.repeated_lines import OutageLog
from monitor.settings import Secrets, Sections
from monitor.telemetry import SERVICE_FAILURES, Heartbeat, get_logger

#: A window is due only when ingest has stored its traffic, and a failed evaluation is repeated
#: after an hour. Where nothing is due, the job costs two queries for each model.
EVALUATE_EVERY_SECONDS = 60
ADVANCE_EVERY_SECONDS = 10
DELIVER_EVERY_SECONDS = 5
#: Longest time for which a gateway differs from the wanted weights unnoticed.
APPLY_EVERY_SECONDS = 5
ROLL_OUT_EVERY_SECONDS = 60
#: Time between looks at which files are to be compared; most are hourly.
VERIFY_EVERY_SECONDS = 60
#: Presses of buttons in Slack, and the replies to them.
ACT_EVERY_SECONDS = 1
#: Not longer than Prometheus' shortest usual interval of scrapes.
PUBLISH_EVERY_SECONDS = 15
#: Time between checks of the conditions that are incidents of their own.
WATCH_EVERY_SECONDS = 60
#: A job of its own, so that an unavailable server delays no other job.
MIRROR_EVERY_SECONDS = 30
#: Time between checks whether probes are due, or are to be tried again.
PROBE_EVERY_SECONDS = 30
#: Time between checks whether a heartbeat is due.
HEARTBEAT_CHECKED_EVERY_SECONDS = 5
#: Longest time for which a stored exchange can't be found by a search, unless there are many.
INDEX_EVERY_SECONDS = 10
#: Time between checks whether the daily retention run, or the weekly check of erasures, is due.
TIDY_EVERY_SECONDS = 600
MAX_JOBS = 32
#: Time between two beats of the part.
BEAT_SECONDS = 1.0

#: A step of the cycle: its time, and whether it may begin another piece of its work.
Job = Callable[[datetime, Callable[[], bool]], None]

log = get_logger(__name__)


def prepare(
    engine: Engine,
    settings: Sections,
    secrets: Secrets,
    *,
    heartbeat: Heartbeat,
    stop: threading.Event,
    lease: timedelta = LEASE,
) -> Callable[[], None]:
    """Build the cycle, and return the function that runs it until ``stop`` is set."""
    leadership = Leadership(engine, lease=lease)
    # Each replica receives presses; what it stores is not the leader's.
    receiver = PressReceiver.build(engine, secrets, ACTIONS)
    cycle = Cycle.build(
        leadership.engine,
        settings,
        secrets,
        datetime.now(UTC),
        stop=stop,
        leads=leadership.held,
        receives_presses=lambda: receiver is not None and not receiver.is_refused,
    )
    create_counters(settings.names.listed)
    sender = HeartbeatSender.build(settings.alerts, secrets)

    def run() -> None:
        if receiver is not None:
            receiver.start()
        finished = FinishedJobs()
        scheduler = build_scheduler(cycle, leadership, stop, sender=sender, finished=finished)
        scheduler.start()
        leadership.start(on_taken=lambda: _wake(scheduler), idle=lambda: finished.idle(TELLING))
        try:
            while not stop.wait(BEAT_SECONDS):
                heartbeat.beat()
        finally:
            if receiver is not None:
                receiver.close()
            # Waits for the running jobs: an evaluation has a minute to end, the others end after
            # their present step.
            scheduler.shutdown(wait=True)
            leadership.release()

    return run


def build_scheduler(
    cycle: Cycle,
    leadership: Leadership,
    stop: threading.Event,
    *,
    sender: HeartbeatSender | None = None,
    finished: FinishedJobs | None = None,
) -> BackgroundScheduler:
    """Build the scheduler with its jobs; without a sender none sends heartbeats.

    ``finished`` notes which jobs succeed.

    The state is in the database; the scheduler only wakes the jobs. So its jobs are in memory, a
    late job still runs (``misfire_grace_time=None``), and several late runs of a job become one
    (``coalesce``). All begin as soon as this process leads.
    """
    scheduler = BackgroundScheduler(
        timezone=UTC,
        # A thread for each job: however many wait for a slow service, the others run.
        executors={"default": ThreadPoolExecutor(MAX_JOBS)},
        job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
    )

    def may_continue() -> bool:
        return not stop.is_set() and leadership.held()

    jobs: dict[str, tuple[Job, float]] = {
        "evaluate": (cycle.evaluate, EVALUATE_EVERY_SECONDS),
        # A job of its own: a look must not wait for the evaluation of a large window.
        "look": (cycle.look, EVALUATE_EVERY_SECONDS),
        "advance": (cycle.advance, ADVANCE_EVERY_SECONDS),
        # Jobs of their own: a revert waits for no evaluation, and for no measurement.
        "apply_weights": (cycle.apply_weights, APPLY_EVERY_SECONDS),
        "probe_canaries": (cycle.probe_canaries, APPLY_EVERY_SECONDS),
        "roll_out": (cycle.roll_out, ROLL_OUT_EVERY_SECONDS),
        # A job of its own: files may be large.
        "verify_weights": (cycle.verify_weights, VERIFY_EVERY_SECONDS),
        "compare_rollout_responses": (cycle.compare_rollout_responses, ROLL_OUT_EVERY_SECONDS),
        "judge_rollout_responses": (cycle.judge_rollout_responses, ROLL_OUT_EVERY_SECONDS),
        "watch": (cycle.watch, WATCH_EVERY_SECONDS),
        # A job of its own: a slow endpoint delays no other job.
        "probe": (cycle.probe, PROBE_EVERY_SECONDS),
        "deliver": (cycle.deliver, DELIVER_EVERY_SECONDS),
        # Without an app-level token only another replica can have stored a press.
        "act": (cycle.act, WATCH_EVERY_SECONDS if cycle.replies is None else ACT_EVERY_SECONDS),
        "publish_gauges": (cycle.publish_gauges, PUBLISH_EVERY_SECONDS),
        "mirror": (cycle.mirror, MIRROR_EVERY_SECONDS),
        # A job of its own: after an import there is much to index.
        "index": (cycle.index, INDEX_EVERY_SECONDS),
        "tidy": (cycle.tidy, TIDY_EVERY_SECONDS),
        # A job of its own: it reads all files.
        "check_erasures": (cycle.check_erasures, TIDY_EVERY_SECONDS),
    }
    if cycle.replies is not None:
        # A user waits for it, as for "act"; a reply that Slack doesn't take delays no action.
        jobs["reply"] = (cycle.reply, ACT_EVERY_SECONDS)
    finished = finished or FinishedJobs()
    if sender is not None:
        heartbeats = Heartbeats(
            sender, cycle.engine, cycle.settings, cycle.channels, cycle.started_at, finished
        )
        jobs["heartbeat"] = (heartbeats.send, HEARTBEAT_CHECKED_EVERY_SECONDS)
    for name, (job, seconds) in jobs.items():
        otherwise = withdraw_gauges if name == "publish_gauges" else None
        guarded = _guarded(name, job, leadership, may_continue, finished, otherwise=otherwise)
        scheduler.add_job(guarded, IntervalTrigger(seconds=seconds, timezone=UTC), id=name)
    return scheduler


def _wake(scheduler: BackgroundScheduler) -> None:
    """Run all jobs now."""
    for job in scheduler.get_jobs():
        job.modify(next_run_time=datetime.now(UTC))


def _guarded(
    name: str,
    job: Job,
    leadership: Leadership,
    may_continue: Callable[[], bool],
    finished: FinishedJobs,
    *,
    otherwise: Callable[[], None] | None = None,
) -> Callable[[], None]:
    """Wrap a job: only the leader runs it; a failure is logged, and the next run retries.

    The job has the name in metrics and log. It is called with the time, and with ``may_continue``:
    whether it may begin another piece of its work, as this process leads and the daemon isn't
    stopping. ``finished`` notes its success. ``otherwise`` is called where it does not run.
    """
    failures = SERVICE_FAILURES.labels(name)
    outage = OutageLog(log)

    def run() -> None:
        with leadership.acting() as leads:
            if not leads or not may_continue():
                finished.forget(name)
                if otherwise is not None:
                    otherwise()
                return
            try:
                job(datetime.now(UTC), may_continue)
            except LostLeadershipError as error:
                log.warning("leadership_lost", job=name, error=str(error))
            except TransientError as error:
                failures.inc()
                outage.failed("service_unavailable", job=name, error=str(error))
            except Exception:
                failures.inc()
                log.exception("job_failed", job=name)
            else:
                finished.succeeded(name)
                outage.succeeded("service_available", job=name)

    return run
