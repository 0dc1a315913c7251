"""Compare characteristics and metrics between a window and its baseline, all together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.drift import NumericComparison, adjust_bh, compare_numeric
from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import NumericAssessment
from monitor.windows.comparison.metric_directions import Direction

Side = Literal["prompt", "response", "metric"]

#: A loss of exactly the threshold alarms; it may come out smaller by rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class NumericColumn:
    """One number of each exchange, on both sides; NaN where an exchange has none."""

    name: str
    side: Side
    direction: Direction
    #: ``[n_reference]``
    reference: NDArray[np.float64]
    #: ``[n_current]``
    current: NDArray[np.float64]


def compare_numeric_columns(
    scalars: Sequence[NumericColumn],
    reference: Exchanges,
    current: Exchanges,
    *,
    drift: Drift,
    alert_threshold: float,
) -> tuple[NumericAssessment, ...]:
    """Compare each scalar; p-values are adjusted for their number by Benjamini-Hochberg.

    What has a direction of better is judged by its mean, as ``alert_threshold`` is about means;
    what has none by its ranks, which show any shift and mind no outlier.
    """
    compared = [
        (one, comparison)
        for one in scalars
        if (
            comparison := compare_numeric(
                one.reference,
                one.current,
                reference_groups=reference.end_users,
                current_groups=current.end_users,
                current_weights=current.weights,
            )
        )
    ]
    p_values = [
        comparison.mean_p_value if one.direction else comparison.p_value
        for one, comparison in compared
    ]
    adjusted = adjust_bh(p_values)
    return tuple(
        NumericAssessment(
            name=one.name,
            side=one.side,
            direction=one.direction,
            n_reference=comparison.n_reference,
            n_current=comparison.n_current,
            reference_mean=comparison.reference_mean,
            current_mean=comparison.current_mean,
            effect_size=comparison.effect_size,
            effect_lower=comparison.effect_lower,
            effect_upper=comparison.effect_upper,
            relative_change=comparison.relative_change,
            relative_change_lower=comparison.relative_change_lower,
            relative_change_upper=comparison.relative_change_upper,
            p_value=p_value,
            adjusted_p_value=float(adjusted_p_value),
            degraded=bool(adjusted_p_value <= drift.alpha)
            and is_degraded(one, comparison, drift.min_drifted_share, alert_threshold),
        )
        for (one, comparison), p_value, adjusted_p_value in zip(
            compared, p_values, adjusted, strict=True
        )
    )


def is_degraded(
    scalar: NumericColumn,
    comparison: NumericComparison,
    minimum_drifted_share: float,
    alert_threshold: float,
) -> bool:
    """Tell whether a number got worse by the threshold, and surely worse at all.

    Where the baseline's mean can't be told from 0 no relative change is defined, and a rare thing,
    such as a refusal, doubles easily: there, and for characteristics that driftwarden itself
    measures, Cliff's delta must reach the floor of the drifted share.
    """
    worse = -scalar.direction
    change = comparison.relative_change
    needs_floor = change is None or scalar.side != "metric"
    if worse == 0 or (needs_floor and worse * comparison.effect_size < minimum_drifted_share):
        return False
    if change is None:
        limits: list[float | None] = [comparison.effect_lower, comparison.effect_upper]
    elif worse * change < alert_threshold - ROUNDING:
        return False
    else:
        limits = [comparison.relative_change_lower, comparison.relative_change_upper]
    return all(limit is not None and worse * limit > 0.0 for limit in limits)
