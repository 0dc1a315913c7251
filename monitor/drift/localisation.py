r"""How foreign each current sample is.

Three posteriors say what share of the samples like this one the reference doesn't account for:

* isolation: the relative isolation among the reference samples (:mod:`monitor.drift.isolation`),
  against the reference's own (the complement of Efron's tail false discovery rate, JASA 2007:
  :math:`1 - P_R(S \ge s) / P_C(S \ge s)`). It counts twice, since nothing else sees what is new and
  stands alone;
* crowding: among the 20 nearest samples of the pool, the excess of current ones, shrunk towards
  none;
* emptiness: the surprise at the isolation times the number of current samples nearer than any
  reference sample.

A sample's evidence is :math:`-\sum \log (1 - p)`, a noisy-or, averaged with the mean evidence of
its five nearest current neighbours: a new topic is a place, and its members speak for each other.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from monitor.drift.embeddings import CHUNK_ROWS
from monitor.drift.isolation import isolation, log_survival, relative_isolation
from monitor.drift.neighbours import Neighbours, draw_landmarks, nearest
from monitor.drift.pool import Pool

N_NEIGHBOURS = 20
N_SPEAKERS = 5
#: Current neighbours counted before the nearest reference sample.
MAXIMUM_RUN = 64
MAXIMUM_LANDMARKS = 4096
#: Pseudo-neighbours that pull the crowding posterior towards no drift.
SHRINKAGE = 2.0
#: Evidence of one posterior is bounded, so that one can't outvote everything.
MAXIMUM_POSTERIOR = 1.0 - 1e-6


@dataclass(frozen=True)
class _Surroundings:
    """What is known of the landmarks around each of n samples."""

    #: float64 ``[n]``: relative isolation among the reference landmarks.
    isolation: NDArray[np.float64]
    #: float64 ``[n]``: distance to the nearest reference landmark.
    distance: NDArray[np.float64]
    #: int64 ``[n]``: current landmarks nearer than any reference landmark.
    run: NDArray[np.int64]
    #: float64 ``[n]``: weight of the current landmarks among the 20 nearest.
    current: NDArray[np.float64]
    #: int64 ``[n]``: reference landmarks among the 20 nearest.
    reference: NDArray[np.int64]
    #: int32 ``[n, N_SPEAKERS]``: the nearest current landmarks, -1 where there are fewer.
    speakers: NDArray[np.int32]


def localise(
    pool: Pool,
    weights: NDArray[np.float64],
    rng: np.random.Generator,
    device: str | None = None,
) -> NDArray[np.float64]:
    """Return a score of each current sample, float64 ``[n_current]`` in [0, 1].

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
    usual = isolation(pool.vectors[reference], pool.owner[reference], device)[0]
    ours, null = (
        _look_around(pool, rows, (reference, current), weights[current], usual, device=device)
        for rows in (current_rows, calibration)
    )
    share = float(weights[current].sum())
    share /= share + len(reference)
    evidence = _evidence(ours, null, weights[current_rows], share)
    # Landmarks are current samples too: their evidence is known by their row.
    of_landmark = evidence[np.searchsorted(current_rows, current)]
    there = ours.speakers >= 0
    heard = np.where(there, of_landmark[np.maximum(ours.speakers, 0)], 0.0).sum(axis=1)
    together = evidence + heard / np.maximum(there.sum(axis=1), 1)
    # The distance breaks ties, so that the order is complete where no posterior speaks.
    novelty = np.empty(len(current_rows))
    novelty[pool.origin[current_rows]] = np.clip(
        0.999 * -np.expm1(-together / 2.0) + 0.0005 * ours.distance, 0.0, 1.0
    )
    return novelty


def _look_around(
    pool: Pool,
    rows: NDArray[np.int64],
    landmarks: tuple[NDArray[np.int64], NDArray[np.int64]],
    weights: NDArray[np.float64],
    usual: NDArray[np.float64],
    *,
    device: str | None,
) -> _Surroundings:
    """Look at the landmarks around some samples, a part of them at a time.

    Args:
        pool: Both windows.
        rows: The samples.
        landmarks: Of the reference and of the current window.
        weights: What each current landmark stands for.
        usual: How isolated each reference landmark is among the others.
        device: See :func:`resolve_device`.
    """
    marks = tuple((pool.vectors[side], pool.owner[side]) for side in landmarks)
    parts = []
    for start in range(0, len(rows), CHUNK_ROWS):
        some = rows[start : start + CHUNK_ROWS]
        to_reference, to_current = (
            nearest(
                pool.vectors[some],
                vectors,
                k,
                query_owner=pool.owner[some],
                landmark_owner=owner,
                device=device,
            )
            for (vectors, owner), k in zip(marks, (N_NEIGHBOURS, MAXIMUM_RUN), strict=True)
        )
        nearer = to_current.similarity > to_reference.similarity[:, :1]
        parts.append(
            _Surroundings(
                relative_isolation(to_reference, usual),
                1.0 - to_reference.similarity[:, 0].astype(np.float64),
                (nearer & (to_current.index >= 0)).sum(axis=1),
                *_nearest_of_either(to_reference, to_current, weights),
                to_current.index[:, :N_SPEAKERS].astype(np.int32),
            )
        )
    return _Surroundings(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(_Surroundings)
        }
    )


def _nearest_of_either(
    to_reference: Neighbours, to_current: Neighbours, weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return among the 20 nearest landmarks the current ones' weight and the others' number."""
    k = N_NEIGHBOURS
    both = np.hstack([to_reference.similarity[:, :k], to_current.similarity[:, :k]])
    first = np.argsort(-both, axis=1, kind="stable")[:, :k]
    index = np.hstack([to_reference.index[:, :k], to_current.index[:, :k]])
    landmark = np.take_along_axis(index, first, axis=1)
    is_current = (first >= k) & (landmark >= 0)
    current = np.where(is_current, weights[np.where(is_current, landmark, 0)], 0.0)
    return current.sum(axis=1), ((first < k) & (landmark >= 0)).sum(axis=1)


def _evidence(
    ours: _Surroundings,
    null: _Surroundings,
    weights: NDArray[np.float64],
    share_current: float,
) -> NDArray[np.float64]:
    ordered = np.sort(null.isolation)
    empty, usually_empty = (
        log_survival(one.isolation, ordered) * (1.0 + one.run) for one in (ours, null)
    )
    posteriors = (
        (2.0, tail_posterior(ours.isolation, null.isolation, weights)),
        (1.0, _crowding(ours.current, ours.reference, share_current)),
        (1.0, tail_posterior(empty, usually_empty, weights)),
    )
    evidence = np.zeros(len(ours.isolation))
    for times, posterior in posteriors:
        evidence -= times * np.log1p(-np.minimum(posterior, MAXIMUM_POSTERIOR))
    return evidence


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
