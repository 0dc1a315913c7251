"""Traffic of two versions while a rollout is open, and its ingest without a broker."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

import numpy as np
from sqlalchemy import Engine, insert, select

from monitor.settings import Sections, Settings
from monitor.store.engine import transaction
from monitor.store.leadership import take_lease
from monitor.store.tables import Rollout, RolloutObservation
from monitor.store.traffic.position import Position
from monitor.store.training.registry import insert_version
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.writer import store_batch
from monitor.traffic.kafka.batch import BatchBuilder
from monitor.traffic.kafka.wire.selection import Selection
from monitor.traffic.record import RawRecord
from monitor.traffic.sampling.design import SamplingDesign
from monitor.traffic.sampling.observation_plan import ObservationPlan, build_plan
from retrain.rollout.rows.observation_plans import observed_rollouts
from tests.support.encoders.fake_encoder import FakeEncoder

MODEL = "assistant"
TOPIC = "topic"

Headers = tuple[tuple[str, bytes | None], ...]
#: Key, headers and value.
Message = tuple[bytes, Headers, bytes]


def open_rollout(
    engine: Engine, started_at: datetime, *, weight_percent: int = 5, model: str = MODEL
) -> int:
    """Insert a leader, versions 1 and 2, and the open rollout of the second; return its id."""
    with transaction(engine) as connection:
        take_lease(connection, "leader", timedelta(minutes=1))
        stable, canary = (
            insert_version(
                connection,
                model=model,
                stage=stage,
                parent_id=None,
                training_run_id=None,
                adapter_path=f"adapters/{stage}",
                adapter_digest=stage,
                lineage={},
                created_at=started_at - timedelta(days=30),
            )
            for stage in ("production", "canary")
        )
        return int(
            connection.execute(
                insert(Rollout)
                .values(
                    model=model,
                    version_id=canary,
                    stable_version_id=stable,
                    status="running",
                    weight_percent=weight_percent,
                    stage_started_at=started_at,
                    reason="start",
                    settings={},
                    started_at=started_at,
                )
                .returning(Rollout.id)
            ).scalar_one()
        )


def read_plan(engine: Engine, settings: Sections) -> ObservationPlan | None:
    """Return the plan of observation that ingest reads."""
    with transaction(engine) as connection:
        return build_plan(settings, observed_rollouts(connection))


def messages(
    n: int,
    start: datetime,
    *,
    seconds: float = 60.0,
    users: int = 0,
    canary_share: float = 0.05,
    headers: Sequence[str] = (),
    seed: int = 1,
) -> list[Message]:
    """Return messages of both versions, a few of them unreadable or withheld.

    Args:
        n: Their number.
        start: Time of the first.
        seconds: Time between two.
        users: Number of end users; 0: unknown.
        canary_share: Share of the canary.
        headers: ``version`` and ``user`` stand in headers too.
        seed: Of the texts and versions.
    """
    rng = np.random.default_rng(seed)
    made = []
    for number in range(n):
        user = f"u{rng.integers(users)}" if users else ""
        version = 2 if rng.random() < canary_share else 1
        value = {
            "id": f"r{number}",
            "timestamp": (start + timedelta(seconds=number * seconds)).isoformat(),
            "prompt": f"question {rng.integers(1000)} of ann@example.org",
            "response": "redacted-by-litellm" if number % 97 == 0 else f"yes {number}. " * 5,
            "task_type": ("common", "rare")[number % 50 == 0],
            "user": user or None,
            "metadata": {"model_version": f"v{version}", "latency_seconds": rng.random()},
        }
        line = b"{" if number % 101 == 0 else json.dumps(value).encode()
        known = {"version": f"v{version}".encode(), "user": user.encode()}
        made.append((b"k%d" % number, tuple((name, known[name]) for name in headers), line))
    return made


def ingest(
    engine: Engine,
    settings: Settings,
    sent: Iterable[Message],
    now: datetime,
    plan: ObservationPlan | None = None,
) -> BatchPreparer:
    """Select, batch, prepare and store messages as the consumer does; return the preparer."""
    design = SamplingDesign(settings)
    preparer = BatchPreparer.build(settings, FakeEncoder(), design, lambda: plan)
    selection = Selection(
        topic=TOPIC,
        sampler=design.sampler,
        id_header=settings.traffic.id_header,
        max_record_bytes=10_000_000,
        clock=lambda: now,
        plans=lambda: plan,
    ).at_present()
    builder = BatchBuilder(settings.traffic.batch_size)
    store = partial(_store, engine, preparer, builder, now)
    for offset, (key, headers, value) in enumerate(sent):
        if not selection.wants(key, headers, 0, offset):
            continue
        record = selection.keep(
            0,
            offset,
            key=key,
            value=memoryview(value),
            headers=headers,
            timestamp_ms=int(now.timestamp() * 1000),
        )
        if isinstance(record, RawRecord) and builder.add(record):
            store()
    store()
    return preparer


def _store(engine: Engine, preparer: BatchPreparer, builder: BatchBuilder, now: datetime) -> None:
    prepared = preparer.prepare(builder.records, received_at=now)
    store_batch(engine, prepared, [], now=now)
    builder.records, builder.n_bytes, builder.n_sampled = [], 0, 0


def observations(engine: Engine) -> list[RolloutObservation]:
    """Return the observations, by position."""
    columns = RolloutObservation.__table__.c
    with transaction(engine) as connection:
        return list(connection.execute(select(columns).order_by(columns.offset)).all())


def position(offset: int) -> Position:
    """Return a position of the topic."""
    return Position(TOPIC, 0, offset)
