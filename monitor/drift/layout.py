r"""Layout of the neighbour graph of vectors in the plane.

Each point is tied to its ``k`` nearest neighbours by cosine, with a weight that falls with the
distance, measured against those of its other neighbours. Starting from the two leading principal
components, ties pull and all other points push, as the gradient of

.. math:: \sum_{ij} w_{ij} \ln(1 + r_{ij}^2) + \gamma \sum_{ij} \ln \frac{1 + r_{ij}^2}{r_{ij}^2},

says, with :math:`r_{ij}` the distance in the plane. The push is estimated from some points drawn
anew at each step, so that a step costs O(n). Neighbourhoods are kept; distances between far points,
the sizes of groups and the directions of the axes mean nothing.

References:
    Tang et al., "Visualizing large-scale and high-dimensional data", WWW 2016 (LargeVis).
    McInnes, Healy & Melville, "UMAP", arXiv:1802.03426 (the weights; here a = b = 1).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

N_NEIGHBOURS = 15
N_STEPS = 200
#: Points sampled as repellents in a step.
N_PUSHING = 64
#: Strength of the repulsion; gamma of the formula.
PUSH = 0.1
#: Keeps the repulsion of coincident points finite.
SOFTENING = 0.01
LEARNING_RATE = 0.1
#: Longest move of a point in a step; the start has a standard deviation of ``SPREAD``.
MAX_STEP = 1.0
SPREAD = 4.0
#: Rounds of subspace iteration for the start, which is approximate.
N_ROUNDS = 12


def lay_out(vectors: NDArray[np.floating[Any]], rng: np.random.Generator) -> NDArray[np.float64]:
    """Place points in the plane.

    Needs O(n²) time for the neighbours: about a second for 2,000 points.

    Vectors are ``[n, d]``, unit norm. ``rng`` samples the repellents; the same generator gives the
    same layout.

    Returns:
        float64 ``[n, 2]``, within [0, 1], the longer side filled and the shorter one centred.
    """
    points = np.asarray(vectors, dtype=np.float32)
    n = len(points)
    if n < 3:
        return np.column_stack([(np.arange(n) + 0.5) / max(n, 1), np.full(n, 0.5)])
    tail, head, weight = _ties(points, min(N_NEIGHBOURS, n - 1))
    places = _start(points, rng)
    for step in range(N_STEPS):
        force = _pull(places, tail, head, weight) + _push(places, rng)
        move = LEARNING_RATE * (1.0 - step / N_STEPS) * force
        length = np.sqrt((move * move).sum(axis=1, keepdims=True))
        places += move * np.minimum(1.0, MAX_STEP / np.maximum(length, 1e-12))
    return _into_unit_square(places)


def _ties(
    points: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the edges from points to their neighbours: both ends, and weights in (0, 1]."""
    cosine = points @ points.T
    np.fill_diagonal(cosine, -2.0)
    nearest = np.argpartition(-cosine, k - 1, axis=1)[:, :k].astype(np.int64)
    near = np.take_along_axis(cosine, nearest, axis=1).astype(np.float64)
    distance = np.sqrt(np.maximum(2.0 - 2.0 * near, 0.0))
    beyond = distance - distance.min(axis=1, keepdims=True)
    weight = np.exp(-beyond / np.maximum(beyond.mean(axis=1, keepdims=True), 1e-3))
    return np.repeat(np.arange(len(points)), k), nearest.ravel(), weight.ravel()


def _start(points: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the two leading principal components with noise, so that copies do not coincide."""
    centred = (points - points.mean(axis=0)).astype(np.float64)
    basis = rng.normal(size=(points.shape[1], 2))
    for _ in range(N_ROUNDS):
        basis, _ = np.linalg.qr(centred.T @ (centred @ basis))
    places = centred @ basis
    places *= SPREAD / max(float(places.std()), 1e-9)
    return np.asarray(places + rng.normal(scale=0.01, size=places.shape))


def _pull(
    places: NDArray[np.float64],
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    apart = places[tail] - places[head]
    pull = (2.0 * weight / (1.0 + (apart * apart).sum(axis=1)))[:, None] * apart
    n = len(places)
    sums = [np.bincount(head, axis, n) - np.bincount(tail, axis, n) for axis in pull.T]
    return np.column_stack(sums)


def _push(places: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    n = len(places)
    n_drawn = min(N_PUSHING, n)
    drawn = places[rng.choice(n, n_drawn, replace=False)]
    apart_x = places[:, :1] - drawn[:, 0]
    apart_y = places[:, 1:] - drawn[:, 1]
    squared = apart_x * apart_x + apart_y * apart_y
    push = 2.0 * PUSH * n / n_drawn / ((SOFTENING + squared) * (1.0 + squared))
    return np.column_stack([(push * apart_x).sum(axis=1), (push * apart_y).sum(axis=1)])


def _into_unit_square(places: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = places.min(axis=0), places.max(axis=0)
    scale = max(float((high - low).max()), 1e-9)
    return np.asarray(0.5 + (places - (low + high) / 2.0) / scale)
