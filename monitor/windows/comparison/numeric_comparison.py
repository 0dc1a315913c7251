"""Comparison of descriptors and metrics, adjusted for their number."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.drift import Pairs, adjust_bh, compare_numeric
from monitor.drift.samples.pool import number_owners
from monitor.settings.metrics.directions import Direction
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import NumericAssessment
from monitor.windows.alarm_rule import is_degraded

Side = Literal["prompt", "response", "metric"]


@dataclass(frozen=True)
class NumericColumn:
    """A descriptor or metric of each exchange of both sides; NaN where an exchange has none."""

    name: str
    side: Side
    direction: Direction
    #: ``[n_reference]``
    reference: NDArray[np.float64]
    #: ``[n_current]``
    current: NDArray[np.float64]
    unit: str = field(default="", kw_only=True)


def compare_numeric_columns(
    columns: Sequence[NumericColumn],
    reference: Exchanges,
    current: Exchanges,
    pairs: Pairs | None = None,
    *,
    level: float,
    alert_threshold: float,
) -> tuple[NumericAssessment, ...]:
    """Compare each column; p-values are adjusted by Benjamini-Hochberg.

    Those of metrics, of prompts and of responses are families of their own. The level is that of
    all columns together. Of ``pairs`` with one prompt, differences are compared. Columns with a
    direction of better are tested by their means, as ``alert_threshold`` refers to means; others by
    their ranks, which detect any shift and are robust to extreme values.
    """
    # Once for all columns: each would read the ids of all users again.
    users = [
        number_owners(side.end_users or None, len(side), {}, 0, "end_users")
        for side in (reference, current)
    ]
    compared = [
        (column, comparison)
        for column in columns
        if (
            comparison := compare_numeric(
                column.reference,
                column.current,
                reference_groups=users[0],
                current_groups=users[1],
                current_weights=current.weights,
                pairs=pairs,
            )
        )
    ]
    p_values = [
        comparison.mean_p_value if column.direction else comparison.p_value
        for column, comparison in compared
    ]
    sides = np.array([column.side for column, _ in compared])
    adjusted = np.empty(len(compared))
    # Each side is a table of its own; descriptors must not make a metric more significant.
    for side in set(sides):
        adjusted[sides == side] = adjust_bh(np.array(p_values)[sides == side])
    return tuple(
        NumericAssessment(
            name=column.name,
            side=column.side,
            direction=column.direction,
            unit=column.unit,
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
            degraded=is_degraded(
                column.side,
                column.direction,
                comparison,
                float(adjusted_p_value),
                level=level,
                alert_threshold=alert_threshold,
            ),
        )
        for (column, comparison), p_value, adjusted_p_value in zip(
            compared, p_values, adjusted, strict=True
        )
    )
