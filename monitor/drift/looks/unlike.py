"""Samples that are unlike a baseline: isolated among its samples, or amid other new samples.

A bound on a mean of independent values holds for the share of unlike samples only if the set of
them is fixed. Isolated samples are farther from the baseline than nearly all of its own: given the
baseline, the set is fixed. For samples amid other new samples the users are split into two halves
by a hash, and those of each half are scored by the samples of the other half, on both sides: given
the other half, the set is fixed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.drift_score import (
    N_ISOLATION,
    N_NEAR,
    N_WIDE,
    crowding_odds,
    drift_score,
    isolation_surprise,
)
from monitor.drift.neighbours.exact import Neighbours, draw_landmarks, nearest
from monitor.drift.samples.spread import spread_rows
from monitor.drift.samples.units import scramble

#: Share of the baseline that is unlike it.
TAIL = 0.05
#: Share of drifted samples that is. On CLINC150 .82 of scattered queries, .94 of a new domain and
#: .99 of a new intent, of the even-numbered ones.
CAPTURE = 0.9
MAX_LANDMARKS = 4096
#: Fewest samples of a half on a side, by which the other half is scored.
MIN_SAMPLES = 30
_HALF = np.uint64(1 << 20)


@dataclass(frozen=True)
class Samples:
    """Samples of one side."""

    #: float32 ``[n, d]``, unit norm.
    vectors: NDArray[np.float32]
    #: uint64 ``[n]``: the key of each sample's user; see
    #: :func:`monitor.drift.samples.units.unit_keys`.
    users: NDArray[np.uint64]

    def take(self, rows: NDArray[np.int64]) -> "Samples":
        """Return some of the samples."""
        return Samples(self.vectors[rows], self.users[rows])

    def __len__(self) -> int:
        return len(self.users)

    @property
    def is_second_half(self) -> NDArray[np.bool_]:
        """Return whether each sample's user is in the second half, bool ``[n]``."""
        return np.asarray(scramble(self.users, 5) & _HALF != 0)


@dataclass(frozen=True)
class Unlike:
    """A set of samples that are unlike the baseline."""

    #: float64 ``[n]`` of each side: 1 for a sample of the set, 0 for another; NaN where it isn't
    #: counted.
    reference: NDArray[np.float64]
    current: NDArray[np.float64]
    #: float64 ``[n_current]``: higher is less like the baseline; NaN where it isn't counted.
    scores: NDArray[np.float64]


def find_isolated(reference: Samples, current: Samples, rng: np.random.Generator) -> Unlike:
    """Return the samples that are farther from the baseline than nearly all of its own.

    Landmarks are drawn where the baseline has more than ``2 * MAX_LANDMARKS`` samples.
    """
    rows = draw_landmarks(np.arange(len(reference)), 2 * MAX_LANDMARKS, rng)
    landmarks = reference.take(rows)
    to_known = [_nearest(side, landmarks, N_ISOLATION) for side in (reference, current)]
    scores = [isolation_surprise(near, to_known[0]) for near in to_known]
    inside = _above(scores)
    return Unlike(inside[0], inside[1], scores[1])


def find_unlike(
    reference: Samples, current: Samples, rng: np.random.Generator
) -> tuple[Unlike, ...]:
    """Return the samples that are isolated or amid new ones, of each half of the users.

    Empty where a half is too small.

    Landmarks are drawn where a half has more than ``MAX_LANDMARKS`` samples.
    """
    second = reference.is_second_half, current.is_second_half
    if min(min(side.sum(), (~side).sum()) for side in second) < MIN_SAMPLES:
        return ()
    halves = []
    for half in (False, True):
        own = [np.flatnonzero(side == half) for side in second]
        known, new = (
            side.take(draw_landmarks(np.flatnonzero(is_second != half), MAX_LANDMARKS, rng))
            for side, is_second in zip((reference, current), second, strict=True)
        )
        scores = _drift_scores([reference.take(own[0]), current.take(own[1])], known, new)
        inside = _above(scores)
        halves.append(
            Unlike(
                spread_rows(inside[0], own[0], len(reference)),
                spread_rows(inside[1], own[1], len(current)),
                spread_rows(scores[1], own[1], len(current)),
            )
        )
    return tuple(halves)


def _above(scores: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Return 1 for each sample above the upper quantile of the reference's scores."""
    threshold = np.quantile(scores[0], 1.0 - TAIL, method="higher")
    return [(side > threshold).astype(np.float64) for side in scores]


def _drift_scores(sides: list[Samples], known: Samples, new: Samples) -> list[NDArray[np.float64]]:
    """Return the drift scores of :mod:`monitor.drift.drift_score`, by samples of other users.

    The samples of both sides are scored, by the known ones of the baseline and the new ones of the
    day.
    """
    to_known = [_nearest(side, known, N_WIDE) for side in sides]
    to_new = [_nearest(side, new, N_WIDE) for side in sides]
    share = len(new) / (len(new) + len(known))
    scores = []
    for near_known, near_new in zip(to_known, to_new, strict=True):
        isolation = isolation_surprise(near_known, to_known[0])
        near, wide = (_crowding(near_known, near_new, share, k) for k in (N_NEAR, N_WIDE))
        scores.append(drift_score(near_known, near_new, isolation, near, wide))
    return scores


def _nearest(queries: Samples, landmarks: Samples, k: int) -> Neighbours:
    owner = np.unique(np.r_[queries.users, landmarks.users], return_inverse=True)[1]
    return nearest(
        queries.vectors,
        landmarks.vectors,
        k,
        query_owner=owner[: len(queries)].astype(np.int64),
        landmark_owner=owner[len(queries) :].astype(np.int64),
        spread_ties=True,
    )


def _crowding(known: Neighbours, new: Neighbours, share: float, k: int) -> NDArray[np.float64]:
    """Return the log odds of new samples among the k nearest, over those of all, or 0."""
    similarity = np.hstack([known.similarity, new.similarity])
    nearest_columns = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
    n_new = (nearest_columns >= known.similarity.shape[1]).sum(axis=1)
    return crowding_odds(n_new, k - n_new, share)
