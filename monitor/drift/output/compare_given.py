"""Two-sample test of responses given their prompts: output drift.

P(y | x) can't be tested without assumptions (arXiv 2410.16636). The assumption here is local:
within a cell of prompts, once the mean over the nearest prompts is subtracted from a response's
features, the residual doesn't depend on the prompt. Labels are then permuted only *within* cells
(:mod:`monitor.drift.output.strata`), so that a shift of the prompts moves no statistic, and a cell
with samples of one side only doesn't count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.arrays import Vectors
from monitor.drift.clusters import find_clusters
from monitor.drift.neighbours.cells import fit_cells
from monitor.drift.neighbours.exact import draw_landmarks, nearest
from monitor.drift.neighbours.near_copies import merge_near_copies
from monitor.drift.novelty import tail_posterior
from monitor.drift.options import Randomness, check_options, make_generator
from monitor.drift.output.conditional_share import estimate_response_change
from monitor.drift.output.covariates import append_covariates, check_covariates
from monitor.drift.output.descriptor_changes import measure_changes
from monitor.drift.output.descriptors import (
    PooledDescriptors,
    ResponseDescriptor,
    pool_descriptors,
    residual_descriptors,
)
from monitor.drift.output.prompt_basis import smooth_functions
from monitor.drift.output.response_features import (
    ResidualFeatures,
    conditional_distance,
    scale_within_classes,
)
from monitor.drift.output.ridge import ridge_residual
from monitor.drift.output.strata import evaluate_within_strata, make_strata
from monitor.drift.regions import grow_regions
from monitor.drift.result import Cluster, DriftResult
from monitor.drift.samples.design import SampleDesign, make_layout
from monitor.drift.samples.embeddings import Embeddings, check_sides, join
from monitor.drift.samples.fixed_draws import fixed_draws
from monitor.drift.samples.group_ids import Groups
from monitor.drift.samples.pool import Pool, label_free_order, make_pool, subset
from monitor.drift.verdict import conclude, not_enough_data
from monitor.statistics.alarm_levels import DEFAULT_LEVELS, MIN_DRIFTED_SHARE

N_NEIGHBOURS = 10
MAXIMUM_LANDMARKS = 4096
UNITS_PER_STRATUM = 20
#: Share of the reference's prompts that count as comparable without drift of the prompts, and at
#: least; and by how much the share decreases with the share of new prompts.
COMPARABLE_SHARE = 0.95
MIN_COMPARABLE_SHARE = 0.8
MARGIN = 1.5
MAXIMUM_STRATA = 256
MAXIMUM_RESPONSE_CELLS = 128


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
    pool, responses, described, n_covariates = _pool_pairs(
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
    near_reference = _near_prompts(comparable_pool, ~comparable_pool.is_current, draws)
    strata = make_strata(
        comparable_pool, cell[layout.rows], _outside_support(comparable_pool, near_reference), draws
    )
    if min(strata.n_shared_reference, strata.n_shared_current) < max(minimum_samples, 20):
        return not_enough_data(layout, draws)

    cells = fit_cells(
        comparable_responses, min(comparable_pool.n_fine_cells, MAXIMUM_RESPONSE_CELLS), draws
    )
    near = _near_prompts(comparable_pool, np.ones_like(comparable_pool.is_current), draws)
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
        all_near = _near_prompts(pool, ~pool.is_current, draws)
        all_strata = make_strata(pool, cell, _outside_support(pool, all_near), draws)
        all_residual = ridge_residual(pool.vectors, responses, n_covariates=n_covariates)
        if described is not None:
            all_residuals = residual_descriptors(pool, described, n_covariates=n_covariates)
    distance = conditional_distance(responses, all_near.rows)
    posterior = tail_posterior(
        distance[pool.is_current], distance[~pool.is_current], layout.weights[pool.is_current]
    )
    novelty = np.empty(pool.n_current)
    novelty[pool.origin[pool.is_current]] = np.clip(
        0.999 * posterior + 0.0005 * distance[pool.is_current], 0.0, 1.0
    )
    change = estimate_response_change(
        layout,
        all_strata,
        scale_within_classes(distance, all_near.closeness),
        [all_residual, *([] if all_residuals is None else [all_residuals.whitened])],
        draws,
    )
    clusters: tuple[Cluster, ...] = ()
    if tests.components.p_value <= cluster_alpha:
        joint = _join_pairs(pool.vectors, responses)
        joint_cells = fit_cells(joint.part(layout.rows), comparable_pool.n_fine_cells, draws)
        regions = grow_regions(joint, joint_cells.assign(joint), draws, fitted=layout.rows)
        clusters = find_clusters(layout, regions, strata.stratum)
    return conclude(
        pool,
        tests.components,
        drifted_share=change.share,
        response_change=change,
        descriptors=() if residuals is None else measure_changes(tests, residuals),
        novelty=novelty,
        clusters=clusters,
        alpha=alpha,
        minimum_drifted_share=minimum_drifted_share,
    )


def _pool_pairs(
    prompt_arrays: tuple[Vectors, Vectors],
    response_arrays: tuple[Vectors, Vectors],
    covariate_arrays: tuple[ArrayLike | None, ArrayLike | None],
    descriptors: Sequence[ResponseDescriptor],
    groups: tuple[Groups, Groups],
) -> tuple[Pool, Embeddings, PooledDescriptors | None, int]:
    """Return the pool of prompts, with the responses and descriptors in the same order.

    The last value is the number of covariates, which are coordinates of the prompts in the pool.
    """
    prompts = check_sides(*prompt_arrays, "_prompts")
    responses = check_sides(*response_arrays, "_responses")
    for prompt, response, name in zip(prompts, responses, ("reference", "current"), strict=True):
        if len(prompt) != len(response):
            raise ValueError(
                f"{name} prompts and responses differ in number: {len(prompt)} and "
                f"{len(response)}; give one response for each prompt"
            )
    if responses[0].shape[1] != responses[1].shape[1]:
        raise ValueError(
            "reference and current responses differ in width: "
            f"{responses[0].shape[1]} and {responses[1].shape[1]}; embed both with one encoder"
        )
    sizes = len(prompts[0]), len(prompts[1])
    covariates = check_covariates(*covariate_arrays, sizes)
    described = pool_descriptors(descriptors, sizes)
    joint = prompts if covariates is None else append_covariates(*prompts, covariates)
    pool = make_pool(*merge_near_copies(*joint), *groups)
    row = pool.origin + np.where(pool.is_current, len(prompts[0]), 0)
    paired = join(*merge_near_copies(responses[0], responses[1])).part(row)
    # Rows of a repeated prompt would have the reference first, so that a choice by row number would
    # depend on the label: the responses break such ties.
    order = label_free_order(pool.vectors, paired)
    return (
        subset(pool, order),
        paired.part(order),
        None if described is None else described.part(row[order]),
        joint[0].shape[1] - prompts[0].shape[1],
    )


def _join_pairs(prompts: Embeddings, responses: Embeddings) -> Embeddings:
    """Return each prompt joined to its response, ``[N, d + e]`` of unit norm, in float16."""
    joint = np.empty((len(prompts), prompts.shape[1] + responses.shape[1]), dtype=np.float16)
    for rows, chunk in prompts.chunks():
        joint[rows] = np.hstack([chunk, responses[rows]]) * np.float32(np.sqrt(0.5))
    return Embeddings((joint,))


@dataclass(frozen=True)
class NearPrompts:
    """The nearest prompts of other owners to each prompt of a pool, nearest first."""

    #: int64 ``[N, k]``; -1 where there are fewer.
    rows: NDArray[np.int64]
    #: float32 ``[N, k]``: cosines; -1 where there are fewer.
    similarity: NDArray[np.float32]

    @property
    def closeness(self) -> NDArray[np.float64]:
        """Return the mean cosine to each prompt's nearest, float64 ``[N]``."""
        there = self.rows >= 0
        total = np.where(there, self.similarity, 0.0).sum(axis=1)
        return np.asarray(total / np.maximum(there.sum(axis=1), 1), dtype=np.float64)


def _near_prompts(
    pool: Pool, candidates: NDArray[np.bool_], rng: np.random.Generator
) -> NearPrompts:
    """Search the nearest prompts among candidates, bool ``[N]``, of which some are drawn."""
    marks = draw_landmarks(np.flatnonzero(candidates), MAXIMUM_LANDMARKS, rng)
    neighbours = nearest(
        pool.vectors,
        pool.vectors[marks],
        N_NEIGHBOURS,
        query_owner=pool.owner,
        landmark_owner=pool.owner[marks],
        spread_ties=True,
    )
    there = neighbours.index >= 0
    return NearPrompts(np.where(there, marks[neighbours.index], -1), neighbours.similarity)


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
