"""Sampling before decoding."""

import math
from zlib import crc32

import numpy as np
import pytest
from kafka.partitioner.default import murmur2
from numpy.typing import NDArray
from scipy import stats

from monitor.store.traffic.position import Position
from monitor.traffic.record import RawRecord, record_identity
from monitor.traffic.sampling.sampler import (
    Draw,
    Sampler,
    probability_of,
    randomness_of,
    stored_draw,
    threshold_of,
)
from tests.support.present import utc_now

N_KEYS = 400_000
TRACE_ID = "0af7651916cd43dd84f3333333333333"
RANDOM_AND_SAMPLED = "03"


@pytest.fixture(scope="module")
def keys() -> list[bytes]:
    """Return a million request ids of 8 to 40 bytes in order of arrival."""
    rng = np.random.default_rng(20_261_124)
    lengths = rng.integers(4, 21, N_KEYS)
    ends = np.cumsum(lengths)
    text = rng.bytes(int(ends[-1])).hex().encode()
    starts = ends - lengths
    return [text[2 * a : 2 * b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]


@pytest.fixture(scope="module")
def is_kept(keys: list[bytes]) -> NDArray[np.bool_]:
    """Return which keys are sampled at 5%."""
    sampler = Sampler(0.05)
    return np.fromiter(map(sampler.keeps, keys), bool, N_KEYS)


def independent(is_kept: NDArray[np.bool_], group: NDArray[np.int64]) -> bool:
    """Return whether a test of independence with a level of 0.1% passes."""
    table = np.array([np.bincount(group, is_kept), np.bincount(group, ~is_kept)])
    return bool(stats.chi2_contingency(table).pvalue > 0.001)


def test_five_percent_has_opentelemetrys_threshold() -> None:
    sampler = Sampler(0.05)

    assert sampler.threshold == 0xF3333333333333
    assert math.isclose(0.05, sampler.inclusion_probability, rel_tol=1e-15)
    assert pytest.approx(1 / sampler.inclusion_probability) == 20


def test_the_rate_lies_in_its_binomial_interval(is_kept: NDArray[np.bool_]) -> None:
    low, high = stats.binom.interval(0.999, N_KEYS, 0.05)

    assert low <= is_kept.sum() <= high


@pytest.mark.slow
def test_the_decision_depends_on_neither_partition_time_nor_length(
    keys: list[bytes], is_kept: NDArray[np.bool_]
) -> None:
    few = 100_000  # the partitioner is slow
    kafkas = np.array([(murmur2(key) & 0x7FFFFFFF) % 6 for key in keys[:few]])
    remaining = np.fromiter((crc32(key) % 100 for key in keys), np.int64, N_KEYS)
    lengths = np.fromiter(map(len, keys), np.int64, N_KEYS) // 2 - 4

    assert independent(is_kept[:few], kafkas)
    assert independent(is_kept, remaining)
    assert independent(is_kept, np.arange(N_KEYS) * 168 // N_KEYS)  # the hours of a week
    assert independent(is_kept, np.arange(N_KEYS) % 7)
    assert independent(is_kept, lengths)


def test_the_test_of_independence_would_notice(is_kept: NDArray[np.bool_]) -> None:
    """One of six partitions is sampled at 5.5% instead of 5%."""
    rng = np.random.default_rng(1)
    group = np.arange(N_KEYS) % 6

    assert not independent(is_kept | ((group == 0) & (rng.random(N_KEYS) < 0.005)), group)


def test_a_smaller_rate_keeps_a_subset(keys: list[bytes], is_kept: NDArray[np.bool_]) -> None:
    """Consistent sampling: a sample of 1% is a subset of the sample of 5%."""
    one_percent = np.fromiter(map(Sampler(0.01).keeps, keys), bool, N_KEYS)

    assert 0 < one_percent.sum() < is_kept.sum()
    assert not (one_percent & ~is_kept).any()


def test_the_whole_traffic_can_be_kept() -> None:
    sampler = Sampler(1.0)

    assert sampler.threshold == 0
    assert sampler.inclusion_probability == 1.0
    assert all(sampler.keeps(b"%d" % n) for n in range(1000))


def test_the_smallest_rate_keeps_something() -> None:
    assert 0 < probability_of(threshold_of(1e-30)) == 2**-56


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1, float("nan")])
def test_a_rate_outside_its_range_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="sampling rate"):
        Sampler(rate)


def headers(*, state: str = "", flags: str = RANDOM_AND_SAMPLED) -> list[tuple[str, bytes]]:
    parent = f"00-{TRACE_ID}-b7ad6b7169203331-{flags}"
    return [("traceparent", parent.encode()), ("tracestate", state.encode())]


def test_a_record_without_trace_headers_is_decided_by_its_hash() -> None:
    sampler = Sampler(0.5)
    other = [("content-type", b"application/json")]

    for identity in (b"request-%d" % n for n in range(100)):
        expected = randomness_of(identity) >= sampler.threshold
        assert expected == sampler.keeps(identity) == sampler.keeps(identity, other)


def test_a_random_trace_id_decides_instead_of_the_hash() -> None:
    draw = Sampler(0.05).draw(b"whatever", headers())

    assert Draw(0xF3333333333333) == draw
    assert Sampler(0.05).keeps(b"whatever", headers())
    assert not Sampler(0.0499).keeps(b"whatever", headers())


def test_an_explicit_randomness_decides_before_the_trace_id() -> None:
    draw = Sampler(0.05).draw(b"whatever", headers(state="ot=rv:6e6d1a75832a2f"))

    assert Draw(0x6E6D1A75832A2F) == draw


def test_a_threshold_on_the_same_randomness_is_the_least() -> None:
    """th:c is 25%: a lower rate decides, a higher rate can't restore dropped records."""
    draw = Sampler(0.05).draw(b"whatever", headers(state="ot=th:c"))

    assert Draw(0xF3333333333333, threshold=0xC0000000000000) == draw
    assert draw.threshold_at(0.05) == 0xF3333333333333
    assert draw.threshold_at(0.5) == 0xC0000000000000
    assert draw.probability_at(draw.threshold_at(0.5)) == 0.25


def test_a_threshold_on_other_randomness_is_an_independent_stage() -> None:
    """Without the random flag the upstream randomness is unknown, so the rate is the product."""
    draw = Sampler(0.05).draw(b"whatever", headers(state="ot=th:c", flags="01"))

    assert Draw(randomness_of(b"whatever"), probability=0.25) == draw
    assert threshold_of(0.2) == draw.threshold_at(0.05)
    assert pytest.approx(draw.probability_at(draw.threshold_at(0.05)), rel=1e-15) == 0.05
    assert draw.threshold_at(0.5) == 0
    assert draw.probability_at(draw.threshold_at(0.5)) == 0.25


@pytest.mark.slow
def test_both_kinds_of_upstream_sampling_keep_the_rate() -> None:
    """Of 200,000 records sampled upstream at 25%, a fifth is kept: 5% of the traffic."""
    rng = np.random.default_rng(3)
    sampler = Sampler(0.05)
    for flags in ("01", RANDOM_AND_SAMPLED):
        n_kept = 0
        for trace_id in rng.integers(0, 1 << 56, 200_000).tolist():
            upstream = trace_id if flags == RANDOM_AND_SAMPLED else int(rng.integers(0, 1 << 56))
            if upstream >= 0xC0000000000000:
                record = [
                    ("traceparent", f"00-{trace_id + (1 << 60):032x}-{1:016x}-{flags}".encode()),
                    ("tracestate", b"ot=th:c"),
                ]
                n_kept += sampler.keeps(b"%d" % trace_id, record)
        low, high = stats.binom.interval(0.999, 200_000, 0.05)
        assert low <= n_kept <= high


def test_a_stored_draw_comes_back() -> None:
    for draw in (Draw(5), Draw(1 << 55, 1 << 54), Draw(1 << 55, 1 << 54, 0.25)):
        columns = (draw.randomness, draw.threshold, draw.inclusion_probability)
        assert draw == stored_draw(*columns)


def test_identity_is_header_then_key_then_position() -> None:
    def identity(key: bytes | None, headers: tuple[tuple[str, bytes], ...], name: str) -> bytes:
        position = Position("topic", 2, 17)
        record = RawRecord(position, key, b"{}", utc_now(), headers)
        return record.identity(name)

    headers = (("trace", b"t1"), ("request-id", b"r1"))
    assert identity(b"key", headers, "request-id") == b"r1"
    assert identity(b"key", headers, "") == b"key"
    assert identity(b"key", headers, "absent") == b"key"
    assert identity(None, headers, "absent") == b"topic/2/17"
    assert record_identity(b"", b"", source="topic", partition=2, offset=17) == b"topic/2/17"
