r"""Lower bound of the drifted share of the current window.

If :math:`C = (1-e) R + e Q`, then for every set :math:`A`
:math:`C(A) - R(A) \le e (1 - R(A))`, so an excess bounds :math:`e` from below (Michel, Naef &
Meinshausen, "High probability lower bounds for the total variation distance", arXiv 2005.06006).
The sets are ``score > t`` for a few thresholds fixed by the reference's tail; the score of a sample
comes from the *other* half of both windows, split by owner, so that no sample scores itself.

Each half scores the other. Where both happen to have more of a region, each counts its own excess
there, so that the two counts are correlated: for excesses :math:`a, b` of a region, normal and
independent, :math:`a 1(b > 0)` and :math:`b 1(a > 0)` have the correlation :math:`1 / \pi`, by
which the variance of their sum is larger.

For each threshold the difference of two proportions is bounded by MOVER (Zou & Donner, Stat. Med.
2008, eq. 5) on Clopper-Pearson limits; Bonferroni over the thresholds makes it simultaneous.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.drift.neighbours.exact import draw_landmarks
from monitor.drift.neighbours.pool_search import PoolSearch
from monitor.drift.novelty import tail_posterior
from monitor.drift.samples.pool import Pool
from monitor.statistics.binomial import effective_samples
from monitor.statistics.intervals import clopper_pearson
from monitor.statistics.mover import Limits, difference_limits

#: Upper tails of the reference's scores at which the excess is measured.
TAIL_SHARES = (0.3, 0.15, 0.08, 0.04, 0.02, 0.01)
MAXIMUM_LANDMARKS = 4096
#: Probability that a bound doesn't exceed the true share.
CONFIDENCE = 0.95
#: Variance of the sum of the counts of both halves, over that of independent counts.
CROSS_FIT_VARIANCE = 1.0 + 1.0 / np.pi
#: Pseudo-samples that shrink a cell's posterior towards no drift.
SHRINKAGE = 2.0


def drifted_share_lower_bound(
    search: PoolSearch,
    cell: NDArray[np.int64],
    weights: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    confidence: float = CONFIDENCE,
) -> float:
    """Return a lower confidence bound of the drifted share, in [0, 1].

    Args:
        search: Both windows.
        cell: int64 ``[N]``: each sample's fine cell, fitted without labels.
        weights: ``[N]``: sampling weights.
        rng: Draws the halves and the landmarks.
        confidence: Probability that the bound doesn't exceed the true share.
    """
    pool = search.pool
    n_owners = int(pool.owner.max()) + 1
    half = (rng.permutation(n_owners) % 2).astype(np.int64)[pool.owner]
    scores = np.zeros(len(pool.vectors))
    for fold in (0, 1):
        inside, outside = half == fold, half != fold
        if not (outside & ~pool.is_current).any() or not (outside & pool.is_current).any():
            return 0.0
        scores[inside] = _scores(search, cell, weights, inside, rng)
    return bound_excess(
        scores,
        pool.is_current,
        weights,
        pool.unit,
        confidence=confidence,
        inflation=CROSS_FIT_VARIANCE,
    )


def bound_excess(
    scores: NDArray[np.float64],
    is_current: NDArray[np.bool_],
    weights: NDArray[np.float64],
    unit: NDArray[np.int64],
    *,
    confidence: float,
    tail_shares: tuple[float, ...] = TAIL_SHARES,
    inflation: float = 1.0,
) -> float:
    """Return the largest simultaneous lower bound over the thresholds.

    Args:
        scores: ``[N]``, larger is more drifted.
        is_current: bool ``[N]``.
        weights: ``[N]``; those of the reference may weight it to the prompts of the current window.
        unit: int64 ``[N]``: the independent units.
        confidence: Joint confidence.
        tail_shares: Upper tails of the reference's scores at which the excess is measured.
        inflation: Variance of the counts over that of independent samples, at least 1.
    """
    reference, current = ~is_current, is_current
    thresholds = np.unique(np.quantile(scores[reference], [1 - share for share in tail_shares]))
    tail = (1.0 - confidence) / len(thresholds)
    current_limits, reference_limits = (
        _limits(scores[side], thresholds, weights[side], unit[side], tail=tail, inflation=inflation)
        for side in (current, reference)
    )
    best = 0.0
    for above, usual in zip(current_limits, reference_limits, strict=True):
        excess, _ = difference_limits(usual, above)
        # e >= excess / (1 - R(A)), and R(A) is at least its lower limit.
        best = max(best, excess / max(1.0 - usual.lower, 1e-9))
    return min(best, 1.0)


def _limits(
    scores: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    weights: NDArray[np.float64],
    unit: NDArray[np.int64],
    *,
    tail: float,
    inflation: float,
) -> list[Limits]:
    """Return the rate of ``score > t`` on one side with its limits, for each threshold.

    The design effect is the largest over the thresholds: in a far tail, where a few users decide,
    its estimate is often far too small.
    """
    number = np.unique(unit, return_inverse=True)[1].ravel().astype(np.int64)
    tails = [scores > threshold for threshold in thresholds]
    varying = [above for above in tails if 0 < above.sum() < len(above)] or tails
    trials = max(
        min(effective_samples(above, weights, number) for above in varying) / inflation, 1.0
    )
    limits = []
    for above in tails:
        rate = float((weights * above).sum() / weights.sum())
        lower, upper = clopper_pearson(rate * trials, trials, tail)
        limits.append(Limits(lower, rate, upper))
    return limits


def _scores(
    search: PoolSearch,
    cell: NDArray[np.int64],
    weights: NDArray[np.float64],
    inside: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return novelty scores of the samples inside, computed from the samples outside."""
    pool = search.pool
    outside = ~inside
    marks = draw_landmarks(np.flatnonzero(outside & ~pool.is_current), MAXIMUM_LANDMARKS, rng)
    current = draw_landmarks(np.flatnonzero(outside & pool.is_current), MAXIMUM_LANDMARKS, rng)
    rows = [np.flatnonzero(inside), current, marks]
    nearness = search.among(marks)(np.concatenate(rows), 1).similarity[:, 0]
    distance_inside, distance_current, distance_reference = np.split(
        1.0 - nearness.astype(np.float64), np.cumsum([len(part) for part in rows[:2]])
    )
    order = np.argsort(distance_current, kind="stable")
    grid = distance_current[order]
    posterior = tail_posterior(grid, distance_reference, weights[current[order]])
    place = np.searchsorted(grid, distance_inside, side="right") - 1
    isolated = np.where(place >= 0, posterior[np.maximum(place, 0)], 0.0)
    posterior_of_cell = _cell_posterior(pool, cell, weights, outside)
    either = 1.0 - (1.0 - isolated) * (1.0 - posterior_of_cell[cell[inside]])
    return np.asarray(either + 1e-3 * distance_inside)


def _cell_posterior(
    pool: Pool,
    cell: NDArray[np.int64],
    weights: NDArray[np.float64],
    outside: NDArray[np.bool_],
) -> NDArray[np.float64]:
    n_cells = int(cell.max()) + 1
    rows = outside & pool.is_current
    current = np.bincount(cell[rows], weights=weights[rows], minlength=n_cells)
    reference = np.bincount(cell[outside & ~pool.is_current], minlength=n_cells)
    base = current.sum() / (current.sum() + reference.sum())
    current_rate = (current + SHRINKAGE * base) / base
    reference_rate = (reference + SHRINKAGE * (1 - base)) / (1 - base)
    return np.asarray(np.clip(1.0 - reference_rate / current_rate, 0.0, 1.0))
