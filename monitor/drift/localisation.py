r"""How foreign each current sample is.

Three posteriors say what share of the samples like this one the reference doesn't account for:

* isolation: the mean distance to the three nearest reference samples, against the reference's own
  (the complement of Efron's tail false discovery rate, JASA 2007: :math:`1 - P_R(S \ge s) / P_C(S
      \ge s)`);
* crowding: among the 20 nearest samples of the pool, the excess of current ones, shrunk towards
  none;
* emptiness: isolation times the number of current samples nearer than any reference sample.

A sample's evidence is :math:`-\sum \log (1 - p)`, a noisy-or, averaged with the mean evidence of
its five nearest current neighbours: a new topic is a place, and its members speak for each other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.isolation import log_survival, mean_distance
from monitor.drift.neighbours import Neighbours, draw_landmarks, nearest
from monitor.drift.pool import Pool

N_NEIGHBOURS = 20
N_ISOLATION = 3
N_SPEAKERS = 5
#: Current neighbours counted before the nearest reference sample.
MAXIMUM_RUN = 64
MAXIMUM_LANDMARKS = 4096
#: Pseudo-neighbours that pull the crowding posterior towards no drift.
SHRINKAGE = 2.0
#: Evidence of one posterior is bounded, so that one can't outvote everything.
MAXIMUM_POSTERIOR = 1.0 - 1e-6


@dataclass(frozen=True)
class Localisation:
    """Scores of the current samples, in the order of ``current``."""

    #: float64 ``[n_current]`` in [0, 1].
    novelty: NDArray[np.float64]
    #: float64 ``[n_current]``: 1 - cosine to the nearest reference sample of another owner.
    distance: NDArray[np.float64]


@dataclass(frozen=True)
class _Surroundings:
    to_reference: Neighbours
    to_current: Neighbours
    #: float64 ``[m]``: what each current landmark stands for.
    weights: NDArray[np.float64]

    @property
    def run(self) -> NDArray[np.int64]:
        """Return the number of current landmarks nearer than any reference landmark, ``[n]``."""
        nearer = self.to_current.similarity > self.to_reference.similarity[:, :1]
        return np.asarray((nearer & (self.to_current.index >= 0)).sum(axis=1))

    def nearest_of_either(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return among the 20 nearest landmarks the current ones' weight and the others' number."""
        k = N_NEIGHBOURS
        both = np.hstack([self.to_reference.similarity[:, :k], self.to_current.similarity[:, :k]])
        first = np.argsort(-both, axis=1, kind="stable")[:, :k]
        index = np.hstack([self.to_reference.index[:, :k], self.to_current.index[:, :k]])
        landmark = np.take_along_axis(index, first, axis=1)
        is_current = (first >= k) & (landmark >= 0)
        current = np.where(is_current, self.weights[np.where(is_current, landmark, 0)], 0.0)
        return current.sum(axis=1), ((first < k) & (landmark >= 0)).sum(axis=1)


def localise(
    pool: Pool,
    weights: NDArray[np.float64],
    rng: np.random.Generator,
    device: str | None = None,
) -> Localisation:
    """Score each current sample.

    Args:
        pool: Both windows; each must hold a sample.
        weights: ``[N]``, what each sample stands for; 1 for the reference.
        rng: Draws landmarks where a side has more than ``MAXIMUM_LANDMARKS`` samples.
        device: See :func:`resolve_device`.
    """
    reference_rows = np.flatnonzero(~pool.is_current)
    current_rows = np.flatnonzero(pool.is_current)
    reference = draw_landmarks(reference_rows, MAXIMUM_LANDMARKS, rng)
    current = draw_landmarks(current_rows, MAXIMUM_LANDMARKS, rng)
    calibration = draw_landmarks(reference_rows, MAXIMUM_LANDMARKS, rng)

    def surroundings(rows: NDArray[np.int64]) -> _Surroundings:
        return _Surroundings(
            _near(pool, rows, reference, N_NEIGHBOURS, device),
            _near(pool, rows, current, MAXIMUM_RUN, device),
            weights[current],
        )

    ours, null = surroundings(current_rows), surroundings(calibration)
    share = float(weights[current].sum())
    share /= share + len(reference)
    evidence = _evidence(ours, null, weights[current_rows], share)
    speakers = ours.to_current.index[:, :N_SPEAKERS]
    # Landmarks are current samples too: their evidence is known by their row.
    of_landmark = evidence[np.searchsorted(current_rows, current)]
    heard = np.where(speakers >= 0, of_landmark[np.maximum(speakers, 0)], 0.0)
    together = evidence + heard.sum(axis=1) / np.maximum((speakers >= 0).sum(axis=1), 1)
    distance = 1.0 - ours.to_reference.similarity[:, 0].astype(np.float64)
    # The distance breaks ties, so that the order is complete where no posterior speaks.
    novelty = np.empty(len(current_rows))
    ordered = np.empty(len(current_rows))
    place = pool.origin[current_rows]
    novelty[place] = np.clip(0.999 * -np.expm1(-together / 2.0) + 0.0005 * distance, 0.0, 1.0)
    ordered[place] = distance
    return Localisation(novelty, ordered)


def _near(
    pool: Pool, rows: NDArray[np.int64], marks: NDArray[np.int64], k: int, device: str | None
) -> Neighbours:
    return nearest(
        pool.vectors[rows],
        pool.vectors[marks],
        k,
        query_owner=pool.owner[rows],
        landmark_owner=pool.owner[marks],
        device=device,
    )


def _evidence(
    ours: _Surroundings,
    null: _Surroundings,
    weights: NDArray[np.float64],
    share_current: float,
) -> NDArray[np.float64]:
    isolated, usual = (mean_distance(one.to_reference, N_ISOLATION) for one in (ours, null))
    ordered = np.sort(usual)
    empty, usually_empty = (
        log_survival(distance, ordered) * (1.0 + one.run)
        for distance, one in ((isolated, ours), (usual, null))
    )
    posteriors = (
        tail_posterior(isolated, usual, weights),
        _crowding(*ours.nearest_of_either(), share_current),
        tail_posterior(empty, usually_empty, weights),
    )
    bounded = np.minimum(np.stack(posteriors), MAXIMUM_POSTERIOR)
    return np.asarray(-np.log1p(-bounded).sum(axis=0))


def _crowding(
    current: NDArray[np.float64], reference: NDArray[np.int64], share_current: float
) -> NDArray[np.float64]:
    """Return the excess of current samples among the nearest, as a posterior."""
    current_rate = current / share_current + SHRINKAGE
    reference_rate = reference / (1.0 - share_current) + SHRINKAGE
    return np.asarray(np.maximum(1.0 - reference_rate / current_rate, 0.0))


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
    monotone = np.maximum.accumulate(posterior[order])
    # Equal scores get equal posteriors.
    last = np.searchsorted(scores[order], scores, side="right") - 1
    return np.asarray(monotone[last])
