"""The alarm rule: degraded metrics, and alarm and verdict of a window."""

import msgspec
import numpy as np
import pytest

from monitor.drift import compare_numeric
from monitor.store.windows.assessment import Explanation, FamilyAssessment, NumericAssessment
from monitor.windows import alarm_rule
from tests.support.windows.assessments import estimated, not_comparable

ALONE = [""] * 5000
QUIET = FamilyAssessment(
    family="input",
    verdict="no_drift",
    alarm=False,
    p_value=0.4,
    drifted_share=estimated(0.0),
)
COLUMN = NumericAssessment(
    name="rating",
    side="metric",
    direction=1,
    n_reference=100,
    n_current=100,
    reference_mean=4.0,
    current_mean=3.0,
    effect_size=-0.2,
    effect_lower=-0.3,
    effect_upper=-0.1,
    relative_change=-0.25,
    relative_change_lower=-0.4,
    relative_change_upper=-0.1,
    p_value=0.001,
    adjusted_p_value=0.001,
    degraded=False,
)


def compared(reference, current, reference_users=ALONE, current_users=ALONE):
    x, y = np.asarray(reference, dtype=float), np.asarray(current, dtype=float)
    return compare_numeric(
        x, y, reference_groups=reference_users[: len(x)], current_groups=current_users[: len(y)]
    )


def is_degraded(direction, comparison, threshold, side="metric", adjusted_p_value=0.0) -> bool:
    return alarm_rule.is_degraded(
        side,
        direction,
        comparison,
        adjusted_p_value,
        level=0.0025,
        alert_threshold=threshold,
    )


def test_degradation_needs_direction_size_and_interval_without_zero() -> None:
    fell = compared([1] * 850 + [0] * 150, [1] * 600 + [0] * 400)
    assert is_degraded(1, fell, 0.10)
    assert not is_degraded(-1, fell, 0.10)
    assert not is_degraded(0, fell, 0.10)
    assert not is_degraded(1, fell, 0.50)
    unsure = compared([1] * 17 + [0] * 3, [1] * 15 + [0] * 5)
    assert unsure.relative_change < -0.10
    assert not is_degraded(1, unsure, 0.10)


def test_rise_from_zero_must_reach_the_least_effect() -> None:
    few = compared([0] * 1000, [1] * 10 + [0] * 990)
    many = compared([0] * 1000, [1] * 50 + [0] * 950)
    assert not is_degraded(-1, few, 0.10)
    assert is_degraded(-1, many, 0.10)


@pytest.mark.parametrize("side", ["prompt", "response"])
def test_descriptors_never_alarm_by_a_rule_of_their_own(side) -> None:
    many = compared([0] * 1000, [1] * 50 + [0] * 950)
    assert not is_degraded(-1, many, 0.10, side)


def test_higher_values_below_zero_are_higher() -> None:
    rng = np.random.default_rng(3)
    result = compared(rng.normal(-4, 1, 300), rng.normal(-2, 1, 300))
    assert result.relative_change == pytest.approx(0.5, abs=0.1)
    assert not is_degraded(1, result, 0.10)
    assert is_degraded(-1, result, 0.10)


@pytest.mark.parametrize("direction", [1, -1])
def test_loss_of_exactly_the_threshold_alarms(direction) -> None:
    """0.9 / 1.0 - 1 is -0.0999... in floating point, which must not hide a loss."""
    before = np.tile([0.99, 1.0, 1.01], 100)
    for loss, alarms in ((0.10, True), (0.0999, False), (0.12, True)):
        changed = compared(before, before * (1.0 - direction * loss))
        assert is_degraded(direction, changed, 0.10) is alarms
        assert not is_degraded(-direction, changed, 0.10)


def test_heavy_tail_degrades_the_mean() -> None:
    """2% of the calls now take 60 s: the median is unchanged, the mean is not."""
    rng = np.random.default_rng(4)
    before, after = rng.lognormal(0, 0.5, 4000), rng.lognormal(0, 0.5, 4000)
    after[:80] = 60.0
    result = compared(before, after)
    assert abs(result.effect_size) < 0.05
    assert result.mean_p_value < 1e-6
    assert is_degraded(-1, result, 0.10)


def test_effect_size_decides_around_a_mean_of_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ratings of -1 and 1 cancel out in the baseline."""
    rng = np.random.default_rng(5)
    result = compared(rng.choice([-1, 1], 400), rng.choice([-1, 1], 400, p=[0.7, 0.3]))
    assert result.relative_change is None
    assert result.effect_upper < 0
    assert is_degraded(1, result, 0.10)
    monkeypatch.setattr(alarm_rule, "MIN_EFFECT", 0.50)
    assert not is_degraded(1, result, 0.10)


def test_graded_values_around_zero_have_no_relative_change() -> None:
    rng = np.random.default_rng(6)
    result = compared(rng.normal(0, 1, 100), rng.normal(0.1, 1, 100))
    assert (result.relative_change, result.relative_change_lower) == (None, None)
    assert not is_degraded(-1, result, 0.10)  # delta's interval holds 0


def test_few_users_do_not_degrade_a_metric() -> None:
    """With three end users per side and 100 exchanges each, the mood of one is no drift."""
    users = [f"u{i // 100}" for i in range(300)]
    before = np.repeat([3.0, 4.0, 5.0], 100)
    result = compared(before, before * 0.85, users, users)
    assert result.relative_change == pytest.approx(-0.15)
    assert result.relative_change_upper > 0
    assert not is_degraded(1, result, 0.10)


def test_degradation_needs_significance() -> None:
    fell = compared([1] * 850 + [0] * 150, [1] * 600 + [0] * 400)
    assert is_degraded(1, fell, 0.10, adjusted_p_value=0.005)
    assert not is_degraded(1, fell, 0.10, adjusted_p_value=0.0051)


@pytest.mark.parametrize(
    ("family", "column", "alarms"),
    [
        ({}, {}, False),
        ({"alarm": True, "verdict": "drift"}, {}, True),
        ({"verdict": "drift"}, {}, False),
        ({}, {"degraded": True}, True),
    ],
)
def test_window_alarms_by_family_or_degraded_metric(family, column, alarms) -> None:
    families = [msgspec.structs.replace(QUIET, **family)]
    columns = [msgspec.structs.replace(COLUMN, **column)]
    assert alarm_rule.window_alarms(families, columns) is alarms
    assert alarm_rule.window_verdict(families, columns) == ("drift" if alarms else "no_drift")


EMPTY = Explanation(
    kind="empty",
    side="response",
    reference=estimated(0.0),
    current=estimated(0.1),
    p_value=0.0001,
    alarm=True,
)


def test_event_alarms_whether_its_family_does_or_not() -> None:
    for verdict in ("no_drift", "not_enough_data"):
        family = msgspec.structs.replace(
            QUIET, family="output", verdict=verdict, explanations=(EMPTY,)
        )
        assert alarm_rule.window_verdict([QUIET, family], []) == "drift"
    quiet = msgspec.structs.replace(EMPTY, alarm=False)
    family = msgspec.structs.replace(QUIET, family="output", explanations=(quiet,))
    assert alarm_rule.window_verdict([QUIET, family], []) == "no_drift"


@pytest.mark.parametrize(
    ("rise", "p_value", "alarms"),
    [(0.01, 0.001, True), (0.009, 0.0, False), (0.3, 0.0011, False)],
)
def test_event_alarms_by_its_level_and_the_least_rise(rise, p_value, alarms) -> None:
    assert alarm_rule.event_alarms(rise, p_value, level=0.001, min_rise=0.01) is alarms


def test_untested_family_is_no_clean_verdict() -> None:
    untested = msgspec.structs.replace(
        QUIET, family="output", verdict="not_enough_data", untested_reason="few_responses"
    )
    assert alarm_rule.window_verdict([QUIET, untested], []) == "not_enough_data"
    alarming = msgspec.structs.replace(QUIET, alarm=True, verdict="drift")
    assert alarm_rule.window_verdict([alarming, untested], []) == "drift"
    silent = msgspec.structs.replace(untested, untested_reason="no_responses")
    assert alarm_rule.window_verdict([QUIET, silent], []) == "no_drift"


def test_window_that_lacks_a_metric_has_no_clean_verdict() -> None:
    fallen = not_comparable("resolved").fallen_coverage
    assert alarm_rule.window_verdict([QUIET, QUIET], [], fallen) == "not_enough_data"
    alarming = msgspec.structs.replace(QUIET, alarm=True, verdict="drift")
    assert alarm_rule.window_verdict([alarming, QUIET], [], fallen) == "drift"
