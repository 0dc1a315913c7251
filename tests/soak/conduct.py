"""One soak run: start services and load, apply the plan, drain, compare, stop."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.services.kafka import KafkaServer
from bench.services.postgres import PostgresServer
from tests.soak.broker import Broker
from tests.soak.database import Database
from tests.soak.evidence import Evidence, read_evidence
from tests.soak.faults import Faults
from tests.soak.ledger import Ledger
from tests.soak.marks import EMBEDDING, PHASES
from tests.soak.plan import FAULTS, Fault, Plan
from tests.soak.producer import Load
from tests.soak.reckoning import Reckoning, reckon
from tests.soak.replica import N_SLOTS, ROOT, environment_of
from tests.soak.replicas import Replicas
from tests.soak.settings import SAMPLE_RATE, daemon_settings

TOPIC = "soak"
N_PARTITIONS = 6
DRAIN_SECONDS = 180.0


@dataclass(frozen=True)
class Result:
    """The observations of a run."""

    plan: Plan
    reckoning: Reckoning
    evidence: Evidence
    #: What went wrong besides: daemons that ended by themselves, faults that couldn't be done.
    troubles: list[str]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether the soak passed."""
        return self.reckoning.holds and not self.troubles


def run_soak(
    plan: Plan,
    folder: Path,
    *,
    records_per_second: float,
    say: Callable[[str], None],
    warm: bool = False,
) -> Result:
    """Carry out a plan. Whatever happens, nothing that was started here goes on running.

    Args:
        plan: What strikes when.
        folder: An empty folder for logs and the broker's data.
        records_per_second: The mean rate of the load.
        say: Told what happens.
        warm: Whether daemons are forked from the test run's warm interpreter.
    """
    begun = time.monotonic()
    with ExitStack() as stack:
        kafka = KafkaServer(folder)
        stack.callback(kafka.kill)
        postgres = PostgresServer()
        stack.callback(postgres.remove)
        broker = Broker(kafka, TOPIC, N_PARTITIONS)
        broker.start()
        postgres.start()
        database = Database(postgres, TOPIC)
        stack.callback(database.close)
        settings = daemon_settings(kafka.bootstrap_servers, TOPIC)
        environments = [environment_of(i, settings, postgres.url) for i in range(N_SLOTS)]
        migrate(environments[0])
        rng = random.Random(f"{plan.seed}/restarts")
        replicas = Replicas(folder, environments, rng=rng, warm=warm)
        stack.callback(replicas.kill_all)
        ledger = Ledger()
        load = Load(
            kafka.bootstrap_servers,
            TOPIC,
            ledger,
            seed=plan.seed,
            records_per_second=records_per_second,
            steady=broker.steady,
        )
        stack.callback(load.stop)
        load.start()
        replicas.start(2)
        # The first fault finds a daemon at work: one that starts without its broker retries late.
        replicas.wait_for(range(EMBEDDING, len(PHASES)))
        stop = threading.Event()
        faults = Faults(broker, database, replicas, ledger, stop)
        troubles = _carry_out(plan, faults, stop, say)
        load.stop()
        load.end_with_marks(N_PARTITIONS)
        say(f"load ended: {len(ledger)} records; draining")
        replicas.scale(2, kill=False)
        ends = broker.ends()
        drain(database, ends)
        replicas.close()
        reckoning = reckon(
            ledger, database, seed=plan.seed, topic=TOPIC, rate=str(SAMPLE_RATE), ends=ends
        )
        evidence = read_evidence(replicas, faults.done)
    return Result(
        plan, reckoning, evidence, [*troubles, *replicas.troubles], time.monotonic() - begun
    )


def migrate(environment: dict[str, str]) -> None:
    """Create the schema."""
    command = [sys.executable, "-c", "from monitor.cli import main; main()", "db", "upgrade"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)


def _carry_out(
    plan: Plan, faults: Faults, stop: threading.Event, say: Callable[[str], None]
) -> list[str]:
    """Apply faults and kills, each kind in its own thread; return the ones that failed."""
    begun = time.monotonic()
    troubles: list[str] = []

    def follow(strikes: Sequence[Any], act: Callable[[Any], None], name: str) -> None:
        for index, strike in enumerate(strikes):
            # A busy machine is late: it still does every kill, and every fault once.
            late = time.monotonic() - begun > plan.seconds
            if late and isinstance(strike, Fault) and index >= len(FAULTS):
                return
            if stop.wait(max(0.0, strike.at_seconds - (time.monotonic() - begun))):
                return
            at = time.monotonic() - begun
            try:
                act(strike)
            except InterruptedError:
                return
            except Exception as error:  # noqa: BLE001 - the run goes on, and fails at its end
                troubles.append(f"{name} at {at:.0f} s: {type(error).__name__}: {error}")
            lasted = time.monotonic() - begun - at
            say(f"{at:6.1f} s  {getattr(strike, 'kind', 'SIGKILL')} ({lasted:.1f} s)")

    tracks = [
        threading.Thread(target=follow, args=(plan.faults, faults.strike, "fault")),
        threading.Thread(target=follow, args=(plan.kills, faults.kill, "kill")),
    ]
    try:
        for track in tracks:
            track.start()
        for track in tracks:
            track.join()
    finally:
        stop.set()
        for track in tracks:
            track.join()
    return troubles


def drain(database: Database, ends: dict[int, int]) -> None:
    """Wait until everything is stored; the comparison shows what is missing."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while database.next_offsets() != ends and time.monotonic() < deadline:
        time.sleep(0.25)
