"""Test of responses to equal prompts: output drift in pairs.

Under the null hypothesis the responses to one prompt are exchangeable between the sides, so that
the sides are swapped within pairs, all pairs of a user together. No assumption on how responses
depend on prompts is needed, and a prompt's own part of the variation, which is most of it, cancels.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.arrays import Vectors
from monitor.drift.neighbours.cells import fit_cells
from monitor.drift.options import Randomness, check_options, make_generator
from monitor.drift.output.descriptor_changes import measure_changes
from monitor.drift.output.descriptors import ResponseDescriptor, residual_descriptors
from monitor.drift.output.local_tests import evaluate_sums
from monitor.drift.output.pair_features import paired_descriptors, sum_pairs
from monitor.drift.output.response_features import N_FREQUENCIES
from monitor.drift.output.response_pool import pool_responses
from monitor.drift.output.response_result import conclude_responses
from monitor.drift.output.ridge import ridge_residual
from monitor.drift.output.strata import MAXIMUM_BINS, MAXIMUM_RESPONSE_CELLS, Strata
from monitor.drift.permutation.random_features import fit_random_features
from monitor.drift.result import DriftResult
from monitor.drift.samples.design import Layout
from monitor.drift.samples.fixed_draws import fixed_draws
from monitor.drift.samples.pairs import Pairs
from monitor.drift.samples.pool import MINIMUM_GROUPS, Pool, subset
from monitor.drift.verdict import not_enough_data
from monitor.statistics.alarm_levels import DEFAULT_LEVELS, MIN_DRIFTED_SHARE


def compare_paired(
    reference_prompts: Vectors,
    reference_responses: Vectors,
    current_prompts: Vectors,
    current_responses: Vectors,
    pairs: Pairs,
    *,
    reference_covariates: ArrayLike | None = None,
    current_covariates: ArrayLike | None = None,
    descriptors: Sequence[ResponseDescriptor] = (),
    alpha: float = DEFAULT_LEVELS.output,
    minimum_drifted_share: float = MIN_DRIFTED_SHARE,
    rng: Randomness = None,
    n_permutations: int = 9999,
    minimum_samples: int = 50,
    cluster_alpha: float = 1.0,
) -> DriftResult:
    """Test whether the responses to the same prompts have changed.

    The arguments are those of :func:`compare_given`, but for ``pairs``, which have the users.

    Args:
        reference_prompts: ``[n_reference, d]``, rows of unit norm.
        reference_responses: ``[n_reference, e]``.
        current_prompts: ``[n_current, d]``.
        current_responses: ``[n_current, e]``.
        pairs: The samples of one prompt; see :func:`match_pairs`. Fewer than ``minimum_samples``
            pairs, or than 20 units: ``"not_enough_data"``.
        reference_covariates: float ``[n_reference, k]``.
        current_covariates: float ``[n_current, k]``.
        descriptors: Numbers computed from each response.
        alpha: Level of the fused test.
        minimum_drifted_share: Least estimate of the drifted share for the verdict ``"drift"``.
        rng: Swaps the sides.
        n_permutations: Random swaps.
        minimum_samples: Least number of pairs.
        cluster_alpha: As for :func:`compare`.

    Returns:
        As :func:`compare_given`. ``novelty`` is how far a response is from what the regression on
        all prompts expects. The drifted share is that of responses farther from it than the
        partners: with one response a side it isn't known how much two responses to one prompt
        differ by chance, so a response that changed but is as near counts in the shift alone.

    Raises:
        ValueError: As :func:`compare_given`.
        TypeError: As :func:`compare`.

    References:
        Exchangeable sides within pairs: Fisher, The Design of Experiments, 1935. The rest as
        :func:`compare_given`.
    """
    check_options(alpha, minimum_drifted_share, n_permutations, minimum_samples, device=None)
    generator, draws = make_generator(rng), fixed_draws()
    pool, responses, described, n_covariates = pool_responses(
        (reference_prompts, current_prompts),
        (reference_responses, current_responses),
        (reference_covariates, current_covariates),
        descriptors,
        (pairs.reference_unit, pairs.current_unit),
    )
    rows = _pool_rows(pool, pairs)
    inside = np.sort(rows.ravel())
    layout = Layout(
        pool,
        pool if len(inside) == len(pool.vectors) else subset(pool, inside),
        inside,
        np.ones(len(pool.vectors)),
    )
    units = np.unique(pool.owner[rows[0]])
    if len(pairs) < minimum_samples or len(units) < MINIMUM_GROUPS:
        return replace(not_enough_data(layout, draws), n_pairs=len(pairs))
    strata, unit = _pair_strata(pool, rows, draws)
    n_cells = min(layout.comparable_pool.n_fine_cells, MAXIMUM_RESPONSE_CELLS)
    residual = ridge_residual(pool.vectors, responses, n_covariates=n_covariates)
    distance = np.linalg.norm(residual, axis=1).astype(np.float64)
    differences = None if described is None else paired_descriptors(described, rows)
    sums = sum_pairs(
        rows,
        unit,
        responses,
        kernel=fit_random_features(responses, draws, n_frequencies=N_FREQUENCIES),
        cell=fit_cells(responses, n_cells, draws).assign(responses),
        distance=distance,
        descriptors=differences,
    )
    tests = evaluate_sums(strata, sums, n_permutations, generator)
    residuals = [residual]
    if described is not None:
        of_prompts = residual_descriptors(pool, described, n_covariates=n_covariates)
        residuals.append(of_prompts.whitened)
    result = conclude_responses(
        layout,
        strata,
        tests,
        responses=responses,
        distance=distance,
        scaled_distance=distance,
        residuals=residuals,
        prompt_cell=strata.stratum[inside],
        descriptors=() if differences is None else measure_changes(tests, differences),
        alpha=alpha,
        minimum_drifted_share=minimum_drifted_share,
        cluster_alpha=cluster_alpha,
        rng=draws,
    )
    return replace(result, n_pairs=len(pairs))


def _pool_rows(pool: Pool, pairs: Pairs) -> NDArray[np.int64]:
    """Return the rows of the pairs in the pool, int64 ``[2, P]``, the reference's first."""
    rows = []
    for is_current, own in ((False, pairs.reference), (True, pairs.current)):
        of_side = np.flatnonzero(pool.is_current == is_current)
        row = np.empty(len(of_side), dtype=np.int64)
        row[pool.origin[of_side]] = of_side
        rows.append(row[own])
    return np.stack(rows)


def _pair_strata(
    pool: Pool, rows: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Strata, NDArray[np.int64]]:
    """Return the strata of pairs, and the stratum of each pair, int64 ``[P]``.

    A stratum is a unit of pairs, or several where there are more than ``MAXIMUM_BINS / 2``. Samples
    without a partner are in two strata of one side.
    """
    owners, unit = np.unique(pool.owner[rows[0]], return_inverse=True)
    n_strata = min(len(owners), MAXIMUM_BINS // 2)
    unit = (rng.permutation(len(owners)) % n_strata)[unit.ravel()]
    stratum = n_strata + pool.is_current.astype(np.int64)
    stratum[rows] = unit
    return (
        Strata(
            stratum=stratum,
            bins=2 * stratum + pool.is_current,
            bin_stratum=np.repeat(np.arange(n_strata), 2),
            bin_is_current=np.tile([False, True], n_strata),
            shared=np.arange(n_strata + 2) < n_strata,
            n_shared_reference=rows.shape[1],
            n_shared_current=rows.shape[1],
            n_shared_units=2 * len(owners),
            is_paired=True,
        ),
        unit,
    )
