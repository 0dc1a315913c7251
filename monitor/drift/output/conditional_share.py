"""Estimate of the share of responses that have changed, given the prompts.

Two scores are used, each with half of the error: the distance of a response from the reference's
responses to the nearest prompts, which a few off-topic responses raise; and its position along the
direction in which responses have moved, which a new release changes a little everywhere. A sample's
direction comes from the samples of other users (cross-fitting), so that it is arbitrary without
drift. The estimate is that of the score with the clearer excess
(:func:`monitor.drift.drifted_share.estimate_excess`).
"""

import numpy as np
from numpy.typing import NDArray

from monitor.drift.drifted_share import CONFIDENCE, DriftedShare, Tail, estimate_excess
from monitor.drift.output.strata import Strata
from monitor.drift.samples.design import Layout
from monitor.drift.samples.pool import Pool

N_FOLDS = 5
#: An off-topic response is nearly always farther than most of the reference's.
DISTANCE_TAILS = (Tail(0.05, 1.0, 1.0), Tail(0.10, 1.0, 1.0))
#: A common shift moves responses across the median.
SHIFT_TAILS = (Tail(0.5, 1.0, 1.0),)


def estimate_response_share(
    layout: Layout,
    strata: Strata,
    distance: NDArray[np.float64],
    residual: NDArray[np.float32],
    rng: np.random.Generator,
) -> DriftedShare:
    """Estimate the drifted share: that among comparable prompts, times their share.

    The reference is weighted to the current window's distribution over the prompt cells, so that a
    shift of the prompts alone produces no excess.

    Args:
        layout: Both windows.
        strata: The prompt cells of all samples.
        distance: float64 ``[N]``: distance of each response from those to the nearest prompts,
            scaled within classes of equal prompt density.
        residual: float32 ``[N, e]``: residual of each response after the regression on prompts.
        rng: Draws the folds.
    """
    pool, n_strata = layout.pool, len(strata.shared)
    shared = strata.shared[strata.stratum]
    current = np.bincount(
        strata.stratum, weights=layout.weights * pool.is_current, minlength=n_strata
    )
    reference = np.bincount(strata.stratum[~pool.is_current], minlength=n_strata)
    weight = np.where(
        pool.is_current, layout.weights, (current / np.maximum(reference, 1))[strata.stratum]
    )
    moved = shift_scores(residual, pool, strata.stratum, shared, rng)
    estimates = [
        estimate_excess(
            score[shared],
            pool.is_current[shared],
            weight[shared],
            pool.unit[shared],
            tails=tails,
            confidence=1.0 - (1.0 - CONFIDENCE) / 2,
        )
        for score, tails in ((distance, DISTANCE_TAILS), (moved, SHIFT_TAILS))
    ]
    clearer = max(estimates, key=lambda share: (share.lower, share.estimate))
    comparable = layout.share_of_current(shared)
    return DriftedShare(
        estimate=clearer.estimate * comparable,
        lower=clearer.lower * comparable,
        upper=clearer.upper * comparable,
    )


def shift_scores(
    residual: NDArray[np.float32],
    pool: Pool,
    stratum: NDArray[np.int64],
    shared: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return each sample's position along the direction of other users' shift, float64 ``[N]``.

    Args:
        residual: float32 ``[N, e]``.
        pool: Both windows; all samples of a user lie in one fold.
        stratum: int64 ``[N]``: samples are compared within their stratum.
        shared: bool ``[N]``: samples of strata with both sides.
        rng: Draws the folds.
    """
    fold = (rng.permutation(int(pool.owner.max()) + 1) % N_FOLDS)[pool.owner]
    scores = np.zeros(len(residual))
    for number in range(N_FOLDS):
        inside, outside = fold == number, (fold != number) & shared
        scores[inside] = residual[inside] @ _direction(residual, pool.is_current, stratum, outside)
    return scores


def _direction(
    residual: NDArray[np.float32],
    is_current: NDArray[np.bool_],
    stratum: NDArray[np.int64],
    rows: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return the mean difference within strata (Mantel & Haenszel's weights), float64 ``[e]``."""
    own_stratum, label = stratum[rows], is_current[rows]
    n = np.bincount(own_stratum)
    share = np.bincount(own_stratum, weights=label) / np.maximum(n, 1)
    weight = label - share[own_stratum]
    return np.asarray(weight @ residual[rows].astype(np.float64))
