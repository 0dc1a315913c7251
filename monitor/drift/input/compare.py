"""Two-sample test of prompts: whether a window drifted, how much of it, and where."""

from functools import reduce
from operator import add

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster import hierarchy

from monitor.arrays import Vectors
from monitor.drift.clusters import find_clusters
from monitor.drift.drifted_share import estimate_drifted_share
from monitor.drift.input.component_tests import compute_components
from monitor.drift.input.moved_share import CONFIDENCE, MovedShare, estimate_moved_share
from monitor.drift.neighbours.cells import Cells, fit_cells
from monitor.drift.neighbours.near_copies import merge_near_copies
from monitor.drift.neighbours.pool_search import make_pool_search
from monitor.drift.novelty import score_novelty
from monitor.drift.options import Randomness, check_options, make_generator
from monitor.drift.permutation.bins import Bins, deal_bins
from monitor.drift.permutation.feature_map import FeatureMap, NoFeatures, fit_feature_map
from monitor.drift.permutation.fusion import ComponentStatistics
from monitor.drift.permutation.sketch import MAXIMUM_NODES, make_sketch
from monitor.drift.regions import grow_regions
from monitor.drift.result import Cluster, DriftResult
from monitor.drift.samples.design import Layout, SampleDesign, make_layout
from monitor.drift.samples.embeddings import Embeddings, check_sides
from monitor.drift.samples.fixed_draws import fixed_draws
from monitor.drift.samples.group_ids import Groups
from monitor.drift.samples.pool import Pool, make_pool
from monitor.drift.samples.units import unit_keys
from monitor.drift.verdict import conclude, not_enough_data
from monitor.statistics.alarm_levels import DEFAULT_LEVELS, MIN_DRIFTED_SHARE

#: Numbers of groups of cells between which the samples move, the largest as far as there are
#: :data:`SAMPLES_PER_TOPIC` each: a narrow topic shows in many groups, a domain of topics in few.
TOPICS = (64, 32, 16, 8)
SAMPLES_PER_TOPIC = 32


def compare(
    reference: Vectors,
    current: Vectors,
    *,
    reference_groups: Groups = None,
    current_groups: Groups = None,
    current_parts: ArrayLike | None = None,
    alpha: float = DEFAULT_LEVELS.input,
    minimum_drifted_share: float = MIN_DRIFTED_SHARE,
    rng: Randomness = None,
    device: str | None = None,
    n_permutations: int = 9999,
    minimum_samples: int = 50,
    design: SampleDesign | None = None,
    locate: bool = True,
    cluster_alpha: float = 1.0,
) -> DriftResult:
    """Test whether two windows of embeddings come from one distribution.

    The features are functions of the pooled, unlabelled samples; the labels are then permuted by
    user. See docs/explanation/statistics.md.

    Args:
        reference: ``[n_reference, d]``, rows of unit norm, any float type: an array, a tensor,
            lists, a column of lists; see :func:`monitor.arrays.read_array`.
        current: ``[n_current, d]``, from the same encoder.
        reference_groups: ``[n_reference]`` ids of users or sessions, the exchangeable units.
            ``None`` makes each sample a unit of its own, as an id of ``None`` or ``""`` does for
            one sample.
        current_groups: ``[n_current]``. An id on both sides is one user.
        current_parts: ``[n_current]`` integers: the part of the window, such as the day, of each
            sample. Each part is sketched by itself and the sketches are added, so that memory holds
            the features of one part; the result is the same.
        alpha: Level of the fused test. By default that of one weekly window, so that the verdict
            ``"drift"`` means an alarm.
        minimum_drifted_share: Least estimate of the drifted share for the verdict ``"drift"``.
        rng: Draws the permutations, as a seed or a generator; ``None``: the seed 0. Equal ones give
            equal results, others differ by the Monte Carlo error of the p-values. Nothing else
            depends on it.
        device: ``None`` or ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where it is available.
        n_permutations: Largest number ``B`` of random labellings; no p-value is below
            ``1 / (1 + B)``. Sampling stops early where the first labellings are far from
            significance.
        locate: Whether to compute ``novelty`` and ``clusters``; otherwise they are 0 and empty.
        cluster_alpha: Clusters are searched only where the p-value is at most this.
        minimum_samples: Fewer on either side, or fewer than 20 groups: ``"not_enough_data"``.
        design: Weights of current samples drawn with unequal probabilities; ``None`` where all
            probabilities are equal.

    Returns:
        The verdict, ``"drift"`` where ``p_value <= alpha`` and ``drifted_share >=
        minimum_drifted_share``, with its tests, novelty and clusters.

    Raises:
        ValueError: Not two finite arrays ``[n, d]`` of one width with rows of unit norm, not one
            group id or part per sample, or an option out of range.
        TypeError: An id that isn't a text or number, no container of vectors, or ``rng`` is neither
            a seed nor a generator.

    References:
        Permuting groups and p-values that are never 0: Phipson & Smyth, SAGMB 2010. Neighbours'
        labels: Schilling, JASA 1986; Henze, Ann. Stat. 1988. The scan: Kulldorff, Commun. Stat.
        1997; Chan & Walther, Stat. Sinica 2013. Fusion: Wilson, PNAS 2019; Westfall & Young 1993.
        The bound: Michel, Naef & Meinshausen, arXiv 2005.06006. Clusters: Tarone, Biometrics 1990.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> def window(n, shift):
        ...     points = rng.standard_normal((n, 8)) + shift
        ...     return points / np.linalg.norm(points, axis=1, keepdims=True)
        >>> compare(window(200, 0), window(200, 1), rng=rng, n_permutations=199).verdict
        'drift'
    """
    check_options(alpha, minimum_drifted_share, n_permutations, minimum_samples, device=device)
    generator, draws = make_generator(rng), fixed_draws()
    sides = merge_near_copies(*check_sides(reference, current))
    pool = make_pool(*sides, reference_groups, current_groups)
    parts = _check_parts(current_parts, pool.n_current)
    layout = make_layout(pool, design)
    comparable_pool = layout.comparable_pool
    if not comparable_pool.has_enough(minimum_samples):
        return not_enough_data(layout, draws)
    components, keys, bins = _two_sample_test(
        sides,
        (reference_groups, current_groups),
        parts,
        layout,
        n_permutations=n_permutations,
        rng=generator,
        draws=draws,
        device=device,
    )
    cells = fit_cells(comparable_pool.vectors, comparable_pool.n_fine_cells, draws)
    cell = cells.assign(pool.vectors)
    search = make_pool_search(pool, cells, cell, draws, device)
    drifted_share = estimate_drifted_share(search, layout.weights, draws)
    novelty = np.zeros(pool.n_current)
    clusters: tuple[Cluster, ...] = ()
    rarer_clusters: tuple[Cluster, ...] = ()
    if locate:
        novelty = score_novelty(search, layout.weights, draws)
        if components.p_value <= cluster_alpha:
            regions = grow_regions(pool.vectors, cell, draws, fitted=layout.rows)
            clusters = find_clusters(layout, regions)
            rarer_clusters = find_clusters(
                layout.swap_sides(), regions, diluted=drifted_share.estimate
            )
    return conclude(
        pool,
        components,
        drifted_share=drifted_share,
        moved_share=_moved_share(comparable_pool, cells, keys, bins)
        if components.p_value <= 1.0 - CONFIDENCE
        else None,
        novelty=novelty,
        clusters=clusters,
        rarer_clusters=rarer_clusters,
        alpha=alpha,
        minimum_drifted_share=minimum_drifted_share,
    )


def _check_parts(parts: ArrayLike | None, n_current: int) -> NDArray[np.int64] | None:
    if parts is None:
        return None
    checked = np.asarray(parts)
    if checked.shape != (n_current,) or checked.dtype.kind not in "iu":
        raise ValueError(
            f"current_parts must hold one integer for each of {n_current} samples; got "
            f"{checked.dtype} {list(checked.shape)}"
        )
    return checked.astype(np.int64)


def _two_sample_test(
    sides: tuple[Embeddings, Embeddings],
    groups: tuple[Groups, Groups],
    parts: NDArray[np.int64] | None,
    layout: Layout,
    *,
    n_permutations: int,
    rng: np.random.Generator,
    draws: np.random.Generator,
    device: str | None,
) -> tuple[ComponentStatistics, list[NDArray[np.uint64]], Bins]:
    """Return the statistics, the units of the comparable samples of both sides, and their bins."""
    names, comparable_pool = ("reference_groups", "current_groups"), layout.comparable_pool
    salts = draws.integers(2**63, size=2).tolist()
    rows = (
        comparable_pool.origin[~comparable_pool.is_current],
        comparable_pool.origin[comparable_pool.is_current],
    )
    keys = [
        unit_keys(ids, side, name, salt=salt)[comparable]
        for ids, side, name, salt, comparable in zip(groups, sides, names, salts, rows, strict=True)
    ]
    reference, current = (side.part(row) for side, row in zip(sides, rows, strict=True))
    features: FeatureMap | NoFeatures = NoFeatures()
    if len(comparable_pool.vectors) > MAXIMUM_NODES:
        # The draw must not depend on the order of the samples.
        order = np.argsort(keys[0], kind="stable")
        features = fit_feature_map(reference.part(order), keys[0][order], draws, device=device)
    days: list[slice | NDArray[np.int64]] = [slice(None)]
    if parts is not None:
        part_of = parts[rows[1]]
        days = [np.flatnonzero(part_of == part) for part in np.unique(part_of)]
    sketch = make_sketch(features, reference, keys[0], device=device)
    sketches = (
        make_sketch(features, current.part(day), keys[1][day], device=device) for day in days
    )
    sketch_of_current = reduce(add, sketches)
    bins = deal_bins(sketch, sketch_of_current, draws)
    components = compute_components(
        None if isinstance(features, NoFeatures) else features,
        sketch,
        sketch_of_current,
        bins,
        n_permutations=n_permutations,
        rng=rng,
        draws=draws,
        device=device,
    )
    return components, keys, bins


def _moved_share(
    pool: Pool, cells: Cells, keys: list[NDArray[np.uint64]], bins: Bins
) -> MovedShare:
    """Estimate the share of the samples that moved between groups of similar samples.

    The keys are the units of both sides, in the order of the pool.
    """
    n_topics = [n for n in TOPICS if n * SAMPLES_PER_TOPIC <= len(pool.vectors)] or TOPICS[-1:]
    n_cells = len(cells.centroids)
    # int64 ``[cells, levels]``, the finest first.
    groups = np.zeros((n_cells, len(n_topics)), dtype=np.int64)
    if n_cells > 1:  # not where all prompts are almost one
        tree = hierarchy.ward(cells.centroids.astype(np.float64))
        groups = hierarchy.cut_tree(tree, n_clusters=[min(n, n_cells) for n in n_topics])
    topic = groups[cells.assign(pool.vectors), 0]
    first = np.unique(groups[:, 0], return_index=True)[1]
    return estimate_moved_share(
        topic[~pool.is_current],
        topic[pool.is_current],
        keys,
        bins,
        # A generator of its own: the other figures don't depend on whether there is an estimate.
        fixed_draws(),
        groupings=[groups[first, level] for level in range(1, len(n_topics))],
    )
