"""Result of a comparison of responses: novelty, estimates and clusters beside the tests."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.drift.clusters import find_clusters
from monitor.drift.neighbours.cells import fit_cells
from monitor.drift.novelty import tail_posterior
from monitor.drift.output.conditional_share import estimate_response_change
from monitor.drift.output.local_tests import LocalTests
from monitor.drift.output.strata import Strata
from monitor.drift.regions import grow_regions
from monitor.drift.result import Cluster, DescriptorChange, DriftResult
from monitor.drift.samples.design import Layout
from monitor.drift.samples.embeddings import Embeddings
from monitor.drift.verdict import conclude


def conclude_responses(
    layout: Layout,
    strata: Strata,
    tests: LocalTests,
    *,
    responses: Embeddings,
    distance: NDArray[np.float64],
    scaled_distance: NDArray[np.float64],
    residuals: Sequence[NDArray[np.float32]],
    prompt_cell: NDArray[np.int64],
    descriptors: tuple[DescriptorChange, ...],
    alpha: float,
    minimum_drifted_share: float,
    cluster_alpha: float,
    rng: np.random.Generator,
) -> DriftResult:
    """Return the result of the tests, with novelty, estimates and clusters.

    Args:
        layout: The pool of prompts, ``N`` rows, with its design.
        strata: Of all prompts.
        tests: Of the comparable responses.
        responses: ``[N, e]``.
        distance: float64 ``[N]``: of each response from those to other prompts like its own.
        scaled_distance: float64 ``[N]``: the same, comparable between prompts, as for
            :func:`estimate_response_change`.
        residuals: float32 ``[N, e]`` each, likewise.
        prompt_cell: int64: of the comparable prompts, as for :func:`find_clusters`.
        descriptors: Changes of the descriptors.
        alpha: Level of the fused test.
        minimum_drifted_share: As for :func:`compare_given`, and so is ``cluster_alpha``.
        cluster_alpha: Largest p-value with which clusters are searched.
        rng: Draws folds and regions.
    """
    pool = layout.pool
    posterior = tail_posterior(
        distance[pool.is_current], distance[~pool.is_current], layout.weights[pool.is_current]
    )
    novelty = np.empty(pool.n_current)
    novelty[pool.origin[pool.is_current]] = np.clip(
        0.999 * posterior + 0.0005 * distance[pool.is_current], 0.0, 1.0
    )
    change = estimate_response_change(layout, strata, scaled_distance, residuals, rng)
    clusters: tuple[Cluster, ...] = ()
    if tests.components.p_value <= cluster_alpha:
        joint = _join_pairs(pool.vectors, responses)
        cells = fit_cells(joint.part(layout.rows), layout.comparable_pool.n_fine_cells, rng)
        regions = grow_regions(joint, cells.assign(joint), rng, fitted=layout.rows)
        clusters = find_clusters(layout, regions, prompt_cell)
    return conclude(
        pool,
        tests.components,
        drifted_share=change.share,
        response_change=change,
        descriptors=descriptors,
        novelty=novelty,
        clusters=clusters,
        alpha=alpha,
        minimum_drifted_share=minimum_drifted_share,
    )


def _join_pairs(prompts: Embeddings, responses: Embeddings) -> Embeddings:
    """Return each prompt joined to its response, ``[N, d + e]`` of unit norm, in float16."""
    joint = np.empty((len(prompts), prompts.shape[1] + responses.shape[1]), dtype=np.float16)
    for rows, chunk in prompts.chunks():
        joint[rows] = np.hstack([chunk, responses[rows]]) * np.float32(np.sqrt(0.5))
    return Embeddings((joint,))
