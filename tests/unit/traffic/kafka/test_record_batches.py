"""Reader of record batches against kafka-python's, for sampled records."""

import hashlib
from itertools import accumulate
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.consumer.fetcher import Fetcher
from kafka.record import MemoryRecords
from kafka.record.legacy_records import LegacyRecordBatchBuilder

from monitor.traffic.kafka.wire.partition_reader import MAX_KEPT_BYTES
from monitor.traffic.parsing.timestamps import EPOCH
from monitor.traffic.record import RawRecord
from monitor.traffic.sampling.sampler import Sampler
from tests.support.traffic.record_batches import (
    FIRST_TIMESTAMP,
    NOW,
    PARTITION,
    Item,
    make_batch,
    moved,
    read_all,
    sampled_records,
    selection,
    with_fields,
)

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
BYTES = st.none() | st.binary(max_size=300)
ITEM = st.tuples(BYTES, BYTES, st.lists(st.tuples(st.text(max_size=20), BYTES), max_size=3))
LOG_APPEND_TIME = 0x08


def items(start: int, stop: int, value: bytes = b"value") -> list[Item]:
    return [(b"key-%d" % n, value, []) for n in range(start, stop)]


def offsets(parts: Any) -> list[int]:
    return [sampled_record.position.offset for sampled_record in sampled_records(parts)]


def by_kafka_python(data: bytes, begin: int) -> list[tuple[Any, ...]]:
    reader = Fetcher.PartitionRecords(begin, PARTITION, MemoryRecords(data))
    return [(r.offset, r.timestamp, r.key or None, r.value, r.headers) for r in reader.take()]


def by_us(data: bytes, begin: int) -> list[tuple[Any, ...]]:
    result = []
    for record in sampled_records(read_all(data, begin)):
        assert isinstance(record, RawRecord)
        milliseconds = round((record.timestamp - EPOCH).total_seconds() * 1000)
        result.append(
            (record.position.offset, milliseconds, record.key, record.value, list(record.headers))
        )
    return result


@pytest.mark.slow
@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@settings(max_examples=40)
@given(batches=st.lists(st.lists(ITEM, min_size=1, max_size=5), max_size=4), data=st.data())
def test_every_field_is_what_kafka_python_reads(
    codec: int, batches: list[list[Item]], data: st.DataObject
) -> None:
    ends = list(accumulate(map(len, batches)))
    begin = data.draw(st.integers(0, max(ends, default=1) - 1))
    wire = b"".join(
        make_batch(end - len(batch), batch, codec=codec)
        for batch, end in zip(batches, ends, strict=True)
        if end > begin
    )

    assert by_kafka_python(wire, begin) == by_us(wire, begin)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_only_sampled_records_are_returned_and_all_counted(codec: int) -> None:
    wire = make_batch(0, items(0, 300), codec=codec) + make_batch(300, items(300, 500), codec=codec)
    sampler = Sampler(0.05)
    expected = [n for n in range(500) if sampler.keeps(b"key-%d" % n)]

    parts = read_all(wire, selecting=selection(0.05))

    assert expected == offsets(parts)
    assert (500, 500) == (parts[-1].end, sum(part.n_records for part in parts))


def test_a_header_may_identify_the_request() -> None:
    sampler = Sampler(0.5)
    batch = [(b"same", b"v", [("a", None), ("id", b"request-%d" % n)]) for n in range(100)]
    batch += [(b"key-%d" % n, b"v", []) for n in range(100)]
    identities = [b"request-%d" % n for n in range(100)] + [b"key-%d" % n for n in range(100)]

    parts = read_all(make_batch(0, batch), selecting=selection(0.5, id_header="id"))

    assert [n for n, identity in enumerate(identities) if sampler.keeps(identity)] == offsets(parts)


def test_records_without_a_key_are_sampled_by_position() -> None:
    sampler = Sampler(0.5)
    expected = [n for n in range(100) if sampler.keeps(b"topic/3/%d" % n)]

    parts = read_all(make_batch(0, [(None, b"v", [])] * 100), selecting=selection(0.5))

    assert expected == offsets(parts)


def test_a_fetch_inside_a_batch_skips_read_records() -> None:
    parts = read_all(make_batch(10, items(0, 10), codec=3), 17)

    assert [17, 18, 19] == offsets(parts)
    assert 3 == parts[0].n_records


def test_offsets_removed_by_compaction_are_skipped() -> None:
    """A compacted batch keeps its first and last offset, and may be empty."""
    removed = with_fields(make_batch(0, items(0, 2)), last_offset_delta=9)
    empty = with_fields(make_batch(10, [])[:61], last_offset_delta=4)

    parts = read_all(removed + empty)

    assert [0, 1] == offsets(parts)
    assert 15 == parts[-1].end


def test_the_last_batch_of_a_response_may_be_cut() -> None:
    wire = make_batch(0, items(0, 5)) + make_batch(5, items(5, 10))

    for n_bytes in range(len(wire) // 2 + 1, len(wire)):
        assert 5 == read_all(wire[:n_bytes])[-1].end


def test_parts_are_bounded_by_number() -> None:
    wire = b"".join(make_batch(n, items(n, n + 10)) for n in range(0, 100, 10))

    assert [*range(15, 100, 15), 100] == [part.end for part in read_all(wire, max_records=15)]


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_parts_are_bounded_by_size_inside_a_batch_too(codec: int) -> None:
    value = b"v" * 500_000
    wire = make_batch(0, items(0, 30, value), codec=codec) + make_batch(30, items(30, 31))

    parts = read_all(wire)

    assert list(range(31)) == offsets(parts)
    assert all(len(part.records) * len(value) <= MAX_KEPT_BYTES + len(value) for part in parts)
    assert 4 == len(parts)


@pytest.mark.slow
def test_tiny_records_are_bounded_by_what_python_needs_for_them() -> None:
    parts = read_all(make_batch(0, items(0, 20_000, b"")))

    assert 20_000 == sum(part.n_records for part in parts)
    assert max(len(part.records) for part in parts) <= 8_000


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, FIRST_TIMESTAMP),
        ({"attributes": LOG_APPEND_TIME, "max_time": FIRST_TIMESTAMP + 70}, FIRST_TIMESTAMP + 70),
        ({"first_time": -1}, None),
        ({"first_time": 0}, None),
        ({"first_time": 2**62}, None),
    ],
)
def test_a_time_that_is_missing_or_absurd_becomes_now(
    changes: dict[str, int], expected: int | None
) -> None:
    (record,) = sampled_records(read_all(with_fields(make_batch(0, items(0, 1)), **changes)))

    assert isinstance(record, RawRecord)
    now_or_then = NOW if expected is None else record.timestamp
    assert now_or_then == record.timestamp
    if expected is not None:
        assert expected == round(record.timestamp.timestamp() * 1000)


def end_mark(offset: int, producer_id: int, *, commits: bool) -> bytes:
    """Return a control batch that ends a transaction: version 0, type 1 commits, type 0 aborts."""
    key = bytes([0, 0, 0, int(commits)])
    mark = make_batch(offset, [(key, b"\x00" * 6, [])], producer_id=producer_id)
    return with_fields(mark, attributes=0x30)


def test_only_committed_records_are_returned_and_marks_are_passed() -> None:
    wire = (
        make_batch(0, items(0, 2), producer_id=7)
        + make_batch(2, items(2, 4), producer_id=8)
        + end_mark(4, 7, commits=False)
        + make_batch(5, items(5, 7), producer_id=7)
        + end_mark(7, 7, commits=True)
        + end_mark(8, 8, commits=True)
    )
    aborted = [SimpleNamespace(producer_id=7, first_offset=0)]

    parts = read_all(wire, aborted=aborted)

    assert [2, 3, 5, 6] == offsets(parts)
    assert 9 == parts[-1].end, "the last mark would keep the lag above 0"


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("codec", [0, 1, 2])
def test_messages_of_before_2017_are_read(version: int, codec: int) -> None:
    builder = LegacyRecordBatchBuilder(version, codec, 1 << 20)
    for n in range(5):
        builder.append(n, FIRST_TIMESTAMP, b"key-%d" % n, None if n == 3 else b"value")

    wire = bytes(builder.build())
    if codec:  # one message holds all; the broker gives it the offset of the last
        wire = moved(wire, 4)

    parts = read_all(wire)

    assert [0, 1, 2, 3, 4] == offsets(parts)
    assert [b"value", b"value", b"value", None, b"value"] == [
        sampled_record.value for sampled_record in sampled_records(parts)
    ]
    assert 5 == parts[-1].end


def test_a_too_large_record_leaves_size_and_digest() -> None:
    batch = [(b"small", b"v", []), (b"large", b"v" * 2_000_000, []), (b"last", b"v", [])]

    small, dead_letter, last = sampled_records(read_all(make_batch(0, batch, codec=4)))

    assert (b"v", b"v") == (small.value, last.value)
    assert ("too_large", 1, None, b"large") == (
        dead_letter.reason, dead_letter.position.offset, dead_letter.value, dead_letter.key,
    )  # fmt: skip
    digest = hashlib.sha256(b"v" * 2_000_000).hexdigest()
    assert f"2000005 bytes, not kept; SHA-256 of the value: {digest}" == dead_letter.detail


def test_a_large_record_that_is_not_sampled_leaves_no_trace() -> None:
    keeps = Sampler(0.05).keeps
    key = next(b"%d" % n for n in range(100) if not keeps(b"%d" % n))

    parts = read_all(make_batch(0, [(key, b"v" * 2_000_000, [])]), selecting=selection(0.05))

    assert ([], 1) == (sampled_records(parts), parts[-1].end)
