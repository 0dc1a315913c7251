"""The nodes of both windows whose bins are permuted, linked to a graph."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.input.graph import Graph, build_graph
from monitor.drift.permutation.bins import Bins
from monitor.drift.permutation.sketch import MAXIMUM_NODES, Sketch
from monitor.drift.samples.units import small_bin


@dataclass(frozen=True)
class GraphNodes:
    """The nodes that the graph links, with the bin of each."""

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
    """Build the graph of the nodes whose bins are permuted.

    Args:
        reference: Sketch of the reference.
        current: Sketch of the current window.
        bins: What is permuted.
        rng: Draws the cells in which the neighbours of many nodes are looked for.
        device: See :func:`monitor.drift.device.resolve_device`.
    """
    sides = (reference.nodes, current.nodes)
    bin_of = [
        bin_of_small_bin[small_bin(side.keys)]
        for side, bin_of_small_bin in zip(sides, bins.bin_of_small_bin, strict=True)
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
    counts = np.bincount(where, minlength=len(bins)).astype(np.float64)
    share_current = len(rows[1]) / max(len(keys), 1)
    return GraphNodes(build_graph(vectors, owner, rng, device), where, counts, share_current)
