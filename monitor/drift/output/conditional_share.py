"""Estimates of what has changed of the responses, given the prompts: a share, or all of them.

The share comes from the distance of a response from the reference's responses to the nearest
prompts, which a few off-topic responses raise. The shift comes from the position of a response, or
of its descriptors, along the direction in which they have moved, which a new release changes a
little everywhere. A sample's direction comes from the samples of other users (cross-fitting), so
that it is arbitrary without drift. Each score has its part of the error; the one with the clearer
excess tells what has changed (:func:`monitor.drift.drifted_share.estimate_excess`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.drifted_share import CONFIDENCE, DriftedShare, Tail, estimate_excess
from monitor.drift.output.strata import Strata
from monitor.drift.samples.design import Layout
from monitor.drift.samples.pool import Pool

N_FOLDS = 5
#: An off-topic response is nearly always farther than most of the reference's.
DISTANCE_TAILS = (Tail(0.05, 1.0, 1.0), Tail(0.10, 1.0, 1.0))
#: Of responses that had all changed, this part at least lay in the tails: the others are as near as
#: some of the reference's. The upper limit allows for it.
LEAST_CAPTURE = 0.93
#: A common shift moves responses across the median.
SHIFT_TAILS = (Tail(0.5, 1.0, 1.0),)


@dataclass(frozen=True, kw_only=True)
class ResponseChange:
    """The change of the responses: of a share of them, or of all by a shift."""

    #: Of the responses to comparable prompts: those unlike the reference's.
    share: DriftedShare
    #: The share of the window's responses whose prompts are comparable.
    comparable: float
    #: The share of the comparable responses beyond the reference's median in the direction of the
    #: shift; .5 without a shift.
    shift: DriftedShare
    #: Whether the shift is the clearer of the two.
    is_shift: bool

    @property
    def size(self) -> float:
        """Return the least share of the comparable responses that has changed by either."""
        return max(self.share.estimate, 2.0 * self.shift.estimate - 1.0)


def estimate_response_change(
    layout: Layout,
    strata: Strata,
    distance: NDArray[np.float64],
    residuals: Sequence[NDArray[np.float32]],
    rng: np.random.Generator,
) -> ResponseChange:
    """Estimate the drifted share of the responses to comparable prompts, and their shift.

    Nothing is known of the other responses: they count for neither side of the estimate.

    The reference is weighted to the current window's distribution over the prompt cells, so that a
    shift of the prompts alone produces no excess.

    ``distance``, float64 ``[N]``, is that of each response from those to the nearest prompts,
    scaled within classes of equal prompt density. ``residuals``, float32 ``[N, e]`` each, are those
    of each response, and of its descriptors, after the regression on prompts.
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
    moved = [shift_scores(residual, pool, strata.stratum, shared, rng) for residual in residuals]
    scores = [(distance, DISTANCE_TAILS), *((score, SHIFT_TAILS) for score in moved)]
    share, *shifts = (
        estimate_excess(
            score[shared],
            pool.is_current[shared],
            weight[shared],
            strata.stratum[shared] if strata.is_paired else pool.unit[shared],
            tails=tails,
            is_paired=strata.is_paired,
            confidence=1.0 - (1.0 - CONFIDENCE) / len(scores),
        )
        for score, tails in scores
    )
    shift = max(shifts, key=_clarity)
    upper = share.upper / LEAST_CAPTURE
    if shift.lower > 0.0 and shift.estimate > share.estimate:
        # So many have moved, though they are no farther than the reference's.
        upper = max(upper, shift.upper)
    return ResponseChange(
        share=DriftedShare(
            estimate=share.estimate,
            lower=share.lower,
            upper=min(upper, 1.0),
        ),
        comparable=layout.share_of_current(shared),
        shift=DriftedShare(
            estimate=0.5 + 0.5 * shift.estimate,
            lower=0.5 + 0.5 * shift.lower,
            upper=0.5 + 0.5 * shift.upper,
        ),
        is_shift=_clarity(shift) > _clarity(share),
    )


def _clarity(share: DriftedShare) -> tuple[float, float]:
    return share.lower, share.estimate


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
