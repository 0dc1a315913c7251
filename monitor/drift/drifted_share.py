r"""Estimate of the drifted share of the current window, with a 95% interval.

If :math:`C = (1-e) R + e Q`, then for every set :math:`A`
:math:`C(A) - R(A) = e (Q(A) - R(A))`, so that an excess over the reference gives :math:`e` where
:math:`Q(A)`, the part of the drifted samples that lies in the set, is known (compare Michel, Naef &
Meinshausen, arXiv 2005.06006, who bound :math:`e` from below by :math:`Q(A) \le 1`). The sets are
the samples whose drift score exceeds the upper quantiles of the reference's scores. Their capture
:math:`Q(A)` was measured (see :data:`TAILS`), for drift that scatters over these quantiles and for
drift that lies beyond all of them: how concentrated the excess is decides between the two.

The drift score is high where a sample is isolated among the reference samples, or where current
samples crowd around it. Each sample is scored by all *other* users, on both sides alike: without
drift the scores of both sides have the same distribution, and no random split is needed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.drift.drift_score import (
    N_NEAR,
    N_WIDE,
    crowding_odds,
    drift_score,
    isolation_surprise,
)
from monitor.drift.neighbours.exact import draw_landmarks
from monitor.drift.neighbours.pool_search import PoolSearch
from monitor.drift.novelty import nearest_of_either
from monitor.drift.samples.units import mean_of_units


@dataclass(frozen=True, kw_only=True)
class DriftedShare:
    """The share of the current window that the reference doesn't explain, in [0, 1]."""

    estimate: float
    #: 95% interval.
    lower: float
    upper: float


@dataclass(frozen=True)
class Tail:
    """A set of samples: those above an upper quantile of the reference's scores."""

    #: Share of the reference in the set.
    share: float
    #: Part of the drifted samples in the set, if they scatter.
    capture: float
    #: The same if their scores exceed nearly all of the reference's.
    dense_capture: float


#: Captures on CLINC150: windows of 1,000 and 3,000 with 1% to 10% of scattered queries, a new
#: domain, or a new intent, of the even-numbered intents and domains.
TAILS = (Tail(0.05, 0.79, 0.99), Tail(0.10, 0.885, 0.995))
#: The excess above this tail, over that above the largest tail, is the concentration; with its
#: values for scattered and for dense drift, and the excess by which it is shrunk to the former.
FAR_TAIL = 0.02
SCATTERED, DENSE = 0.72, 0.92
CONCENTRATION_SHRINKAGE = 0.02
MAX_LANDMARKS = 4096
#: Samples of a side that are scored: the error of a share of 10% is then 0.2 points.
MAX_SCORED = 16_384
CONFIDENCE = 0.95
#: Variance of the shares over that of independent scores: neighbours share their neighbours.
SCORE_VARIANCE = 1.2


def estimate_drifted_share(
    search: PoolSearch, weights: NDArray[np.float64], rng: np.random.Generator
) -> DriftedShare:
    """Estimate the drifted share of the prompts.

    Sampling weights are ``[N]``, 1 for the reference. ``rng`` draws landmarks, and the scored
    samples of windows that have more.
    """
    is_current = search.pool.is_current
    sides = [np.flatnonzero(~is_current), np.flatnonzero(is_current)]
    scored = np.concatenate([draw_landmarks(side, MAX_SCORED, rng) for side in sides])
    rows = search.order(scored)
    scores = _drift_scores(search, rows, weights, rng)
    return estimate_excess(scores, is_current[rows], weights[rows], search.pool.unit[rows])


def estimate_excess(
    scores: NDArray[np.float64],
    is_current: NDArray[np.bool_],
    weights: NDArray[np.float64],
    unit: NDArray[np.int64],
    *,
    tails: tuple[Tail, ...] = TAILS,
    is_paired: bool = False,
    confidence: float = CONFIDENCE,
) -> DriftedShare:
    """Estimate the share of current samples in excess of the reference, over all tails together.

    Scores are ``[n]``, larger is more drifted; ``is_current`` is bool ``[n]``. Weights of the
    reference may weight it to the prompts of the current window. ``unit``, int64 ``[n]``, are the
    independent units; a unit of pairs has as many samples of each side. The confidence is
    two-sided.
    """
    shares = [tail.share for tail in tails]
    thresholds = _upper_quantiles(scores[~is_current], weights[~is_current], [*shares, FAR_TAIL])
    above = scores[:, None] > thresholds
    excess = np.average(above[is_current], axis=0, weights=weights[is_current]) - np.average(
        above[~is_current], axis=0, weights=weights[~is_current]
    )
    density = _density(far=float(excess[-1]), near=float(excess[np.argmax(shares)]))
    # A sample counts for the share of the sets that it lies in.
    inside = above[:, :-1].mean(axis=1)
    capture = np.mean(
        [tail.capture + density * (tail.dense_capture - tail.capture) for tail in tails]
    )
    (current, current_variance), (reference, reference_variance) = (
        mean_of_units(inside[side], weights[side], unit[side]) for side in (is_current, ~is_current)
    )
    variance = current_variance + reference_variance
    if is_paired:
        _, variance = mean_of_units(np.where(is_current, 2.0, -2.0) * inside, weights, unit)
    scale = float(capture) - reference
    quantile = float(special.ndtri((1.0 + confidence) / 2.0))
    estimate = (current - reference) / scale
    half_width = quantile * np.sqrt(SCORE_VARIANCE * variance) / scale
    lower, middle, upper = np.clip(
        [estimate - half_width, estimate, estimate + half_width], 0.0, 1.0
    ).tolist()
    return DriftedShare(estimate=middle, lower=lower, upper=upper)


def _density(*, far: float, near: float) -> float:
    """Return where the drift lies between scattered, 0, and dense, 1.

    Args:
        far: Excess above :data:`FAR_TAIL`.
        near: Excess above the largest tail.
    """
    shrunk = CONCENTRATION_SHRINKAGE * SCATTERED
    concentration = (max(far, 0.0) + shrunk) / (max(near, 0.0) + CONCENTRATION_SHRINKAGE)
    return float(np.clip((concentration - SCATTERED) / (DENSE - SCATTERED), 0.0, 1.0))


def _upper_quantiles(
    scores: NDArray[np.float64], weights: NDArray[np.float64], shares: list[float]
) -> NDArray[np.float64]:
    """Return the score that the given share of the weight exceeds, for each share."""
    order = np.argsort(scores, kind="stable")
    at_or_below = np.cumsum(weights[order]) / weights.sum()
    place = np.searchsorted(at_or_below, 1.0 - np.array(shares), side="left")
    return np.asarray(scores[order][np.minimum(place, len(scores) - 1)])


def _drift_scores(
    search: PoolSearch,
    rows: NDArray[np.int64],
    weights: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the drift score of rows, ``[n]``; see :mod:`monitor.drift.drift_score`."""
    is_current = search.pool.is_current
    reference, current = (
        draw_landmarks(np.flatnonzero(side), MAX_LANDMARKS, rng)
        for side in (~is_current, is_current)
    )
    to_reference = search.among(reference)(rows, N_WIDE)
    to_current = search.among(current)(rows, N_WIDE)
    share = float(weights[current].sum())
    share /= share + len(reference)
    near, wide = (
        crowding_odds(*nearest_of_either(to_reference, to_current, weights[current], k), share)
        for k in (N_NEAR, N_WIDE)
    )
    isolation = isolation_surprise(to_reference, ~is_current[rows])
    return drift_score(to_reference, to_current, isolation, near, wide)
