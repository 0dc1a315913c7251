"""Neighbours that are looked for in cells are mostly the nearest, and never one's own."""

import numpy as np

from monitor.drift.neighbours.cell_search import nearest_in_cells
from monitor.drift.neighbours.cells import fit_cells
from monitor.drift.neighbours.exact import nearest
from monitor.drift.neighbours.pool_search import PoolSearch, make_pool_search
from monitor.drift.samples.embeddings import check_vectors
from monitor.drift.samples.pool import make_pool


def test_most_of_the_nearest_are_found_and_none_of_the_same_owner() -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((60, 24))
    points = centres[rng.integers(60, size=6000)] + 0.6 * rng.standard_normal((6000, 24))
    points = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    owner = np.arange(6000) // 3
    found = nearest_in_cells(points, owner, 8, rng)
    exact = nearest(points, points, 8, query_owner=owner, landmark_owner=owner, spread_ties=True)
    shared = [len(set(a) & set(b)) / 8 for a, b in zip(found.index, exact.index, strict=True)]
    assert np.mean(shared) > 0.9
    assert (owner[found.index] != owner[:, None]).all()
    cosine = np.einsum("ikj,ij->ik", points[found.index], points)
    np.testing.assert_allclose(found.similarity, cosine, atol=2e-5)
    assert (np.diff(found.similarity, axis=1) <= 1e-5).all()


def test_copies_of_one_point_have_neighbours_too() -> None:
    points = np.tile(np.eye(4, dtype=np.float32)[:1], (5000, 1))
    found = nearest_in_cells(points, np.arange(5000), 4, np.random.default_rng(0))
    assert (found.index >= 0).all()
    # Equally near ones are taken in another order by each, not the same four by all.
    assert len(np.unique(found.index)) > 500


def test_a_large_pool_is_searched_by_groups_of_cells() -> None:
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((60, 24))
    points = centres[rng.integers(60, size=6000)] + 0.6 * rng.standard_normal((6000, 24))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    sides = [check_vectors(points[rows], "x") for rows in (slice(0, 3000), slice(3000, 6000))]
    pool = make_pool(*sides, np.arange(3000) // 2, None)
    cells = fit_cells(pool.vectors, 256, rng)
    search = make_pool_search(pool, cells, cells.assign(pool.vectors), rng, None)
    marks, asked = np.flatnonzero(~pool.is_current), search.order(np.arange(6000))
    found = search.among(marks)(asked, 5)
    exact = PoolSearch(pool, search.cell).among(marks)(asked, 5)
    shared = [len(set(a) & set(b)) / 5 for a, b in zip(found.index, exact.index, strict=True)]
    assert np.mean(shared) > 0.85
    assert (pool.owner[marks[found.index]] != pool.owner[asked][:, None]).all()
    assert (np.diff(search.cell[asked]) >= 0).all()
    assert sorted(asked) == list(range(6000))
