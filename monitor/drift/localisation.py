r"""How foreign each current sample is: a noisy-or of two posteriors.

* Novelty: :math:`1 - \max\cos` to the reference, turned into a posterior by the tail's excess,
  :math:`1 - P_R(S \ge s) / P_C(S \ge s)`: the share of the current samples at least this novel that
  the reference doesn't account for (the complement of Efron's tail false discovery rate).
* Crowding: among the 20 nearest samples of the pool, of other owners, the excess of current ones,
  shrunk towards none.

Scattered foreign samples show in the first, a topic that grew shows in the second.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.neighbours import draw_landmarks, nearest
from monitor.drift.pool import Pool

N_NEIGHBOURS = 20
MAXIMUM_LANDMARKS = 4096
#: Pseudo-neighbours that pull the crowding posterior towards no drift.
SHRINKAGE = 2.0


@dataclass(frozen=True)
class Localisation:
    """Scores of the current samples, in the order of ``current``."""

    #: float64 ``[n_current]`` in [0, 1].
    novelty: NDArray[np.float64]
    #: float64 ``[n_current]``: 1 - cosine to the nearest reference sample of another owner.
    distance: NDArray[np.float64]


def localise(pool: Pool, weights: NDArray[np.float64], rng: np.random.Generator) -> Localisation:
    """Score each current sample.

    Args:
        pool: Both windows; each must hold a sample.
        weights: ``[N]``, what each sample stands for; 1 for the reference.
        rng: Draws landmarks where a side has more than ``MAXIMUM_LANDMARKS`` samples.
    """
    reference_rows = np.flatnonzero(~pool.is_current)
    current_rows = np.flatnonzero(pool.is_current)
    reference = draw_landmarks(reference_rows, MAXIMUM_LANDMARKS, rng)
    current = draw_landmarks(current_rows, MAXIMUM_LANDMARKS, rng)
    marks = np.concatenate([reference, current])
    found = nearest(
        pool.vectors[current_rows],
        pool.vectors[marks],
        N_NEIGHBOURS,
        query_owner=pool.owner[current_rows],
        landmark_owner=pool.owner[marks],
    )
    crowding = _crowding(found.index, len(reference), weights[current])
    calibration = draw_landmarks(reference_rows, MAXIMUM_LANDMARKS, rng)
    to_reference = [
        nearest(
            pool.vectors[rows],
            pool.vectors[reference],
            1,
            query_owner=pool.owner[rows],
            landmark_owner=pool.owner[reference],
        ).similarity[:, 0]
        for rows in (current_rows, calibration)
    ]
    distance, null = (1.0 - similarity.astype(np.float64) for similarity in to_reference)
    foreign = tail_posterior(distance, null, weights[current_rows])
    either = 1.0 - (1.0 - foreign) * (1.0 - crowding)
    # The distance breaks ties, so that the order is complete where neither posterior speaks.
    novelty = np.empty(len(current_rows))
    ordered = np.empty(len(current_rows))
    novelty[pool.origin[current_rows]] = np.clip(0.999 * either + 0.0005 * distance, 0.0, 1.0)
    ordered[pool.origin[current_rows]] = distance
    return Localisation(novelty, ordered)


def tail_posterior(
    scores: NDArray[np.float64], null: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of the samples at least as extreme that the null doesn't account for.

    Args:
        scores: ``[n]`` of the current window.
        null: ``[m]`` of the reference, from the same distribution where nothing drifted.
        weights: ``[n]``, what each score stands for.

    Returns:
        ``[n]`` in [0, 1], never falling as the score rises.
    """
    above_null = len(null) - np.searchsorted(np.sort(null), scores, side="left")
    order = np.argsort(scores, kind="stable")
    from_here_on = np.cumsum(weights[order][::-1])[::-1]
    above = from_here_on[np.searchsorted(scores[order], scores, side="left")]
    total = float(weights.sum())
    ratio = (above_null + 0.5) / (len(null) + 0.5) * (total + 1.0) / (above + 1.0)
    posterior = np.maximum(1.0 - ratio, 0.0)
    monotone = np.empty_like(posterior)
    monotone[order] = np.maximum.accumulate(posterior[order])
    # Equal scores get equal posteriors.
    last = np.searchsorted(scores[order], scores, side="right") - 1
    return np.asarray(monotone[order][last])


def _crowding(
    index: NDArray[np.int64], n_reference: int, current_weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    weight = np.concatenate([np.zeros(n_reference), current_weights])
    current = np.where(index >= 0, weight[index], 0.0).sum(axis=1)
    reference = ((index >= 0) & (index < n_reference)).sum(axis=1)
    base = float(current_weights.sum()) / (n_reference + float(current_weights.sum()))
    current_rate = (current + SHRINKAGE * base) / base
    reference_rate = (reference + SHRINKAGE * (1 - base)) / (1 - base)
    return np.asarray(np.clip(1.0 - reference_rate / current_rate, 0.0, 1.0))
