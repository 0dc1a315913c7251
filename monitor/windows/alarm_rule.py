"""The alarm rule: when a window alarms, and what its verdict is.

An alarm needs significance *and* an effect above a threshold of the configuration. For input and
output drift, slow drift included, :mod:`monitor.drift` applies both (the level and
``drift.min_drifted_share`` or ``drift.min_slow_drifted_share``); for events of responses
:func:`event_alarms`, for descriptors and metrics :func:`is_degraded` does. The conditions of
:mod:`monitor.drift` are in ``drift/verdict.py`` and ``drift/slow/watch.py``. The levels are those
of :mod:`monitor.statistics.alarm_levels`.
"""

from collections.abc import Sequence
from typing import Literal

from monitor.drift import DriftResult, NumericComparison
from monitor.store.windows.assessment import (
    FallenCoverage,
    FamilyAssessment,
    NumericAssessment,
    Verdict,
)

#: A loss, or rise, of exactly the threshold alarms; it may be smaller by rounding.
ROUNDING = 1e-9
#: Least Cliff's delta (for a rate, in points) of a metric without a relative change that alarms.
MIN_EFFECT = 0.02


def family_verdict(result: DriftResult, alpha: float) -> Literal["drift", "no_drift"]:
    """Return the verdict of a family by significance alone."""
    return "drift" if result.p_value <= alpha else "no_drift"


def family_alarms(result: DriftResult) -> bool:
    """Return whether a family alarms: significant, with a large enough drifted share."""
    return result.verdict == "drift"


def event_alarms(rise: float, p_value: float, *, level: float, min_rise: float) -> bool:
    """Return whether an event of the responses alarms, by the rise of its share.

    The p-value is adjusted for the number of events. Users see the event whatever caused it, so it
    is tested over all responses, not given the prompts.
    """
    return p_value <= level and rise >= min_rise - ROUNDING


def is_degraded(
    side: Literal["prompt", "response", "metric"],
    direction: Literal[-1, 0, 1],
    comparison: NumericComparison,
    adjusted_p_value: float,
    *,
    level: float,
    alert_threshold: float,
) -> bool:
    """Return whether a metric is significantly worse, by the threshold or more.

    Descriptors of responses are part of the test of the responses, given the prompts, and alarm
    with it; those of prompts show what is asked, which is neither better nor worse.

    Its p-value, adjusted over all columns, must be at most twice the level, since the p-value is
    two-sided and a column is degraded in one direction; and the interval of its change must exclude
    0.

    Where the baseline's mean is not significantly different from 0, no relative change is defined,
    and a rare event, such as a timeout, doubles easily: there Cliff's delta must reach
    :data:`MIN_EFFECT`.
    """
    if side != "metric" or adjusted_p_value > 2.0 * level:
        return False
    worse = -direction
    change = comparison.relative_change
    if worse == 0 or (change is None and worse * comparison.effect_size < MIN_EFFECT):
        return False
    if change is None:
        limits: list[float | None] = [comparison.effect_lower, comparison.effect_upper]
    elif worse * change < alert_threshold - ROUNDING:
        return False
    else:
        limits = [comparison.relative_change_lower, comparison.relative_change_upper]
    return all(limit is not None and worse * limit > 0.0 for limit in limits)


def window_alarms(
    families: Sequence[FamilyAssessment], numeric_columns: Sequence[NumericAssessment]
) -> bool:
    """Return whether a window alarms: by a family, slow drift, an event, or a degraded metric."""
    return any(family.alarms for family in families) or any(
        column.degraded for column in numeric_columns
    )


def window_verdict(
    families: Sequence[FamilyAssessment],
    numeric_columns: Sequence[NumericAssessment],
    fallen_coverage: Sequence[FallenCoverage] = (),
) -> Verdict:
    """Return the verdict of a window.

    Where a side has responses that could not be compared, or the window lacks what the baseline
    has, and nothing alarms, it is unknown whether they drifted: not enough data.
    """
    if window_alarms(families, numeric_columns):
        return "drift"
    untested = [family for family in families if family.verdict == "not_enough_data"]
    if fallen_coverage or any(family.untested_reason != "no_responses" for family in untested):
        return "not_enough_data"
    return "no_drift"
