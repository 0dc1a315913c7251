"""Draws under a fixed seed: the permutations depend on it, and nothing else."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.bench.seeds import N_SEEDS, SeedOutcome
from monitor.drift import DriftResult, compare, compare_given

#: Both sides together are more than the 4,096 samples that are searched exactly.
N = 2_100


def directions(n: int, rng: np.random.Generator, *, towards: float = 0.0) -> NDArray[np.float64]:
    drawn = rng.standard_normal((n, 6)) + towards
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def without_p_values(result: DriftResult) -> tuple[object, ...]:
    clusters = [(cluster.members.tolist(), cluster.enrichment) for cluster in result.clusters]
    statistics = [test.statistic for test in result.tests]
    return (
        statistics,
        (result.drifted_share, result.drifted_share_interval),
        result.novelty.tolist(),
        clusters,
    )


@pytest.mark.slow
def test_compare_draws_only_permutations_from_the_seed() -> None:
    rng = np.random.default_rng(0)
    reference, current = directions(N, rng), directions(N, rng, towards=0.05)
    first, second = (
        compare(reference, current, rng=np.random.default_rng(seed), n_permutations=249)
        for seed in (1, 2)
    )
    assert without_p_values(first) == without_p_values(second)
    assert [test.p_value for test in first.tests] != [test.p_value for test in second.tests]


@pytest.mark.slow
def test_compare_given_draws_only_permutations_from_the_seed() -> None:
    rng = np.random.default_rng(0)
    prompts, responses = directions(1_000, rng), directions(1_000, rng)
    first, second = (
        compare_given(
            prompts[:500],
            responses[:500],
            prompts[500:],
            responses[500:],
            rng=np.random.default_rng(seed),
            n_permutations=1_999,
        )
        for seed in (1, 2)
    )
    assert without_p_values(first) == without_p_values(second)


def test_nineteen_of_twenty_verdicts_must_agree() -> None:
    def outcome(p_value: float, alarms: int) -> SeedOutcome:
        return SeedOutcome((p_value,) * N_SEEDS, (0.02,) * N_SEEDS, alarms)

    assert [outcome(0.02, alarms).is_equal for alarms in (0, 1, 2, 18, 19)] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert [outcome(p, 10).is_near_level for p in (0.0035, 0.0037, 0.0063, 0.0065)] == [
        False,
        True,
        True,
        False,
    ]
