r"""One p-value from many tests, recalibrated on the same permutations.

Tests of one family look for the same thing, families for different ones. Inside a family and
across them p-values are averaged harmonically, :math:`1 / \sum_f w_f / p_f`, which lets a strong
one speak without paying for the others (Wilson, "The harmonic mean p-value", PNAS 2019). Either
step gives each permutation what it gives the data, and the rank among them is exact whatever the
dependence (Westfall & Young, "Resampling-Based Multiple Testing", 1993, section 2.6).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.drift.permutation.labels import upper_p_values


def fuse(
    statistics: NDArray[np.float64],
    families: Sequence[str] | None = None,
    weights: Mapping[str, float] | None = None,
) -> tuple[float, NDArray[np.float64]]:
    """Return the fused p-value, and each test's own.

    Args:
        statistics: ``[1 + B, m]``, larger is further from the null, the observed row first.
        families: ``[m]``: the family of each test; ``None`` lets each stand alone.
        weights: The share of the level of each family; ``None`` gives all the same.
    """
    p_values = upper_p_values(statistics)
    members = np.array(families if families is not None else range(p_values.shape[1]), dtype=str)
    evidence = np.zeros(len(p_values))
    for family in dict.fromkeys(members.tolist()):
        own = p_values[:, members == family]
        p = own if own.shape[1] == 1 else upper_p_values((1.0 / own).mean(axis=1)[:, None])
        evidence += (1.0 if weights is None else weights[family]) / p[:, 0]
    return float(upper_p_values(evidence[:, None])[0, 0]), p_values[0]
