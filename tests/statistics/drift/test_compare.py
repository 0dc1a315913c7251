"""``compare`` on synthetic windows: calibration, power, invariances, invalid input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from monitor.drift import DriftResult, compare
from tests.statistics.trials import trials

DIMENSION = 16


def unit(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def topics(rng: np.random.Generator) -> NDArray[np.float64]:
    return unit(rng.standard_normal((12, DIMENSION)))


def messages(
    centres: NDArray[np.float64], topic: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    return unit(centres[topic] + 0.15 * rng.standard_normal((len(topic), DIMENSION)))


def ordinary(n: int, centres: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    return messages(centres, rng.integers(10, size=n), rng)


def users(
    n_users: int, centres: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return groups of five messages on one topic per end user."""
    topic = np.repeat(rng.integers(10, size=n_users), 5)
    return messages(centres, topic, rng), np.repeat(np.arange(n_users), 5)


def acceptable(rejections: int, trials: int, alpha: float) -> bool:
    """Return whether a valid test rejects this often with a probability above 1 in 1,000."""
    return bool(stats.binom.sf(rejections - 1, trials, alpha) > 0.001)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_reference", "n_current"), [(150, 150), (700, 60), (60, 700), (600, 600)]
)
@trials(4, 60)
def test_true_null_is_rejected_at_most_at_alpha(
    n_reference: int, n_current: int, n_trials: int
) -> None:
    rejections = 0
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        centres = topics(rng)
        result = compare(
            ordinary(n_reference, centres, rng),
            ordinary(n_current, centres, rng),
            rng=rng,
            n_permutations=99,
            alpha=0.05,
            minimum_drifted_share=0.0,
        )
        rejections += result.p_value <= 0.05
    assert acceptable(rejections, n_trials, 0.05)


@pytest.mark.slow
@trials(4, 50)
def test_users_calibrate_only_with_groups(n_trials: int) -> None:
    n_grouped = n_ungrouped = 0
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        centres = topics(rng)
        reference, reference_users = users(60, centres, rng)
        current, current_users = users(40, centres, rng)
        grouped = compare(
            reference,
            current,
            reference_groups=[f"r{u}" for u in reference_users],
            current_groups=[f"c{u}" for u in current_users],
            rng=rng,
            n_permutations=99,
            alpha=0.05,
            minimum_drifted_share=0.0,
        )
        n_grouped += grouped.p_value <= 0.05
        n_ungrouped += (
            compare(
                reference,
                current,
                rng=rng,
                n_permutations=99,
                alpha=0.05,
                minimum_drifted_share=0.0,
            ).p_value
            <= 0.05
        )
    assert acceptable(n_grouped, n_trials, 0.05)
    assert n_ungrouped >= n_trials / 2


@trials(4, 50)
def test_users_with_different_activity_stay_calibrated(n_trials: int) -> None:
    rejections = 0
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        centres = topics(rng)
        result = compare(
            ordinary(400, centres, rng),
            ordinary(200, centres, rng),
            reference_groups=np.arange(400) // 8,
            current_groups=1000 + np.arange(200),
            rng=rng,
            n_permutations=99,
            alpha=0.05,
            minimum_drifted_share=0.0,
        )
        rejections += result.p_value <= 0.05
    assert acceptable(rejections, n_trials, 0.05)


def drifted(seed: int, share: float = 0.2, n: int = 300) -> tuple[DriftResult, NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    centres = topics(rng)
    is_new = np.arange(n) < share * n
    current = messages(centres, np.where(is_new, 11, rng.integers(10, size=n)), rng)
    reference = ordinary(500, centres, rng)
    return compare(
        reference, current, rng=rng, n_permutations=199, alpha=0.05, minimum_drifted_share=0.0
    ), is_new


def test_finds_and_localises_a_new_topic() -> None:
    result, is_new = drifted(0)
    assert result.verdict == "drift"
    assert result.p_value == 1 / 200
    assert is_new[np.argsort(-result.novelty)[:40]].mean() > 0.9
    members = np.concatenate([cluster.members for cluster in result.clusters])
    assert is_new[members].mean() > 0.9
    assert all(cluster.medoid in cluster.members for cluster in result.clusters)
    assert all(
        1.0 < cluster.enrichment_lower <= cluster.enrichment <= cluster.enrichment_upper < np.inf
        for cluster in result.clusters
    )


@pytest.mark.slow
@trials(4, 30)
def test_drifted_share_bound_is_below_the_truth_and_positive(n_trials: int) -> None:
    bounds = [drifted(seed)[0].drifted_share_interval[0] for seed in range(n_trials)]
    assert acceptable(sum(bound > 0.2 for bound in bounds), n_trials, 0.05)
    assert np.mean(bounds) > 0.08


def test_drifted_share_below_the_minimum_is_no_drift() -> None:
    rng = np.random.default_rng(1)
    centres = topics(rng)
    reference, current = ordinary(400, centres, rng), ordinary(400, centres, rng)
    current[:120] = messages(centres, np.full(120, 11), rng)
    result = compare(
        reference, current, rng=rng, n_permutations=199, minimum_drifted_share=0.9, alpha=0.05
    )
    assert result.p_value <= 0.05
    assert result.verdict == "no_drift"


@pytest.mark.parametrize(
    ("n_reference", "n_current"), [(0, 0), (0, 50), (50, 0), (1, 1), (500, 19)]
)
def test_few_samples_are_not_enough_data(n_reference: int, n_current: int) -> None:
    rng = np.random.default_rng(0)
    centres = topics(rng)
    result = compare(
        ordinary(n_reference, centres, rng),
        ordinary(n_current, centres, rng),
        rng=rng,
        alpha=0.05,
        minimum_drifted_share=0.0,
    )
    assert result.verdict == "not_enough_data"
    assert np.isnan(result.p_value)
    assert result.novelty.shape == (n_current,)


def test_few_users_are_not_enough_data() -> None:
    rng = np.random.default_rng(0)
    window = ordinary(400, topics(rng), rng)
    result = compare(
        window,
        window,
        current_groups=np.arange(400) % 19,
        rng=rng,
        alpha=0.05,
        minimum_drifted_share=0.0,
    )
    assert result.verdict == "not_enough_data"


@pytest.mark.parametrize("n_distinct", [1, 2, 5])
def test_duplicates_are_no_drift_and_no_error(n_distinct: int) -> None:
    rng = np.random.default_rng(0)
    labels = topics(rng)[:n_distinct]
    reference = labels[np.arange(300) % n_distinct]
    current = labels[np.arange(200) % n_distinct]
    result = compare(
        reference, current, rng=rng, n_permutations=199, alpha=0.05, minimum_drifted_share=0.0
    )
    assert result.verdict == "no_drift"
    assert np.isfinite(result.novelty).all()
    assert result.drifted_share_interval[0] == 0.0


def test_a_shift_between_duplicates_is_drift() -> None:
    rng = np.random.default_rng(0)
    labels = topics(rng)[:2]
    reference = labels[(np.arange(300) % 10 == 0).astype(int)]
    current = labels[(np.arange(300) % 3 == 0).astype(int)]
    assert (
        compare(
            reference, current, rng=rng, n_permutations=199, alpha=0.05, minimum_drifted_share=0.0
        ).verdict
        == "drift"
    )


@pytest.mark.parametrize("n_reference", [60, 65, 84])
def test_one_prompt_with_a_small_p_value_is_no_error(n_reference: int) -> None:
    prompt = np.eye(1, 16)
    result = compare(
        prompt.repeat(n_reference, axis=0),
        prompt.repeat(144, axis=0),
        n_permutations=199,
        rng=1,
    )
    assert result.p_value <= 0.05
    assert result.moved_share_interval[0] == 0.0


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_the_order_of_samples_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    centres = topics(rng)
    reference, current = ordinary(120, centres, rng), ordinary(80, centres, rng)
    order_r, order_c = rng.permutation(120), rng.permutation(80)
    first = compare(
        reference,
        current,
        rng=np.random.default_rng(7),
        n_permutations=99,
        alpha=0.05,
        minimum_drifted_share=0.0,
    )
    second = compare(
        reference[order_r],
        current[order_c],
        rng=np.random.default_rng(7),
        n_permutations=99,
        alpha=0.05,
        minimum_drifted_share=0.0,
    )
    assert second.p_value == first.p_value
    np.testing.assert_allclose(second.novelty, first.novelty[order_c], atol=1e-6)


@pytest.mark.slow
def test_equal_generators_give_equal_results() -> None:
    first, second = drifted(3)[0], drifted(3)[0]
    assert first.p_value == second.p_value
    np.testing.assert_array_equal(first.novelty, second.novelty)


def test_rotating_the_space_changes_no_conclusion() -> None:
    rng = np.random.default_rng(0)
    centres = topics(rng)
    reference, current = ordinary(300, centres, rng), ordinary(300, centres, rng)
    current[:60] = messages(centres, np.full(60, 11), rng)
    rotation = np.linalg.qr(rng.standard_normal((DIMENSION, DIMENSION)))[0]
    plain = compare(
        reference, current, rng=rng, n_permutations=199, alpha=0.05, minimum_drifted_share=0.0
    )
    rotated = compare(
        reference @ rotation,
        current @ rotation,
        rng=rng,
        n_permutations=199,
        alpha=0.05,
        minimum_drifted_share=0.0,
    )
    assert rotated.verdict == plain.verdict == "drift"
    np.testing.assert_allclose(rotated.novelty, plain.novelty, atol=1e-4)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.ones(5), r"array \[n, d\]"),
        (np.full((60, DIMENSION), np.nan), "finite"),
        (np.ones((60, DIMENSION)), "unit norm"),
        (np.eye(8), "one encoder"),
        (np.array([["a"]]), "real numbers"),
    ],
)
def test_bad_vectors_are_refused(bad: NDArray[np.float64], words: str) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=words):
        compare(ordinary(60, topics(rng), rng), bad, rng=rng, alpha=0.05, minimum_drifted_share=0.0)


def test_wrong_number_of_groups_is_refused() -> None:
    rng = np.random.default_rng(0)
    window = ordinary(60, topics(rng), rng)
    with pytest.raises(ValueError, match="one id for each sample"):
        compare(
            window, window, current_groups=["u"], rng=rng, alpha=0.05, minimum_drifted_share=0.0
        )


def test_too_few_permutations_for_alpha_are_refused() -> None:
    rng = np.random.default_rng(0)
    window = ordinary(60, topics(rng), rng)
    with pytest.raises(ValueError, match="at least 999"):
        compare(window, window, alpha=0.001, n_permutations=99, rng=rng, minimum_drifted_share=0.0)


@pytest.mark.slow
def test_few_labellings_are_drawn_where_nothing_is_near_significant() -> None:
    drawn = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        centres = topics(rng)
        sides = (ordinary(80, centres, rng), ordinary(80, centres, rng))
        result = compare(
            *sides,
            rng=rng,
            n_permutations=1999,
            locate=False,
            alpha=0.05,
            minimum_drifted_share=0.0,
        )
        drawn.add(result.n_permutations)
        # What was told early could not have become significant: the limits fall.
        assert result.p_value > {250: 0.3, 1000: 0.1, 1999: 0.0}[result.n_permutations]
    assert {250, 1000} <= drawn


def test_without_locating_all_else_is_the_same() -> None:
    rng = np.random.default_rng(3)
    centres = topics(rng)
    sides = (ordinary(300, centres, rng), messages(centres, rng.integers(12, size=300), rng))
    whole, part = (
        compare(
            *sides,
            rng=np.random.default_rng(0),
            n_permutations=199,
            locate=locate,
            alpha=0.05,
            minimum_drifted_share=0.0,
        )
        for locate in (True, False)
    )
    assert whole.clusters
    assert whole.novelty.any()
    assert (part.clusters, part.novelty.any(), len(part.novelty)) == ((), False, 300)
    assert (part.p_value, part.drifted_share_interval[0]) == (
        whole.p_value,
        whole.drifted_share_interval[0],
    )
    assert part.tests == whole.tests


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_swapped_sides_change_signs_only(seed: int) -> None:
    rng = np.random.default_rng(seed)
    centres = topics(rng)
    first, two = ordinary(90, centres, rng), messages(centres, rng.integers(12, size=90), rng)
    names = [f"u{i}" for i in range(90)], [f"v{i}" for i in range(90)]
    forth, back = (
        {
            test.name: test
            for test in compare(
                *sides,
                reference_groups=groups[0],
                current_groups=groups[1],
                rng=np.random.default_rng(0),
                n_permutations=19,
                locate=False,
                alpha=0.05,
                minimum_drifted_share=0.0,
            ).tests
        }
        for sides, groups in (((first, two), names), ((two, first), names[::-1]))
    )
    assert back["scattered"].statistic == pytest.approx(-forth["scattered"].statistic)
    assert back["scattered"].effect_size == pytest.approx(-forth["scattered"].effect_size)
    assert back["diffusion"].statistic == pytest.approx(forth["diffusion"].statistic, rel=1e-4)
