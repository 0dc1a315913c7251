"""One endurance run: find the rate, hold it under kills, drain, compare, measure bloat."""

import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from bench.services.kafka import KafkaServer
from bench.services.postgres import PostgresServer
from monitor.store.engine import make_engine
from tests.soak.broker import Broker
from tests.soak.conduct import drain, migrate
from tests.soak.database import Database
from tests.soak.endurance.bloat import TableBloat, measure_bloat
from tests.soak.endurance.producer import SteadyLoad
from tests.soak.endurance.ramp import BOUND_SECONDS, Step, climb, highest_rate
from tests.soak.endurance.records import make_steady_record
from tests.soak.endurance.trend import Trend, fit_trend
from tests.soak.endurance.watch import Recovery, Sample, Watch, recoveries
from tests.soak.ledger import Ledger
from tests.soak.marks import READING
from tests.soak.reckoning import Reckoning, reckon
from tests.soak.replica import N_SLOTS, Replica, environment_of
from tests.soak.replicas import Replicas

TOPIC = "endurance"
N_PARTITIONS = 6
#: The slot that lives through the run; the others are killed in turn.
SURVIVOR = 0
LEADER = N_SLOTS
START_SECONDS = 180.0
#: The broker deletes what was long stored: an hour of traffic would fill a disk.
RETENTION_MS = 15 * 60_000
SETTLE_SECONDS = 10.0


@dataclass(frozen=True)
class Options:
    """The options of a run."""

    seed: int = 1
    #: Time under kills.
    seconds: float = 3600.0
    #: Records a second; ``None``: a share of the highest rate, by a ramp.
    rate: float | None = None
    share: float = 0.8
    kill_every_seconds: float = 60.0
    step_seconds: float = 20.0
    sample_rate: str = "0.05"
    session_timeout: str = "10s"


@dataclass
class Result:
    """The observations of a run."""

    options: Options
    rate: float = 0.0
    steps: list[Step] = field(default_factory=list)
    seconds: float = 0.0
    n_kills: int = 0
    lags: list[Sample] = field(default_factory=list)
    #: Bytes by name and process.
    memory: dict[tuple[str, int], list[Sample]] = field(default_factory=dict)
    recoveries: list[Recovery] = field(default_factory=list)
    #: Memory in bytes: of the survivor and of the leader.
    trends: dict[str, Trend | None] = field(default_factory=dict)
    reckoning: Reckoning = field(default_factory=Reckoning)
    bloat: list[TableBloat] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing is lost or doubled, memory is flat, the lag recovers, no table bloats."""
        return (
            self.reckoning.holds
            and self.reckoning.n_stored > 0
            and not self.troubles
            and all(trend is None or trend.is_flat for trend in self.trends.values())
            and all(recovery.seconds is not None for recovery in self.recoveries)
            and not any(table.is_bloated for table in self.bloat)
        )


def run_endurance(options: Options, folder: Path, *, say: Callable[[str], None]) -> Result:
    """Carry out a run. Whatever happens, nothing that was started here goes on running.

    Args:
        options: What is run.
        folder: An empty folder for logs and the broker's data.
        say: Told what happens.
    """
    result = Result(options)
    with ExitStack() as stack:
        kafka = KafkaServer(folder)
        stack.callback(kafka.kill)
        postgres = PostgresServer()
        stack.callback(postgres.remove)
        broker = Broker(kafka, TOPIC, N_PARTITIONS)
        kafka.start()
        _create_topic(kafka.bootstrap_servers)
        postgres.start()
        database = Database(postgres, TOPIC)
        stack.callback(database.close)
        settings = _settings(options, kafka.bootstrap_servers)
        environments = [environment_of(i, settings, postgres.url) for i in range(N_SLOTS + 1)]
        migrate(environments[0])
        leader = Replica(LEADER, folder, environments[LEADER], parts="schedule")
        stack.callback(lambda: leader.alive and leader.end(signal.SIGKILL))
        leader.start()
        rng = random.Random(f"{options.seed}/restarts")
        replicas = Replicas(folder, environments[:N_SLOTS], rng=rng)
        stack.callback(replicas.kill_all)
        ledger = Ledger()
        load = SteadyLoad(
            kafka.bootstrap_servers, TOPIC, ledger, seed=options.seed, n_partitions=N_PARTITIONS
        )
        stack.callback(load.stop)
        watch = Watch(database, lambda: load.n_sent, lambda: _pids(replicas, leader))
        stack.callback(watch.stop)
        load.rate = options.rate or 100.0
        load.start()
        replicas.start(N_SLOTS)
        _wait_for_replicas(replicas)
        watch.start()
        result.rate = options.rate or _find_rate(options, load, watch, result, say)
        kills = _hold(options, result.rate, load, watch, replicas, say)
        result.seconds, result.n_kills = options.seconds, len(kills)
        load.stop()
        say(f"load ended: {len(ledger)} records; draining")
        ends = broker.ends()
        if sum(ends.values()) != len(ledger):
            result.troubles.append(f"{sum(ends.values())} of {len(ledger)} records in the topic")
        drain(database, ends)
        watch.stop()
        if not leader.alive:
            result.troubles.append("the leader ended by itself")
        elif leader.end(signal.SIGTERM) not in (0, -signal.SIGTERM):
            result.troubles.append("the leader did not end in order")
        replicas.close()
        result.troubles += replicas.troubles
        result.lags, result.memory = watch.lags, watch.memory
        result.recoveries = recoveries(watch.lags, kills, BOUND_SECONDS * result.rate)
        result.trends = _trends(watch, since=kills[0][0] if kills else 0.0)
        result.reckoning = reckon(
            ledger,
            database,
            seed=options.seed,
            topic=TOPIC,
            rate=options.sample_rate,
            ends=ends,
            record_of=make_steady_record,
        )
        engine = make_engine(postgres.url)
        with engine.begin() as connection:
            result.bloat = measure_bloat(connection)
        engine.dispose()
    return result


def _find_rate(
    options: Options,
    load: SteadyLoad,
    watch: Watch,
    result: Result,
    say: Callable[[str], None],
) -> float:
    def run_step(rate: float) -> tuple[float, Sequence[Sample]]:
        load.rate = rate
        begun, sent = watch.now(), load.n_sent
        time.sleep(options.step_seconds)
        produced = (load.n_sent - sent) / (watch.now() - begun)
        return produced, [lag for lag in watch.lags if lag.at >= begun]

    for step in climb(run_step):
        result.steps.append(step)
        say(
            f"{step.rate:8.0f} records/s: {step.produced_rate:.0f} produced, lag "
            f"{step.lag_seconds:.1f} s of traffic, {'carried' if step.is_carried else 'too much'}"
        )
    highest = highest_rate(result.steps)
    if not highest:
        raise RuntimeError("not even the first rate is carried: the machine does something else")
    load.rate = 0.0
    deadline = time.monotonic() + START_SECONDS
    while watch.lag() > highest and time.monotonic() < deadline:
        time.sleep(1.0)
    return options.share * highest


def _hold(
    options: Options,
    rate: float,
    load: SteadyLoad,
    watch: Watch,
    replicas: Replicas,
    say: Callable[[str], None],
) -> list[tuple[float, int]]:
    """Produce at a rate, and kill the replicas but the survivor in turn; return the kills."""
    load.rate = rate
    say(f"{rate:.0f} records/s for {options.seconds:.0f} s")
    time.sleep(SETTLE_SECONDS)
    victims = [slot for slot in range(N_SLOTS) if slot != SURVIVOR]
    begun, kills = time.monotonic(), []
    while (left := options.seconds - (time.monotonic() - begun)) > 0:
        slot = victims[len(kills) % len(victims)]
        at = watch.now()
        if replicas.kill_slot(slot):
            kills.append((at, slot))
            say(f"{at:7.1f} s  SIGKILL of replica {slot}, lag {watch.lag() / rate:.1f} s")
            time.sleep(min(left, options.kill_every_seconds))
        else:
            time.sleep(0.5)  # it starts just now
    return kills


def _trends(watch: Watch, since: float) -> dict[str, Trend | None]:
    """Return the trend of the memory of the processes that lived through the run."""
    results = {}
    for (name, _pid), samples in watch.memory.items():
        if name not in {f"replica {SURVIVOR}", "leader"}:
            continue
        during = [sample for sample in samples if sample.at >= since]
        results[name] = fit_trend(
            [sample.at / 3600 for sample in during], [sample.value for sample in during]
        )
    return results


def _pids(replicas: Replicas, leader: Replica) -> dict[str, int]:
    processes = {f"replica {slot.number}": slot.process for slot in replicas.slots}
    processes["leader"] = leader.process
    return {name: process.pid for name, process in processes.items() if process is not None}


def _wait_for_replicas(replicas: Replicas) -> None:
    deadline = time.monotonic() + START_SECONDS
    while any(slot.marks.phase < READING for slot in replicas.slots):
        if time.monotonic() > deadline:
            raise RuntimeError("a replica has not begun to read")
        time.sleep(0.2)


def _create_topic(bootstrap_servers: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    configs = {"retention.ms": str(RETENTION_MS), "segment.bytes": str(64 * 2**20)}
    admin.create_topics(
        [NewTopic(TOPIC, num_partitions=N_PARTITIONS, replication_factor=1, topic_configs=configs)]
    )
    admin.close()


def _settings(options: Options, bootstrap_servers: str) -> dict[str, str]:
    return {
        "SOAK_PACE": "full",
        "DRIFTWARDEN_MONITORING__SAMPLE_RATE": options.sample_rate,
        "DRIFTWARDEN_KAFKA__BOOTSTRAP_SERVERS": bootstrap_servers,
        "DRIFTWARDEN_KAFKA__TOPIC": TOPIC,
        "DRIFTWARDEN_KAFKA__SESSION_TIMEOUT": options.session_timeout,
    }
