"""Two-sample test of responses given their prompts: output drift.

P(y | x) can't be tested without assumptions (arXiv 2410.16636). The assumption here is local:
within a cell of prompts, once the mean over the nearest prompts is subtracted from a response's
features, the residual doesn't depend on the prompt. Labels are then permuted only *within* cells
(:mod:`monitor.drift.output.local_tests`), so that a shift of the prompts moves no statistic, and a
cell with samples of one side only doesn't count.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.arrays import Vectors
from monitor.drift.neighbours.cells import fit_cells
from monitor.drift.options import Randomness, check_options, make_generator
from monitor.drift.output.descriptor_changes import measure_changes
from monitor.drift.output.descriptors import (
    ResponseDescriptor,
    residual_descriptors,
)
from monitor.drift.output.local_tests import evaluate_within_strata
from monitor.drift.output.near_prompts import NearPrompts, near_prompts
from monitor.drift.output.prompt_basis import smooth_functions
from monitor.drift.output.response_features import (
    ResidualFeatures,
    conditional_distance,
    scale_within_classes,
)
from monitor.drift.output.response_pool import pool_responses
from monitor.drift.output.response_result import conclude_responses
from monitor.drift.output.ridge import ridge_residual
from monitor.drift.output.strata import MAXIMUM_RESPONSE_CELLS, make_strata
from monitor.drift.result import DriftResult
from monitor.drift.samples.design import SampleDesign, make_layout
from monitor.drift.samples.fixed_draws import fixed_draws
from monitor.drift.samples.group_ids import Groups
from monitor.drift.samples.pool import Pool
from monitor.drift.verdict import not_enough_data
from monitor.statistics.alarm_levels import DEFAULT_LEVELS, MIN_DRIFTED_SHARE

UNITS_PER_STRATUM = 20
#: Share of the reference's prompts that count as comparable without drift of the prompts, and at
#: least; and by how much the share decreases with the share of new prompts.
COMPARABLE_SHARE = 0.95
MIN_COMPARABLE_SHARE = 0.8
MARGIN = 1.5
MAXIMUM_STRATA = 256


def compare_given(
    reference_prompts: Vectors,
    reference_responses: Vectors,
    current_prompts: Vectors,
    current_responses: Vectors,
    *,
    reference_covariates: ArrayLike | None = None,
    current_covariates: ArrayLike | None = None,
    descriptors: Sequence[ResponseDescriptor] = (),
    reference_groups: Groups = None,
    current_groups: Groups = None,
    alpha: float = DEFAULT_LEVELS.output,
    minimum_drifted_share: float = MIN_DRIFTED_SHARE,
    rng: Randomness = None,
    device: str | None = None,
    n_permutations: int = 9999,
    minimum_samples: int = 50,
    design: SampleDesign | None = None,
    cluster_alpha: float = 1.0,
) -> DriftResult:
    """Test whether the responses to comparable prompts have changed.

    Args:
        reference_prompts: ``[n_reference, d]``, rows of unit norm, in any container that
            :func:`compare` takes.
        reference_responses: ``[n_reference, e]``, the response to each prompt.
        current_prompts: ``[n_current, d]``.
        current_responses: ``[n_current, e]``. Where e is d, as with one encoder, a response is
            assumed to lie near its prompt.
        reference_covariates: float ``[n_reference, k]``: properties of the prompts that responses
            may depend on and embeddings hardly show, such as length; NaN or infinite if unknown.
        current_covariates: float ``[n_current, k]``.
        descriptors: Numbers computed from each response, such as its length, which embeddings
            hardly show. Their values must not depend on the side.
        reference_groups: ``[n_reference]`` ids of users or sessions; see :func:`compare`.
        current_groups: ``[n_current]``.
        alpha: Level of the fused test. By default that of one weekly window.
        minimum_drifted_share: Least estimate of the drifted share for the verdict ``"drift"``.
        rng: As for :func:`compare`.
        device: Checked as by :func:`compare`; the computation runs on the CPU.
        n_permutations: Random local labellings.
        minimum_samples: Fewer on either side, in all or among the comparable prompts, or fewer than
            20 groups: ``"not_enough_data"``.
        design: As for :func:`compare`.
        cluster_alpha: As for :func:`compare`.

    Returns:
        As :func:`compare`, for responses given prompts. ``novelty`` is how unlike the reference's
        responses to the nearest prompts a response is.

    Raises:
        ValueError: As :func:`compare`; prompts and responses differ in number; the responses of the
            sides differ in width; covariates of one side only, not numbers ``[n, k]`` for as many
            prompts, or different in number; descriptors that aren't a number for each response.
        TypeError: As :func:`compare`.

    References:
        The need for an assumption: arXiv 2410.16636. Sums within strata: Mantel & Haenszel, JNCI
        1959. Regression on the prompts: Allen, Technometrics 1974 (the penalty), Robinson,
        Econometrica 1988 (of both features and labels). Spatial signs: Möttönen & Oja, J.
        Nonparametr. Stat. 1995. Kernels: Gretton et al., JMLR 2012. Covariates: normal scores, van
        der Waerden 1952. The rest as :func:`compare`.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> def points(n, centre=0.0):
        ...     drawn = rng.standard_normal((n, 8)) + centre
        ...     return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        >>> reference, current = points(200), points(200)
        >>> responses = points(200, 1.0), points(200, -1.0)  # to prompts of the same kind
        >>> compare_given(
        ...     reference, responses[0], current, responses[1], rng=rng, n_permutations=1_999
        ... ).verdict
        'drift'
    """
    check_options(alpha, minimum_drifted_share, n_permutations, minimum_samples, device=device)
    generator, draws = make_generator(rng), fixed_draws()
    pool, responses, described, n_covariates = pool_responses(
        (reference_prompts, current_prompts),
        (reference_responses, current_responses),
        (reference_covariates, current_covariates),
        descriptors,
        (reference_groups, current_groups),
    )
    layout = make_layout(pool, design)
    comparable_pool = layout.comparable_pool
    comparable_responses = responses.part(layout.rows)
    if not comparable_pool.has_enough(minimum_samples):
        return not_enough_data(layout, draws)
    n_strata = int(np.clip(comparable_pool.n_units // UNITS_PER_STRATUM, 1, MAXIMUM_STRATA))
    cell = fit_cells(comparable_pool.vectors, n_strata, draws).assign(pool.vectors)
    near_reference = near_prompts(comparable_pool, ~comparable_pool.is_current, draws)
    strata = make_strata(
        comparable_pool, cell[layout.rows], _outside_support(comparable_pool, near_reference), draws
    )
    if min(strata.n_shared_reference, strata.n_shared_current) < max(minimum_samples, 20):
        return not_enough_data(layout, draws)

    cells = fit_cells(
        comparable_responses, min(comparable_pool.n_fine_cells, MAXIMUM_RESPONSE_CELLS), draws
    )
    near = near_prompts(comparable_pool, np.ones_like(comparable_pool.is_current), draws)
    residual = ridge_residual(
        comparable_pool.vectors, comparable_responses, n_covariates=n_covariates
    )
    residuals = (
        None
        if described is None
        else residual_descriptors(
            comparable_pool, described.part(layout.rows), n_covariates=n_covariates
        )
    )
    features = ResidualFeatures(
        comparable_responses,
        residual,
        cell=cells.assign(comparable_responses),
        n_cells=len(cells.centroids),
        near=near.rows,
        closeness=near.closeness,
        rng=draws,
        descriptors=residuals,
    )
    tests = evaluate_within_strata(
        strata,
        features,
        smooth_functions(comparable_pool.vectors, strata.shared[strata.stratum], draws),
        n_permutations,
        generator,
    )

    all_strata, all_residual, all_residuals = strata, residual, residuals
    all_near = near_reference
    if comparable_pool is not pool:
        all_near = near_prompts(pool, ~pool.is_current, draws)
        all_strata = make_strata(pool, cell, _outside_support(pool, all_near), draws)
        all_residual = ridge_residual(pool.vectors, responses, n_covariates=n_covariates)
        if described is not None:
            all_residuals = residual_descriptors(pool, described, n_covariates=n_covariates)
    distance = conditional_distance(responses, all_near.rows)
    return conclude_responses(
        layout,
        all_strata,
        tests,
        responses=responses,
        distance=distance,
        scaled_distance=scale_within_classes(distance, all_near.closeness),
        residuals=[all_residual, *([] if all_residuals is None else [all_residuals.whitened])],
        prompt_cell=strata.stratum,
        descriptors=() if residuals is None else measure_changes(tests, residuals),
        alpha=alpha,
        minimum_drifted_share=minimum_drifted_share,
        cluster_alpha=cluster_alpha,
        rng=draws,
    )


def _outside_support(pool: Pool, near: NearPrompts) -> NDArray[np.bool_]:
    """Return which prompts lie outside the common support, bool ``[N]``.

    A new topic falls into a cell of prompts that merely resemble it; the responses there differ
    because the prompts do. A prompt is comparable when its nearest reference prompt of another
    owner is no farther than that of 95% of the reference's prompts. Of out-of-scope prompts a sixth
    is nearer, most of them just inside, where only the current side has such prompts. So the more
    current prompts lie outside, the nearer a comparable prompt must be.
    """
    similarity = near.similarity[:, 0]
    own, other = similarity[~pool.is_current], similarity[pool.is_current]
    new = float((other < np.quantile(own, 1.0 - COMPARABLE_SHARE)).mean()) - 1.0 + COMPARABLE_SHARE
    comparable = max(COMPARABLE_SHARE - MARGIN * max(new, 0.0), MIN_COMPARABLE_SHARE)
    return np.asarray(similarity < np.quantile(own, 1.0 - comparable))
