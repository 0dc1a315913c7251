"""Damaged batches: exact loss, no hang, bounded memory."""

import importlib
import os
import tracemalloc
from contextlib import suppress
from functools import partial
from inspect import signature
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from kafka.errors import CorruptRecordError

from monitor.errors import RecordError
from monitor.store.traffic.dead_letters import DeadLetterRow
from monitor.traffic.kafka.wire import decompression as inflating
from monitor.traffic.kafka.wire import record_batch
from monitor.traffic.kafka.wire.decompression import MAX_INFLATED_BYTES, inflate, missing_codecs
from monitor.traffic.record import RawRecord
from tests.support.traffic.record_batches import (
    Log,
    make_batch,
    open_reader,
    read_all,
    sampled_records,
    with_fields,
    with_payload,
)

ENCODE = {"gzip": gzip_encode, "snappy": snappy_encode, "lz4": lz4_encode, "zstd": zstd_encode}
NUMBER = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
#: Base offset, length and epoch: what the checksum doesn't cover.
UNCHECKED = range(16)
BOUNDS = [(0, 4), (4, 9), (9, 12)]


def batch(first: int, end: int, codec: int = 0, value: bytes = b"v" * 40) -> bytes:
    return make_batch(first, [(b"key-%d" % n, value, []) for n in range(first, end)], codec=codec)


def summary(parts: Any) -> tuple[list[int], list[tuple[str, int, int]]]:
    """Return the records' offsets, and reason, first and last offset of the dead letters."""
    records = [
        sampled_record.position.offset
        for sampled_record in sampled_records(parts)
        if isinstance(sampled_record, RawRecord)
    ]
    dead_letters = [
        (sampled_record.reason, sampled_record.position.offset, sampled_record.end - 1)
        for sampled_record in sampled_records(parts)
        if isinstance(sampled_record, DeadLetterRow)
    ]
    return records, dead_letters


@pytest.mark.parametrize("damaged", range(3))
@pytest.mark.parametrize("codec", [0, 3])
def test_a_wrong_checksum_costs_the_batch_and_no_other(damaged: int, codec: int) -> None:
    batches = [bytearray(batch(first, end, codec)) for first, end in BOUNDS]
    batches[damaged][70] ^= 0xFF
    first, end = BOUNDS[damaged]

    parts = Log([bytes(batch) for batch in batches], BOUNDS).consume()

    records = [n for n in range(12) if not first <= n < end]
    assert (records, [("corrupt_batch", first, end - 1)]) == summary(parts)


@settings(max_examples=150)
@given(
    damaged=st.integers(0, 2),
    place=st.integers(0, 10_000),
    flip=st.integers(1, 255),
    codec=st.sampled_from([0, 3]),
)
def test_one_flipped_byte_anywhere_loses_and_doubles_nothing(
    damaged: int, place: int, flip: int, codec: int
) -> None:
    """Every offset is covered once; undamaged batches give all records."""
    batches = [bytearray(batch(first, end, codec)) for first, end in BOUNDS]
    place %= len(batches[damaged])
    batches[damaged][place] ^= flip
    first, end = BOUNDS[damaged]
    if place in range(8, 12):
        return  # a broker finds the next batch by this length: it fails before we do

    parts = Log([bytes(batch) for batch in batches], BOUNDS).consume()

    records, dead_letters = summary(parts)
    undamaged = [n for n in range(12) if not first <= n < end]
    assert set(undamaged) <= set(records)
    lost = [n for _, begin, last in dead_letters for n in range(begin, last + 1)]
    assert list(range(12)) == sorted(records + lost)
    if place not in UNCHECKED:
        assert list(range(first, end)) == lost


def test_an_impossible_length_ends_reading_with_an_error() -> None:
    """The broker's search fails there too, so nothing is skipped and the operator must help."""
    torn = batch(4, 9)[:8] + (-5).to_bytes(4, "big", signed=True) + batch(4, 9)[12:]
    reader = open_reader(torn + batch(9, 12), 4)

    assert ([0, 1, 2, 3], []) == summary(read_all(batch(0, 4) + torn + batch(9, 12)))
    with pytest.raises(
        CorruptRecordError, match="topic/3: the broker's log is damaged at offset 4"
    ):
        reader.take(1)
    assert not reader, "kafka-python would ask it for ever"


def test_two_damaged_batches_in_a_row_cost_their_own_offsets() -> None:
    batches = [bytearray(batch(first, end)) for first, end in [*BOUNDS, (12, 20)]]
    batches[1][70] ^= 1
    batches[2][70] ^= 1

    parts = Log([bytes(batch) for batch in batches], [*BOUNDS, (12, 20)]).consume()

    assert [*range(4), *range(12, 20)] == summary(parts)[0]
    assert [("corrupt_batch", 4, 8), ("corrupt_batch", 9, 11)] == summary(parts)[1]


@settings(max_examples=120)
@given(payload=st.binary(max_size=400), n_records=st.integers(-5, 50), codec=st.integers(0, 7))
def test_any_bytes_with_a_right_checksum_are_passed(
    payload: bytes, n_records: int, codec: int
) -> None:
    hostile = with_fields(with_payload(batch(4, 9), payload), attributes=codec, n_records=n_records)

    parts = Log([batch(0, 4), hostile, batch(9, 12)], BOUNDS).consume()

    records, dead_letters = summary(parts)
    assert {0, 1, 2, 3, 9, 10, 11} <= set(records)
    assert len(set(records)) == len(records)
    assert not set(records) & {n for _, begin, last in dead_letters for n in range(begin, last + 1)}


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\x7f" * 50, id="a length behind the end"),
        pytest.param(b"\xff" * 50, id="a number without an end"),
        pytest.param(b"\x0c\x00\x00\x00\x7f\x00\x00", id="a key behind the end"),
    ],
)
def test_records_before_a_malformed_one_are_kept(payload: bytes) -> None:
    good = batch(4, 9)
    two = batch(4, 6)[61:]
    hostile = with_fields(with_payload(good, two + payload), n_records=5)

    parts = Log([batch(0, 4), hostile, batch(9, 12)], BOUNDS).consume()

    assert [0, 1, 2, 3, 4, 5, 9, 10, 11] == summary(parts)[0]
    assert [("corrupt_batch", 6, 8)] == summary(parts)[1]


def test_an_unknown_codec_costs_the_batch() -> None:
    parts = read_all(batch(0, 4) + with_fields(batch(4, 9), attributes=6) + batch(9, 12))

    assert ([0, 1, 2, 3, 9, 10, 11], [("unknown_codec", 4, 8)]) == summary(parts)


@pytest.fixture
def no_lz4(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a missing lz4 package."""

    def load(module: str) -> Any:
        if module.startswith("lz4"):
            raise ModuleNotFoundError(module)
        return importlib.import_module(module)

    monkeypatch.setattr(inflating, "_load", load)


@pytest.mark.usefixtures("no_lz4")
def test_a_codec_that_is_not_installed_costs_the_batch() -> None:
    parts = read_all(batch(0, 4) + batch(4, 9, NUMBER["lz4"]) + batch(9, 12, NUMBER["zstd"]))

    assert ([0, 1, 2, 3, 9, 10, 11], [("unknown_codec", 4, 8)]) == summary(parts)
    assert ["lz4"] == missing_codecs()


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd", "snappy"])
def test_a_decompression_bomb_costs_bounded_memory(
    codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records before the limit and the neighbouring batches are read."""
    limit = 8 * 2**20
    assert limit < MAX_INFLATED_BYTES == signature(inflate).parameters["limit"].default
    monkeypatch.setattr(record_batch, "MAX_INFLATED_BYTES", limit)
    monkeypatch.setattr(record_batch, "inflate", partial(inflate, limit=limit))
    bomb = make_batch(
        4,
        [(b"a", b"v", []), (b"b", bytes(3 * limit), []), (b"c", b"v", [])],
        codec=NUMBER[codec],
    )
    wire = batch(0, 4) + with_fields(bomb, last_offset_delta=4) + batch(9, 12)
    del bomb

    tracemalloc.start()
    parts = read_all(wire)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert ([0, 1, 2, 3, 4, 9, 10, 11], [("inflates_too_far", 5, 8)]) == summary(parts)
    assert peak < 2.5 * limit


@pytest.mark.parametrize("codec", ENCODE)
@pytest.mark.parametrize("n_bytes", [0, 1, 70_000, 300_000])
def test_output_within_the_limit_is_inflated_whole(codec: str, n_bytes: int) -> None:
    text = os.urandom(n_bytes // 2) + bytes(n_bytes - n_bytes // 2)
    encoded = bytes(ENCODE[codec](text))

    assert text == inflate(NUMBER[codec], encoded)
    assert text == inflate(NUMBER[codec], encoded, max(1, n_bytes))


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd", "snappy"])
def test_output_above_the_limit_is_cut(codec: str) -> None:
    text = os.urandom(200_000)

    assert text[:100_000] == inflate(NUMBER[codec], bytes(ENCODE[codec](text)), 100_000)


def test_a_second_gzip_member_is_read_too() -> None:
    assert b"onetwo" == inflate(NUMBER["gzip"], gzip_encode(b"one") + gzip_encode(b"two"))


def test_a_block_of_snappy_says_beforehand_how_long_it_gets() -> None:
    bare = bytes(snappy_encode(bytes(5_000), xerial_compatible=False))

    assert bytes(5_000) == inflate(NUMBER["snappy"], bare)
    with pytest.raises(RecordError, match="inflates_too_far"):
        inflate(NUMBER["snappy"], bare, 4_999)


@given(codec=st.integers(1, 4), data=st.binary(max_size=200))
def test_hostile_records_raise_record_errors_only(codec: int, data: bytes) -> None:
    with suppress(RecordError):
        assert len(inflate(codec, data, 10_000)) <= 10_000


def test_a_valid_batch_after_the_high_water_mark_is_refetched() -> None:
    """The broker reads the mark first, so a record may be written in between."""
    data = batch(0, 3) + batch(3, 5)
    early = open_reader(data, end_of_log=3, patience_seconds=60.0)
    (part,) = early.take(9)
    assert 3 == part.end == early.next_fetch_offset
    assert not early
    (rest,) = read_all(batch(3, 5), 3, end_of_log=5, patience_seconds=60.0)
    assert 5 == rest.end
