"""Approximate nearest neighbours among many samples, searched in nearby cells only.

Some neighbours beyond a border are missed. The search is independent of the labels, so that this
costs a permutation test some power and none of its validity. Reference: Sivic & Zisserman, "Video
Google", ICCV 2003 (inverted files); Jegou, Douze & Schmid, PAMI 2011, section IV (probing several
cells).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.neighbours.cells import Cells, fit_cells
from monitor.drift.neighbours.exact import Neighbours, nearest
from monitor.drift.samples.embeddings import Rows, take

N_CELLS = 128
#: One of so many cells is searched for the neighbours of a cell.
ONE_PROBED_OF = 8


@dataclass(frozen=True)
class Placed:
    """Samples with their cells."""

    #: float32 ``[n, d]``, unit norm.
    vectors: Rows
    #: int64 ``[n]``.
    owner: NDArray[np.int64]
    #: ``[n]``: the cell of each.
    cell: NDArray[np.integer]


def nearest_in_cells(
    vectors: NDArray[np.float32],
    owner: NDArray[np.int64],
    k: int,
    rng: np.random.Generator,
    *,
    device: str | None = None,
) -> Neighbours:
    """Return k near samples of other owners for each sample, most of them the nearest.

    Ties are spread as by :func:`monitor.drift.neighbours.exact.nearest`.

    Vectors are float32 ``[n, d]``, unit norm; owners are int64 ``[n]``. ``rng`` draws the cells.
    """
    cells = fit_cells(vectors, N_CELLS, rng)
    placed = Placed(vectors, owner, cells.assign(vectors))
    return search(placed, placed, cells_to_probe(cells), k, spread_ties=True, device=device)


def cells_to_probe(cells: Cells) -> NDArray[np.int64]:
    """Return the cells to search for the neighbours of each cell, nearest first, ``[K, p]``."""
    half_norm = np.einsum("ij,ij->i", cells.centroids, cells.centroids) / 2
    closeness = cells.centroids @ cells.centroids.T - half_norm
    n_probed = -(-len(half_norm) // ONE_PROBED_OF)
    return np.argsort(-closeness, axis=1, kind="stable")[:, :n_probed]


def search(
    queries: Placed,
    landmarks: Placed,
    probed: NDArray[np.int64],
    k: int,
    *,
    spread_ties: bool = False,
    device: str | None = None,
) -> Neighbours:
    """Return the k nearest landmarks of other owners in the cells around each query.

    ``probed``, int64 ``[K, p]``, are the cells to search for each cell. Ties are spread as by
    :func:`monitor.drift.neighbours.exact.nearest`.
    """
    index = np.full((len(queries.owner), k), -1, dtype=np.int64)
    similarity = np.full((len(queries.owner), k), -1.0, dtype=np.float32)
    query_rows, landmark_rows = (
        _rows_by_cell(side.cell, len(probed)) for side in (queries, landmarks)
    )
    for rows, cells in zip(query_rows, probed, strict=True):
        if not len(rows):
            continue
        near = np.sort(np.concatenate([landmark_rows[cell] for cell in cells]))
        neighbours = nearest(
            take(queries.vectors, rows),
            landmarks.vectors[near],
            k,
            query_owner=queries.owner[rows],
            landmark_owner=landmarks.owner[near],
            spread_ties=spread_ties,
            device=device,
        )
        index[rows] = (
            np.where(neighbours.index >= 0, near[neighbours.index], -1) if len(near) else -1
        )
        similarity[rows] = neighbours.similarity
    return Neighbours(index, similarity)


def _rows_by_cell(cell: NDArray[np.integer], n_cells: int) -> list[NDArray[np.int64]]:
    """Return the rows of each cell."""
    order = np.argsort(cell, kind="stable")
    return np.split(order, np.searchsorted(cell[order], np.arange(1, n_cells)))
