r"""Which cells have gained in the last weeks, and how much of the newest week is surely excess.

If the newest week is :math:`(1-e) R + e Q`, then for every set :math:`A` that it didn't choose
itself :math:`C(A) - R(A) \le e (1 - R(A))` (as in :mod:`monitor.drift.drifted_share`). Two sets are tried,
each with half of the error: the far tail of the reference's isolation, and the cells that have
gained. The latter are chosen by one half of the bins and counted in the other, and the other way
round: chosen and counted on the same samples, chance would look like excess.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.slow.innovations import Series
from monitor.statistics.binomial import clopper_pearson

#: What a topic is learned from: long enough to see it, short enough that it is new.
RECENT_WEEKS = 4

#: Standard errors by which a cell must have gained to be bet on.
MIN_GAIN = 1.5

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Excess:
    """A share of the newest week that the weeks before don't account for."""

    share: float
    lower_bound: float


def learned_direction(past: Series) -> NDArray[np.float64]:
    """Return how much each cell has gained lately, float64 ``[2, K]``; 0 where it hasn't.

    A contrast within the past, standardised by what both sides of it have together. It isn't
    divided by a cell's size, which would favour cells that happened to be small in all the past.

    Args:
        past: The reference and the weeks before the one that is bet on.
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

    Args:
        before: The reference and the weeks before the drift.
        during: The weeks since, the newest last.
    """
    found = [
        _excess(before.counts, before.tail, during.counts[:, -1], during.tail[:, -1]),
        _excess(*_in_gained_cells(before, during)),
    ]
    return max(found, key=lambda one: (one.lower_bound, one.share))


def _gain(
    n: float, inside: NDArray[np.float64], n_before: float, inside_before: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return by how many standard errors each cell has gained, less ``MIN_GAIN``; 0 at least."""
    if min(n, n_before) <= 0.0:
        return np.zeros(len(inside))
    pooled = (inside + inside_before + 0.5) / (n + n_before)
    error = np.sqrt(pooled * (1.0 / n + 1.0 / n_before))
    return np.asarray(np.maximum((inside / n - inside_before / n_before) / error - MIN_GAIN, 0.0))


def _in_gained_cells(
    before: Series, during: Series
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return counts, and counts inside the gained cells, by bin: before, and of the newest week."""
    inside_before, inside = np.zeros(before.counts.shape), np.zeros(during.counts[:, -1].shape)
    recent = during[-RECENT_WEEKS:]
    for half in (0, 1):
        for fold in (0, 1):
            chosen, counted = slice(fold, None, 2), slice(1 - fold, None, 2)
            gained = (
                _gain(
                    recent.counts[half, :, chosen].sum(),
                    recent.cells[half, :, chosen].sum(axis=(0, 1)),
                    before.counts[half, :, chosen].sum(),
                    before.cells[half, :, chosen].sum(axis=(0, 1)),
                )
                > 0.0
            )
            inside_before[half, :, counted] = before.cells[half, :, counted] @ gained
            inside[half, counted] = during.cells[half, -1, counted] @ gained
    return before.counts, inside_before, during.counts[:, -1], inside


def _excess(
    counts_before: NDArray[np.float64],
    inside_before: NDArray[np.float64],
    counts: NDArray[np.float64],
    inside: NDArray[np.float64],
) -> Excess:
    """Bound the difference of two shares (MOVER; Zou & Donner, Stat. Med. 2008, eq. 5)."""
    tail = (1.0 - CONFIDENCE) / 2.0
    share, low, _ = _limits(counts, inside, tail)
    usual, usual_low, usual_high = _limits(counts_before, inside_before, tail)
    bound = share - usual - np.hypot(share - low, usual_high - usual)
    outside = max(1.0 - usual_low, 1e-9)
    return Excess(
        share=float(np.clip((share - usual) / outside, 0.0, 1.0)),
        lower_bound=float(np.clip(bound / outside, 0.0, 1.0)),
    )


def _limits(
    counts: NDArray[np.float64], inside: NDArray[np.float64], tail: float
) -> tuple[float, float, float]:
    """Return a share with limits, at the effective number of samples that its bins tell."""
    n = float(counts.sum())
    if n <= 0.0:
        return 0.0, 0.0, 1.0
    share = float(inside.sum()) / n
    bins = int((counts > 0).sum())
    variance = float(((inside - counts * share) ** 2).sum()) / n * bins / max(bins - 1, 1)
    expected = share * (1.0 - share)
    effective = n if variance <= 0.0 else min(n, n * expected / variance)
    return (share, *clopper_pearson(share * max(effective, 1.0), max(effective, 1.0), tail))
