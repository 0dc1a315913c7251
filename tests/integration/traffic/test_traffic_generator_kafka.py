"""The traffic generator of deploy/compose: readable records, and a clean stop."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from monitor.settings import Traffic
from monitor.store.traffic.position import Position
from monitor.traffic.decoder import Decoder
from monitor.traffic.record import RawRecord
from tests.support.traffic.ingest import wait_until

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.kafka


def read_everything(bootstrap_servers: str, topic: str) -> list[RawRecord]:
    """Return all records of a topic, as ingest reads them."""
    from datetime import UTC, datetime

    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest", enable_auto_commit=False
    )
    partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    records = []
    deadline = time.monotonic() + 30
    while any(consumer.position(p) < ends[p] for p in partitions):
        assert time.monotonic() < deadline, "the topic can't be read to its end"
        for result in consumer.poll(timeout_ms=500).values():
            records += [
                RawRecord(
                    Position(entry.topic, entry.partition, entry.offset),
                    entry.key,
                    entry.value,
                    datetime.fromtimestamp(entry.timestamp / 1000, UTC),
                )
                for entry in result
            ]
    consumer.close(autocommit=False)
    return records


def generator(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, ROOT / "deploy" / "compose" / "traffic" / "generate.py", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_live_traffic_comes_at_its_rate_until_sigterm(bootstrap_servers: str, topic: str) -> None:
    began = time.monotonic()
    process = generator(
        "live", "--bootstrap-servers", bootstrap_servers, "--topic", topic, "--per-second", "50"
    )
    wait_until(lambda: len(read_everything(bootstrap_servers, topic)) > 0, "the first record")
    time.sleep(2)
    process.send_signal(signal.SIGTERM)
    seconds = time.monotonic() - began
    _, output = process.communicate(timeout=30)
    assert process.returncode == 0, output
    records = read_everything(bootstrap_servers, topic)
    assert f"{len(records):,} exchanges sent to {topic}" in output
    assert 50 <= len(records) <= 50 * (seconds + 1)
    decoder = Decoder(Traffic(), default_model="another")
    exchanges = [exchange for record in records for exchange in decoder.decode(record).exchanges]
    assert len(exchanges) == len({exchange.exchange_id for exchange in exchanges}) == len(records)
    assert {exchange.model for exchange in exchanges} == {"assistant"}
    assert all(exchange.prompt and exchange.response for exchange in exchanges)
    assert all(
        record.key == e.exchange_id.encode() for record, e in zip(records, exchanges, strict=True)
    )


def test_a_file_is_sent_as_it_is(bootstrap_servers: str, topic: str, tmp_path: Path) -> None:
    lines = [{"id": f"own-{i}", "prompt": f"grüße {i}", "response": "ok"} for i in range(40)]
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    process = generator(
        "file", str(path), "--bootstrap-servers", bootstrap_servers, "--topic", topic
    )
    _, output = process.communicate(timeout=60)
    assert process.returncode == 0, output
    received = [
        json.loads(record.value or b"") for record in read_everything(bootstrap_servers, topic)
    ]
    assert sorted(lines, key=lambda line: line["id"]) == sorted(
        received, key=lambda line: line["id"]
    )
