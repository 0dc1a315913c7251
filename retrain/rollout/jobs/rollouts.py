"""Rollouts in the schedule: weights at the gateway, looks, automatic starts, journal."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from monitor.errors import DatabaseUnavailableError, loggable
from monitor.settings import Secrets, Sections, Settings
from monitor.store.engine import transaction
from monitor.store.training.registry import version_by_id
from monitor.telemetry import SERVICE_FAILURES, get_logger
from retrain.rollout.apply import apply_weights
from retrain.rollout.automatic_start import start_automatically
from retrain.rollout.emergency.canary_probes import CanaryProbes
from retrain.rollout.emergency.changed_weights import (
    revert_changed_responses,
    verified_versions,
    verify_version,
)
from retrain.rollout.emergency.journal import reconcile_journal
from retrain.rollout.gateways.factory import create_gateway
from retrain.rollout.gateways.protocol import Gateway
from retrain.rollout.looks import NextLook, ask_in_time, take_look
from retrain.rollout.plan import RolloutPlan
from retrain.rollout.rows.looks import Look
from retrain.rollout.rows.rollouts import RolloutRow, open_rollout, open_rollouts, rollout_by_id
from retrain.rollout.rows.weights import WeightsRow, newest_of_each_model

#: Longest time of the requests that a version got before it lost its traffic.
DRAIN_TIME = timedelta(minutes=10)
#: Time between two comparisons of the files of a version that nothing makes urgent.
VERIFY_EVERY = timedelta(hours=1)
#: Models whose weights are sent, or whose canaries are probed, at once.
MAX_MODELS = 16
#: Time after which a run leaves the models whose gateway has not responded to the next.
APPLY_SECONDS = 4.0

log = get_logger(__name__)


@dataclass(frozen=True)
class Rollouts:
    """Steps of the rollouts; each reads from the database what is due."""

    engine: Engine
    settings: Sections
    gateway: Gateway
    next_look: NextLook
    probes: CanaryProbes
    #: Whether the gateway holds something for a version that costs while it has no traffic.
    unloads: bool = False
    #: Generation by model after which the reverted version was removed.
    removed: dict[str, int] = field(default_factory=dict)
    #: When the files of a version were compared, by its id; another leader begins anew.
    verified: dict[int, datetime] = field(default_factory=dict)
    #: The work on weights by model; a thread for each, as a canary that hangs delays its own only.
    sending: dict[str, Future[None]] = field(default_factory=dict)
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(MAX_MODELS))

    @classmethod
    def build(
        cls, engine: Engine, settings: Sections, secrets: Secrets, next_look: NextLook | None = None
    ) -> "Rollouts":
        """Build the steps of the settings."""
        gateway = create_gateway(settings, secrets, engine)
        return cls(
            engine=engine,
            settings=settings,
            gateway=gateway,
            next_look=next_look or no_look,
            probes=CanaryProbes(engine, gateway),
            unloads=bool(settings.rollout.vllm.replicas),
        )

    def apply(self, now: datetime, may_continue: Callable[[], bool] = lambda: True) -> None:
        """Make the gateway have the wanted weights of each model, at once.

        What a command did without the database comes first. A model whose gateway, or whose canary
        before its first traffic, does not respond in time delays no other.
        """
        reconcile_journal(self.engine, Path(self.settings.rollout.journal), now)
        with transaction(self.engine) as connection:
            rows = newest_of_each_model(connection)
        begun = []
        for row in rows:
            before = self.sending.get(row.model)
            if not may_continue() or (before is not None and not before.done()):
                continue
            # Those of models that are not watched any more are left, once the gateway has them.
            if row.confirmed_at is None or self.settings.is_watched(row.model):
                work = partial(self._each, row.model, partial(self._apply_row, row, now))
                # With the epoch of the leader, which is the context's.
                begun.append(self.threads.submit(copy_context().run, work))
                self.sending[row.model] = begun[-1]
        for ended in wait(begun, APPLY_SECONDS).done:
            ended.result()

    def probe(self, now: datetime, may_continue: Callable[[], bool] = lambda: True) -> None:
        """Probe the canaries with traffic, and revert those that do not respond.

        A job of its own with threads of its own: weights don't wait for probes.
        """
        with transaction(self.engine) as connection:
            rows = [row for row in newest_of_each_model(connection) if row.confirmed_at is not None]
        due = [row for row in rows if self.settings.is_watched(row.model) and may_continue()]
        if not due:
            return
        with ThreadPoolExecutor(MAX_MODELS) as pool:
            works = [partial(self._each, row.model, partial(self._probe, row, now)) for row in due]
            for ended in [pool.submit(copy_context().run, work) for work in works]:
                ended.result()

    def look(
        self,
        watched: Iterable[Settings],
        now: datetime,
        may_continue: Callable[[], bool] = lambda: True,
    ) -> None:
        """Look at the complete hours of open rollouts, act on them, and start what is automatic."""
        by_model = {settings.model.name: settings for settings in watched}
        with transaction(self.engine) as connection:
            rollouts = {row.model: row for row in open_rollouts(connection)}
        for model, settings in by_model.items():
            if not may_continue():
                return
            rollout = rollouts.get(model)
            if rollout is None and settings.rollout.start == "automatic":
                self._each(model, partial(self._start, settings, now))
            elif rollout is not None:
                self._each(model, partial(self._look, rollout, settings, now, may_continue))

    def verify(
        self,
        watched: Iterable[Settings],
        now: datetime,
        may_continue: Callable[[], bool] = lambda: True,
    ) -> None:
        """Compare what acts with its record, and revert a canary that differs.

        The versions of an open rollout and those that differ are compared each time, others hourly.
        """
        for settings in watched:
            model = settings.model.name
            self._each(model, partial(self._verify, model, now, may_continue))

    def _apply_row(self, row: WeightsRow, now: datetime) -> None:
        """Apply the newest weights; a canary whose files have changed gets no new ones."""
        if row.canary_version_id is not None and row.confirmed_at is None:
            with transaction(self.engine) as connection:
                canary = version_by_id(connection, row.canary_version_id)
            verify_version(self.engine, canary, now)
        self._apply(row.model, now)

    def _apply(self, model: str, now: datetime) -> None:
        application = apply_weights(self.engine, self.gateway, model, now)
        if application is not None and application.confirmed and self.unloads:
            self._unload_reverted(application.row, now)

    def _probe(self, row: WeightsRow, now: datetime) -> None:
        if self.probes.check(row, now):
            apply_weights(self.engine, self.gateway, row.model, now)

    def _verify(self, model: str, now: datetime, may_continue: Callable[[], bool]) -> None:
        with transaction(self.engine) as connection:
            rollout = open_rollout(connection, model)
            rows = verified_versions(connection, model)
        split = set() if rollout is None else {rollout.version_id, rollout.stable_version_id}
        reverted = False
        for row in rows:
            if not may_continue():
                return
            last = self.verified.get(row.id)
            is_urgent = row.id in split or row.weights_change is not None
            if is_urgent or last is None or now - last >= VERIFY_EVERY:
                reverted |= verify_version(self.engine, row, now)
                self.verified[row.id] = now
        if reverted or revert_changed_responses(self.engine, model, now):
            apply_weights(self.engine, self.gateway, model, now)

    def _unload_reverted(self, row: WeightsRow, now: datetime) -> None:
        """Remove a reverted version from the gateway once its last requests have ended."""
        drained = row.confirmed_at is not None and now - row.confirmed_at >= DRAIN_TIME
        if row.rollout_id is None or not drained or self.removed.get(row.model) == row.generation:
            return
        with transaction(self.engine) as connection:
            rollout = rollout_by_id(connection, row.rollout_id)
        if rollout.status == "reverted":
            self.gateway.remove(row.model, rollout.version)
            log.info("reverted_version_removed", model=row.model, version=rollout.version)
        self.removed[row.model] = row.generation

    def _start(self, settings: Settings, now: datetime) -> None:
        if start_automatically(self.engine, settings, now) is not None:
            apply_weights(self.engine, self.gateway, settings.model.name, now)

    def _look(
        self,
        rollout: RolloutRow,
        settings: Settings,
        now: datetime,
        may_continue: Callable[[], bool],
    ) -> None:
        """Look at the hours that are complete; send changed weights at once.

        What was done at the gateway alone is followed first, so that no look advances past it.
        """
        self._apply(settings.model.name, now)
        while may_continue():
            after = take_look(self.engine, rollout, self.next_look, now)
            if after is None:
                break
            if after.weight_percent != rollout.weight_percent:
                apply_weights(self.engine, self.gateway, settings.model.name, now)
                return
            rollout = after
        ask_in_time(self.engine, rollout, now)

    def _each(self, model: str, work: Callable[[], None]) -> None:
        """Do the work of a model; a failure is logged, and the other models go on."""
        try:
            work()
        except DatabaseUnavailableError:
            raise
        except Exception as error:  # repeated by the next run
            SERVICE_FAILURES.labels("rollout").inc()
            log.exception("rollout_not_advanced", model=model, error=loggable(error))


def no_look(_rollout: RolloutRow, _plan: RolloutPlan, _now: datetime) -> Look | None:
    """Measure nothing."""
    return None
