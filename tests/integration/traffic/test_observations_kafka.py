"""Observations with a real Kafka and PostgreSQL: each is stored once, whatever is killed."""

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from kafka import KafkaProducer
from sqlalchemy import Engine

from tests.support.present import utc_now
from tests.support.traffic.ingest import expected_ids, stored_ids, total_offset, wait_until
from tests.support.traffic.observed_traffic import messages, observations, open_rollout

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]
ROOT = Path(__file__).parents[3]
N = 3000


def test_a_killed_process_observes_each_exchange_once(
    bootstrap_servers: str,
    topic: str,
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
) -> None:
    start = utc_now() - timedelta(hours=1)
    open_rollout(postgres_engine, start, model="bank")
    sent = messages(N, start, seconds=1, users=300)
    for number, (_key, _headers, value) in enumerate(sent):
        producer.send(topic, key=b"r%d" % number, value=value)
    producer.flush()

    def run_child(when: str) -> subprocess.Popen[bytes]:
        arguments = (bootstrap_servers, topic, postgres_database, when)
        module = "tests.support.traffic.ingest_child"
        return subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=ROOT)

    assert run_child("after_observations").wait(60) == -signal.SIGKILL
    behind = total_offset(postgres_engine)
    assert behind < N, "the child was killed too late to show anything"
    survivor = run_child("never")
    try:
        wait_until(lambda: total_offset(postgres_engine) >= N, "reading the rest")
    finally:
        survivor.terminate()
        assert survivor.wait(60) == 0

    readable = {n for n in range(N) if n % 101}
    canary = {f"r{n}" for n in readable if b'"v2"' in sent[n][2]}
    observed = observations(postgres_engine)
    ids = [row.exchange_id for row in observed if row.arm == "canary"]
    assert sorted(canary) == sorted(ids)
    assert len({row.exchange_id for row in observed}) == len(observed) > 2 * len(canary)
    sampled = {name for name in expected_ids(N, 0.3) if int(name[1:]) in readable}
    assert sorted(name for name in sampled if int(name[1:]) % 97) == stored_ids(postgres_engine)
