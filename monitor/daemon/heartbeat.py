"""Heartbeats of the leader: sent while what tells of problems works, and only then."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from monitor.alerts.channels import Channels
from monitor.alerts.fallback import failing_channels
from monitor.alerts.heartbeat import HeartbeatSender
from monitor.alerts.sending.preparation import UNDELIVERED
from monitor.daemon.conditions.of_the_daemon import consumer_stalled
from monitor.errors import DriftwardenError
from monitor.scheduling.condition_check import ConditionCheck, Holds
from monitor.settings import Sections
from monitor.store.engine import transaction
from monitor.telemetry import SERVICE_FAILURES, get_logger

#: Time between two heartbeats; one that was not taken is sent again after a quarter.
EVERY_SECONDS = 60.0
#: Jobs without which nobody is told of a problem.
TELLING = ("watch", "advance", "deliver")
#: A job that has not succeeded for this time hangs, or fails.
HUNG_AFTER_SECONDS = 900.0
STARTING = "the jobs have not succeeded yet"

log = get_logger(__name__)


class FinishedJobs:
    """When each job of the leader last succeeded; forgotten where it leads no more."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._finished: dict[str, float] = {}

    def succeeded(self, name: str) -> None:
        """Note a success."""
        self._finished[name] = self._monotonic()

    def forget(self, name: str) -> None:
        """Forget a job: another replica leads."""
        self._finished.pop(name, None)

    def lacking(self, names: tuple[str, ...]) -> list[str]:
        """Return the jobs that have not succeeded since this process leads."""
        return [name for name in names if name not in self._finished]

    def idle(self, names: tuple[str, ...]) -> timedelta | None:
        """Return the time since each job had succeeded; ``None``: one has not since it leads."""
        times = [self._finished.get(name) for name in names]
        known = [at for at in times if at is not None]
        return timedelta(seconds=self._monotonic() - min(known)) if known == times else None

    def overdue(self, names: tuple[str, ...], seconds: float) -> list[str]:
        """Return the jobs that have not succeeded for some time."""
        since = self._monotonic() - seconds
        return [name for name in names if self._finished.get(name, since) <= since]


@dataclass
class Heartbeats:
    """The job that sends the heartbeats."""

    sender: HeartbeatSender
    engine: Engine
    settings: Sections
    channels: Channels
    #: When the daemon started.
    started_at: datetime
    jobs: FinishedJobs
    #: Not at once: a daemon that ends soon after each start is none that works.
    _next: float = field(default_factory=lambda: time.monotonic() + EVERY_SECONDS)
    _problem: str = STARTING

    def send(self, now: datetime, may_continue: Callable[[], bool]) -> None:
        """Send a heartbeat where one is due and nothing speaks against it.

        What keeps it back, or keeps it from being taken, is logged when it begins and when it ends.

        Raises:
            DatabaseUnavailableError: The database is unavailable, so that none is sent.
        """
        if time.monotonic() < self._next:
            return
        problem = self.silence_reason(now)
        if not problem and may_continue():
            try:
                self.sender.send()
                self._next = time.monotonic() + EVERY_SECONDS
            except DriftwardenError as error:
                SERVICE_FAILURES.labels("heartbeat").inc()
                problem = str(error)
                self._next = time.monotonic() + EVERY_SECONDS / 4
        if problem not in {self._problem, STARTING}:
            if problem:
                log.warning("heartbeat_not_sent", reason=problem)
            else:
                log.info("heartbeat_sent")
        self._problem = problem

    def silence_reason(self, now: datetime) -> str:
        """Return why no heartbeat may be sent; empty: the leader works, and can tell of problems.

        What a channel tells does not keep it back.
        """
        if self.jobs.lacking(TELLING):
            return STARTING
        overdue = self.jobs.overdue(TELLING, HUNG_AFTER_SECONDS)
        if overdue:
            return f"jobs that have not succeeded lately: {', '.join(overdue)}"
        with transaction(self.engine) as connection:
            check = ConditionCheck(connection, self.settings, now, self.started_at)
            stalled = consumer_stalled(check)
            failing = {row.name for row in failing_channels(connection, self.channels, now)}
        working = set(self.channels.senders) - failing
        if isinstance(stalled, Holds) and not working & self._receivers("consumer_stalled"):
            return stalled.text
        if failing and not working & self._receivers(UNDELIVERED):
            return (
                f"no other channel tells that these take no messages: {', '.join(sorted(failing))}"
            )
        return ""

    def _receivers(self, cause: str) -> set[str]:
        routes = self.channels.routes
        return {*routes.channels_of("", cause), routes.fallback}
