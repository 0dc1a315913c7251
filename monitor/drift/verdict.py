"""Results of a comparison, from its component statistics."""

import math

import numpy as np
from numpy.typing import NDArray

from monitor.drift.drifted_share import CONFIDENCE, DriftedShare
from monitor.drift.input.moved_share import MovedShare
from monitor.drift.neighbours.pool_search import PoolSearch
from monitor.drift.novelty import score_novelty
from monitor.drift.output.conditional_share import ResponseChange
from monitor.drift.permutation.fusion import ComponentStatistics
from monitor.drift.result import Cluster, DescriptorChange, DriftResult, TestResult
from monitor.drift.samples.design import Layout
from monitor.drift.samples.pool import Pool
from monitor.statistics.multiplicity import holm

#: The share that moved between topics, over the drifted share, from which on both are reported.
MIX_RATIO = 1.5


def conclude(
    pool: Pool,
    components: ComponentStatistics,
    *,
    drifted_share: DriftedShare,
    moved_share: MovedShare | None = None,
    response_change: ResponseChange | None = None,
    descriptors: tuple[DescriptorChange, ...] = (),
    novelty: NDArray[np.float64],
    clusters: tuple[Cluster, ...],
    rarer_clusters: tuple[Cluster, ...] = (),
    alpha: float,
    minimum_drifted_share: float,
) -> DriftResult:
    """Fuse the component tests into the result of a comparison.

    A lower limit above 0 claims that something drifted. It is reported only where the test rejects
    at the error rate of the interval.
    """
    p_value, p_values = components.p_value, components.p_values
    lower = drifted_share.lower if p_value <= 1.0 - CONFIDENCE else 0.0
    tests = tuple(
        TestResult(
            name=name,
            statistic=float(statistic),
            p_value=float(p),
            adjusted_p_value=float(adjusted),
            effect_size=float(effect),
            effect_lower=float(lower),
            effect_upper=float(upper),
        )
        for name, statistic, p, adjusted, effect, lower, upper in zip(
            components.names,
            components.statistics[0],
            p_values,
            holm(p_values),
            components.effect_sizes,
            components.effect_lower,
            components.effect_upper,
            strict=True,
        )
    )
    size, shift, comparable = drifted_share.estimate, None, None
    if response_change is not None:
        size, shift = response_change.size, response_change.shift
        comparable = response_change.comparable
    rejects = p_value <= 1.0 - CONFIDENCE
    drifted = p_value <= alpha and size >= minimum_drifted_share
    return DriftResult(
        verdict="drift" if drifted else "no_drift",
        p_value=p_value,
        alpha=alpha,
        tests=tests,
        drifted_share=drifted_share.estimate,
        drifted_share_interval=(lower, drifted_share.upper),
        comparable_share=comparable,
        moved_share=None if moved_share is None else moved_share.estimate,
        moved_share_interval=(0.0, 1.0)
        if moved_share is None
        else (moved_share.lower, moved_share.upper),
        is_mix=moved_share is not None and _is_mix(moved_share, drifted_share),
        shift=None if shift is None else shift.estimate,
        shift_interval=(
            (0.0, 1.0) if shift is None else (shift.lower if rejects else 0.5, shift.upper)
        ),
        is_shift=response_change is not None and response_change.is_shift,
        descriptors=descriptors,
        novelty=novelty,
        clusters=clusters,
        rarer_clusters=rarer_clusters,
        n_reference=pool.n_reference,
        n_current=pool.n_current,
        n_reference_groups=pool.n_reference_units,
        n_current_groups=pool.n_current_units,
        n_permutations=len(components.statistics) - 1,
    )


def _is_mix(moved: MovedShare, drifted: DriftedShare) -> bool:
    """Return whether new samples explain less than two thirds of the share that moved."""
    return moved.estimate > 0.0 and moved.estimate >= MIX_RATIO * drifted.estimate


def not_enough_data(layout: Layout, rng: np.random.Generator) -> DriftResult:
    """Return the result of a comparison with too few samples or groups; its p-value is NaN."""
    pool = layout.pool
    novelty = np.zeros(pool.n_current)
    if min(pool.n_reference, pool.n_current) > 0:
        search = PoolSearch(pool, np.zeros(len(pool.vectors), dtype=np.int64))
        novelty = score_novelty(search, layout.weights, rng)
    return DriftResult(
        verdict="not_enough_data",
        p_value=math.nan,
        tests=(),
        drifted_share=math.nan,
        drifted_share_interval=(math.nan, math.nan),
        novelty=novelty,
        clusters=(),
        n_reference=pool.n_reference,
        n_current=pool.n_current,
        n_reference_groups=pool.n_reference_units,
        n_current_groups=pool.n_current_units,
        n_permutations=0,
    )
