r"""Scan: dense new topics, by the average likelihood ratio of an excess of current nodes.

A place is a node with its k nearest, for two sizes k. With c current nodes among these :math:`n = k
+ 1` and the share p of current nodes in all, the likelihood ratio against random labels is
:math:`(c / np)^c \, ((n - c) / n (1 - p))^{n - c}` where c exceeds np, else 1 (Kulldorff, Commun.
Stat. 1997, section 3). Its *mean* over the places detects small topics better than its maximum,
which pays for the search over all places (Chan & Walther, "Detection with the scan and the average
likelihood ratio", Stat. Sinica 2013).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitor.drift.device import Array, Arrays, NumpyArrays
from monitor.drift.input.graph import Graph

#: Numbers of neighbours that form a place with the node itself.
PLACE_SIZES = (12, 20)
#: Pairs of place and labelling that are counted together; they fit into the cache.
BLOCK_ENTRIES = 2**17


@dataclass(frozen=True)
class Scan:
    """The statistic for any labelling of the bins."""

    #: int64 ``[G, k]``: the nearest nodes of each node; G where there are fewer.
    near: NDArray[np.int64]
    #: int64 ``[G]``.
    node_bin: NDArray[np.int64]
    #: Share of the nodes that are current.
    share_current: float

    names = ("scan",)
    family = "dense"

    def evaluate(self, called_current: Array, arrays: Arrays) -> NDArray[np.float64]:
        """Return the mean likelihood ratio, float64 ``[b, 1]``.

        ``called_current``, bool ``[b, T]``, are the bins that each labelling labels current.
        """
        n, n_labellings = len(self.node_bin), len(called_current)
        total = arrays.zeros((n_labellings,))
        step = max(1, BLOCK_ENTRIES // n_labellings)
        current = self._current(called_current, arrays)
        for start in range(0, n, step):
            total += self._ratios(current, slice(start, start + step), arrays).sum(axis=0)
        return arrays.fetch(total / n)[:, None]

    def true_scores(
        self, is_current: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the likelihood ratio of each node, ``[1, G]``, and that all nodes are averaged.

        The true labels are bool ``[T]``.
        """
        arrays = NumpyArrays()
        current = self._current(is_current[None], arrays)
        ratios = self._ratios(current, slice(0, len(self.node_bin)), arrays)
        return ratios.T, np.ones(len(self.node_bin), dtype=np.bool_)

    def _current(self, called_current: Array, arrays: Arrays) -> Array:
        """Return 1 for each node that a labelling labels current, uint8 ``[G + 1, b]``.

        The last row, of a missing neighbour, is that of a reference node.
        """
        current = arrays.take(arrays.cast(called_current, "uint8").T, arrays.put(self.node_bin))
        return arrays.join([current, arrays.zeros((1, current.shape[1]), "uint8")], axis=0)

    def _ratios(self, current: Array, rows: slice, arrays: Arrays) -> Array:
        """Return the mean ratio over the place sizes of a chunk of nodes, float64 ``[g, b]``."""
        near = arrays.put(self.near[rows])
        small, large = PLACE_SIZES
        place = current[:-1][rows] + 0
        for rank in range(min(small, near.shape[1])):
            place += arrays.take(current, near[:, rank])
        # Both counts in one byte, for one look-up.
        place *= large - small + 1
        for rank in range(small, min(large, near.shape[1])):
            place += arrays.take(current, near[:, rank])
        return arrays.take(arrays.put(self._table), place)

    @cached_property
    def _table(self) -> NDArray[np.float64]:
        """Return the mean ratio for each count in the smaller place and in the rest of the larger.

        An entry that no count has is that of the largest count.
        """
        small, large = (
            likelihood_ratios(size + 1, self.share_current) / len(PLACE_SIZES)
            for size in PLACE_SIZES
        )
        rest = np.arange(PLACE_SIZES[1] - PLACE_SIZES[0] + 1)
        count = np.minimum(np.arange(len(small))[:, None] + rest, len(large) - 1)
        return np.asarray(small[:, None] + large[count]).ravel()


def make_scan(graph: Graph, node_bin: NDArray[np.int64], share_current: float) -> Scan:
    """Return the scan of a graph; see :class:`Scan` for the arguments."""
    index = graph.neighbours.index
    return Scan(np.where(index < 0, len(index), index), node_bin, share_current)


def likelihood_ratios(n: int, share_current: float) -> NDArray[np.float64]:
    """Return the likelihood ratio of each count from 0 to n, float64 ``[n + 1]``.

    A place has n nodes; ``share_current`` is between 0 and 1.

    Example:
        >>> likelihood_ratios(2, 0.5).round(9).tolist()
        [1.0, 1.0, 4.0]
    """
    count = np.arange(n + 1.0)
    expected = n * share_current
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where(count > 0, count * np.log(count / expected), 0.0)
        outside = np.where(count < n, (n - count) * np.log((n - count) / (n - expected)), 0.0)
    return np.asarray(np.exp(np.where(count > expected, inside + outside, 0.0)))
