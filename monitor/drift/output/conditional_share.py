r"""A lower bound on the share of responses that have changed, given the prompts.

Two scores are looked at, each with half of the error: how foreign a response is among the
reference's responses to the nearest prompts, which a few off-topic answers raise; and how far it
lies in the direction in which the responses have moved, which a new release changes a little
everywhere. The direction a sample is judged by comes from other users' samples (cross-fitting), so
that without drift it is an arbitrary one. The bound is :mod:`monitor.drift.drifted_share`'s for either.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.drift.drifted_share import CONFIDENCE, TAIL_SHARES, bound_excess
from monitor.drift.output.strata import Strata
from monitor.drift.samples.design import Layout
from monitor.drift.samples.pool import Pool

N_FOLDS = 5
#: Where a shift of all is looked for: the upper half and less of the reference.
SHIFT_SHARES = (0.5, 0.3, 0.15)


def response_share_lower_bound(
    layout: Layout,
    strata: Strata,
    distance: NDArray[np.float64],
    residual: NDArray[np.float32],
    rng: np.random.Generator,
) -> float:
    """Bound the drifted share among the prompts that both sides have, times their share.

    The reference is weighted to the current window's distribution over the prompt cells, so that a
    shift of the prompts alone makes no excess.

    Args:
        layout: Both windows.
        strata: The prompt cells of all samples.
        distance: float64 ``[N]``: how foreign each response is, scaled among prompts with
            neighbours as near.
        residual: float32 ``[N, e]``: what the prompt doesn't explain of each response.
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
    bounds = [
        bound_excess(
            score[shared],
            pool.is_current[shared],
            weight[shared],
            pool.unit[shared],
            confidence=1.0 - (1.0 - CONFIDENCE) / 2,
            tail_shares=shares,
        )
        for score, shares in ((distance, TAIL_SHARES), (moved, SHIFT_SHARES))
    ]
    return max(bounds) * layout.share_of_current(shared)


def shift_scores(
    residual: NDArray[np.float32],
    pool: Pool,
    stratum: NDArray[np.int64],
    shared: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return how far each sample lies in the direction that others' responses have moved, ``[N]``.

    Args:
        residual: float32 ``[N, e]``.
        pool: Both windows; all samples of a user lie in one fold.
        stratum: int64 ``[N]``: a sample is compared with those of its own.
        shared: bool ``[N]``: samples of strata that both sides have.
        rng: Draws the folds.
    """
    fold = (rng.permutation(int(pool.owner.max()) + 1) % N_FOLDS)[pool.owner]
    scores = np.zeros(len(residual))
    for number in range(N_FOLDS):
        inside, others = fold == number, (fold != number) & shared
        scores[inside] = residual[inside] @ _direction(residual, pool.is_current, stratum, others)
    return scores


def _direction(
    residual: NDArray[np.float32],
    is_current: NDArray[np.bool_],
    stratum: NDArray[np.int64],
    rows: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return the mean difference within strata (Mantel & Haenszel's weights), float64 ``[e]``."""
    which, label = stratum[rows], is_current[rows]
    n = np.bincount(which)
    share = np.bincount(which, weights=label) / np.maximum(n, 1)
    weight = label - share[which]
    return np.asarray(weight @ residual[rows].astype(np.float64))
