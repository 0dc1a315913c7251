"""Disk of dead letters and observations, and the time of retention, on PostgreSQL."""

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert, text

from bench.sizing.cpu import tree_cpu_seconds
from bench.sizing.texts import corpus
from bench.sizing.vector_encoder import VectorEncoder
from monitor.privacy.retention.application import apply_retention
from monitor.settings import Configuration, Retention
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import RolloutObservation
from monitor.store.traffic.position import Position
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.writer import store_batch
from monitor.traffic.record import RawRecord

BATCH = 500
#: Numbers of an observation: descriptors and metrics.
N_MEASURES = 12
NOW = datetime.now(UTC)


def dead_letter_bytes(url: str, n: int, record_bytes: int) -> float:
    """Return the disk of a dead letter of a record of a size, indexes included."""
    engine = make_engine(url)
    before = _total(engine, "dead_letters")
    preparer = BatchPreparer.build(Configuration(), VectorEncoder())
    prose = corpus()
    for first in range(0, n, BATCH):
        records = [
            RawRecord(
                Position(f"unreadable-{record_bytes}", 0, number),
                b"request-%d" % number,
                b'{"prompt": "' + _text(prose, number, record_bytes - 12).encode(),
                NOW,
            )
            for number in range(first, first + BATCH)
        ]
        store_batch(engine, preparer.prepare(records, received_at=NOW), [], now=NOW)
    growth = _total(engine, "dead_letters") - before
    engine.dispose()
    return growth / n


def observation_bytes(url: str, n: int, prompt_bytes: int, response_bytes: int) -> float:
    """Return the disk of an observation with texts of a size, indexes included."""
    engine = make_engine(url)
    before = _total(engine, "rollout_observations")
    prose = corpus()
    with transaction(engine) as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # no rollout
        for first in range(0, n, BATCH):
            connection.execute(
                insert(RolloutObservation),
                [
                    {
                        "rollout_id": 1,
                        "source": f"observed-{prompt_bytes}",
                        "partition": 0,
                        "offset": number,
                        "exchange_id": f"request-{number}",
                        "occurred_at": NOW + timedelta(seconds=number),
                        "received_at": NOW + timedelta(seconds=number),
                        "model": "assistant",
                        "arm": "canary",
                        "task_type": "qa",
                        "end_user": f"user-{number % 997}",
                        "inclusion_probability": 0.21,
                        "prompt": _text(prose, number, prompt_bytes),
                        "response": _text(prose, 3 * number, response_bytes),
                        "measures": {f"measure_{k}": number / (k + 7) for k in range(N_MEASURES)},
                    }
                    for number in range(first, first + BATCH)
                ],
            )
    growth = _total(engine, "rollout_observations") - before
    engine.dispose()
    return growth / n


def retention_cpu_seconds(url: str, server_pid: int) -> float:
    """Return the CPU time, of leader and server, for an exchange that retention removes."""
    engine = make_engine(url)
    with transaction(engine) as connection:
        n = connection.execute(text("SELECT count(*) FROM exchanges")).scalar_one()
    begin = time.process_time() + tree_cpu_seconds(server_pid)
    later = NOW + timedelta(days=30)
    apply_retention(engine, Retention(exchanges=timedelta(days=14)), later)
    seconds = time.process_time() + tree_cpu_seconds(server_pid) - begin
    with transaction(engine) as connection:
        left = connection.execute(text("SELECT count(*) FROM exchanges")).scalar_one()
    engine.dispose()
    if left or not n:
        raise RuntimeError(f"{left} of {n} exchanges are left")
    return seconds / float(n)


def _text(prose: str, number: int, size: int) -> str:
    start = number * 7919 % (len(prose) - size)
    return prose[start : start + size]


def _total(engine: Engine, table: str) -> float:
    with transaction(engine) as connection:
        statement = text("SELECT pg_total_relation_size(:name)")
        return float(connection.execute(statement, {"name": table}).scalar_one())
