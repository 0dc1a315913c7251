r"""Component statistics of two sketches, under the true labels and every permutation.

With the contrast :math:`w`, :math:`1/n_C` for current bins and :math:`-1/n_R` for reference bins,
a linear statistic is :math:`w^T f` for sums f by bin and a quadratic one :math:`w^T Q w` for their
Gram matrix Q, so that ten thousand labellings are one matrix product.

* ``scattered``: isolated samples (:mod:`monitor.drift.input.graph`);
* ``emptiness``, ``emptiness_squared``: samples in places empty of reference samples
  (:mod:`monitor.drift.input.emptiness`);
* ``scan``: places with too many current samples (:mod:`monitor.drift.input.scan`);
* ``diffusion``: regions whose share has changed;
* over all samples, for windows with more samples than nodes: ``novelty``, ``largest_cell``,
  ``cells``, and ``kernel``, the squared maximum mean discrepancy (Gretton et al., JMLR 2012, eq.
  5) on random features (Zhao & Meng, Neural Comput. 2015).

A finite number of random features alone is not consistent against every alternative (Choi & Kim,
arXiv 2407.08976); the graph complements them.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from monitor.drift.device import resolve_device
from monitor.drift.input.emptiness import Emptiness, make_emptiness
from monitor.drift.input.graph import diffusion_gram, scattered_scores
from monitor.drift.input.nodes import GraphNodes, link_nodes
from monitor.drift.input.scan import Scan, make_scan
from monitor.drift.permutation.bins import Bins, balance
from monitor.drift.permutation.contrasts import Linear, Quadratic, Z, jackknife_error, limits
from monitor.drift.permutation.feature_map import FeatureMap
from monitor.drift.permutation.fusion import ComponentStatistics, is_settled
from monitor.drift.permutation.labels import label_chunks
from monitor.drift.permutation.sketch import Sketch

#: The share of the level of each family of component tests. Scattered novelty is the easiest to
#: detect and needs the least.
FAMILY_WEIGHTS = {"scattered": 0.14, "thin": 0.44, "dense": 0.3, "mix": 0.12}

#: A mean score below this counts as this, so that its logarithm is finite.
MIN_SCORE = 1e-12


def compute_components(
    features: FeatureMap | None,
    reference: Sketch,
    current: Sketch,
    bins: Bins,
    *,
    n_permutations: int,
    rng: np.random.Generator,
    draws: np.random.Generator,
    device: str | None = None,
) -> ComponentStatistics:
    """Return every component statistic under the true and the permuted labels.

    Where the graph contains every sample, there are no features. At most ``n_permutations`` random
    labellings are drawn; see :data:`monitor.drift.permutation.fusion.STAGES`.
    """
    nodes = link_nodes(reference, current, bins, draws, device)
    parts = [
        *_graph_parts(nodes, bins, device),
        *_sum_parts(features, reference, current, bins),
    ]
    searches = (
        make_emptiness(nodes.graph, nodes.bins, nodes.counts, nodes.share_current),
        make_scan(nodes.graph, nodes.bins, nodes.share_current),
    )
    families = (
        *(part.family for part in parts),
        *(search.family for search in searches for _ in search.names),
    )
    arrays = resolve_device(device)
    rows: list[NDArray[np.float64]] = []
    for labels in label_chunks(bins.is_current, bins.half, n_permutations, rng):
        called = arrays.put(labels > 0.5)
        columns = [part.evaluate(labels)[:, None] for part in parts]
        rows.append(
            np.hstack([*columns, *(search.evaluate(called, arrays) for search in searches)])
        )
        if is_settled(rows, families, FAMILY_WEIGHTS):
            break
    statistics = np.vstack(rows)
    effects = [
        part.effect(bins.is_current, column)
        for part, column in zip(parts, statistics.T[: len(parts)], strict=True)
    ]
    first = len(parts)
    for search in searches:
        last = first + len(search.names)
        effects += _log_ratios(search, nodes, bins, statistics[:, first:last])
        first = last
    size, lower, upper = (np.array(column) for column in zip(*effects, strict=True))
    return ComponentStatistics(
        names=(
            *(part.name for part in parts),
            *(name for search in searches for name in search.names),
        ),
        statistics=statistics,
        effect_sizes=size,
        effect_lower=lower,
        effect_upper=upper,
        families=families,
        weights=FAMILY_WEIGHTS,
    )


def _graph_parts(nodes: GraphNodes, bins: Bins, device: str | None) -> Iterator[Linear | Quadratic]:
    scores = scattered_scores(nodes.graph)
    sums = np.bincount(nodes.bins, weights=scores, minlength=len(bins)).astype(np.float64)
    yield Linear("scattered", "scattered", sums[:, None], nodes.counts, scale=float(scores.std()))
    is_current = bins.is_current
    n = len(nodes.bins)
    n_current = int(is_current[nodes.bins].sum())
    yield Quadratic(
        "diffusion",
        "mix",
        diffusion_gram(nodes.graph, nodes.bins, len(bins), device),
        nodes.counts,
        scale=n_current * (n - n_current) / n**1.5,
    )


def _sum_parts(
    features: FeatureMap | None,
    reference: Sketch,
    current: Sketch,
    bins: Bins,
) -> Iterator[Linear | Quadratic]:
    if features is None:
        return  # the graph contains every sample
    counts = bins.total(reference.counts, current.counts)
    weight = balance(bins, counts)
    counts = counts * weight
    sums = bins.total(reference.sums, current.sums) * weight[:, None]
    kernel = sums[:, : features.n_kernel]
    kernel = kernel - counts[:, None] * (kernel.sum(axis=0) / counts.sum())
    yield Quadratic("kernel", "mix", kernel @ kernel.T, counts, scale=1.0)
    # Each half is scored by landmarks of its own, so its mean is subtracted.
    scored = sums[:, features.n_kernel :]
    share = np.maximum(scored[:, :-1].sum(axis=0) / counts.sum(), 1e-12)
    for half in (0, 1):
        inside = bins.half == half
        mean = scored[inside].sum(axis=0) / max(counts[inside].sum(), 1.0)
        scored[inside] -= counts[inside][:, None] * mean
    cells = scored[:, :-1] / np.sqrt(share)
    yield Linear("novelty", "scattered", scored[:, -1:], counts, scale=float(np.sqrt(20.0)))
    yield Linear("largest_cell", "dense", cells, counts, scale=1.0)
    yield Quadratic("cells", "mix", cells @ cells.T, counts, scale=1.0)


def _log_ratios(
    search: Emptiness | Scan,
    nodes: GraphNodes,
    bins: Bins,
    statistics: NDArray[np.float64],
) -> Iterator[tuple[float, float, float]]:
    """Yield the logarithm of the ratio to random labels, with its limits, for each statistic."""
    scores, included = search.true_scores(bins.is_current)
    size = np.bincount(nodes.bins, weights=included, minlength=len(bins))
    used = size > 0
    logs = np.log(np.maximum(statistics, MIN_SCORE))
    logs -= logs[1:].mean(axis=0)
    for score, statistic, column in zip(scores, statistics[0], logs.T, strict=True):
        by_bin = np.bincount(nodes.bins, weights=score * included, minlength=len(bins))
        left_out = (by_bin.sum() - by_bin[used]) / np.maximum(size.sum() - size[used], 1.0)
        margin = Z * jackknife_error(left_out) / max(float(statistic), MIN_SCORE)
        yield limits(float(column[0]), margin, column[1:])
