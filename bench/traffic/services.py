"""Broker, database and topics of chat records for the measurements."""

import random
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from sqlalchemy import create_engine, make_url, text

from bench.services.kafka import KafkaServer
from bench.services.postgres import PostgresServer
from monitor.settings import Configuration
from monitor.store.engine import make_engine
from monitor.store.tables import metadata

RECORD_BYTES = 4096
#: Different values; the keys of all records differ.
N_VALUES = 5000
CORPUS_CHARACTERS = 1_000_000
FLUSHED_RECORDS = 20_000
DELIVERY_TIMEOUT_MS = 600_000
#: Models of the traffic.
N_MODELS = 20


@dataclass(frozen=True)
class BenchServices:
    """Addresses of the services."""

    bootstrap_servers: str
    postgres_url: str
    folder: Path

    def fill(
        self,
        n_records: int,
        *,
        partitions: int,
        compression: str | None,
        seed: int = 1,
        n_models: int = N_MODELS,
    ) -> str:
        """Create a topic with ``n_records`` records of some models; return its name.

        Raises:
            RuntimeError: Not all records were written: an ingest would wait for the rest forever.
        """
        name = f"bench-{uuid.uuid4().hex[:8]}"
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1)])
        admin.close()
        values = list(chat_values(min(N_VALUES, n_records), seed, n_models))
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap_servers,
            compression_type=compression,
            linger_ms=20,
            delivery_timeout_ms=DELIVERY_TIMEOUT_MS,  # on a busy machine records would expire
        )
        for number in range(n_records):
            producer.send(name, key=b"request-%d" % number, value=values[number % len(values)])
            if number % FLUSHED_RECORDS == 0:  # what is unsent stays in memory
                producer.flush()
        producer.flush()
        producer.close()
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap_servers)
        ends = consumer.end_offsets([TopicPartition(name, n) for n in range(partitions)])
        consumer.close()
        if sum(ends.values()) != n_records:
            raise RuntimeError(f"{sum(ends.values())} of {n_records} records were written")
        return name

    def segments(self, topic: str, partition: int) -> bytes:
        """Return the first segment of a partition's log, which is what the broker sends."""
        return (self.folder / "data" / f"{topic}-{partition}" / f"{0:020}.log").read_bytes()

    @contextmanager
    def database(self) -> Iterator[str]:
        """Provide a new database with the schema."""
        name = f"bench_{uuid.uuid4().hex[:8]}"
        url = make_url(self.postgres_url).set(database=name)
        administrator = create_engine(self.postgres_url, isolation_level="AUTOCOMMIT")
        with administrator.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine = make_engine(url.render_as_string(hide_password=False))
        metadata.create_all(engine)
        engine.dispose()
        yield url.render_as_string(hide_password=False)
        with administrator.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        administrator.dispose()


@contextmanager
def started_services() -> Iterator[BenchServices]:
    """Start both services; stop them at the end."""
    with tempfile.TemporaryDirectory(prefix="driftwarden-bench-") as folder:
        broker, database = KafkaServer(Path(folder)), PostgresServer()
        broker.start()
        database.start()
        try:
            yield BenchServices(broker.bootstrap_servers, database.url, Path(folder))
        finally:
            broker.stop()
            database.remove()


def chat_values(n_values: int, seed: int, n_models: int = N_MODELS) -> Iterator[bytes]:
    """Yield records of 4 kB in the plain format, with word frequencies as in language."""
    rng = random.Random(seed)
    alphabet = "etaoinshrdlucmfwypvbgkq"
    words = ["".join(rng.choices(alphabet, k=rng.randint(2, 10))) for _ in range(4000)]
    weights = [1 / rank for rank in range(1, 4001)]
    corpus = " ".join(rng.choices(words, weights, k=CORPUS_CHARACTERS // 5))[:CORPUS_CHARACTERS]
    envelope = (
        '{"id":"r%d","timestamp":%d,"model":"%s","task_type":"qa","user":"u%d",'
        '"prompt":"%s","response":"%s","metadata":{"latency_ms":%d}}'
    )
    length = (RECORD_BYTES - len(envelope)) // 2
    written = int(time.time()) - n_values  # old records are refused
    for number in range(n_values):
        prompt, response = (rng.randrange(CORPUS_CHARACTERS - length) for _ in range(2))
        yield (
            envelope
            % (
                number,
                written + number,
                traffic_name(number, n_models),
                number % 500,
                corpus[prompt : prompt + length],
                corpus[response : response + length],
                number % 900,
            )
        ).encode()


def listed_models(n_models: int) -> dict[str, dict[str, list[str]]]:
    """Return the tables of some models, each with an alias and a pattern."""
    return {
        f"model-{number}": {"aliases": [f"lora-{number}", f"team-{number}/*"]}
        for number in range(n_models)
    }


def traffic_name(number: int, n_models: int) -> str:
    """Return the model's name of a record: the model's own, its alias, or one of many matches."""
    of_model = number % n_models
    forms = (f"model-{of_model}", f"lora-{of_model}", f"team-{of_model}/build-{number % 97}")
    return forms[number // n_models % 3]


def bench_settings(
    bootstrap_servers: str, topic: str, url: str, *, n_models: int = N_MODELS, **traffic: object
) -> Configuration:
    """Return default settings with the addresses of the services, and some models."""
    return Configuration(
        models=listed_models(n_models),
        kafka={
            "bootstrap_servers": bootstrap_servers,
            "topic": topic,
            "group_id": f"bench-{uuid.uuid4().hex[:8]}",
        },
        database={"url": url},
        traffic=traffic,
    )
