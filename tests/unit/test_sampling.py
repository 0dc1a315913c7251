"""Which records are kept."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy import stats

from monitor.store.exchanges import Position
from monitor.traffic.record import RawRecord
from monitor.traffic.sampling import Sampler, record_identity

N_KEYS = 1_000_000


@pytest.fixture(scope="module")
def kept() -> np.ndarray:
    """Of a million keys, which are kept at 5%."""
    sampler = Sampler(0.05)
    return np.fromiter((sampler.keeps(b"request-%d" % n) for n in range(N_KEYS)), bool, N_KEYS)


def test_five_percent_has_opentelemetrys_threshold() -> None:
    sampler = Sampler(0.05)

    assert 0xF3333333333333 == sampler.threshold
    assert math.isclose(0.05, sampler.inclusion_probability, rel_tol=1e-12)


def test_the_rate_lies_in_its_binomial_interval(kept: np.ndarray) -> None:
    low, high = stats.binom.interval(0.9999, N_KEYS, 0.05)

    assert low <= kept.sum() <= high


@pytest.mark.parametrize("n_groups", [3, 6, 100])
def test_the_decision_does_not_depend_on_what_comes_around(kept: np.ndarray, n_groups: int) -> None:
    """Neither on the partition that a key would go to, nor on time, nor on the key's length."""
    round_robin = (
        kept.reshape(-1, n_groups)
        if N_KEYS % n_groups == 0
        else kept[: N_KEYS - N_KEYS % n_groups].reshape(-1, n_groups)
    )
    by_time = np.array_split(kept, n_groups)

    for groups in (round_robin.T, by_time):
        counts = np.array([[group.sum(), len(group) - group.sum()] for group in groups])
        assert stats.chi2_contingency(counts).pvalue > 1e-4


def test_a_smaller_rate_keeps_a_subset() -> None:
    """What consistent sampling promises: a sample of 1% lies inside that of 5%."""
    keys = [b"request-%d" % n for n in range(50_000)]
    one_percent = {key for key in keys if Sampler(0.01).keeps(key)}
    five_percent = {key for key in keys if Sampler(0.05).keeps(key)}

    assert one_percent < five_percent


def test_the_whole_traffic_can_be_kept() -> None:
    sampler = Sampler(1.0)

    assert 1.0 == sampler.inclusion_probability
    assert all(sampler.keeps(b"%d" % n) for n in range(1000))


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1, float("nan")])
def test_a_rate_outside_its_range_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="sampling rate"):
        Sampler(rate)


def test_the_header_identifies_before_the_key_and_the_key_before_the_position() -> None:
    def identity(key: bytes | None, headers: tuple[tuple[str, bytes], ...], name: str) -> bytes:
        position = Position("topic", 2, 17)
        record = RawRecord(position, key, b"{}", datetime.now(UTC), headers)
        return record.identity(name)

    headers = (("trace", b"t1"), ("request-id", b"r1"))
    assert b"r1" == identity(b"key", headers, "request-id")
    assert b"key" == identity(b"key", headers, "")
    assert b"key" == identity(b"key", headers, "absent")
    assert b"topic/2/17" == identity(None, headers, "absent")
    assert b"topic/2/17" == record_identity(b"", b"", source="topic", partition=2, offset=17)
