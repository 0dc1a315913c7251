"""Features of responses with what the prompt explains taken off."""

import numpy as np
from numpy.typing import NDArray

from monitor.drift.random_features import BANDWIDTH_FACTORS, fit_random_features

#: Rows whose neighbours' features are gathered at once.
CHUNK_ROWS = 512
N_FREQUENCIES = 64
#: A shorter residual is rounding.
SHORTEST = 1e-5
#: Quantiles of the pool's novelty above which the tail is counted.
TAIL_QUANTILES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998)


class ResidualFeatures:
    """Residuals ``[N, F]`` in blocks: shift, one for each bandwidth, the cells, the tails."""

    def __init__(
        self, values: NDArray[np.float32], names: tuple[str, ...], splits: NDArray[np.int64]
    ) -> None:
        #: float32 ``[N, F]``.
        self.values = values
        #: A name for each block.
        self.names = names
        #: Columns at which a new block begins.
        self.splits = splits


def residual_features(
    responses: NDArray[np.float32],
    residual: NDArray[np.float32],
    *,
    cell: NDArray[np.int64],
    n_cells: int,
    near: NDArray[np.int64],
    rng: np.random.Generator,
) -> ResidualFeatures:
    """Return the responses' features less what the prompt explains of them.

    Of the responses themselves that is a linear map of the prompts, and of what is left only the
    direction counts; of the other features it is their mean over the nearest prompts' responses.

    Args:
        responses: float32 ``[N, e]``, unit norm.
        residual: float32 ``[N, e]``: what a linear map of the prompts doesn't explain of them.
        cell: int64 ``[N]``: each response's cell.
        n_cells: Number of response cells.
        near: int64 ``[N, k]`` rows with the nearest prompts, -1 where there are fewer.
        rng: Draws the random features.
    """
    random_features = fit_random_features(responses, rng, n_frequencies=N_FREQUENCIES)
    kernel = random_features.transform(responses)
    indicator = (cell[:, None] == np.arange(n_cells)).astype(np.float32)
    distance = conditional_distance(responses, near)
    tails = (distance[:, None] > novelty_thresholds(distance)).astype(np.float32)
    local = np.hstack([kernel, indicator, tails])
    names = ["shift", *(f"kernel_{b:g}" for b in BANDWIDTH_FACTORS), "cells"]
    widths = [responses.shape[1], *[random_features.width] * len(BANDWIDTH_FACTORS), n_cells]
    if tails.shape[1]:
        names.append("novelty_tail")
        widths.append(tails.shape[1])
    values = np.hstack([directions(residual), local - _neighbour_mean(local, near)])
    return ResidualFeatures(values, tuple(names), np.cumsum(widths)[:-1])


def directions(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each row over its length, so that no odd one outweighs many; 0 stays 0.

    The spatial sign of Mottonen & Oja ("Multivariate spatial sign and rank methods", J. Nonparam.
    Stat. 1995).

    Args:
        vectors: float32 ``[N, e]``.
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.where(length > SHORTEST, vectors / np.maximum(length, SHORTEST), 0.0))


def novelty_thresholds(novelty: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the pool's quantiles that leave at least five samples above, without repeats."""
    levels = [q for q in TAIL_QUANTILES if (1 - q) * len(novelty) >= 5]
    thresholds = np.unique(np.quantile(novelty, levels)) if levels else np.empty(0)
    return np.asarray(thresholds[thresholds < novelty.max(initial=-np.inf)], dtype=np.float64)


def conditional_distance(
    responses: NDArray[np.float32], near: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return 1 - the largest cosine to the responses of the nearest prompts, float64 ``[N]``."""
    distance = np.empty(len(responses))
    for start in range(0, len(responses), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        cosine = np.einsum("ikj,ij->ik", responses[near[rows]], responses[rows], optimize=True)
        cosine[near[rows] < 0] = -1.0
        distance[rows] = 1.0 - cosine.max(axis=1)
    return np.clip(distance, 0.0, 2.0)


def _neighbour_mean(values: NDArray[np.float32], near: NDArray[np.int64]) -> NDArray[np.float32]:
    mean = np.zeros_like(values)
    for start in range(0, len(values), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        valid = (near[rows] >= 0).astype(np.float32)
        total = np.einsum("ikj,ik->ij", values[near[rows]], valid, optimize=True)
        mean[rows] = total / np.maximum(valid.sum(axis=1, keepdims=True), 1.0)
    return mean
