"""Requests and responses in separate records."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, func, select

from monitor.settings import Settings, Traffic
from monitor.store.engine import transaction
from monitor.store.tables import DeadLetter, Exchange, PendingHalf
from monitor.store.traffic.exchange_columns import SPACE
from monitor.store.traffic.position import Position
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.writer import StoreResult, store_batch
from monitor.traffic.record import RawRecord
from monitor.traffic.sampling.sampler import Draw
from tests.support.encoders.fake_encoder import FakeEncoder

TIMEOUT_SECONDS = 600.0
JOINED = Traffic(join={"enabled": True, "timeout": f"{TIMEOUT_SECONDS:g}s"})


def request_line(name: str) -> bytes:
    """Return the request of an exchange in the plain format."""
    return json.dumps({"id": name, "prompt": f"prompt {name}", "user": f"user {name}"}).encode()


def response_line(name: str) -> bytes:
    """Return the response of an exchange in the plain format."""
    return json.dumps({"id": name, "response": f"response {name}", "model": "bank"}).encode()


def make_preparer(settings: Traffic = JOINED) -> BatchPreparer:
    """Return a preparer without a model that keeps every record."""
    every = Settings(traffic=settings, monitoring={"sample_rate": 1.0, "unlisted_models": "watch"})
    return BatchPreparer.build(every, FakeEncoder())


def draws(n: int, probability: float) -> list[Draw]:
    """Return sampling draws with this probability."""
    return [Draw(SPACE - 1, probability=probability)] * n


def store(
    engine: Engine,
    lines: Sequence[tuple[int, int, bytes]],
    now: datetime,
    *,
    settings: Traffic = JOINED,
    probability: float = 0.25,
) -> StoreResult:
    """Store a batch of records, given by partition, offset and value."""
    records = [
        RawRecord(Position("topic", partition, offset), b"key", value, now, read_at=now)
        for partition, offset, value in lines
    ]
    prepared = make_preparer(settings).prepare(
        records, received_at=now, draws=draws(len(records), probability)
    )
    return store_batch(engine, prepared, [], now=now)


def exchanges(engine: Engine) -> list[tuple[str, str, str]]:
    """Return id, prompt and response of every stored exchange, duplicates included."""
    with transaction(engine) as connection:
        rows = connection.execute(
            select(Exchange.exchange_id, Exchange.prompt, Exchange.response)
        ).all()
    return sorted((row[0], row[1], row[2]) for row in rows)


def expected(names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return these exchanges as joined from both halves."""
    return sorted((name, f"prompt {name}", f"response {name}") for name in names)


def n_waiting(engine: Engine) -> int:
    """Return the number of waiting halves."""
    with transaction(engine) as connection:
        return connection.execute(select(func.count()).select_from(PendingHalf)).scalar_one()


def dead_letters(engine: Engine) -> dict[str, int]:
    """Count the dead letters without a replay, by reason."""
    with transaction(engine) as connection:
        rows = connection.execute(
            select(DeadLetter.reason, func.count())
            .where(DeadLetter.replayed_at.is_(None))
            .group_by(DeadLetter.reason)
        ).all()
    return {row[0]: row[1] for row in rows}
