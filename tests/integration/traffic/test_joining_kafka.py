"""Halves in different partitions, read by different replicas, with kills in between."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaProducer
from sqlalchemy import Engine

from monitor.store.engine import make_engine
from monitor.traffic.ingest import sweeper
from monitor.traffic.sampling.sampler import Sampler
from tests.support.traffic.halves import (
    dead_letters,
    exchanges,
    expected,
    n_waiting,
    request_line,
    response_line,
)
from tests.support.traffic.ingest import ingest_settings, running_ingest, total_offset, wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]
ROOT = Path(__file__).parents[3]


def produce_halves(producer: KafkaProducer, topic: str, names: list[str], seed: int) -> None:
    """Produce requests to partition 0 and responses to partition 1, in another order."""
    rng = random.Random(seed)
    for partition, line in ((0, request_line), (1, response_line)):
        for name in rng.sample(names, len(names)):
            producer.send(topic, key=name.encode(), value=line(name), partition=partition)
    producer.flush()


def sampled(names: list[str], rate: float) -> list[str]:
    sampler = Sampler(rate)
    return [name for name in names if sampler.keeps(name.encode())]


def test_two_replicas_join_halves_of_other_partitions(
    bootstrap_servers: str,
    topic: str,
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweeper, "INTERVAL_SECONDS", 0.2)
    settings = ingest_settings(
        bootstrap_servers,
        topic,
        postgres_database,
        model={"name": "bank"},
        monitoring={"sample_rate": 0.5},
        traffic={"join": {"enabled": True, "timeout": "5m"}},
    )
    names = [f"n{number}" for number in range(1500)]
    second = make_engine(postgres_database)
    with running_ingest(postgres_engine, settings), running_ingest(second, settings):
        produce_halves(producer, topic, names, seed=1)
        # A producer that sends again what was acknowledged late.
        for name in sampled(names, 0.5)[:20]:
            producer.send(topic, key=name.encode(), value=request_line(name), partition=2)
        producer.flush()
        wait_until(lambda: total_offset(postgres_engine) >= 3020, "reading everything")
        wait_until(
            lambda: len(exchanges(postgres_engine)) >= len(sampled(names, 0.5)), "joining the pairs"
        )
    second.dispose()

    assert expected(sampled(names, 0.5)) == exchanges(postgres_engine)
    # A second copy came while the first waited, or waits for a second response, which never comes.
    doubled = dead_letters(postgres_engine).get("duplicate_half", 0)
    assert {"duplicate_half"} >= dead_letters(postgres_engine).keys()
    assert doubled + n_waiting(postgres_engine) == 20


@pytest.mark.parametrize("moment", ["after_claim", "before_join_commit"])
def test_a_process_killed_while_it_joins_loses_and_doubles_nothing(
    moment: str,
    bootstrap_servers: str,
    topic: str,
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
) -> None:
    names = [f"n{number}" for number in range(1000)]
    produce_halves(producer, topic, names, seed=2)

    def run_child(when: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.support.traffic.ingest_child"),
                *(bootstrap_servers, topic, postgres_database, when),
            ],
            cwd=ROOT,
        )

    killed = run_child(moment)
    assert killed.wait(60) == -signal.SIGKILL
    assert n_waiting(postgres_engine) > 0, "the child was killed too late to show anything"

    survivor = run_child("never_joining")
    try:
        wait_until(
            lambda: (
                total_offset(postgres_engine) >= 2000
                and len(exchanges(postgres_engine)) >= len(sampled(names, 0.3))
            ),
            "joining the rest",
        )
    finally:
        survivor.terminate()
        assert survivor.wait(60) == 0

    assert expected(sampled(names, 0.3)) == exchanges(postgres_engine)
    assert n_waiting(postgres_engine) == 0
    assert dead_letters(postgres_engine) == {}
