"""Nodes of both windows in the permuted bins, with their graph."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.input.graph import Graph, build_graph
from monitor.drift.permutation.bins import Bins
from monitor.drift.permutation.sketch import MAXIMUM_NODES, Sketch
from monitor.drift.samples.units import small_bin


@dataclass(frozen=True)
class GraphNodes:
    """The nodes of the graph, with the bin of each."""

    graph: Graph
    #: int64 ``[G]``.
    bins: NDArray[np.int64]
    #: float64 ``[T]``: nodes in each bin.
    counts: NDArray[np.float64]
    #: Share of the nodes that are current.
    share_current: float


def link_nodes(
    reference: Sketch,
    current: Sketch,
    bins: Bins,
    rng: np.random.Generator,
    device: str | None,
) -> GraphNodes:
    """Return the graph of the nodes in permuted bins.

    In large graphs ``rng`` draws the cells of the search.
    """
    sides = (reference.nodes, current.nodes)
    bin_of = [
        bin_of_small_bin[small_bin(side.keys)]
        for side, bin_of_small_bin in zip(sides, bins.bin_of_small_bin, strict=True)
    ]
    permuted = [np.flatnonzero(where >= 0) for where in bin_of]
    n_bins = [int((bins.is_current == side).sum()) for side in (False, True)]
    # Bins of both labels must have as many nodes, or the graph would depend on the labels.
    per_bin = min(len(nodes) / n for nodes, n in zip(permuted, n_bins, strict=True))
    per_bin = min(per_bin, MAXIMUM_NODES / len(bins))
    rows = [nodes[: round(per_bin * n)] for nodes, n in zip(permuted, n_bins, strict=True)]
    chosen = list(zip(sides, rows, strict=True))
    # Ties link the first node, so that the order must be independent of the labels.
    order = np.argsort(np.concatenate([side.priority[row] for side, row in chosen]), kind="stable")
    keys = np.concatenate([side.keys[row] for side, row in chosen])[order]
    vectors = np.concatenate([side.vectors[row] for side, row in chosen])[order]
    where = np.concatenate([side[row] for side, row in zip(bin_of, rows, strict=True)])[order]
    owner = np.unique(keys, return_inverse=True)[1].ravel().astype(np.int64)
    counts = np.bincount(where, minlength=len(bins)).astype(np.float64)
    share_current = len(rows[1]) / max(len(keys), 1)
    return GraphNodes(build_graph(vectors, owner, rng, device), where, counts, share_current)
