r"""Smooth functions of the prompts, for variation of the sides' shares within a cell.

The Gaussian kernel :math:`\exp(\beta (x^T x' - 1))` of unit vectors, by the Nystroem method: with
landmarks L, :math:`\phi(x) = K_{LL}^{-1/2} k_L(x)` (Williams & Seeger, "Using the Nystroem Method
to Speed Up Kernel Machines", NIPS 2000).
"""

import numpy as np
from numpy.typing import NDArray

from monitor.drift.group_sums import membership
from monitor.drift.neighbours.exact import draw_landmarks
from monitor.drift.samples.embeddings import Embeddings

N_LANDMARKS = 512
#: :math:`\beta`: at 2, prompts at an angle of 60 degrees have a similarity of 0.37.
CONCENTRATION = 2.0
#: Rows that are processed at once.
CHUNK_ROWS = 4096
#: Least penalty, as a share of the largest eigenvalue, and halvings of the interval it lies in.
MIN_PENALTY = 1e-6
HALVINGS = 40
#: Directions of less than this share of the largest are rounding.
MIN_SHARE = 1e-6


def smooth_functions(
    prompts: Embeddings, inside: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float16]:
    """Return the functions' values at the prompts, float16 ``[N, m]`` with m of at most 512.

    Args:
        prompts: float32 ``[N, d]``, unit norm.
        inside: bool ``[N]``: where they are computed; elsewhere they are 0.
        rng: Draws the landmarks.
    """
    marks = prompts[draw_landmarks(np.arange(len(prompts)), N_LANDMARKS, rng)]
    spread, axes = np.linalg.eigh(_kernel(marks, marks).astype(np.float64))
    used = spread > MIN_SHARE * spread[-1]
    whiten = (axes[:, used] / np.sqrt(spread[used])).astype(np.float32)
    values = np.empty((len(prompts), whiten.shape[1]), dtype=np.float16)
    for rows, chunk in prompts.chunks():
        values[rows] = (_kernel(chunk, marks) @ whiten) * inside[rows, None]
    return values


def sums_and_products(
    basis: NDArray[np.float16], bins: NDArray[np.int64], n_bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each bin's sum of the functions, ``[T, m]``, and their products, ``[m, m]``."""
    members = membership(bins, n_bins)
    sums = np.zeros((n_bins, basis.shape[1]))
    gram = np.zeros((basis.shape[1], basis.shape[1]))
    for start in range(0, len(basis), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        values = basis[rows].astype(np.float32)
        gram += values.T @ values
        sums += members[:, rows] @ values
    return sums, gram


def ridge_coefficients(
    gram: NDArray[np.float64], products: NDArray[np.float64], n_directions: float
) -> NDArray[np.float64]:
    r"""Return :math:`(G + \lambda I)^{-1} P` with :math:`\lambda` for a number of directions.

    That number is :math:`\sum_j s_j / (s_j + \lambda)`, over the eigenvalues s of G; bisection
    solves for :math:`\lambda`.
    """
    spread = np.maximum(np.linalg.eigvalsh(gram), 0.0)
    low, high = np.log(MIN_PENALTY * max(spread[-1], 1.0)), np.log(1e6 * max(spread[-1], 1.0))
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        enough = (spread / (spread + np.exp(middle))).sum() <= n_directions
        low, high = (low, middle) if enough else (middle, high)
    return np.linalg.solve(gram + np.exp(high) * np.eye(len(gram)), products)


def _kernel(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.exp(np.float32(CONCENTRATION) * (left @ right.T - np.float32(1.0))))
