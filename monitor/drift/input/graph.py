r"""Neighbour graph of the nodes of both windows, and its label-free statistics.

* **Scattered** novelty: the relative isolation of a sample in the pool. It is independent of the
  labels, so that its mean over the current samples is linear in them.
* **Mix**: the labels, diffused twice over the graph, :math:`\|P^2 (z - \bar z)\|^2`: regions of any
  shape whose share has changed (Coifman & Lafon, ACHA 2006, for the operator P). Quadratic in the
  labels, so their Gram matrix by bin gives it for every labelling.

The statistics that depend on the labels are in :mod:`monitor.drift.input.emptiness` and
:mod:`monitor.drift.input.scan`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import rankdata

from monitor.drift.device import resolve_device
from monitor.drift.neighbours.cell_search import nearest_in_cells
from monitor.drift.neighbours.exact import Neighbours, nearest
from monitor.drift.neighbours.isolation import mean_distance, relative_isolation

N_NEIGHBOURS = 32
#: Larger graphs are searched by cells.
EXACT_NODES = 4096
#: Bins whose labels are diffused together: few enough for the cache.
BLOCK_BINS = 128


@dataclass(frozen=True)
class Graph:
    """The nearest nodes of each node, of other owners."""

    neighbours: Neighbours

    @property
    def distance(self) -> NDArray[np.float64]:
        """Return 1 - cosine, float64 ``[G, k]``; 2 where there is no neighbour."""
        there = self.neighbours.index >= 0
        return np.where(there, 1.0 - self.neighbours.similarity.astype(np.float64), 2.0)


def build_graph(
    vectors: NDArray[np.float32],
    owner: NDArray[np.int64],
    rng: np.random.Generator,
    device: str | None,
) -> Graph:
    """Return the graph that links each node to its ``N_NEIGHBOURS`` nearest of other owners.

    Vectors are float32 ``[G, d]``, unit norm, in an order that is independent of the labels; owners
    are int64 ``[G]``. ``rng`` draws the cells of the search in large graphs.
    """
    if len(vectors) <= EXACT_NODES:
        neighbours = nearest(
            vectors,
            vectors,
            N_NEIGHBOURS,
            query_owner=owner,
            landmark_owner=owner,
            spread_ties=True,
            device=device,
        )
        return Graph(neighbours)
    return Graph(nearest_in_cells(vectors, owner, N_NEIGHBOURS, rng, device=device))


def scattered_scores(graph: Graph) -> NDArray[np.float64]:
    """Return each node's squared surprise at its relative isolation, float64 ``[G]``."""
    relative = relative_isolation(graph.neighbours, mean_distance(graph.neighbours))
    return np.asarray(np.log1p(-rankdata(relative) / (len(relative) + 1.0)) ** 2)


def diffusion_gram(
    graph: Graph, node_bin: NDArray[np.int64], n_bins: int, device: str | None
) -> NDArray[np.float64]:
    r"""Return :math:`(P^2 S)^T (P^2 S)`, float64 ``[T, T]``, S the membership of nodes in bins."""
    index = graph.neighbours.index
    n = len(index)
    row, rank = np.nonzero(index >= 0)
    links = sparse.csr_matrix(
        (np.ones(len(row), np.float32), (row, index[row, rank])), shape=(n, n)
    )
    links = links + sparse.identity(n, dtype=np.float32, format="csr")
    links = (links + links.T) / 2
    degree = np.asarray(links.sum(axis=1)).ravel().astype(np.float32)
    walk = sparse.diags(np.float32(1.0) / degree).dot(links).tocsr()
    members = sparse.csr_matrix(
        (np.ones(n, np.float32), (np.arange(n), node_bin)), shape=(n, n_bins)
    )
    # After one step the rows are still sparse: a tenth of the cost of dense ones.
    first_step = (walk @ members).tocsc()
    diffused = np.empty((n, n_bins), np.float32)
    for start in range(0, n_bins, BLOCK_BINS):
        block = slice(start, start + BLOCK_BINS)
        diffused[:, block] = walk @ np.ascontiguousarray(first_step[:, block].toarray())
    arrays = resolve_device(device)
    on_device = arrays.put(diffused)
    return arrays.fetch(on_device.T @ on_device).astype(np.float64)
