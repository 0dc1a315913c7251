r"""Emptiness: sparse new topics, by the absence of reference nodes around current nodes.

With :math:`r` the number of current nodes nearer than the nearest reference node, and
:math:`\varphi = -\log P(D \ge d)` the surprise at that node's distance under random labels, the
statistics are the means of :math:`\varphi^2 r` and :math:`\varphi^2 r^2` over the current nodes:
far from the reference, and with current neighbours (Schilling, JASA 1986, and Henze, Ann. Stat.
1988, for tests on the labels of nearest neighbours).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.device import Array, Arrays
from monitor.drift.input.graph import Graph

#: Once a smaller share of the runs continues, pairs of node and labelling are followed singly.
SPARSE_SHARE = 1 / 16
#: Pairs of node and labelling that are followed together; they fit into the cache.
BLOCK_ENTRIES = 2**17


@dataclass(frozen=True)
class Emptiness:
    """The statistics for any labelling of the bins."""

    #: int64 ``[G, k]``: the nearest nodes of each node; G where there are fewer.
    near: NDArray[np.int64]
    #: int64 ``[G]``.
    node_bin: NDArray[np.int64]
    #: float64 ``[T]``: nodes in each bin.
    counts: NDArray[np.float64]
    #: float64 ``[2, G, k]``: the score of a node by the rank of its nearest reference node.
    scores: NDArray[np.float64]
    #: float64 ``[2, G, k]``: its increments over the rank before.
    gains: NDArray[np.float64]

    names = ("emptiness", "emptiness_squared")
    family = "thin"

    def evaluate(self, called_current: Array, arrays: Arrays) -> NDArray[np.float64]:
        """Return the mean scores of the nodes labelled current, float64 ``[b, 2]``.

        ``called_current``, bool ``[b, T]``, are the bins that each labelling labels current.
        """
        node_bin, near, gains = map(arrays.put, (self.node_bin, self.near, self.gains))
        current = arrays.take(called_current.T, node_bin)  # [G, b]
        # The end of the neighbours ends a run, as a reference node does.
        current = arrays.join([current, arrays.zeros((1, current.shape[1]), "bool")], axis=0)
        sums = arrays.zeros((2, len(called_current)))
        step = max(1, BLOCK_ENTRIES // len(called_current))
        for start in range(0, len(near), step):
            rows = slice(start, min(start + step, len(near)))
            _add_runs(sums, current[rows], current, near[rows], gains[:, rows], arrays=arrays)
        size = arrays.fetch(called_current).astype(np.float64) @ self.counts
        return arrays.fetch(sums.T) / np.maximum(size, 1.0)[:, None]

    def true_scores(
        self, is_current: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the scores of each node, ``[2, G]``, and which nodes the mean is over, ``[G]``.

        The true labels are bool ``[T]``.
        """
        current = np.append(is_current[self.node_bin], False)
        near = current[self.near]
        run = np.where(near.all(axis=1), near.shape[1] - 1, (~near).argmax(axis=1))
        return self.scores[:, np.arange(len(run)), run], current[:-1]


def make_emptiness(
    graph: Graph,
    node_bin: NDArray[np.int64],
    counts: NDArray[np.float64],
    share_current: float,
) -> Emptiness:
    """Return the emptiness statistics of a graph.

    ``node_bin`` is int64 ``[G]``; ``counts``, float64 ``[T]``, are the nodes in each bin.
    ``share_current``, that of the nodes, is the probability that a neighbour is current under
    random labels.
    """
    index = graph.neighbours.index
    scores = _scores(graph, share_current)
    gains = np.diff(scores, axis=2, prepend=0.0)
    return Emptiness(np.where(index < 0, len(index), index), node_bin, counts, scores, gains)


def surprise(graph: Graph, share_current: float) -> NDArray[np.float64]:
    r"""Return :math:`\varphi` of the neighbour of each rank of each node, float64 ``[G, k]``."""
    nearness = graph.neighbours.similarity
    chance = (1.0 - share_current) * share_current ** np.arange(nearness.shape[1])
    order = np.argsort(-nearness, axis=None)
    ordered = nearness.ravel()[order]
    cumulated = np.concatenate([[0.0], np.cumsum(chance[order % len(chance)])])
    # Equal distances share the middle of their total.
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    last = np.append(first[1:], len(ordered))
    middle = np.repeat((cumulated[first] + cumulated[last]) / 2.0, last - first)
    surprises = np.empty(len(ordered))
    surprises[order] = -np.log(np.maximum(1.0 - middle / cumulated[-1], 0.5 / len(nearness)))
    return surprises.reshape(nearness.shape)


def _scores(graph: Graph, share_current: float) -> NDArray[np.float64]:
    weight = surprise(graph, share_current) ** 2
    runs = np.arange(weight.shape[1])
    return np.stack([weight * runs, weight * runs**2])


def _add_runs(
    sums: Array, alive: Array, current: Array, near: Array, gains: Array, *, arrays: Arrays
) -> None:
    """Add the scores of nodes under each labelling to their sums.

    Args:
        sums: float64 ``[m, b]``.
        alive: bool ``[g, b]``: whether each of these nodes is current.
        current: bool ``[G + 1, b]``: the same for all nodes.
        near: int64 ``[g, k]``: the nearest of these nodes.
        gains: float64 ``[m, g, k]``: the increment of a score when a run reaches a rank.
        arrays: Those of their device.
    """
    n_ranks = near.shape[1]
    first_sparse = 1  # rank 0 is no run: nothing is gained
    while first_sparse < n_ranks:
        alive = alive & arrays.take(current, near[:, first_sparse - 1])
        if arrays.count_nonzero(alive) < SPARSE_SHARE * alive.shape[0] * alive.shape[1]:
            break
        sums += gains[:, :, first_sparse] @ arrays.cast(alive, "float64")
        first_sparse += 1
    else:
        return
    n_labellings = current.shape[1]
    flat = current.flatten()
    node, labelling = arrays.nonzero(alive)
    for rank in range(first_sparse, n_ranks):
        if rank > first_sparse:
            next_node = arrays.take(near[:, rank - 1], node)
            continues = arrays.take(flat, next_node * n_labellings + labelling)
            node, labelling = node[continues], labelling[continues]
        if not len(node):
            break
        arrays.add_columns(sums, labelling, gains[:, node, rank])
