"""Common parts of the ingest tests: producing, running in a thread, counting."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from kafka import KafkaProducer
from sqlalchemy import Engine, select

from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.tables import DeadLetter, Exchange, SourceOffset
from monitor.telemetry import CONSUMER_LAG, CONSUMER_LAG_MEASURED
from monitor.traffic.embedding import TextEncoder
from monitor.traffic.ingest.loop import run_ingest
from monitor.traffic.sampling.sampler import Sampler
from tests.support.encoders.fake_encoder import FakeEncoder


def ingest_settings(bootstrap_servers: str, topic: str, url: str, **sections: dict) -> Settings:
    """Return settings of an ingest that flushes fast."""
    return Settings(
        kafka={
            "bootstrap_servers": bootstrap_servers,
            "topic": topic,
            "group_id": f"group-{topic}",
            "session_timeout": "6s",
            **sections.pop("kafka", {}),
        },
        database={"url": url},
        traffic={"batch_size": 64, "flush_interval": "300ms", **sections.pop("traffic", {})},
        **sections,
    )


def limit_session(settings: Settings, *, seconds: float) -> Settings:
    """Shorten the session below the least of the settings, which is what a broker allows."""
    kafka = settings.kafka.model_copy(update={"session_timeout": timedelta(seconds=seconds)})
    return settings.model_copy(update={"kafka": kafka})


def produce(producer: KafkaProducer, topic: str, start: int, stop: int) -> None:
    """Produce the exchanges ``start`` to ``stop`` with distinct keys."""
    for number in range(start, stop):
        value = {"id": f"r{number}", "prompt": f"prompt {number}", "response": "yes " * 20}
        producer.send(topic, key=b"r%d" % number, value=json.dumps(value).encode())
    producer.flush()


def expected_ids(stop: int, rate: float, start: int = 0) -> list[str]:
    """Return the ids that the sampling rule keeps, computed independently."""
    sampler = Sampler(rate)
    return sorted(f"r{n}" for n in range(start, stop) if sampler.keeps(b"r%d" % n))


def stored_ids(engine: Engine) -> list[str]:
    """Return the id of every stored exchange, duplicates included."""
    with transaction(engine) as connection:
        return sorted(connection.execute(select(Exchange.exchange_id)).scalars())


def dead_letters(engine: Engine) -> list[tuple[int, str]]:
    """Return offset and reason of each dead letter."""
    with transaction(engine) as connection:
        rows = connection.execute(select(DeadLetter.offset, DeadLetter.reason))
        return sorted((row[0], row[1]) for row in rows)


def total_offset(engine: Engine) -> int:
    """Return the sum of the next offsets, the number of processed records."""
    with transaction(engine) as connection:
        return sum(connection.execute(select(SourceOffset.next_offset)).scalars())


def total_lag(topic: str) -> float:
    """Return the exported lag of all partitions; -1.0 before it is measured."""
    samples = [sample for family in CONSUMER_LAG.collect() for sample in family.samples]
    of_topic = [sample.value for sample in samples if sample.labels["source"] == topic]
    return sum(of_topic) if of_topic else -1.0


def lag_measured_at(topic: str) -> float:
    """Return the exported time of the last measurement of the lag."""
    return float(CONSUMER_LAG_MEASURED.labels(topic)._value.get())


def wait_until(condition: Callable[[], bool], subject: str, *, seconds: float = 90.0) -> None:
    """Wait for a condition, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{subject} did not happen within {seconds:g} s")
        time.sleep(0.05)


@contextmanager
def running_ingest(
    engine: Engine, settings: Settings, encoder: TextEncoder | None = None
) -> Iterator[threading.Thread]:
    """Run ingest in a thread; finally stop it and raise its failure."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            run_ingest(engine, settings, Secrets(), encoder or FakeEncoder(), stop)
        except BaseException as failure:  # noqa: BLE001 - raised again below
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(60)
        if failures:
            raise failures[0]
    assert not thread.is_alive(), "ingest did not stop"
