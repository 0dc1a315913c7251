"""The verdict of a comparison: significance, and an estimate that is large enough."""

import inspect
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from monitor.drift import DriftResult, compare, compare_given
from monitor.drift.drifted_share import DriftedShare
from monitor.drift.permutation.fusion import ComponentStatistics
from monitor.drift.verdict import conclude
from monitor.settings import Settings


def result_of(n_larger: int, n_permutations: int, **options: Any) -> DriftResult:
    """Return the result where so many permutations give a larger statistic than the data."""
    statistics = np.zeros((1 + n_permutations, 1))
    statistics[1 : 1 + n_larger] = 1.0
    statistics[1 + n_larger :] = -1.0
    effects = np.zeros(1)
    sizes = ("n_reference", "n_current", "n_reference_units", "n_current_units")
    pool: Any = SimpleNamespace(**dict.fromkeys(sizes, 100))
    return conclude(
        pool,
        ComponentStatistics(("test",), statistics, effects, effects, effects, ("family",), None),
        drifted_share=DriftedShare(estimate=0.35, lower=0.3, upper=0.4),
        novelty=np.zeros(100),
        clusters=(),
        **{"alpha": 0.005, "minimum_drifted_share": 0.02, **options},
    )


@pytest.mark.parametrize("n_permutations", [99, 199, 999, 9999])
def test_no_result_combines_p_above_5_percent_with_a_bound(n_permutations: int) -> None:
    last = (n_permutations + 1) // 20 - 1
    for n_larger in {0, last - 1, last, last + 1, n_permutations}:
        result = result_of(n_larger, n_permutations)
        assert result.p_value == pytest.approx((1 + n_larger) / (1 + n_permutations))
        assert result.drifted_share_interval[0] == (0.3 if n_larger <= last else 0.0)


def test_an_alarm_needs_significance_and_a_large_enough_estimate() -> None:
    assert result_of(9, 999).verdict == "no_drift"  # p = .01
    assert result_of(0, 999).verdict == "drift"
    assert result_of(0, 999, minimum_drifted_share=0.36).verdict == "no_drift"


def test_a_lenient_level_alarms_with_an_interval_that_contains_0() -> None:
    result = result_of(9, 99, alpha=0.2)
    assert (result.p_value, result.verdict, result.drifted_share_interval[0]) == (0.1, "drift", 0.0)


def test_defaults_are_the_alarm_rule_of_a_weekly_window() -> None:
    drift = Settings().drift
    levels = drift.levels("weekly")
    for test, alpha in ((compare, levels.input), (compare_given, levels.output)):
        parameters = inspect.signature(test).parameters
        assert parameters["alpha"].default == alpha
        assert parameters["minimum_drifted_share"].default == drift.min_drifted_share
