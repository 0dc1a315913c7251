import numpy as np
import pytest

from monitor.descriptors.response_measures import NAMES
from monitor.errors import ConfigurationError
from monitor.settings.evaluation_file.phrases import Limit
from monitor.settings.evaluation_file.plan import Threshold
from retrain.rollout.checks.check import (
    SHARES,
    RolloutCheck,
    default_checks,
    latency_check,
    limit_check,
    metric_check,
    share_check,
    threshold_checks,
)
from tests.support.refusals import refusal


@pytest.mark.parametrize(
    ("check", "level", "margin", "negligible"),
    [
        (metric_check("resolved", "advance", 0.0, 1.0), 0.90, 0.09, 0.009),
        (share_check("errors"), 0.01, 0.01, 0.0001),
        (share_check("refusals"), 0.30, 0.03, 0.003),
        (metric_check("judge", "advance", 1.0, 5.0), 4.0, 0.1, 0.01),
        (latency_check(), 0.95, 0.01, 0.0005),
        (share_check("errors"), 0.0, 0.01, 0.0),
    ],
)
def test_tolerances_are_relative_to_level_or_points(
    check: RolloutCheck, level: float, margin: float, negligible: float
) -> None:
    assert check.tolerance(0.10, 0.01, level) == pytest.approx(margin)
    assert check.tolerance(0.01, 0.0, level) == pytest.approx(negligible)


def test_values_scale_to_one_for_good() -> None:
    values = np.array([1.0, 3.0, 5.0, 9.0, np.nan])
    scaled = metric_check("judge", "advance", 1.0, 5.0).scale(values)
    assert scaled[:4].tolist() == [0.0, 0.5, 1.0, 1.0]
    assert np.isnan(scaled[4])
    assert share_check("errors").scale(np.array([0.0, 1.0])).tolist() == [1.0, 0.0]


def test_slow_responses_are_bad() -> None:
    scaled = latency_check().scale(np.array([1.0, 2.0, 3.0, np.nan]), 2.0)
    assert scaled[:3].tolist() == [1.0, 1.0, 0.0]
    assert np.isnan(scaled[3])
    assert np.isnan(latency_check().scale(np.array([1.0]))).all()


def test_limit_without_value_is_refused() -> None:
    with refusal("bad_check", ConfigurationError):
        RolloutCheck("length", "limit", "length")
    with refusal("bad_check", ConfigurationError):
        RolloutCheck("resolved", "advance", "resolved", limit=0.5)


def test_empty_range_is_refused() -> None:
    with refusal("bad_check", ConfigurationError):
        metric_check("score", "advance", 1.0, 1.0)


def test_default_checks_limit_length_only_with_level() -> None:
    names = [check.name for check in default_checks({"length": 100.0})]
    assert names[-2:] == ["length, upper limit", "length, lower limit"]
    kinds = {check.kind for check in default_checks({})}
    assert kinds == {"advance"}


def test_shares_of_default_checks_are_measured() -> None:
    # `malformed` is made of several, by retrain/rollout/measurement/starting_point.py.
    unmeasured = SHARES.keys() - {"malformed", *NAMES}
    assert not unmeasured, f"measure {unmeasured} in monitor/descriptors/response_measures.py"


def test_limit_check_scales_its_limit_as_values() -> None:
    check = limit_check("hallucinations", 0.02, is_minimum=False)
    assert check.limit is not None
    assert check.scale(np.array([check.limit, 0.05])).tolist() == pytest.approx([0.98, 0.95])


def test_thresholds_of_traffic_metrics_are_limits_once() -> None:
    thresholds = [
        Threshold("hallucinations", Limit("<=", 0.05), 1),
        Threshold("hallucinations", Limit("<=", 0.02), 2),
        Threshold("rouge", Limit(">=", 0.5), 3),
    ]
    (check,) = threshold_checks(thresholds, {"hallucinations": (0.0, 1.0), "resolved": (0.0, 1.0)})
    assert (check.metric, check.limit, check.higher_is_better) == ("hallucinations", 0.02, False)
