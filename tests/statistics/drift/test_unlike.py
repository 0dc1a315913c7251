"""Sets of samples that are unlike a baseline: their shares without drift, and with new samples."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.drift.looks.rate_rise import by_user_day, rise_p_value
from monitor.drift.looks.unlike import TAIL, Samples, find_isolated, find_unlike

DIMENSION = 16


def topics(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return rng.standard_normal((n, DIMENSION))


def around(centres: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float32]:
    rows = centres + 0.4 * rng.standard_normal(centres.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def samples(
    rng: np.random.Generator,
    centres: NDArray[np.float64],
    n_users: int,
    messages: int = 1,
) -> Samples:
    """Draw users with a favourite topic each."""
    favourite = rng.integers(0, len(centres), n_users).repeat(messages)
    keys = rng.integers(0, 2**62, n_users).astype(np.uint64).repeat(messages)
    return Samples(around(centres[favourite], rng), keys)


def smallest_p(reference: Samples, current: Samples, rng: np.random.Generator) -> float:
    sets = (find_isolated(reference, current, rng), *find_unlike(reference, current, rng))
    return min(
        rise_p_value(
            by_user_day(
                unlike.reference, reference.users, np.zeros(len(reference), dtype=np.int64)
            ),
            by_user_day(unlike.current, current.users, np.zeros(len(current), dtype=np.int64)),
            lambda rate: rate + 0.05,
        )
        for unlike in sets
    )


@pytest.mark.slow
@pytest.mark.parametrize("messages", [1, 8])
def test_unlike_share_of_users_with_favourites_is_that_of_baseline(messages: int) -> None:
    shares, p = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        centres = topics(rng, 40)
        reference = samples(rng, centres, 1_600 // messages, messages)
        current = samples(rng, centres, 400 // messages, messages)
        first, second = find_unlike(reference, current, rng)
        shares += [np.nanmean(first.current), np.nanmean(second.current)]
        p.append(smallest_p(reference, current, rng))
    assert np.mean(shares) == pytest.approx(TAIL, abs=0.025)
    assert min(p) > 0.001


def test_new_topic_is_unlike_the_baseline_and_surely_so() -> None:
    rng = np.random.default_rng(1)
    centres = topics(rng, 41)
    reference = samples(rng, centres[:40], 2_000)
    ordinary, new = samples(rng, centres[:40], 560), samples(rng, centres[40:], 140)
    current = Samples(
        np.concatenate([ordinary.vectors, new.vectors]), np.r_[ordinary.users, new.users]
    )
    inside = np.nansum([unlike.current for unlike in find_unlike(reference, current, rng)], axis=0)
    assert inside[560:].mean() > 0.9
    assert smallest_p(reference, current, rng) < 1e-7


def test_unlike_halves_split_users_and_need_enough() -> None:
    rng = np.random.default_rng(2)
    centres = topics(rng, 5)
    reference, current = samples(rng, centres, 300, 2), samples(rng, centres, 100, 2)
    first, second = find_unlike(reference, current, rng)
    assert (np.isfinite(first.current) ^ np.isfinite(second.current)).all()
    for user in np.unique(current.users):
        assert len(np.unique(np.isfinite(first.current[current.users == user]))) == 1
    assert find_unlike(reference, samples(rng, centres, 10), rng) == ()
