"""Nearest neighbours among many: looked for in the cells nearby only.

Some neighbours beyond a border are missed. The search sees no labels, so that costs a permutation
test a little power and nothing of its validity. Reference: Sivic & Zisserman, "Video Google", ICCV
2003 (inverted files); Jegou, Douze & Schmid, PAMI 2011, section IV (probing several cells).
"""

import numpy as np
from numpy.typing import NDArray

from monitor.drift.cells import fit_cells
from monitor.drift.neighbours import Neighbours, nearest

N_CELLS = 128
#: Cells in which the neighbours of a cell's samples are looked for.
N_PROBED = 16


def nearest_in_cells(
    vectors: NDArray[np.float32],
    owner: NDArray[np.int64],
    k: int,
    rng: np.random.Generator,
    *,
    device: str | None = None,
) -> Neighbours:
    """Return for each sample k near ones of other owners, most of them the nearest.

    Ties are spread as by :func:`monitor.drift.neighbours.nearest`.

    Args:
        vectors: float32 ``[n, d]``, unit norm.
        owner: int64 ``[n]``.
        k: Number of neighbours.
        rng: Draws the cells.
        device: See :func:`monitor.drift.device.resolve_device`.
    """
    cells = fit_cells(vectors, N_CELLS, rng)
    cell = cells.assign(vectors)
    order = np.argsort(cell, kind="stable")
    bounds = np.searchsorted(cell[order], np.arange(len(cells.centroids) + 1))
    half_norm = np.einsum("ij,ij->i", cells.centroids, cells.centroids) / 2
    closeness = cells.centroids @ cells.centroids.T - half_norm
    probed = np.argsort(-closeness, axis=1, kind="stable")[:, :N_PROBED]
    index = np.full((len(vectors), k), -1, dtype=np.int64)
    similarity = np.full((len(vectors), k), -1.0, dtype=np.float32)
    for number, others in enumerate(probed):
        rows = order[bounds[number] : bounds[number + 1]]
        if not len(rows):
            continue
        near = np.sort(np.concatenate([order[bounds[o] : bounds[o + 1]] for o in others]))
        found = nearest(
            vectors[rows],
            vectors[near],
            k,
            query_owner=owner[rows],
            landmark_owner=owner[near],
            spread_ties=True,
            device=device,
        )
        index[rows] = np.where(found.index >= 0, near[found.index], -1)
        similarity[rows] = found.similarity
    return Neighbours(index, similarity)
