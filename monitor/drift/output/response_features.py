"""Features of responses, less the part that their prompts explain."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from monitor.drift.group_sums import membership
from monitor.drift.output.descriptors import DescriptorResiduals
from monitor.drift.permutation.random_features import BANDWIDTH_FACTORS, fit_random_features
from monitor.drift.samples.embeddings import Rows

#: Rows whose features, or whose neighbours' responses, are in memory at once.
CHUNK_ROWS = 512
N_FREQUENCIES = 64
#: A shorter residual is rounding.
MIN_LENGTH = 1e-5
#: Differences beyond these are rounding.
DECIMALS = 6
#: Samples in a class of prompts of about one density.
SAMPLES_PER_CLASS = 200
MAXIMUM_CLASSES = 20
#: The least spread of the distances of a class.
MIN_SPREAD = 1e-3
#: Quantiles of the pool's novelty above which the tail is counted.
TAIL_QUANTILES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998)


class ResidualFeatures:
    """Features ``[N, F]`` in blocks: shift, descriptors, one for each bandwidth, cells, tails.

    They are computed in chunks and summed by bin: all of them at once would take several times the
    memory of the samples.
    """

    def __init__(
        self,
        responses: Rows,
        residual: NDArray[np.float32],
        *,
        cell: NDArray[np.int64],
        n_cells: int,
        near: NDArray[np.int64],
        closeness: NDArray[np.float64],
        rng: np.random.Generator,
        descriptors: DescriptorResiduals | None = None,
    ) -> None:
        """Fit the random features.

        For the responses themselves the explained part is a linear map of the prompts, and only
        the direction of the residual counts; for the other features it is their mean over the
        responses to the nearest prompts.

        Responses are float32 ``[N, e]``, unit norm, with their residual after a linear map of the
        prompts; ``cell``, int64 ``[N]``, is each one's cell. ``near``, int64 ``[N, k]``, are rows
        with the nearest prompts, -1 where there are fewer; ``closeness``, float64 ``[N]``, is the
        mean cosine to those.
        """
        self._responses = responses
        self._residual = residual
        self._descriptors = np.empty((len(residual), 0), dtype=np.float32)
        described: dict[str, int] = {}
        if descriptors is not None:
            self._descriptors, described = descriptors.features, descriptors.blocks
        self._cell = cell
        self._n_cells = n_cells
        self._near = near
        self._kernel = fit_random_features(responses, rng, n_frequencies=N_FREQUENCIES)
        self._distance = scale_within_classes(conditional_distance(responses, near), closeness)
        self._thresholds = novelty_thresholds(self._distance)
        names = ["shift", *described, *(f"kernel_{b:g}" for b in BANDWIDTH_FACTORS), "cells"]
        widths = [
            residual.shape[1],
            *described.values(),
            *[self._kernel.width] * len(BANDWIDTH_FACTORS),
            n_cells,
        ]
        if len(self._thresholds):
            names.append("novelty_tail")
            widths.append(len(self._thresholds))
        #: A name for each block.
        self.names = tuple(names)
        #: Columns at which a new block begins.
        self.splits = np.cumsum(widths)[:-1]
        self._width = sum(widths)

    def sums(
        self, bins: NDArray[np.int64], n_bins: int, basis: NDArray[np.float16]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return each bin's sum of the features, and their products with functions of the prompts.

        Bins are int64 ``[N]``; the basis is float16 ``[N, m]``.

        Returns:
            float64 ``[n_bins, F]`` and ``[m, F]``.
        """
        own, local_weights = _bin_weights(bins, n_bins, self._near)
        where, neighbour_basis = _neighbour_basis(basis, self._near)
        first = self._residual.shape[1] + self._descriptors.shape[1]
        sums = np.zeros((n_bins, self._width))
        products = np.zeros((basis.shape[1], self._width))
        for start in range(0, len(bins), CHUNK_ROWS):
            rows = slice(start, start + CHUNK_ROWS)
            directed = np.hstack([directions(self._residual[rows]), self._descriptors[rows]])
            local = self._local(rows)
            sums[:, :first] += own[:, rows] @ directed
            sums[:, first:] += local_weights[:, rows] @ local
            values = basis[rows].astype(np.float32)
            products[:, :first] += values.T @ directed
            products[:, first:] += (values - neighbour_basis[where[rows]]).T @ local
        return sums, products

    def _local(self, rows: slice) -> NDArray[np.float32]:
        """Return the features from which the mean over the nearest prompts is subtracted."""
        kernel = self._kernel.transform(self._responses[rows])
        cells = self._cell[rows, None] == np.arange(self._n_cells)
        tails = self._distance[rows, None] > self._thresholds
        return np.hstack([kernel, cells, tails]).astype(np.float32, copy=False)


def _bin_weights(
    bins: NDArray[np.int64], n_bins: int, near: NDArray[np.int64]
) -> tuple[sparse.csc_matrix, sparse.csc_matrix]:
    """Return each sample's weight in the sums of bins, and the weight less its neighbours' mean.

    Sums are linear, so that the features of all neighbours of each sample need not be gathered.
    """
    own = membership(bins, n_bins)
    row, neighbour, share = _neighbour_shares(near)
    means = sparse.csc_matrix((share, (bins[row], neighbour)), shape=own.shape)
    return own, own - means


def _neighbour_shares(
    near: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs of a sample and its neighbour, and the neighbour's share in their mean."""
    row, place = np.nonzero(near >= 0)
    n_near = np.maximum((near >= 0).sum(axis=1), 1)
    return row, near[row, place], 1.0 / n_near[row]


def _neighbour_basis(
    basis: NDArray[np.float16], near: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the functions' values summed over the samples that a sample is a neighbour of.

    Few samples are neighbours: int64 ``[N]`` is each sample's row of float32 ``[M, m]``, whose last
    row is 0.
    """
    row, neighbour, share = _neighbour_shares(near)
    marks, mark = np.unique(neighbour, return_inverse=True)
    shape = (len(marks) + 1, len(near))
    shares = sparse.csc_matrix((share.astype(np.float32), (mark, row)), shape=shape)
    summed = np.zeros((len(marks) + 1, basis.shape[1]), dtype=np.float32)
    for start in range(0, len(near), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        summed += shares[:, rows] @ basis[rows].astype(np.float32)
    where = np.full(len(near), len(marks))
    where[marks] = np.arange(len(marks))
    return where, summed


def directions(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each row over its length, so that no extreme row outweighs many; 0 stays 0.

    The spatial sign of Mottonen & Oja ("Multivariate spatial sign and rank methods", J. Nonparam.
    Stat. 1995).

    Args:
        vectors: float32 ``[N, e]``.
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.where(length > MIN_LENGTH, vectors / np.maximum(length, MIN_LENGTH), 0.0))


def scale_within_classes(
    distance: NDArray[np.float64], closeness: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return distances standardised by class: less the median, over the way to the upper tenth.

    A class holds the prompts of about one density. Where prompts are sparse, the nearest ones are
    less alike, and so are their responses: without classes, more prompts of that kind would count
    as unusual responses.

    Args:
        distance: float64 ``[N]``: from a response to those of the nearest prompts.
        closeness: float64 ``[N]``: mean cosine to those prompts.
    """
    n = len(distance)
    distance, closeness = distance.round(DECIMALS), closeness.round(DECIMALS)
    n_classes = int(np.clip(n // SAMPLES_PER_CLASS, 1, MAXIMUM_CLASSES))
    scaled = np.empty(n)
    for inside in np.array_split(np.argsort(closeness, kind="stable"), n_classes):
        middle, high = np.quantile(distance[inside], (0.5, 0.9))
        scaled[inside] = (distance[inside] - middle) / max(high - middle, MIN_SPREAD)
    return scaled


def novelty_thresholds(novelty: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distinct quantiles of the pool with at least five samples above."""
    levels = [q for q in TAIL_QUANTILES if (1 - q) * len(novelty) >= 5]
    thresholds = np.unique(np.quantile(novelty, levels)) if levels else np.empty(0)
    return np.asarray(thresholds[thresholds < novelty.max(initial=-np.inf)], dtype=np.float64)


def conditional_distance(responses: Rows, near: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return 1 - the largest cosine to the responses of the nearest prompts, float64 ``[N]``."""
    distance = np.empty(len(responses))
    for start in range(0, len(responses), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        neighbours = responses[near[rows].ravel()].reshape(*near[rows].shape, responses.shape[1])
        cosine = np.einsum("ikj,ij->ik", neighbours, responses[rows], optimize=True)
        cosine[near[rows] < 0] = -1.0
        distance[rows] = 1.0 - cosine.max(axis=1)
    return np.clip(distance, 0.0, 2.0)
