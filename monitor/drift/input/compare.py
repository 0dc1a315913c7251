"""Compare a current window with a reference window: has the input drifted, by how much, where?"""

from functools import reduce
from numbers import Integral, Real
from operator import add

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.drift.clusters import find_clusters
from monitor.drift.device import resolve_device
from monitor.drift.drifted_share import CONFIDENCE, drifted_share_lower_bound
from monitor.drift.input.component_tests import ComponentStatistics, evaluate
from monitor.drift.neighbours.cells import fit_cells
from monitor.drift.neighbours.near_copies import merge_near_copies
from monitor.drift.neighbours.pool_search import PoolSearch, make_pool_search
from monitor.drift.novelty import score_novelty
from monitor.drift.permutation.bins import deal_bins
from monitor.drift.permutation.feature_map import FeatureMap, NoFeatures, fit_feature_map
from monitor.drift.permutation.fusion import fuse
from monitor.drift.permutation.sketch import MAXIMUM_NODES, make_sketch
from monitor.drift.regions import grow_regions
from monitor.drift.result import Cluster, DriftResult, TestResult
from monitor.drift.samples.design import Layout, SampleDesign, make_layout
from monitor.drift.samples.embeddings import Embeddings, check_vectors
from monitor.drift.samples.group_ids import Groups
from monitor.drift.samples.pool import Pool, make_pool
from monitor.drift.samples.units import unit_keys
from monitor.statistics.multiplicity import holm

MAXIMUM_CELLS = 256
SAMPLES_PER_CELL = 8
#: Fewer units on a side than this can't tell a window's drift from a few users' habits.
MINIMUM_GROUPS = 20


def compare(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    reference_groups: Groups = None,
    current_groups: Groups = None,
    current_parts: ArrayLike | None = None,
    alpha: float = 0.05,
    minimum_drifted_share: float = 0.0,
    rng: np.random.Generator,
    device: str | None = None,
    n_permutations: int = 9999,
    minimum_samples: int = 50,
    design: SampleDesign | None = None,
    locate: bool = True,
) -> DriftResult:
    """Test whether two windows of embeddings come from one distribution.

    The tests see features that are functions of the pooled, unlabelled samples; the labels are
    then permuted by user. See docs/explanation/statistics.md.

    Args:
        reference: ``[n_reference, d]``, rows of unit norm, any float type.
        current: ``[n_current, d]``, from the same encoder.
        reference_groups: ``[n_reference]`` ids of the users or sessions that the samples came
            from: the unit that is exchangeable. ``None`` lets each sample stand alone, as does a
            single id of ``None`` or ``""``.
        current_groups: ``[n_current]``. An id on both sides is one user.
        current_parts: ``[n_current]`` integers: the part of the window, such as the day, that each
            sample belongs to. Each part is sketched by itself and the sketches are added up, which
            holds no more than a part's features in memory; the result is the same.
        alpha: Level of the fused test.
        minimum_drifted_share: Least lower bound on the drifted share for the verdict ``"drift"``.
        rng: Source of everything random: equal generators give equal results.
        device: Where to compute: ``None`` or ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where
            there is one.
        n_permutations: Random labellings ``B``, at most; no p-value is below ``1 / (1 + B)``. Where
            the first ones are far from significant, no more are drawn.
        locate: Whether to tell what drifted. Without it ``novelty`` is all 0 and ``clusters`` is
            empty; all else is the same.
        minimum_samples: Fewer on either side, or fewer than 20 groups: ``"not_enough_data"``.
        design: How current samples of unequal probabilities stand for their population; ``None``
            where all samples are alike.

    Returns:
        The verdict ``"drift"`` where ``p_value <= alpha`` and ``drifted_share_lower_bound >=
        minimum_drifted_share``, and what stands behind it.

    Raises:
        ValueError: Not two finite arrays ``[n, d]`` of one width with rows of unit norm, not one
            group id or part a sample, or an option out of range.
        TypeError: An id that can't be one, or ``rng`` is no generator.

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
    check_options(
        alpha, minimum_drifted_share, n_permutations, minimum_samples, device=device, rng=rng
    )
    sides = merge_near_copies(
        check_vectors(reference, "reference"), check_vectors(current, "current")
    )
    pool = make_pool(*sides, reference_groups, current_groups)
    parts = _check_parts(current_parts, pool.n_current)
    layout = make_layout(pool, design)
    comparable_pool = layout.comparable_pool
    if not enough(comparable_pool, minimum_samples):
        return not_enough_data(layout, rng)
    components = _two_sample_test(
        sides,
        (reference_groups, current_groups),
        parts,
        layout,
        n_permutations=n_permutations,
        rng=rng,
        device=device,
    )
    cells = fit_cells(comparable_pool.vectors, n_cells(comparable_pool), rng)
    cell = cells.assign(pool.vectors)
    search = make_pool_search(pool, cells, cell, rng, device)
    lower_bound = drifted_share_lower_bound(search, cell, layout.weights, rng)
    novelty = np.zeros(pool.n_current)
    clusters: tuple[Cluster, ...] = ()
    if locate:
        novelty = score_novelty(search, layout.weights, rng)
        regions = grow_regions(pool.vectors, cell, rng, fitted=layout.rows)
        clusters = find_clusters(layout, regions)
    return conclude(
        pool,
        components,
        lower_bound=lower_bound,
        novelty=novelty,
        clusters=clusters,
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


def check_options(
    alpha: float,
    minimum_drifted_share: float,
    n_permutations: int,
    minimum_samples: int,
    *,
    device: str | None,
    rng: np.random.Generator,
) -> None:
    """Raise ValueError for an option that is out of range, TypeError for one of another kind."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng must be a generator, such as numpy.random.default_rng(1); got {rng!r}"
        )
    _require_number("alpha", alpha)
    _require_number("minimum_drifted_share", minimum_drifted_share)
    _require_number("minimum_samples", minimum_samples)
    _require_number("n_permutations", n_permutations, whole=True)
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1; got {alpha}")
    if not 0.0 <= minimum_drifted_share <= 1.0:
        raise ValueError(f"minimum_drifted_share must lie in [0, 1]; got {minimum_drifted_share}")
    if n_permutations < 1 or 1.0 / (1 + n_permutations) > alpha:
        raise ValueError(
            f"n_permutations = {n_permutations} can't reach p <= {alpha}: "
            f"take at least {int(np.ceil(1 / alpha)) - 1}"
        )
    if not minimum_samples >= 0:
        raise ValueError(f"minimum_samples must not be negative; got {minimum_samples}")
    resolve_device(device)


def _require_number(name: str, value: object, *, whole: bool = False) -> None:
    if not isinstance(value, Integral if whole else Real):
        raise TypeError(f"{name} must be a {'whole ' if whole else ''}number; got {value!r}")


def enough(pool: Pool, minimum_samples: int) -> bool:
    """Return whether both sides have enough samples and groups to be tested."""
    return (
        min(pool.n_reference, pool.n_current) >= max(minimum_samples, MINIMUM_GROUPS)
        and min(pool.n_reference_units, pool.n_current_units) >= MINIMUM_GROUPS
    )


def n_cells(pool: Pool) -> int:
    """Return the number of fine cells for a pool of this size."""
    return int(np.clip(len(pool.vectors) // SAMPLES_PER_CELL, 2, MAXIMUM_CELLS))


def not_enough_data(layout: Layout, rng: np.random.Generator) -> DriftResult:
    """Return the result of a comparison that can't be made; its p-value is 1."""
    pool = layout.pool
    both = min(pool.n_reference, pool.n_current) > 0
    search = PoolSearch(pool, np.zeros(len(pool.vectors), dtype=np.int64))
    return DriftResult(
        verdict="not_enough_data",
        p_value=1.0,
        tests=(),
        drifted_share_lower_bound=0.0,
        novelty=score_novelty(search, layout.weights, rng) if both else np.zeros(pool.n_current),
        clusters=(),
        n_reference=pool.n_reference,
        n_current=pool.n_current,
        n_reference_groups=pool.n_reference_units,
        n_current_groups=pool.n_current_units,
        n_permutations=0,
    )


def conclude(
    pool: Pool,
    components: ComponentStatistics,
    *,
    lower_bound: float,
    novelty: NDArray[np.float64],
    clusters: tuple[Cluster, ...],
    alpha: float,
    minimum_drifted_share: float,
) -> DriftResult:
    """Fuse the tests and put the result together.

    A bound above 0 says that something drifted: it's given where the test says so at its error.
    """
    p_value, p_values = fuse(components.statistics, components.families, components.weights)
    if p_value > 1.0 - CONFIDENCE:
        lower_bound = 0.0
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
    return DriftResult(
        verdict="drift"
        if p_value <= alpha and lower_bound >= minimum_drifted_share
        else "no_drift",
        p_value=p_value,
        tests=tests,
        drifted_share_lower_bound=lower_bound,
        novelty=novelty,
        clusters=clusters,
        n_reference=pool.n_reference,
        n_current=pool.n_current,
        n_reference_groups=pool.n_reference_units,
        n_current_groups=pool.n_current_units,
        n_permutations=len(components.statistics) - 1,
    )


def _two_sample_test(
    sides: tuple[Embeddings, Embeddings],
    groups: tuple[Groups, Groups],
    parts: NDArray[np.int64] | None,
    layout: Layout,
    *,
    n_permutations: int,
    rng: np.random.Generator,
    device: str | None,
) -> ComponentStatistics:
    names, comparable_pool = ("reference_groups", "current_groups"), layout.comparable_pool
    salts = rng.integers(2**63, size=2).tolist()
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
        # What is drawn must not depend on the samples' order.
        order = np.argsort(keys[0], kind="stable")
        features = fit_feature_map(reference.part(order), keys[0][order], rng, device=device)
    days: list[slice | NDArray[np.int64]] = [slice(None)]
    if parts is not None:
        part_of = parts[rows[1]]
        days = [np.flatnonzero(part_of == part) for part in np.unique(part_of)]
    sketch = make_sketch(features, reference, keys[0], device=device)
    of_days = (
        make_sketch(features, current.part(day), keys[1][day], device=device) for day in days
    )
    sketch_of_current = reduce(add, of_days)
    return evaluate(
        None if isinstance(features, NoFeatures) else features,
        sketch,
        sketch_of_current,
        deal_bins(sketch, sketch_of_current, rng),
        n_permutations=n_permutations,
        rng=rng,
        device=device,
    )
