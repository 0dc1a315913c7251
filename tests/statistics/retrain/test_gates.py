"""Error rates of the gates on candidates of known quality."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.retrain.gate_trials import candidate_trials, exact_pass_rate, hallucinator_passes
from monitor.settings import Gates
from monitor.statistics.bootstrap import bca_interval
from monitor.statistics.intervals import clopper_pearson, mcnemar_p_value
from monitor.statistics.multiplicity import holm
from monitor.store.training.candidate_results import CandidateComparison
from retrain.evaluation.gates.candidate_checks import _better_check
from retrain.evaluation.gates.comparison import adjust_together
from retrain.evaluation.gates.paired_tests import compare_graded, sign_flip_p_values
from tests.statistics.trials import trials


def at_most(k: int, n: int, rate: float) -> bool:
    """Return whether k of n trials agree with a true rate of at most ``rate``."""
    return k <= stats.binom.ppf(0.999, n, rate)


def compared(metric: str, p_better: float, p_worse: float) -> CandidateComparison:
    return CandidateComparison(
        benchmark="suite", metric=metric, split="new", reference="incumbent", n=150, n_unpaired=0,
        candidate_mean=0.5, reference_mean=0.5, difference=0, lower=0, upper=0,
        lower_bound=0, upper_bound=0,
        test="", p_better=p_better, p_worse=p_worse,
    )  # fmt: skip


def called_better(rng: np.random.Generator, *, n_items: int = 150) -> bool:
    """Evaluate a candidate whose responses equal the incumbent's in quality, by two metrics.

    They go together, as exact match and a graded metric do.
    """
    difficulty = rng.beta(1.5, 1.5, size=n_items)
    right = rng.random((2, n_items)) < difficulty
    graded = np.where(right, 1.0, np.round(rng.beta(1, 3, size=(2, n_items)), 2))
    won, lost = int((right[0] > right[1]).sum()), int((right[0] < right[1]).sum())
    family = adjust_together(
        [
            compared("exact_match", mcnemar_p_value(won, lost), mcnemar_p_value(lost, won)),
            compared("token_f1", *sign_flip_p_values(graded[0] - graded[1], rng, 999)),
        ]
    )
    return _better_check(family, "incumbent", Gates(), {}).outcome == "passed"


@pytest.mark.slow
@trials(1_500, 4_000)
def test_identical_candidate_is_called_better_within_alpha(n_trials: int) -> None:
    """The trials show that the rate is at most 5%, not only that they agree with it."""
    rng = np.random.default_rng(8)
    hits = sum(called_better(rng) for _ in range(n_trials))
    assert clopper_pearson(hits, n_trials, 0.001)[1] <= 0.05
    assert hits > 0


@pytest.mark.slow
@trials(8, 60)
def test_an_identical_candidate_is_seldom_promoted_or_rejected(n_trials: int) -> None:
    matches = candidate_trials(0.0, np.random.default_rng(1), n_trials=n_trials)
    assert at_most(matches.better, matches.n, 0.05)
    assert at_most(matches.promoted, matches.n, 0.05)
    assert at_most(matches.rejected, matches.n, 0.20)


@pytest.mark.slow
def test_a_candidate_that_is_much_better_is_mostly_called_so() -> None:
    matches = candidate_trials(0.3, np.random.default_rng(2), n_trials=12)
    assert matches.better >= 11


@pytest.mark.slow
def test_a_hallucinator_hardly_passes_the_bound_gate() -> None:
    n = 20_000
    passed = hallucinator_passes(
        0.03, np.random.default_rng(3), n_trials=n, n_prompts=500, gate="bound"
    )
    exact = exact_pass_rate(0.03, n_prompts=500, gate="bound")
    assert exact <= 0.01
    low, high = stats.binom.interval(0.9999, n, exact)
    assert low <= passed <= high


def test_the_point_gate_passes_a_hallucinator_often() -> None:
    assert exact_pass_rate(0.03, n_prompts=200, gate="point") == pytest.approx(0.28, abs=0.01)
    assert exact_pass_rate(0.03, n_prompts=200, gate="bound") < 0.05
    assert exact_pass_rate(0.005, n_prompts=500, gate="bound") > 0.85


def test_sign_flips_are_scipys_permutations() -> None:
    differences = np.random.default_rng(4).normal(0.2, 1, size=12)
    exact = stats.permutation_test(
        (differences, np.zeros(12)), lambda a, b, axis: (a - b).sum(axis=axis),
        permutation_type="samples", vectorized=True, n_resamples=np.inf,
    )  # fmt: skip
    exact_greater = float((exact.null_distribution >= exact.statistic - 1e-9).mean())
    greater, less = sign_flip_p_values(differences, np.random.default_rng(0), 40_000)
    assert greater == pytest.approx(exact_greater, abs=0.01)
    assert greater + less == pytest.approx(1, abs=0.01)


def test_p_values_of_a_graded_metric_hold_their_level() -> None:
    rng = np.random.default_rng(5)
    n_trials = 400
    hits = 0
    for _ in range(n_trials):
        quality = rng.beta(2, 2, size=60)
        first, second = (rng.beta(1 + 4 * quality, 1 + 4 * (1 - quality)) for _ in range(2))
        hits += sign_flip_p_values(first - second, rng, 499)[0] <= 0.05
    low, high = stats.binom.interval(0.999, n_trials, 0.05)
    assert low <= hits <= high


@pytest.mark.slow
def test_the_bootstrap_covers_a_skewed_mean() -> None:
    rng = np.random.default_rng(6)
    n_trials, covered = 300, 0
    for _ in range(n_trials):
        values = rng.beta(0.5, 3, size=80)
        lower, upper = bca_interval(values, rng, n_resamples=999)
        covered += lower <= 0.5 / 3.5 <= upper
    assert covered >= stats.binom.ppf(0.001, n_trials, 0.93)


def test_strata_that_differ_narrow_the_bootstrap() -> None:
    rng = np.random.default_rng(7)
    values = np.r_[rng.normal(0, 0.1, 50), rng.normal(1, 0.1, 50)]
    whole = np.subtract(*bca_interval(values, rng)[::-1])
    split = np.subtract(
        *bca_interval(values, rng, strata=[np.arange(50), np.arange(50, 100)])[::-1]
    )
    assert split < whole / 3


def test_identical_responses_are_bounded_by_how_many_there_are() -> None:
    for n, widest in ((20, 0.2), (1000, 0.005)):
        same = np.full(n, 0.5)
        matches = compare_graded(
            same, same, np.random.default_rng(0), strata=[np.arange(n)], confidence=0.95
        )
        assert (matches.difference, matches.p_better, matches.p_worse) == (0, 1, 1)
        assert -widest < matches.lower_bound < 0 < matches.upper_bound < widest


@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
def test_holm_steps_down(p_values: list[float]) -> None:
    """Compare with the definition: reject in order of p until p > alpha / (tests left)."""
    adjusted = holm(p_values)
    for alpha in (0.01, 0.05, 0.2):
        rejected: set[int] = set()
        for left, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
            if p_values[index] * (len(p_values) - left) > alpha:
                break
            rejected.add(index)
        assert {i for i, p in enumerate(adjusted) if p <= alpha} == rejected
