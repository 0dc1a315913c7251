r"""Changes of descriptors of the responses, given the prompts.

With the residuals of a descriptor, :math:`\tilde y`, and of the label, :math:`\tilde\ell`, after
the same regression on the prompts, the change is :math:`\sum_C \tilde y / \sum_C \tilde\ell`, each
contrast within strata and after the projection on smooth functions (Robinson, Econometrica 1988):
it is exact where all responses change by one amount. A relative change is that over the
reference's mean with the same weights, :math:`-\sum_C y_R / \sum_C \ell` with :math:`y_R` the
reference's values and 0 elsewhere: responses of length 0 count as any other. The limits are the
jackknife's over bins of users, and contain no change where random labels give as much; no mean
changes by more than the values differ.
"""

import math

import numpy as np
from numpy.typing import NDArray

from monitor.drift.output.descriptors import DescriptorResiduals
from monitor.drift.output.local_tests import RECORDED, LocalTests
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
        relative = bool(residuals.is_relative[index])
        columns = slice(index, None, k)
        change = _change(changes.contrasts[:, columns], changes.left_out[:, columns], relative)
        unit = 1.0 if relative else float(residuals.unit[index])
        reach = float(residuals.reach[index])
        most = (-1.0, math.inf) if relative else (-reach, reach)
        estimate, lower, upper = (
            min(max(size * unit, most[0]), most[1]) if math.isfinite(size) else size
            for size in change
        )
        measured.append(
            DescriptorChange(
                name=name,
                is_relative=relative,
                change=estimate,
                lower=lower,
                upper=upper,
                p_value=float(p_values[index]),
                adjusted_p_value=float(adjusted[index]),
            )
        )
    return tuple(measured)


def _change(
    contrasts: NDArray[np.float64], left_out: NDArray[np.float64], relative: bool
) -> tuple[float, float, float]:
    """Return the change with its limits, relative or in units of the descriptor's spread.

    Args:
        contrasts: float64 ``[1 + B, 4]``: of value, label, reference's value and own label.
        left_out: float64 ``[T, 4]``: the true ones without each bin.
        relative: Whether to divide by the reference's mean.
    """
    if contrasts[0, 1] <= NO_VARIANCE:
        return 0.0, -math.inf, math.inf
    scale = _scale(contrasts[:1], relative)
    if not scale[0] > 0.0:
        return 0.0, -math.inf, math.inf
    margin = Z * jackknife_error(left_out[:, 0] * _scale(left_out, relative))
    effects = contrasts[:, 0] * scale[0]
    return limits(float(effects[0]), margin, effects[1:])


def _scale(contrasts: NDArray[np.float64], relative: bool) -> NDArray[np.float64]:
    """Return what turns a contrast of values into a change; 0 where the reference's mean is 0."""
    per_label = 1.0 / np.maximum(contrasts[:, 1], NO_VARIANCE)
    if not relative:
        return np.asarray(per_label)
    mean = -contrasts[:, 2] / np.maximum(contrasts[:, 3], NO_VARIANCE)
    positive = mean > 0.0
    return np.where(positive, per_label / np.where(positive, mean, 1.0), 0.0)
