"""Short form of the simulated weeks of `make bench AREA=review`."""

import numpy as np
import pytest
from scipy import stats

from bench.review.remedies import MIXES, make_pools, route
from bench.review.weeks import DRIFTED, QUIET, REPEATED, World, estimates, simulate_week
from bench.review.years import Plan, false_recommendations, rises_found
from monitor.review.decision.error_rate import estimate_rate
from monitor.review.decision.weighted_rate import (
    Cell,
    WeightedReview,
    effective_number,
    stratified_rate,
    weighted_share,
)
from monitor.settings import Review

WORLDS = (DRIFTED, QUIET, REPEATED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("world", "n_trials"),
    [
        # Fewer quiet weeks don't tell the standard deviations apart.
        *((world, 130 if world is QUIET else 60) for world in WORLDS),
        *(pytest.param(world, 200, marks=pytest.mark.drill) for world in WORLDS),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_estimates_of_a_week_are_unbiased_and_their_intervals_cover(
    world: World, n_trials: int
) -> None:
    errors: dict[str, list[float]] = {}
    covered: dict[str, list[bool]] = {}
    for seed in range(n_trials):
        week = simulate_week(world, Review(), np.random.default_rng([50, seed]))
        control = estimate_rate(week.control.errors, week.control.n)
        matches = {**estimates(week), "control": (control.rate, control.lower, control.upper)}
        for name, (rate, lower, upper) in matches.items():
            truth = week.truth["" if name == "control" else name]
            errors.setdefault(name, []).append(rate - truth)
            covered.setdefault(name, []).append(lower <= truth <= upper)
    for name in ("", "control"):
        standard_error = np.std(errors[name]) / np.sqrt(n_trials)
        assert abs(np.mean(errors[name])) < 4 * standard_error, name
    # What every slice adds pays: the control slice alone varies more.
    assert np.std(errors[""]) < 0.95 * np.std(errors["control"])
    for name, hits in covered.items():
        nominal = 0.95 if name in {"", "control"} else 0.92  # domains of some five items a week
        assert stats.binomtest(sum(hits), len(hits), nominal, "less").pvalue > 0.001, name


def test_the_rule_errs_rarely_and_sees_a_rise_soon() -> None:
    plan = Plan()
    assert false_recommendations(plan, 400, seed=5) / 400 < 0.20 + 3 * 0.02
    assert rises_found(plan, 0.10, 4, 400, seed=5) / 400 > 0.90 - 3 * 0.015
    assert rises_found(plan, 0.0, 4, 400, seed=5) / 400 < 0.05


@pytest.mark.slow
def test_responses_are_weighed_not_counted() -> None:
    pools = make_pools(12, Review(), seed=5)
    judgement, fix_context, apart = (route(pools, mix, Review(), seed=5) for mix in MIXES)
    assert 12 == judgement.retrain
    assert 12 == fix_context.fix_context
    assert apart.fix_context >= 11
    assert apart.counted_for_training >= 9  # which is wrong


def equal(n: int, wrong: int, probability: float = 0.0) -> list[WeightedReview]:
    return [WeightedReview(number < wrong, 1.0, probability) for number in range(n)]


def test_equal_weights_are_plain_counting() -> None:
    matches = stratified_rate([Cell(1.0, equal(60, 9))], n_window=1e12)
    assert matches is not None
    plain = estimate_rate(9, 60)
    assert pytest.approx(plain.rate) == matches.rate
    assert pytest.approx((plain.lower, plain.upper), abs=1e-6) == (matches.lower, matches.upper)
    assert pytest.approx(60) == matches.effective_n


def test_unequal_weights_are_worth_fewer_reviews() -> None:
    sample = [
        WeightedReview(number == 0, 10.0 if number == 0 else 1.0, 0.0) for number in range(11)
    ]
    assert pytest.approx(20**2 / (10**2 + 10)) == effective_number(sample, 0.5)  # Kish
    matches = weighted_share(sample)
    assert matches is not None
    assert pytest.approx(0.5) == matches.rate


def test_error_rate_of_a_fully_reviewed_window_is_exact() -> None:
    matches = stratified_rate([Cell(1.0, equal(40, 4, probability=1.0))], n_window=1e12)
    assert matches is not None
    assert pytest.approx((0.1, 0.1), abs=1e-4) == (matches.lower, matches.upper)
    # As a sample of the traffic the window is no larger than it is.
    matches = stratified_rate([Cell(1.0, equal(40, 4, probability=1.0))], n_window=40)
    assert matches is not None
    assert pytest.approx(estimate_rate(4, 40).upper) == matches.upper


def test_small_stratum_is_merged_and_empty_one_stays() -> None:
    cells = [Cell(0.8, equal(50, 5)), Cell(0.15, equal(2, 2)), Cell(0.05, [])]
    matches = stratified_rate(cells, n_window=1e12)
    assert matches is not None
    assert pytest.approx(7 / 52) == matches.rate
    assert None is stratified_rate([Cell(1.0, [])], n_window=100)
