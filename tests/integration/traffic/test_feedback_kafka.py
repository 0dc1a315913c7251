"""Feedback with a real Kafka and PostgreSQL: each value is stored once, whatever is killed."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaProducer
from sqlalchemy import Engine

from tests.support.traffic.feedback import stored_feedback
from tests.support.traffic.ingest import expected_ids, stored_ids, total_offset, wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]
ROOT = Path(__file__).parents[3]
N = 600


def test_a_killed_process_stores_each_value_once(
    bootstrap_servers: str,
    topic: str,
    producer: KafkaProducer,
    postgres_engine: Engine,
    postgres_database: str,
) -> None:
    for number in range(N):
        key = b"r%d" % number
        exchange = {"id": key.decode(), "prompt": f"question {number}", "response": "yes"}
        feedback = {"id": key.decode(), "feedback": {"thumbs_up": True, "rating": number}}
        for value in (exchange, feedback)[:: 1 if number % 2 else -1]:
            producer.send(topic, key=key, value=json.dumps(value).encode())
    producer.flush()

    def run_child(when: str) -> subprocess.Popen[bytes]:
        arguments = (bootstrap_servers, topic, postgres_database, when)
        module = "tests.support.traffic.ingest_child"
        return subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=ROOT)

    assert run_child("after_feedback").wait(60) == -signal.SIGKILL
    assert total_offset(postgres_engine) < 2 * N, "the child was killed too late"
    survivor = run_child("never")
    try:
        wait_until(lambda: total_offset(postgres_engine) >= 2 * N, "reading the rest")
    finally:
        survivor.terminate()
        assert survivor.wait(60) == 0

    sampled = expected_ids(N, 0.3)
    assert sampled == stored_ids(postgres_engine)
    stored = stored_feedback(postgres_engine)
    for name in ("thumbs_up", "rating"):
        assert sampled == sorted(row.exchange_id for row in stored if row.name == name)
    ratings = {row.exchange_id: row.value for row in stored if row.name == "rating"}
    assert {name: float(name[1:]) for name in sampled} == ratings
