"""Processor time of each stage of ingest, in one thread."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.record import MemoryRecords

from bench.traffic.ingest_runs import InstantEncoder
from bench.traffic.services import N_MODELS, BenchServices, listed_models
from monitor.bench.row import Row
from monitor.settings import Configuration
from monitor.store.engine import make_engine
from monitor.traffic.decoder import Decoder
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.prepared_batch import PreparedBatch
from monitor.traffic.ingest.writer import store_batch
from monitor.traffic.kafka.wire.batch_header import read_header
from monitor.traffic.kafka.wire.integrity import UnconfirmedBatches
from monitor.traffic.kafka.wire.partition_reader import PATIENCE_SECONDS, PartitionReader
from monitor.traffic.kafka.wire.selection import Selection
from monitor.traffic.record import RawRecord
from monitor.traffic.redaction import build_redactor, redact_exchange
from monitor.traffic.sampling.sampler import Sampler

#: Bytes per fetch of one partition.
FETCH_BYTES = 2**20
BATCH_SIZE = 512
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Timed:
    """Result and processor time of a stage."""

    result: Any
    seconds: float


def timed(stage: Callable[[], Any]) -> Timed:
    start = time.process_time()
    return Timed(stage(), time.process_time() - start)


def stage_rows(services: BenchServices, topic: str) -> Iterator[Row]:
    """Yield one row per stage: microseconds per record read, sampled or not."""
    settings = Configuration(models=listed_models(N_MODELS))
    rate = settings.monitoring.sample_rate
    fetches = list(_fetches(services.segments(topic, 0)))
    theirs = timed(lambda: sum(len(part) for part in _read(Fetcher.PartitionRecords, fetches)))
    yield _row("unpack, by kafka-python", theirs.seconds / theirs.result, "every record")
    selection = Selection(
        topic=topic,
        sampler=Sampler(rate),
        id_header="",
        max_record_bytes=10**7,
        clock=lambda: NOW,
    )
    unconfirmed = UnconfirmedBatches(PATIENCE_SECONDS)
    make = partial(PartitionReader, selection, 10**6, lambda _: None, unconfirmed)
    ours = timed(lambda: [item for part in _read(make, fetches) for item in part])
    records: list[RawRecord] = [record for fetched in ours.result for record in fetched.records]
    yield _row("unpack and sample", ours.seconds / theirs.result, "every record")

    def sampled(name: str, seconds: float) -> Row:
        each = seconds / len(records)
        return _row(name, each * rate, f"{each * 1e6:.0f} µs for each sampled record")

    decoder = Decoder(settings.traffic, default_model="")
    decoded = timed(
        lambda: [item for record in records for item in decoder.decode(record).exchanges]
    )
    yield sampled("decode", decoded.seconds)
    redactor = build_redactor(settings.redaction)
    redacted = timed(lambda: [redact_exchange(item, redactor) for item in decoded.result])
    yield sampled("redact", redacted.seconds)
    preparer = BatchPreparer.build(settings, InstantEncoder())
    prepared = timed(lambda: [_prepare(preparer, batch) for batch in _batches(records)])
    rest = prepared.seconds - decoded.seconds - redacted.seconds
    yield sampled("make rows and vectors", max(0.0, rest))
    with services.database() as url:
        engine = make_engine(url)
        start = time.perf_counter()
        stored = timed(lambda: [store_batch(engine, item, [], now=NOW) for item in prepared.result])
        elapsed = time.perf_counter() - start
        engine.dispose()
    yield sampled("store, this process", stored.seconds)
    yield sampled("store, waiting for PostgreSQL", elapsed - stored.seconds)


def _fetches(log: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield fetches as the broker sends them: first offset, and batches up to a size."""
    begin = 0
    header = read_header(log, 0)
    first = header
    while header is not None and first is not None:
        following = read_header(log, header.stop)
        if following is None or header.stop - begin >= FETCH_BYTES:
            yield first.base_offset, log[begin : header.stop]
            begin, first = header.stop, following
        header = following


def _read(make: Callable[..., Any], fetches: list[tuple[int, bytes]]) -> Iterator[list[Any]]:
    partition = TopicPartition("bench", 0)
    for offset, data in fetches:
        reader = make(offset, partition, MemoryRecords(data))
        while reader:
            yield reader.take(500)


def _batches(records: list[RawRecord]) -> Iterator[list[RawRecord]]:
    for first in range(0, len(records), BATCH_SIZE):
        yield records[first : first + BATCH_SIZE]


def _prepare(preparer: BatchPreparer, records: list[RawRecord]) -> PreparedBatch:
    return preparer.prepare(records, received_at=NOW)


def _row(name: str, seconds_per_record: float, how: str) -> Row:
    value = seconds_per_record * 1e6
    return Row("traffic", f"stage: {name}", value, "µs a record read", "", None, how)
