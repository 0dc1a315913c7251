r"""Excess of the newest week over the weeks before, with its interval.

If the newest week is :math:`(1-e) R + e Q`, then :math:`C(A) - R(A) \le e (1 - R(A))` for every
set :math:`A` that is independent of it (see :mod:`monitor.drift.drifted_share`). Two sets are
tested, each with half of the error of the interval: the far tail of the reference's isolation, and
the cells that have gained. The latter are selected by one half of the bins and counted in the
other, and vice versa: selected and counted on the same samples, chance would look like excess.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.slow.innovations import Series
from monitor.statistics.intervals import clopper_pearson
from monitor.statistics.mover import Limits, difference_limits

#: Weeks that a topic is learned from: enough to detect it, few enough for it to be new.
RECENT_WEEKS = 4

#: Least gain of a cell for a bet, in standard errors.
MIN_GAIN = 1.5

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Excess:
    """The share of the newest week that the weeks before don't explain."""

    share: float
    lower: float
    upper: float


def learned_direction(past: Series) -> NDArray[np.float64]:
    """Return the recent gain of each cell, float64 ``[2, K]``; 0 where it has not gained.

    A contrast within the past, standardised by the pooled share of both sides. It isn't divided by
    a cell's size, which would favour cells that were small in all the past by chance.

    Args:
        past: The reference and the weeks before the current bet.
    """
    first = max(1, len(past) - RECENT_WEEKS)
    counts = past.counts.sum(axis=2)
    return np.stack(
        [
            _gain(n[first:].sum(), inside[first:].sum(0), n[:first].sum(), inside[:first].sum(0))
            for n, inside in zip(counts, past.totals, strict=True)
        ]
    )


def largest_excess(before: Series, during: Series) -> Excess:
    """Return the larger of the two excesses of the newest week.

    ``before`` are the reference and the weeks before the onset, ``during`` those since, the newest
    last.
    """
    candidates = [
        _excess(before.counts, before.tail, during.counts[:, -1], during.tail[:, -1]),
        _excess(*_in_gained_cells(before, during)),
    ]
    return max(candidates, key=lambda excess: (excess.lower, excess.share))


def _gain(
    n: float, inside: NDArray[np.float64], n_before: float, inside_before: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the gain of each cell in standard errors, less ``MIN_GAIN``, and at least 0."""
    if min(n, n_before) <= 0.0:
        return np.zeros(len(inside))
    pooled = (inside + inside_before + 0.5) / (n + n_before)
    error = np.sqrt(pooled * (1.0 / n + 1.0 / n_before))
    return np.asarray(np.maximum((inside / n - inside_before / n_before) / error - MIN_GAIN, 0.0))


def _in_gained_cells(
    before: Series, during: Series
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return by bin the counts, and those in gained cells, before and in the newest week."""
    inside_before, inside = np.zeros(before.counts.shape), np.zeros(during.counts[:, -1].shape)
    recent = during[-RECENT_WEEKS:]
    for half in (0, 1):
        for fold in (0, 1):
            selection, counting = slice(fold, None, 2), slice(1 - fold, None, 2)
            gained = (
                _gain(
                    recent.counts[half, :, selection].sum(),
                    recent.cells[half, :, selection].sum(axis=(0, 1)),
                    before.counts[half, :, selection].sum(),
                    before.cells[half, :, selection].sum(axis=(0, 1)),
                )
                > 0.0
            )
            inside_before[half, :, counting] = before.cells[half, :, counting] @ gained
            inside[half, counting] = during.cells[half, -1, counting] @ gained
    return before.counts, inside_before, during.counts[:, -1], inside


def _excess(
    counts_before: NDArray[np.float64],
    inside_before: NDArray[np.float64],
    counts: NDArray[np.float64],
    inside: NDArray[np.float64],
) -> Excess:
    """Return the excess of a share over the usual one, with limits by MOVER."""
    tail = (1.0 - CONFIDENCE) / 4.0
    current, reference = (
        _limits(counts, inside, tail),
        _limits(counts_before, inside_before, tail),
    )
    lower, upper = difference_limits(reference, current)
    outside = max(1.0 - reference.lower, 1e-9)
    limits = np.clip(np.array([current.mean - reference.mean, lower, upper]) / outside, 0.0, 1.0)
    return Excess(*limits.tolist())


def _limits(counts: NDArray[np.float64], inside: NDArray[np.float64], tail: float) -> Limits:
    """Return a share with its limits, at the effective number of samples of its bins."""
    n = float(counts.sum())
    if n <= 0.0:
        return Limits(0.0, 0.0, 1.0)
    share = float(inside.sum()) / n
    bins = int((counts > 0).sum())
    variance = float(((inside - counts * share) ** 2).sum()) / n * bins / max(bins - 1, 1)
    expected = share * (1.0 - share)
    effective = max(n if variance <= 0.0 else min(n, n * expected / variance), 1.0)
    lower, upper = clopper_pearson(share * effective, effective, tail)
    return Limits(lower, share, upper)
