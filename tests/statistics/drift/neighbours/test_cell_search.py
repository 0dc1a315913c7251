"""Neighbour search in cells: mostly the nearest, and never a sample itself."""

import numpy as np
import pytest

from monitor.drift.neighbours.cell_search import nearest_in_cells
from monitor.drift.neighbours.cells import fit_cells
from monitor.drift.neighbours.exact import nearest
from monitor.drift.neighbours.pool_search import PoolSearch, make_pool_search
from monitor.drift.samples.embeddings import check_vectors
from monitor.drift.samples.pool import make_pool


@pytest.mark.slow
def test_cell_search_returns_most_neighbours_and_never_the_point() -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((60, 24))
    points = centres[rng.integers(60, size=6000)] + 0.6 * rng.standard_normal((6000, 24))
    points = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    owner = np.arange(6000) // 3
    neighbours = nearest_in_cells(points, owner, 8, rng)
    exact = nearest(points, points, 8, query_owner=owner, landmark_owner=owner, spread_ties=True)
    shared = [len(set(a) & set(b)) / 8 for a, b in zip(neighbours.index, exact.index, strict=True)]
    assert np.mean(shared) > 0.9
    assert (owner[neighbours.index] != owner[:, None]).all()
    cosine = np.einsum("ikj,ij->ik", points[neighbours.index], points)
    np.testing.assert_allclose(neighbours.similarity, cosine, atol=2e-5)
    assert (np.diff(neighbours.similarity, axis=1) <= 1e-5).all()


def test_copies_of_one_point_have_neighbours_too() -> None:
    points = np.tile(np.eye(4, dtype=np.float32)[:1], (5000, 1))
    neighbours = nearest_in_cells(points, np.arange(5000), 4, np.random.default_rng(0))
    assert (neighbours.index >= 0).all()
    # Equally near ones are taken in another order by each, not the same four by all.
    assert len(np.unique(neighbours.index)) > 500


@pytest.mark.slow
def test_a_large_pool_is_searched_by_groups_of_cells() -> None:
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((60, 24))
    points = centres[rng.integers(60, size=6000)] + 0.6 * rng.standard_normal((6000, 24))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    sides = [check_vectors(points[rows], "x") for rows in (slice(0, 3000), slice(3000, 6000))]
    pool = make_pool(*sides, np.arange(3000) // 2, None)
    cells = fit_cells(pool.vectors, 256, rng)
    search = make_pool_search(pool, cells, cells.assign(pool.vectors), rng, None)
    marks, queries = np.flatnonzero(~pool.is_current), search.order(np.arange(6000))
    neighbours = search.among(marks)(queries, 5)
    exact = PoolSearch(pool, search.cell).among(marks)(queries, 5)
    shared = [len(set(a) & set(b)) / 5 for a, b in zip(neighbours.index, exact.index, strict=True)]
    assert np.mean(shared) > 0.85
    assert (pool.owner[marks[neighbours.index]] != pool.owner[queries][:, None]).all()
    assert (np.diff(search.cell[queries]) >= 0).all()
    assert sorted(queries) == list(range(6000))
