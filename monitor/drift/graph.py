r"""Tests on the neighbour graph of both windows' nodes, for every labelling of the bins at once.

* **Scattered** novelty: the relative isolation of a sample in the pool. It sees no labels, so its
  mean over the current samples is linear in them.
* **Concentrated** novelty: how empty of *reference* samples the surroundings of a current sample
  are. With :math:`r` the number of current samples nearer than the nearest reference sample and
  :math:`\varphi = -\log P(D \ge d)` the surprise at that sample's distance under random labels, the
  statistics are means of :math:`\varphi`, :math:`\varphi r`, :math:`\varphi r^2` and :math:`r^2`:
  distance finds a new topic that is thin, the run a small one that is dense (Schilling, JASA 1986;
  Henze, Ann. Stat. 1988 for tests on the labels of nearest neighbours).
* **Mix**: the labels, diffused twice over the graph, :math:`\|P^2 (z - \bar z)\|^2`: regions of any
  shape whose share has changed (Coifman & Lafon, ACHA 2006, for the operator P).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import rankdata

from monitor.drift.device import resolve_device
from monitor.drift.isolation import mean_distance, relative_isolation
from monitor.drift.neighbours import Neighbours, nearest

if TYPE_CHECKING:
    import torch

N_NEIGHBOURS = 32
#: From this rank on few runs go on, and pairs of sample and labelling are followed singly.
FIRST_SPARSE_RANK = 3
EMPTINESS_NAMES = ("emptiness", "emptiness_run", "emptiness_run_squared", "run_squared")


@dataclass(frozen=True)
class Graph:
    """The nearest nodes of each node, of other owners."""

    found: Neighbours

    @property
    def distance(self) -> NDArray[np.float64]:
        """Return 1 - cosine, float64 ``[G, k]``; 2 where there is no neighbour."""
        there = self.found.index >= 0
        return np.where(there, 1.0 - self.found.similarity.astype(np.float64), 2.0)


def build_graph(
    vectors: NDArray[np.float32], owner: NDArray[np.int64], device: str | None
) -> Graph:
    """Link each node to its ``N_NEIGHBOURS`` nearest of other owners."""
    return Graph(
        nearest(
            vectors,
            vectors,
            N_NEIGHBOURS,
            query_owner=owner,
            landmark_owner=owner,
            spread_ties=True,
            device=device,
        )
    )


def scattered_scores(graph: Graph) -> NDArray[np.float64]:
    """Return each node's squared surprise at its relative isolation, float64 ``[G]``."""
    relative = relative_isolation(graph.found, mean_distance(graph.found))
    return np.asarray(np.log1p(-rankdata(relative) / (len(relative) + 1.0)) ** 2)


def emptiness_scores(graph: Graph, share_current: float) -> NDArray[np.float64]:
    """Return what each node scores where its nearest reference node has a given rank.

    Args:
        graph: The graph.
        share_current: Of the nodes: the chance that a neighbour is current under random labels.

    Returns:
        float64 ``[4, G, k]``, in the order of ``EMPTINESS_NAMES``.
    """
    distance = graph.distance
    ranks = np.arange(distance.shape[1])
    chance = (1.0 - share_current) * share_current**ranks
    weight = np.broadcast_to(chance, distance.shape).ravel()
    order = np.argsort(distance, axis=None, kind="stable")
    ordered = distance.ravel()[order]
    mass = np.concatenate([[0.0], np.cumsum(weight[order])])
    below = mass[np.searchsorted(ordered, distance, side="left")]
    up_to = mass[np.searchsorted(ordered, distance, side="right")]
    survival = 1.0 - (below + up_to) / 2.0 / mass[-1]
    surprise = -np.log(np.maximum(survival, 0.5 / len(distance)))
    runs = np.broadcast_to(ranks, distance.shape)
    scores = (surprise, surprise * runs, surprise * runs**2, (runs**2).astype(np.float64))
    return np.stack(scores)


def total_emptiness(
    graph: Graph,
    scores: NDArray[np.float64],
    node_bin: NDArray[np.int64],
    labels: "torch.Tensor",
) -> NDArray[np.float64]:
    """Sum the scores over the current nodes under each labelling.

    Args:
        graph: The graph.
        scores: float64 ``[m, G, k]`` from :func:`emptiness_scores`.
        node_bin: int64 ``[G]``.
        labels: bool ``[b, T]``: which bins are called current.

    Returns:
        float64 ``[b, m]``.
    """
    import torch  # noqa: PLC0415

    place = labels.device
    current = labels.T[torch.from_numpy(node_bin).to(place)]  # [G, b]
    # A node without further neighbours ends its run, as a reference node would.
    current = torch.cat([current, torch.zeros_like(current[:1])])
    index = torch.from_numpy(graph.found.index).to(place)
    index = torch.where(index < 0, len(node_bin), index)
    table = torch.from_numpy(scores).to(place)
    gain = torch.diff(table, dim=2, prepend=torch.zeros_like(table[:, :, :1]))  # [m, G, k]
    alive = current[:-1]
    sums = torch.zeros((len(scores), labels.shape[0]), dtype=torch.float64, device=place)
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
    return np.asarray(sums.T.cpu().numpy())


def diffusion_gram(
    graph: Graph, node_bin: NDArray[np.int64], n_bins: int, device: str | None
) -> NDArray[np.float64]:
    r"""Return :math:`(P^2 S)^T (P^2 S)`, float64 ``[T, T]``, S the nodes' membership of bins."""
    import torch  # noqa: PLC0415

    place = resolve_device(device)
    index = graph.found.index
    n = len(index)
    row, rank = np.nonzero(index >= 0)
    links = sparse.csr_matrix(
        (np.ones(len(row), np.float32), (row, index[row, rank])), shape=(n, n)
    )
    links = links + sparse.identity(n, dtype=np.float32, format="csr")
    links = (links + links.T) / 2
    walk = sparse.diags(1.0 / np.asarray(links.sum(axis=1)).ravel()).dot(links).tocsr()
    members = np.zeros((n, n_bins), dtype=np.float32)
    members[np.arange(n), node_bin] = 1.0
    diffused = walk @ (walk @ members)
    on_device = torch.from_numpy(diffused).to(place)
    return np.asarray((on_device.T @ on_device).double().cpu().numpy())
