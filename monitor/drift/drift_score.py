"""Drift score of samples: the soft maximum of two log odds, of isolation and of crowding.

A sample is isolated where the reference samples are far, and crowded where current samples are
near. The sum of the two would add the noise of one to the other. The weights were fitted on the
windows of :data:`monitor.drift.drifted_share.TAILS`.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.drift.neighbours.exact import Neighbours
from monitor.drift.neighbours.isolation import log_survival, mean_distance

#: Neighbours among which crowding is measured.
N_NEAR, N_WIDE = 10, 30
N_ISOLATION = 5
#: Pseudo-neighbours that shrink crowding towards none.
SHRINKAGE = 2.0


def isolation_surprise(
    to_reference: Neighbours, of_reference: NDArray[np.bool_] | Neighbours
) -> NDArray[np.float64]:
    """Return the mean surprise at the distance from the nearest sample, and from the five.

    Args:
        to_reference: Reference samples nearest to each of ``n`` samples.
        of_reference: Which of the ``n`` are reference samples themselves, or their neighbours.
    """
    surprises = []
    for k in (1, N_ISOLATION):
        distance = mean_distance(to_reference, k)
        usual = (
            mean_distance(of_reference, k)
            if isinstance(of_reference, Neighbours)
            else distance[of_reference]
        )
        surprises.append(log_survival(distance, np.sort(usual)))
    return np.asarray(np.mean(surprises, axis=0))


def crowding_odds(
    n_current: NDArray[np.float64] | NDArray[np.int64], n_reference: NDArray[np.int64], share: float
) -> NDArray[np.float64]:
    """Return the log odds of current samples among the nearest, over those of all, or 0.

    Both are ``[n]``, numbers or weights; those of the reference are the rest of the nearest.
    """
    odds = (n_current + SHRINKAGE * share) / (n_reference + SHRINKAGE * (1.0 - share))
    return np.asarray(np.maximum(np.log(odds) - np.log(share / (1.0 - share)), 0.0))


def drift_score(
    to_reference: Neighbours,
    to_current: Neighbours,
    isolation: NDArray[np.float64],
    near: NDArray[np.float64],
    wide: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the drift score of each sample, ``[n]``.

    ``near`` and ``wide`` are the crowding among the :data:`N_NEAR` and the :data:`N_WIDE` nearest;
    see :func:`crowding_odds`, and :func:`isolation_surprise` for the isolation.
    """
    nearer = (to_current.index >= 0) & (to_current.similarity > to_reference.similarity[:, :1])
    run = np.log1p(nearer.sum(axis=1))
    crowding = near + 5.0 * wide + 0.5 * run * isolation - 2.0
    return np.asarray(np.logaddexp(1.5 * isolation, crowding))
