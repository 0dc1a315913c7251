"""End-to-end runs of ingest and its reference loops."""

import logging
import os
import resource
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from kafka import KafkaConsumer, TopicPartition
from numpy.typing import NDArray
from sqlalchemy import Engine, event, func, select

from bench.sizing.cpu import children_of, cpu_seconds
from monitor.settings import Secrets, Sections
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import Exchange, SourceOffset
from monitor.telemetry import REGISTRY, configure_logging
from monitor.traffic.ingest import row_process
from monitor.traffic.ingest.loop import run_ingest

MAX_POLL_RECORDS = 2000


class InstantEncoder:
    """Encoder of zero vectors of the usual size, optionally with a delay."""

    identity = "instant@1/max0"
    dimension = 384

    def __init__(self, *, seconds_per_text: float = 0.0) -> None:
        """Take no processor time in any case."""
        self._seconds_per_text = seconds_per_text

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Return zeros ``[n, 384]``."""
        time.sleep(self._seconds_per_text * len(texts))
        return np.zeros((len(texts), 384), np.float16)


@dataclass(frozen=True)
class Run:
    """Cost of one run."""

    n_records: int
    seconds: float
    cpu_seconds: float
    #: Peak resident memory of ingest's child.
    child_megabytes: float = 0.0

    @property
    def rate(self) -> float:
        """Return records per second."""
        return self.n_records / self.seconds

    @property
    def cpu_microseconds(self) -> float:
        """Return the processor time for each record, of this process and of ingest's child."""
        return self.cpu_seconds / self.n_records * 1e6


class Stopwatch:
    """Stopwatch that starts when created."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._cpu_start = time.process_time() + _child_seconds()

    def run(self, n_records: int, *, until: float | None = None) -> Run:
        """Return the cost up to now, or up to a time of ``time.perf_counter``."""
        seconds = (time.perf_counter() if until is None else until) - self._start
        return Run(n_records, seconds, time.process_time() + _child_seconds() - self._cpu_start)


def poll_only(bootstrap_servers: str, topic: str, n_records: int) -> Run:
    """Read a topic in a bare loop, timed from the first poll that returns records."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=MAX_POLL_RECORDS,
        metrics_enabled=False,
    )
    partitions = consumer.partitions_for_topic(topic)
    consumer.assign([TopicPartition(topic, number) for number in partitions])
    n_seen = 0
    while not n_seen:
        n_seen = _count(consumer.poll(timeout_ms=1000))
    watch = Stopwatch()
    while n_seen < n_records:
        n_seen += _count(consumer.poll(timeout_ms=1000))
    measured = watch.run(n_records)
    consumer.close()
    return measured


def ingest(settings: Sections, encoder: Any, n_records: int) -> Run:
    """Ingest a topic, timed from the first record to the last commit.

    Raises:
        RuntimeError: The stored exchanges aren't the sampled ones.
    """
    configure_logging(json=False, level=logging.ERROR)
    engine = make_engine(settings.database.url)
    last_commit = 0.0

    def note_commit(_connection: object) -> None:
        nonlocal last_commit
        last_commit = time.perf_counter()

    event.listen(engine, "commit", note_commit)
    topic = settings.kafka.topic
    seen_before, sampled_before = _metric("read", topic), _metric("sampled", topic)
    stop = threading.Event()
    thread = threading.Thread(target=run_ingest, args=(engine, settings, Secrets(), encoder, stop))
    thread.start()
    while _metric("read", topic) == seen_before and thread.is_alive():
        time.sleep(0.002)
    watch = Stopwatch()
    while _metric("read", topic) < seen_before + n_records and thread.is_alive():
        time.sleep(0.02)
    # What is left at the stop is one batch: a stopped ingest leaves further ones to its successor.
    n_sampled, size = _metric("sampled", topic) - sampled_before, settings.traffic.batch_size
    while _count_stored(engine) < n_sampled - size and thread.is_alive():
        time.sleep(0.02)
    child_megabytes = sum(map(peak_megabytes, _ingest_children()))
    stop.set()
    thread.join()
    measured = replace(watch.run(n_records, until=last_commit), child_megabytes=child_megabytes)
    _check(engine, n_records, _metric("sampled", topic) - sampled_before)
    engine.dispose()
    return measured


def stored_texts(url: str) -> list[str]:
    """Return the embedded prompts and responses."""
    engine = make_engine(url)
    with transaction(engine) as connection:
        rows = connection.execute(select(Exchange.prompt, Exchange.response)).all()
    engine.dispose()
    return [text for row in rows for text in row]


def peak_megabytes(pid: int) -> float:
    """Return the peak resident memory; ``getrusage`` would include the parent's.

    Raises:
        RuntimeError: The system doesn't tell it.
    """
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc names no VmHWM")


def _child_seconds() -> float:
    """Return the processor time of the child processes of ingest, running or ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + sum(map(cpu_seconds, _ingest_children()))


def _ingest_children() -> list[int]:
    module = row_process.CHILD.encode()
    return [
        child
        for child in children_of(os.getpid())
        if module in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def _metric(name: str, topic: str) -> int:
    value = REGISTRY.get_sample_value(f"driftwarden_records_{name}_total", {"source": topic})
    return int(value or 0)


def _count(polled: dict[Any, list[Any]]) -> int:
    return sum(len(records) for records in polled.values())


def _count_stored(engine: Engine) -> int:
    with transaction(engine) as connection:
        return connection.execute(select(func.count()).select_from(Exchange)).scalar_one()


def _check(engine: Engine, n_records: int, n_sampled: int) -> None:
    with transaction(engine) as connection:
        n_read = connection.execute(select(func.sum(SourceOffset.next_offset))).scalar_one()
    n_stored = _count_stored(engine)
    if (n_read, n_stored) != (n_records, n_sampled) or not n_sampled:
        raise RuntimeError(f"{n_read} of {n_records} read, {n_stored} of {n_sampled} stored")
