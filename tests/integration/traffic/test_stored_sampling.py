"""Sampling from Kafka's headers, or a file, to an evaluation."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from kafka import KafkaProducer
from sqlalchemy import Engine, select
from xxhash import xxh3_64_intdigest

from monitor.settings import Settings, Traffic
from monitor.settings.models.names import ModelNames
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import Exchange, metadata
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import load_window
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.sample_scores import sample_scores
from monitor.telemetry import TRACE_CONTEXT_PROBLEMS
from monitor.traffic.baseline_import import import_baseline
from monitor.traffic.dead_letter_replay import replay_dead_letters
from monitor.traffic.file_replay import replay_file
from monitor.windows import evaluation
from monitor.windows.evaluation import evaluate_window
from monitor.windows.reading.final_sample import final_sample
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.traffic.end_users import make_rules
from tests.support.traffic.ingest import (
    ingest_settings,
    running_ingest,
    stored_ids,
    total_offset,
    wait_until,
)

WEEK = timedelta(days=7)
SPACE = 1 << 56
#: OpenTelemetry's threshold of 50%.
HALF = 0x80000000000000

Headers = list[tuple[str, bytes]]


def hashed(key: bytes) -> int:
    return xxh3_64_intdigest(key) % SPACE


def traced(rng: np.random.Generator, n: int) -> Iterator[tuple[bytes, Headers, int, float, float]]:
    """Yield key, headers, and the expected randomness, threshold and earlier probability."""
    for number in range(n):
        key = b"k%d" % number
        last = int(rng.integers(SPACE))
        explicit = int(rng.integers(SPACE))
        trace_id = (5 << 56 | last).to_bytes(16, "big").hex()

        def parent(flags: str, trace_id: str = trace_id) -> tuple[str, bytes]:
            return ("traceparent", f"00-{trace_id}-00f067aa0ba902b7-{flags}".encode())

        match number % 6:
            case 0:
                yield key, [], hashed(key), 0, 1.0
            case 1:  # a random trace id
                yield key, [parent("03")], last, 0, 1.0
            case 2:  # an explicit randomness, sampled upstream at 50%: half of them never come
                if explicit >= HALF:
                    state = f"other=1,ot=th:8;rv:{explicit:014x}".encode()
                    yield key, [parent("01"), ("tracestate", state)], explicit, HALF, 1.0
            case 3:  # sampled upstream at 50% by who knows what
                yield key, [parent("01"), ("tracestate", b"ot=th:8")], hashed(key), 0, 0.5
            case 4:  # malformed
                yield key, [parent("03"), ("tracestate", b"ot=th:oops")], last, 0, 1.0
            case 5:  # inconsistent
                state = f"ot=th:{min(last + 1, SPACE - 1):014x}".encode()
                yield key, [parent("03"), ("tracestate", state)], last, 0, 1.0


@pytest.mark.kafka
def test_trace_headers_of_kafka_decide(
    bootstrap_servers: str,
    create_topic: Callable[..., str],
    producer: KafkaProducer,
    tmp_path: Path,
) -> None:
    topic = create_topic(partitions=2)
    url = f"sqlite:///{tmp_path / 'headers.db'}"
    engine = make_engine(url)
    metadata.create_all(engine)
    settings = ingest_settings(
        bootstrap_servers,
        topic,
        url,
        monitoring={"sample_rate": 0.25},
        traffic={"rates": [{"task_type": "rare", "rate": 0.75}]},
    )
    problems = {
        name: TRACE_CONTEXT_PROBLEMS.labels(name)._value.get()
        for name in ("tracestate", "inconsistent")
    }
    expected: dict[str, tuple[int, float]] = {}
    produced: Counter[int] = Counter()
    rng = np.random.default_rng(4)
    for number, (key, headers, randomness, least, earlier) in enumerate(traced(rng, 1200)):
        rare = number % 2 == 0
        value = {
            "id": key.decode(),
            "prompt": "hello",
            "response": "yes",
            "task_type": "rare" if rare else "common",
        }
        producer.send(topic, key=key, value=json.dumps(value).encode(), headers=headers)
        produced[int(key[1:]) % 6] += 1
        rate = min(1.0, (0.75 if rare else 0.25) / earlier)
        threshold = max(int((1 - rate) * SPACE), least)
        if randomness >= threshold:
            expected[key.decode()] = (randomness, earlier * (SPACE - threshold) / SPACE)
    producer.flush()

    with running_ingest(engine, settings):
        total = sum(produced.values())
        wait_until(lambda: total_offset(engine) >= total, "reading all")

    with transaction(engine) as connection:
        rows = connection.execute(
            select(Exchange.exchange_id, Exchange.randomness, Exchange.inclusion_probability)
        ).all()
    stored = {row[0]: (row[1], pytest.approx(row[2], rel=1e-15)) for row in rows}
    assert expected == stored
    for case, name in ((4, "tracestate"), (5, "inconsistent")):
        assert produced[case] == TRACE_CONTEXT_PROBLEMS.labels(name)._value.get() - problems[name]
    engine.dispose()


def write(path: Path, start: datetime, numbers: list[int]) -> Path:
    """Write exchanges over a week; every hundredth has a rare task type."""
    lines = [
        {
            "id": f"r{n}",
            "prompt": f"prompt {n % 50}",
            "response": "yes.",
            "task_type": "rare" if n % 100 == 0 else "common",
            "timestamp": (start + n * WEEK / 6000).isoformat(),
        }
        for n in numbers
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    return path


def with_floor(**traffic: object) -> Settings:
    return Settings(traffic={"sample_by": "exchange", "min_samples_per_task_type": 10, **traffic})


def sample(engine: Engine, start: datetime) -> Exchanges:
    bounds = (start, start + WEEK)
    with transaction(engine) as connection:
        return final_sample(load_window(connection, "assistant", *bounds), bounds).rows


def test_floor_gives_equal_samples_for_any_number_of_replicas(
    tmp_path: Path, clock: datetime
) -> None:
    """One process in order, against three processes with small batches in another order."""
    samples = []
    rng = np.random.default_rng(6)
    shuffled = rng.permutation(6000).tolist()
    for name, parts in (
        ("one", [list(range(6000))]),
        ("three", [shuffled[i::3] for i in range(3)]),
    ):
        engine = make_engine(f"sqlite:///{tmp_path / name}.db")
        metadata.create_all(engine)
        for index, part in enumerate(parts):
            path = write(tmp_path / f"{name}{index}.jsonl", clock, part)
            replay_file(engine, with_floor(batch_size=32), FakeEncoder(), path)
        rows = sample(engine, clock)
        samples.append(dict(zip(rows.exchange_ids, rows.inclusion_probability, strict=True)))
        rare = np.array(rows.task_types) == "rare"
        assert 10 == rare.sum()
        assert (rows.inclusion_probability[rare] > 0.05).all()
        assert {0.05} == set(rows.inclusion_probability[~rare].round(12))
        assert abs((1 / rows.inclusion_probability[rare]).sum() - 60) < 60
        engine.dispose()

    assert samples[0] == samples[1]


def test_an_evaluation_sees_the_final_sample_only(
    engine: Engine, clock: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")
    before = write(tmp_path / "baseline.jsonl", clock - 4 * WEEK, [*range(300)])
    import_baseline(
        engine,
        Traffic(),
        FakeEncoder,
        before,
        names=ModelNames({"assistant": ()}),
        redactor=None,
        rules=make_rules(engine),
        now=clock,
    )
    replay_file(engine, with_floor(), FakeEncoder(), write(tmp_path / "t", clock, [*range(6000)]))
    expected = sample(engine, clock)
    evaluation_id = evaluate_window(engine, with_floor(), clock, clock + WEEK, clock + WEEK)

    assert evaluation_id is not None
    with transaction(engine) as connection:
        assessment = drift_evaluation_by_id(connection, evaluation_id).assessment
        scores = sample_scores(connection, evaluation_id)
    assert assessment is not None
    assert len(stored_ids(engine)) > len(expected) == assessment.n_current
    assert expected.ids.tolist() == scores.ids.tolist()
    assert expected.inclusion_probability.tolist() == scores.inclusion_probability.tolist()
    # 60 of 6,000 are rare; the floor has 10 of them, some 3% of what is stored.
    share = (1 / expected.inclusion_probability[np.array(expected.task_types) == "rare"]).sum()
    assert assessment.estimated_current == pytest.approx((1 / expected.inclusion_probability).sum())
    assert assessment.mix_current["rare"] == pytest.approx(share / assessment.estimated_current)


def test_a_replayed_dead_letter_is_sampled_by_its_rate(engine: Engine, tmp_path: Path) -> None:
    """Its rate was unknown, so it is stored at the highest rate and sampled at the replay."""
    rates = [{"task_type": "rare", "rate": 0.8}]
    lines = [
        {
            "id": f"r{n}",
            "prompt": "x" * 1200,
            "response": "yes",
            "task_type": "rare" if n % 2 else "common",
        }
        for n in range(400)
    ]
    path = tmp_path / "large.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    strict = Settings(traffic={"rates": rates, "max_record_bytes": 1024})
    first = replay_file(engine, strict, FakeEncoder(), path)
    replay_dead_letters(engine, Settings(traffic={"rates": rates}), FakeEncoder())
    other = make_engine(f"sqlite:///{tmp_path / 'at-once.db'}")
    metadata.create_all(other)
    replay_file(other, Settings(traffic={"rates": rates}), FakeEncoder(), path)

    assert first.n_dead_letters == first.n_sampled > 250
    assert stored_ids(other) == stored_ids(engine)
    columns = (Exchange.exchange_id, Exchange.threshold, Exchange.inclusion_probability)
    result = []
    for entry in (engine, other):
        with transaction(entry) as connection:
            result.append({tuple(row) for row in connection.execute(select(*columns))})
    assert result[0] == result[1]
    other.dispose()
