r"""Novelty scores of the current samples.

Three posteriors estimate the share of samples like this one that the reference doesn't explain:

* isolation: the relative isolation among the reference samples
  (:mod:`monitor.drift.neighbours.isolation`), against that of the reference itself (the complement
  of Efron's tail false discovery rate, JASA 2007: :math:`1 - P_R(S \ge s) / P_C(S \ge s)`). It
  counts twice, since it alone detects new samples without neighbours;
* crowding: the excess of current samples among the 20 nearest of the pool, shrunk towards 0;
* emptiness: the surprise at the isolation times the number of current samples nearer than any
  reference sample.

A sample's evidence is :math:`-\sum \log (1 - p)`, a noisy-or, averaged with the mean evidence of
its five nearest current neighbours: a new topic is a region, and its members support each other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.neighbours.exact import Neighbours, draw_landmarks
from monitor.drift.neighbours.isolation import (
    N_NEAREST,
    log_survival,
    mean_distance,
    relative_isolation,
)
from monitor.drift.neighbours.pool_search import Find, PoolSearch
from monitor.drift.samples.embeddings import CHUNK_ROWS

N_NEIGHBOURS = 20
N_CURRENT_NEIGHBOURS = 5
#: Current neighbours counted before the nearest reference sample.
MAXIMUM_RUN = 64
MAXIMUM_LANDMARKS = 4096
#: Pseudo-neighbours that shrink the crowding posterior towards no drift.
SHRINKAGE = 2.0
#: Bounds the evidence of one posterior, so that it can't outweigh all others.
MAXIMUM_POSTERIOR = 1.0 - 1e-6


@dataclass(frozen=True)
class _Surroundings:
    """Landmarks around each of n samples."""

    #: float32 ``[n]``: relative isolation among the reference landmarks.
    isolation: NDArray[np.float32]
    #: float32 ``[n]``: distance to the nearest reference landmark.
    distance: NDArray[np.float32]
    #: uint8 ``[n]``: current landmarks nearer than any reference landmark.
    run: NDArray[np.uint8]
    #: float32 ``[n]``: weight of the current landmarks among the 20 nearest.
    current: NDArray[np.float32]
    #: uint8 ``[n]``: reference landmarks among the 20 nearest.
    reference: NDArray[np.uint8]
    #: int16 ``[n, N_CURRENT_NEIGHBOURS]``: the nearest current landmarks, -1 where there are fewer.
    current_neighbours: NDArray[np.int16]


def score_novelty(
    search: PoolSearch, weights: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the novelty of each current sample, float64 ``[n_current]`` in [0, 1].

    Each window must have a sample. Sampling weights are ``[N]``, 1 for the reference. ``rng`` draws
    landmarks where a side has more than ``MAXIMUM_LANDMARKS`` samples.
    """
    pool = search.pool
    reference_rows = np.flatnonzero(~pool.is_current)
    current_rows = np.flatnonzero(pool.is_current)
    reference = draw_landmarks(reference_rows, MAXIMUM_LANDMARKS, rng)
    current = draw_landmarks(current_rows, MAXIMUM_LANDMARKS, rng)
    calibration = draw_landmarks(reference_rows, MAXIMUM_LANDMARKS, rng)
    current_rows, calibration = search.order(current_rows), search.order(calibration)
    finders = search.among(reference), search.among(current)
    landmark_distance = mean_distance(finders[0](reference, N_NEAREST))
    ours, null = (
        _find_surroundings(rows, finders, weights[current], landmark_distance)
        for rows in (current_rows, calibration)
    )
    share = float(weights[current].sum())
    share /= share + len(reference)
    evidence = _evidence(ours, null, weights[current_rows], share)
    # Landmarks are current samples too: their evidence is known.
    by_row = np.argsort(current_rows)
    landmark_evidence = evidence[by_row[np.searchsorted(current_rows, current, sorter=by_row)]]
    there = ours.current_neighbours >= 0
    support = np.where(there, landmark_evidence[np.maximum(ours.current_neighbours, 0)], 0.0).sum(
        axis=1
    )
    total = evidence + support / np.maximum(there.sum(axis=1), 1)
    # The distance breaks ties, so that the order is complete where all posteriors are 0.
    novelty = np.empty(len(current_rows))
    novelty[pool.origin[current_rows]] = np.clip(
        0.999 * -np.expm1(-total / 2.0) + 0.0005 * ours.distance, 0.0, 1.0
    )
    return novelty


def _find_surroundings(
    rows: NDArray[np.int64],
    finders: tuple[Find, Find],
    weights: NDArray[np.float64],
    landmark_distance: NDArray[np.float64],
) -> _Surroundings:
    """Return the landmarks around samples, computed in chunks.

    ``finders`` search among the landmarks of the reference and of the current window;
    ``landmark_distance`` is the mean distance of each reference landmark to its nearest ones.
    """
    n = len(rows)
    around = _Surroundings(
        np.empty(n, np.float32),
        np.empty(n, np.float32),
        np.empty(n, np.uint8),
        np.empty(n, np.float32),
        np.empty(n, np.uint8),
        np.empty((n, N_CURRENT_NEIGHBOURS), np.int16),
    )
    for start in range(0, n, CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        to_reference = finders[0](rows[part], N_NEIGHBOURS)
        to_current = finders[1](rows[part], MAXIMUM_RUN)
        nearer = to_current.similarity > to_reference.similarity[:, :1]
        around.isolation[part] = relative_isolation(to_reference, landmark_distance)
        around.distance[part] = 1.0 - to_reference.similarity[:, 0]
        around.run[part] = (nearer & (to_current.index >= 0)).sum(axis=1)
        weight, number = nearest_of_either(to_reference, to_current, weights, N_NEIGHBOURS)
        around.current[part], around.reference[part] = weight, number
        around.current_neighbours[part] = to_current.index[:, :N_CURRENT_NEIGHBOURS]
    return around


def nearest_of_either(
    to_reference: Neighbours, to_current: Neighbours, weights: NDArray[np.float64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the weight of the current and the number of the reference ones of the k nearest."""
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
        log_survival(side.isolation, ordered) * (1.0 + side.run) for side in (ours, null)
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
    current: NDArray[np.floating], reference: NDArray[np.unsignedinteger], share_current: float
) -> NDArray[np.float64]:
    """Return the excess of current samples among the nearest, as a posterior."""
    current_rate = current / share_current + SHRINKAGE
    reference_rate = reference / (1.0 - share_current) + SHRINKAGE
    return np.asarray(np.maximum(1.0 - reference_rate / current_rate, 0.0))


def tail_posterior(
    scores: NDArray[np.floating], null: NDArray[np.floating], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of the samples at least as extreme that the null doesn't explain.

    Args:
        scores: ``[n]`` of the current window.
        null: ``[m]`` of the reference, of the same distribution without drift.
        weights: ``[n]``: sampling weights.

    Returns:
        ``[n]`` in [0, 1], not decreasing with the score.
    """
    above_null = len(null) - np.searchsorted(np.sort(null), scores, side="left")
    order = np.argsort(scores, kind="stable")
    weight_from = np.cumsum(weights[order][::-1])[::-1]
    above = weight_from[np.searchsorted(scores[order], scores, side="left")]
    total = float(weights.sum())
    ratio = (above_null + 0.5) / (len(null) + 0.5) * (total + 1.0) / (above + 1.0)
    posterior = np.maximum(1.0 - ratio, 0.0)
    monotone = np.maximum.accumulate(posterior[order])
    # Equal scores get equal posteriors.
    last = np.searchsorted(scores[order], scores, side="right") - 1
    return np.asarray(monotone[last])
