"""A trial: the leader fails under a backlog, and what the database holds afterwards."""

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from monitor.alerts.sending.preparation import OVERTAKEN
from monitor.daemon.follow_up import follow_up
from monitor.store.alerts.outbox import IS_PENDING
from monitor.store.engine import transaction
from monitor.store.leadership import current_lease
from monitor.store.tables import (
    AuditEntry,
    DriftEvaluation,
    Incident,
    IncidentEvent,
    OutboxMessage,
)
from tests.failover import replica
from tests.failover.fake_evaluation import EVALUATED, assessment_of
from tests.failover.proxy import Proxy
from tests.failover.replica import LEASE, MODELS, settings_of
from tests.support.present import start_of_today, utc_now
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows.assessments import store_evaluation

DAY = timedelta(days=1)
FAULTS = ("kill", "freeze", "freeze with child", "cut, bytes late", "cut, closed", "stop")
NAMES = ("a", "b")

#: Forks replicas that have imported their modules.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.failover.replica"])


@dataclass(frozen=True)
class Outcome:
    """The outcome of a trial."""

    fault: str
    #: From the fault to the next leader.
    takeover_seconds: float
    #: From SIGTERM to the end of a replica: the longest.
    stop_seconds: float
    #: Windows that the leader stored after the fault.
    n_of_former_leader: int
    #: Windows evaluated after the fault.
    n_resumed: int
    #: Evaluations, changes of incidents and messages that happened twice, or in the wrong order.
    duplicates: tuple[str, ...]
    #: The same that did not happen.
    skipped: tuple[str, ...]


def run_trial(seed: int, engine: Engine, reference: Engine, folder: Path) -> Outcome:
    """Run a trial.

    Args:
        seed: Draws the fault and its time.
        engine: An empty PostgreSQL database with the schema.
        reference: Another empty database: what one process without a fault makes of the windows.
        folder: For logs and the history of the channel.
    """
    rng = random.Random(seed)
    fault = FAULTS[seed % len(FAULTS)]
    (folder / "sent").touch()
    today = start_of_today()
    for number, (model, n) in enumerate(MODELS.items()):
        store_traffic(engine, today - n * DAY, 3, seed=number, model=model, days=0.1)
    with ExitStack() as stack:
        replicas = {name: _Replica(engine, folder, name) for name in NAMES}
        for each in replicas.values():
            stack.callback(each.end)
        leader = _wait(lambda: _leader(engine, replicas), "a leader", folder)
        n_first = rng.randrange(1, 9)
        _wait(lambda: _n_evaluated(engine) >= n_first, "windows", folder)
        time.sleep(rng.random() * 0.2)
        n_before = _n_evaluated(engine)
        epoch = _epoch(engine)
        of_leader = _n_stored(engine, epoch)
        began = time.monotonic()
        leader.fail(fault)
        _wait(lambda: _epoch(engine) > epoch, "the next leader", folder)
        takeover = time.monotonic() - began
        time.sleep(rng.random() * LEASE.total_seconds() / 2)
        leader.recover(fault)
        _wait(lambda: _is_done(engine, folder), "the end of the backlog", folder)
        time.sleep(0.5)  # in which the former leader may do harm
        stop_seconds = max(each.stop() for each in replicas.values())
    duplicates, skipped = _compare(engine, reference, folder, today)
    return Outcome(
        fault=fault,
        takeover_seconds=takeover,
        stop_seconds=stop_seconds,
        n_of_former_leader=_n_stored(engine, epoch) - of_leader,
        n_resumed=sum(MODELS.values()) - n_before,
        duplicates=duplicates,
        skipped=skipped,
    )


class _Replica:
    """A process behind a proxy of its own."""

    def __init__(self, engine: Engine, folder: Path, name: str) -> None:
        port = engine.url.port
        assert port is not None
        self.proxy = Proxy(port)
        url = engine.url.set(host="127.0.0.1", port=self.proxy.port)
        arguments = (url.render_as_string(hide_password=False), folder, name)
        self.process = PROCESSES.Process(target=replica.run, args=arguments)
        self.process.start()
        self._stop_seconds = 0.0

    def holds(self, holder: str) -> bool:
        """Return whether a holder of the lease is this process."""
        return f":{self.process.pid}:" in holder

    def fail(self, fault: str) -> None:
        """Let a fault happen."""
        if fault == "kill":
            self.process.kill()
        elif fault == "stop":
            self.stop()
        elif fault.startswith("freeze"):
            self._signal(signal.SIGSTOP, with_child=fault != "freeze")
        else:
            self.proxy.cut()

    def recover(self, fault: str) -> None:
        """End the fault."""
        if fault.startswith("freeze"):
            self._signal(signal.SIGCONT, with_child=True)
        elif fault.startswith("cut"):
            self.proxy.heal(close=fault == "cut, closed")

    def stop(self) -> float:
        """Stop the process, unless it is dead, and return how long that took."""
        if self.process.is_alive():
            began = time.monotonic()
            self.process.terminate()
            self.process.join(30)
            assert self.process.exitcode == 0, self.process.exitcode
            self._stop_seconds = time.monotonic() - began
        return self._stop_seconds

    def end(self) -> None:
        """Leave nothing behind."""
        self.process.kill()
        self.proxy.close()

    def _signal(self, number: int, *, with_child: bool) -> None:
        pid = self.process.pid
        assert pid is not None
        children = Path(f"/proc/{pid}/task/{pid}/children")
        threads = Path(f"/proc/{pid}/task").glob("*/children")
        pids = [int(child) for file in threads for child in file.read_text().split()]
        assert children.exists()
        for each in (pid, *(pids if with_child else ())):
            os.kill(each, number)


def _wait(condition: Callable[[], Any], what_for: str, folder: Path, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            logs = "\n".join(file.read_text()[-6000:] for file in sorted(folder.glob("*.log")))
            raise AssertionError(f"not within {seconds} s: {what_for}\n{logs}")
        time.sleep(0.1)
    return value


def _leader(engine: Engine, replicas: dict[str, _Replica]) -> _Replica | None:
    with transaction(engine) as connection:
        lease = current_lease(connection)
    if lease is None:
        return None
    return next((each for each in replicas.values() if each.holds(lease.holder)), None)


def _epoch(engine: Engine) -> int:
    with transaction(engine) as connection:
        lease = current_lease(connection)
    return 0 if lease is None else lease.epoch


def _n_stored(engine: Engine, epoch: int) -> int:
    with transaction(engine) as connection:
        return connection.execute(
            select(func.count()).where(
                DriftEvaluation.epoch == epoch, DriftEvaluation.status == "done"
            )
        ).scalar_one()


def _n_evaluated(engine: Engine) -> int:
    with transaction(engine) as connection:
        return connection.execute(
            select(func.count()).where(AuditEntry.action == EVALUATED)
        ).scalar_one()


def _is_done(engine: Engine, folder: Path) -> bool:
    """Return whether all windows are followed up, and all messages sent."""
    with transaction(engine) as connection:
        n = connection.execute(
            select(func.count()).where(DriftEvaluation.followed_up_at.is_not(None))
        ).scalar_one()
        waiting = connection.execute(select(func.count()).where(IS_PENDING)).scalar_one()
    return n == sum(MODELS.values()) and not waiting


def _compare(
    engine: Engine, reference: Engine, folder: Path, today: datetime
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what happened too often, and what did not happen."""
    settings = settings_of(reference.url.render_as_string(hide_password=False))
    for number, (model, n) in enumerate(MODELS.items()):
        store_traffic(reference, today - n * DAY, 3, seed=number, model=model, days=0.1)
        with transaction(reference) as connection:
            for day in range(-n, 0):
                start = today + day * DAY
                store_evaluation(connection, assessment_of(model, start), start, days=1)
        follow_up(reference, settings.settings_of(model), utc_now())
    done = _history(engine)
    done.update(f"message {line}" for line in (folder / "sent").read_text().split())
    expected = _history(reference)
    expected.update(f"evaluated {window}" for window in _windows(today))
    with transaction(engine) as connection:
        # The others are told by a later message of their incident.
        sent = OutboxMessage.error.is_distinct_from(OVERTAKEN)
        ids = connection.execute(select(OutboxMessage.id).where(sent)).scalars().all()
    expected.update(f"message {id_}" for id_ in ids)
    return tuple((done - expected).elements()), tuple((expected - done).elements())


def _windows(today: datetime) -> list[str]:
    return [
        f"{model}:{today - back * DAY:%Y-%m-%d}"
        for model, n in MODELS.items()
        for back in range(1, n + 1)
    ]


def _history(engine: Engine) -> Counter[str]:
    """Count evaluations, and changes of incidents with their order."""
    with transaction(engine) as connection:
        windows = connection.execute(
            select(AuditEntry.subject).where(AuditEntry.action == EVALUATED)
        ).scalars()
        history = Counter(f"evaluated {window}" for window in windows)
        changes = connection.execute(
            select(
                Incident.model, IncidentEvent.event, IncidentEvent.to_status,
                DriftEvaluation.window_start,
            )
            .join(Incident, Incident.id == IncidentEvent.incident_id)
            .join(DriftEvaluation, DriftEvaluation.id == IncidentEvent.evaluation_id)
            .where(Incident.cause == "drift")
            .order_by(IncidentEvent.id)
        )  # fmt: skip
        n_of_model: Counter[str] = Counter()
        for model, event, status, start in changes:
            n_of_model[model] += 1
            change = f"{event}, {status} by {start:%m-%d}"
            history[f"change {n_of_model[model]} of {model}: {change}"] += 1
    return history
