"""Metrics, and the comparison of numbers."""

import numpy as np
import pytest
from scipy import stats

from monitor.drift import compare_numeric
from monitor.settings import Drift
from monitor.windows import alarm_rule
from monitor.windows.comparison.metric_directions import direction_of
from monitor.windows.comparison.metrics import metric_names, metric_values, number_of

ALONE = [""] * 5000


def compared(reference, current, reference_users=ALONE, current_users=ALONE):
    x, y = np.asarray(reference, dtype=float), np.asarray(current, dtype=float)
    return compare_numeric(
        x, y, reference_groups=reference_users[: len(x)], current_groups=current_users[: len(y)]
    )


def test_without_users_it_is_brunner_and_munzels_test() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.poisson(3, 80), rng.poisson(4, 60)
    result = compared(x, y)
    expected = stats.brunnermunzel(x, y)
    # Brunner and Munzel divide by n - 1 and take ranks: to first order the same.
    assert result.p_value == pytest.approx(expected.pvalue, rel=0.02)
    pairs = np.sign(y[:, None] - x[None, :])
    assert result.effect_size == pytest.approx(pairs.mean(), abs=1e-12)


def test_of_booleans_the_effect_is_the_difference_of_shares() -> None:
    result = compared([1] * 80 + [0] * 20, [1] * 50 + [0] * 50)
    assert result.effect_size == pytest.approx(-0.3)
    assert result.relative_change == pytest.approx(0.5 / 0.8 - 1)
    assert result.relative_change_lower < result.relative_change < result.relative_change_upper < 0


def test_users_with_many_exchanges_do_not_alarm_by_themselves() -> None:
    """With 20 exchanges a user and no drift, 5% of tests reject at 5%: inside a 99% interval."""
    rng = np.random.default_rng(1)
    users = [f"u{i // 20}" for i in range(1200)]
    rejected = alone = 0
    for _ in range(400):
        x, y = (np.repeat(rng.normal(size=60), 20) + rng.normal(size=1200) / 2 for _ in range(2))
        rejected += compared(x, y, users, users).p_value <= 0.05
        alone += compared(x, y).p_value <= 0.05
    low, high = stats.binom.interval(0.99, 400, 0.05)
    assert low <= rejected <= high
    assert alone > 5 * rejected


def test_the_interval_of_the_relative_change_covers_the_truth() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(400):
        result = compared(rng.random(300) < 0.8, rng.random(200) < 0.6)
        covered += result.relative_change_lower <= -0.25 <= result.relative_change_upper
    low, high = stats.binom.interval(0.99, 400, 0.95)
    assert low <= covered <= high


def test_missing_values_are_left_out() -> None:
    result = compared([1.0, np.nan, 2.0, 3.0], [np.nan, 5.0, 6.0])
    assert (result.n_reference, result.n_current) == (3, 2)
    assert result.reference_mean == 2.0
    assert compared([np.nan, np.nan], [1.0, 2.0]) is None


def test_constants() -> None:
    same = compared([2.0] * 30, [2.0] * 30)
    assert (same.p_value, same.effect_size, same.relative_change) == (1.0, 0.0, 0.0)
    apart = compared([0.0] * 30, [1.0] * 30)
    assert 0 < apart.p_value < 1e-10
    assert apart.relative_change is None


def is_degraded(direction, comparison, minimum_effect, threshold, side="metric") -> bool:
    return alarm_rule.is_degraded(
        side,
        direction,
        comparison,
        minimum_effect=minimum_effect,
        alert_threshold=threshold,
    )


def test_degradation_needs_direction_size_and_interval_without_zero() -> None:
    fell = compared([1] * 850 + [0] * 150, [1] * 600 + [0] * 400)
    assert is_degraded(1, fell, 0.02, 0.10)
    assert not is_degraded(-1, fell, 0.02, 0.10)
    assert not is_degraded(0, fell, 0.02, 0.10)
    assert not is_degraded(1, fell, 0.02, 0.50)
    unsure = compared([1] * 17 + [0] * 3, [1] * 15 + [0] * 5)
    assert unsure.relative_change < -0.10
    assert not is_degraded(1, unsure, 0.02, 0.10)


def test_rise_from_zero_must_reach_the_least_effect() -> None:
    few = compared([0] * 1000, [1] * 10 + [0] * 990)
    many = compared([0] * 1000, [1] * 50 + [0] * 950)
    assert not is_degraded(-1, few, 0.02, 0.10, "response")
    assert is_degraded(-1, many, 0.02, 0.10, "response")


def test_higher_values_below_zero_are_higher() -> None:
    rng = np.random.default_rng(3)
    result = compared(rng.normal(-4, 1, 300), rng.normal(-2, 1, 300))
    assert result.relative_change == pytest.approx(0.5, abs=0.1)
    assert not is_degraded(1, result, 0.02, 0.10)
    assert is_degraded(-1, result, 0.02, 0.10)


@pytest.mark.parametrize("direction", [1, -1])
def test_loss_of_exactly_the_threshold_alarms(direction) -> None:
    """0.9 / 1.0 - 1 is -0.0999... in floating point: no loss may hide behind that."""
    before = np.tile([0.99, 1.0, 1.01], 100)
    for loss, alarms in ((0.10, True), (0.0999, False), (0.12, True)):
        changed = compared(before, before * (1.0 - direction * loss))
        assert is_degraded(direction, changed, 0.02, 0.10) is alarms
        assert not is_degraded(-direction, changed, 0.02, 0.10)


def test_heavy_tail_degrades_the_mean() -> None:
    """2% of the calls now take 60 s: the median is what it was, the mean is not."""
    rng = np.random.default_rng(4)
    before, after = rng.lognormal(0, 0.5, 4000), rng.lognormal(0, 0.5, 4000)
    after[:80] = 60.0
    result = compared(before, after)
    assert abs(result.effect_size) < 0.05
    assert result.mean_p_value < 1e-6
    assert is_degraded(-1, result, 0.02, 0.10)


def test_effect_size_decides_around_a_mean_of_zero() -> None:
    """Thumbs of -1 and 1 that cancel out in the baseline."""
    rng = np.random.default_rng(5)
    result = compared(rng.choice([-1, 1], 400), rng.choice([-1, 1], 400, p=[0.7, 0.3]))
    assert result.relative_change is None
    assert result.effect_upper < 0
    assert is_degraded(1, result, 0.02, 0.10)
    assert not is_degraded(1, result, 0.50, 0.10)


def test_graded_values_around_zero_have_no_relative_change() -> None:
    rng = np.random.default_rng(6)
    result = compared(rng.normal(0, 1, 100), rng.normal(0.1, 1, 100))
    assert (result.relative_change, result.relative_change_lower) == (None, None)
    assert not is_degraded(-1, result, 0.02, 0.10)  # delta's interval holds 0


def test_few_users_do_not_degrade_a_metric() -> None:
    """Three users a side, 100 exchanges each: a user more or less in good mood is no drift."""
    users = [f"u{i // 100}" for i in range(300)]
    before = np.repeat([3.0, 4.0, 5.0], 100)
    result = compared(before, before * 0.85, users, users)
    assert result.relative_change == pytest.approx(-0.15)
    assert result.relative_change_upper > 0
    assert not is_degraded(1, result, 0.02, 0.10)


def test_directions_come_from_the_configuration_first() -> None:
    settings = Drift(higher_is_better=("latency", "Margin"), lower_is_better=("errors",))
    expected = {"latency": 1, "Margin": 1, "errors": -1, "Resolved": 1, "COST": -1, "tokens": 0}
    assert {name: direction_of(name, settings) for name in expected} == expected


def test_directions_are_known_however_a_name_is_written() -> None:
    expected = {
        **dict.fromkeys(("thumbsUp", "feedback.thumbs_up", "Judge Score", "app.rating", "csat"), 1),
        **dict.fromkeys(
            ("thumbs-down", "ttft_ms", "latencyMs", "cost_usd", "error", "refusal"), -1
        ),
        **dict.fromkeys(("time_to_first_token_seconds", "latency_seconds", "timing.latency_s"), -1),
        **dict.fromkeys(("prompt_tokens", "completion_tokens", "temperature", "ms", "", "."), 0),
    }
    assert {name: direction_of(name, Drift()) for name in expected} == expected


def test_numbers_and_booleans_are_metrics_and_nothing_else() -> None:
    numbers = (True, 3, 2.5, -1, "3", "true", None, [1], float("nan"), float("inf"), 10**400, 1e200)
    assert [number_of(number) for number in numbers] == [1.0, 3.0, 2.5, -1.0, *[None] * 8]
    rows = [{"resolved": True, "note": "x", "rare": 1} if i < 5 else {"resolved": False}
            for i in range(40)]  # fmt: skip
    assert metric_names(rows, rows) == ["resolved"]
    assert np.isnan(metric_values(rows, "rare")).sum() == 35
