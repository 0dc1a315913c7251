"""Nearest neighbours within a pool: exact in small pools, by cells in large ones."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.drift.neighbours.cell_search import Placed, cells_to_probe, search
from monitor.drift.neighbours.cells import Cells, fit_cells
from monitor.drift.neighbours.exact import Neighbours, nearest
from monitor.drift.samples.pool import Pool

#: Larger pools are searched by cells.
EXACT_SAMPLES = 4096
#: Number of fine cells that form one cell of the search.
CELLS_AT_ONCE = 4

#: In pools of up to so many samples the neighbours of all are kept, 6 MB among each set of
#: landmarks, so that several scores share one search.
KEPT_SAMPLES = 8192
#: Neighbours kept of each sample.
KEPT_NEIGHBOURS = 64

#: A function of rows of the pool and k to their nearest landmarks.
Find = Callable[[NDArray[np.int64], int], Neighbours]


@dataclass(frozen=True)
class PoolSearch:
    """A search for neighbours of other owners among rows of a pool."""

    pool: Pool
    #: int64 ``[N]``: the cell of each sample.
    cell: NDArray[np.int64]
    #: int64 ``[K, p]``: the cells to search for each cell; ``None`` searches all.
    probed: NDArray[np.int64] | None = None
    device: str | None = None
    #: The neighbours of all samples, by the landmarks that they were searched among.
    _kept: dict[bytes, Neighbours] = field(default_factory=dict, compare=False, repr=False)

    def order(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows in the most efficient order for a search in chunks."""
        if self.probed is None:
            return rows
        return rows[np.argsort(self.cell[rows], kind="stable")]

    def among(self, landmarks: NDArray[np.int64]) -> Find:
        """Return a function that searches among the landmarks."""
        vectors, owner = self.pool.vectors[landmarks], self.pool.owner[landmarks]
        placed = Placed(vectors, owner, self.cell[landmarks])

        def find(rows: NDArray[np.int64], k: int) -> Neighbours:
            queries, owners = self.pool.vectors.part(rows), self.pool.owner[rows]
            if self.probed is not None:
                placed_queries = Placed(queries, owners, self.cell[rows])
                return search(placed_queries, placed, self.probed, k, device=self.device)
            return nearest(
                queries,
                vectors,
                k,
                query_owner=owners,
                landmark_owner=owner,
                device=self.device,
            )

        if len(self.pool.vectors) > KEPT_SAMPLES:
            return find
        key = landmarks.tobytes()

        def recall(rows: NDArray[np.int64], k: int) -> Neighbours:
            if k > KEPT_NEIGHBOURS:
                return find(rows, k)
            if key not in self._kept:
                every = self.order(np.arange(len(self.pool.vectors)))
                searched, by_row = find(every, KEPT_NEIGHBOURS), np.argsort(every)
                self._kept[key] = Neighbours(searched.index[by_row], searched.similarity[by_row])
            neighbours = self._kept[key]
            return Neighbours(neighbours.index[rows, :k], neighbours.similarity[rows, :k])

        return recall


def make_pool_search(
    pool: Pool,
    cells: Cells,
    cell: NDArray[np.int64],
    rng: np.random.Generator,
    device: str | None,
) -> PoolSearch:
    """Return the search of a pool.

    ``cell``, int64 ``[N]``, is the fine cell of each sample; fine cells are fitted without labels.
    ``rng`` draws their groups.
    """
    if len(pool.vectors) <= EXACT_SAMPLES:
        return PoolSearch(pool, cell, device=device)
    norms = np.linalg.norm(cells.centroids, axis=1, keepdims=True)
    centres = cells.centroids / np.maximum(norms, 1e-12)
    groups = fit_cells(centres, -(-len(centres) // CELLS_AT_ONCE), rng)
    return PoolSearch(pool, groups.assign(centres)[cell], cells_to_probe(groups), device)
