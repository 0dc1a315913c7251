r"""Isolation: the distance of a sample from its neighbours, relative to that around it.

With :math:`d(x)` the mean distance to the ten nearest samples of other users, the relative
isolation is :math:`d(x) - \frac12 \operatorname{mean} d(\text{those ten})`. Distance alone also
ranks the ordinary samples of sparse regions high (Breunig et al., "LOF", SIGMOD 2000, section 3);
subtracting half of it keeps outliers ahead of samples between two topics.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.drift.neighbours.exact import Neighbours, nearest

N_NEAREST = 10
LOCAL_SHARE = 0.5


def mean_distance(neighbours: Neighbours, k: int = N_NEAREST) -> NDArray[np.float64]:
    """Return the mean of 1 - cosine over the first k neighbours, float64 ``[n]``; 1 without any."""
    there = neighbours.index[:, :k] >= 0
    distance = np.where(there, 1.0 - neighbours.similarity[:, :k].astype(np.float64), 0.0)
    count = there.sum(axis=1)
    return np.asarray(np.where(count > 0, distance.sum(axis=1) / np.maximum(count, 1), 1.0))


def relative_isolation(
    neighbours: Neighbours, neighbours_distance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the relative isolation of each query, float64 ``[n]``.

    Args:
        neighbours: ``[n, k]``, k at least 10.
        neighbours_distance: float64 ``[m]``: each landmark's own mean distance.
    """
    index = neighbours.index[:, :N_NEAREST]
    there = index >= 0
    usual = np.where(there, neighbours_distance[np.maximum(index, 0)], 0.0).sum(axis=1)
    return np.asarray(
        mean_distance(neighbours) - LOCAL_SHARE * usual / np.maximum(there.sum(axis=1), 1)
    )


def isolation(
    vectors: NDArray[np.float32], owner: NDArray[np.int64], device: str | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean distance and the relative isolation of samples among themselves."""
    neighbours = nearest(
        vectors, vectors, N_NEAREST, query_owner=owner, landmark_owner=owner, device=device
    )
    distance = mean_distance(neighbours)
    return distance, relative_isolation(neighbours, distance)


def log_survival(
    scores: NDArray[np.floating], ordered: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return ``-log P(S >= s)`` under an ascending sample, always finite; ties count half.

    Scores are ``[n]``, the sample is ``[m]``.
    """
    low = np.searchsorted(ordered, scores, side="left")
    high = np.searchsorted(ordered, scores, side="right")
    return np.asarray(-np.log1p(-(low + high) / 2.0 / (len(ordered) + 1.0)))
