"""Slow drift: fair bets without drift, and detection of growth."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.drift import SlowDrift, WindowSums, fit_watch_map, watch
from monitor.drift.slow.betting import Wealth, share_of_onset
from monitor.drift.slow.excess import learned_direction
from monitor.drift.slow.innovations import MAX_SCORE, Innovation, Series, innovation, normal_score
from monitor.drift.slow.window_sums import N_BINS, WatchMap
from tests.statistics.trials import trials

Vectors = NDArray[np.float64]

DIMENSION = 16
N_TOPICS = 12
N = 800
CENTRES = np.random.default_rng(0).standard_normal((N_TOPICS, DIMENSION))


def near(points: Vectors, rng: np.random.Generator, spread: float = 0.5) -> Vectors:
    vectors = points + spread * rng.standard_normal(points.shape)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def ordinary(n: int, rng: np.random.Generator) -> Vectors:
    return near(CENTRES[rng.integers(N_TOPICS, size=n)], rng)


def scattered(n: int, rng: np.random.Generator) -> Vectors:
    """Return prompts on random subjects."""
    return near(rng.standard_normal((n, DIMENSION)), rng)


def known_topic(n: int, rng: np.random.Generator) -> Vectors:
    """Return prompts on a topic of the reference."""
    return near(np.repeat(CENTRES[:1], n, axis=0), rng)


def watched(
    shares: Sequence[float],
    seed: int,
    novel: Callable[[int, np.random.Generator], Vectors] = scattered,
    **options: float,
) -> list[SlowDrift]:
    rng = np.random.default_rng(seed)
    reference = ordinary(N, rng)
    scores = fit_watch_map(reference, None, rng)
    weeks = [
        scores.sum_window(
            np.concatenate([ordinary(N - round(N * share), rng), novel(round(N * share), rng)])
        )
        for share in shares
    ]
    return watch(scores.sum_window(reference), weeks, **options)


def random_sums(rng: np.random.Generator, n: int, size: int = 1) -> WindowSums:
    """Return the sums of a random window of end users with identical messages."""
    bins = rng.integers(N_BINS, size=n // size).repeat(size)
    novelty = rng.exponential(size=n // size).repeat(size) ** 2
    cell = rng.integers(24, size=n // size).repeat(size)
    cells = np.zeros((N_BINS, 24))
    np.add.at(cells, (bins, cell), 1.0)

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(bins, weights=values, minlength=N_BINS).astype(np.float64)

    return WindowSums(total(np.ones(n)), total(novelty), total(1.0 * (novelty > 15.3)), cells)


@pytest.mark.slow
@trials(150, 600)
def test_wealth_is_fair_without_drift(n_trials: int) -> None:
    gains = [np.append(-np.full(week, 1.0 / week), 1.0) * np.sqrt(300.0) for week in range(1, 11)]
    largest, last = [], []
    for trial in range(n_trials):
        rng = np.random.default_rng(trial)
        wealth = Wealth()
        path = []
        for week, gain in enumerate(gains):
            novelty, topics = (Innovation(float(z), gain) for z in rng.standard_normal(2))
            wealth.bet(novelty, topics if week else None, range(week + 1))
            path.append(wealth.log_total)
        largest.append(np.exp(max(path)))
        last.append(np.exp(path[-1]))
    # Ville: at most one in ten ever has ten times what it began with.
    hits = int(np.sum(np.array(largest) >= 10.0))
    assert stats.binomtest(hits, len(largest), 0.1, alternative="greater").pvalue > 0.001
    assert 0 < hits
    trimmed = np.minimum(last, 30.0)
    assert trimmed.mean() < 1.0 + 4 * trimmed.std() / np.sqrt(len(trimmed))


def test_the_shares_of_all_onsets_add_up_to_one() -> None:
    assert sum(share_of_onset(week) for week in range(1, 100_000)) == pytest.approx(1.0, abs=1e-4)


def test_a_ramp_is_the_likelihood_ratio_of_means_that_grow() -> None:
    """Compare with the invariant likelihood ratio of Gaussian windows, by brute force."""
    rng = np.random.default_rng(3)
    means = rng.normal(0, 0.05, 5)
    precision = np.array([400.0, 300.0, 500.0, 200.0, 350.0])
    wealth = Wealth()
    for week in range(4):
        p, past = precision[: week + 2], precision[: week + 1] / precision[: week + 1].sum()
        error = np.sqrt(1 / p[-1] + 1 / p[:-1].sum())
        gain = np.append(-past, 1.0) / error
        wealth.bet(Innovation(float(gain @ means[: week + 2]), gain), None, range(week + 1))
    slope = 20.0 * 0.01
    for onset in range(4):
        path = slope * np.maximum(np.arange(5) - onset, 0)

        def squares(values: NDArray[np.float64]) -> float:
            return float(precision @ (values - precision @ values / precision.sum()) ** 2)

        ratio = (squares(means) - squares(means - path)) / 2
        assert wealth.logarithms[onset, 2] == pytest.approx(ratio)


@pytest.mark.parametrize(("skewness", "z"), [(0.0, 1.3), (0.4, 2.0), (-0.4, 2.0), (0.4, -1.0)])
def test_a_normal_score_is_the_quantile_of_a_skewed_sum(skewness: float, z: float) -> None:
    symmetric = stats.norm.isf(stats.t.sf(z, 150))
    expected = stats.norm.isf(stats.pearson3.sf(symmetric, skewness))
    assert normal_score(z, skewness, 150) == pytest.approx(expected, abs=1e-6)
    assert normal_score(40.0, skewness, 150) == MAX_SCORE


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 5])
@trials(100, 300)
def test_innovations_against_one_small_reference_are_independent_and_normal(
    size: int, n_trials: int
) -> None:
    """The reference is a sixth of all data; its error must not count every week."""
    detected = []
    for trial in range(n_trials):
        rng = np.random.default_rng(trial)
        series = Series.of([random_sums(rng, 500, size) for _ in range(6)])
        row = []
        for week in range(2, 6):
            seen = series[: week + 1]
            direction = learned_direction(seen[:-1])
            row += [innovation(seen, seen.novelty).z, innovation(seen, seen.project(direction)).z]
        detected.append(row)
    z = np.array(detected)
    error = 1.0 / np.sqrt(len(z))
    assert np.abs(z.mean(axis=0)).max() < 4 * error
    assert np.abs(z.std(axis=0) - 1.0).max() < 2.6 * error
    correlation = np.corrcoef(z.T)[np.triu_indices(8, 1)]
    assert np.abs(correlation).max() < 4.5 * error
    # Each week against the reference alone would be correlated by a half.
    assert (z > 1.645).mean() < 0.05 + 4 * np.sqrt(0.05 * 0.95 / z.size)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 5])
@trials(30, 80)
def test_slow_drift_is_seldom_called_where_there_is_none(size: int, n_trials: int) -> None:
    called = 0
    for trial in range(n_trials):
        rng = np.random.default_rng(trial)
        sums = [random_sums(rng, 400, size) for _ in range(13)]
        called += any(state.verdict == "drift" for state in watch(sums[0], sums[1:], alpha=0.1))
    assert stats.binomtest(called, n_trials, 0.1, alternative="greater").pvalue > 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("novel", "growth"), [(scattered, 0.01), (known_topic, 0.02)])
def test_growing_drift_is_detected(
    novel: Callable[[int, np.random.Generator], Vectors], growth: float
) -> None:
    shares = [0.0, 0.0, *(growth * week for week in range(1, 8))]
    detected, since = [], []
    for seed in range(6):
        states = watched(shares, seed, novel, minimum_drifted_share=0.01)
        assert not any(state.verdict == "drift" for state in states[:2])
        weeks = [week for week, state in enumerate(states, -1) if state.alarm]
        detected.append(weeks[0] if weeks else 99)
        newest = states[-1]
        lower, upper = newest.drifted_share_interval
        assert lower < newest.drifted_share < upper
        assert lower <= shares[-1]
        assert newest.p_value <= 0.05
        assert newest.onset_week is not None
        assert newest.detection_week is not None
        assert newest.onset_week <= newest.detection_week
        since.append(newest.onset_week)
    assert np.median(detected) <= 6
    assert 1 <= np.median(since) <= 5  # it began in the third week


def test_sudden_drift_is_not_slow_drift() -> None:
    (states,) = watched([0.2], 1)
    assert states.verdict == "no_drift"


def test_watch_restarts_after_drift_has_passed() -> None:
    shares = [*(0.02 * week for week in range(1, 6)), 0.0, 0.0, 0.0]
    states = watched(shares, 2, minimum_drifted_share=0.01)
    assert [state.verdict for state in states[3:]] == [*["drift"] * 3, *["no_drift"] * 2]
    assert [state.alarm for state in states[3:]] == [True, True, False, False, False]
    assert states[6].p_value == 1.0
    assert (states[6].onset_week, states[6].drifted_share_interval) == (None, (0.0, 0.0))
    again = watched(
        [*shares, *(0.02 * week for week in range(1, 6))], 2, minimum_drifted_share=0.01
    )
    assert again[:8] == states
    assert again[-1].verdict == "drift"
    assert again[-1].onset_week is not None
    assert again[-1].onset_week >= 7


def test_an_alarm_goes_on_while_drift_can_be_seen() -> None:
    states = watched([*(0.02 * week for week in range(1, 6)), 0.06], 2, minimum_drifted_share=0.07)
    assert states[-2].drifted_share >= 0.07 > states[-1].drifted_share
    assert states[-1].drifted_share_interval[0] > 0.0
    assert [state.alarm for state in states[-2:]] == [True, True]


def test_state_of_a_week_is_independent_of_later_weeks() -> None:
    shares = [0.01 * week for week in range(8)]
    assert watched(shares[:5], 4) == watched(shares, 4)[:5]


def test_drift_grows_in_weeks_without_an_evaluation_too() -> None:
    sums = [random_sums(np.random.default_rng(seed), 400) for seed in range(4)]
    sums = [replace(state, novelty=(1 + 0.2 * k) * state.novelty) for k, state in enumerate(sums)]
    close, apart = (
        watch(sums[0], sums[1:], numbers=numbers)[-1] for numbers in ([0, 1, 2], [0, 1, 9])
    )
    assert close.p_value != apart.p_value
    assert close == watch(sums[0], sums[1:], numbers=[5, 6, 7])[-1] == watch(sums[0], sums[1:])[-1]


def test_little_is_no_alarm() -> None:
    states = watched([0.01 * week for week in range(1, 8)], 0, minimum_drifted_share=0.5)
    assert states[-1].verdict == "drift"
    assert not states[-1].alarm


@pytest.fixture(scope="module")
def scores() -> WatchMap:
    rng = np.random.default_rng(9)
    return fit_watch_map(ordinary(300, rng), None, rng)


def test_sums_know_no_order_and_add_up_by_user(scores: WatchMap) -> None:
    rng = np.random.default_rng(10)
    vectors = ordinary(200, rng)
    users = [f"user {number % 40}" for number in range(200)]
    whole = scores.sum_window(vectors, users)
    order = rng.permutation(200)
    shuffled = scores.sum_window(vectors[order], [users[row] for row in order])
    parts = [scores.sum_window(vectors[rows], users[rows]) for rows in (slice(90), slice(90, 200))]
    for name, values in vars(whole).items():
        np.testing.assert_allclose(values, getattr(shuffled, name))
        np.testing.assert_allclose(values, sum(getattr(part, name) for part in parts))
    assert whole.counts.sum() == whole.cells.sum() == 200
    assert (whole.counts > 0).sum() <= 40
    doubled = scores.sum_window(vectors, users, np.full(200, 2.0))
    np.testing.assert_allclose(doubled.novelty, 2 * whole.novelty)


def test_copies_of_a_text_are_judged_by_one_half(scores: WatchMap) -> None:
    """Otherwise a copy in a window could be its own landmark."""
    vectors = np.repeat(ordinary(1, np.random.default_rng(11)), 50, axis=0)
    counts = scores.sum_window(vectors).counts
    assert sorted([counts[0::2].sum(), counts[1::2].sum()]) == [0, 50]
    assert (counts > 0).sum() > 10  # but no single unit


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"numbers": [2, 1]}, "must ascend"),
        ({"numbers": [1]}, "one for each of 2 weeks"),
        ({"alpha": 1.0}, "alpha must lie"),
        ({"minimum_drifted_share": -0.1}, "minimum_drifted_share must lie"),
    ],
)
def test_options_out_of_range_are_refused(options: dict, message: str) -> None:
    sums = random_sums(np.random.default_rng(0), 100)
    with pytest.raises(ValueError, match=message):
        watch(sums, [sums, sums], **options)


def test_a_reference_of_one_sample_a_half_is_refused() -> None:
    with pytest.raises(ValueError, match="too few samples"):
        fit_watch_map(ordinary(1, np.random.default_rng(0)), None, np.random.default_rng(0))
