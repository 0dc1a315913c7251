"""Share that moved between categories: bias and coverage, by the shape of the change."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.drift import compare, compare_mix
from monitor.drift.input.moved_share import MovedShare, share_of_differences
from tests.statistics.trials import trials

#: Task types and sizes of both sides: 4 of the 24 settings in the short form, all as a drill.
SHORT = [(5, 1000), (20, 3000), (75, 1000), (150, 3000)]
LONG = [(k, n) for k in (5, 20, 75, 150) for n in (1000, 3000)]
#: Largest bias of the mean estimate where the share moved to one task type.
BIAS = 0.01
#: The same where the test itself hardly sees the change: 5% of 1,000 exchanges of 5 task types.
BIAS_OF_UNSEEN = 0.025


def settings(values: list[tuple[int, int]]) -> list[object]:
    return [
        pytest.param(*value, marks=[] if value in SHORT else [pytest.mark.drill])
        for value in values
    ]


def gain_of_one(shares: NDArray[np.float64], moved: float) -> NDArray[np.float64]:
    """Move a share to one category, from all others in proportion."""
    current = shares.copy()
    lost = moved / (1.0 - shares[1])
    current *= 1.0 - lost
    current[1] += lost
    return current


def gain_of_half(shares: NDArray[np.float64], moved: float) -> NDArray[np.float64]:
    """Move a share from every second category to the others: the hardest change to see."""
    current = shares.copy()
    gains = np.arange(len(shares)) % 2 == 0
    current[gains] += moved * shares[gains] / shares[gains].sum()
    current[~gains] -= moved * shares[~gains] / shares[~gains].sum()
    return current


def draw(
    p: NDArray[np.float64], q: NDArray[np.float64], n: int, rng: np.random.Generator
) -> MovedShare:
    """Estimate from samples without users: random labels draw from the table of both sides."""
    reference, current = rng.multinomial(n, p), rng.multinomial(n, q)
    total = reference + current
    random = rng.multivariate_hypergeometric(total, n, size=300)
    return share_of_differences(
        reference / n, current / n, (n, n), random / n - (total - random) / n
    )


@pytest.mark.parametrize(("n_categories", "n"), settings(LONG))
@pytest.mark.parametrize("moved", [0.0, 0.05, 0.2])
@trials(5, 200)
def test_share_moved_to_one_category_is_estimated_without_bias(
    n_categories: int, n: int, moved: float, n_trials: int
) -> None:
    rng = np.random.default_rng([n_categories, n, int(100 * moved)])
    shares = np.full(n_categories, 1.0 / n_categories)
    results = [draw(shares, gain_of_one(shares, moved), n, rng) for _ in range(n_trials)]
    estimates = np.array([result.estimate for result in results])
    error = 4.0 * estimates.std() / np.sqrt(n_trials)
    bias = BIAS_OF_UNSEEN if (n_categories, n, moved) == (5, 1000, 0.05) else BIAS
    assert abs(estimates.mean() - moved) <= bias + error
    covered = sum(result.lower <= moved <= result.upper for result in results)
    assert covered >= stats.binom.ppf(0.001, n_trials, 0.95)


@pytest.mark.parametrize(("moved", "distance"), [(0.0, 0.155), (0.05, 0.176)])
def test_distance_of_samples_exceeds_that_of_mixes(moved: float, distance: float) -> None:
    rng = np.random.default_rng(0)
    p = np.full(75, 1.0 / 75)
    draws = [rng.multinomial(1000, side, size=200) for side in (p, gain_of_one(p, moved))]
    mean = np.abs(draws[1] - draws[0]).sum(axis=1).mean() / 2000
    assert mean == pytest.approx(distance, abs=0.005)


@pytest.mark.parametrize(("n_categories", "n"), settings(LONG))
@pytest.mark.parametrize("moved", [0.05, 0.2])
@trials(5, 200)
def test_interval_covers_a_change_of_all_categories(
    n_categories: int, n: int, moved: float, n_trials: int
) -> None:
    """The estimate is too low then, since the noise hides it; the interval says so."""
    rng = np.random.default_rng([n_categories, n, int(100 * moved)])
    shares = 1.0 / np.arange(1, n_categories + 1)
    shares /= shares.sum()
    results = [draw(shares, gain_of_half(shares, moved), n, rng) for _ in range(n_trials)]
    assert all(result.lower <= result.estimate <= result.upper for result in results)
    covered = sum(result.lower <= moved <= result.upper for result in results)
    assert covered >= stats.binom.ppf(0.001, n_trials, 0.95)


@trials(6, 200)
def test_interval_contains_zero_without_drift_with_talkative_users(n_trials: int) -> None:
    """A user of ten alike messages is one observation; the plain distance says a third moved."""
    contains, distances = 0, []
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        tasks = [[f"task {t}" for t in rng.integers(75, size=n).repeat(10)] for n in (200, 100)]
        result = compare_mix(
            *tasks,
            reference_groups=np.arange(200).repeat(10),
            current_groups=np.arange(100).repeat(10),
            rng=rng,
            n_permutations=199,
        )
        distances.append(result.effect_size)
        contains += result.moved_share_interval[0] == 0.0
    assert np.mean(distances) > 0.3
    assert contains >= stats.binom.ppf(0.001, n_trials, 0.95)


def test_new_category_in_a_small_window_has_its_own_noise() -> None:
    """Labels mixed with 20,000 of the baseline say too little about the noise of 20% of 300."""
    shares = np.array([0.5, 0.5, 0.0])
    current = np.array([0.4, 0.4, 0.2])
    rng = np.random.default_rng(0)
    total = np.array([10_120, 10_120, 60])
    random = rng.multivariate_hypergeometric(total, 300, size=300)
    result = share_of_differences(
        shares, current, (20_000, 300), random / 300 - (total - random) / 20_000
    )
    assert result.estimate == pytest.approx(0.2, abs=0.02)
    # Two standard errors of a share of 20% of 300 are 4.6 points.
    assert result.lower <= 0.165
    assert result.upper >= 0.235


def test_equal_and_disjoint_mixes_have_shares_of_zero_and_one() -> None:
    rng = np.random.default_rng(0)
    names = [f"task {number % 7}" for number in range(700)]
    same = compare_mix(names, names, rng=rng, n_permutations=99)
    assert same.moved_share == pytest.approx(0.0, abs=1e-3)
    assert same.moved_share_interval[0] == 0.0
    other = compare_mix(["a"] * 300, ["b"] * 300, rng=rng, n_permutations=99)
    assert other.moved_share == pytest.approx(1.0, abs=0.01)
    assert other.moved_share_interval[1] == 1.0


def test_moved_share_is_the_same_in_any_order() -> None:
    rng = np.random.default_rng(3)
    names = rng.choice([f"task {number}" for number in range(30)], 900).tolist()
    users = [f"user {number % 300}" for number in range(900)]
    order = rng.permutation(600)
    results = [
        compare_mix(
            [names[row] for row in rows],
            names[600:],
            reference_groups=[users[row] for row in rows],
            current_groups=users[600:],
            rng=np.random.default_rng(0),
            n_permutations=99,
        )
        for rows in (range(600), order)
    ]
    assert results[0].moved_share == pytest.approx(results[1].moved_share, abs=1e-9)


def test_a_category_is_never_missing_from_many() -> None:
    """Of 400 task types all but 200 are one for the estimate: a gain of a common one is seen."""
    rng = np.random.default_rng(0)
    names = [f"task {number:03d}" for number in range(400)]
    result = compare_mix(
        rng.choice(names, 3000).tolist(),
        [*rng.choice(names, 2700).tolist(), *["task 007"] * 300],
        rng=rng,
        n_permutations=199,
    )
    assert result.moved_share == pytest.approx(0.1, abs=0.03)
    assert result.moved_share_interval[0] > 0.04


def points(topics: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw vectors around one centre a topic."""
    centres = np.random.default_rng(99).standard_normal((12, 16))
    drawn = centres[topics] + 0.35 * rng.standard_normal((len(topics), 16))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def another_mix(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw both sides: of ten topics, five grow by half and five shrink by half."""
    topics = rng.choice(10, size=1000, p=np.tile([0.15, 0.05], 5))
    return points(rng.integers(10, size=1000), rng), points(topics, rng)


@pytest.mark.slow
def test_prompts_that_moved_between_known_topics_are_a_mix() -> None:
    """Of ten topics five grow by half and five shrink by half; the alarm needs new prompts."""
    rng = np.random.default_rng(1)
    topics = rng.choice(10, size=1000, p=np.tile([0.15, 0.05], 5))
    sides = points(rng.integers(10, size=1000), rng), points(topics, rng)
    result = compare(*sides, locate=False, n_permutations=999, minimum_drifted_share=0.2)
    assert result.alpha == pytest.approx(0.005)
    assert result.p_value <= result.alpha
    assert result.moved_share == pytest.approx(0.25, abs=0.06)
    lower, upper = result.moved_share_interval
    assert 0.1 < lower < 0.25 < upper
    assert result.drifted_share < 0.1
    assert result.is_mix
    assert "moved" in str(result)
    assert result.verdict == "no_drift"


@pytest.mark.slow
def test_prompts_of_a_new_topic_are_no_mix() -> None:
    rng = np.random.default_rng(1)
    reference = points(rng.integers(10, size=1000), rng)
    topics = np.concatenate([rng.integers(10, size=560), np.full(140, 11)])
    result = compare(reference, points(topics, rng), locate=False, n_permutations=999)
    assert result.verdict == "drift"
    assert result.drifted_share == pytest.approx(0.2, abs=0.05)
    assert result.moved_share == pytest.approx(0.2, abs=0.05)
    assert not result.is_mix


def test_moved_share_is_unknown_without_significance() -> None:
    rng = np.random.default_rng(1)
    sides = [points(rng.integers(10, size=400), rng) for _ in range(2)]
    result = compare(*sides, locate=False, n_permutations=999)
    assert result.p_value > 0.05
    assert (result.moved_share, result.moved_share_interval) == (None, (0.0, 1.0))
    assert not result.is_mix


@pytest.mark.parametrize("seed", range(12))
def test_shares_lie_in_their_interval_for_any_table(seed: int) -> None:
    """Few users, one-sided categories, sides of very different sizes."""
    rng = np.random.default_rng(seed)
    n_users = rng.integers(2, 60, size=2) * (1, 40 if seed % 3 == 0 else 1)
    n_categories = int(rng.integers(2, 40))
    sides = [
        rng.zipf(1.5, size=3 * n) % n_categories + seed % 2 * at for at, n in enumerate(n_users)
    ]
    result = compare_mix(
        *([f"task {number}" for number in side] for side in sides),
        reference_groups=np.arange(n_users[0]).repeat(3),
        current_groups=np.arange(n_users[1]).repeat(3),
        rng=rng,
        n_permutations=99,
    )
    if np.isnan(result.p_value):  # one category on both sides
        assert np.isnan(result.moved_share)
        return
    lower, upper = result.moved_share_interval
    assert 0.0 <= lower <= result.moved_share <= upper <= 1.0
    assert upper >= result.effect_size / 3
