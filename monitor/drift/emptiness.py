r"""Thin new topics: how empty of *reference* nodes the surroundings of current nodes are.

With :math:`r` the number of current nodes nearer than the nearest reference node, and
:math:`\varphi = -\log P(D \ge d)` the surprise at that node's distance under random labels, the
statistics are the means of :math:`\varphi^2 r` and :math:`\varphi^2 r^2` over the current nodes:
far from the reference, and not alone there (Schilling, JASA 1986, and Henze, Ann. Stat. 1988, for
tests on the labels of nearest neighbours).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monitor.drift.graph import Graph

if TYPE_CHECKING:
    import torch

#: From this rank on few runs go on, and pairs of node and labelling are followed singly.
FIRST_SPARSE_RANK = 3
#: Nodes under a labelling that are followed together: they stay in the cache.
BLOCK_ENTRIES = 2**17


@dataclass(frozen=True)
class Emptiness:
    """The statistics for any labelling of the bins."""

    graph: Graph
    #: int64 ``[G]``.
    node_bin: NDArray[np.int64]
    #: float64 ``[T]``: nodes in each bin.
    counts: NDArray[np.float64]
    #: float64 ``[2, G, k]``: what a node scores where its nearest reference node has a given rank.
    scores: NDArray[np.float64]

    names = ("emptiness", "emptiness_squared")
    family = "thin"

    def evaluate(self, called_current: "torch.Tensor") -> NDArray[np.float64]:
        """Return the mean scores of the nodes that are called current, float64 ``[b, 2]``.

        Args:
            called_current: bool ``[b, T]``: which bins each labelling calls current.
        """
        total = _total(self.graph, self.scores, self.node_bin, called_current)
        size = called_current.double().cpu().numpy() @ self.counts
        return total / np.maximum(size, 1.0)[:, None]

    def true_scores(
        self, is_current: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return each node's own scores, ``[2, G]``, and over which nodes the mean is, ``[G]``.

        Args:
            is_current: bool ``[T]``: the true labels.
        """
        current = np.append(is_current[self.node_bin], False)
        index = self.graph.found.index
        near = current[np.where(index < 0, len(index), index)]
        run = np.where(near.all(axis=1), near.shape[1] - 1, (~near).argmax(axis=1))
        return self.scores[:, np.arange(len(run)), run], current[:-1]


def make_emptiness(
    graph: Graph,
    node_bin: NDArray[np.int64],
    counts: NDArray[np.float64],
    share_current: float,
) -> Emptiness:
    """Work out the scores.

    Args:
        graph: The nodes' nearest.
        node_bin: int64 ``[G]``.
        counts: float64 ``[T]``: nodes in each bin.
        share_current: Of the nodes: the chance that a neighbour is current under random labels.
    """
    return Emptiness(graph, node_bin, counts, _scores(graph, share_current))


def surprise(graph: Graph, share_current: float) -> NDArray[np.float64]:
    r"""Return :math:`\varphi` of each node's neighbour of each rank, float64 ``[G, k]``."""
    nearness = graph.found.similarity
    chance = (1.0 - share_current) * share_current ** np.arange(nearness.shape[1])
    order = np.argsort(-nearness, axis=None)
    ordered = nearness.ravel()[order]
    mass = np.concatenate([[0.0], np.cumsum(chance[order % len(chance)])])
    # Equal distances share the middle of what they hold together.
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    last = np.append(first[1:], len(ordered))
    middle = np.repeat((mass[first] + mass[last]) / 2.0, last - first)
    surprises = np.empty(len(ordered))
    surprises[order] = -np.log(np.maximum(1.0 - middle / mass[-1], 0.5 / len(nearness)))
    return surprises.reshape(nearness.shape)


def _scores(graph: Graph, share_current: float) -> NDArray[np.float64]:
    weight = surprise(graph, share_current) ** 2
    runs = np.arange(weight.shape[1])
    return np.stack([weight * runs, weight * runs**2])


def _total(
    graph: Graph,
    scores: NDArray[np.float64],
    node_bin: NDArray[np.int64],
    labels: "torch.Tensor",
) -> NDArray[np.float64]:
    """Sum the scores over the current nodes under each labelling, float64 ``[b, m]``."""
    import torch  # noqa: PLC0415

    place = labels.device
    current = labels.T.contiguous()[torch.from_numpy(node_bin).to(place)]  # [G, b]
    # A node without further neighbours ends its run, as a reference node would.
    current = torch.cat([current, torch.zeros_like(current[:1])])
    index = torch.from_numpy(graph.found.index).to(place)
    index = torch.where(index < 0, len(node_bin), index)
    gain = torch.from_numpy(np.diff(scores, axis=2, prepend=0.0)).to(place)  # [m, G, k]
    sums = torch.zeros((len(scores), labels.shape[0]), dtype=torch.float64, device=place)
    step = max(1, BLOCK_ENTRIES // labels.shape[0])
    for start in range(0, len(node_bin), step):
        rows = slice(start, min(start + step, len(node_bin)))
        _add_runs(sums, current[rows], current, index[rows], gain[:, rows])
    return np.asarray(sums.T.cpu().numpy())


def _add_runs(
    sums: "torch.Tensor",
    alive: "torch.Tensor",
    current: "torch.Tensor",
    index: "torch.Tensor",
    gain: "torch.Tensor",
) -> None:
    """Add what some nodes score under each labelling.

    Args:
        sums: float64 ``[m, b]``.
        alive: bool ``[g, b]``: which of them are current.
        current: bool ``[G + 1, b]``: the same of all nodes.
        index: int64 ``[g, k]``: their nearest.
        gain: float64 ``[m, g, k]``: what a run scores more when it reaches a rank.
    """
    n_ranks = index.shape[1]
    for rank in range(min(FIRST_SPARSE_RANK, n_ranks)):
        if rank:
            alive = alive & current[index[:, rank - 1]]
        sums += gain[:, :, rank] @ alive.double()
    node, labelling = alive.nonzero(as_tuple=True)
    for rank in range(FIRST_SPARSE_RANK, n_ranks):
        goes_on = current[index[node, rank - 1], labelling]
        node, labelling = node[goes_on], labelling[goes_on]
        if not len(node):
            break
        sums.index_add_(1, labelling, gain[:, node, rank])
