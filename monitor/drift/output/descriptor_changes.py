r"""Changes of descriptors of the responses, given the prompts.

With the residuals of a descriptor, :math:`\tilde y`, and of the label, :math:`\tilde\ell`, after
the same regression on the prompts, the change is :math:`\sum_C \tilde y / \sum_C \tilde\ell`, each
contrast within strata and after the projection on smooth functions (Robinson, Econometrica 1988):
it is exact where all responses change by one amount. The limits are the jackknife's over bins of
users, and contain no change where random labels give as much.
"""

import math

import numpy as np
from numpy.typing import NDArray

from monitor.drift.output.descriptors import DescriptorResiduals
from monitor.drift.output.strata import RECORDED, LocalTests
from monitor.drift.output.stratified_contrasts import NO_VARIANCE
from monitor.drift.permutation.contrasts import Z, jackknife_error, limits
from monitor.drift.permutation.labels import upper_p_values
from monitor.drift.result import DescriptorChange
from monitor.statistics.multiplicity import holm


def measure_changes(
    tests: LocalTests, residuals: DescriptorResiduals
) -> tuple[DescriptorChange, ...]:
    """Return the change of each descriptor, in the order in which they were given."""
    scores, changes = (tests.recorded[name] for name in RECORDED)
    k = len(residuals.names)
    p_values = upper_p_values(np.abs(scores.contrasts))[0]
    p_values = np.where(scores.variance > NO_VARIANCE, p_values, 1.0)
    adjusted = holm(p_values)
    measured = []
    for index, name in enumerate(residuals.names):
        relative, unit = bool(residuals.is_relative[index]), float(residuals.unit[index])
        change, lower, upper = (
            math.expm1(size) if relative else size
            for size in _change(changes.contrasts, changes.left_out, index, k, unit)
        )
        measured.append(
            DescriptorChange(
                name=name,
                is_relative=relative,
                change=change,
                lower=lower,
                upper=upper,
                p_value=float(p_values[index]),
                adjusted_p_value=float(adjusted[index]),
            )
        )
    return tuple(measured)


def _change(
    contrasts: NDArray[np.float64],
    left_out: NDArray[np.float64],
    index: int,
    k: int,
    unit: float,
) -> tuple[float, float, float]:
    """Return the change with its limits, in units of the descriptor or its logarithm."""
    values, labels = contrasts[:, index], float(contrasts[0, k + index])
    if labels <= NO_VARIANCE:
        return 0.0, -math.inf, math.inf
    scale = unit / labels
    left_out_changes = left_out[:, index] / np.maximum(left_out[:, k + index], NO_VARIANCE)
    margin = Z * jackknife_error(left_out_changes) * unit
    effects = values * scale
    return limits(float(effects[0]), margin, effects[1:])
