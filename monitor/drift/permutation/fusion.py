r"""Fusion of component tests into one p-value, recalibrated on the same permutations.

Tests of one family are sensitive to the same change, families to different ones. Within a family
and across families p-values are averaged harmonically, :math:`1 / \sum_f w_f / p_f`, so that one
strong test counts without a penalty for the others (Wilson, "The harmonic mean p-value", PNAS
2019). Both steps treat each permutation as they treat the data, so that the rank among them is
exact under any dependence (Westfall & Young, "Resampling-Based Multiple Testing", 1993, section
2.6).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitor.drift.permutation.labels import upper_p_values

#: Numbers of random labellings after which sampling stops where the p-value is above a limit. The
#: limits decrease, so every level holds: a final result that is significant passes each stage.
STAGES = {250: 0.3, 1_000: 0.1, 3_000: 0.03, 10_000: 0.01, 100_000: 0.001}


@dataclass(frozen=True)
class ComponentStatistics:
    """Component statistics under the true labels (row 0) and under the permutations."""

    names: tuple[str, ...]
    #: float64 ``[1 + B, m]``.
    statistics: NDArray[np.float64]
    #: float64 ``[m]``.
    effect_sizes: NDArray[np.float64]
    #: float64 ``[m]``: 95% limits of the effects.
    effect_lower: NDArray[np.float64]
    effect_upper: NDArray[np.float64]
    #: The family of each test: the kind of change that it is sensitive to.
    families: tuple[str, ...]
    #: The share of the level of each family; ``None``: equal shares.
    weights: Mapping[str, float] | None

    @property
    def p_value(self) -> float:
        """Return the fused p-value."""
        return self._fused[0]

    @property
    def p_values(self) -> NDArray[np.float64]:
        """Return the p-value of each test."""
        return self._fused[1]

    @cached_property
    def _fused(self) -> tuple[float, NDArray[np.float64]]:
        return fuse(self.statistics, self.families, self.weights)


def is_settled(
    rows: Sequence[NDArray[np.float64]],
    families: Sequence[str],
    weights: Mapping[str, float] | None,
) -> bool:
    """Return whether the labellings so far are a stage that ends the sampling.

    ``rows`` are statistics of chunks of labellings, ``[n, m]`` each, the observed row first; the
    rest is as for :func:`fuse`.
    """
    limit = STAGES.get(sum(map(len, rows)) - 1)
    if limit is None:
        return False
    p_value, _ = fuse(np.vstack(rows), families, weights)
    return p_value > limit


def fuse(
    statistics: NDArray[np.float64],
    families: Sequence[str] | None = None,
    weights: Mapping[str, float] | None = None,
) -> tuple[float, NDArray[np.float64]]:
    """Return the fused p-value and the p-value of each test.

    Args:
        statistics: ``[1 + B, m]``, larger is further from the null hypothesis, the observed row
            first.
        families: ``[m]``: the family of each test; ``None``: each is a family of its own.
        weights: The share of the level of each family; ``None``: equal shares.
    """
    p_values = upper_p_values(statistics)
    members = np.array(families if families is not None else range(p_values.shape[1]), dtype=str)
    evidence = np.zeros(len(p_values))
    for family in dict.fromkeys(members.tolist()):
        own = p_values[:, members == family]
        p = own if own.shape[1] == 1 else upper_p_values((1.0 / own).mean(axis=1)[:, None])
        evidence += (1.0 if weights is None else weights[family]) / p[:, 0]
    return float(upper_p_values(evidence[:, None])[0, 0]), p_values[0]
