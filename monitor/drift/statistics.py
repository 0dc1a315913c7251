r"""The component statistics, for the true labels and every permutation, from two sketches.

With the contrast :math:`w` that gives current bins :math:`1/n_C` and reference bins :math:`-1/n_R`,
a linear statistic is :math:`w^T f` for sums f by bin and a quadratic one :math:`w^T Q w` for their
Gram matrix Q, so that ten thousand labellings are one matrix product.

* ``scattered``: isolated samples (:mod:`monitor.drift.graph`);
* ``emptiness``...``run_squared``: samples in places empty of reference samples;
* ``diffusion``: regions whose share has changed;
* of windows with more samples than nodes, over all samples: ``novelty``, ``largest_cell``,
  ``cells``, and ``kernel``, the squared maximum mean discrepancy (Gretton et al., JMLR 2012, eq.
  5) on random features (Zhao & Meng, Neural Comput. 2015).

A finite number of random features alone is not consistent against every alternative (Choi & Kim,
arXiv 2407.08976); the graph stands beside them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.contrasts import Linear, Quadratic, Z, jackknife_error
from monitor.drift.device import resolve_device
from monitor.drift.features import FeatureMap
from monitor.drift.graph import (
    EMPTINESS_NAMES,
    Graph,
    build_graph,
    diffusion_gram,
    emptiness_scores,
    scattered_scores,
    total_emptiness,
)
from monitor.drift.grouping import Bins, balance
from monitor.drift.permutation import label_chunks
from monitor.drift.sketch import MAXIMUM_NODES, Sketch
from monitor.drift.units import small_bin

#: What a component test looks for, and the share of the level that each family gets. Scattered
#: novelty is the easiest to see, so it needs the least.
FAMILY_WEIGHTS = {"scattered": 0.15, "concentrated": 0.45, "mix": 0.4}


@dataclass(frozen=True)
class Evaluated:
    """Statistics under the true labels (row 0) and under the permutations."""

    names: tuple[str, ...]
    #: float64 ``[1 + B, m]``.
    statistics: NDArray[np.float64]
    #: float64 ``[m]``.
    effect_sizes: NDArray[np.float64]
    #: float64 ``[m]``: 95% limits of the effects.
    effect_lower: NDArray[np.float64]
    effect_upper: NDArray[np.float64]
    #: What each test looks for.
    families: tuple[str, ...]
    #: The share of the level that each family gets; ``None``: the same.
    weights: Mapping[str, float] | None


@dataclass(frozen=True)
class GraphNodes:
    """The nodes that the graph links, with the bin of each."""

    graph: Graph
    bins: NDArray[np.int64]
    #: float64 ``[T]``: nodes in each bin.
    counts: NDArray[np.float64]
    #: float64 ``[4, G, k]``.
    scores: NDArray[np.float64]


def evaluate(
    features: FeatureMap | None,
    reference: Sketch,
    current: Sketch,
    bins: Bins,
    *,
    n_permutations: int,
    rng: np.random.Generator,
    device: str | None = None,
) -> Evaluated:
    """Compute every component statistic under the true and the permuted labels.

    Args:
        features: The map that both sketches were made with; ``None`` where
            the graph holds every sample.
        reference: Sketch of the reference.
        current: Sketch of the current window.
        bins: What is permuted.
        n_permutations: Number of random labellings, ``B``.
        rng: Draws them.
        device: See :func:`resolve_device`.
    """
    nodes = _link(reference, current, bins, device)
    parts = [
        *_graph_parts(nodes, bins, device),
        *_sum_parts(features, reference, current, bins),
    ]
    rows: list[NDArray[np.float64]] = []
    emptiness: list[NDArray[np.float64]] = []
    for labels in label_chunks(bins.is_current, bins.half, n_permutations, rng):
        rows.append(np.column_stack([part.evaluate(labels) for part in parts]))
        emptiness.append(_emptiness(nodes, labels, device))
    empty = np.vstack(emptiness)
    statistics = np.hstack([np.vstack(rows), empty])
    effects = [
        part.effect(bins.is_current, column)
        for part, column in zip(parts, statistics.T[: len(parts)], strict=True)
    ]
    effects += _emptiness_effects(nodes, bins, empty)
    size, lower, upper = (np.array(column) for column in zip(*effects, strict=True))
    return Evaluated(
        names=(*(part.name for part in parts), *EMPTINESS_NAMES),
        statistics=statistics,
        effect_sizes=size,
        effect_lower=lower,
        effect_upper=upper,
        families=(*(part.family for part in parts), *("concentrated",) * len(EMPTINESS_NAMES)),
        weights=FAMILY_WEIGHTS,
    )


def _link(reference: Sketch, current: Sketch, bins: Bins, device: str | None) -> GraphNodes:
    """Build the graph of the nodes whose bins are permuted."""
    sides = (reference.nodes, current.nodes)
    bin_of = [
        of_small_bin[small_bin(side.keys)]
        for side, of_small_bin in zip(sides, bins.of_small_bin, strict=True)
    ]
    permuted = [np.flatnonzero(where >= 0) for where in bin_of]
    n_bins = [int((bins.is_current == side).sum()) for side in (False, True)]
    # A bin must bring as many nodes under either label, or its label could be told from the graph.
    per_bin = min(len(one) / n for one, n in zip(permuted, n_bins, strict=True))
    per_bin = min(per_bin, MAXIMUM_NODES / len(bins))
    rows = [one[: round(per_bin * n)] for one, n in zip(permuted, n_bins, strict=True)]
    chosen = list(zip(sides, rows, strict=True))
    # Among equally near nodes the first is linked: their order must not know the labels.
    order = np.argsort(np.concatenate([side.priority[row] for side, row in chosen]), kind="stable")
    keys = np.concatenate([side.keys[row] for side, row in chosen])[order]
    vectors = np.concatenate([side.vectors[row] for side, row in chosen])[order]
    where = np.concatenate([one[row] for one, row in zip(bin_of, rows, strict=True)])[order]
    owner = np.unique(keys, return_inverse=True)[1].ravel().astype(np.int64)
    graph = build_graph(vectors, owner, device)
    return GraphNodes(
        graph,
        where,
        np.bincount(where, minlength=len(bins)).astype(np.float64),
        emptiness_scores(graph, len(rows[1]) / max(len(keys), 1)),
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
        return  # the graph has seen every sample
    counts = bins.total(reference.counts, current.counts)
    weight = balance(bins, counts)
    counts = counts * weight
    sums = bins.total(reference.sums, current.sums) * weight[:, None]
    kernel = sums[:, : features.n_kernel]
    kernel = kernel - counts[:, None] * (kernel.sum(axis=0) / counts.sum())
    yield Quadratic("kernel", "mix", kernel @ kernel.T, counts, scale=1.0)
    # Each half is judged by landmarks of its own: what is usual there is taken off.
    judged = sums[:, features.n_kernel :]
    share = np.maximum(judged[:, :-1].sum(axis=0) / counts.sum(), 1e-12)
    for half in (0, 1):
        inside = bins.half == half
        usual = judged[inside].sum(axis=0) / max(counts[inside].sum(), 1.0)
        judged[inside] -= counts[inside][:, None] * usual
    cells = judged[:, :-1] / np.sqrt(share)
    yield Linear("novelty", "scattered", judged[:, -1:], counts, scale=float(np.sqrt(20.0)))
    yield Linear("largest_cell", "concentrated", cells, counts, scale=1.0)
    yield Quadratic("cells", "mix", cells @ cells.T, counts, scale=1.0)


def _emptiness(
    nodes: GraphNodes, labels: NDArray[np.float32], device: str | None
) -> NDArray[np.float64]:
    import torch  # noqa: PLC0415

    called = torch.from_numpy(labels > 0.5).to(resolve_device(device))
    total = total_emptiness(nodes.graph, nodes.scores, nodes.bins, called)
    return np.asarray(total / np.maximum(labels @ nodes.counts, 1.0)[:, None])


def _emptiness_effects(
    nodes: GraphNodes, bins: Bins, statistics: NDArray[np.float64]
) -> list[tuple[float, float, float]]:
    """Return the relative excess over what random labels give, with limits by the jackknife."""
    current = np.append(bins.is_current[nodes.bins], False)
    index = np.where(nodes.graph.found.index < 0, len(nodes.bins), nodes.graph.found.index)
    is_current = current[index]
    run = np.where(is_current.all(axis=1), index.shape[1] - 1, (~is_current).argmax(axis=1))
    effects = []
    for number, score in enumerate(nodes.scores):
        own = score[np.arange(len(run)), run] * current[:-1]
        by_bin = np.bincount(nodes.bins, weights=own, minlength=len(bins))[bins.is_current]
        size = nodes.counts[bins.is_current]
        left_out = (by_bin.sum() - by_bin) / np.maximum(size.sum() - size, 1.0)
        usual = max(float(statistics[1:, number].mean()), 1e-12)
        effect = float(statistics[0, number]) / usual - 1.0
        margin = Z * jackknife_error(left_out) / usual
        effects.append((effect, effect - margin, effect + margin))
    return effects
