"""A trial: daemon, gateway and database are killed while versions roll out under load."""

import multiprocessing
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from bench.services.postgres import PostgresServer
from monitor.errors import DriftwardenError
from monitor.settings import Configuration, Secrets
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import metadata
from monitor.store.training.registry import version_by_id
from retrain.registry.stages import register_version
from retrain.rollout.emergency.revert_now import revert_now
from retrain.rollout.gateways.cluster_names import cluster_name
from retrain.rollout.gateways.factory import create_gateway
from retrain.rollout.gateways.protocol import Gateway
from retrain.rollout.rows.rollouts import RolloutRow, list_rollouts, open_rollout
from retrain.rollout.rows.weights import WeightsRow, newest_weights, weights_of_rollout
from retrain.rollout.transitions.promotion import promote_version
from retrain.rollout.transitions.revert import revert_rollout
from retrain.rollout.transitions.start import start_rollout
from retrain.rollout.weights import as_weights
from tests.failover import rollout_replica
from tests.failover.rollout_load import Load, Request
from tests.failover.rollout_replica import MODEL, settings_of
from tests.services.envoy import EXAMPLE, Envoy, running_envoy
from tests.services.llm_backends import running_version
from tests.support.present import utc_now
from tests.support.retrain.candidates import evaluated
from tests.support.retrain.weights import record_without_files

VICTIMS = ("daemon", "gateway", "database")
#: How a rollout ends that is not left to complete.
ENDS = ("complete", "look", "user", "user without database", "absent")
MAX_VERSIONS = 60
#: A version whose server does not exist: each fifth.
DEAD_PORT = 9
#: Percent of the stages, the last less the holdback.
STAGES = (5, 25, 50, 99)
SETTLE_SECONDS = 20.0

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.failover.rollout_replica"])


@dataclass
class Outcome:
    """The outcome of a trial; the lists are empty where the promises hold."""

    kills: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    n_requests: int = 0
    n_canary: int = 0
    #: From the request of a revert to the gateway's confirmation, while all was up: the longest.
    revert_seconds: float = 0.0
    failed_requests: list[str] = field(default_factory=list)
    skipped_stages: list[str] = field(default_factory=list)
    lost_reverts: list[str] = field(default_factory=list)


def run_trial(seed: int, n_kills: int, server: PostgresServer, folder: Path) -> Outcome:
    """Kill something ``n_kills`` times while versions roll out, and check all promises.

    Args:
        seed: Draws victims, times and ends.
        n_kills: Kills.
        server: A started PostgreSQL without a schema.
        folder: For the gateway's files, logs and the journal.
    """
    with ExitStack() as stack:
        site = stack.enter_context(_Site(seed, server, folder))
        stack.enter_context(site.load)
        for _ in range(n_kills):
            site.go_on()
            site.pause(1.2)
            site.kill_and_restart()
        site.settle()
    site.judge_requests()
    return site.outcome


class _Site:
    """Database, gateway, daemon, load, and the rollouts of a model."""

    def __init__(self, seed: int, server: PostgresServer, folder: Path) -> None:
        self.outcome = Outcome()
        self._rng = random.Random(seed)
        self._server, self._folder = server, folder
        self._stack = ExitStack()
        #: Times in which the gateway was down.
        self._gaps: list[tuple[float, float]] = []
        #: Version and time from which it must have no traffic.
        self._without_traffic: list[tuple[int, float]] = []
        self._ending: str = "complete"
        self._n_versions = 1
        #: The next ones: of three in a row, each once.
        self._victims: list[str] = []
        self._daemon: Any = None

    def __enter__(self) -> "_Site":
        with ExitStack() as stack:
            stack.push(self._stack)
            self._begin()
            stack.pop_all()
        return self

    def _begin(self) -> None:
        (self._folder / "bad").write_text("")
        version = self._stack.enter_context(running_version("any"))
        ports = {
            cluster_name(MODEL, n): DEAD_PORT if n % 5 == 0 else version.port
            for n in range(1, MAX_VERSIONS + 1)
        }
        self._envoy: Envoy = self._stack.enter_context(running_envoy(self._folder, ports))
        text = (EXAMPLE / "routes.json").read_text().replace("assistant", MODEL)
        draft = self._folder / "draft.json"
        draft.write_text(text)
        draft.replace(self._envoy.routes)
        self.engine: Engine = make_engine(self._server.url)
        self._stack.callback(self.engine.dispose)
        metadata.create_all(self.engine)
        self.settings: Configuration = settings_of(
            self._server.url, self._folder, self._envoy.admin, self._envoy.listener
        )
        self.gateway: Gateway = create_gateway(self.settings, Secrets())
        self.load = Load(self._envoy.listener)
        with transaction(self.engine) as connection:
            now = utc_now()
            first = self._register(connection, now)
            promote_version(
                connection, version_by_id(connection, first), now, by="lea", reason="first"
            )
        self._start_daemon()
        self._stack.callback(self._kill_daemon)
        self._wait(self._rows_are_in_force, "the first weights")

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def pause(self, longest: float) -> None:
        """Let some time pass."""
        time.sleep(self._rng.random() * longest)

    def go_on(self) -> None:
        """Start the next rollout where none is open, or end the present one as was drawn."""
        with transaction(self.engine) as connection:
            current = open_rollout(connection, MODEL)
        if current is None:
            self._start_next()
        elif self._ending == "look" and self._rng.random() < 0.5:
            (self._folder / "bad").write_text(str(current.version))
        elif self._ending in {"user", "absent"} and self._rng.random() < 0.5:
            self._revert(current)

    def kill_and_restart(self) -> None:
        """Kill something at a random time, and start it again."""
        if not self._victims:
            self._victims = self._rng.sample(VICTIMS, len(VICTIMS))
        victim = self._victims.pop()
        self.outcome.kills.append(victim)
        if victim == "daemon":
            self._kill_daemon()
            self.pause(0.5)
            self._start_daemon()
        elif victim == "gateway":
            began = time.monotonic()
            self._envoy.kill()
            self.pause(0.5)
            self._envoy.start()
            self._gaps.append((began, time.monotonic()))
        else:
            self._server.stop()
            self.pause(0.5)
            if self._ending == "user without database":
                self._revert_without_database()
            self._server.start()
        self._wait(self._rows_are_in_force, "the weights of the rows")

    def settle(self) -> None:
        """Let the last rollout end, and check the rows of all."""
        with transaction(self.engine) as connection:
            current = open_rollout(connection, MODEL)
        if current is not None and self._ending in {"absent", "user", "user without database"}:
            self._revert(current)
        elif current is not None and self._ending == "look":
            (self._folder / "bad").write_text(str(current.version))
        self._wait(lambda: self._open() is None, "the end of the last rollout")
        self._wait(self._rows_are_in_force, "the last weights")
        self.pause(0.5)  # in which a killed or former leader may do harm
        with transaction(self.engine) as connection:
            for rollout in list_rollouts(connection, MODEL):
                self._judge_rows(rollout, weights_of_rollout(connection, rollout.id))

    def judge_requests(self) -> None:
        """Check each request: none failed while the gateway was up, none met a reverted version."""
        requests = self.load.requests
        self.outcome.n_requests = len(requests)
        since = dict(self._without_traffic)
        for request in requests:
            if request.version is None:
                if not self._in_gap(request):
                    self.outcome.failed_requests.append(request.outcome)
                continue
            self.outcome.n_canary += request.version > 1
            if request.sent_at > since.get(request.version, float("inf")):
                self.outcome.lost_reverts.append(f"v{request.version} served a request")

    def _start_next(self) -> None:
        with transaction(self.engine) as connection:
            now = utc_now()
            version_id = self._register(connection, now)
            self._n_versions += 1
            start_rollout(connection, version_id, self.settings.settings_of(MODEL), now, by="lea")
        absent = self._n_versions % 5 == 0
        self._ending = "absent" if absent else self._rng.choice(ENDS[:-1])
        self.outcome.ends.append(self._ending)

    def _register(self, connection: Any, now: datetime) -> int:
        version_id = register_version(
            connection, model=MODEL, adapter_path="a", adapter_digest="d", lineage={}, now=now,
            identity=record_without_files(now),
        )  # fmt: skip
        evaluated(connection, version_id, now)
        return version_id

    def _revert(self, rollout: RolloutRow) -> None:
        """Revert as a user does; the daemon sends the weights."""
        began = time.monotonic()
        try:
            with transaction(self.engine) as connection:
                revert_rollout(connection, rollout.id, utc_now(), by="lea", reason="bad")
        except DriftwardenError:  # it has ended meanwhile
            return
        self._wait(self._rows_are_in_force, "the revert")
        self.outcome.revert_seconds = max(self.outcome.revert_seconds, time.monotonic() - began)
        self._without_traffic.append((rollout.version, time.monotonic()))

    def _revert_without_database(self) -> None:
        applied = self.gateway.read(MODEL)
        if applied is None or applied.canary is None:
            return
        done = revert_now(
            lambda: make_engine(self._server.url),
            self.gateway,
            MODEL,
            utc_now(),
            by="lea",
            reason="bad",
            journal=Path(self.settings.rollout.journal),
        )
        if not done.confirmed:
            self.outcome.lost_reverts.append(f"not confirmed: {done.detail}")
        self._without_traffic.append((applied.canary, time.monotonic()))

    def _judge_rows(self, rollout: RolloutRow, rows: list[WeightsRow]) -> None:
        """Check that the weights of a rollout are its stages in order, each confirmed."""
        percents = [row.canary_percent for row in rows if row.canary_percent]
        # A stage may be wanted again with a newer generation, after a gateway that was ahead.
        stages = [p for n, p in enumerate(percents) if n == 0 or percents[n - 1] != p]
        if tuple(stages) != STAGES[: len(stages)]:
            self.outcome.skipped_stages.append(f"v{rollout.version}: {stages}")
        for row, following in pairwise(rows):
            advanced = (
                following.canary_percent > row.canary_percent or following.stable != row.stable
            )
            if advanced and row.confirmed_at is None:
                self.outcome.skipped_stages.append(f"v{rollout.version}: {row.canary_percent}%")
        if rollout.status == "completed" and tuple(stages) != STAGES:
            self.outcome.skipped_stages.append(f"v{rollout.version}: completed after {stages}")
        if rollout.version in dict(self._without_traffic) and rollout.status != "reverted":
            self.outcome.lost_reverts.append(f"v{rollout.version} is {rollout.status}")

    def _in_gap(self, request: Request) -> bool:
        return any(
            request.finished_at >= began and request.sent_at <= ended for began, ended in self._gaps
        )

    def _open(self) -> RolloutRow | None:
        with transaction(self.engine) as connection:
            return open_rollout(connection, MODEL)

    def _rows_are_in_force(self) -> bool:
        """Return whether the gateway has what the newest row wants, or what it may have instead.

        A version whose server does not exist gets nothing: its rows are never confirmed.
        """
        with transaction(self.engine) as connection:
            row = newest_weights(connection, MODEL)
        applied = self.gateway.read(MODEL)
        if row is None or applied is None:
            return False
        if row.canary is not None and row.canary % 5 == 0:
            return applied.canary is None and not applied.unexpected
        return applied.matches(as_weights(row))

    def _wait(self, condition: Callable[[], bool], what_for: str) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        problem = ""
        while True:
            try:
                if condition():
                    return
            except DriftwardenError as error:
                problem = str(error)
            if time.monotonic() > deadline:
                log = (self._folder / "daemon.log").read_text()[-6000:]
                raise AssertionError(
                    f"not within {SETTLE_SECONDS:g} s: {what_for} {problem}\n{log}"
                )
            time.sleep(0.02)

    def _start_daemon(self) -> None:
        arguments = (
            self._folder, "daemon", self._server.url, self._envoy.admin, self._envoy.listener,
        )  # fmt: skip
        self._daemon = PROCESSES.Process(target=rollout_replica.run, args=arguments)
        self._daemon.start()

    def _kill_daemon(self) -> None:
        self._daemon.kill()
        self._daemon.join()
