"""Records with English text of any size, from the documentation."""

import itertools
import json
import random
import time
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

DOCUMENTATION = Path(__file__).parents[2] / "docs"
#: Different values of a topic.
N_VALUES = 5_000
FLUSHED_RECORDS = 20_000


@cache
def corpus() -> str:
    """Return the prose of the documentation, in ASCII and on one line."""
    pages = sorted(DOCUMENTATION.rglob("*.md"))
    text = " ".join(page.read_text(encoding="utf-8") for page in pages)
    # A text that begins like JSON is read as JSON.
    plain = text.encode("ascii", "ignore").decode().translate(str.maketrans("{[", "(("))
    return " ".join(plain.split())


def exchanges(n: int, prompt_bytes: int, response_bytes: int, seed: int) -> Iterator[str]:
    """Yield records in the plain format, with other texts each."""
    rng, text = random.Random(seed), corpus()
    written = int(time.time()) - n
    for number in range(n):
        starts = [rng.randrange(len(text) - size) for size in (prompt_bytes, response_bytes)]
        yield json.dumps(
            {
                "id": f"r{number}",
                "timestamp": written + number,
                "model": "assistant",
                "task_type": "qa",
                "user": f"u{rng.randrange(1_000_000)}",
                "prompt": text[starts[0] : starts[0] + prompt_bytes],
                "response": text[starts[1] : starts[1] + response_bytes],
                "metadata": {"latency_ms": rng.randrange(900), "resolved": rng.random() < 0.8},
            }
        )


def overhead_bytes() -> float:
    """Return the mean size of a record without its texts."""
    sizes = [len(record) for record in exchanges(1_000, 0, 0, seed=0)]
    return sum(sizes) / len(sizes)


def fill_topic(
    bootstrap_servers: str, n: int, *, prompt_bytes: int, response_bytes: int, partitions: int = 6
) -> tuple[str, float]:
    """Create a topic of n records with a key each; return its name and the mean size of a value."""
    name = f"sizing-{uuid.uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1)])
    admin.close()
    values = [
        record.encode()
        for record in exchanges(min(n, N_VALUES), prompt_bytes, response_bytes, seed=1)
    ]
    producer = KafkaProducer(
        bootstrap_servers=bootstrap_servers,
        compression_type="lz4",
        linger_ms=20,
        delivery_timeout_ms=600_000,
    )
    for number, value in zip(range(n), itertools.cycle(values), strict=False):
        producer.send(name, key=b"request-%d" % number, value=value, partition=number % partitions)
        if number % FLUSHED_RECORDS == 0:
            producer.flush()
    producer.flush()
    producer.close()
    return name, sum(map(len, values)) / len(values)
